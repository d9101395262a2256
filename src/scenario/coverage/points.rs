//! What there is to cover in the statements of a flow or action: each statement, and each way that a branch can go. Knows no counts.

use crate::check::ir::{Arm, Block, Expr, ExprKind, Record, Stmt, StmtKind, Until, WaitBranch};
use crate::schema::Schema;
use crate::source::Span;
use crate::value::{Type, Value};

/// What there is to cover.
#[derive(Debug)]
pub(super) struct Points<'a> {
    /// The statements, in source order.
    pub statements: Vec<Span>,
    /// The ways that branches can go.
    pub ways: Vec<Point<'a>>,
    schema: &'a Schema,
}

/// A way that a branch can go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point<'a> {
    /// What decides it: the condition, the value of a `match`, the statement. The ways of a branch share it.
    pub span: Span,
    /// Which way.
    pub way: Way<'a>,
}

/// The ways.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Way<'a> {
    /// A condition is true or isn't.
    Condition(&'a Expr, bool),
    /// The value of a `match` is this one, at this place among all that its arms name.
    Option(&'a Expr, usize, &'a Value),
    /// The value of a `match` is none that an arm names.
    Else,
    /// The record of an activity is there, or is left out because it is empty.
    Record(bool),
    /// What the branch of a wait at this place waits for is what has come.
    Came(&'a Until, usize),
}

/// The points of statements.
pub(super) fn of_block<'a>(body: &'a Block, schema: &'a Schema) -> Points<'a> {
    let mut points = Points { statements: Vec::new(), ways: Vec::new(), schema };
    points.block(body);
    // What is written as one statement may be checked as several.
    points.statements.sort();
    points.statements.dedup();
    points
}

/// Both ways of a condition; none where it is a constant.
pub(super) fn of_condition(condition: &Expr) -> impl Iterator<Item = Point<'_>> {
    let ways = [true, false].into_iter().filter(|_| !matches!(condition.kind, ExprKind::Constant(_)));
    ways.map(|holds| Point { span: condition.span, way: Way::Condition(condition, holds) })
}

impl<'a> Points<'a> {
    fn block(&mut self, block: &'a Block) {
        block.iter().for_each(|statement| self.statement(statement));
    }

    fn statement(&mut self, statement: &'a Stmt) {
        self.statements.push(statement.span);
        match &statement.kind {
            StmtKind::If { arms, otherwise } => {
                for (condition, body) in arms {
                    self.ways.extend(of_condition(condition));
                    self.block(body);
                }
                self.block(otherwise);
            }
            StmtKind::Match { subject, arms, otherwise } => self.choice(subject, arms, otherwise),
            StmtKind::ForEach { body, .. } | StmtKind::Step { body, .. } => self.block(body),
            StmtKind::Wait { branches, .. } => self.wait(branches, statement.span),
            StmtKind::Update { record, .. }
            | StmtKind::Delete { record }
            | StmtKind::Start { record, .. }
            | StmtKind::Perform { record: Some(record), .. } => self.record(record, statement.span),
            _ => {}
        }
    }

    fn record(&mut self, record: &Record, span: Span) {
        let ways = [true, false].into_iter().filter(|_| record.skip_if_empty);
        self.ways.extend(ways.map(|there| Point { span, way: Way::Record(there) }));
    }

    fn wait(&mut self, branches: &'a [WaitBranch], span: Span) {
        self.ways.extend(branches.iter().enumerate().map(|(place, branch)| Point { span, way: Way::Came(&branch.until, place) }));
        branches.iter().for_each(|branch| self.block(&branch.body));
    }

    fn choice(&mut self, subject: &'a Expr, arms: &'a [Arm], otherwise: &'a Block) {
        let values = arms.iter().flat_map(|arm| &arm.values).enumerate();
        self.ways.extend(values.map(|(place, value)| Point { span: subject.span, way: Way::Option(subject, place, value) }));
        arms.iter().for_each(|arm| self.block(&arm.body));
        if !takes_all(subject, arms, self.schema) {
            self.ways.push(Point { span: subject.span, way: Way::Else });
            self.block(otherwise);
        }
    }
}

/// Whether the arms of a `match` name every value, so that nothing is left for an `else`.
fn takes_all(subject: &Expr, arms: &[Arm], schema: &Schema) -> bool {
    let named = |value: &Value| arms.iter().any(|arm| arm.values.contains(value));
    let all: Vec<Value> = match subject.ty {
        Type::Boolean => vec![Value::Boolean(true), Value::Boolean(false)],
        Type::Choice(id) => {
            schema.choice(id).into_iter().flat_map(|choice| &choice.options).map(|option| Value::Choice(option.code)).collect()
        }
        _ => return false,
    };
    all.iter().all(named) && (!subject.optional || named(&Value::Empty))
}
