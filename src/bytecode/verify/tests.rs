//! Each thing that the verifier proves, broken by hand.

use smol_str::SmolStr;

use super::*;
use crate::bytecode::{CONSTANT, Count, In, Op, Out, Run, Sign, Target, When};
use crate::source::Span;
use crate::value::{Decimal, Reference, Uuid, Value};

fn code(ops: Vec<Op>, constants: Vec<Value>) -> Code {
    Code { spans: vec![Span::default(); ops.len()], ops, constants, registers: 4, ..Code::default() }
}

/// What is wrong with an expression of these operations, if anything is.
fn found(ops: Vec<Op>, constants: Vec<Value>) -> Option<Problem> {
    verify_expression(&code(ops, constants), &[], &Schema::default()).err().map(|error| error.problem)
}

/// What is wrong with the statements of a flow, if anything is.
fn in_body(ops: Vec<Op>) -> Option<Problem> {
    let site = Site {
        schema: &Schema::default(),
        program: &Program::default(),
        part: Part::Body,
        entity: None,
        inputs: vec![],
        outputs: &[],
        effects: None,
        flow: None,
    };
    code_at(&code(ops, vec![Value::Text("step".into()), Value::Boolean(true)]), &site).err().map(|(_, problem)| problem)
}

const A: Out = Out(0);
const FIRST: In = In(CONSTANT);
const SECOND: In = In(CONSTANT | 1);
const GIVE: Op = Op::Return { value: In(0) };

fn whole() -> Vec<Value> {
    vec![Value::Integer(1), Value::Text(SmolStr::default()), Value::Boolean(true)]
}

#[test]
fn a_sound_expression_passes() {
    assert_eq!(found(vec![Op::AddInteger { left: FIRST, right: FIRST, out: A }, GIVE], whole()), None);
    assert_eq!(found(vec![], whole()), Some(Problem::Size));
}

#[test]
fn a_register_is_read_only_where_every_path_wrote_it() {
    assert_eq!(found(vec![GIVE], whole()), Some(Problem::Register("value")));
    let skipped = |to| {
        let jump = Op::JumpTrue { condition: In(CONSTANT | 2), when: When(true), to: Target(to) };
        found(vec![jump, Op::Copy { value: FIRST, out: A }, GIVE, Op::Return { value: FIRST }], whole())
    };
    assert_eq!(skipped(2), Some(Problem::Register("value")));
    assert_eq!(skipped(3), None);
}

#[test]
fn a_register_that_holds_one_kind_here_and_another_there_is_not_read() {
    let jump = Op::JumpTrue { condition: In(CONSTANT | 2), when: When(true), to: Target(3) };
    let ops = vec![Op::Copy { value: FIRST, out: A }, jump, Op::Copy { value: SECOND, out: A }, GIVE];
    assert_eq!(found(ops, whole()), Some(Problem::Register("value")));
}

#[test]
fn operands_are_of_their_kinds() {
    assert_eq!(found(vec![Op::AddInteger { left: FIRST, right: SECOND, out: A }, GIVE], whole()), Some(Problem::Register("right")));
    let empty = vec![Value::Empty, Value::Integer(1)];
    assert_eq!(found(vec![Op::AddInteger { left: SECOND, right: FIRST, out: A }, GIVE], empty.clone()), Some(Problem::Register("right")));
    let compared = Op::JumpLessInteger { left: FIRST, right: SECOND, when: When(true), to: Target(1) };
    assert_eq!(found(vec![compared, Op::Return { value: FIRST }], empty), None);
    let parts = Op::Concat { parts: Run(CONSTANT), count: Count(2), out: A };
    assert_eq!(found(vec![parts, GIVE], whole()), Some(Problem::Register("values")));
    let shift = Op::ShiftDate { value: FIRST, sign: Sign(true), by: FIRST, out: A };
    assert_eq!(found(vec![shift, GIVE], whole()), Some(Problem::Register("value")));
}

#[test]
fn constants_are_never_written() {
    let write = Op::Copy { value: FIRST, out: Out(CONSTANT) };
    assert_eq!(found(vec![write, Op::Return { value: FIRST }], whole()), Some(Problem::Range("out")));
}

#[test]
fn numbers_are_in_range() {
    assert_eq!(found(vec![Op::Copy { value: FIRST, out: Out(4) }, GIVE], whole()), Some(Problem::Range("out")));
    assert_eq!(found(vec![Op::Copy { value: In(CONSTANT | 3), out: A }, GIVE], whole()), Some(Problem::Range("value")));
    let parts = Op::Concat { parts: Run(2), count: Count(3), out: A };
    assert_eq!(found(vec![parts, GIVE], whole()), Some(Problem::Range("parts")));
    let mut short = code(vec![GIVE], whole());
    short.spans.clear();
    assert!(verify_expression(&short, &[], &Schema::default()).is_err());
}

#[test]
fn jumps_go_forward_to_an_operation_and_every_path_ends() {
    let to = |target| found(vec![Op::Copy { value: FIRST, out: A }, Op::Jump { to: Target(target) }, GIVE], whole());
    assert_eq!(to(0), Some(Problem::Jump));
    assert_eq!(to(1), Some(Problem::Jump));
    assert_eq!(to(2), None);
    assert_eq!(to(3), Some(Problem::Jump));
    assert_eq!(found(vec![Op::Copy { value: FIRST, out: A }], whole()), Some(Problem::End));
}

#[test]
fn an_empty_value_is_known_to_be_there_where_a_test_led() {
    let inputs = [(Type::Integer, true)];
    let with_input = |ops: Vec<Op>| {
        let code = Code { inputs: 1, ..code(ops, vec![]) };
        verify_expression(&code, &inputs, &Schema::default()).err().map(|error| error.problem)
    };
    let twice = Op::AddInteger { left: In(0), right: In(0), out: Out(1) };
    let test = |when| Op::JumpEmpty { value: In(0), when: When(when), to: Target(3) };
    assert_eq!(with_input(vec![twice, GIVE]), Some(Problem::Register("left")));
    assert_eq!(with_input(vec![test(true), twice, GIVE, GIVE]), None);
    assert_eq!(with_input(vec![test(false), GIVE, GIVE, twice, GIVE]), None);
    assert_eq!(with_input(vec![test(false), twice, GIVE, GIVE]), Some(Problem::Register("left")));
}

#[test]
fn groups_begin_and_end_in_pairs() {
    let (enter, leave, end) = (Op::EnterStep { title: FIRST }, Op::LeaveStep {}, Op::End {});
    let jump = |to| Op::JumpTrue { condition: SECOND, when: When(true), to: Target(to) };
    assert_eq!(in_body(vec![enter, leave, end]), None);
    assert_eq!(in_body(vec![enter, end]), Some(Problem::Steps));
    assert_eq!(in_body(vec![leave, end]), Some(Problem::Steps));
    assert_eq!(in_body(vec![enter, jump(3), leave, end]), Some(Problem::Steps));
    assert_eq!(in_body(vec![enter, Op::Stop { reason: FIRST }]), None);
    assert_eq!(in_body([vec![enter; 65], vec![leave; 65], vec![end]].concat()), Some(Problem::Steps));
}

#[test]
fn operations_stand_where_they_may_and_constants_are_possible() {
    assert_eq!(found(vec![Op::Stop { reason: SECOND }], whole()), Some(Problem::Place));
    assert_eq!(in_body(vec![Op::Return { value: FIRST }]), Some(Problem::Place));
    let record = Value::Reference(Reference { entity: EntityId(0), id: Uuid::nil() });
    for constant in [record, Value::Decimal(Decimal::MAX), Value::Float(f64::NAN)] {
        assert_eq!(found(vec![Op::Return { value: FIRST }], vec![constant]), Some(Problem::Constant));
    }
}

#[test]
fn what_verifying_takes_is_bounded() {
    let mut large = code([vec![Op::Copy { value: FIRST, out: A }; 60_000], vec![GIVE]].concat(), whole());
    assert!(verify_expression(&large, &[], &Schema::default()).is_ok());
    large.registers = 2_000;
    assert_eq!(verify_expression(&large, &[], &Schema::default()).err().map(|error| error.problem), Some(Problem::Size));
}
