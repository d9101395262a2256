//! What a flow costs at most: operations of the machine and statements to the store, along the most expensive path.
//!
//! Jumps go forward but for the end of a loop's turn, so one look from the last operation to the first is enough: what a turn costs
//! stands by itself, for each record. What inline children and actions cost is counted in; what nested operations set off is theirs.

use std::collections::BTreeMap;
use std::rc::Rc;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::{Code, Effects, FlowCode, Mode, Op, Program, Stage};
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
    let mut known: FxHashMap<SmolStr, Option<Cost>> = FxHashMap::default();
    // What runs inline is known before what starts it; what is still open after as many rounds as there are of them is a circle.
    for _ in 0..=program.flows.len() + program.actions.len() {
        let before = known.len();
        for flow in &program.flows {
            if !known.contains_key(&flow.head.name) && is_ready(&flow.effects, &known) {
                let cost = of(flow, &known);
                known.insert(flow.head.name.clone(), cost);
            }
        }
        for action in &program.actions {
            if !known.contains_key(&action.head.name) && is_ready(&action.effects, &known) {
                // Nobody knows what code elsewhere costs.
                let cost = action.body.as_ref().and_then(|body| code_cost(body, true, &known));
                known.insert(action.head.name.clone(), cost);
            }
        }
        if known.len() == before {
            break;
        }
    }
    known.into_iter().filter_map(|(name, cost)| Some((name, cost?))).collect()
}

/// Whether the cost is known of all that runs inline.
fn is_ready(effects: &Effects, known: &FxHashMap<SmolStr, Option<Cost>>) -> bool {
    effects.starts.iter().chain(&effects.performs).all(|name| known.contains_key(name))
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
