//! The layout of statements.

use super::columns::Row;
use super::expressions::CHAIN;
use super::sheet::{Before, Sheet};
use crate::source::Span;
use crate::syntax::ast::{Arm, Block, Expectation, Expr, Name, Pattern, Stmt, StmtKind, TableRow, WaitBranch, Write};
use crate::syntax::token::Token;

/// How much further the second line of a list of writes or names is indented: `set` and a blank.
const LIST: usize = 4;

/// The same for the records of an `update`, and a blank.
const UPDATE: usize = 7;

impl Sheet<'_> {
    pub(super) fn statements(&mut self, block: &Block) {
        for statement in &block.statements {
            self.before(self.at(statement.span.start), Before::Line);
            self.statement(statement);
        }
    }

    fn body(&mut self, block: &Block) {
        self.block(self.last(block.span), false);
        self.statements(block);
    }

    fn statement(&mut self, statement: &Stmt) {
        let last = self.last(statement.span);
        match &statement.kind {
            StmtKind::Set { writes, .. } => self.set(writes, last),
            StmtKind::Stop(text) | StmtKind::Log(text) => self.text(text),
            StmtKind::Finish(text) => text.iter().for_each(|text| self.text(text)),
            StmtKind::Start { flow: name, arguments, record } | StmtKind::Run { flow: name, arguments, record } => {
                self.call(name, arguments);
                self.record(record);
            }
            StmtKind::Perform { action, arguments, record } => {
                self.call(action, arguments);
                record.iter().for_each(|record| self.record(record));
            }
            StmtKind::Create { values, .. } | StmtKind::Upsert { values, .. } | StmtKind::SendEmail { values } => self.writes(values),
            StmtKind::CreateMultiple { entity, targets } => self.new_records(entity, targets, last),
            StmtKind::UpdateMultiple { targets } => {
                self.names(targets.iter().map(|(record, _)| record.expr.span), last, UPDATE);
                for (record, values) in targets {
                    self.record(record);
                    self.writes(values);
                }
            }
            StmtKind::Update { record, values } => {
                self.record(record);
                self.writes(values);
            }
            StmtKind::Delete { record } | StmtKind::ShowAudit(record) => self.record(record),
            StmtKind::Assign { record, owner: to } | StmtKind::ChangeStatus { record, status: to } => {
                self.record(record);
                self.expr(to);
            }
            StmtKind::If { arms, otherwise } => self.choice(arms, otherwise.as_ref()),
            StmtKind::Match { subject, arms } => {
                self.expr(subject);
                self.block(last, false);
                let rows: Vec<Row> = arms.iter().map(|arm| self.arm(arm)).collect();
                self.columns(&rows);
            }
            StmtKind::ForEach { .. } => self.for_each(&statement.kind),
            StmtKind::Let { value: expr, .. }
            | StmtKind::WaitFor(expr)
            | StmtKind::WaitUntil(expr)
            | StmtKind::Advance(expr)
            | StmtKind::Show(expr) => self.expr(expr),
            StmtKind::LetResult { activity, .. } => self.statement(activity),
            StmtKind::WaitBranches(branches) => {
                self.block(last, false);
                let rows: Vec<Row> = branches.iter().map(|branch| self.branch(branch)).collect();
                self.columns(&rows);
            }
            StmtKind::Step { title, body } => {
                self.text(title);
                self.body(body);
            }
            StmtKind::As { body, .. } | StmtKind::Fake { body, .. } | StmtKind::InTransaction(body) => self.body(body),
            StmtKind::Tags(names) => self.names(names.iter().map(|name| name.span), last, LIST + 1),
            StmtKind::Expect(expectation) => self.expectation(expectation),
            StmtKind::Table { header, rows } => self.table(header, rows, last),
            StmtKind::User { .. } | StmtKind::Given(_) | StmtKind::Skip(_) | StmtKind::RunJobs | StmtKind::Delay => {}
        }
    }

    fn set(&mut self, writes: &[Write], last: usize) {
        self.names(writes.iter().map(|write| write.name.span), last, LIST);
        self.writes(writes);
    }

    /// A list without brackets, from the first of some spans to a token: it breaks before each of the others.
    pub(super) fn names(&mut self, spans: impl IntoIterator<Item = Span>, last: usize, indent: usize) {
        let mut spans = spans.into_iter();
        let Some(first) = spans.next() else { return };
        self.group(self.at(first.start), last, indent);
        spans.for_each(|span| self.breaks(self.at(span.start)));
    }

    /// Several new records: each on a line of its own, where they don't fit on one.
    fn new_records(&mut self, entity: &Name, targets: &[Vec<Write>], last: usize) {
        let first = self.last(entity.span);
        self.group(first, last, 2);
        let mut close = last;
        for values in targets.iter().rev() {
            self.writes(values);
            let Some(open) = self.opening(close) else { return };
            self.breaks(open);
            close = open.saturating_sub(2);
        }
    }

    fn call(&mut self, name: &Name, arguments: &[Write]) {
        self.arguments(self.last(name.span) + 1);
        self.writes(arguments);
    }

    fn choice(&mut self, arms: &[(Expr, Block)], otherwise: Option<&Block>) {
        for (index, (condition, body)) in arms.iter().enumerate() {
            if index > 0 {
                self.before(self.at(condition.span.start).saturating_sub(2), Before::Joined);
            }
            self.expr(condition);
            self.body(body);
        }
        if let Some(body) = otherwise {
            self.before(self.at(body.span.start).saturating_sub(1), Before::Joined);
            self.body(body);
        }
    }

    /// An arm; gives its row: the patterns and the arrow.
    fn arm(&mut self, arm: &Arm) -> Row {
        let first = self.at(arm.span.start);
        self.before(first, Before::Line);
        let last = self.last(arm.span);
        if self.kind(last) == Some(Token::Comma) {
            self.place(last, |place| place.dropped = true);
        }
        let span = |pattern: &Pattern| match pattern {
            Pattern::Else(span) => *span,
            Pattern::Value(expr) => expr.span,
        };
        if let Some(end) = arm.patterns.last().map(span) {
            self.names(arm.patterns.iter().map(span), self.last(end), 0);
        }
        for pattern in &arm.patterns {
            if let Pattern::Value(expr) = pattern {
                self.expr(expr);
            }
        }
        self.short_body(&arm.body);
        let arrow = self.at(arm.body.span.start).saturating_sub(1);
        vec![Some((first, arrow.saturating_sub(1))), Some((arrow, arrow))]
    }

    /// A branch; gives its row: what it waits for, and the brace.
    fn branch(&mut self, branch: &WaitBranch) -> Row {
        let first = self.at(branch.span.start);
        self.before(first, Before::Line);
        self.expr(&branch.value);
        self.short_body(&branch.body);
        let open = self.at(branch.body.span.start);
        vec![Some((first, open.saturating_sub(1))), Some((open, open))]
    }

    /// The body of an arm: one statement that has no block of its own may stand on its line.
    fn short_body(&mut self, body: &Block) {
        match body.statements.as_slice() {
            [statement] if is_simple(statement) => {
                self.block(self.last(body.span), true);
                self.statement(statement);
            }
            _ => self.body(body),
        }
    }

    fn for_each(&mut self, statement: &StmtKind) {
        let StmtKind::ForEach { entity, filter, order, limit, body, .. } = statement else { return };
        let open = self.at(body.span.start);
        self.group(self.at(entity.span.start), open.saturating_sub(1), CHAIN);
        let parts = [(filter.as_ref(), 1), (order.first().map(|(key, _)| key), 2), (limit.as_ref(), 1)];
        for (expr, words) in parts {
            if let Some(expr) = expr {
                self.breaks(self.at(expr.span.start).saturating_sub(words));
            }
        }
        filter.iter().chain(order.iter().map(|(key, _)| key)).chain(limit).for_each(|expr| self.expr(expr));
        self.body(body);
    }

    fn expectation(&mut self, expectation: &Expectation) {
        match expectation {
            Expectation::That(expr) => self.expr(expr),
            Expectation::Stopped(text) | Expectation::Job { reason: text, .. } => text.iter().for_each(|text| self.text(text)),
            Expectation::Ran(names) | Expectation::NotRan(names) => {
                let last = names.last().map_or(0, |name| self.last(name.span));
                self.names(names.iter().map(|name| name.span), last, LIST);
            }
            Expectation::Fault(_) => {}
        }
    }

    fn table(&mut self, header: &[Name], rows: &[TableRow], last: usize) {
        self.block(last, false);
        let cells = |spans: Vec<Span>, sheet: &Self| spans.iter().map(|span| Some((sheet.at(span.start), sheet.last(*span)))).collect();
        let mut lines: Vec<Row> = vec![cells(header.iter().map(|name| name.span).collect(), self)];
        for TableRow { cells: row, .. } in rows {
            row.iter().for_each(|cell| self.expr(cell));
            lines.push(cells(row.iter().map(|cell| cell.span).collect(), self));
        }
        for line in &lines {
            if let Some(Some((first, _))) = line.first() {
                self.before(first.saturating_sub(1), Before::Line);
            }
        }
        self.table_columns(&lines);
    }
}

/// Whether a statement has no block and no arms.
fn is_simple(statement: &Stmt) -> bool {
    !matches!(
        statement.kind,
        StmtKind::If { .. }
            | StmtKind::Match { .. }
            | StmtKind::ForEach { .. }
            | StmtKind::WaitBranches(_)
            | StmtKind::Step { .. }
            | StmtKind::As { .. }
            | StmtKind::Fake { .. }
            | StmtKind::InTransaction(_)
            | StmtKind::Table { .. }
    )
}
