//! The operations that write records, start flows, and say something in the trace.

use crate::bytecode::{Op, Out, Run, Target, WriteIx, WriteList};
use crate::schema::Row;
use crate::source::Span;
use crate::value::Value;

use super::host::{Host, Waited};
use super::machine::{Machine, Trap, broken};
use super::queries;

/// Does an operation on records; gives the target where it jumps.
pub(super) fn step<H: Host + ?Sized>(op: Op, machine: &mut Machine<'_>, host: &mut H, span: Option<Span>) -> Result<Option<Target>, Trap> {
    match op {
        Op::Set { fields, values } => {
            let list = list(machine, fields)?;
            host.set(&list.slots, machine.run(values, list.slots.len())?)?;
        }
        Op::Create { fields, values, out } => {
            let list = list(machine, fields)?;
            let reference = host.create(list.entity, row(machine, list, values)?)?;
            machine.put(out, Value::Reference(reference))?;
        }
        Op::Update { record, fields, values } => {
            let (record, list) = (machine.reference(record)?, list(machine, fields)?);
            if record.entity != list.entity {
                return Err(Trap::Foreign);
            }
            host.update(record, row(machine, list, values)?)?;
        }
        Op::Delete { record } => host.delete(machine.reference(record)?)?,
        Op::SkipIfEmpty { record, to } => {
            if machine.get(record)?.is_empty() {
                host.skipped(span.unwrap_or_default());
                return Ok(Some(to));
            }
        }
        Op::Start { .. } => start(op, machine, host)?,
        Op::Wait { .. } => {}
        Op::Perform { .. } => perform(op, machine, host)?,
        Op::SetOutput { output, value } => host.set_output(output.0, machine.get(value)?.clone()),
        Op::Log { text } => host.log(machine.text(text)?),
        Op::EnterStep { title } => host.enter_step(machine.text(title)?),
        Op::LeaveStep {} => host.leave_step(),
        _ => return queries::step(op, machine, host, span),
    }
    Ok(None)
}

/// Waits; gives the number of the wait where no branch has won yet.
pub(super) fn wait<H: Host + ?Sized>(op: Op, machine: &mut Machine<'_>, host: &mut H) -> Result<Option<u16>, Trap> {
    let Op::Wait { wait, values, out } = op else { return Err(Trap::Broken) };
    let list = machine.code.waits.get(wait.0 as usize).ok_or_else(broken)?;
    let named = machine.code.names.len();
    match host.wait(list, machine.run(values, list.values().count())?, machine.run(Run(0), named)?)? {
        Waited::Suspended => Ok(Some(list.number)),
        Waited::Branch(branch) if usize::from(branch) < list.branches.len() => {
            machine.put(out, Value::Integer(branch.into()))?;
            Ok(None)
        }
        Waited::Branch(_) => Err(Trap::Broken),
    }
}

fn start<H: Host + ?Sized>(op: Op, machine: &Machine<'_>, host: &mut H) -> Result<(), Trap> {
    let Op::Start { record, flow, inputs } = op else { return Err(Trap::Broken) };
    let start = machine.code.starts.get(flow.0 as usize).ok_or_else(broken)?;
    let values = by_position(&start.inputs, machine.run(inputs, start.inputs.len())?)?;
    Ok(host.start(&start.flow, machine.reference(record)?, values)?)
}

fn perform<H: Host + ?Sized>(op: Op, machine: &mut Machine<'_>, host: &mut H) -> Result<(), Trap> {
    let Op::Perform { action, values, out } = op else { return Err(Trap::Broken) };
    let perform = machine.code.performs.get(action.0 as usize).ok_or_else(broken)?;
    let mut given = machine.run(values, perform.inputs.len() + usize::from(perform.on_record))?;
    let mut record = None;
    if perform.on_record {
        let (first, rest) = given.split_first().ok_or_else(broken)?;
        let Value::Reference(reference) = first else { return Err(Trap::Broken) };
        (record, given) = (Some(*reference), rest);
    }
    let outputs = host.perform(&perform.action, record, by_position(&perform.inputs, given)?)?;
    let outputs = outputs.into_iter().chain(std::iter::repeat(Value::Empty));
    (out.0..).zip(outputs).take(perform.outputs as usize).try_for_each(|(register, value)| machine.put(Out(register), value))
}

/// Values in the order of the inputs that they are for; an input that none is for is empty.
fn by_position(positions: &[u16], given: &[Value]) -> Result<Vec<Value>, Trap> {
    let count = positions.iter().max().map_or(0, |last| *last as usize + 1);
    let mut values = vec![Value::Empty; count];
    for (position, value) in positions.iter().zip(given) {
        *values.get_mut(*position as usize).ok_or_else(broken)? = value.clone();
    }
    Ok(values)
}

fn list<'a>(machine: &Machine<'a>, fields: WriteIx) -> Result<&'a WriteList, Trap> {
    machine.code.writes.get(fields.0 as usize).ok_or_else(broken)
}

fn row(machine: &Machine<'_>, list: &WriteList, values: Run) -> Result<Row, Trap> {
    let mut row = Row::new(list.slots.iter().max().map_or(0, |slot| slot.0 as usize + 1));
    for (slot, value) in list.slots.iter().zip(machine.run(values, list.slots.len())?) {
        row.set(*slot, value.clone());
    }
    Ok(row)
}
