//! What flows read and do at most: first each by itself, then with the children that run inline within it.

use smol_str::SmolStr;

use crate::bytecode::{Effects, Mode, Program};
use crate::check::ir::{Block, Expr, ExprKind, Flow, Record, StmtKind, Write};

/// A flow's own effects, without its children's.
pub(super) fn own(flow: &Flow) -> Effects {
    let mut effects = Effects::default();
    if let Some(when) = &flow.when {
        effects.expression(when);
    }
    effects.block(&flow.body);
    effects
}

/// The children that a flow starts on its own record.
pub(super) fn children_on_this(flow: &Flow) -> Vec<SmolStr> {
    let mut found = Vec::new();
    on_this(&flow.body, &mut found);
    found
}

fn on_this(block: &Block, found: &mut Vec<SmolStr>) {
    for statement in block {
        match &statement.kind {
            StmtKind::Start { flow, record, .. } if record.reference.kind == ExprKind::This => found.push(flow.clone()),
            StmtKind::If { arms, otherwise } => {
                arms.iter().for_each(|(_, body)| on_this(body, found));
                on_this(otherwise, found);
            }
            StmtKind::Match { arms, otherwise, .. } => {
                arms.iter().for_each(|arm| on_this(&arm.body, found));
                on_this(otherwise, found);
            }
            StmtKind::Step { body, .. } => on_this(body, found),
            _ => {}
        }
    }
}

/// Counts in, for every flow, the effects of the real-time children that it starts, and of theirs. `on_this` names,
/// flow by flow, those on its own record: what they do to it is done to the flow's record.
pub(super) fn close(program: &mut Program, on_this: &[Vec<SmolStr>]) {
    loop {
        let mut grew = false;
        for index in 0..program.flows.len() {
            let Some(before) = program.flows.get(index).map(|flow| flow.effects.clone()) else { return };
            let mut after = before.clone();
            for name in &before.starts {
                let Some(child) = program.flow(name).filter(|child| child.head.mode == Mode::RealTime) else { continue };
                let same_record = on_this.get(index).is_some_and(|names| names.contains(name));
                after.include(&child.effects, same_record);
                if !child.effects.sets.is_empty() && !same_record {
                    after.updates.insert(child.head.entity);
                }
            }
            if after != before {
                grew = true;
                if let Some(flow) = program.flows.get_mut(index) {
                    flow.effects = after;
                }
            }
        }
        if !grew {
            return;
        }
    }
}

impl Effects {
    /// Counts in what an inline child does, on the same record or on another.
    fn include(&mut self, child: &Effects, same_record: bool) {
        if same_record {
            self.reads.extend(&child.reads);
            self.old.extend(&child.old);
            self.sets.extend(&child.sets);
        }
        for (entity, fields) in &child.related {
            self.related.entry(*entity).or_default().extend(fields);
        }
        self.creates.extend(&child.creates);
        self.updates.extend(&child.updates);
        self.deletes.extend(&child.deletes);
        self.starts.extend(child.starts.iter().cloned());
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
