//! Calls of built-in functions against the one table of functions.

use std::sync::Arc;

use super::Problem;
use super::held::Held;
use crate::bytecode::CallRef;
use crate::bytecode::operand::Kind;
use crate::value::{ChoiceId, Evaluation, Takes, Type};

/// Whether a function can be called with so many arguments, and computes anything.
pub(super) fn possible(call: &CallRef) -> bool {
    let (fewest, most) = call.function.counts();
    let count = call.arguments as usize;
    matches!(call.function.evaluation, Evaluation::Computed(_)) && count >= fewest && most.is_none_or(|most| count <= most)
}

/// What a call gives for these arguments.
pub(super) fn result(call: &CallRef, arguments: impl Iterator<Item = Held>) -> Result<Held, Problem> {
    let mut first = None;
    for (position, held) in arguments.enumerate() {
        let Held::Full(kind) = held else { return Err(Problem::Register("arguments")) };
        let takes = call.function.parameter(position).map(|parameter| parameter.takes);
        let first = *first.get_or_insert(kind);
        if !takes.is_some_and(|takes| takes.admits(&sample(kind)) && (takes != Takes::Ordered || first == kind)) {
            return Err(Problem::Register("arguments"));
        }
    }
    let first = sample(first.ok_or(Problem::Register("arguments"))?);
    Ok(Held::typed(&call.function.result(&first, call.arguments as usize, None), false))
}

/// A type whose values are of the kind. What functions take and give depends on no more than that.
fn sample(kind: Kind) -> Type {
    match kind {
        Kind::Boolean => Type::Boolean,
        Kind::Integer => Type::Integer,
        Kind::Decimal => Type::Decimal(0),
        Kind::Float => Type::Float,
        Kind::Text => Type::Text,
        Kind::Choice => Type::Choice(ChoiceId(0)),
        Kind::Choices => Type::Choices(ChoiceId(0)),
        Kind::Date => Type::Date,
        Kind::DateTime => Type::DateTime,
        Kind::LocalDateTime => Type::LocalDateTime,
        Kind::Duration => Type::Duration,
        Kind::Reference => Type::Lookup(Arc::from([])),
        Kind::Uuid => Type::Uuid,
    }
}
