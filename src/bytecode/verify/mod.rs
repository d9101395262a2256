//! Proves that the VM can run a program without looking twice: after it, every register that is read holds what the
//! operation needs, every number is in range, every path ends in an end. Jumps go forward, but for the one at the end of a
//! loop over the records of a query.
//!
//! Runs after compiling and after loading. Not for people's mistakes, which the checker finds: what is refused here is a
//! damaged or foreign file, or a mistake of the compiler. `structure.rs` looks at numbers, `loops.rs` at
//! the shape of loops, `flow.rs` and `queries.rs` at paths.

mod calls;
mod flow;
mod held;
mod loops;
mod queries;
mod structure;
#[cfg(test)]
mod tests;

use smol_str::SmolStr;
use thiserror::Error;

use super::operand::Rule;
use super::{ActionCode, Cause, Code, Effects, Event, FlowCode, Input, Mode, PluginCode, Program, Serial, Stage, Trigger};
use crate::schema::{FieldSet, Schema};
use crate::value::{EntityId, Type};
use held::Held;

/// The most operations times registers of one code; bounds what verifying takes.
pub const MAX_CELLS: usize = 1 << 26;

/// How deep named groups may nest.
const MAX_STEPS: u32 = 64;

/// What is wrong with a program.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("in `{flow}`, {part}{}: {problem}", .at.map_or(String::new(), |at| format!(", operation {at}")))]
pub struct VerifyError {
    /// The flow.
    pub flow: SmolStr,
    /// The part of it.
    pub part: Part,
    /// The operation, where it is about one.
    pub at: Option<usize>,
    /// What is wrong.
    pub problem: Problem,
}

/// A part of a compiled flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its clauses and effects.
    Head,
    /// Its condition.
    When,
    /// Its statements.
    Body,
    /// The condition of a wait.
    Awaited,
    /// An expression of a scenario.
    Expression,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Part::Head => "clauses",
            Part::When => "condition",
            Part::Body => "statements",
            Part::Awaited => "condition of a wait",
            Part::Expression => "expression",
        })
    }
}

/// The problems.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Problem {
    /// Flows aren't in the order of their names, or two have one name.
    #[error("the flows are not in the order of their names")]
    Order,
    /// An entity, field or choice that the schema doesn't have.
    #[error("an entity, field or choice that is not in the schema")]
    Schema,
    /// There are more operations, registers or constants than can be counted, or the tables don't fit each other.
    #[error("more operations, registers or constants than there may be")]
    Size,
    /// A constant that no flow can have.
    #[error("a constant that no flow can have")]
    Constant,
    /// The operand is out of its range.
    #[error("`{0}` is out of range")]
    Range(&'static str),
    /// The jump doesn't go forward to an operation.
    #[error("a jump that doesn't go forward")]
    Jump,
    /// The loop has no head or more than one end, or a jump leads into it or out of it.
    #[error("a loop that is not entered and left by its head")]
    Loop,
    /// No query is open, or not the one, or not so far.
    #[error("a query that is not open, or not so far")]
    Query,
    /// The register doesn't hold what the operation needs.
    #[error("`{0}` doesn't hold what the operation needs")]
    Register(&'static str),
    /// The operation can't stand in this part of a flow.
    #[error("an operation that can't stand here")]
    Place,
    /// A path leads past the last operation.
    #[error("a path without an end")]
    End,
    /// Named groups don't begin and end in pairs, or nest too deep.
    #[error("named groups that don't begin and end in pairs")]
    Steps,
    /// A function that can't be called so.
    #[error("a function that can't be called so")]
    Call,
    /// A child flow that isn't there, or isn't given what it takes.
    #[error("a child flow that is not there or takes other inputs")]
    Child,
    /// A wait without branches, or whose table or conditions are another's.
    #[error("a wait that doesn't fit its branches")]
    Wait,
    /// An action that isn't there, or isn't given what it takes.
    #[error("an action that is not there or takes other inputs")]
    Action,
    /// The effects say less than the operations do.
    #[error("effects that say less than the operations do")]
    Effects,
}

/// Where a code stands: what it may do, and what it finds.
struct Site<'a> {
    schema: &'a Schema,
    program: &'a Program,
    part: Part,
    entity: Option<EntityId>,
    inputs: Vec<Held>,
    /// What the action gives whose body it is.
    outputs: &'a [Input],
    /// What it says that it does.
    effects: Option<&'a Effects>,
    /// The flow whose code it is.
    flow: Option<&'a FlowCode>,
}

/// A problem at an operation, or of the code as a whole.
type Found = (Option<usize>, Problem);

/// Verifies every flow of a program against its schema.
pub fn verify(program: &Program, schema: &Schema) -> Result<(), VerifyError> {
    ordered(program.flows.iter().map(|flow| &flow.head.name))?;
    ordered(program.actions.iter().map(|action| &action.head.name))?;
    ordered(program.plugins.iter().map(|plugin| &plugin.head.name))?;
    for flow in &program.flows {
        let FlowCode { head, effects, .. } = flow;
        let error = |part, (at, problem): Found| VerifyError { flow: head.name.clone(), part, at, problem };
        let sound = triggers(&head.triggers, head.entity, schema).and_then(|()| says(effects, Some(head.entity), schema));
        let sound = sound.and(if head.triggers.iter().any(|trigger| action_of(trigger).is_some()) { Err(Problem::Place) } else { Ok(()) });
        let serial = if let Some(Serial::Field(slot)) = head.serial { Some(slot) } else { None };
        let sound = sound.and_then(|()| has_fields(schema, head.entity, &serial.into_iter().collect()));
        sound.and_then(|()| typed(&head.inputs, schema)).map_err(|problem| error(Part::Head, (None, problem)))?;
        for (part, code) in flow.when.iter().map(|when| (Part::When, when)).chain([(Part::Body, &flow.body)]) {
            let inputs = held(&head.inputs);
            let site =
                Site { schema, program, part, entity: Some(head.entity), inputs, outputs: &[], effects: Some(effects), flow: Some(flow) };
            code_at(code, &site).map_err(|found| error(part, found))?;
        }
    }
    program.actions.iter().try_for_each(|action| verify_action(action, program, schema))?;
    for PluginCode { head, effects, .. } in &program.plugins {
        let late = head.mode == Mode::RealTime || head.triggers.iter().all(|trigger| trigger.stage == Stage::PostOperation);
        let sound = triggers(&head.triggers, head.entity, schema).and_then(|()| says(effects, Some(head.entity), schema));
        let own = |name: &SmolStr| program.action(name).is_some_and(|action| action.head.entity == Some(head.entity));
        let known = head.triggers.iter().filter_map(action_of).all(own);
        let sound = sound.and(if late && known { Ok(()) } else { Err(Problem::Place) });
        sound.map_err(|problem| VerifyError { flow: head.name.clone(), part: Part::Head, at: None, problem })?;
    }
    Ok(())
}

fn verify_action(action: &ActionCode, program: &Program, schema: &Schema) -> Result<(), VerifyError> {
    let ActionCode { head, effects, .. } = action;
    let error = |part, (at, problem): Found| VerifyError { flow: head.name.clone(), part, at, problem };
    let sound = says(effects, head.entity, schema).and_then(|()| typed(&head.inputs, schema)).and_then(|()| typed(&head.outputs, schema));
    sound.map_err(|problem| error(Part::Head, (None, problem)))?;
    match (&action.body, &head.via) {
        (None, Some(_)) => Ok(()),
        (Some(body), None) => {
            let inputs = held(&head.inputs);
            let site = Site {
                schema,
                program,
                part: Part::Body,
                entity: head.entity,
                inputs,
                outputs: &head.outputs,
                effects: Some(effects),
                flow: None,
            };
            code_at(body, &site).map_err(|found| error(Part::Body, found))
        }
        _ => Err(error(Part::Head, (None, Problem::Place))),
    }
}

fn ordered<'a>(names: impl Iterator<Item = &'a SmolStr>) -> Result<(), VerifyError> {
    let mut before: Option<&SmolStr> = None;
    for name in names {
        if before.is_some_and(|before| before >= name) {
            return Err(VerifyError { flow: name.clone(), part: Part::Head, at: None, problem: Problem::Order });
        }
        before = Some(name);
    }
    Ok(())
}

fn held(inputs: &[Input]) -> Vec<Held> {
    inputs.iter().map(|input| Held::typed(&input.ty, !input.required)).collect()
}

/// Verifies the code of an expression whose inputs have these types and may be empty or not.
pub fn verify_expression(code: &Code, inputs: &[(Type, bool)], schema: &Schema) -> Result<(), VerifyError> {
    let inputs = inputs.iter().map(|(ty, may_be_empty)| Held::typed(ty, *may_be_empty)).collect();
    let site = Site {
        schema,
        program: &Program::default(),
        part: Part::Expression,
        entity: None,
        inputs,
        outputs: &[],
        effects: None,
        flow: None,
    };
    let error = |(at, problem)| VerifyError { flow: SmolStr::default(), part: Part::Expression, at, problem };
    code_at(code, &site).map_err(error)
}

fn code_at(code: &Code, site: &Site<'_>) -> Result<(), Found> {
    structure::check(code, site)?;
    loops::check(code)?;
    flow::check(code, site)
}

fn triggers(triggers: &[Trigger], entity: EntityId, schema: &Schema) -> Result<(), Problem> {
    let mut submitted =
        triggers.iter().filter_map(|trigger| if let Event::Update(fields) = &trigger.event { fields.as_ref() } else { None });
    schema.entity(entity).ok_or(Problem::Schema)?;
    submitted.try_for_each(|fields| has_fields(schema, entity, fields))
}

/// The action whose message a trigger is about.
fn action_of(trigger: &Trigger) -> Option<&SmolStr> {
    if let Event::Perform(action) = &trigger.event { Some(action) } else { None }
}

fn typed(inputs: &[Input], schema: &Schema) -> Result<(), Problem> {
    inputs.iter().try_for_each(|input| has_type(schema, &input.ty))
}

/// Whether effects speak only of what the schema has.
fn says(effects: &Effects, entity: Option<EntityId>, schema: &Schema) -> Result<(), Problem> {
    for fields in [&effects.reads, &effects.old, &effects.sets] {
        match entity {
            Some(entity) => has_fields(schema, entity, fields)?,
            None if fields.is_empty() => {}
            None => return Err(Problem::Schema),
        }
    }
    for (entity, fields) in effects.related.iter().chain(&effects.queries).chain(&effects.updates) {
        has_fields(schema, *entity, fields)?;
    }
    for entity in effects.creates.iter().chain(&effects.deletes) {
        schema.entity(*entity).ok_or(Problem::Schema)?;
    }
    effects.causes.iter().try_for_each(|cause| has_cause(schema, cause))
}

fn has_cause(schema: &Schema, cause: &Cause) -> Result<(), Problem> {
    let known = match cause {
        Cause::Column(entity, slot) | Cause::Empty(entity, slot) => schema.field(*entity, *slot).is_some(),
        Cause::Gone(entity) | Cause::Restricted(entity) | Cause::Duplicate(entity) => schema.entity(*entity).is_some(),
        Cause::Key(entity) | Cause::Records(entity) | Cause::Kept(entity) | Cause::Privilege(_, entity) => schema.entity(*entity).is_some(),
        _ => true,
    };
    if known { Ok(()) } else { Err(Problem::Schema) }
}

fn has_fields(schema: &Schema, entity: EntityId, fields: &FieldSet) -> Result<(), Problem> {
    let entity = schema.entity(entity).ok_or(Problem::Schema)?;
    if fields.iter().all(|slot| entity.field(slot).is_some()) { Ok(()) } else { Err(Problem::Schema) }
}

/// Whether a type speaks only of what the schema has.
pub(in crate::bytecode) fn has_type(schema: &Schema, ty: &Type) -> Result<(), Problem> {
    let known = match ty {
        Type::Choice(choice) | Type::Choices(choice) => schema.choice(*choice).is_some(),
        Type::Lookup(entities) => !entities.is_empty() && entities.iter().all(|entity| schema.entity(*entity).is_some()),
        Type::Decimal(scale) | Type::Money(scale) => *scale <= 28,
        _ => true,
    };
    if known { Ok(()) } else { Err(Problem::Schema) }
}

/// What a value that is written to a field of a type must be.
fn writable(ty: &Type) -> Rule {
    Rule::Maybe(super::Kind::of_type(ty))
}
