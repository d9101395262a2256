//! What an operation works on: registers, places in the tables of a [`Code`](super::Code), targets of jumps;
//! and which kinds of values an operation takes and gives.
//!
//! Registers are numbered in two rows: with the highest bit set a register is a constant of the code, without it one
//! of the frame. Only an [`Out`] is ever written, and no `Out` with that bit passes the verifier, so constants stay what they are.

use serde::{Deserialize, Serialize};

use crate::value::{Type, Value};

/// Set in the number of a register that holds a constant.
pub const CONSTANT: u16 = 0x8000;

/// How many registers a frame has at most, and how many constants a code.
pub const MAX_REGISTERS: usize = CONSTANT as usize;

macro_rules! numbers {
    ($($(#[doc = $doc:literal])+ $name:ident($inner:ty),)*) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $inner);
    )* };
}

numbers! {
    /// A register that is read.
    In(u16),
    /// A register that is written.
    Out(u16),
    /// The first of consecutive registers that are read; how many is in a table, or beside it.
    Run(u16),
    /// How many registers a [`Run`] has.
    Count(u16),
    /// The operation to go on with; always a later one.
    Target(u16),
    /// Whether a jump is made where its condition holds (`true`) or where it does not.
    When(bool),
    /// Plus (`true`) or minus.
    Sign(bool),
    /// A field, in `fields`.
    FieldIx(u16),
    /// An entity with fields to write, in `writes`.
    WriteIx(u16),
    /// A child flow with the inputs it is given, in `starts`.
    StartIx(u16),
    /// An action with the inputs it is given, in `performs`.
    PerformIx(u16),
    /// An output of the action itself, in `outputs`.
    OutputIx(u16),
    /// A function with the number of its arguments, in `calls`.
    CallIx(u16),
    /// A type, in `types`.
    TypeIx(u16),
    /// A wait, in `waits`.
    WaitIx(u16),
    /// A query, in `queries`.
    QueryIx(u16),
    /// The head of the loop that ends here: the only jump that goes back.
    Back(u16),
}

impl In {
    /// The place among the constants, where it is one.
    pub fn constant(self) -> Option<usize> {
        (self.0 & CONSTANT != 0).then_some((self.0 & !CONSTANT) as usize)
    }
}

impl From<Out> for In {
    fn from(out: Out) -> In {
        In(out.0)
    }
}

/// One operand of an operation, as the verifier and the listing see it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operand {
    /// Read; must hold what the rule says.
    In(In, Rule),
    /// Written; holds what the rule says afterwards.
    Out(Out, Rule),
    /// Read, with those after it.
    Run(Run),
    /// Length of the run.
    Count(Count),
    /// A later operation.
    Target(Target),
    /// The sense of a condition.
    When(When),
    /// Plus or minus.
    Sign(Sign),
    /// Into `fields`.
    Field(FieldIx),
    /// Into `writes`.
    Write(WriteIx),
    /// Into `starts`.
    Start(StartIx),
    /// Into `performs`.
    Perform(PerformIx),
    /// Into `outputs`.
    Output(OutputIx),
    /// Into `calls`.
    Call(CallIx),
    /// Into `types`.
    Type(TypeIx),
    /// Into `waits`.
    Wait(WaitIx),
    /// Into `queries`.
    Query(QueryIx),
    /// The head of a loop.
    Back(Back),
}

/// What a register must hold, or holds afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A value of this kind.
    Full(Kind),
    /// A value of this kind, or none.
    Maybe(Kind),
    /// Read: any value, or none. Written: what it is depends on the other operands.
    Any,
}

macro_rules! kinds {
    ($($name:ident: $pattern:pat => $types:pat,)*) => {
        /// The kinds of values that a register can hold: the forms of [`Value`] that aren't empty.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $(#[doc = concat!("`Value::", stringify!($name), "`")] $name,)*
        }

        impl Kind {
            /// The kind of a value; none of an empty one.
            pub fn of(value: &Value) -> Option<Kind> {
                match value { $($pattern => Some(Kind::$name),)* Value::Empty => None }
            }

            /// The kind of the values of a type.
            pub fn of_type(ty: &Type) -> Kind {
                match ty { $($types => Kind::$name,)* }
            }
        }
    };
}

kinds! {
    Boolean: Value::Boolean(_) => Type::Boolean,
    Integer: Value::Integer(_) => Type::Integer | Type::BigInt,
    Decimal: Value::Decimal(_) => Type::Decimal(_) | Type::Money(_),
    Float: Value::Float(_) => Type::Float,
    Text: Value::Text(_) => Type::Text,
    Choice: Value::Choice(_) => Type::Choice(_),
    Choices: Value::Choices(_) => Type::Choices(_),
    Date: Value::Date(_) => Type::Date,
    DateTime: Value::DateTime(_) => Type::DateTime,
    LocalDateTime: Value::LocalDateTime(_) => Type::LocalDateTime,
    Duration: Value::Duration(_) => Type::Duration | Type::Period,
    Reference: Value::Reference(_) => Type::Lookup(_),
    Uuid: Value::Uuid(_) => Type::Uuid,
}
