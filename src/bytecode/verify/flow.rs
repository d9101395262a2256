//! The second look: along every path at once. Because jumps go only forward, one pass sees every way to an operation before
//! the operation itself; what is known from several ways is what all of them agree in. The head of a loop is also reached
//! from the loop's end: it knows nothing of what the loop writes, so nothing that the second way brings can surprise it.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::calls;
use super::held::Held;
use super::loops;
use super::queries::Open;
use super::{Found, MAX_STEPS, Part, Problem, Site, writable};
use crate::bytecode::operand::{In, Kind, Operand, Out, Rule};
use crate::bytecode::{Awaited, Code, FieldIx, Input, Op, PerformIx, WriteIx};

/// What is known at a place.
#[derive(Clone)]
pub(super) struct State {
    pub registers: Vec<Held>,
    pub steps: u32,
    /// The queries that are open, the innermost last.
    pub queries: Vec<Open>,
}

pub(super) struct Walk<'a> {
    pub code: &'a Code,
    pub site: &'a Site<'a>,
    /// What is known here; none where no path leads.
    pub state: Option<State>,
    /// Where loops end, by their heads.
    pub ends: Vec<Option<usize>>,
    /// The queries and groups that are open in a loop, by its head.
    pub heads: BTreeMap<usize, (Vec<Open>, u32)>,
    /// What is known where jumps lead.
    ahead: BTreeMap<usize, State>,
}

pub(super) fn check(code: &Code, site: &Site<'_>) -> Result<(), Found> {
    let mut registers = vec![Held::Nothing; code.registers as usize];
    for (register, input) in registers.iter_mut().zip(&site.inputs) {
        *register = *input;
    }
    let state = Some(State { registers, steps: 0, queries: Vec::new() });
    let mut walk = Walk { code, site, state, ends: loops::ends(code)?, heads: BTreeMap::new(), ahead: BTreeMap::new() };
    for (at, op) in code.ops.iter().enumerate() {
        if let Some(other) = walk.ahead.remove(&at) {
            walk.state = Some(match walk.state.take() {
                None => other,
                Some(state) => meet(state, &other).ok_or((Some(at), Problem::Steps))?,
            });
        }
        walk.step(op, at).map_err(|problem| (Some(at), problem))?;
    }
    if walk.state.is_some() { Err((None, Problem::End)) } else { Ok(()) }
}

/// What is known where two paths meet; none where they have other groups or queries open.
fn meet(mut one: State, two: &State) -> Option<State> {
    for (held, other) in one.registers.iter_mut().zip(&two.registers) {
        *held = held.meet(*other);
    }
    (one.steps == two.steps && one.queries == two.queries).then_some(one)
}

impl Walk<'_> {
    fn step(&mut self, op: &Op, at: usize) -> Result<(), Problem> {
        if self.state.is_none() {
            return Ok(());
        }
        self.forget_in_loop(at);
        let mut out: Option<(Out, Rule)> = None;
        let mut wrong = None;
        op.visit(|name, operand| match operand {
            Operand::In(register, rule) if !self.held(register).fits(rule) => wrong = wrong.or(Some(name)),
            Operand::Out(register, rule) => out = Some((register, rule)),
            _ => {}
        });
        if let Some(name) = wrong {
            return Err(Problem::Register(name));
        }
        self.effects(op)?;
        self.run(op)?;
        self.conditions(op)?;
        self.queries(op, at)?;
        if let Op::Perform { action, out, .. } = *op {
            self.outputs(action, out)?;
            return self.go_on(op);
        }
        if let Op::SetOutput { output, value } = *op {
            let output = self.site.outputs.get(output.0 as usize).ok_or(Problem::Range("output"))?;
            if !self.held(value).fits(writable(&output.ty)) {
                return Err(Problem::Register("value"));
            }
        }
        let result = match out {
            Some((_, Rule::Full(kind))) => Some(Held::Full(kind)),
            Some((_, Rule::Maybe(kind))) => Some(Held::Maybe(kind)),
            Some((_, Rule::Any)) => self.result(op)?,
            None => None,
        };
        if let (Some((register, _)), Some(result)) = (out, result) {
            self.write(register, result);
        }
        self.go_on(op)
    }

    /// What an action gives, in one register for each output; each may be empty.
    fn outputs(&mut self, action: PerformIx, out: Out) -> Result<(), Problem> {
        let perform = self.code.performs.get(action.0 as usize).ok_or(Problem::Range("action"))?;
        let action = self.site.program.action(&perform.action).ok_or(Problem::Action)?;
        for (register, output) in (out.0..).zip(&action.head.outputs) {
            self.write(Out(register), Held::typed(&output.ty, true));
        }
        Ok(())
    }

    fn held(&self, register: In) -> Held {
        match register.constant() {
            Some(index) => self.code.constants.get(index).map_or(Held::Nothing, Held::constant),
            None => self.state.as_ref().and_then(|state| state.registers.get(register.0 as usize)).copied().unwrap_or(Held::Nothing),
        }
    }

    fn write(&mut self, register: Out, held: Held) {
        if let Some(place) = self.state.as_mut().and_then(|state| state.registers.get_mut(register.0 as usize)) {
            *place = held;
        }
    }

    /// What an operation gives whose result depends on its operands. After one that always faults no path goes on.
    fn result(&mut self, op: &Op) -> Result<Option<Held>, Problem> {
        Ok(Some(match *op {
            Op::Copy { value, .. } => self.held(value),
            Op::Coalesce { left, right, .. } => self.held(left).or(self.held(right)).ok_or(Problem::Register("right"))?,
            Op::Require { value, .. } => match self.held(value) {
                Held::Empty => {
                    self.state = None;
                    return Ok(None);
                }
                held => held.narrowed(),
            },
            Op::Field { field, .. } | Op::Old { field, .. } => self.own_field(field, true)?,
            Op::RequireField { field, .. } => self.own_field(field, false)?,
            Op::Related { field, .. } => self.field(field, true)?,
            Op::RowField { field, .. } => self.row_field(field)?,
            Op::Gather { query, .. } => self.gathered(query)?,
            Op::ToDecimal { value, .. } => match self.held(value) {
                Held::Full(_) => Held::Full(Kind::Decimal),
                Held::Maybe(_) => Held::Maybe(Kind::Decimal),
                other => other,
            },
            Op::AddOption { set, option, .. } => match (self.held(set), self.held(option)) {
                (Held::Full(_), _) | (_, Held::Full(_)) => Held::Full(Kind::Choices),
                _ => Held::Maybe(Kind::Choices),
            },
            Op::Call { function, arguments, .. } => {
                let call = self.code.calls.get(function.0 as usize).ok_or(Problem::Range("function"))?;
                calls::result(call, (0..call.arguments).map(|offset| self.held(In(arguments.0.saturating_add(offset)))))?
            }
            _ => return Err(Problem::Place),
        }))
    }

    pub(super) fn field(&self, field: FieldIx, may_be_empty: bool) -> Result<Held, Problem> {
        let row = self.code.fields.get(field.0 as usize).ok_or(Problem::Range("field"))?;
        let field = self.site.schema.field(row.entity, row.slot).ok_or(Problem::Schema)?;
        Ok(Held::typed(&field.ty, may_be_empty))
    }

    fn own_field(&self, field: FieldIx, may_be_empty: bool) -> Result<Held, Problem> {
        let row = self.code.fields.get(field.0 as usize).ok_or(Problem::Range("field"))?;
        if self.site.entity != Some(row.entity) {
            return Err(Problem::Schema);
        }
        self.field(field, may_be_empty)
    }

    /// What an operation reads of consecutive registers.
    fn run(&self, op: &Op) -> Result<(), Problem> {
        let Some((first, count)) = self.code.run(op) else { return Ok(()) };
        let rules: Vec<Rule> = match *op {
            Op::Set { fields, .. } => {
                let entity = self.site.entity.ok_or(Problem::Place)?;
                self.fields(fields, Some(entity))?
            }
            Op::Perform { action, .. } => {
                let perform = self.code.performs.get(action.0 as usize).ok_or(Problem::Range("action"))?;
                let inputs = &self.site.program.action(&perform.action).ok_or(Problem::Action)?.head.inputs;
                let record = perform.on_record.then_some(Rule::Full(Kind::Reference));
                let given = perform.inputs.iter().filter_map(|input| inputs.get(*input as usize));
                record.into_iter().chain(given.map(taken)).collect()
            }
            Op::Create { fields, .. } | Op::Update { fields, .. } => self.fields(fields, None)?,
            Op::Start { flow, .. } => {
                let start = self.code.starts.get(flow.0 as usize).ok_or(Problem::Child)?;
                let child = self.site.program.flow(&start.flow).ok_or(Problem::Child)?;
                start.inputs.iter().filter_map(|input| child.head.inputs.get(*input as usize)).map(taken).collect()
            }
            Op::Wait { wait, .. } => {
                let list = self.code.waits.get(wait.0 as usize).ok_or(Problem::Wait)?;
                list.values().map(Rule::Full).collect()
            }
            Op::Find { fields, .. } => self.fields(fields, None)?,
            Op::Open { query, .. } => self.asked(query)?,
            Op::Call { .. } => return Ok(()),
            _ => vec![Rule::Maybe(Kind::Text); count],
        };
        for (offset, rule) in rules.into_iter().enumerate() {
            if !self.held(In(first.0.saturating_add(offset as u16))).fits(rule) {
                return Err(Problem::Register("values"));
            }
        }
        Ok(())
    }

    fn fields(&self, write: WriteIx, entity: Option<crate::value::EntityId>) -> Result<Vec<Rule>, Problem> {
        let list = self.code.writes.get(write.0 as usize).ok_or(Problem::Range("fields"))?;
        if entity.is_some_and(|entity| entity != list.entity) {
            return Err(Problem::Schema);
        }
        let fields = list.slots.iter().map(|slot| self.site.schema.field(list.entity, *slot).map(|field| writable(&field.ty)));
        fields.collect::<Option<_>>().ok_or(Problem::Schema)
    }

    /// Holds the operation against what the flow says that it does.
    fn effects(&self, op: &Op) -> Result<(), Problem> {
        let Some(effects) = self.site.effects else { return Ok(()) };
        let slot = |field: FieldIx| self.code.fields.get(field.0 as usize).map(|row| row.slot);
        let list = |write: WriteIx| self.code.writes.get(write.0 as usize);
        let told = match *op {
            Op::Field { field, .. } | Op::RequireField { field, .. } => slot(field).is_some_and(|slot| effects.reads.contains(slot)),
            Op::Old { field, .. } | Op::JumpChanged { field, .. } => slot(field).is_some_and(|slot| effects.old.contains(slot)),
            Op::Set { fields, .. } => list(fields).is_some_and(|list| list.slots.iter().all(|slot| effects.sets.contains(*slot))),
            Op::Create { fields, .. } => list(fields).is_some_and(|list| effects.creates.contains(&list.entity)),
            Op::Update { fields, .. } => list(fields).is_some_and(|list| {
                let told = effects.updates.get(&list.entity);
                told.is_some_and(|told| list.slots.iter().all(|slot| told.contains(*slot)))
            }),
            Op::Delete { .. } => !effects.deletes.is_empty(),
            Op::Start { flow, .. } => {
                let told = |flow: &SmolStr| effects.starts.contains(flow) || effects.queues.contains(flow);
                self.code.starts.get(flow.0 as usize).is_some_and(|start| told(&start.flow))
            }
            Op::Perform { action, .. } => {
                self.code.performs.get(action.0 as usize).is_some_and(|perform| effects.performs.contains(&perform.action))
            }
            Op::Open { query, .. } => self.code.queries.get(query.0 as usize).is_some_and(|query| {
                let told = effects.queries.get(&query.entity);
                told.is_some_and(|told| query.fields().iter().all(|slot| told.contains(slot)))
            }),
            Op::Find { fields, .. } => list(fields).is_some_and(|list| {
                let told = effects.queries.get(&list.entity);
                told.is_some_and(|told| list.slots.iter().all(|slot| told.contains(*slot)))
            }),
            Op::Stop { .. } => effects.may_stop,
            Op::Wait { .. } => effects.may_wait,
            _ => true,
        };
        if told { Ok(()) } else { Err(Problem::Effects) }
    }

    /// Where the paths go from here, and with what.
    fn go_on(&mut self, op: &Op) -> Result<(), Problem> {
        let Some(state) = self.state.as_mut() else { return Ok(()) };
        match op {
            Op::EnterStep { .. } if state.steps >= MAX_STEPS => return Err(Problem::Steps),
            Op::EnterStep { .. } => state.steps += 1,
            Op::LeaveStep {} => state.steps = state.steps.checked_sub(1).ok_or(Problem::Steps)?,
            Op::End {} | Op::Finish { .. } if state.steps != 0 => return Err(Problem::Steps),
            _ => {}
        }
        if matches!(op, Op::This { .. }) && self.site.part == Part::Body && self.site.entity.is_none() {
            return Err(Problem::Place);
        }
        if let Op::Return { value } = op
            && matches!(self.site.part, Part::When | Part::Awaited)
            && !self.held(*value).fits(Rule::Maybe(Kind::Boolean))
        {
            return Err(Problem::Register("value"));
        }
        if let Op::JumpChanged { field, .. } = op {
            self.own_field(*field, true)?;
        }
        if let Some(target) = op.target() {
            self.send(target.0 as usize, op)?;
        }
        if op.is_terminal() {
            self.state = None;
        } else if let Op::JumpEmpty { value, when, .. } = op
            && when.0
        {
            self.narrow(*value);
        } else if let Op::SkipIfEmpty { record, .. } = op {
            self.narrow(*record);
        }
        Ok(())
    }

    /// Takes what is known here to where a jump leads.
    fn send(&mut self, to: usize, op: &Op) -> Result<(), Problem> {
        let Some(mut state) = self.state.clone() else { return Ok(()) };
        if let Op::JumpEmpty { value, when, .. } = op
            && !when.0
            && let Some(held) = state.registers.get_mut(value.0 as usize)
        {
            *held = held.narrowed();
        }
        state.queries = Self::left(op, state.queries);
        if let Op::NextRecord { out, .. } = op
            && let Some(held) = state.registers.get_mut(out.0 as usize)
        {
            *held = Held::Nothing;
        }
        let state = match self.ahead.get(&to) {
            None => state,
            Some(other) => meet(state, other).ok_or(Problem::Steps)?,
        };
        self.ahead.insert(to, state);
        Ok(())
    }

    /// Holds the conditions of a wait against what their inputs hold here: the first registers.
    fn conditions(&self, op: &Op) -> Result<(), Problem> {
        let (Op::Wait { wait, .. }, Some(state), Some(flow)) = (op, &self.state, self.site.flow) else { return Ok(()) };
        let list = self.code.waits.get(wait.0 as usize).ok_or(Problem::Wait)?;
        for branch in &list.branches {
            let Awaited::Condition(index) = branch else { continue };
            let condition = flow.conditions.get(*index as usize).ok_or(Problem::Wait)?;
            let named = state.registers.get(..self.code.names.len()).ok_or(Problem::Wait)?;
            let inputs = named.get(..condition.inputs as usize).ok_or(Problem::Wait)?.to_vec();
            let site = Site { inputs, part: Part::Awaited, ..*self.site };
            super::code_at(condition, &site).map_err(|(_, problem)| problem)?;
        }
        Ok(())
    }

    fn narrow(&mut self, register: In) {
        if register.constant().is_none() {
            let held = self.held(register).narrowed();
            self.write(Out(register.0), held);
        }
    }
}

/// What a value that is given to an input must be.
fn taken(input: &Input) -> Rule {
    let kind = Kind::of_type(&input.ty);
    if input.required { Rule::Full(kind) } else { Rule::Maybe(kind) }
}
