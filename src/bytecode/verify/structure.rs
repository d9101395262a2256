//! The first look: sizes, tables, and every operand of every operation in its range, whether or not a path leads there.

use super::{Found, MAX_CELLS, Part, Problem, Site, has_type};
use super::{calls, queries};
use crate::bytecode::operand::{In, MAX_REGISTERS, Operand};
use crate::bytecode::{Awaited, Code, Mode, Op, PerformRef};
use crate::value::Value;

/// Digits of a decimal at most.
const LIMIT: u128 = 10_u128.pow(28);

pub(super) fn check(code: &Code, site: &Site<'_>) -> Result<(), Found> {
    sizes(code, site).and_then(|()| tables(code, site)).map_err(|problem| (None, problem))?;
    for (at, op) in code.ops.iter().enumerate() {
        if !may_stand(op, site) {
            return Err((Some(at), Problem::Place));
        }
        operands(code, at, op).map_err(|problem| (Some(at), problem))?;
    }
    Ok(())
}

fn sizes(code: &Code, site: &Site<'_>) -> Result<(), Problem> {
    let registers = code.registers as usize;
    let fits = !code.ops.is_empty()
        && code.ops.len() < u16::MAX as usize
        && code.spans.len() == code.ops.len()
        && registers <= MAX_REGISTERS
        && code.constants.len() <= MAX_REGISTERS
        && code.ops.len() * registers <= MAX_CELLS
        && code.inputs as usize == site.inputs.len()
        && site.inputs.len() <= registers
        && code.names.len() <= registers;
    if fits { Ok(()) } else { Err(Problem::Size) }
}

fn tables(code: &Code, site: &Site<'_>) -> Result<(), Problem> {
    if !code.constants.iter().all(possible) {
        return Err(Problem::Constant);
    }
    for field in &code.fields {
        let known = site.schema.field(field.entity, field.slot).ok_or(Problem::Schema)?;
        if !field.name.is_empty() && field.name != known.name {
            return Err(Problem::Schema);
        }
    }
    for list in &code.writes {
        let entity = site.schema.entity(list.entity).ok_or(Problem::Schema)?;
        if !list.slots.iter().all(|slot| entity.field(*slot).is_some()) {
            return Err(Problem::Schema);
        }
    }
    for start in &code.starts {
        let child = site.program.flow(&start.flow).ok_or(Problem::Child)?;
        let given = |position: usize| start.inputs.iter().filter(|input| **input as usize == position).count();
        let complete = child.head.inputs.iter().enumerate().all(|(position, input)| given(position) >= usize::from(input.required));
        let known = start.inputs.iter().all(|input| (*input as usize) < child.head.inputs.len() && given(*input as usize) == 1);
        if !child.head.child || !complete || !known {
            return Err(Problem::Child);
        }
    }
    waits(code, site)?;
    if !code.performs.iter().all(|perform| can_perform(perform, site))
        || !code.outputs.iter().eq(site.outputs.iter().map(|output| &output.name))
    {
        return Err(Problem::Action);
    }
    code.queries.iter().try_for_each(|query| queries::possible(query, site.schema))?;
    if !code.calls.iter().all(calls::possible) {
        return Err(Problem::Call);
    }
    code.types.iter().try_for_each(|ty| has_type(site.schema, ty))
}

/// Every wait is for one operation, in their order, and every condition for one branch: so none is looked at twice.
fn waits(code: &Code, site: &Site<'_>) -> Result<(), Problem> {
    let used = code.ops.iter().filter_map(|op| if let Op::Wait { wait, .. } = op { Some(wait.0 as usize) } else { None });
    let conditions = code.waits.iter().flat_map(|wait| &wait.branches).filter_map(|branch| match branch {
        Awaited::Condition(index) => Some(*index as usize),
        _ => None,
    });
    let here = if site.part == Part::Body { site.flow.map_or(0, |flow| flow.conditions.len()) } else { 0 };
    let fits = used.eq(0..code.waits.len()) && conditions.eq(0..here) && code.waits.iter().all(|wait| !wait.branches.is_empty());
    if fits { Ok(()) } else { Err(Problem::Wait) }
}

/// Whether there is such an action, and it is given what it takes.
fn can_perform(perform: &PerformRef, site: &Site<'_>) -> bool {
    let Some(action) = site.program.action(&perform.action) else { return false };
    let given = |position: usize| perform.inputs.iter().filter(|input| **input as usize == position).count();
    let inputs = &action.head.inputs;
    inputs.iter().enumerate().all(|(position, input)| given(position) >= usize::from(input.required))
        && perform.inputs.iter().all(|input| (*input as usize) < inputs.len() && given(*input as usize) == 1)
        && perform.on_record == action.head.entity.is_some()
        && perform.outputs as usize == action.head.outputs.len()
}

/// Whether a flow can have this constant. No flow names a record by its id.
fn possible(value: &Value) -> bool {
    match value {
        Value::Reference(_) => false,
        Value::Float(number) => number.is_finite(),
        Value::Decimal(number) => number.mantissa().unsigned_abs() < LIMIT,
        _ => true,
    }
}

/// Conditions and expressions only compute; statements don't give values.
fn may_stand(op: &Op, site: &Site<'_>) -> bool {
    let part = site.part;
    match op {
        Op::Wait { .. } => part == Part::Body && site.flow.is_some_and(|flow| flow.head.mode == Mode::Background),
        Op::Return { .. } => part != Part::Body,
        Op::Set { .. } | Op::Create { .. } | Op::Update { .. } | Op::Delete { .. } | Op::Start { .. } | Op::SkipIfEmpty { .. } => {
            part == Part::Body
        }
        Op::Perform { .. } | Op::SetOutput { .. } => part == Part::Body,
        Op::Log { .. } | Op::EnterStep { .. } | Op::LeaveStep {} | Op::Stop { .. } | Op::Finish { .. } | Op::End {} => part == Part::Body,
        _ => true,
    }
}

fn operands(code: &Code, at: usize, op: &Op) -> Result<(), Problem> {
    let mut found = Ok(());
    op.visit(|name, operand| {
        let result = match operand {
            Operand::Target(target) => {
                let to = target.0 as usize;
                if to > at && to < code.ops.len() { Ok(()) } else { Err(Problem::Jump) }
            }
            _ if in_range(code, op, operand) => Ok(()),
            _ => Err(Problem::Range(name)),
        };
        if found.is_ok() {
            found = result;
        }
    });
    found
}

fn in_range(code: &Code, op: &Op, operand: Operand) -> bool {
    let within = |index: u16, length: usize| (index as usize) < length;
    match operand {
        Operand::In(register, _) => readable(code, register, 1),
        Operand::Out(first, _) => match code.gives(op) {
            Some(count) => first.0 as usize + count <= code.registers as usize && within(first.0, code.registers as usize),
            None => false,
        },
        Operand::Run(first) => match code.run(op) {
            Some((_, 0)) => true,
            Some((_, count)) => readable(code, In(first.0), count),
            None => false,
        },
        Operand::Field(field) => within(field.0, code.fields.len()),
        Operand::Write(write) => within(write.0, code.writes.len()),
        Operand::Start(start) => within(start.0, code.starts.len()),
        Operand::Perform(perform) => within(perform.0, code.performs.len()),
        Operand::Output(output) => within(output.0, code.outputs.len()),
        Operand::Call(call) => within(call.0, code.calls.len()),
        Operand::Type(ty) => within(ty.0, code.types.len()),
        Operand::Wait(wait) => within(wait.0, code.waits.len()),
        Operand::Query(query) => within(query.0, code.queries.len()),
        // Held against the heads of loops beside this.
        Operand::Back(back) => within(back.0, code.ops.len()),
        Operand::Count(_) | Operand::Target(_) | Operand::When(_) | Operand::Sign(_) => true,
    }
}

fn readable(code: &Code, first: In, count: usize) -> bool {
    match first.constant() {
        Some(index) => index + count <= code.constants.len(),
        None => first.0 as usize + count <= code.registers as usize,
    }
}
