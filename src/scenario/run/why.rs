//! Why a condition is false: the value of each of its parts that was looked at, with the place where a person looks for it.
//!
//! A part that an `and`, an `or` or a `??` never asked for has no value, a constant needs none, and what a query asks of each record has none
//! of its own. The parts are worked out one by one after the condition failed; nothing of this is on the way of one that holds.

use crate::check::ir::{self, ExprKind};
use crate::source::Span;
use crate::value::{Reference, Slot, Value};

use super::super::report::{Failure, Part};
use super::Run;

/// How many characters of a text are told.
const LONGEST: usize = 400;

/// Characters of two texts that differ beyond this are pointed at.
const FAR: usize = 24;

/// What is found on the way through a condition.
#[derive(Default)]
struct Found {
    parts: Vec<Part>,
    /// The records that it reads, each with one of the fields.
    read: Vec<(Reference, Slot)>,
    notes: Vec<String>,
    /// How many parts end in a fault of their own.
    faults: usize,
}

impl Run<'_> {
    /// The failure of a condition with the values of its parts, and the records that it reads.
    pub(super) fn explained(&mut self, mut failure: Failure, condition: &ir::Expr) -> Failure {
        let mut found = Found::default();
        self.part(condition, &mut found);
        failure.notes.append(&mut found.notes);
        failure.condition = Some(Box::new((condition.span, found.parts)));
        self.with_records(failure, found.read)
    }

    /// Tells the value of a part and of all that it consists of.
    fn part(&mut self, expr: &ir::Expr, found: &mut Found) -> Value {
        match &expr.kind {
            ExprKind::Constant(value) => return value.clone(),
            ExprKind::Require(inner) | ExprKind::Convert(inner) | ExprKind::ToText(inner) => return self.part(inner, found),
            _ => {}
        }
        let (result, faults, own) = (self.value(expr), found.faults, found.parts.len());
        let told = match &result {
            Ok(value) => self.spelled(value, &expr.ty),
            Err(fault) => format!("{}: {}", fault.code.name(), fault.message),
        };
        found.parts.push(Part { at: place(expr), value: told });
        // `is not empty` is a `not` that is written with what it denies.
        let inside = match &expr.kind {
            ExprKind::Not(inner) if inner.span == expr.span => inner,
            _ => expr,
        };
        self.parts_of(inside, found);
        if result.is_err() {
            // A fault stands where it comes from, and not at all that it is a part of.
            if found.faults > faults {
                found.parts.remove(own);
            } else {
                found.faults += 1;
            }
        }
        result.unwrap_or_default()
    }

    fn parts_of(&mut self, expr: &ir::Expr, found: &mut Found) {
        match &expr.kind {
            ExprKind::And(left, right) | ExprKind::Or(left, right) | ExprKind::Coalesce(left, right) => {
                let first = self.part(left, found);
                let asks_on = match &expr.kind {
                    ExprKind::And(..) => first == Value::Boolean(true),
                    ExprKind::Or(..) => first != Value::Boolean(true),
                    _ => first.is_empty(),
                };
                if asks_on {
                    self.part(right, found);
                }
            }
            ExprKind::Compare { left, right, .. } => {
                let both = (self.part(left, found), self.part(right, found));
                found.notes.extend(difference(&both));
            }
            ExprKind::Related { record, slot, .. } => self.record_of(record, *slot, found),
            ExprKind::Contains { left, right, .. }
            | ExprKind::Arithmetic { left, right, .. }
            | ExprKind::Shift { left, right, .. }
            | ExprKind::WithOption { set: left, option: right, .. }
            | ExprKind::Elapsed { later: left, earlier: right } => {
                self.part(left, found);
                self.part(right, found);
            }
            ExprKind::Not(inner) | ExprKind::Negate(inner) | ExprKind::IsEmpty(inner) => {
                self.part(inner, found);
            }
            ExprKind::In { value, list } => {
                self.part(value, found);
                list.iter().for_each(|item| drop(self.part(item, found)));
            }
            ExprKind::Between { value, low, high } => [value, low, high].into_iter().for_each(|part| drop(self.part(part, found))),
            ExprKind::Call { arguments: parts, .. } | ExprKind::Concat(parts) => parts.iter().for_each(|part| drop(self.part(part, found))),
            _ => {}
        }
    }

    /// The record that a field is read of. A `let` that holds one goes without saying: its fields are told below.
    fn record_of(&mut self, record: &ir::Expr, slot: Slot, found: &mut Found) {
        let mut inner = record;
        while let ExprKind::Require(within) | ExprKind::Convert(within) = &inner.kind {
            inner = within;
        }
        let value = match (&inner.kind, self.value(inner)) {
            (ExprKind::Local(_), Ok(value @ Value::Reference(_))) => value,
            _ => self.part(inner, found),
        };
        if let Value::Reference(reference) = value {
            found.read.push((reference, slot));
        }
    }

    /// A value as the language writes it; a record by what it is called.
    pub(super) fn spelled(&mut self, value: &Value, ty: &crate::value::Type) -> String {
        match value {
            Value::Reference(record) => self.called(*record),
            value => self.pipeline.schema().written(value, Some(ty), LONGEST),
        }
    }
}

/// Where the value of an expression belongs.
fn place(expr: &ir::Expr) -> Span {
    let behind = |left: &ir::Expr| Span { start: left.span.end.clamp(expr.span.start, expr.span.end), ..expr.span };
    match &expr.kind {
        ExprKind::Not(inner) if inner.span == expr.span => place(inner),
        ExprKind::Related { record: left, .. }
        | ExprKind::And(left, _)
        | ExprKind::Or(left, _)
        | ExprKind::Compare { left, .. }
        | ExprKind::Contains { left, .. }
        | ExprKind::In { value: left, .. }
        | ExprKind::Between { value: left, .. }
        | ExprKind::IsEmpty(left)
        | ExprKind::Coalesce(left, _)
        | ExprKind::Arithmetic { left, .. }
        | ExprKind::WithOption { set: left, .. }
        | ExprKind::Shift { left, .. }
        | ExprKind::Elapsed { later: left, .. } => behind(left),
        _ => expr.span,
    }
}

/// Where two long texts begin to differ.
fn difference(both: &(Value, Value)) -> Option<String> {
    let (Value::Text(one), Value::Text(other)) = both else { return None };
    let alike = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    if alike < FAR || one == other {
        return None;
    }
    let from = |text: &str| {
        let rest: String = text.chars().skip(alike - FAR / 2).take(2 * FAR).collect();
        format!("\"…{rest}\"")
    };
    Some(format!("the texts differ from character {} on: {} and {}", alike + 1, from(one), from(other)))
}
