//! The one table of functions keeps its word: whatever the arguments, a function gives a value of its declared type and
//! is never empty, or it fails in a declared way. Each is called through the checker, the compiler and the VM, and by
//! itself; both give the same.
//!
//! `WEIR_FUNCTIONS=20000 cargo test --release --test functions -- --nocapture` is a longer run.

#![cfg(test)]

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::strategy::Union;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use smol_str::SmolStr;
use weir::check::ir::{Expr, Scenario, StepKind, StmtKind};
use weir::compile;
use weir::diagnostic::{Code, Severity};
use weir::pipeline::{Operation, Pipeline, Settings};
use weir::project::Project;
use weir::schema::Row;
use weir::value::{ChoiceId, Decimal, Duration, Environment, Evaluation, Function, Reference, Takes, Type, Uuid, Value};
use weir::vm::Fault;

/// A field of every type; all but the name may be empty.
const ENTITY: &str = r#"
choice Rating { hot = 1 "Hot!", cold = 2 "", gone = -7 }
entity subject {
  name   text(200) required
  note   text(200)
  yes    boolean
  whole  integer
  big    bigint
  rate0  decimal(0)
  rate   decimal(2)
  rate10 decimal(10)
  cash0  money(0)
  cash   money(4)
  ratio  float
  rating choice Rating
  tags   choices { a = 1, b = 2 }
  due    date
  since  datetime
  clock  datetime local
  link   lookup subject
  key1   uuid
}
"#;

/// How a value of each type is written in a flow, beside the type.
fn written() -> Vec<(&'static str, Type)> {
    vec![
        ("r.yes", Type::Boolean),
        ("r.whole", Type::Integer),
        ("r.big", Type::BigInt),
        ("r.rate0", Type::Decimal(0)),
        ("r.rate", Type::Decimal(2)),
        ("r.rate10", Type::Decimal(10)),
        ("(r.rate10 ?? 0) * (r.rate10 ?? 0) * 0.12345678", Type::Decimal(28)),
        ("r.cash0", Type::Money(0)),
        ("r.cash", Type::Money(4)),
        ("(r.cash ?? 0) / 3", Type::Money(10)),
        ("r.ratio", Type::Float),
        ("r.note", Type::Text),
        ("r.rating", Type::Choice(ChoiceId(0))),
        ("r.tags", Type::Choices(ChoiceId(1))),
        ("r.due", Type::Date),
        ("r.since", Type::DateTime),
        ("r.clock", Type::LocalDateTime),
        ("3 days", Type::Duration),
        ("2 months", Type::Period),
        ("r", Type::Lookup([].into())),
        ("r.key1", Type::Uuid),
    ]
}

/// Values of a type, its extremes among them.
fn values(ty: &Type, record: Reference) -> BoxedStrategy<Value> {
    let of = |extremes: Vec<Value>, any: BoxedStrategy<Value>| Union::new([proptest::sample::select(extremes).boxed(), any]).boxed();
    let micros = -62_135_596_800_000_000_i64..=253_402_207_199_999_999;
    let instant = |micros| jiff::Timestamp::from_microsecond(micros).unwrap();
    let civil = move |micros| jiff::tz::TimeZone::UTC.to_datetime(instant(micros));
    let ends = [*micros.start(), 0, -1, *micros.end()];
    let whole = |values: &[i64]| values.iter().copied().map(Value::Integer).collect();
    match ty {
        Type::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        Type::Integer => {
            of(whole(&[0, 1, -1, i32::MAX.into(), i32::MIN.into()]), any::<i32>().prop_map(|number| Value::Integer(number.into())).boxed())
        }
        Type::BigInt => of(whole(&[0, 1, -1, 28, 29, i64::MAX, i64::MIN]), any::<i64>().prop_map(Value::Integer).boxed()),
        Type::Decimal(scale) | Type::Money(scale) => {
            let scale = u32::from(*scale);
            let most = 10_i128.pow(28) - 1;
            let decimal = move |units| Value::Decimal(Decimal::from_i128_with_scale(units, scale));
            let half = 5 * 10_i128.pow(scale.max(1) - 1);
            let extremes = [0, 1, -1, half, -half, half + 1, most, -most, 100_000_000_000 * 10_i128.pow(scale.min(10))];
            of(
                extremes.map(decimal).to_vec(),
                (-most..=most, 0..28_u32).prop_map(move |(units, less)| decimal(units / 10_i128.pow(less))).boxed(),
            )
        }
        Type::Float => of(
            [0.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE].map(Value::Float).to_vec(),
            any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::Float).boxed(),
        ),
        Type::Text => {
            let odd = ["", " ", "aa", "\u{a0}x\u{2003}", "STRASSE", "straße", "İıſ", "Σας", "é", "e\u{301}", "👩‍👧"];
            let long = "a".repeat(5_000);
            let texts =
                prop_oneof![proptest::sample::select(odd.to_vec()).prop_map(String::from), any::<String>(), Just("a".into()), Just(long)];
            texts.prop_map(|text| Value::Text(text.into())).boxed()
        }
        Type::Choice(_) => proptest::sample::select(vec![1, 2, -7]).prop_map(Value::Choice).boxed(),
        Type::Choices(_) => proptest::sample::subsequence(vec![1, 2], 1..=2).prop_map(|codes| Value::Choices(codes.into())).boxed(),
        Type::Date => {
            of(ends.map(|at| Value::Date(civil(at).date())).to_vec(), micros.prop_map(move |at| Value::Date(civil(at).date())).boxed())
        }
        Type::DateTime => {
            of(ends.map(|at| Value::DateTime(instant(at))).to_vec(), micros.prop_map(move |at| Value::DateTime(instant(at))).boxed())
        }
        Type::LocalDateTime => {
            of(ends.map(|at| Value::LocalDateTime(civil(at))).to_vec(), micros.prop_map(move |at| Value::LocalDateTime(civil(at))).boxed())
        }
        Type::Duration => (-4_000_000..4_000_000_i32, any::<i64>())
            .prop_map(|(days, micros)| Value::Duration(Duration { days, micros, ..Duration::default() }))
            .boxed(),
        Type::Period => any::<i32>().prop_map(|months| Value::Duration(Duration { months, ..Duration::default() })).boxed(),
        Type::Lookup(_) => Just(Value::Reference(record)).boxed(),
        Type::Uuid => any::<u128>().prop_map(|id| Value::Uuid(Uuid::from_u128(id))).boxed(),
    }
}

/// Whether a value is one of a type, with no more decimals and no more bits than that.
fn is_of(value: &Value, ty: &Type) -> bool {
    match (value, ty) {
        (Value::Integer(number), Type::Integer) => i32::try_from(*number).is_ok(),
        (Value::Decimal(number), Type::Decimal(scale) | Type::Money(scale)) => number.normalize().scale() <= u32::from(*scale),
        (Value::Duration(length), Type::Duration) => length.months == 0,
        (Value::Duration(length), Type::Period) => length.days == 0 && length.micros == 0,
        (Value::Boolean(_), Type::Boolean)
        | (Value::Integer(_), Type::BigInt)
        | (Value::Float(_), Type::Float)
        | (Value::Text(_), Type::Text)
        | (Value::Date(_), Type::Date)
        | (Value::DateTime(_), Type::DateTime)
        | (Value::LocalDateTime(_), Type::LocalDateTime) => true,
        _ => false,
    }
}

/// How a function may fail. One that isn't here never does.
fn declared(function: &Function) -> &'static [Code] {
    match function.name {
        // The least `bigint` has no opposite.
        "abs" => &[Code::F03],
        // Beyond 64 bits, or to fewer than no decimals.
        "ceil" | "floor" | "round" => &[Code::F03],
        // Longer than a text may become.
        "replace" => &[Code::F14],
        _ => &[],
    }
}

/// A call that the checker takes.
struct Call {
    function: &'static Function,
    text: String,
    scenario: Scenario,
    value: Expr,
    arguments: Vec<Type>,
}

/// A call in a scenario, its arguments by `let`s behind the record; or why the checker refuses it.
fn check(function: &'static Function, arguments: &[&str]) -> Result<Call, Vec<Code>> {
    let lets: String = arguments.iter().enumerate().map(|(at, argument)| format!("let a{at} = {argument}\n")).collect();
    let names: Vec<String> = (0..arguments.len()).map(|at| format!("a{at}")).collect();
    let call = format!("{}({})", function.name, names.join(", "));
    let project = Project::from_text(
        "call.flow",
        format!("{ENTITY}\nscenario s {{\nlet r = create subject {{ name = \"r\" }}\n{lets}let x = {call}\n}}"),
    );
    let errors: Vec<Code> = project.diagnostics.iter().filter(|said| said.severity() == Severity::Error).map(|said| said.code).collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let scenario = project.checked.scenarios[0].clone();
    let Some(StepKind::Do(StmtKind::Let { value, .. })) = scenario.steps.last().map(|step| &step.kind) else { panic!("{call}") };
    let arguments: Vec<Type> = scenario.locals[1..scenario.locals.len() - 1].iter().map(|local| local.ty.clone()).collect();
    Ok(Call { function, text: format!("{call} of {arguments:?}"), value: value.clone(), scenario, arguments })
}

/// A store with one record, in a time zone with hours that don't exist.
fn opened() -> (Pipeline, Reference) {
    let project = Project::from_text("store.flow", ENTITY);
    let settings = Settings { zone: zone(), ..Settings::fixed() };
    let mut pipeline = project.compile().unwrap().open("sqlite::memory:", settings).unwrap();
    let entity = project.checked.schema.entity_id("subject").unwrap();
    let mut values = Row::default();
    values.set(project.checked.schema.entity(entity).unwrap().slot("name").unwrap(), Value::Text("the record".into()));
    let outcome = pipeline.execute(Operation::Create { entity, values }, None);
    (pipeline, outcome.record.unwrap())
}

/// As a pipeline without an address of its own tells it.
fn address(record: Reference) -> SmolStr {
    format!("/subject/{}", record.id).into()
}

fn zone() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

/// Calls a function with made-up arguments of these types; counts how the calls ended.
fn hold(call: &Call, pipeline: &mut Pipeline, record: Reference, cases: u32, ends: &mut BTreeMap<&'static str, usize>) {
    let made: Vec<_> = call.arguments.iter().map(|ty| values(ty, record)).collect();
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let pipeline = std::cell::RefCell::new((pipeline, ends));
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
        .run(&made, |arguments| {
            let (pipeline, ends) = &mut *pipeline.borrow_mut();
            let by_vm = call.run(pipeline, &arguments);
            *ends.entry(by_vm.as_ref().map_or_else(|fault| fault.code.name(), |_| "well")).or_insert(0) += 1;
            match &by_vm {
                Ok(value) => prop_assert!(is_of(value, &call.value.ty), "gave {value:?}, which is no {:?}", call.value.ty),
                Err(fault) => prop_assert!(declared(call.function).contains(&fault.code), "{}: {}", fault.code.name(), fault.message),
            }
            if let Evaluation::Computed(_) = call.function.evaluation {
                let alone = call.function.call(&call.converted(arguments), &Environment { zone: &zone(), address: &address });
                match (alone, by_vm) {
                    // The VM has a limit of its own for texts.
                    (_, Err(fault)) if fault.code == Code::F14 => {}
                    (alone, by_vm) => prop_assert_eq!(alone.ok(), by_vm.ok(), "by itself, and on the VM"),
                }
            }
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{}: {error}", call.text));
}

impl Call {
    fn run(&self, pipeline: &mut Pipeline, arguments: &[Value]) -> Result<Value, Fault> {
        let code = compile::expression(&self.value, &self.scenario.locals);
        let inputs: Vec<Value> = [Value::Empty].iter().chain(arguments).chain(&[Value::Empty]).cloned().collect();
        pipeline.evaluate(&code, &inputs, None)
    }

    /// The arguments as the checker hands them over: of `min` and `max` all whole, or all decimals.
    fn converted(&self, arguments: Vec<Value>) -> Vec<Value> {
        let mixed = self.function.parameters[0].takes == Takes::Ordered && arguments.iter().any(|value| matches!(value, Value::Decimal(_)));
        let decimal = |value| match value {
            Value::Integer(number) if mixed => Value::Decimal(number.into()),
            value => value,
        };
        arguments.into_iter().map(decimal).collect()
    }
}

/// Every list of arguments that the parameters of a function admit; where the last may be repeated, also with the first once more.
fn lists(function: &Function) -> Vec<Vec<&'static str>> {
    let admitted = |at: usize| -> Vec<&'static str> {
        let takes = function.parameter(at).unwrap().takes;
        written().into_iter().filter(|(_, ty)| takes.admits(ty)).map(|(text, _)| text).collect()
    };
    let (fewest, most) = function.counts();
    let mut all = Vec::new();
    for count in fewest..=most.unwrap_or(fewest + 1) {
        let mut lists = vec![vec![]];
        for at in 0..count.min(function.parameters.len()) {
            lists = lists.iter().flat_map(|list| admitted(at).into_iter().map(|text| [list.clone(), vec![text]].concat())).collect();
        }
        let repeated = |list: &mut Vec<_>| list.extend(list.first().copied().into_iter().cycle().take(count - list.len()));
        lists.iter_mut().for_each(repeated);
        all.extend(lists);
    }
    all
}

#[test]
fn every_function_gives_what_it_declares_or_fails_as_declared() {
    let wanted: usize = std::env::var("WEIR_FUNCTIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    let (mut pipeline, record) = opened();
    for function in Function::ALL {
        let (mut calls, mut ends) = (0, BTreeMap::new());
        let lists = lists(function);
        let cases = (wanted / lists.len()).max(5) as u32;
        for list in lists {
            match check(function, &list) {
                Ok(call) => {
                    assert!(!call.value.optional, "{} is never empty", call.text);
                    hold(&call, &mut pipeline, record, cases, &mut ends);
                    calls += 1;
                }
                // Two values without a type in common, which is what the ordered ones need.
                Err(codes) => assert!(function.parameters[0].takes == Takes::Ordered && codes == [Code::E0410], "{list:?}: {codes:?}"),
            }
        }
        println!("{:12} {calls:4} lists of types, ended {ends:?}", function.name);
        assert!(ends.get("well").is_some_and(|count| *count > 0), "{} is called", function.name);
        for code in declared(function) {
            assert!(ends.contains_key(code.name()), "{} fails with {} sometimes", function.name, code.name());
        }
    }
}

/// Where a function takes no empty value a flow has to say what counts instead, and a test finds out when it runs.
#[test]
fn a_function_is_empty_for_nothing() {
    let (mut pipeline, _) = opened();
    for function in Function::ALL {
        for list in lists(function).into_iter().filter(|list| list.iter().all(|text| text.starts_with("r."))) {
            let in_flow = list.join(", ").replace("r.", "");
            let text = format!("{ENTITY}\nflow F on subject {{ trigger update(yes) let x = {}({in_flow}) }}", function.name);
            let codes: Vec<Code> = Project::from_text("flow.flow", text).diagnostics.iter().map(|said| said.code).collect();
            let refused = if function.takes_empty { 0 } else { list.len() };
            assert_eq!(codes.iter().filter(|code| **code == Code::E0501).count(), refused, "{}({in_flow}): {codes:?}", function.name);
            let Ok(call) = check(function, &list) else { continue };
            let empty = vec![Value::Empty; list.len()];
            let wanted = if function.takes_empty { Ok(Value::Text("".into())) } else { Err(Code::F05) };
            assert_eq!(call.run(&mut pipeline, &empty).map_err(|fault| fault.code), wanted, "{}", call.text);
        }
    }
}
