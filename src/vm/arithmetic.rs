//! The operations on numbers and times. The rules are in `value/`; here they only meet registers.

use crate::bytecode::{In, Op, Out, Sign};
use crate::value::{Decimal, Duration, Failure, Value, decimal, time};

use super::host::Host;
use super::machine::{Machine, Trap};

/// Does an operation on numbers; false where it is of another family.
#[inline(always)]
pub(super) fn step<H: Host + ?Sized>(op: Op, machine: &mut Machine<'_>, host: &H) -> Result<bool, Trap> {
    match op {
        Op::AddDecimal { left, right, out } => decimals(machine, left, right, out, decimal::add)?,
        Op::SubtractDecimal { left, right, out } => decimals(machine, left, right, out, decimal::subtract)?,
        Op::MultiplyDecimal { left, right, out } => decimals(machine, left, right, out, decimal::multiply)?,
        Op::DivideDecimal { left, right, out } => decimals(machine, left, right, out, decimal::divide)?,
        Op::NegateDecimal { value, out } => {
            let number = decimal::subtract(Decimal::ZERO, machine.decimal(value)?)?;
            machine.put(out, Value::Decimal(number))?;
        }
        Op::ToDecimal { value, out } => {
            let number = match machine.get(value)? {
                Value::Integer(number) => Value::Decimal(Decimal::from(*number)),
                Value::Empty => Value::Empty,
                _ => return Err(Trap::Broken),
            };
            machine.put(out, number)?;
        }
        _ => return integers(op, machine, host),
    }
    Ok(true)
}

#[inline(always)]
fn integers<H: Host + ?Sized>(op: Op, machine: &mut Machine<'_>, host: &H) -> Result<bool, Trap> {
    match op {
        Op::AddInteger { left, right, out } => whole(machine, left, right, out, i64::checked_add, true)?,
        Op::SubtractInteger { left, right, out } => whole(machine, left, right, out, i64::checked_sub, true)?,
        Op::MultiplyInteger { left, right, out } => whole(machine, left, right, out, i64::checked_mul, true)?,
        Op::AddBigInt { left, right, out } => whole(machine, left, right, out, i64::checked_add, false)?,
        Op::SubtractBigInt { left, right, out } => whole(machine, left, right, out, i64::checked_sub, false)?,
        Op::MultiplyBigInt { left, right, out } => whole(machine, left, right, out, i64::checked_mul, false)?,
        Op::Remainder { left, right, out } => {
            let (left, right) = (machine.integer(left)?, machine.integer(right)?);
            let rest = if right == 0 { return Err(Failure::DivisionByZero.into()) } else { left.wrapping_rem(right) };
            machine.put(out, Value::Integer(rest))?;
        }
        Op::NegateInteger { value, out } => {
            let number = narrow(machine.integer(value)?.checked_neg(), true)?;
            machine.put(out, Value::Integer(number))?;
        }
        Op::NegateBigInt { value, out } => {
            let number = narrow(machine.integer(value)?.checked_neg(), false)?;
            machine.put(out, Value::Integer(number))?;
        }
        _ => return floats(op, machine, host),
    }
    Ok(true)
}

#[inline(always)]
fn floats<H: Host + ?Sized>(op: Op, machine: &mut Machine<'_>, host: &H) -> Result<bool, Trap> {
    match op {
        Op::AddFloat { left, right, out } => float(machine, left, right, out, |a, b| a + b)?,
        Op::SubtractFloat { left, right, out } => float(machine, left, right, out, |a, b| a - b)?,
        Op::MultiplyFloat { left, right, out } => float(machine, left, right, out, |a, b| a * b)?,
        Op::DivideFloat { left, right, .. } if machine.float(right)? == 0.0 && machine.float(left).is_ok() => {
            return Err(Failure::DivisionByZero.into());
        }
        Op::DivideFloat { left, right, out } => float(machine, left, right, out, |a, b| a / b)?,
        Op::NegateFloat { value, out } => {
            let number = -machine.float(value)?;
            machine.put(out, Value::Float(number))?;
        }
        _ => return times(op, machine, host),
    }
    Ok(true)
}

#[inline(always)]
fn times<H: Host + ?Sized>(op: Op, machine: &mut Machine<'_>, host: &H) -> Result<bool, Trap> {
    match op {
        Op::ShiftDate { value, sign, by, out } => {
            let date = time::add_to_date(machine.date(value)?, signed(machine, sign, by)?)?;
            machine.put(out, Value::Date(date))?;
        }
        Op::ShiftDateTime { value, sign, by, out } => {
            let instant = time::add_to_datetime(machine.datetime(value)?, signed(machine, sign, by)?, host.zone())?;
            machine.put(out, Value::DateTime(instant))?;
        }
        Op::ShiftLocal { value, sign, by, out } => {
            let local = time::add_to_local(machine.local(value)?, signed(machine, sign, by)?)?;
            machine.put(out, Value::LocalDateTime(local))?;
        }
        Op::AddDuration { value, sign, by, out } => {
            let duration = time::add(machine.duration(value)?, signed(machine, sign, by)?)?;
            machine.put(out, Value::Duration(duration))?;
        }
        Op::ScaleDuration { value, times, out } => {
            let duration = time::multiply(machine.duration(value)?, machine.integer(times)?)?;
            machine.put(out, Value::Duration(duration))?;
        }
        Op::Elapsed { later, earlier, out } => {
            let duration = time::between(machine.datetime(later)?, machine.datetime(earlier)?);
            machine.put(out, Value::Duration(duration))?;
        }
        Op::ElapsedLocal { later, earlier, out } => {
            let duration = time::between_local(machine.local(later)?, machine.local(earlier)?);
            machine.put(out, Value::Duration(duration))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

#[inline(always)]
fn decimals(
    machine: &mut Machine<'_>,
    left: In,
    right: In,
    out: Out,
    compute: impl Fn(Decimal, Decimal) -> Result<Decimal, Failure>,
) -> Result<(), Trap> {
    match compute(machine.decimal(left)?, machine.decimal(right)?) {
        Ok(number) => machine.put_decimal(out, number),
        Err(failure) => Err(failure.into()),
    }
}

#[inline(always)]
fn whole(
    machine: &mut Machine<'_>,
    left: In,
    right: In,
    out: Out,
    compute: impl Fn(i64, i64) -> Option<i64>,
    short: bool,
) -> Result<(), Trap> {
    let number = narrow(compute(machine.integer(left)?, machine.integer(right)?), short)?;
    machine.put(out, Value::Integer(number))
}

/// The number, where it fits 64 bits, or 32 where it is short.
#[inline(always)]
fn narrow(number: Option<i64>, short: bool) -> Result<i64, Trap> {
    match number {
        Some(number) if !short || i32::try_from(number).is_ok() => Ok(number),
        _ => Err(Failure::Overflow.into()),
    }
}

fn float(machine: &mut Machine<'_>, left: In, right: In, out: Out, compute: fn(f64, f64) -> f64) -> Result<(), Trap> {
    let number = compute(machine.float(left)?, machine.float(right)?);
    if number.is_finite() { machine.put(out, Value::Float(number)) } else { Err(Failure::Overflow.into()) }
}

fn signed(machine: &Machine<'_>, sign: Sign, by: In) -> Result<Duration, Trap> {
    let duration = machine.duration(by)?;
    if sign.0 { Ok(duration) } else { Ok(time::multiply(duration, -1)?) }
}
