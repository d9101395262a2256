//! Signatures are sound: generated flows run over generated records in a real pipeline, together with flows that they set
//! off, and end in no fault that the signature of a flow on the way doesn't list. How often each cause was listed and how often it was seen is printed.
//!
//! `WEIR_SOUNDNESS=5000 cargo test --release --test soundness -- --nocapture` is a longer run.
//!
//! The same flows and changes are held against each other on SQLite and on PostgreSQL: how each ended, with its reasons and its trace,
//! and every row that is left. `WEIR_BOTH=1000 tests/with-postgres cargo test --release --test soundness both -- --nocapture`.

#![cfg(test)]

#[path = "engines/generate.rs"]
mod generate;
#[path = "support/stores.rs"]
mod stores;

use std::collections::{BTreeMap, BTreeSet};

use generate::{Generator, SCHEMA};
use weir::bytecode::{Cause, all_causes, signatures};
use weir::diagnostic::{Code, Severity};
use weir::pipeline::{Ending, Operation, Outcome, Pipeline, PluginContext, Settings};
use weir::project::{Compiled, Project};
use weir::schema::Row;
use weir::value::{Decimal, Reference, Uuid, Value};
use weir::vm::Fault;

/// What the generated flow can set off.
const PARTNERS: &str = r#"
entity part {
  code  text(30) required
  title text(20) required
  size  integer(0..1000)
  about lookup thing
  kept  lookup thing
  key (code)
  on delete of kept: restrict
}

flow TitlePart on part {
  trigger create
  stage   pre-operation
  if size > 5 { set title = "{title}!" }
}

flow CountPart on part {
  trigger create
  allow cycle
  update about? { total = 100 % (size ?? 1) }
}

flow Deep on thing {
  trigger update(total)
  allow cycle
  rank 5
  if number > 40 { update this { total = (total ?? 0) - 1 } }
}

action Weigh on part {
  input  by    integer(1..9) required
  output ratio integer(0..50)
  if size is not empty { set output ratio = 100 % size }
  update this { size = (size ?? 0) * by }
}

action Ask on part {
  input  how  text(10)
  output note text(5)
  reads size
  updates part
  via host
}

action Far {
  via command "nobody-allows-this"
}

plugin Guess on part {
  trigger update(title)
  stage   pre-operation
  reads title
  sets  size
  via host
}

flow Visit on thing {
  trigger child
  input often integer(0..50) required
  log "{name} {often * (number ?? 0)}"
}
"#;

/// Statements that nest operations.
const NESTED: &[&str] = &[
    "create part { code = name, title = \"part\", size = number ?? 0 }",
    "create part { code = \"{now}\", title = note ?? \"none\", size = 7, about = parent }",
    "create part { code = \"fixed\", title = left(name, 10), size = min(max(number ?? 1, 0), 100), about = parent }",
    "if parent.number > 3 { create part { code = \"kept\", title = \"t\", kept = parent } }",
    "update parent? { number = (number ?? 0) + 1 }",
    "update parent? { number = 7, note = left(\"{parent.note}\", 50) }",
    "update parent? { rate = round((rate ?? 0) * 2, 4) }",
    "delete parent?",
    "create part { code = \"k\", title = \"kept\", kept = parent } delete parent?",
    "create part { code = \"twice\", title = \"one\" } create part { code = \"twice\", title = \"two\" }",
    "log \"{(fine ?? 0) * (fine ?? 0)}\"",
    "let long = replace(note ?? \"\", \"x\", note ?? \"\") log \"{long}\"",
    "start Visit(often = number ?? 1) on parent?",
    "start Visit(often = 3) on parent?",
    "if number is not empty and number != 0 { log \"{100 / number}\" }",
    "let before = parent update parent? { total = 1 } update before? { flag = true }",
    "let fixed = part[\"fixed\"] update fixed { size = fixed.size }",
    "create part { code = \"a\", title = \"a\", size = number ?? 0 } for each part p where about is empty { update p { size = (p.size ?? 0) + (number ?? 0) } }",
    "for each thing t where number > 0 order by number limit 2 { set total = 100 % ((t.total ?? 0) + (number ?? 0)) }",
    "for each thing t { set number = (number ?? 0) + 1, note = \"{note}{t.name}\" }",
    "for each thing t limit 3 { if changed(number) { set rate = round(100 / (rate ?? 0), 4) } set number = 7 }",
    "for each thing t where 100 / (number ?? 0) > 3 { delete t.parent? }",
    "for each part p { delete p } for each part p { log \"{p.title}\" }",
    "let w = create part { code = \"w\", title = \"w\", size = number ?? 3 } let r = perform Weigh(by = number ?? 1) on w log \"{100 / ((r.ratio ?? 1) - 2)}\"",
    "let w = create part { code = \"v\", title = \"v\", size = 4 } let a = perform Ask(how = left(note ?? \"\", 12)) on w log \"{a.note}\"",
    "perform Far()",
    "let g = create part { code = \"g\", title = \"g\" } update g { title = left(name, 20) }",
    "log \"{sum(thing.amount where number != this.number)} {average(thing.total)} {sum(thing.fine)}\"",
];

#[test]
fn flows_fail_only_as_their_signatures_list() {
    let wanted: u64 = std::env::var("WEIR_SOUNDNESS").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    let (mut listed, mut seen) = (BTreeMap::<String, u64>::new(), BTreeMap::<String, u64>::new());
    let (mut ran, mut refused) = (0, 0);
    let still = |change: &str| format!("{SCHEMA}\n{PARTNERS}\nflow Still on thing {{ trigger update(name) allow cycle {change} }}\n");
    let wrong = |change: &&&str| {
        let project = Project::from_text("still.flow", still(change).as_str());
        project
            .diagnostics
            .iter()
            .filter(|problem| problem.severity() == Severity::Error)
            .map(|problem| println!("{change}: {problem:?}"))
            .count()
            > 0
    };
    assert_eq!(std::iter::once(&"").chain(NESTED).filter(wrong).count(), 0, "statements with mistakes");
    for seed in 0..wanted {
        let mut generator = Generator::new(seed);
        let text = text(&mut generator);
        let project = Project::from_text("generated.flow", text.as_str());
        let Ok(compiled) = project.compile() else {
            refused += 1;
            continue;
        };
        ran += 1;
        let causes = all_causes(&compiled.program, &compiled.schema, "Generated").unwrap();
        causes.iter().map(name).collect::<BTreeSet<_>>().into_iter().for_each(|name| *listed.entry(name).or_default() += 1);
        for _ in 0..3 {
            if let Some(fault) = attempt(&compiled, &mut generator, seed) {
                let cause =
                    check(&compiled, &fault).unwrap_or_else(|| panic!("seed {seed}: not listed: {fault:?}\n{text}\n{}", told(&compiled)));
                *seen.entry(cause).or_default() += 1;
            }
        }
    }
    println!("{ran} flows ran three times each, {refused} were refused by the checker");
    for (cause, count) in &listed {
        println!("  {cause}: listed {count} times, seen {} times", seen.get(cause).copied().unwrap_or(0));
    }
    assert!(ran * 2 > wanted, "only {ran} of {wanted} generated flows are well-typed");
    assert!(seen.len() >= 4, "too few kinds of faults were seen: {seen:?}");
}

/// A generated flow with a few nested operations at its end, and its partners.
fn text(generator: &mut Generator) -> String {
    let flow = generator.flow();
    let late = generator.below(2) == 0;
    let flow = flow.replace("mode background", "stage pre-operation");
    let flow = if late { flow.replace("stage pre-operation", "allow cycle") } else { flow };
    let body = flow.trim_end().strip_suffix('}').unwrap();
    let more: String = (0..generator.below(3)).map(|_| NESTED[generator.below(NESTED.len() as u64) as usize].to_owned() + "\n").collect();
    format!("{SCHEMA}\n{PARTNERS}\n{body}{more}}}\n")
}

#[test]
fn both_kinds_of_store_agree() {
    let wanted: u64 = std::env::var("WEIR_BOTH").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    let (mut ran, mut saved, mut kept) = (0, 0, 0);
    for seed in 0..wanted {
        let mut generator = Generator::new(seed);
        let text = text(&mut generator);
        let Ok(compiled) = Project::from_text("generated.flow", text.as_str()).compile() else { continue };
        let Some(url) = stores::postgres() else { return };
        let settings = || Settings { max_loop_records: 1 + seed % 2, ..Settings::fixed().traced() };
        let (here, mut sqlite) = saves(&compiled, &mut generator.clone(), seed, "sqlite::memory:", settings());
        let (there, mut postgres) = saves(&compiled, &mut generator, seed, &url, settings());
        for (one, other) in here.iter().zip(&there) {
            assert_eq!(format!("{one:#?}"), format!("{other:#?}"), "seed {seed}\n{text}");
        }
        let (here_rows, there_rows) = (rows(&mut sqlite), rows(&mut postgres));
        assert_eq!(here_rows, there_rows, "seed {seed}\n{text}");
        (ran, saved, kept) = (ran + 1, saved + here.len(), kept + here_rows.len());
    }
    println!("{ran} generated projects and {saved} saves ended the same on both kinds of store, with {kept} rows left");
    assert!(ran * 2 > wanted, "only {ran} of {wanted} generated flows are well-typed");
}

/// Every record of a store with all its fields.
fn rows(pipeline: &mut Pipeline) -> Vec<String> {
    let schema = std::sync::Arc::clone(pipeline.schema());
    let mut rows = Vec::new();
    for (id, entity) in schema.entities() {
        let fields = entity.fields().map(|(slot, _)| slot).collect();
        for record in pipeline.find(id, &Row::default(), 10_000).unwrap() {
            let row = pipeline.read(Reference { entity: id, id: record }, &fields).unwrap();
            rows.push(format!("{} {record} {row:?}", entity.name));
        }
    }
    rows
}

/// Saves one made-up change through the flows; gives the fault, if it ends in one.
fn attempt(compiled: &Compiled, generator: &mut Generator, seed: u64) -> Option<Fault> {
    let mut settings = Settings::fixed();
    if seed.is_multiple_of(10) {
        settings.max_instructions = 1 + generator.below(2_000);
    }
    settings.max_loop_records = 1 + seed % 2;
    match saves(compiled, generator, seed, &stores::empty(), settings).0.pop()?.ending {
        Ending::Fault(fault) => Some(fault),
        _ => None,
    }
}

/// Saves made-up records, and one made-up change of the last of them, through the flows.
fn saves(compiled: &Compiled, generator: &mut Generator, seed: u64, url: &str, settings: Settings) -> (Vec<Outcome>, Pipeline) {
    let mut pipeline = compiled.open(url, settings).unwrap();
    let (way, answer) = (generator.below(6), ["", "short", "far too long", "long enough"][generator.below(4) as usize]);
    bind(&mut pipeline, way, answer);
    let thing = pipeline.schema().entity_id("thing").unwrap();
    let nobody = Reference { entity: thing, id: Uuid::from_u128(7) };
    let mut save = |pipeline: &mut Pipeline, parent: Option<Reference>, id: Option<Reference>| {
        let entity = &pipeline.schema().entities["thing"];
        let mut values: Vec<(String, Value)> =
            vec![("name".into(), Value::Text(["Anna", "é", "fixed"][generator.below(3) as usize].into()))];
        values.extend(parent.map(|parent| ("parent".to_owned(), Value::Reference(parent))));
        for (slot, field) in entity.fields() {
            let own =
                slot.0 > 0 && !field.read_only && !["name", "parent", "ownerid", "statecode", "statuscode"].contains(&field.name.as_str());
            if own && generator.below(3) > 0 {
                values.push((field.name.to_string(), value(&field.name, generator)));
            }
        }
        let values = Row::of(entity, values.iter().map(|(name, value)| (name.as_str(), value.clone()))).unwrap();
        let operation = match id {
            None => Operation::Create { entity: thing, values },
            Some(record) => Operation::Update { record, values },
        };
        pipeline.execute(operation, None)
    };
    let mut outcomes = vec![save(&mut pipeline, None, None)];
    let top = outcomes.last().and_then(|outcome| outcome.record);
    outcomes.push(save(&mut pipeline, top, None));
    let record = outcomes.last().and_then(|outcome| outcome.record);
    let parent = if seed.is_multiple_of(7) { Some(nobody) } else { top };
    if let Some(target) = if seed.is_multiple_of(11) { Some(nobody) } else { record } {
        outcomes.push(save(&mut pipeline, parent, Some(target)));
    }
    (outcomes, pipeline)
}

/// Binds what the host gives: code that does what it declares, badly, or something else.
fn bind(pipeline: &mut Pipeline, way: u64, answer: &'static str) {
    let ask = move |part: &mut PluginContext<'_>| {
        let record = part.record();
        match way {
            0 => part.create("thing", &[("name", "undeclared".into())]).map(drop)?,
            1 => part.update(record, &[("size", 7000.into())])?,
            2 => part.update(record, &[("code", "fixed".into())])?,
            3 => part.update(record, &[("createdon", Value::Empty)])?,
            _ => {}
        }
        if answer.is_empty() { Ok(()) } else { part.set_output("note", answer) }
    };
    pipeline.bind("Ask", ask).unwrap();
    if way < 5 {
        pipeline.bind("Guess", move |part| part.set("size", [3, 3, 3000][way as usize % 3])).unwrap();
    }
}

/// The cause of a fault, where every flow on the way lists it; a fault of the operation itself is its flow's as well.
fn check(compiled: &Compiled, fault: &Fault) -> Option<String> {
    let chain: Vec<&str> = if fault.chain.is_empty() { vec!["Generated"] } else { fault.chain.iter().map(|name| name.as_str()).collect() };
    let mut found = None;
    for flow in chain {
        let causes = all_causes(&compiled.program, &compiled.schema, flow)?;
        let cause = causes.iter().find(|cause| cause.code() == fault.code && fits(cause, compiled, &fault.message));
        // A change of a record that isn't there is the caller's own mistake.
        let callers = fault.chain.is_empty() && fault.code == Code::F06;
        found = Some(match cause {
            Some(cause) => name(cause),
            None if callers => "F06 of the caller".to_owned(),
            None => return None,
        });
    }
    found
}

/// Whether the words of a fault are about what a cause is about.
fn fits(cause: &Cause, compiled: &Compiled, words: &str) -> bool {
    let schema = &compiled.schema;
    match cause {
        Cause::Column(entity, slot) | Cause::Empty(entity, slot) => {
            let entity = schema.entity(*entity).unwrap();
            words.contains(&format!("`{}.{}`", entity.name, entity.field(*slot).unwrap().name))
        }
        Cause::Input(_, input) | Cause::Output(_, input) | Cause::Missing(_, input) => words.contains(&format!("`{input}`")),
        Cause::OutOfTime => words.contains("years"),
        Cause::TooLarge => !words.contains("years"),
        Cause::Gone(entity) | Cause::Restricted(entity) | Cause::Duplicate(entity) => {
            // A lookup is told by its own field.
            words.contains(&format!("`{}`", schema.entity(*entity).unwrap().name)) || words.contains("refers to a record")
        }
        _ => true,
    }
}

fn name(cause: &Cause) -> String {
    format!("{} {}", cause.code().name(), cause.words())
}

fn told(compiled: &Compiled) -> String {
    signatures(&compiled.program, &compiled.schema, &compiled.sources).iter().map(ToString::to_string).collect()
}

/// A value of a field: usual, extreme or none.
fn value(field: &str, generator: &mut Generator) -> Value {
    let number = generator.below(4000) as i64 - 500;
    let (odd, sign) = (generator.below(5), if number % 2 == 0 { 1 } else { -1 });
    let decimal = |text: &str| Value::Decimal(text.parse::<Decimal>().unwrap() * Decimal::from(sign));
    match (field, odd) {
        (_, 0) => Value::Empty,
        ("note", 1) => Value::Text("x".repeat(100_000).into()),
        ("note", _) => Value::Text(["banana", "Na", ""][generator.below(3) as usize].into()),
        ("amount", 1) => decimal("922337203685477"),
        ("amount", _) => Value::Decimal(Decimal::new(number * 12_345, 4)),
        ("rate", 1) => decimal("100000000000"),
        ("rate", _) => Value::Decimal(Decimal::new(number, 4)),
        ("fine", 1) => decimal("99999999999.9999999999"),
        ("fine", _) => Value::Decimal(Decimal::new(number, 10)),
        ("ratio", 1) => Value::Float(f64::MAX),
        ("ratio", _) => Value::Float(number as f64 / 8.0),
        ("number", 1) => Value::Integer(if sign > 0 { i32::MAX.into() } else { i32::MIN.into() }),
        ("number", _) => Value::Integer(number / 20),
        ("total", 1) => Value::Integer(if sign > 0 { i64::MAX } else { i64::MIN }),
        ("total", _) => Value::Integer(number * 1_000_000),
        ("flag", _) => Value::Boolean(sign > 0),
        ("kind", _) => Value::Choice([1, 2, 7][generator.below(3) as usize]),
        ("tags", _) => Value::Choices([1].into()),
        ("born", 1) => Value::Date("9999-12-31".parse().unwrap()),
        ("born", _) => Value::Date("2024-02-29".parse().unwrap()),
        ("seen", 1) => Value::DateTime("9999-12-30T22:00:00Z".parse().unwrap()),
        ("seen", _) => Value::DateTime("2025-10-26T00:45:00Z".parse().unwrap()),
        ("spot", _) => Value::LocalDateTime("2026-01-31T23:59:59".parse().unwrap()),
        _ => Value::Empty,
    }
}
