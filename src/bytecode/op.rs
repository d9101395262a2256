//! The one table of operations. The enum, the names, the listing's words and the operand visitor come from it;
//! the VM's dispatch (`vm/`) and the few rules that depend on a table (`verify/`) match on the enum.
//!
//! A line is `Name { operand: Kind [rule], … } "words"`, its meaning in the doc line above. The words are what
//! the listing prints, with the operands in braces. The position of a line is its number in a `.flowc` file:
//! new operations go to the end, and a line that falls away stays as a number that is refused.

use serde::{Deserialize, Serialize};

use super::operand::Kind::*;
use super::operand::Rule::{Any, Full, Maybe};
use super::operand::{
    Back, CallIx, Count, FieldIx, In, Operand, Out, OutputIx, PerformIx, QueryIx, Run, Sign, StartIx, Target, TypeIx, WaitIx, When, WriteIx,
};

macro_rules! operand {
    (In $value:expr, $rule:expr) => {
        Operand::In($value, $rule)
    };
    (Out $value:expr, $rule:expr) => {
        Operand::Out($value, $rule)
    };
    (FieldIx $value:expr) => {
        Operand::Field($value)
    };
    (WriteIx $value:expr) => {
        Operand::Write($value)
    };
    (StartIx $value:expr) => {
        Operand::Start($value)
    };
    (PerformIx $value:expr) => {
        Operand::Perform($value)
    };
    (OutputIx $value:expr) => {
        Operand::Output($value)
    };
    (CallIx $value:expr) => {
        Operand::Call($value)
    };
    (TypeIx $value:expr) => {
        Operand::Type($value)
    };
    (WaitIx $value:expr) => {
        Operand::Wait($value)
    };
    (QueryIx $value:expr) => {
        Operand::Query($value)
    };
    ($kind:ident $value:expr) => {
        Operand::$kind($value)
    };
}

macro_rules! retarget {
    (Target $operand:ident, $to:ident) => {
        *$operand = $to
    };
    ($kind:ident $operand:ident, $to:ident) => {
        let _ = $operand;
    };
}

macro_rules! ops {
    ($(#[doc = $doc:literal] $name:ident { $($operand:ident: $kind:ident $([$rule:expr])?),* } $words:literal)*) => {
        /// One operation of the register machine: eight bytes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "the operands are told by the words of the operation")]
        pub enum Op {
            $(#[doc = $doc] $name { $($operand: $kind),* },)*
        }

        impl Op {
            /// The name of the operation.
            pub fn name(&self) -> &'static str {
                match self { $(Op::$name { .. } => stringify!($name),)* }
            }

            /// What the listing says, with the names of operands in braces.
            pub fn words(&self) -> &'static str {
                match self { $(Op::$name { .. } => $words,)* }
            }

            /// Shows every operand with its name, in the order of the table: what is read stands before what is written.
            pub fn visit(&self, mut visitor: impl FnMut(&'static str, Operand)) {
                match *self {
                    $(Op::$name { $($operand),* } => { $(visitor(stringify!($operand), operand!($kind $operand $(, $rule)?));)* })*
                }
                let _ = &mut visitor;
            }

            /// Gives a jump another target.
            pub fn retarget(&mut self, to: Target) {
                match self { $(Op::$name { $($operand),* } => { $(retarget!($kind $operand, to);)* })* }
                let _ = to;
            }
        }
    };
}

ops! {
    // Moves
    /// The value, whatever it is.
    Copy { value: In [Any], out: Out [Any] } "{out} = {value}"
    /// The left value, or the right one where the left is empty.
    Coalesce { left: In [Any], right: In [Any], out: Out [Any] } "{out} = {left} ?? {right}"
    /// The value; fault F05 where it is empty.
    Require { value: In [Any], out: Out [Any] } "{out} = {value}, never empty"

    // Loads
    /// The triggering record.
    This { out: Out [Full(Reference)] } "{out} = this"
    /// The user who started the operation.
    Caller { out: Out [Full(Reference)] } "{out} = caller"
    /// The start of the outermost operation.
    Now { out: Out [Full(DateTime)] } "{out} = now"
    /// Its date in the organisation's time zone.
    Today { out: Out [Full(Date)] } "{out} = today"
    /// A field of the triggering record, which may be empty.
    Field { field: FieldIx, out: Out [Any] } "{out} = {field}"
    /// A field of the triggering record; fault F05 where it is empty.
    RequireField { field: FieldIx, out: Out [Any] } "{out} = {field}, never empty"
    /// A field's value before the operation, which may be empty.
    Old { field: FieldIx, out: Out [Any] } "{out} = old.{field}"
    /// A field of another record; empty where the reference is.
    Related { record: In [Maybe(Reference)], field: FieldIx, out: Out [Any] } "{out} = {record}.{field}"

    // Jumps
    /// Goes on elsewhere.
    Jump { to: Target } "go to {to}"
    /// Tests a boolean; an empty one is not true.
    JumpTrue { condition: In [Maybe(Boolean)], when: When, to: Target } "{when} {condition} go to {to}"
    /// Tests for emptiness.
    JumpEmpty { value: In [Any], when: When, to: Target } "{when} {value} is empty go to {to}"
    /// Tests whether this operation gives a field a different value.
    JumpChanged { field: FieldIx, when: When, to: Target } "{when} changed({field}) go to {to}"
    /// Tests two values of any one kind; empty equals empty only.
    JumpEqual { left: In [Any], right: In [Any], when: When, to: Target } "{when} {left} == {right} go to {to}"
    /// Tests two whole numbers.
    JumpEqualInteger { left: In [Maybe(Integer)], right: In [Maybe(Integer)], when: When, to: Target } "{when} {left} == {right} go to {to}"
    /// Tests two decimals by their values, not their digits.
    JumpEqualDecimal { left: In [Maybe(Decimal)], right: In [Maybe(Decimal)], when: When, to: Target } "{when} {left} == {right} go to {to}"
    /// Tests two texts.
    JumpEqualText { left: In [Maybe(Text)], right: In [Maybe(Text)], when: When, to: Target } "{when} {left} == {right} go to {to}"
    /// Tests two options of one choice.
    JumpEqualChoice { left: In [Maybe(Choice)], right: In [Maybe(Choice)], when: When, to: Target } "{when} {left} == {right} go to {to}"
    /// Tests two durations by their lengths.
    JumpEqualDuration { left: In [Maybe(Duration)], right: In [Maybe(Duration)], when: When, to: Target } "{when} {left} == {right} go to {to}"
    /// Orders two whole numbers.
    JumpLessInteger { left: In [Maybe(Integer)], right: In [Maybe(Integer)], when: When, to: Target } "{when} {left} < {right} go to {to}"
    /// Orders two whole numbers.
    JumpAtMostInteger { left: In [Maybe(Integer)], right: In [Maybe(Integer)], when: When, to: Target } "{when} {left} <= {right} go to {to}"
    /// Orders two decimals.
    JumpLessDecimal { left: In [Maybe(Decimal)], right: In [Maybe(Decimal)], when: When, to: Target } "{when} {left} < {right} go to {to}"
    /// Orders two decimals.
    JumpAtMostDecimal { left: In [Maybe(Decimal)], right: In [Maybe(Decimal)], when: When, to: Target } "{when} {left} <= {right} go to {to}"
    /// Orders two floats.
    JumpLessFloat { left: In [Maybe(Float)], right: In [Maybe(Float)], when: When, to: Target } "{when} {left} < {right} go to {to}"
    /// Orders two floats.
    JumpAtMostFloat { left: In [Maybe(Float)], right: In [Maybe(Float)], when: When, to: Target } "{when} {left} <= {right} go to {to}"
    /// Orders two texts by code point.
    JumpLessText { left: In [Maybe(Text)], right: In [Maybe(Text)], when: When, to: Target } "{when} {left} < {right} go to {to}"
    /// Orders two texts by code point.
    JumpAtMostText { left: In [Maybe(Text)], right: In [Maybe(Text)], when: When, to: Target } "{when} {left} <= {right} go to {to}"
    /// Orders two dates.
    JumpLessDate { left: In [Maybe(Date)], right: In [Maybe(Date)], when: When, to: Target } "{when} {left} < {right} go to {to}"
    /// Orders two dates.
    JumpAtMostDate { left: In [Maybe(Date)], right: In [Maybe(Date)], when: When, to: Target } "{when} {left} <= {right} go to {to}"
    /// Orders two instants.
    JumpLessDateTime { left: In [Maybe(DateTime)], right: In [Maybe(DateTime)], when: When, to: Target } "{when} {left} < {right} go to {to}"
    /// Orders two instants.
    JumpAtMostDateTime { left: In [Maybe(DateTime)], right: In [Maybe(DateTime)], when: When, to: Target } "{when} {left} <= {right} go to {to}"
    /// Orders two wall-clock times.
    JumpLessLocal { left: In [Maybe(LocalDateTime)], right: In [Maybe(LocalDateTime)], when: When, to: Target } "{when} {left} < {right} go to {to}"
    /// Orders two wall-clock times.
    JumpAtMostLocal { left: In [Maybe(LocalDateTime)], right: In [Maybe(LocalDateTime)], when: When, to: Target } "{when} {left} <= {right} go to {to}"
    /// Orders two durations by their lengths.
    JumpLessDuration { left: In [Maybe(Duration)], right: In [Maybe(Duration)], when: When, to: Target } "{when} {left} < {right} go to {to}"
    /// Orders two durations by their lengths.
    JumpAtMostDuration { left: In [Maybe(Duration)], right: In [Maybe(Duration)], when: When, to: Target } "{when} {left} <= {right} go to {to}"
    /// Tests whether a text has a part; false with an empty side.
    JumpContains { text: In [Maybe(Text)], part: In [Maybe(Text)], when: When, to: Target } "{when} {text} contains {part} go to {to}"
    /// Tests how a text begins; false with an empty side.
    JumpStartsWith { text: In [Maybe(Text)], part: In [Maybe(Text)], when: When, to: Target } "{when} {text} starts with {part} go to {to}"
    /// Tests how a text ends; false with an empty side.
    JumpEndsWith { text: In [Maybe(Text)], part: In [Maybe(Text)], when: When, to: Target } "{when} {text} ends with {part} go to {to}"
    /// Tests whether a set has an option; false with an empty side.
    JumpHasOption { set: In [Maybe(Choices)], option: In [Maybe(Choice)], when: When, to: Target } "{when} {set} contains {option} go to {to}"

    // Arithmetic
    /// 32 bits; fault F03 beyond them.
    AddInteger { left: In [Full(Integer)], right: In [Full(Integer)], out: Out [Full(Integer)] } "{out} = {left} + {right}"
    /// 32 bits; fault F03 beyond them.
    SubtractInteger { left: In [Full(Integer)], right: In [Full(Integer)], out: Out [Full(Integer)] } "{out} = {left} - {right}"
    /// 32 bits; fault F03 beyond them.
    MultiplyInteger { left: In [Full(Integer)], right: In [Full(Integer)], out: Out [Full(Integer)] } "{out} = {left} * {right}"
    /// 64 bits; fault F03 beyond them.
    AddBigInt { left: In [Full(Integer)], right: In [Full(Integer)], out: Out [Full(Integer)] } "{out} = {left} + {right}"
    /// 64 bits; fault F03 beyond them.
    SubtractBigInt { left: In [Full(Integer)], right: In [Full(Integer)], out: Out [Full(Integer)] } "{out} = {left} - {right}"
    /// 64 bits; fault F03 beyond them.
    MultiplyBigInt { left: In [Full(Integer)], right: In [Full(Integer)], out: Out [Full(Integer)] } "{out} = {left} * {right}"
    /// Of whole numbers, with the sign of the left one; fault F01 where the right one is 0.
    Remainder { left: In [Full(Integer)], right: In [Full(Integer)], out: Out [Full(Integer)] } "{out} = {left} % {right}"
    /// Exact; fault F02 where the result has too many digits.
    AddDecimal { left: In [Full(Decimal)], right: In [Full(Decimal)], out: Out [Full(Decimal)] } "{out} = {left} + {right}"
    /// Exact; fault F02 where the result has too many digits.
    SubtractDecimal { left: In [Full(Decimal)], right: In [Full(Decimal)], out: Out [Full(Decimal)] } "{out} = {left} - {right}"
    /// Exact; fault F02 where the result has too many digits.
    MultiplyDecimal { left: In [Full(Decimal)], right: In [Full(Decimal)], out: Out [Full(Decimal)] } "{out} = {left} * {right}"
    /// Rounded half to even at 10 decimals; fault F01 where the right one is 0.
    DivideDecimal { left: In [Full(Decimal)], right: In [Full(Decimal)], out: Out [Full(Decimal)] } "{out} = {left} / {right}"
    /// Fault F03 where the result is no number.
    AddFloat { left: In [Full(Float)], right: In [Full(Float)], out: Out [Full(Float)] } "{out} = {left} + {right}"
    /// Fault F03 where the result is no number.
    SubtractFloat { left: In [Full(Float)], right: In [Full(Float)], out: Out [Full(Float)] } "{out} = {left} - {right}"
    /// Fault F03 where the result is no number.
    MultiplyFloat { left: In [Full(Float)], right: In [Full(Float)], out: Out [Full(Float)] } "{out} = {left} * {right}"
    /// Fault F01 where the right one is 0, F03 where the result is no number.
    DivideFloat { left: In [Full(Float)], right: In [Full(Float)], out: Out [Full(Float)] } "{out} = {left} / {right}"
    /// 32 bits; fault F03 beyond them.
    NegateInteger { value: In [Full(Integer)], out: Out [Full(Integer)] } "{out} = -{value}"
    /// 64 bits; fault F03 beyond them.
    NegateBigInt { value: In [Full(Integer)], out: Out [Full(Integer)] } "{out} = -{value}"
    /// The number with the other sign.
    NegateDecimal { value: In [Full(Decimal)], out: Out [Full(Decimal)] } "{out} = -{value}"
    /// The number with the other sign.
    NegateFloat { value: In [Full(Float)], out: Out [Full(Float)] } "{out} = -{value}"
    /// A whole number as a decimal; empty stays empty.
    ToDecimal { value: In [Maybe(Integer)], out: Out [Any] } "{out} = {value} as a decimal"

    // Time
    /// A date later or earlier by a duration or period.
    ShiftDate { value: In [Full(Date)], sign: Sign, by: In [Full(Duration)], out: Out [Full(Date)] } "{out} = {value} {sign} {by}"
    /// An instant later or earlier; days and longer step in the organisation's time zone.
    ShiftDateTime { value: In [Full(DateTime)], sign: Sign, by: In [Full(Duration)], out: Out [Full(DateTime)] } "{out} = {value} {sign} {by}"
    /// A wall-clock time later or earlier.
    ShiftLocal { value: In [Full(LocalDateTime)], sign: Sign, by: In [Full(Duration)], out: Out [Full(LocalDateTime)] } "{out} = {value} {sign} {by}"
    /// The sum or difference of two durations.
    AddDuration { value: In [Full(Duration)], sign: Sign, by: In [Full(Duration)], out: Out [Full(Duration)] } "{out} = {value} {sign} {by}"
    /// A duration so many times.
    ScaleDuration { value: In [Full(Duration)], times: In [Full(Integer)], out: Out [Full(Duration)] } "{out} = {value} * {times}"
    /// The time between two instants.
    Elapsed { later: In [Full(DateTime)], earlier: In [Full(DateTime)], out: Out [Full(Duration)] } "{out} = {later} - {earlier}"

    /// The time between two wall-clock times.
    ElapsedLocal { later: In [Full(LocalDateTime)], earlier: In [Full(LocalDateTime)], out: Out [Full(Duration)] } "{out} = {later} - {earlier}"

    // Text and functions
    /// The texts one after the other; an empty one is nothing.
    Concat { parts: Run, count: Count, out: Out [Full(Text)] } "{out} = join {parts}"
    /// A value as text; empty gives an empty text.
    ToText { value: In [Any], ty: TypeIx, out: Out [Full(Text)] } "{out} = text of {value}"
    /// A built-in function.
    Call { function: CallIx, arguments: Run, out: Out [Any] } "{out} = {function}({arguments})"

    // Records
    /// One write of fields of the triggering record.
    Set { fields: WriteIx, values: Run } "set {values}"
    /// A nested create; gives the reference.
    Create { fields: WriteIx, values: Run, out: Out [Full(Reference)] } "{out} = create {fields} {{ {values} }}"
    /// A nested update.
    Update { record: In [Full(Reference)], fields: WriteIx, values: Run } "update {record} {{ {values} }}"
    /// A nested delete.
    Delete { record: In [Full(Reference)] } "delete {record}"
    /// A child flow on a record.
    Start { record: In [Full(Reference)], flow: StartIx, inputs: Run } "start {flow}({inputs}) on {record}"
    /// Leaves an activity out where its record is empty, and says so in the trace.
    SkipIfEmpty { record: In [Maybe(Reference)], to: Target } "if {record} is empty skip to {to}"

    // The trace, and the ends
    /// A line in the trace.
    Log { text: In [Full(Text)] } "log {text}"
    /// A named group begins.
    EnterStep { title: In [Full(Text)] } "step {title}"
    /// The innermost named group ends.
    LeaveStep { } "end of step"
    /// Cancels the operation with a reason.
    Stop { reason: In [Full(Text)] } "stop {reason}"
    /// Ends the flow as succeeded, with a note where there is one.
    Finish { note: In [Maybe(Text)] } "finish {note}"
    /// The end of the flow.
    End { } "end"
    /// Gives the value of an expression.
    Return { value: In [Any] } "give {value}"
    /// Waits for the first of several branches, in a background flow; gives its number, from 0.
    Wait { wait: WaitIx, values: Run, out: Out [Full(Integer)] } "{out} = wait {wait}{values}"
    /// A set of options with one put in; no option changes nothing.
    AddOption { set: In [Maybe(Choices)], option: In [Maybe(Choice)], out: Out [Any] } "{out} = {set} + {option}"
    /// A set of options with one taken out; empty where none is left.
    RemoveOption { set: In [Maybe(Choices)], option: In [Maybe(Choice)], out: Out [Maybe(Choices)] } "{out} = {set} - {option}"

    // Actions
    /// Performs an action; what it gives comes into the registers from `out` on.
    Perform { action: PerformIx, values: Run, out: Out [Any] } "{out} = perform {action}({values})"
    /// Gives the action's own output a value.
    SetOutput { output: OutputIx, value: In [Any] } "output {output} = {value}"

    // Queries
    /// The one record whose fields have these values; fault F17 where there is none, or more than one.
    Find { fields: WriteIx, values: Run, out: Out [Full(Reference)] } "{out} = the {fields} with {values}"
    /// Begins a query. What follows looks at its records one by one, or takes them all.
    Open { query: QueryIx, values: Run } "query {query}{values}"
    /// Head of a loop: the next record of the query to look at, or the end of the loop.
    NextRow { to: Target } "next record, at the end go to {to}"
    /// A field of the record that is looked at.
    RowField { field: FieldIx, out: Out [Any] } "{out} = its {field}"
    /// The record that is looked at counts.
    KeepRow { } "keep it"
    /// The end of a loop's turn.
    Loop { to: Back } "again from {to}"
    /// Ends a query with what is worked out of the records that were kept, or of all.
    Gather { query: QueryIx, out: Out [Any] } "{out} = its result"
    /// Fixes the records that a loop visits: those that were kept, or all.
    Visit { } "fix its records"
    /// Head of a loop: the next of the fixed records that is still there, or the end of the loop and of the query.
    NextRecord { to: Target, out: Out [Full(Reference)] } "{out} = next record, at the end go to {to}"
}

const _: () = assert!(std::mem::size_of::<Op>() == 8);

impl Op {
    /// Whether nothing follows it: a jump that is always made, or an end.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Op::Jump { .. } | Op::Loop { .. } | Op::Stop { .. } | Op::Finish { .. } | Op::End {} | Op::Return { .. })
    }

    /// The operation it may jump to.
    pub fn target(&self) -> Option<Target> {
        let mut found = None;
        self.visit(|_, operand| {
            if let Operand::Target(target) = operand {
                found = Some(target);
            }
        });
        found
    }
}
