//! What a flow costs at most: operations of the machine and statements to the store, along the most expensive path.
//!
//! Jumps go only forward, so one look from the last operation to the first is enough. What inline children and actions cost is counted in;
//! what nested operations set off is theirs. What goes through records costs as much as there are, and no number stands for that.

use rustc_hash::FxHashMap;
use serde::Serialize;
use smol_str::SmolStr;

use super::{Code, Effects, FlowCode, Mode, Op, Program, Stage};
use crate::value::Type;

/// What a run costs at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Operations of the machine.
    pub instructions: u64,
    /// Statements that read records.
    pub reads: u64,
    /// Statements that write records.
    pub writes: u64,
}

impl Cost {
    fn most(self, other: Cost) -> Cost {
        Cost {
            instructions: self.instructions.max(other.instructions),
            reads: self.reads.max(other.reads),
            writes: self.writes.max(other.writes),
        }
    }

    fn and(self, other: Cost) -> Cost {
        Cost {
            instructions: self.instructions.saturating_add(other.instructions),
            reads: self.reads.saturating_add(other.reads),
            writes: self.writes.saturating_add(other.writes),
        }
    }
}

/// The cost of every flow of a program, in its order; none where it goes through records, or flows start each other round in a circle.
pub fn costs(program: &Program) -> Vec<Option<Cost>> {
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
    program.flows.iter().map(|flow| known.get(&flow.head.name).copied().flatten()).collect()
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
    let nothing = [Cost::default(); 2];
    // From each operation on, where the record has not been read yet, and where it has.
    let mut after = vec![nothing; code.ops.len() + 1];
    for (at, op) in code.ops.iter().enumerate().rev() {
        let mut here = nothing;
        for (read, cost) in here.iter_mut().enumerate() {
            let (own, then) = op_cost(op, code, (read == 1, late), children)?;
            let next =
                if op.is_terminal() { Cost::default() } else { after.get(at + 1).and_then(|next| next.get(usize::from(then)))?.to_owned() };
            let jump = op.target().and_then(|to| after.get(to.0 as usize)).and_then(|next| next.get(usize::from(then))).copied();
            *cost = own.and(next.most(jump.unwrap_or_default()));
        }
        *after.get_mut(at)? = here;
    }
    after.first().map(|[unread, _]| *unread)
}

/// What an operation costs by itself, and whether the record has been read after it.
fn op_cost(op: &Op, code: &Code, (read, late): (bool, bool), children: &FxHashMap<SmolStr, Option<Cost>>) -> Option<(Cost, bool)> {
    let one = Cost { instructions: 1, ..Cost::default() };
    let reading = |times: u64| Cost { reads: times, ..one };
    let writing = Cost { writes: 1, ..one };
    Some(match op {
        Op::Field { .. } | Op::RequireField { .. } | Op::Old { .. } | Op::JumpChanged { .. } => (reading(u64::from(!read)), true),
        Op::Related { .. } | Op::Find { .. } | Op::Gather { .. } => (reading(1), read),
        // As often as there are records: no number says that.
        Op::NextRow { .. } | Op::NextRecord { .. } => return None,
        Op::ToText { ty, .. } => {
            let record = matches!(code.types.get(ty.0 as usize), Some(Type::Lookup(_)));
            (reading(u64::from(record)), read)
        }
        Op::Set { .. } => (if late { writing } else { one }, read && !late),
        Op::Create { .. } | Op::Update { .. } | Op::Delete { .. } => (writing, false),
        Op::Perform { action, .. } => {
            let performed = code.performs.get(action.0 as usize)?;
            // Its record is looked at first.
            let before = reading(u64::from(performed.on_record));
            (children.get(&performed.action).copied().flatten()?.and(before), false)
        }
        Op::Start { flow, .. } => {
            let child = code.starts.get(flow.0 as usize).map(|start| children.get(&start.flow).copied());
            // One that waits in the queue is a row.
            let cost = child?.map_or(Some(writing), |child| child.map(|child| child.and(one)))?;
            (cost, false)
        }
        _ => (one, read),
    })
}
