//! The operations that test something and jump. With an empty side every test but equality is false.

use std::cmp::Ordering;

use crate::bytecode::{In, Op, Target, When};
use crate::value::{Value, time};

use super::host::Host;
use super::machine::{Machine, Trap, broken};

/// Whether both registers hold the one form, and what is asked of the two values holds.
macro_rules! both {
    ($machine:ident, $left:ident, $right:ident, $($form:ident)|+, |$a:ident, $b:ident| $test:expr) => {
        match ($machine.get($left)?, $machine.get($right)?) {
            $((Value::$form($a), Value::$form($b)) => $test,)+
            _ => false,
        }
    };
}

/// Whether both are empty, or both hold the one form and are the same.
macro_rules! same {
    ($machine:ident, $left:ident, $right:ident, $form:ident, |$a:ident, $b:ident| $test:expr) => {
        match ($machine.get($left)?, $machine.get($right)?) {
            (Value::$form($a), Value::$form($b)) => $test,
            (Value::Empty, Value::Empty) => true,
            _ => false,
        }
    };
}

/// Does a testing operation; gives the target where it jumps. The outer `None` says that the operation is of another family.
#[inline(always)]
pub(super) fn step<H: Host + ?Sized>(op: Op, machine: &Machine<'_>, host: &mut H) -> Result<Option<Option<Target>>, Trap> {
    let (holds, when, to) = match op {
        Op::JumpTrue { condition, when, to } => (matches!(machine.get(condition)?, Value::Boolean(true)), when, to),
        Op::JumpEmpty { value, when, to } => (machine.get(value)?.is_empty(), when, to),
        Op::JumpChanged { field, when, to } => {
            let slot = machine.code.fields.get(field.0 as usize).ok_or_else(broken)?.slot;
            (host.changed(slot)?, when, to)
        }
        _ => match equality(op, machine)? {
            Some(found) => found,
            None => return Ok(None),
        },
    };
    Ok(Some((holds == when.0).then_some(to)))
}

type Test = (bool, When, Target);

#[inline(always)]
fn equality(op: Op, machine: &Machine<'_>) -> Result<Option<Test>, Trap> {
    Ok(Some(match op {
        Op::JumpEqual { left, right, when, to } => (machine.get(left)? == machine.get(right)?, when, to),
        Op::JumpEqualInteger { left, right, when, to } => (same!(machine, left, right, Integer, |a, b| a == b), when, to),
        Op::JumpEqualDecimal { left, right, when, to } => (same!(machine, left, right, Decimal, |a, b| a == b), when, to),
        Op::JumpEqualText { left, right, when, to } => (same!(machine, left, right, Text, |a, b| a == b), when, to),
        Op::JumpEqualChoice { left, right, when, to } => (same!(machine, left, right, Choice, |a, b| a == b), when, to),
        Op::JumpEqualDuration { left, right, when, to } => {
            (same!(machine, left, right, Duration, |a, b| time::compare(*a, *b) == Some(Ordering::Equal)), when, to)
        }
        _ => return order(op, machine),
    }))
}

#[inline(always)]
fn order(op: Op, machine: &Machine<'_>) -> Result<Option<Test>, Trap> {
    Ok(Some(match op {
        Op::JumpLessInteger { left, right, when, to } => (both!(machine, left, right, Integer, |a, b| a < b), when, to),
        Op::JumpAtMostInteger { left, right, when, to } => (both!(machine, left, right, Integer, |a, b| a <= b), when, to),
        Op::JumpLessDecimal { left, right, when, to } => (both!(machine, left, right, Decimal, |a, b| a < b), when, to),
        Op::JumpAtMostDecimal { left, right, when, to } => (both!(machine, left, right, Decimal, |a, b| a <= b), when, to),
        Op::JumpLessFloat { left, right, when, to } => (both!(machine, left, right, Float, |a, b| a < b), when, to),
        Op::JumpAtMostFloat { left, right, when, to } => (both!(machine, left, right, Float, |a, b| a <= b), when, to),
        Op::JumpLessText { left, right, when, to } => (both!(machine, left, right, Text, |a, b| a < b), when, to),
        Op::JumpAtMostText { left, right, when, to } => (both!(machine, left, right, Text, |a, b| a <= b), when, to),
        Op::JumpLessDate { left, right, when, to } => (both!(machine, left, right, Date, |a, b| a < b), when, to),
        Op::JumpAtMostDate { left, right, when, to } => (both!(machine, left, right, Date, |a, b| a <= b), when, to),
        Op::JumpLessDateTime { left, right, when, to } => (both!(machine, left, right, DateTime, |a, b| a < b), when, to),
        Op::JumpAtMostDateTime { left, right, when, to } => (both!(machine, left, right, DateTime, |a, b| a <= b), when, to),
        Op::JumpLessLocal { left, right, when, to } => (both!(machine, left, right, LocalDateTime, |a, b| a < b), when, to),
        Op::JumpAtMostLocal { left, right, when, to } => (both!(machine, left, right, LocalDateTime, |a, b| a <= b), when, to),
        Op::JumpLessDuration { left, right, when, to } => {
            (both!(machine, left, right, Duration, |a, b| time::compare(*a, *b).is_some_and(Ordering::is_lt)), when, to)
        }
        Op::JumpAtMostDuration { left, right, when, to } => {
            (both!(machine, left, right, Duration, |a, b| time::compare(*a, *b).is_some_and(Ordering::is_le)), when, to)
        }
        Op::JumpContains { text, part, when, to } => (texts(machine, text, part, |text, part| text.contains(part))?, when, to),
        Op::JumpStartsWith { text, part, when, to } => (texts(machine, text, part, |text, part| text.starts_with(part))?, when, to),
        Op::JumpEndsWith { text, part, when, to } => (texts(machine, text, part, |text, part| text.ends_with(part))?, when, to),
        Op::JumpHasOption { set, option, when, to } => {
            let holds =
                matches!((machine.get(set)?, machine.get(option)?), (Value::Choices(set), Value::Choice(option)) if set.contains(option));
            (holds, when, to)
        }
        _ => return Ok(None),
    }))
}

fn texts(machine: &Machine<'_>, text: In, part: In, test: fn(&str, &str) -> bool) -> Result<bool, Trap> {
    Ok(both!(machine, text, part, Text, |a, b| test(a, b)))
}
