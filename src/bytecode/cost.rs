//! What a flow costs at most: operations of the machine and statements to the store, along the most expensive path.
//!
//! Jumps go forward but for the end of a loop's turn, so one look from the last operation to the first is enough: what a turn costs
//! stands by itself, for each record. What inline children and actions cost is counted in; what nested operations set off is theirs.

use std::collections::BTreeMap;
use std::rc::Rc;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::{ActionCode, Code, FlowCode, Mode, Op, Program, Stage};
use crate::value::{EntityId, Type};

/// How many loops a cost tells of; one with more isn't told.
const MOST_LOOPS: usize = 32;

/// How deep they nest in it; chains of inline children are no deeper than this at run time either.
const DEEPEST: usize = 24;

/// What a run costs at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Operations of the machine.
    pub instructions: u64,
    /// Statements that read records.
    pub reads: u64,
    /// Statements that write records.
    pub writes: u64,
    /// What comes to it for each record that loops and queries go through, by its entity.
    pub rows: Rc<BTreeMap<EntityId, Cost>>,
}

impl Cost {
    fn most(self, other: Cost) -> Cost {
        self.with(other, u64::max)
    }

    fn flat(instructions: u64, reads: u64, writes: u64) -> Cost {
        Cost { instructions, reads, writes, ..Cost::default() }
    }

    fn and(self, other: Cost) -> Cost {
        self.with(other, u64::saturating_add)
    }

    fn with(self, other: Cost, together: fn(u64, u64) -> u64) -> Cost {
        let rows = match (self.rows.is_empty(), other.rows.is_empty()) {
            (_, true) => self.rows,
            (true, false) => other.rows,
            (false, false) => {
                let mut rows = (*self.rows).clone();
                for (entity, row) in other.rows.iter() {
                    let own = rows.remove(entity).unwrap_or_default();
                    rows.insert(*entity, own.with(row.clone(), together));
                }
                Rc::new(rows)
            }
        };
        Cost {
            instructions: together(self.instructions, other.instructions),
            reads: together(self.reads, other.reads),
            writes: together(self.writes, other.writes),
            rows,
        }
    }

    /// How many loops it tells of, and how deep they nest.
    fn loops(&self) -> (usize, usize) {
        self.rows.values().map(Cost::loops).fold((0, 0), |(count, depth), (more, deeper)| (count + 1 + more, depth.max(deeper + 1)))
    }
}

/// The costs of the flows and actions of a program, by name; of some nobody knows them (code elsewhere, flows that start each other
/// round in a circle), or nobody could read them.
pub fn costs(program: &Program) -> FxHashMap<SmolStr, Cost> {
    let flows = program.flows.iter().map(Inline::Flow);
    let all: Vec<Inline> = flows.chain(program.actions.iter().map(Inline::Action)).collect();
    let mut known: FxHashMap<SmolStr, Option<Cost>> = FxHashMap::default();
    // Each comes after all that runs inline in it. What is in a circle, or starts what is, never comes.
    let mut waiting: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
    let mut open: Vec<usize> = Vec::new();
    let mut left: Vec<usize> = Vec::with_capacity(all.len());
    for (index, inline) in all.iter().enumerate() {
        inline.needs().for_each(|name| waiting.entry(name).or_default().push(index));
        left.push(inline.needs().count());
        open.extend((inline.needs().count() == 0).then_some(index));
    }
    while let Some(inline) = open.pop().and_then(|index| all.get(index)) {
        known.insert(inline.name().clone(), inline.cost(&known));
        for index in waiting.remove(inline.name().as_str()).unwrap_or_default() {
            if let Some(left) = left.get_mut(index) {
                *left = left.saturating_sub(1);
                open.extend((*left == 0).then_some(index));
            }
        }
    }
    known.into_iter().filter_map(|(name, cost)| Some((name, cost?))).collect()
}

/// What runs where something starts or performs it.
enum Inline<'a> {
    Flow(&'a FlowCode),
    Action(&'a ActionCode),
}

impl<'a> Inline<'a> {
    fn name(&self) -> &'a SmolStr {
        match self {
            Inline::Flow(flow) => &flow.head.name,
            Inline::Action(action) => &action.head.name,
        }
    }

    /// The names of what runs inline in it.
    fn needs(&self) -> impl Iterator<Item = &'a str> {
        let effects = match self {
            Inline::Flow(flow) => &flow.effects,
            Inline::Action(action) => &action.effects,
        };
        effects.starts.iter().chain(&effects.performs).map(SmolStr::as_str)
    }

    fn cost(&self, known: &FxHashMap<SmolStr, Option<Cost>>) -> Option<Cost> {
        match self {
            Inline::Flow(flow) => of(flow, known),
            // Nobody knows what code elsewhere costs.
            Inline::Action(action) => action.body.as_ref().and_then(|body| code_cost(body, true, known)),
        }
    }
}

fn of(flow: &FlowCode, children: &FxHashMap<SmolStr, Option<Cost>>) -> Option<Cost> {
    let started = flow.head.child || flow.head.on_demand || flow.head.mode == Mode::Background;
    let late = started || flow.head.triggers.iter().any(|trigger| trigger.stage == Stage::PostOperation);
    let walk = |code: &Code| code_cost(code, late, children);
    let when = flow.when.as_ref().map_or(Some(Cost::default()), walk)?;
    Some(when.and(walk(&flow.body)?))
}

/// The most expensive way through a code. The record is read once, and again after what may have changed it.
fn code_cost(code: &Code, late: bool, children: &FxHashMap<SmolStr, Option<Cost>>) -> Option<Cost> {
    // From each operation on, where the record has not been read yet, and where it has.
    let mut after: Vec<[Cost; 2]> = vec![Default::default(); code.ops.len() + 1];
    for (at, op) in code.ops.iter().enumerate().rev() {
        let mut here: [Cost; 2] = Default::default();
        for (read, cost) in here.iter_mut().enumerate() {
            let (own, then) = op_cost(op, code, (read == 1, late), children)?;
            let from = |at: usize, then: bool| after.get(at).and_then(|next| next.get(usize::from(then))).cloned().unwrap_or_default();
            let jump = op.target().map(|to| to.0 as usize);
            *cost = match op {
                // A turn may change what has been read.
                Op::NextRow { .. } | Op::NextRecord { .. } => {
                    let turn = own.clone().and(from(at + 1, false));
                    let rows = BTreeMap::from([(code.looked_at(at)?, turn)]);
                    own.and(Cost { rows: Rc::new(rows), ..Cost::default() }).and(from(jump?, false))
                }
                _ if op.is_terminal() => own.and(jump.map_or_else(Cost::default, |to| from(to, then))),
                _ => own.and(from(at + 1, then).most(jump.map_or_else(Cost::default, |to| from(to, then)))),
            };
            let (loops, depth) = cost.loops();
            if loops > MOST_LOOPS || depth > DEEPEST {
                return None;
            }
        }
        *after.get_mut(at)? = here;
    }
    after.into_iter().next().map(|[unread, _]| unread)
}

/// What an operation costs by itself, and whether the record has been read after it.
fn op_cost(op: &Op, code: &Code, (read, late): (bool, bool), children: &FxHashMap<SmolStr, Option<Cost>>) -> Option<(Cost, bool)> {
    let one = || Cost::flat(1, 0, 0);
    let reading = |times: u64| Cost::flat(1, times, 0);
    let writing = || Cost::flat(1, 0, 1);
    Some(match op {
        Op::Field { .. } | Op::RequireField { .. } | Op::Old { .. } | Op::JumpChanged { .. } => (reading(u64::from(!read)), true),
        Op::Related { .. } | Op::Find { .. } | Op::Gather { .. } | Op::Visit {} => (reading(1), read),
        Op::NextRow { .. } | Op::NextRecord { .. } => (reading(1), read),
        Op::ToText { ty, .. } => {
            let record = matches!(code.types.get(ty.0 as usize), Some(Type::Lookup(_)));
            (reading(u64::from(record)), read)
        }
        Op::Set { .. } => (if late { writing() } else { one() }, read && !late),
        Op::Create { .. } | Op::Update { .. } | Op::Delete { .. } => (writing(), false),
        Op::Perform { action, .. } => {
            let performed = code.performs.get(action.0 as usize)?;
            // Its record is looked at first.
            let before = reading(u64::from(performed.on_record));
            (children.get(&performed.action).cloned().flatten()?.and(before), false)
        }
        Op::Start { flow, .. } => {
            let child = code.starts.get(flow.0 as usize).map(|start| children.get(&start.flow).cloned());
            // One that waits in the queue is a row.
            let cost = child?.map_or_else(|| Some(writing()), |child| child.map(|child| child.and(one())))?;
            (cost, false)
        }
        _ => (one(), read),
    })
}
