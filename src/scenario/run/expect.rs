//! What an `expect` asks for, held against values and against what became of the last operation.
//!
//! Where it is false, the failure tells what stood there instead.

use smol_str::SmolStr;

use crate::check::ir::{self, ExprKind, StepKind};
use crate::diagnostic::Code;
use crate::pipeline::{Ending, Outcome};
use crate::source::Span;
use crate::value::Value;

use super::{Event, EventKind, Failure, Run, failure, faulted, missing};

impl Run<'_> {
    /// An `expect`. Where it is false, the failure tells of the records that it is about.
    pub(super) fn expectation(&mut self, kind: &StepKind, span: Span) -> Result<(), Failure> {
        let result = match kind {
            StepKind::Expect(condition) => return self.expect(condition),
            StepKind::ExpectStopped(reason) => self.expect_stopped(reason.as_ref(), span),
            StepKind::ExpectFault(code) => self.expect_fault(*code, span),
            StepKind::ExpectRan(flows) => self.expect_ran(flows, span),
            StepKind::ExpectNotRan(flows) => self.expect_not_ran(flows, span),
            StepKind::ExpectJob { name, status, message } => self.expect_job(name, *status, message.as_ref(), span),
            _ => Ok(()),
        };
        result.map_err(|failure| self.with_records(failure, Vec::new()))
    }

    fn expect(&mut self, condition: &ir::Expr) -> Result<(), Failure> {
        let failure = match self.value(condition) {
            Ok(Value::Boolean(true)) => return Ok(()),
            Ok(_) => failure(self.false_part(condition)?.span, "this is false"),
            Err(fault) => {
                let record = operands(condition).into_iter().find_map(|part| self.never_created(part));
                let fault = record.map_or(fault, |name| missing(condition.span, format!("`{name}` was never created")));
                faulted(condition.span, &fault)
            }
        };
        Err(self.explained(failure, condition))
    }

    /// Of conditions that are joined by `and`, the first that is false.
    fn false_part<'e>(&mut self, mut condition: &'e ir::Expr) -> Result<&'e ir::Expr, Failure> {
        while let ExprKind::And(left, right) = &condition.kind {
            condition = if self.known(left)? == Value::Boolean(true) { right } else { left };
        }
        Ok(condition)
    }

    fn expect_stopped(&mut self, reason: Option<&ir::Expr>, span: Span) -> Result<(), Failure> {
        let expected = match reason {
            Some(reason) => Some(self.known(reason)?),
            None => None,
        };
        let outcome = self.outcome(span)?;
        let Ending::Stopped { flow, reason } = &outcome.ending else {
            return Err(self.not_expected(span, "a stop"));
        };
        match expected {
            Some(Value::Text(expected)) if expected != *reason => Err(failure(span, format!("`{flow}` stopped it with another reason"))
                .note(format!("expected: `{expected}`"))
                .note(format!("reason:   `{reason}`"))),
            _ => self.expected(),
        }
    }

    fn expect_fault(&mut self, expected: Option<Code>, span: Span) -> Result<(), Failure> {
        let outcome = self.outcome(span)?;
        match &outcome.ending {
            Ending::Fault(fault) if expected.is_none_or(|code| code == fault.code) => self.expected(),
            Ending::Fault(_) => Err(self.not_expected(span, expected.map_or("a fault", Code::name))),
            _ => Err(self.not_expected(span, "a fault")),
        }
    }

    fn expect_ran(&mut self, flows: &[SmolStr], span: Span) -> Result<(), Failure> {
        let outcome = self.outcome(span)?;
        if outcome.ran == flows {
            return self.expected();
        }
        Err(failure(span, "other flows ran")
            .note(format!("expected: {}", listed(flows)))
            .note(format!("ran:      {}", listed(&outcome.ran))))
    }

    fn expect_not_ran(&mut self, flows: &[SmolStr], span: Span) -> Result<(), Failure> {
        let outcome = self.outcome(span)?;
        match flows.iter().find(|flow| outcome.ran.contains(flow)) {
            Some(flow) => Err(failure(span, format!("`{flow}` ran")).note(format!("ran: {}", listed(&outcome.ran)))),
            None => self.expected(),
        }
    }

    /// What became of the last operation, which an `expect` is about.
    fn outcome(&mut self, span: Span) -> Result<&Outcome, Failure> {
        self.unexpected = None;
        match self.last.and_then(|index| self.events.get(index)) {
            Some(Event { kind: EventKind::Operation { outcome, .. }, .. }) => Ok(outcome),
            _ => Err(failure(span, "no operation has run before this")),
        }
    }

    /// An `expect` about the last operation held.
    fn expected(&mut self) -> Result<(), Failure> {
        if let Some(Event { kind: EventKind::Operation { expected, .. }, .. }) = self.last.and_then(|index| self.events.get_mut(index)) {
            *expected = true;
        }
        Ok(())
    }

    /// An `expect` about how the last operation ended was false.
    fn not_expected(&mut self, span: Span, what: &str) -> Failure {
        let failure = failure(span, format!("expected {what}"));
        match self.outcome(span).map(|outcome| &outcome.ending) {
            Ok(Ending::Committed) => failure.note("the operation was committed".to_owned()),
            Ok(Ending::Stopped { flow, reason }) => failure.note(format!("`{flow}` stopped it: `{reason}`")),
            Ok(Ending::Fault(fault)) => failure.note(format!("it failed with {}: {}", fault.code.name(), fault.message)),
            Err(none) => none,
        }
    }
}

/// What a comparison compares.
fn operands(condition: &ir::Expr) -> Vec<&ir::Expr> {
    match &condition.kind {
        ExprKind::Compare { left, right, .. } | ExprKind::Contains { left, right, .. } => vec![left, right],
        ExprKind::IsEmpty(value) | ExprKind::In { value, .. } => vec![value],
        ExprKind::Between { value, low, high } => vec![value, low, high],
        ExprKind::Not(inner) => operands(inner),
        _ => Vec::new(),
    }
}

fn listed(flows: &[SmolStr]) -> String {
    if flows.is_empty() {
        return "none".to_owned();
    }
    flows.iter().map(|flow| format!("`{flow}`")).collect::<Vec<_>>().join(", ")
}
