//! What flows read and do at most: first each by itself, then with the children that run inline within it.

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use crate::bytecode::{Effects, Mode, Program};
use crate::check::ir::{Block, Expr, ExprKind, Flow, Record, StmtKind, Write};
use crate::value::EntityId;

/// A flow's own effects, without its children's.
pub(super) fn own(flow: &Flow) -> Effects {
    let mut effects = Effects::default();
    if let Some(when) = &flow.when {
        effects.expression(when);
    }
    effects.block(&flow.body);
    effects
}

/// A flow that is started inline, and whether on the record of the flow that starts it.
pub(super) type Child = (SmolStr, bool);

/// The children that a flow starts.
pub(super) fn children(flow: &Flow) -> Vec<Child> {
    let mut found = Vec::new();
    starts(&flow.body, &mut found);
    found.sort();
    found.dedup();
    found
}

fn starts(block: &Block, found: &mut Vec<Child>) {
    for statement in block {
        match &statement.kind {
            StmtKind::Start { flow, record, .. } => found.push((flow.clone(), record.reference.kind == ExprKind::This)),
            StmtKind::If { arms, otherwise } => {
                arms.iter().for_each(|(_, body)| starts(body, found));
                starts(otherwise, found);
            }
            StmtKind::Match { arms, otherwise, .. } => {
                arms.iter().for_each(|arm| starts(&arm.body, found));
                starts(otherwise, found);
            }
            StmtKind::Step { body, .. } => starts(body, found),
            _ => {}
        }
    }
}

/// Counts in, for every flow, the effects of the real-time children that it starts, and of theirs. `children` are those
/// of each flow, flow by flow. A child that grew has its parents looked at again, until nothing grows.
pub(super) fn close(program: &mut Program, children: &[Vec<Child>]) {
    let index: FxHashMap<SmolStr, usize> = program.flows.iter().enumerate().map(|(at, flow)| (flow.head.name.clone(), at)).collect();
    let mut parents: FxHashMap<usize, Vec<(usize, bool)>> = FxHashMap::default();
    for (parent, children) in children.iter().enumerate() {
        for (name, same_record) in children {
            if let Some(child) = index.get(name) {
                parents.entry(*child).or_default().push((parent, *same_record));
            }
        }
    }
    let mut work: Vec<usize> = (0..program.flows.len()).collect();
    while let Some(at) = work.pop() {
        let Some(child) = program.flows.get(at).filter(|flow| flow.head.mode == Mode::RealTime) else { continue };
        let (effects, entity) = (child.effects.clone(), child.head.entity);
        for (parent, same_record) in parents.get(&at).into_iter().flatten() {
            let Some(flow) = program.flows.get_mut(*parent) else { continue };
            let before = flow.effects.clone();
            flow.effects.include(&effects, entity, *same_record);
            if flow.effects != before {
                work.push(*parent);
            }
        }
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
            self.updates.insert(entity);
        }
        for (entity, fields) in &child.related {
            self.related.entry(*entity).or_default().extend(fields);
        }
        self.creates.extend(&child.creates);
        self.updates.extend(&child.updates);
        self.deletes.extend(&child.deletes);
        self.may_stop |= child.may_stop;
    }

    fn block(&mut self, block: &Block) {
        block.iter().for_each(|statement| self.statement(&statement.kind));
    }

    fn statement(&mut self, kind: &StmtKind) {
        match kind {
            StmtKind::Set(writes) => {
                writes.iter().for_each(|write| self.sets.insert(write.slot));
                self.writes(writes);
            }
            StmtKind::Stop(reason) => {
                self.may_stop = true;
                self.expression(reason);
            }
            StmtKind::Finish(note) => note.iter().for_each(|note| self.expression(note)),
            StmtKind::Let { value, .. } => self.expression(value),
            StmtKind::Create { entity, values, .. } => {
                self.creates.insert(*entity);
                self.writes(values);
            }
            StmtKind::Update { record, values } => {
                self.updates.insert(record.entity);
                self.expression(&record.reference);
                self.writes(values);
            }
            StmtKind::Delete { record: Record { reference, entity, .. } } => {
                self.deletes.insert(*entity);
                self.expression(reference);
            }
            StmtKind::Start { flow, arguments, record } => {
                self.starts.insert(flow.clone());
                self.expression(&record.reference);
                arguments.iter().for_each(|(_, value)| self.expression(value));
            }
            StmtKind::If { arms, otherwise } => {
                for (condition, body) in arms {
                    self.expression(condition);
                    self.block(body);
                }
                self.block(otherwise);
            }
            StmtKind::Match { subject, arms, otherwise } => {
                self.expression(subject);
                arms.iter().for_each(|arm| self.block(&arm.body));
                self.block(otherwise);
            }
            StmtKind::Log(text) => self.expression(text),
            StmtKind::Step { title, body } => {
                self.expression(title);
                self.block(body);
            }
        }
    }

    fn writes(&mut self, writes: &[Write]) {
        writes.iter().for_each(|write| self.expression(&write.value));
    }

    fn expression(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::Field(slot) => self.reads.insert(*slot),
            ExprKind::Old(slot) | ExprKind::Changed(slot) => self.old.insert(*slot),
            ExprKind::Related { entity, slot, .. } => self.related.entry(*entity).or_default().insert(*slot),
            _ => {}
        }
        each_part(e, &mut |part| self.expression(part));
    }
}

/// Shows the expressions that an expression is made of.
fn each_part(e: &Expr, visit: &mut impl FnMut(&Expr)) {
    match &e.kind {
        ExprKind::Constant(_) | ExprKind::This | ExprKind::Field(_) | ExprKind::Old(_) | ExprKind::Changed(_) => {}
        ExprKind::Local(_) | ExprKind::Input(_) | ExprKind::Now | ExprKind::Today | ExprKind::Caller => {}
        ExprKind::Related { record: one, .. }
        | ExprKind::Require(one)
        | ExprKind::Convert(one)
        | ExprKind::Not(one)
        | ExprKind::IsEmpty(one)
        | ExprKind::Negate(one)
        | ExprKind::ToText(one) => visit(one),
        ExprKind::And(left, right)
        | ExprKind::Or(left, right)
        | ExprKind::Coalesce(left, right)
        | ExprKind::Compare { left, right, .. }
        | ExprKind::Contains { left, right, .. }
        | ExprKind::Arithmetic { left, right, .. }
        | ExprKind::Shift { left, right, .. }
        | ExprKind::Elapsed { later: left, earlier: right } => {
            visit(left);
            visit(right);
        }
        ExprKind::In { value, list } => {
            visit(value);
            list.iter().for_each(visit);
        }
        ExprKind::Between { value, low, high } => [value, low, high].into_iter().for_each(|part| visit(part)),
        ExprKind::Call { arguments: parts, .. } | ExprKind::Concat(parts) => parts.iter().for_each(visit),
    }
}
