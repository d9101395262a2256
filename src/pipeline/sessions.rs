//! Process sessions: what is kept of flows that say `log errors`, where they fail or stop. They are written after what failed was
//! undone, on purpose, so that they outlast it: inside a longer transaction as part of that, else in a transaction of their own.
//! No flow runs on them. A run that succeeds leaves none.

use smol_str::SmolStr;

use crate::diagnostic::Code;
use crate::schema::{PRIMARY_KEY, Row, system};
use crate::source::Span;
use crate::store::StoreError;
use crate::value::{Reference, Value};
use crate::vm::Interrupt;

use super::engine::{Engine, Savepoint};
use super::fault::one_line;
use super::happening::Happening;
use super::operation::Message;
use super::target::Scene;
use super::{Longer, Pipeline, fault, into_fault};

/// The built-in entity of process sessions.
const ENTITY: &str = "processsession";

/// Its state of a run that has ended.
const ENDED: i32 = 1;

/// Its status of a run that a flow stopped.
const CANCELED: i32 = 5;

/// Its status of a run that failed.
const FAILED: i32 = 6;

/// What an outermost operation keeps of flows that fail, and where it is for them.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    kept: Vec<Session>,
    /// The titles of the steps that are running, the innermost last.
    pub steps: Vec<SmolStr>,
    /// The step and the place at which the code ended that ended last before its time.
    ended: (Option<SmolStr>, Option<Span>),
}

/// How a run of a flow ended before its time.
#[derive(Debug)]
struct Session {
    flow: SmolStr,
    step: Option<SmolStr>,
    place: Option<Span>,
    /// As whom it ran.
    user: Reference,
    record: Reference,
    /// None where a flow stopped the operation.
    code: Option<Code>,
    reason: SmolStr,
}

impl Sessions {
    /// Forgets everything: another operation begins.
    pub fn clear(&mut self) {
        self.kept.clear();
        self.steps.clear();
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Notes where code ended before its time whose own steps are those behind the first so many.
    pub fn ended_at(&mut self, outer: usize, place: Option<Span>) {
        self.ended = (self.steps.get(outer..).and_then(<[SmolStr]>::last).cloned(), place);
    }

    /// Keeps what a flow that ran on a record as a user ended in.
    pub fn keep(&mut self, flow: &SmolStr, record: Reference, user: Reference, interrupt: &Interrupt) {
        let (code, reason) = match interrupt {
            Interrupt::Stop { reason, .. } => (None, reason.clone()),
            Interrupt::Fault(fault) => (Some(fault.code), one_line(SmolStr::from(&fault.message))),
        };
        let (step, place) = std::mem::take(&mut self.ended);
        self.kept.push(Session { flow: flow.clone(), step, place, user, record, code, reason });
    }
}

impl Pipeline {
    /// Writes the sessions of an operation that was undone. Where the store can't take them, nothing but the trace says so:
    /// what the operation itself ended in matters more.
    pub(super) fn keep_sessions(&mut self) {
        let sessions = std::mem::take(&mut self.engine.sessions.kept);
        // What failed may be the store itself, or the sessions hang on a longer transaction that can only be rolled back.
        let written = match self.longer {
            Longer::Broken => return,
            Longer::Open => self.engine.write_sessions(&sessions),
            Longer::None => self.engine.store.begin().and_then(|()| {
                let written = self.engine.write_sessions(&sessions);
                match written {
                    Ok(()) => self.engine.commit(),
                    Err(_) => self.engine.store.rollback().and(written),
                }
            }),
        };
        if let Err(error) = written {
            self.engine.tell(|_| Happening::Note(format!("the errors could not be kept: {error}")));
        }
    }
}

impl Engine {
    fn write_sessions(&mut self, sessions: &[Session]) -> Result<(), StoreError> {
        let Some(entity) = self.schema.entity_id(ENTITY) else { return Ok(()) };
        let mut rows = Vec::with_capacity(sessions.len());
        for session in sessions {
            let id = (self.settings.ids)();
            rows.push(self.session_row(Reference { entity, id }, session)?);
        }
        self.savepoint = Savepoint::None;
        self.epoch += 1;
        self.store.insert(entity, &rows)
    }

    fn session_row(&mut self, own: Reference, session: &Session) -> Result<Row, StoreError> {
        let text = |text: &str, longest: usize| Value::Text(text.chars().take(longest).collect());
        let or_empty = |value: Option<Value>| value.unwrap_or_default();
        // A user whom the operation itself had made is gone with it.
        let user = self.exists(session.user).map_err(|interrupt| StoreError::Failed(into_fault(interrupt).message))?;
        let place = session.place.and_then(|place| self.settings.sources.place(place));
        let mut row = self.row_of(
            own.entity,
            &[
                ("flow", text(&session.flow, 400)),
                ("step", or_empty(session.step.as_ref().map(|step| text(&one_line(step.clone()), 400)))),
                ("location", or_empty(place.map(|place| text(&place, 400)))),
                ("userid", or_empty(user.then_some(Value::Reference(session.user)))),
                ("recordentity", text(fault::name(&self.schema, session.record.entity), 200)),
                ("recordid", Value::Uuid(session.record.id)),
                ("code", or_empty(session.code.map(|code| Value::Text(code.name().into())))),
                ("reason", text(&session.reason, 4_000)),
                (system::STATE, Value::Choice(ENDED)),
                (system::STATUS, Value::Choice(if session.code.is_some() { FAILED } else { CANCELED })),
            ],
        );
        row.set(PRIMARY_KEY, Value::Uuid(own.id));
        let mut scene = Scene::new(Message::Create, own, row, 1, self.caller);
        self.complete_built_in(&mut scene)?;
        Ok(scene.target)
    }
}
