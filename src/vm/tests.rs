//! Expressions and statements, compiled from a typed tree and run against a host that only remembers.

use std::collections::HashMap;

use smol_str::SmolStr;

use super::{Exit, Frame, Host, Interrupt, run};
use crate::bytecode::Code;
use crate::check::ir::{Comparison, Expr, ExprKind, Local, LocalId, Operator};
use crate::compile;
use crate::diagnostic::Code as Diagnostic;
use crate::schema::select::{Aggregate, Selection};
use crate::schema::{FieldSet, Row};
use crate::source::Span;
use crate::value::{Decimal, EntityId, Reference, Slot, Type, Uuid, Value};

/// A record of a few fields, and what was said.
#[derive(Default)]
struct Memory {
    fields: HashMap<Slot, Value>,
    said: Vec<String>,
}

impl Host for Memory {
    fn this(&self) -> Reference {
        Reference { entity: EntityId(0), id: Uuid::nil() }
    }
    fn field(&mut self, slot: Slot) -> Result<&Value, Interrupt> {
        Ok(self.fields.get(&slot).unwrap_or(&Value::Empty))
    }
    fn old(&mut self, slot: Slot) -> Result<&Value, Interrupt> {
        self.field(slot)
    }
    fn changed(&mut self, slot: Slot) -> Result<bool, Interrupt> {
        Ok(self.fields.contains_key(&slot))
    }
    fn related(&mut self, _: Reference, slot: Slot) -> Result<Value, Interrupt> {
        self.field(slot).cloned()
    }
    fn select(&mut self, _: &Selection, _: &FieldSet) -> Result<Vec<(Uuid, Row)>, Interrupt> {
        Ok(Vec::new())
    }
    fn aggregate(&mut self, _: &Selection, _: Aggregate) -> Result<Value, Interrupt> {
        Ok(Value::Empty)
    }
    fn find(&mut self, entity: EntityId, _: &[Slot], _: &[Value]) -> Result<Reference, Interrupt> {
        Ok(Reference { entity, id: Uuid::max() })
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
        Ok(format!("<{}>", crate::value::text::display(value)).into())
    }
    fn set(&mut self, slots: &[Slot], values: &[Value]) -> Result<(), Interrupt> {
        self.fields.extend(slots.iter().copied().zip(values.iter().cloned()));
        Ok(())
    }
    fn create(&mut self, entity: EntityId, values: Row) -> Result<Reference, Interrupt> {
        self.said.push(format!("create {} {:?}", entity.0, values.iter().collect::<Vec<_>>()));
        Ok(Reference { entity, id: Uuid::max() })
    }
    fn update(&mut self, record: Reference, values: Row) -> Result<(), Interrupt> {
        self.said.push(format!("update {} {:?}", record.entity.0, values.iter().collect::<Vec<_>>()));
        Ok(())
    }
    fn delete(&mut self, record: Reference) -> Result<(), Interrupt> {
        self.said.push(format!("delete {}", record.entity.0));
        Ok(())
    }
    fn start(&mut self, flow: &str, _: Reference, inputs: Vec<Value>) -> Result<(), Interrupt> {
        self.said.push(format!("start {flow} {inputs:?}"));
        Ok(())
    }
    fn perform(&mut self, _: &str, _: Option<Reference>, inputs: Vec<Value>) -> Result<Vec<Value>, Interrupt> {
        Ok(inputs)
    }
    fn set_output(&mut self, _: u16, _: Value) {}
    fn log(&mut self, text: SmolStr) {
        self.said.push(format!("log {text}"));
    }
    fn enter_step(&mut self, title: SmolStr) {
        self.said.push(format!("enter {title}"));
    }
    fn leave_step(&mut self) {
        self.said.push("leave".to_owned());
    }
    fn skipped(&mut self, _: Span) {
        self.said.push("skipped".to_owned());
    }
}

fn expr(kind: ExprKind, ty: Type, optional: bool) -> Expr {
    Expr { kind, ty, optional, span: Span::default() }
}

fn whole(number: i64) -> Expr {
    expr(ExprKind::Constant(Value::Integer(number)), Type::Integer, false)
}

fn truth(value: bool) -> Expr {
    expr(ExprKind::Constant(Value::Boolean(value)), Type::Boolean, false)
}

fn empty(ty: Type) -> Expr {
    expr(ExprKind::Constant(Value::Empty), ty, true)
}

fn boolean(kind: ExprKind) -> Expr {
    expr(kind, Type::Boolean, false)
}

fn arithmetic(operator: Operator, left: Expr, right: Expr, ty: Type) -> Expr {
    expr(ExprKind::Arithmetic { operator, left: left.into(), right: right.into() }, ty, false)
}

fn evaluate(e: &Expr) -> Result<Value, Diagnostic> {
    evaluate_with(e, &[], &[])
}

fn evaluate_with(e: &Expr, locals: &[Local], values: &[Value]) -> Result<Value, Diagnostic> {
    let code: Code = compile::expression(e, locals);
    match run(&code, &mut Frame::default(), values, &mut Memory::default()) {
        Ok(Exit::Value(value)) => Ok(value),
        Ok(other) => panic!("{other:?}"),
        Err(Interrupt::Fault(fault)) => Err(fault.code),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn whole_numbers_overflow_at_the_width_of_their_type() {
    let sum = |ty| arithmetic(Operator::Add, whole(i32::MAX.into()), whole(1), ty);
    assert_eq!(evaluate(&sum(Type::Integer)), Err(Diagnostic::F03));
    assert_eq!(evaluate(&sum(Type::BigInt)), Ok(Value::Integer(2_147_483_648)));
    let product = arithmetic(Operator::Multiply, whole(i64::MAX), whole(2), Type::BigInt);
    assert_eq!(evaluate(&product), Err(Diagnostic::F03));
    let lowest = expr(ExprKind::Negate(whole(i64::MIN).into()), Type::BigInt, false);
    assert_eq!(evaluate(&expr(ExprKind::Negate(whole(i32::MIN.into()).into()), Type::Integer, false)), Err(Diagnostic::F03));
    assert_eq!(evaluate(&expr(lowest.kind, Type::BigInt, false)), Err(Diagnostic::F03));
}

#[test]
fn a_quotient_of_whole_numbers_is_a_decimal() {
    let quotient = |right| arithmetic(Operator::Divide, whole(1), whole(right), Type::Decimal(10));
    assert_eq!(evaluate(&quotient(4)), Ok(Value::Decimal(Decimal::new(25, 2))));
    assert_eq!(evaluate(&quotient(0)), Err(Diagnostic::F01));
    assert_eq!(evaluate(&arithmetic(Operator::Remainder, whole(-7), whole(3), Type::Integer)), Ok(Value::Integer(-1)));
    assert_eq!(evaluate(&arithmetic(Operator::Remainder, whole(i64::MIN), whole(-1), Type::BigInt)), Ok(Value::Integer(0)));
    assert_eq!(evaluate(&arithmetic(Operator::Remainder, whole(1), whole(0), Type::Integer)), Err(Diagnostic::F01));
}

#[test]
fn and_and_or_decide_with_the_left_side_where_it_decides() {
    let fault = || {
        let zero = arithmetic(Operator::Remainder, whole(1), whole(0), Type::Integer);
        boolean(ExprKind::Compare { comparison: Comparison::Equal, left: zero.into(), right: whole(0).into() })
    };
    for (left, right, and, or) in
        [(false, false, false, false), (false, true, false, true), (true, false, false, true), (true, true, true, true)]
    {
        assert_eq!(evaluate(&boolean(ExprKind::And(truth(left).into(), truth(right).into()))), Ok(Value::Boolean(and)));
        assert_eq!(evaluate(&boolean(ExprKind::Or(truth(left).into(), truth(right).into()))), Ok(Value::Boolean(or)));
    }
    assert_eq!(evaluate(&boolean(ExprKind::And(truth(false).into(), fault().into()))), Ok(Value::Boolean(false)));
    assert_eq!(evaluate(&boolean(ExprKind::Or(truth(true).into(), fault().into()))), Ok(Value::Boolean(true)));
    assert_eq!(evaluate(&boolean(ExprKind::And(truth(true).into(), fault().into()))), Err(Diagnostic::F01));
}

#[test]
fn empty_equals_empty_only_and_is_in_no_order() {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    let compare = |comparison, left: Expr, right: Expr| {
        let e = boolean(ExprKind::Compare { comparison, left: left.into(), right: right.into() });
        let not = boolean(ExprKind::Not(e.clone().into()));
        let (Ok(Value::Boolean(holds)), Ok(Value::Boolean(fails))) = (evaluate(&e), evaluate(&not)) else { panic!() };
        assert_ne!(holds, fails);
        holds
    };
    let nothing = || empty(Type::Integer);
    for (comparison, holds) in
        [(Equal, true), (NotEqual, false), (Less, false), (LessOrEqual, false), (Greater, false), (GreaterOrEqual, false)]
    {
        assert_eq!(compare(comparison, nothing(), nothing()), holds, "{comparison:?}");
    }
    for (comparison, holds) in
        [(Equal, false), (NotEqual, true), (Less, false), (LessOrEqual, false), (Greater, false), (GreaterOrEqual, false)]
    {
        assert_eq!(compare(comparison, whole(0), nothing()), holds, "{comparison:?}");
        assert_eq!(compare(comparison, nothing(), whole(0)), holds, "{comparison:?}");
    }
    for (comparison, holds) in
        [(Equal, false), (NotEqual, true), (Less, true), (LessOrEqual, true), (Greater, false), (GreaterOrEqual, false)]
    {
        assert_eq!(compare(comparison, whole(1), whole(2)), holds, "{comparison:?}");
    }
}

#[test]
fn a_list_and_a_range_hold_or_not() {
    let list = |value| boolean(ExprKind::In { value: whole(value).into(), list: vec![whole(1), whole(3)] });
    let range = |value: Expr| boolean(ExprKind::Between { value: value.into(), low: whole(1).into(), high: whole(3).into() });
    for value in 0..5 {
        assert_eq!(evaluate(&list(value)), Ok(Value::Boolean(value == 1 || value == 3)), "{value}");
        let not = boolean(ExprKind::Not(list(value).into()));
        assert_eq!(evaluate(&boolean(ExprKind::Not(not.into()))), Ok(Value::Boolean(value == 1 || value == 3)), "{value}");
        assert_eq!(evaluate(&range(whole(value))), Ok(Value::Boolean((1..=3).contains(&value))), "{value}");
        assert_eq!(evaluate(&boolean(ExprKind::Not(range(whole(value)).into()))), Ok(Value::Boolean(!(1..=3).contains(&value))), "{value}");
    }
    assert_eq!(evaluate(&range(empty(Type::Integer))), Ok(Value::Boolean(false)));
}

#[test]
fn a_let_that_is_known_to_hold_a_value_faults_where_it_does_not() {
    let locals = [Local { name: "x".into(), ty: Type::Integer, optional: true }];
    let x = |optional| expr(ExprKind::Local(LocalId(0)), Type::Integer, optional);
    assert_eq!(evaluate_with(&x(true), &locals, &[Value::Empty]), Ok(Value::Empty));
    assert_eq!(evaluate_with(&x(false), &locals, &[Value::Empty]), Err(Diagnostic::F05));
    assert_eq!(evaluate_with(&x(false), &locals, &[Value::Integer(3)]), Ok(Value::Integer(3)));
    let or_seven = expr(ExprKind::Coalesce(x(true).into(), whole(7).into()), Type::Integer, false);
    assert_eq!(evaluate_with(&or_seven, &locals, &[]), Ok(Value::Integer(7)));
    assert_eq!(evaluate_with(&or_seven, &locals, &[Value::Integer(3)]), Ok(Value::Integer(3)));
}

#[test]
fn a_text_does_not_grow_without_end() {
    let long: SmolStr = "x".repeat(crate::value::text::MAX_TEXT / 2).into();
    let part = || expr(ExprKind::Local(LocalId(0)), Type::Text, false);
    let locals = [Local { name: "x".into(), ty: Type::Text, optional: false }];
    let text = |parts: Vec<Expr>| expr(ExprKind::Concat(parts), Type::Text, false);
    let values = [Value::Text(long)];
    assert!(evaluate_with(&text(vec![part(), part()]), &locals, &values).is_ok());
    assert_eq!(evaluate_with(&text(vec![part(), part(), part()]), &locals, &values), Err(Diagnostic::F14));
}
