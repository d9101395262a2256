//! The operations that fetch values: from registers, from the record, from other records, from the world; and text.

use crate::bytecode::{FieldIx, Op, Out};
use crate::value::{Environment, Reference, Type, Value, text};

use super::host::Host;
use super::machine::{Machine, Trap};

/// Does an operation that fetches a value; false where it is of another family.
#[inline(always)]
pub(super) fn step<H: Host + ?Sized>(op: Op, machine: &mut Machine<'_>, host: &mut H) -> Result<bool, Trap> {
    let (value, out) = match op {
        Op::Field { field, out } => (host.field(slot(machine, field)?)?.clone(), out),
        Op::RequireField { field, out } => (required(machine, host, field)?, out),
        Op::Copy { value, out } => (machine.get(value)?.clone(), out),
        Op::Coalesce { left, right, out } => match machine.get(left)? {
            Value::Empty => (machine.get(right)?.clone(), out),
            value => (value.clone(), out),
        },
        Op::Require { value, out } => match machine.get(value)? {
            Value::Empty => return Err(Trap::Empty(None)),
            value => (value.clone(), out),
        },
        _ => return world(op, machine, host),
    };
    machine.put(out, value)?;
    Ok(true)
}

#[inline(always)]
fn world<H: Host + ?Sized>(op: Op, machine: &mut Machine<'_>, host: &mut H) -> Result<bool, Trap> {
    let (value, out): (Value, Out) = match op {
        Op::This { out } => (Value::Reference(host.this()), out),
        Op::Caller { out } => (Value::Reference(host.caller()), out),
        Op::Now { out } => (Value::DateTime(host.now()), out),
        Op::Today { out } => (Value::Date(host.zone().to_datetime(host.now()).date()), out),
        Op::Old { field, out } => (host.old(slot(machine, field)?)?.clone(), out),
        Op::Related { record, field, out } => match machine.get(record)? {
            Value::Empty => (Value::Empty, out),
            Value::Reference(record) => (related(machine, host, *record, field)?, out),
            _ => return Err(Trap::Broken),
        },
        Op::Concat { parts, count, out } => (Value::Text(machine.concat(parts, count.0 as usize)?), out),
        Op::ToText { value, ty, out } => {
            let ty = machine.code.types.get(ty.0 as usize).ok_or(Trap::Broken)?;
            let text = match (machine.get(value)?, ty) {
                (
                    value @ (Value::Choice(_) | Value::Choices(_) | Value::Reference(_)),
                    Type::Choice(_) | Type::Choices(_) | Type::Lookup(_),
                ) => host.text(value, ty)?,
                (value, _) => text::display(value),
            };
            machine.build_text(text.len())?;
            (Value::Text(text), out)
        }
        Op::Call { function, arguments, out } => {
            let call = machine.code.calls.get(function.0 as usize).ok_or(Trap::Broken)?;
            let environment = Environment { zone: host.zone() };
            let value = call.function.call(machine.run(arguments, call.arguments as usize)?, &environment)?;
            if let Value::Text(text) = &value {
                machine.build_text(text.len())?;
            }
            (value, out)
        }
        _ => return Ok(false),
    };
    machine.put(out, value)?;
    Ok(true)
}

#[inline(always)]
fn slot(machine: &Machine<'_>, field: FieldIx) -> Result<crate::value::Slot, Trap> {
    machine.code.fields.get(field.0 as usize).map(|field| field.slot).ok_or(Trap::Broken)
}

#[inline(always)]
fn required<H: Host + ?Sized>(machine: &Machine<'_>, host: &mut H, field: FieldIx) -> Result<Value, Trap> {
    match host.field(slot(machine, field)?)? {
        Value::Empty => Err(Trap::Empty(machine.code.fields.get(field.0 as usize).map(|field| field.name.clone()))),
        value => Ok(value.clone()),
    }
}

fn related<H: Host + ?Sized>(machine: &Machine<'_>, host: &mut H, record: Reference, field: FieldIx) -> Result<Value, Trap> {
    let field = machine.code.fields.get(field.0 as usize).ok_or(Trap::Broken)?;
    if record.entity != field.entity {
        return Err(Trap::Foreign);
    }
    Ok(host.related(record, field.slot)?)
}
