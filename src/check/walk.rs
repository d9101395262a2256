//! The ways through the typed tree: what a statement and an expression are made of, each told in one place.

use super::ir::{Block, Expr, ExprKind, Query, StmtKind, Write};

/// A part of a statement.
pub(crate) enum Part<'a> {
    /// A value that it works on.
    Value(&'a Expr),
    /// Statements that it runs.
    Body(&'a Block),
}

/// Shows the parts of a statement, in the order in which they come to their turn.
pub(crate) fn each_of<'a>(kind: &'a StmtKind, visit: &mut impl FnMut(Part<'a>)) {
    match kind {
        StmtKind::Set(writes) | StmtKind::Create { values: writes, .. } => each_value(writes, visit),
        StmtKind::Stop(text) | StmtKind::Finish(Some(text)) | StmtKind::Log(text) => visit(Part::Value(text)),
        StmtKind::Finish(None) => {}
        StmtKind::Let { value, .. } => visit(Part::Value(value)),
        StmtKind::Update { record, values } => {
            visit(Part::Value(&record.reference));
            each_value(values, visit);
        }
        StmtKind::Delete { record } => visit(Part::Value(&record.reference)),
        StmtKind::Start { record, arguments, .. } => {
            visit(Part::Value(&record.reference));
            arguments.iter().for_each(|(_, value)| visit(Part::Value(value)));
        }
        StmtKind::Perform { record, arguments, .. } => {
            record.iter().for_each(|record| visit(Part::Value(&record.reference)));
            arguments.iter().for_each(|(_, value)| visit(Part::Value(value)));
        }
        StmtKind::SetOutput(values) => values.iter().for_each(|(_, value)| visit(Part::Value(value))),
        StmtKind::If { arms, otherwise } => {
            for (condition, body) in arms {
                visit(Part::Value(condition));
                visit(Part::Body(body));
            }
            visit(Part::Body(otherwise));
        }
        StmtKind::Match { subject, arms, otherwise } => {
            visit(Part::Value(subject));
            arms.iter().for_each(|arm| visit(Part::Body(&arm.body)));
            visit(Part::Body(otherwise));
        }
        StmtKind::ForEach { query, limit, body, .. } => {
            each_asked(query, &mut |value| visit(Part::Value(value)));
            limit.iter().for_each(|limit| visit(Part::Value(limit)));
            visit(Part::Body(body));
        }
        StmtKind::Step { title, body } => {
            visit(Part::Value(title));
            visit(Part::Body(body));
        }
        StmtKind::Wait { branches, .. } => {
            branches.iter().for_each(|branch| visit(Part::Value(branch.until.value())));
            branches.iter().for_each(|branch| visit(Part::Body(&branch.body)));
        }
    }
}

fn each_value<'a>(writes: &'a [Write], visit: &mut impl FnMut(Part<'a>)) {
    writes.iter().for_each(|write| visit(Part::Value(&write.value)));
}

fn each_asked<'a>(query: &'a Query, visit: &mut impl FnMut(&'a Expr)) {
    query.conditions.iter().for_each(|condition| visit(&condition.value));
    query.filter.iter().for_each(visit);
}

/// Shows the expressions that an expression is made of.
pub(crate) fn each_part<'a>(e: &'a Expr, visit: &mut impl FnMut(&'a Expr)) {
    match &e.kind {
        ExprKind::Constant(_) | ExprKind::This | ExprKind::Field(_) | ExprKind::Old(_) | ExprKind::Changed(_) => {}
        ExprKind::Row { .. } | ExprKind::Local(_) | ExprKind::Input(_) | ExprKind::Now | ExprKind::Today | ExprKind::Caller => {}
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
        | ExprKind::WithOption { set: left, option: right, .. }
        | ExprKind::Elapsed { later: left, earlier: right } => {
            visit(left);
            visit(right);
        }
        ExprKind::In { value, list } => {
            visit(value);
            list.iter().for_each(visit);
        }
        ExprKind::Query { query, .. } => each_asked(query, visit),
        ExprKind::ByKey { values, .. } => values.iter().for_each(|(_, value)| visit(value)),
        ExprKind::Between { value, low, high } => [value, low, high].into_iter().for_each(|part| visit(part)),
        ExprKind::Call { arguments: parts, .. } | ExprKind::Concat(parts) => parts.iter().for_each(visit),
    }
}

/// Whether an expression has a part of a kind.
pub(crate) fn mentions(e: &Expr, wanted: &impl Fn(&ExprKind) -> bool) -> bool {
    let mut found = wanted(&e.kind);
    each_part(e, &mut |part| found = found || mentions(part, wanted));
    found
}
