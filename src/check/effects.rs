//! What flows read and do at most: first each by itself, then with the children that run inline within it.
//!
//! The parts of statements and expressions are told in `walk.rs`; here stands what each of them means by itself.

use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::bytecode::{Effects, Mode};
use crate::value::EntityId;

use super::ir::{Block, Expr, ExprKind, Flow, StmtKind};
use super::walk::{self, Part};

/// Gives every flow its effects, those of the real-time children that it starts, and of theirs, counted in. A child that
/// grew has its parents looked at again, until nothing grows.
pub(super) fn fill(flows: &mut [Flow]) {
    let children: Vec<Vec<Child>> = flows.iter().map(|flow| children(&flow.body)).collect();
    let mut index: FxHashMap<SmolStr, usize> = FxHashMap::default();
    for (at, flow) in flows.iter_mut().enumerate() {
        index.entry(flow.head.name.clone()).or_insert(at);
        flow.effects = own(flow);
    }
    queue(flows);
    let mut parents: FxHashMap<usize, Vec<(usize, bool)>> = FxHashMap::default();
    for (parent, children) in children.iter().enumerate() {
        for (name, same_record) in children {
            if let Some(child) = index.get(name) {
                parents.entry(*child).or_default().push((parent, *same_record));
            }
        }
    }
    let mut work: Vec<usize> = (0..flows.len()).collect();
    while let Some(at) = work.pop() {
        let Some(child) = flows.get(at).filter(|flow| flow.head.mode == Mode::RealTime) else { continue };
        let (effects, entity) = (child.effects.clone(), child.head.entity);
        for (parent, same_record) in parents.get(&at).into_iter().flatten() {
            let Some(flow) = flows.get_mut(*parent) else { continue };
            let before = flow.effects.clone();
            flow.effects.include(&effects, entity, *same_record);
            if flow.effects != before {
                work.push(*parent);
            }
        }
    }
}

/// A background flow that is started waits in the queue.
fn queue(flows: &mut [Flow]) {
    let background: FxHashSet<SmolStr> =
        flows.iter().filter(|flow| flow.head.mode == Mode::Background).map(|flow| flow.head.name.clone()).collect();
    for Flow { effects, .. } in flows {
        let (queues, starts) = std::mem::take(&mut effects.starts).into_iter().partition(|name| background.contains(name));
        (effects.queues, effects.starts) = (queues, starts);
    }
}

/// A flow's own effects, without its children's.
fn own(flow: &Flow) -> Effects {
    let mut effects = Effects::default();
    if let Some(when) = &flow.when {
        effects.expression(when);
    }
    effects.block(&flow.body);
    effects
}

/// A flow that is started, and whether on the record of the flow that starts it.
type Child = (SmolStr, bool);

fn children(body: &Block) -> Vec<Child> {
    let mut found = Vec::new();
    starts(body, &mut found);
    found.sort();
    found.dedup();
    found
}

fn starts(block: &Block, found: &mut Vec<Child>) {
    for statement in block {
        if let StmtKind::Start { flow, record, .. } = &statement.kind {
            found.push((flow.clone(), record.reference.kind == ExprKind::This));
        }
        walk::each_of(&statement.kind, &mut |part| {
            if let Part::Body(body) = part {
                starts(body, found);
            }
        });
    }
}

impl Effects {
    /// Counts in what an inline child does, on the same record or on another.
    fn include(&mut self, child: &Effects, entity: EntityId, same_record: bool) {
        if same_record {
            self.reads.extend(&child.reads);
            self.old.extend(&child.old);
            self.sets.extend(&child.sets);
        } else if !child.sets.is_empty() {
            self.updates.entry(entity).or_default().extend(&child.sets);
        }
        for (entity, fields) in &child.related {
            self.related.entry(*entity).or_default().extend(fields);
        }
        for (entity, fields) in &child.queries {
            self.queries.entry(*entity).or_default().extend(fields);
        }
        for (entity, fields) in &child.updates {
            self.updates.entry(*entity).or_default().extend(fields);
        }
        self.creates.extend(&child.creates);
        self.deletes.extend(&child.deletes);
        self.causes.extend(child.causes.iter().cloned());
        self.may_stop |= child.may_stop;
        self.unknown |= child.unknown;
    }

    fn block(&mut self, block: &Block) {
        for statement in block {
            self.statement(&statement.kind);
            walk::each_of(&statement.kind, &mut |part| match part {
                Part::Value(value) => self.expression(value),
                Part::Body(body) => self.block(body),
            });
        }
    }

    /// What a statement does by itself.
    fn statement(&mut self, kind: &StmtKind) {
        match kind {
            StmtKind::Set(writes) => writes.iter().for_each(|write| self.sets.insert(write.slot)),
            StmtKind::Stop(_) => self.may_stop = true,
            StmtKind::Create { entity, .. } => {
                self.creates.insert(*entity);
            }
            StmtKind::Update { record, values } => {
                self.updates.entry(record.entity).or_default().extend(&values.iter().map(|write| write.slot).collect());
            }
            StmtKind::Delete { record } => {
                self.deletes.insert(record.entity);
            }
            StmtKind::Start { flow, .. } => {
                self.starts.insert(flow.clone());
            }
            StmtKind::Wait { .. } => self.may_wait = true,
            StmtKind::Finish(_) | StmtKind::Let { .. } | StmtKind::Log(_) => {}
            StmtKind::If { .. } | StmtKind::Match { .. } | StmtKind::Step { .. } => {}
        }
    }

    /// What an expression reads, by itself and in its parts.
    fn expression(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::Field(slot) => self.reads.insert(*slot),
            ExprKind::Old(slot) | ExprKind::Changed(slot) => self.old.insert(*slot),
            ExprKind::Related { entity, slot, .. } => self.related.entry(*entity).or_default().insert(*slot),
            _ => {}
        }
        walk::each_part(e, &mut |part| self.expression(part));
    }
}
