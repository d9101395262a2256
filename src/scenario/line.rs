//! A scenario that is run statement by statement, as it is typed: what one leaves behind, the next one finds.
//!
//! As in any scenario an operation that was stopped or failed is only told of, and the statements after it go on.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::report::{Event, EventKind, Failure};
use super::run::Run;
use crate::check::ir;
use crate::pipeline::Pipeline;
use crate::source::Span;
use crate::value::{Reference, Value};
use crate::vm::Fault;

/// What the statements so far have left behind.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// The values of the `let`s, by their ids.
    pub locals: Vec<Value>,
    /// The users by name.
    pub users: FxHashMap<SmolStr, Reference>,
    /// Who acts; the system administrator where there is nobody.
    pub acting: Option<(SmolStr, Reference)>,
    /// The last operation, which an `expect` is about.
    last: Option<Event>,
}

impl Line {
    /// Runs a statement, with all the `let`s that there have been. What happened, and why it ended before its end, if it did.
    pub fn run(&mut self, step: &ir::Step, locals: &[ir::Local], pipeline: &mut Pipeline) -> (Vec<Event>, Option<Failure>) {
        let scenario = scenario(step.span, locals);
        let mut run = self.take_up(&scenario, pipeline);
        let before = run.events.len();
        let failure = run.step(step).err();
        let (last, mut events) = (run.last, std::mem::take(&mut run.events));
        self.put_down(run);
        self.last = last.and_then(|last| events.get(last).cloned());
        events.drain(..before.min(events.len()));
        (events, failure)
    }

    /// The value of an expression, as who acts sees it.
    pub fn value(&mut self, value: &ir::Expr, locals: &[ir::Local], pipeline: &mut Pipeline) -> Result<Value, Fault> {
        let scenario = scenario(value.span, locals);
        let mut run = self.take_up(&scenario, pipeline);
        let result = run.value(value);
        self.put_down(run);
        result
    }

    /// The last operation.
    pub fn last(&self) -> Option<&Event> {
        self.last.as_ref()
    }

    /// Whether the last operation was stopped or failed, and no `expect` about it has held.
    pub fn unexpected(&self) -> bool {
        matches!(&self.last, Some(Event { kind: EventKind::Operation { outcome, expected: false, .. }, .. })
            if outcome.ending != crate::pipeline::Ending::Committed)
    }

    /// Takes the end of the last operation as it is: no `expect` needs to be about it any more.
    pub fn accept(&mut self) {
        if let Some(Event { kind: EventKind::Operation { expected, .. }, .. }) = &mut self.last {
            *expected = true;
        }
    }

    /// Forgets the last operation.
    pub fn forget(&mut self) {
        self.last = None;
    }

    fn take_up<'a>(&mut self, scenario: &'a ir::Scenario, pipeline: &'a mut Pipeline) -> Run<'a> {
        let mut locals = std::mem::take(&mut self.locals);
        locals.resize(scenario.locals.len().max(locals.len()), Value::Empty);
        let events: Vec<Event> = self.last.take().into_iter().collect();
        let last = (!events.is_empty()).then_some(0);
        let (users, acting) = (std::mem::take(&mut self.users), self.acting.take());
        Run { pipeline, scenario, locals, users, acting, events, touched: BTreeSet::new(), last, unexpected: None }
    }

    fn put_down(&mut self, run: Run) {
        self.locals = run.locals;
        self.users = run.users;
        self.acting = run.acting;
        self.last = run.last.and_then(|last| run.events.get(last).cloned());
    }
}

/// A scenario of the `let`s alone.
fn scenario(span: Span, locals: &[ir::Local]) -> ir::Scenario {
    let (name, locals) = (SmolStr::default(), locals.to_vec());
    ir::Scenario { name, test: false, span, steps: Vec::new(), locals, table: None, tags: Vec::new(), skip: None }
}
