//! What is compiled: its listing for each file below `tests/cases/compile`; and what happens to it when it is
//! damaged, in bytes or in parts: it is refused, or it runs to an end.

#![cfg(test)]

use std::sync::LazyLock;

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use weir::bytecode::{
    Awaited, Back, Bundle, Code, FlowCode, LoadError, MAGIC, Mode, Op, Problem, Program, Target, VERSION, WaitList, decode, encode, link,
    listing, verify,
};
use weir::project::Project;
use weir::schema::select::{Aggregate, Selection};
use weir::schema::{FieldSet, Row, Schema};
use weir::source::{Sources, Span};
use weir::value::{EntityId, Reference, Slot, Type, Uuid, Value};
use weir::vm::{Exit, Frame, Host, Interrupt, Waited, run};

const DECISIONS: &str = include_str!("cases/compile/decisions.flow");
const ACTIVITIES: &str = include_str!("cases/compile/activities.flow");
const WAITS: &str = include_str!("cases/compile/waits.flow");
const QUERIES: &str = include_str!("cases/compile/queries.flow");
const SMALL: &str = "entity a { n integer }\nflow F on a { trigger create stage pre-operation if n > 1 { set n = 2 } }\n";

fn compiled(text: &str) -> (Schema, Program, Sources) {
    let project = Project::from_text("case.flow", text);
    let compiled = project
        .compile()
        .unwrap_or_else(|errors| panic!("{:?}", errors.0.iter().map(|error| (&error.message, error.span())).collect::<Vec<_>>()));
    (Schema::clone(&compiled.schema), Program::clone(&compiled.program), project.sources)
}

fn file(text: &str) -> Vec<u8> {
    let (schema, program, sources) = compiled(text);
    encode(&schema, &program, &sources).expect("the file is small enough")
}

/// A file with a right length and checksum around any payload.
fn sealed(payload: &[u8]) -> Vec<u8> {
    let (version, length) = (VERSION.to_le_bytes(), (payload.len() as u64).to_le_bytes());
    let sum = Sha256::new().chain_update(version).chain_update(length).chain_update(payload).finalize();
    [MAGIC.as_slice(), &version, &length, &sum, payload].concat()
}

const HEADER: usize = 10 + 2 + 8 + 32;

#[test]
fn listings() {
    insta::glob!("cases/compile/*.flow", |path| {
        let text = std::fs::read_to_string(path).expect("the case can be read");
        let (schema, program, sources) = compiled(&text);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(path.parent().unwrap_or(".".as_ref()));
        settings.set_prepend_module_to_snapshot(false);
        settings.remove_snapshot_suffix();
        settings.set_omit_expression(true);
        settings.set_input_file(path.file_name().unwrap_or_default());
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("case");
        settings.bind(|| insta::assert_snapshot!(name, format!("{text}\n----\n{}", listing(&program, &schema, &sources))));
    });
}

#[test]
fn a_file_gives_back_what_was_put_in() {
    for text in [DECISIONS, ACTIVITIES, QUERIES, SMALL] {
        let (schema, program, sources) = compiled(text);
        let Bundle { schema: read_schema, program: read, sources: texts } = decode(&file(text)).expect("the file is whole");
        assert_eq!(read, program);
        assert_eq!(read_schema, schema);
        assert_eq!(listing(&read, &read_schema, &texts), listing(&program, &schema, &sources));
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let whole = file(SMALL);
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << bit;
            assert!(decode(&damaged).is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn every_truncation_is_refused_and_called_so() {
    let whole = file(SMALL);
    for length in 1..whole.len() {
        let error = decode(&whole[..length]).expect_err("it is cut short");
        assert!(matches!(error, LoadError::Truncated { .. }), "{length}: {error}");
    }
    assert!(matches!(decode(&[]), Err(LoadError::Foreign)));
    let mut longer = whole;
    longer.push(0);
    assert!(matches!(decode(&longer), Err(LoadError::Damaged(_))));
}

#[test]
fn foreign_and_newer_files_are_told_apart() {
    assert!(matches!(decode(b"SQLite format 3\0"), Err(LoadError::Foreign)));
    assert!(matches!(decode(SMALL.as_bytes()), Err(LoadError::Foreign)));
    let mut newer = file(SMALL);
    newer[MAGIC.len()] = 6;
    let error = decode(&newer).expect_err("it is of another version");
    assert_eq!(error.to_string(), "the compiled project has format 6, and this release reads format 5");
    assert_eq!(error.code().name(), "E0804");
    let mut payload = file(SMALL).split_off(HEADER);
    payload.push(0);
    assert!(matches!(decode(&sealed(&payload)), Err(LoadError::Damaged(_))));
}

/// Runs every code of a program, against a host that answers with a value of the right type or with none. Of what the
/// verifier passed, only a record of another entity may still be met, and only where the program is damaged.
fn run_all(program: &Program, schema: &Schema, damaged: bool) {
    for flow in &program.flows {
        for code in flow.when.iter().chain([&flow.body]) {
            for empty in [true, false] {
                let conditions = &flow.conditions[..];
                let mut host = Anything { schema, entity: flow.head.entity, empty, value: Value::Empty, budget: 20_000, conditions };
                let inputs: Vec<Value> =
                    flow.head.inputs.iter().map(|input| if empty && !input.required { Value::Empty } else { some(&input.ty) }).collect();
                if let Err(Interrupt::Fault(fault)) = run(code, &mut Frame::default(), &inputs, &mut host) {
                    let foreign = fault.message == "an operation met a record of another entity than it is for";
                    assert!(damaged && foreign || fault.code.name() != "F15", "{}: {}", flow.head.name, fault.message);
                }
            }
        }
    }
}

struct Anything<'a> {
    schema: &'a Schema,
    entity: EntityId,
    empty: bool,
    value: Value,
    budget: u64,
    conditions: &'a [Code],
}

impl Anything<'_> {
    fn any(&self, entity: EntityId, slot: Slot) -> Value {
        let field = self.schema.field(entity, slot).expect("the field is there");
        if self.empty { Value::Empty } else { some(&field.ty) }
    }
}

/// A value of a type.
fn some(ty: &Type) -> Value {
    match ty {
        Type::Boolean => Value::Boolean(true),
        Type::Integer | Type::BigInt => Value::Integer(2_147_483_647),
        Type::Decimal(_) | Type::Money(_) => Value::Decimal(weir::value::Decimal::new(123_456_789, 2)),
        Type::Float => Value::Float(0.5),
        Type::Text => Value::Text("Ab".into()),
        Type::Choice(_) => Value::Choice(1),
        Type::Choices(_) => Value::Choices([1].into()),
        Type::Date => Value::Date(jiff::civil::date(2026, 1, 31)),
        Type::DateTime => Value::DateTime(jiff::Timestamp::UNIX_EPOCH),
        Type::LocalDateTime => Value::LocalDateTime(jiff::civil::datetime(2026, 1, 31, 9, 30, 0, 0)),
        Type::Duration | Type::Period => Value::Duration(Default::default()),
        Type::Lookup(entities) => Value::Reference(Reference { entity: entities[0], id: Uuid::nil() }),
        Type::Uuid => Value::Uuid(Uuid::nil()),
    }
}

impl Host for Anything<'_> {
    fn this(&self) -> Reference {
        Reference { entity: self.entity, id: Uuid::nil() }
    }
    fn field(&mut self, slot: Slot) -> Result<&Value, Interrupt> {
        self.value = self.any(self.entity, slot);
        Ok(&self.value)
    }
    fn old(&mut self, slot: Slot) -> Result<&Value, Interrupt> {
        self.field(slot)
    }
    fn changed(&mut self, _: Slot) -> Result<bool, Interrupt> {
        Ok(self.empty)
    }
    fn related(&mut self, record: Reference, slot: Slot) -> Result<Value, Interrupt> {
        Ok(self.any(record.entity, slot))
    }
    fn select(&mut self, selection: &Selection, fields: &FieldSet) -> Result<Vec<(Uuid, Row)>, Interrupt> {
        let row = || fields.iter().map(|slot| (slot, self.any(selection.entity, slot))).collect();
        let number = selection.limit.unwrap_or(3).min(3);
        Ok((0..number).map(|id| (Uuid::from_u128(id.into()), row())).collect())
    }
    fn aggregate(&mut self, selection: &Selection, aggregate: Aggregate) -> Result<Value, Interrupt> {
        let field = aggregate.slot().and_then(|slot| self.schema.field(selection.entity, slot));
        let (ty, optional) = aggregate.result(field.map(|field| &field.ty)).expect("the verifier knows what can be worked out");
        Ok(if self.empty && optional { Value::Empty } else { some(&ty) })
    }
    fn find(&mut self, entity: EntityId, _: &[Slot], _: &[Value]) -> Result<Reference, Interrupt> {
        Ok(Reference { entity, id: Uuid::nil() })
    }
    fn spend(&mut self, instructions: u64) -> Result<(), Interrupt> {
        self.budget = self.budget.saturating_sub(instructions);
        if self.budget > 0 { Ok(()) } else { Err(Interrupt::Stop { flow: "budget".into(), reason: "it is used up".into() }) }
    }
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }
    fn zone(&self) -> &jiff::tz::TimeZone {
        const UTC: &jiff::tz::TimeZone = &jiff::tz::TimeZone::UTC;
        UTC
    }
    fn caller(&self) -> Reference {
        self.this()
    }
    fn text(&mut self, value: &Value, _: &Type) -> Result<SmolStr, Interrupt> {
        Ok(weir::value::text::display(value))
    }
    fn set(&mut self, slots: &[Slot], values: &[Value]) -> Result<(), Interrupt> {
        assert_eq!(slots.len(), values.len());
        Ok(())
    }
    fn create(&mut self, entity: EntityId, _: Row) -> Result<Reference, Interrupt> {
        Ok(Reference { entity, id: Uuid::nil() })
    }
    fn update(&mut self, _: Reference, _: Row) -> Result<(), Interrupt> {
        Ok(())
    }
    fn delete(&mut self, _: Reference) -> Result<(), Interrupt> {
        Ok(())
    }
    fn start(&mut self, _: &str, _: Reference, _: Vec<Value>) -> Result<(), Interrupt> {
        Ok(())
    }
    fn perform(&mut self, _: &str, _: Option<Reference>, _: Vec<Value>) -> Result<Vec<Value>, Interrupt> {
        Ok(Vec::new())
    }
    fn set_output(&mut self, _: u16, _: Value) {}
    fn wait(&mut self, wait: &WaitList, values: &[Value], inputs: &[Value]) -> Result<Waited, Interrupt> {
        assert_eq!(values.len(), wait.branches.iter().filter(|branch| !matches!(branch, Awaited::Condition(_))).count());
        for branch in &wait.branches {
            if let Awaited::Condition(index) = branch {
                let condition = &self.conditions[usize::from(*index)];
                let exit = run(condition, &mut Frame::default(), inputs, self)?;
                assert!(matches!(exit, Exit::Value(Value::Boolean(_) | Value::Empty)), "{exit:?}");
            }
        }
        let last = wait.branches.len() - 1;
        Ok(Waited::Branch(if self.empty { last as u16 } else { 0 }))
    }
    fn log(&mut self, _: SmolStr) {}
    fn enter_step(&mut self, _: SmolStr) {}
    fn leave_step(&mut self) {}
    fn skipped(&mut self, _: Span) {}
}

#[test]
fn what_is_compiled_runs_on_full_and_on_empty_records() {
    for text in [DECISIONS, ACTIVITIES, WAITS, QUERIES, SMALL] {
        let (schema, program, _) = compiled(text);
        verify(&program, &schema).expect("what is compiled is safe to run");
        run_all(&program, &schema, false);
    }
}

/// Every code of a program, to be changed.
fn codes(program: &mut Program) -> Vec<&mut Code> {
    program.flows.iter_mut().flat_map(|flow| flow.when.iter_mut().chain([&mut flow.body]).chain(&mut flow.conditions)).collect()
}

/// Changes one thing of a program in every way that `change` knows, and holds that it is refused or runs to an end.
fn changed(text: &str, change: impl Fn(&mut Code, usize) -> bool) -> (usize, usize) {
    let (schema, program, _) = compiled(text);
    let (mut refused, mut ran) = (0, 0);
    for index in 0..codes(&mut program.clone()).len() {
        for way in 0.. {
            let mut other = program.clone();
            if !change(codes(&mut other)[index], way) {
                break;
            }
            if verify(&other, &schema).is_err() {
                refused += 1;
            } else {
                run_all(&other, &schema, true);
                ran += 1;
            }
        }
    }
    (refused, ran)
}

#[test]
fn a_program_that_lost_or_swapped_an_operation_is_refused_or_runs() {
    for text in [DECISIONS, ACTIVITIES, WAITS, QUERIES] {
        let lost = changed(text, |code, way| {
            if way >= code.ops.len() {
                return false;
            }
            code.ops.remove(way);
            code.spans.remove(way);
            true
        });
        assert!(lost.0 > 0);
        if text == WAITS {
            continue;
        }
        let swapped = changed(text, |code, way| {
            let last = code.ops.len() - 1;
            if way >= last * last {
                return false;
            }
            code.ops.swap(way / last, way % last);
            true
        });
        assert!(swapped.0 > 0 && swapped.1 > 0);
    }
}

#[test]
fn a_jump_to_anywhere_else_is_refused_or_runs() {
    for text in [DECISIONS, ACTIVITIES, QUERIES] {
        let (refused, ran) = changed(text, |code, way| {
            let reach = code.ops.len() + 2;
            if way >= code.ops.len() * reach {
                return false;
            }
            code.ops[way / reach].retarget(Target((way % reach) as u16));
            true
        });
        assert!(refused > 0 && ran > 0);
    }
}

#[test]
fn tables_that_lost_their_last_row_are_refused_or_run() {
    for text in [DECISIONS, ACTIVITIES, WAITS, QUERIES] {
        let (refused, _) = changed(text, |code, way| {
            match way {
                0 => drop(code.ops.pop()),
                1 => drop(code.spans.pop()),
                2 => drop(code.constants.pop()),
                3 => drop(code.fields.pop()),
                4 => drop(code.writes.pop()),
                5 => drop(code.starts.pop()),
                6 => drop(code.calls.pop()),
                7 => drop(code.types.pop()),
                8 => code.registers = code.registers.saturating_sub(1),
                9 => code.inputs += 1,
                10 => code.registers = u16::MAX,
                11 => code.constants.iter_mut().for_each(|constant| *constant = Value::Empty),
                12 => code.constants.reverse(),
                13 => code.fields.reverse(),
                14 => code.writes.reverse(),
                15 => code.ops.clear(),
                16 => drop(code.waits.pop()),
                17 => code.waits.reverse(),
                18 => code.waits.iter_mut().for_each(|wait| wait.branches.reverse()),
                19 => code.waits.iter_mut().for_each(|wait| wait.branches.clear()),
                20 => code.names.clear(),
                21 => drop(code.queries.pop()),
                22 => code.queries.reverse(),
                23 => code.queries.iter_mut().for_each(|query| query.columns = FieldSet::default()),
                24 => code.queries.iter_mut().for_each(|query| query.conditions.clear()),
                25 => code.queries.iter_mut().for_each(|query| query.limited = !query.limited),
                26 => code.queries.iter_mut().for_each(|query| query.aggregate = None),
                27 => code.queries.iter_mut().for_each(|query| query.entity = EntityId(0)),
                _ => return false,
            }
            true
        });
        assert!(refused > 8, "{refused}");
    }
}

#[test]
fn a_wait_is_verified_with_its_branches_and_conditions() {
    let (schema, program, _) = compiled(WAITS);
    let at = program.flows.iter().position(|flow| flow.conditions.len() > 1).expect("a flow with conditions");
    let problem = |change: &dyn Fn(&mut FlowCode)| {
        let mut other = program.clone();
        change(&mut other.flows[at]);
        verify(&other, &schema).err().map(|error| error.problem)
    };
    assert_eq!(problem(&|_| ()), None);
    assert_eq!(problem(&|flow| flow.head.mode = Mode::RealTime), Some(Problem::Place));
    assert_eq!(problem(&|flow| flow.effects.may_wait = false), Some(Problem::Effects));
    assert_eq!(problem(&|flow| drop(flow.conditions.pop())), Some(Problem::Wait));
    assert_eq!(problem(&|flow| flow.conditions.push(flow.conditions[0].clone())), Some(Problem::Wait));
    assert_eq!(problem(&|flow| flow.body.waits[0].branches.push(Awaited::Condition(0))), Some(Problem::Wait));
    // A length of time where a moment is waited for, and a condition that reads what isn't known yet.
    assert_eq!(problem(&|flow| flow.body.waits[0].branches = vec![Awaited::Moment]), Some(Problem::Register("values")));
    assert!(problem(&|flow| flow.conditions.swap(0, 1)).is_some());
    assert_eq!(problem(&|flow| flow.body.names.clear()), Some(Problem::Wait));
}

#[test]
fn a_loop_is_verified_with_its_query_and_ends_only_by_it() {
    let (schema, program, _) = compiled(QUERIES);
    let at = program.flows.iter().position(|flow| flow.head.name == "Visits").expect("a flow with loops");
    let ops = &program.flows[at].body.ops;
    let places = |wanted: fn(&Op) -> bool| -> Vec<usize> { (0..ops.len()).filter(|at| wanted(&ops[*at])).collect() };
    let (opens, visits) = (places(|op| matches!(op, Op::Open { .. })), places(|op| matches!(op, Op::Visit {})));
    let (rows, records) = (places(|op| matches!(op, Op::NextRow { .. })), places(|op| matches!(op, Op::NextRecord { .. })));
    let (loops, keeps) = (places(|op| matches!(op, Op::Loop { .. })), places(|op| matches!(op, Op::KeepRow {})));
    let find = places(|op| matches!(op, Op::Find { .. }))[0];
    let problem = |change: &dyn Fn(&mut Code)| {
        let mut other = program.clone();
        change(&mut other.flows[at].body);
        verify(&other, &schema).err().map(|error| error.problem)
    };
    let back = |from: usize, to: usize| problem(&|code: &mut Code| code.ops[from] = Op::Loop { to: Back(to as u16) });
    let instead = |place: usize, op: Op| problem(&|code: &mut Code| code.ops[place] = op);
    let jump = |from: usize, to: usize| instead(from, Op::Jump { to: Target(to as u16) });
    assert_eq!(problem(&|_| ()), None);
    // Back without a head, to a head twice, to the head of another loop, past its own, forward, and to itself.
    assert_eq!(back(find, 0), Some(Problem::Loop));
    assert_eq!(back(keeps[0], rows[0]), Some(Problem::Loop));
    assert_eq!(back(loops[1], records[0]), Some(Problem::Loop));
    assert_eq!(back(loops[2], records[1]), Some(Problem::Loop));
    assert_eq!(back(loops[0], rows[0] - 1), Some(Problem::Loop));
    assert_eq!(back(loops[0], records[0]), Some(Problem::Loop));
    assert_eq!(back(loops[0], loops[0]), Some(Problem::Loop));
    assert_eq!(back(loops[0], usize::from(u16::MAX)), Some(Problem::Range("to")));
    // A head without an end, and a loop that would never be left.
    assert_eq!(jump(loops[1], loops[1] + 1), Some(Problem::Loop));
    for head in [rows[0], records[0], records[1]] {
        let aside = problem(&|code: &mut Code| code.ops[head].retarget(Target(head as u16 + 1)));
        assert_eq!(aside, Some(Problem::Loop));
    }
    // Into a loop, out of one, and from one into another.
    assert_eq!(jump(find, keeps[0]), Some(Problem::Loop));
    assert_eq!(jump(keeps[0], loops[0] + 1), Some(Problem::Loop));
    assert_eq!(jump(keeps[0], loops[2]), Some(Problem::Loop));
    // Not open, not so far, and the head of another kind of loop.
    let (no, one) = (places(|op| matches!(op, Op::NextRow { .. }))[0], ops[records[0]]);
    assert_eq!(instead(visits[0], ops[keeps[0]]), Some(Problem::Query));
    assert_eq!(instead(visits[1], ops[opens[1]]), Some(Problem::Query));
    assert_eq!(instead(find, Op::Visit {}), Some(Problem::Query));
    let Op::NextRecord { out, .. } = one else { panic!("it is one") };
    let Op::NextRow { to } = ops[no] else { panic!("it is one") };
    assert_eq!(instead(no, Op::NextRecord { to, out }), Some(Problem::Query));
    assert!(instead(opens[1], Op::Visit {}).is_some());
    // Fields that nobody reads, an order that there isn't, and values of another type.
    assert_eq!(problem(&|code| code.queries[0].columns = FieldSet::default()), Some(Problem::Query));
    assert_eq!(problem(&|code| code.queries[0].order[0].slot = Slot(0)), Some(Problem::Query));
    assert_eq!(problem(&|code| code.queries[0].conditions[0].0 = Slot(900)), Some(Problem::Schema));
    assert!(problem(&|code| code.queries[0].aggregate = Some((Aggregate::Count, None))).is_some());
    assert!(problem(&|code| code.queries[1].limited = true).is_some());
    assert_eq!(problem(&|code| code.queries[0].entity = EntityId(900)), Some(Problem::Schema));
    assert_eq!(problem(&|code| code.queries.swap(0, 1)), Some(Problem::Query));
    // What a loop writes isn't there before it has run, nor known at its beginning.
    let effects = |change: &dyn Fn(&mut FlowCode)| {
        let mut other = program.clone();
        change(&mut other.flows[at]);
        verify(&other, &schema).err().map(|error| error.problem)
    };
    assert_eq!(effects(&|flow| flow.effects.queries.clear()), Some(Problem::Effects));
}

/// Every operation with one byte of its encoded form changed: to every other operation, and to numbers in and out of range.
#[test]
fn an_operation_with_another_operand_is_refused_or_runs() {
    for text in [DECISIONS, ACTIVITIES, QUERIES] {
        let (refused, ran) = changed(text, |code, way| {
            let bytes: Vec<Vec<u8>> = code.ops.iter().map(|op| postcard::to_allocvec(op).expect("an operation has bytes")).collect();
            let (place, value) = (way / 96, (way % 96) as u8);
            let Some((at, byte)) = bytes.iter().enumerate().flat_map(|(at, op)| (0..op.len()).map(move |byte| (at, byte))).nth(place)
            else {
                return false;
            };
            let mut op = bytes[at].clone();
            op[byte] = value;
            if let Ok(other) = postcard::from_bytes::<Op>(&op) {
                code.ops[at] = other;
            }
            true
        });
        assert!(refused > 1_000 && ran > 100, "{refused} {ran}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_damaged_payload_with_a_right_checksum_is_refused_or_runs(
        which in 0..4_usize,
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4),
    ) {
        static FILES: LazyLock<[Vec<u8>; 4]> = LazyLock::new(|| [DECISIONS, ACTIVITIES, QUERIES, SMALL].map(file));
        let mut payload = FILES[which][HEADER..].to_vec();
        for (at, value, kind) in damages {
            let at = at.index(payload.len());
            match kind {
                0 => payload[at] = value,
                1 => payload.insert(at, value),
                _ => drop(payload.remove(at)),
            }
        }
        if let Ok(bundle) = decode(&sealed(&payload)) {
            run_all(&bundle.program, &bundle.schema, true);
            listing(&bundle.program, &bundle.schema, &bundle.sources);
        }
    }

    #[test]
    fn bytes_of_any_kind_are_refused(payload in prop::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(decode(&payload).is_err());
        prop_assert!(decode(&sealed(&payload)).is_err());
    }
}

#[test]
fn a_schema_that_grew_disturbs_nothing() {
    let grown = format!("entity aaa {{ x integer }}\n{}", DECISIONS.replace("  revenue ", "  extra text(5)\n  revenue "));
    let ((small, program, _), (large, again, _)) = (compiled(DECISIONS), compiled(&grown));
    let linked = link(&program, &small, &large).expect("every name is still there");
    verify(&linked, &large).expect("what was linked is safe to run");
    assert_ne!(program.flows[0].body.fields, again.flows[0].body.fields);
    for (one, other) in linked.flows.iter().zip(&again.flows) {
        assert_eq!((&one.body.ops, &one.body.fields, &one.effects), (&other.body.ops, &other.body.fields, &other.effects));
        assert_eq!(one.head.triggers, other.head.triggers);
    }
    let error = link(&program, &small, &compiled(&DECISIONS.replace("  employees    integer\n", "").replace("employees ?? 1", "1")).0);
    assert_eq!(error.expect_err("a field is gone").name, "account.employees");
}

#[test]
fn a_flow_too_large_to_count_is_a_problem_with_a_place() {
    let writes = |count: usize| {
        let sets: String = (0..count).map(|number| format!("set n = {number}\n")).collect();
        Project::from_text("case.flow", format!("entity a {{ n integer }}\nflow F on a {{ trigger create stage pre-operation\n{sets}}}\n"))
    };
    assert!(writes(1_000).compile().is_ok());
    let errors = writes(40_000).compile().expect_err("there are more constants than can be counted").0;
    assert_eq!(errors.iter().map(|error| error.code.name()).collect::<Vec<_>>(), ["E0805"]);
    assert!(errors[0].span().is_some());
}
