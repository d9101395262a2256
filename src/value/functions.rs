//! The one table of built-in functions: names, types, emptiness, words and meaning, for checker, VM, docs and completion.
//!
//! No function takes an empty argument unless its row says so ([`Function::takes_empty`]); the checker sees to it.
//! Invariant: a computation is total. Arguments that no checked flow could hand over fail, they don't panic.

mod numbers;
mod texts;
mod times;

use jiff::tz::TimeZone;

use smol_str::SmolStr;
#[cfg(test)]
use smol_str::ToSmolStr;

use super::{Failure, Reference, Type, Value};

/// A built-in function.
#[derive(Debug)]
pub struct Function {
    /// As it is called in a flow.
    pub name: &'static str,
    /// What it takes.
    pub parameters: &'static [Parameter],
    /// How many of the last parameters may be left out.
    pub left_out: usize,
    /// Whether the last parameter may stand any number of times.
    pub repeats: bool,
    /// Whether it takes an empty argument.
    pub takes_empty: bool,
    /// What it gives.
    pub returns: Returns,
    /// What it does, in one line.
    pub doc: &'static str,
    /// How.
    pub evaluation: Evaluation,
}

/// A parameter of a function.
#[derive(Debug)]
pub struct Parameter {
    /// Its name, for people.
    pub name: &'static str,
    /// The types that it takes.
    pub takes: Takes,
}

/// The types that a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A whole number, a decimal or money.
    Number,
    /// A whole number.
    Whole,
    /// Anything that `<` compares; all arguments of one type.
    Ordered,
    /// Text.
    Text,
    /// A date or a datetime.
    Day,
    /// A datetime.
    Clock,
    /// An option.
    Option,
    /// A record.
    Record,
    /// Anything.
    Anything,
}

/// The type that a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returns {
    /// `boolean`
    Boolean,
    /// `integer`
    Integer,
    /// `text`
    Text,
    /// That of its arguments.
    Same,
    /// That of its argument; of an `integer` a `bigint`, since the least one has no opposite of 32 bits.
    Absolute,
    /// A whole number; with a number of decimals the type of its first argument, with so many decimals.
    Rounded,
}

/// How a function gets its value.
#[derive(Clone, Copy, Debug)]
pub enum Evaluation {
    /// From its arguments and the surroundings alone.
    Computed(fn(&[Value], &Environment<'_>) -> Result<Value, Failure>),
    /// As its argument put into a text would: names and labels are the schema's.
    AsText,
}

/// What a computation may look at beside its arguments.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    /// The organisation's time zone.
    pub zone: &'a TimeZone,
    /// Tells the address of a record.
    pub address: &'a dyn Fn(Reference) -> SmolStr,
}

#[cfg(test)]
impl<'a> Environment<'a> {
    /// For tests: a time zone, and addresses without an application.
    pub(crate) fn in_zone(zone: &'a TimeZone) -> Self {
        Environment { zone, address: &|record| record.id.to_smolstr() }
    }
}

impl Function {
    /// Every function, in the order of the documentation.
    pub const ALL: &'static [Function] = TABLE;

    /// A function by its name.
    pub fn find(name: &str) -> Option<&'static Function> {
        Function::ALL.iter().find(|function| function.name == name)
    }

    /// The fewest and, where there is an end, the most arguments.
    pub fn counts(&self) -> (usize, Option<usize>) {
        let most = self.parameters.len();
        (most.saturating_sub(self.left_out), (!self.repeats).then_some(most))
    }

    /// The parameter of an argument.
    pub fn parameter(&self, position: usize) -> Option<&'static Parameter> {
        let repeated = if self.repeats { self.parameters.last() } else { None };
        self.parameters.get(position).or(repeated)
    }

    /// The type of its value. `first` is that of its arguments, of which `decimals` is the second where it is a constant.
    pub fn result(&self, first: &Type, arguments: usize, decimals: Option<u8>) -> Type {
        let fewer = |scale: u8| decimals.map_or(scale, |decimals| decimals.min(scale));
        match (self.returns, first) {
            (Returns::Boolean, _) => Type::Boolean,
            (Returns::Integer, _) => Type::Integer,
            (Returns::Text, _) => Type::Text,
            (Returns::Absolute, Type::Integer) => Type::BigInt,
            (Returns::Rounded, Type::Decimal(_) | Type::Money(_)) if arguments < 2 => Type::BigInt,
            (Returns::Rounded, Type::Decimal(scale)) => Type::Decimal(fewer(*scale)),
            (Returns::Rounded, Type::Money(scale)) => Type::Money(fewer(*scale)),
            (Returns::Same | Returns::Absolute | Returns::Rounded, _) => first.clone(),
        }
    }

    /// Its value. One that is no computation gives nothing; the checker lets none through to here.
    pub fn call(&self, arguments: &[Value], environment: &Environment<'_>) -> Result<Value, Failure> {
        match self.evaluation {
            Evaluation::Computed(compute) => compute(arguments, environment),
            Evaluation::AsText => Err(Failure::OutOfRange),
        }
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Takes {
    /// Whether a value of a type may stand there.
    pub fn admits(self, ty: &Type) -> bool {
        let whole = matches!(ty, Type::Integer | Type::BigInt);
        let clock = matches!(ty, Type::DateTime | Type::LocalDateTime);
        let number = whole || matches!(ty, Type::Decimal(_) | Type::Money(_));
        match self {
            Takes::Number => number,
            Takes::Whole => whole,
            Takes::Ordered => number || clock || matches!(ty, Type::Float | Type::Text | Type::Date | Type::Duration | Type::Period),
            Takes::Text => *ty == Type::Text,
            Takes::Day => clock || *ty == Type::Date,
            Takes::Clock => clock,
            Takes::Option => matches!(ty, Type::Choice(_)),
            Takes::Record => matches!(ty, Type::Lookup(_)),
            Takes::Anything => true,
        }
    }

    /// In words: `a number`.
    pub fn words(self) -> &'static str {
        match self {
            Takes::Number => "a number",
            Takes::Whole => "a whole number",
            Takes::Ordered => "numbers, dates, times, durations or text",
            Takes::Text => "text",
            Takes::Day => "a date or a datetime",
            Takes::Clock => "a datetime",
            Takes::Option => "an option of a choice",
            Takes::Record => "a record",
            Takes::Anything => "any value",
        }
    }
}

const fn takes(name: &'static str, takes: Takes) -> Parameter {
    Parameter { name, takes }
}

/// A row of the table without its exceptions.
const fn row(
    name: &'static str,
    parameters: &'static [Parameter],
    returns: Returns,
    compute: fn(&[Value], &Environment<'_>) -> Result<Value, Failure>,
    doc: &'static str,
) -> Function {
    let evaluation = Evaluation::Computed(compute);
    Function { name, parameters, left_out: 0, repeats: false, takes_empty: false, returns, doc, evaluation }
}

const NUMBER: &[Parameter] = &[takes("x", Takes::Number)];
const ROUND: &[Parameter] = &[takes("x", Takes::Number), takes("decimals", Takes::Whole)];
const ORDERED: &[Parameter] = &[takes("a", Takes::Ordered), takes("b", Takes::Ordered)];
const TEXT: &[Parameter] = &[takes("text", Takes::Text)];
const PART: &[Parameter] = &[takes("text", Takes::Text), takes("count", Takes::Whole)];
const REPLACE: &[Parameter] = &[takes("text", Takes::Text), takes("old", Takes::Text), takes("new", Takes::Text)];
const TEXTS: &[Parameter] = &[takes("a", Takes::Text), takes("b", Takes::Text)];
const DAY: &[Parameter] = &[takes("date", Takes::Day)];
const CLOCK: &[Parameter] = &[takes("datetime", Takes::Clock)];
const DAYS: &[Parameter] = &[takes("from", Takes::Day), takes("to", Takes::Day)];
const OPTION: &[Parameter] = &[takes("option", Takes::Option)];
const ANYTHING: &[Parameter] = &[takes("value", Takes::Anything)];
const RECORD: &[Parameter] = &[takes("record", Takes::Record)];

use Returns::{Absolute, Boolean, Integer, Rounded, Same, Text};

const TABLE: &[Function] = &[
    row("abs", NUMBER, Absolute, numbers::abs, "the number without its sign"),
    row("ceil", NUMBER, Rounded, numbers::ceil, "the least whole number that is not smaller"),
    row("floor", NUMBER, Rounded, numbers::floor, "the greatest whole number that is not larger"),
    Function {
        left_out: 1,
        ..row(
            "round",
            ROUND,
            Rounded,
            numbers::round,
            "the nearest whole number, or the nearest with so many decimals; a half goes to the even one",
        )
    },
    Function { repeats: true, ..row("min", ORDERED, Same, numbers::min, "the smallest of the values") },
    Function { repeats: true, ..row("max", ORDERED, Same, numbers::max, "the largest of the values") },
    row("upper", TEXT, Text, texts::upper, "the text in capital letters"),
    row("lower", TEXT, Text, texts::lower, "the text in small letters"),
    row("trim", TEXT, Text, texts::trim, "the text without white space at its ends"),
    row("length", TEXT, Integer, texts::length, "how many characters the text has"),
    row("left", PART, Text, texts::left, "the first characters of the text"),
    row("right", PART, Text, texts::right, "the last characters of the text"),
    row("replace", REPLACE, Text, texts::replace, "the text with every `old` in it replaced by `new`"),
    row("same_text", TEXTS, Boolean, texts::same_text, "whether the texts are the same but for capital and small letters"),
    row("year", DAY, Integer, times::year, "the year, in the organisation's time zone"),
    row("month", DAY, Integer, times::month, "the month, 1 to 12, in the organisation's time zone"),
    row("day", DAY, Integer, times::day, "the day of the month, in the organisation's time zone"),
    row("hour", CLOCK, Integer, times::hour, "the hour, 0 to 23, in the organisation's time zone"),
    row("weekday", DAY, Integer, times::weekday, "the day of the week, from 1 for Monday to 7 for Sunday, in the organisation's time zone"),
    row("days_between", DAYS, Integer, times::days_between, "the days from the first date to the second, in the organisation's time zone"),
    Function {
        takes_empty: true,
        evaluation: Evaluation::AsText,
        ..row("label", OPTION, Text, nothing, "the words that people see for the option; none where it is empty")
    },
    Function {
        takes_empty: true,
        evaluation: Evaluation::AsText,
        ..row("text", ANYTHING, Text, nothing, "the value as text, as in `\"{value}\"`; none where it is empty")
    },
    row("url", RECORD, Text, texts::url, "the address of the record: that of the application, its entity and its id"),
];

fn nothing(_: &[Value], _: &Environment<'_>) -> Result<Value, Failure> {
    Err(Failure::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for function in Function::ALL {
            assert_eq!(Function::find(function.name), Some(function));
            assert_eq!(Function::ALL.iter().filter(|other| *other == function).count(), 1, "{}", function.name);
        }
    }

    #[test]
    fn arguments_that_nobody_checked_fail() {
        let environment = Environment::in_zone(const { &TimeZone::UTC });
        for function in Function::ALL {
            for arguments in [vec![], vec![Value::Boolean(true)], vec![Value::Empty; 3]] {
                assert!(function.call(&arguments, &environment).is_err(), "{} {arguments:?}", function.name);
            }
        }
    }
}
