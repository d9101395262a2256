//! The operations that fetch values: from registers, from the record, from other records, from the world; and text.

use smol_str::SmolStr;

use crate::bytecode::{FieldIx, Op};
use crate::value::{Environment, Reference, Slot, Type, Value, options, text};

use super::host::Host;
use super::machine::{Machine, Trap, broken};

/// Does an operation that fetches a value; false where it is of another family.
#[inline(always)]
pub(super) fn step<H: Host + ?Sized>(op: Op, machine: &mut Machine<'_>, host: &mut H) -> Result<bool, Trap> {
    match op {
        Op::Field { field, out } => {
            let slot = slot(machine, field)?;
            machine.put_copy(out, host.field(slot)?)?;
        }
        Op::RequireField { field, out } => {
            let slot = slot(machine, field)?;
            match host.field(slot)? {
                Value::Empty => return Err(Trap::Empty(Some(field))),
                value => machine.put_copy(out, value)?,
            }
        }
        Op::Copy { value, out } => machine.copy(value, out)?,
        Op::Coalesce { left, right, out } => {
            let from = if machine.get(left)?.is_empty() { right } else { left };
            machine.copy(from, out)?;
        }
        Op::Require { value, out } => {
            if machine.get(value)?.is_empty() {
                return Err(Trap::Empty(None));
            }
            machine.copy(value, out)?;
        }
        _ => return world(op, machine, host),
    }
    Ok(true)
}

#[inline(always)]
fn world<H: Host + ?Sized>(op: Op, machine: &mut Machine<'_>, host: &mut H) -> Result<bool, Trap> {
    match op {
        Op::This { out } => machine.put(out, Value::Reference(host.this()))?,
        Op::Caller { out } => machine.put(out, Value::Reference(host.caller()))?,
        Op::Now { out } => machine.put(out, Value::DateTime(host.now()))?,
        Op::Today { out } => machine.put(out, Value::Date(host.zone().to_datetime(host.now()).date()))?,
        Op::Old { field, out } => {
            let slot = slot(machine, field)?;
            machine.put_copy(out, host.old(slot)?)?;
        }
        Op::Related { .. } | Op::Concat { .. } | Op::ToText { .. } | Op::Call { .. } => computed(op, machine, host)?,
        Op::AddOption { .. } | Op::RemoveOption { .. } => computed(op, machine, host)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// The operations that take longer than their dispatch.
#[inline(never)]
fn computed<H: Host + ?Sized>(op: Op, machine: &mut Machine<'_>, host: &mut H) -> Result<(), Trap> {
    match op {
        Op::Related { record, field, out } => match *machine.get(record)? {
            Value::Empty => machine.put(out, Value::Empty),
            Value::Reference(record) => {
                let value = related(machine, host, record, field)?;
                if let Value::Text(text) = &value {
                    machine.take_up(text.len() as u64, host.max_memory())?;
                }
                machine.put(out, value)
            }
            _ => Err(Trap::Broken),
        },
        Op::Concat { parts, count, out } => {
            let text = machine.concat(parts, count.0 as usize, host.max_memory())?;
            machine.put(out, Value::Text(text))
        }
        Op::ToText { value, ty, out } => {
            let ty = machine.code.types.get(ty.0 as usize).ok_or_else(broken)?;
            let text = as_text(machine.get(value)?, ty, host)?;
            machine.build_text(text.len(), host.max_memory())?;
            machine.put(out, Value::Text(text))
        }
        Op::Call { function, arguments, out } => {
            let call = machine.code.calls.get(function.0 as usize).ok_or_else(broken)?;
            let environment = Environment { zone: host.zone(), address: &|record| host.address(record) };
            let value = call.function.call(machine.run(arguments, call.arguments as usize)?, &environment)?;
            if let Value::Text(text) = &value {
                machine.build_text(text.len(), host.max_memory())?;
            }
            machine.put(out, value)
        }
        Op::AddOption { set, option, out } => {
            let set = options::with(machine.get(set)?, machine.get(option)?);
            machine.put(out, set)
        }
        Op::RemoveOption { set, option, out } => {
            let set = options::without(machine.get(set)?, machine.get(option)?);
            machine.put(out, set)
        }
        _ => Err(Trap::Broken),
    }
}

/// Labels and names are the host's; all other text is the value's own.
fn as_text<H: Host + ?Sized>(value: &Value, ty: &Type, host: &mut H) -> Result<SmolStr, Trap> {
    match (value, ty) {
        (Value::Choice(_) | Value::Choices(_) | Value::Reference(_), Type::Choice(_) | Type::Choices(_) | Type::Lookup(_)) => {
            Ok(host.text(value, ty)?)
        }
        (value, _) => Ok(text::display(value)),
    }
}

#[inline(always)]
fn slot(machine: &Machine<'_>, field: FieldIx) -> Result<Slot, Trap> {
    machine.code.fields.get(field.0 as usize).map(|field| field.slot).ok_or_else(broken)
}

fn related<H: Host + ?Sized>(machine: &Machine<'_>, host: &mut H, record: Reference, field: FieldIx) -> Result<Value, Trap> {
    let field = machine.code.fields.get(field.0 as usize).ok_or_else(broken)?;
    if record.entity != field.entity {
        return Err(Trap::Foreign);
    }
    Ok(host.related(record, field.slot)?)
}
