//! What a register holds at a place in the code, as far as can be known there.

use crate::bytecode::operand::{Kind, Rule};
use crate::value::{Type, Value};

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Nothing that may be read: it was not written on every path, or not with one kind.
    Nothing,
    /// No value.
    Empty,
    /// A value of a kind, or none.
    Maybe(Kind),
    /// A value of a kind.
    Full(Kind),
}

impl Held {
    /// What a constant is.
    pub fn constant(value: &Value) -> Held {
        Kind::of(value).map_or(Held::Empty, Held::Full)
    }

    /// What a value of a type is.
    pub fn typed(ty: &Type, may_be_empty: bool) -> Held {
        let kind = Kind::of_type(ty);
        if may_be_empty { Held::Maybe(kind) } else { Held::Full(kind) }
    }

    /// What is known where two paths meet.
    pub fn meet(self, other: Held) -> Held {
        use Held::{Empty, Full, Maybe, Nothing};
        match (self, other) {
            (one, two) if one == two => one,
            (Empty, Full(kind) | Maybe(kind)) | (Full(kind) | Maybe(kind), Empty) => Maybe(kind),
            (Full(one) | Maybe(one), Full(two) | Maybe(two)) if one == two => Maybe(one),
            _ => Nothing,
        }
    }

    /// Whether it may be read where the rule stands.
    pub fn fits(self, rule: Rule) -> bool {
        match rule {
            Rule::Full(kind) => self == Held::Full(kind),
            Rule::Maybe(kind) => matches!(self, Held::Empty) || self == Held::Full(kind) || self == Held::Maybe(kind),
            Rule::Any => self != Held::Nothing,
        }
    }

    /// The same where it is known not to be empty.
    pub fn narrowed(self) -> Held {
        if let Held::Maybe(kind) = self { Held::Full(kind) } else { self }
    }

    /// This, or the other where this is empty. None where the two are of different kinds.
    pub fn or(self, other: Held) -> Option<Held> {
        match (self, other) {
            (Held::Empty, other) => Some(other),
            (Held::Full(one), Held::Full(two) | Held::Maybe(two)) if one == two => Some(Held::Full(one)),
            (Held::Full(one), Held::Empty) => Some(Held::Full(one)),
            (Held::Maybe(one), Held::Full(two)) if one == two => Some(Held::Full(one)),
            (Held::Maybe(one), Held::Maybe(two)) if one == two => Some(Held::Maybe(one)),
            (Held::Maybe(one), Held::Empty) => Some(Held::Maybe(one)),
            _ => None,
        }
    }
}
