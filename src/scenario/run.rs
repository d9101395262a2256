//! Runs the steps of a test or scenario, each at its turn, in a pipeline that the caller has opened.
//!
//! In a test, an operation that was stopped or failed has to be followed by an `expect` about it (`stopped`, `fault`,
//! `ran`, `not ran`) before the next operation or the end; else the test fails there. In a scenario such an operation is
//! only told of ([`Event`]), and the run goes on. A false `expect` ends both, and so does an expression outside an operation
//! that faults; inside one, it is the operation that failed.

mod expect;
mod jobs;
mod messages;
mod records;
mod why;

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use crate::check::ir::{self, ExprKind, Step, StepKind, StmtKind};
use crate::compile;
use crate::diagnostic::Code;
use crate::pipeline::{Ending, Operation, Outcome, Pipeline};
use crate::schema::Row;
use crate::source::Span;
use crate::store::StoreError;
use crate::value::{EntityId, Reference, Value};
use crate::vm::Fault;

use super::case::{Case, skipped};
use super::report::{Event, EventKind, Failure, Report};

/// Runs a test or scenario.
pub fn run(case: Case, pipeline: &mut Pipeline) -> Report {
    let scenario = case.scenario;
    if let Some(report) = skipped(case) {
        return report;
    }
    let mut run = Run {
        pipeline,
        scenario,
        locals: vec![Value::Empty; scenario.locals.len()],
        users: FxHashMap::default(),
        acting: None,
        events: Vec::new(),
        touched: BTreeSet::new(),
        last: None,
        unexpected: None,
    };
    let mut name = scenario.name.clone();
    let given = case.row.map_or(Ok(()), |(number, row)| run.take_row(number, row, &mut name));
    let result = given.and_then(|()| run.steps(&scenario.steps));
    let failure = run.settle().err().or(result.err());
    let span = case.row.map_or(scenario.span, |(_, row)| row.span);
    Report { name, test: scenario.test, span, skipped: None, touched: run.touched, events: run.events, failure }
}

pub(super) struct Run<'a> {
    pub(super) pipeline: &'a mut Pipeline,
    pub(super) scenario: &'a ir::Scenario,
    pub(super) locals: Vec<Value>,
    pub(super) users: FxHashMap<SmolStr, Reference>,
    pub(super) acting: Option<(SmolStr, Reference)>,
    pub(super) events: Vec<Event>,
    pub(super) touched: BTreeSet<SmolStr>,
    /// The event of the last operation.
    pub(super) last: Option<usize>,
    /// The same, while it was not committed and no `expect` has been about it.
    pub(super) unexpected: Option<usize>,
}

impl Run<'_> {
    fn steps(&mut self, steps: &[Step]) -> Result<(), Failure> {
        steps.iter().try_for_each(|step| self.step(step))
    }

    /// Gives the names of the table their values, and tells them in the name of the run: `a limit [row 2: 5, true]`.
    fn take_row(&mut self, number: usize, row: &ir::TableRow, name: &mut SmolStr) -> Result<(), Failure> {
        let title = name.clone();
        *name = format!("{title} [row {number}]").into();
        let mut told = Vec::with_capacity(row.cells.len());
        for (local, cell) in self.scenario.table.iter().flat_map(|table| &table.names).zip(&row.cells) {
            let value = self.known(cell)?;
            told.push(shortened(&self.in_words(&value, cell)?));
            self.assign(*local, value);
        }
        *name = format!("{title} [row {number}: {}]", told.join(", ")).into();
        Ok(())
    }

    pub(super) fn step(&mut self, step: &Step) -> Result<(), Failure> {
        match &step.kind {
            StepKind::Do(statement) => self.statement(statement, step.span),
            StepKind::Run { flow, arguments, record } => {
                self.begin("Run", record, arguments, step.span, |record, inputs| Operation::Run { flow: flow.clone(), record, inputs })
            }
            StepKind::Upsert { entity, key, values, into } => self.upsert((*entity, key, values), *into, step.span),
            StepKind::CreateMultiple { entity, targets } => self.create_multiple(*entity, targets, step.span),
            StepKind::UpdateMultiple { entity, targets } => self.update_multiple(*entity, targets, step.span),
            StepKind::User { name, roles, business_unit, teams } => {
                self.user(name, roles, business_unit.as_ref(), teams).map_err(|fault| faulted(step.span, &fault))
            }
            StepKind::InTransaction(steps) => self.in_transaction(steps, step.span),
            StepKind::Advance(moment) => self.advance(moment),
            StepKind::As { user, steps } => self.acting(user, steps, step.span),
            StepKind::Show(value) => {
                let text = self.shown(value)?;
                self.events.push(Event { kind: EventKind::Show(text), span: value.span });
                Ok(())
            }
            StepKind::ShowAudit(record) => self.history(record),
            StepKind::Fake(fake) => {
                let code = compile::fake(self.pipeline.schema(), fake);
                self.pipeline.fake(fake.name(), code);
                Ok(())
            }
            StepKind::RunJobs => self.run_jobs(step.span),
            expectation => self.expectation(expectation, step.span),
        }
    }

    fn statement(&mut self, statement: &StmtKind, span: Span) -> Result<(), Failure> {
        match statement {
            StmtKind::Let { local, value } => {
                let value = self.known(value)?;
                self.assign(*local, value);
                Ok(())
            }
            StmtKind::Create { entity, values, into } => {
                self.settle()?;
                let operation = self.row(values).map(|values| Operation::Create { entity: *entity, values });
                let record = self.operate("Create", Some(*entity), operation, span);
                if let Some(local) = into {
                    self.assign(*local, record.map_or(Value::Empty, Value::Reference));
                }
                Ok(())
            }
            StmtKind::Update { record, values } => {
                self.on_record("Update", record, span, |run, record| Ok(Operation::Update { record, values: run.row(values)? }))
            }
            StmtKind::Delete { record } => self.on_record("Delete", record, span, |_, record| Ok(Operation::Delete { record })),
            StmtKind::Start { flow, arguments, record } => {
                self.begin("Start", record, arguments, span, |record, inputs| Operation::Start { flow: flow.clone(), record, inputs })
            }
            StmtKind::Perform { action, arguments, record, into } => self.perform(action, arguments, record.as_ref(), *into, span),
            _ => Err(failure(span, "this can't be run in a test")),
        }
    }

    /// Runs a flow on a record, with values for some of its inputs.
    fn begin(
        &mut self,
        message: &'static str,
        record: &ir::Record,
        arguments: &[(u16, ir::Expr)],
        span: Span,
        make: impl FnOnce(Reference, Vec<Value>) -> Operation,
    ) -> Result<(), Failure> {
        self.on_record(message, record, span, |run, record| {
            let inputs = run.inputs(arguments)?;
            Ok(make(record, inputs))
        })
    }

    /// Values by position of their inputs.
    fn inputs(&mut self, arguments: &[(u16, ir::Expr)]) -> Result<Vec<Value>, Fault> {
        let mut inputs = Vec::new();
        for (position, value) in arguments {
            let value = self.value(value)?;
            let position = usize::from(*position);
            inputs.resize(inputs.len().max(position + 1), Value::Empty);
            if let Some(place) = inputs.get_mut(position) {
                *place = value;
            }
        }
        Ok(inputs)
    }

    /// Does something with a record, unless that is empty and skips the operation.
    fn on_record(
        &mut self,
        message: &'static str,
        record: &ir::Record,
        span: Span,
        make: impl FnOnce(&mut Self, Reference) -> Result<Operation, Fault>,
    ) -> Result<(), Failure> {
        self.settle()?;
        let operation = match self.value(&record.reference) {
            Ok(Value::Reference(reference)) => make(self, reference),
            Ok(_) if record.skip_if_empty => return Ok(()),
            Ok(_) => Err(missing(record.reference.span, "there is no record here".to_owned())),
            Err(fault) => Err(fault),
        };
        self.operate(message, Some(record.entity), operation, span);
        Ok(())
    }

    /// Runs an operation as the acting user; gives its record where it was committed. One whose values can't be computed
    /// has failed.
    fn operate(
        &mut self,
        message: &'static str,
        entity: Option<EntityId>,
        operation: Result<Operation, Fault>,
        span: Span,
    ) -> Option<Reference> {
        let outcome = match operation {
            Ok(operation) => self.pipeline.execute(operation, self.acting_as()),
            Err(fault) => Outcome::failed(fault),
        };
        if self.scenario.test {
            self.forget_the_last();
            records::touched(&outcome, &mut self.touched);
        }
        let committed = outcome.ending == Ending::Committed;
        let record = outcome.record.filter(|_| committed);
        let user = self.acting.as_ref().map(|(name, _)| name.clone());
        self.last = Some(self.events.len());
        self.unexpected = self.last.filter(|_| !committed);
        self.events.push(Event { kind: EventKind::Operation { message, entity, user, outcome: Box::new(outcome), expected: false }, span });
        record
    }

    /// A test tells what happened in its last operation, so of those before it no entries are kept.
    fn forget_the_last(&mut self) {
        if let Some(Event { kind: EventKind::Operation { outcome, .. }, .. }) = self.last.and_then(|last| self.events.get_mut(last)) {
            outcome.trace = Vec::new();
        }
    }

    /// What stands behind an operation is about to run, or nothing more: in a test, the operation has to have been expected.
    fn settle(&mut self) -> Result<(), Failure> {
        let Some(event) = self.unexpected.take().filter(|_| self.scenario.test).and_then(|index| self.events.get(index)) else {
            return Ok(());
        };
        let EventKind::Operation { outcome, .. } = &event.kind else { return Ok(()) };
        Err(match &outcome.ending {
            Ending::Committed => return Ok(()),
            Ending::Stopped { flow, reason } => failure(event.span, format!("`{flow}` stopped this")).note(format!("reason: `{reason}`")),
            Ending::Fault(fault) => advised(faulted(event.span, fault), fault),
        })
    }

    fn user(&mut self, name: &SmolStr, roles: &[SmolStr], business_unit: Option<&SmolStr>, teams: &[SmolStr]) -> Result<(), Fault> {
        let user = self.pipeline.user(name)?;
        if let Some(unit) = business_unit {
            let unit = self.pipeline.business_unit(unit)?;
            self.pipeline.move_user(user, unit)?;
        }
        for team in teams {
            let team = self.pipeline.team(team)?;
            self.pipeline.join(user, team)?;
        }
        roles.iter().try_for_each(|role| self.pipeline.grant(user, role))?;
        self.users.insert(name.clone(), user);
        Ok(())
    }

    /// The steps in one transaction, which lasts from its first statement to its last: an operation that was stopped or
    /// failed is undone alone, and the others are kept.
    fn in_transaction(&mut self, steps: &[Step], span: Span) -> Result<(), Failure> {
        let broken = |error: StoreError| failure(span, format!("{}: {error}", Code::F11.name()));
        if self.pipeline.is_open() {
            // At a prompt everything is part of a transaction already, and this means nothing else.
            return self.steps(steps);
        }
        self.pipeline.begin().map_err(broken)?;
        match self.steps(steps) {
            Ok(()) => self.pipeline.commit().map_err(broken),
            Err(failure) => {
                // The run ends here, and what failed is to be told: whether the rest can be undone changes nothing.
                let _ = self.pipeline.rollback();
                Err(failure)
            }
        }
    }

    fn acting(&mut self, user: &SmolStr, steps: &[Step], span: Span) -> Result<(), Failure> {
        let Some(reference) = self.users.get(user).copied() else {
            return Err(failure(span, format!("there is no user `{user}`")));
        };
        let before = self.acting.replace((user.clone(), reference));
        let result = self.steps(steps);
        self.acting = before;
        result
    }

    fn acting_as(&self) -> Option<Reference> {
        self.acting.as_ref().map(|(_, user)| *user)
    }

    fn history(&mut self, record: &ir::Record) -> Result<(), Failure> {
        let span = record.reference.span;
        let lines = match self.known(&record.reference)? {
            Value::Reference(reference) => self.pipeline.history(reference, self.acting_as()).map_err(|fault| faulted(span, &fault))?,
            _ => Vec::new(),
        };
        self.events.push(Event { kind: EventKind::History(lines), span });
        Ok(())
    }

    fn assign(&mut self, local: ir::LocalId, value: Value) {
        if let Some(place) = self.locals.get_mut(local.0 as usize) {
            *place = value;
        }
    }

    fn row(&mut self, writes: &[ir::Write]) -> Result<Row, Fault> {
        let mut row = Row::default();
        for write in writes {
            row.set(write.slot, self.value(&write.value)?);
        }
        Ok(row)
    }

    pub(super) fn value(&mut self, expr: &ir::Expr) -> Result<Value, Fault> {
        if let Some(name) = self.never_created(expr) {
            return Err(missing(expr.span, format!("`{name}` was never created")));
        }
        let code = compile::expression(expr, &self.scenario.locals);
        let acting = self.acting_as();
        self.pipeline.evaluate(&code, &self.locals, acting)
    }

    /// The name of the record that an expression is, or reads a field of, where its create was stopped or failed.
    fn never_created(&self, expr: &ir::Expr) -> Option<&SmolStr> {
        let mut expr = expr;
        while let ExprKind::Related { record: inner, .. } | ExprKind::Require(inner) | ExprKind::Convert(inner) = &expr.kind {
            expr = inner;
        }
        let ExprKind::Local(local) = expr.kind else { return None };
        let index = local.0 as usize;
        let named = self.scenario.locals.get(index).filter(|local| !local.optional)?;
        self.locals.get(index).is_some_and(Value::is_empty).then_some(&named.name)
    }

    /// A value without which the run can't go on.
    fn known(&mut self, expr: &ir::Expr) -> Result<Value, Failure> {
        self.value(expr).map_err(|fault| faulted(expr.span, &fault))
    }

    /// A value as people read it.
    fn shown(&mut self, expr: &ir::Expr) -> Result<String, Failure> {
        let value = self.known(expr)?;
        self.in_words(&value, expr)
    }

    fn in_words(&mut self, value: &Value, expr: &ir::Expr) -> Result<String, Failure> {
        match value {
            Value::Empty => Ok("empty".to_owned()),
            value => self.pipeline.text(value, &expr.ty, self.acting_as()).map(String::from).map_err(|fault| faulted(expr.span, &fault)),
        }
    }
}

/// A value as a part of a name: on one line, and no longer than 40 characters.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

fn failure(span: Span, message: impl Into<String>) -> Failure {
    Failure { span, message: message.into(), notes: Vec::new(), fault: None, condition: None, records: Vec::new() }
}

fn faulted(span: Span, fault: &Fault) -> Failure {
    let mut failure = failure(span, format!("{}: {}", fault.code.name(), fault.message));
    failure.fault = Some(Box::new(fault.clone()));
    if fault.chain.is_empty() { failure } else { failure.note(format!("in {}", fault.chain.join(" → "))) }
}

/// A test need not be allowed to call code outside: it has something that runs in its place.
fn advised(failure: Failure, fault: &Fault) -> Failure {
    match fault.chain.last() {
        Some(name) if fault.code == Code::F20 => failure.note(format!("`fake {name} {{ … }}` in the test runs in its place")),
        _ => failure,
    }
}

fn missing(span: Span, message: String) -> Fault {
    Fault { code: Code::F06, message, span: Some(span), chain: Vec::new() }
}

impl Failure {
    fn note(mut self, note: String) -> Self {
        self.notes.push(note);
        self
    }
}
