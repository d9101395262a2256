//! The step log of a job: a row for each step that wrote, waits or failed, in the transaction that keeps what came of it; of a step that was
//! undone, in the one that notes so. Of a job the last [`KEPT`] are kept, so that a loop without end in sight fills no store.

use jiff::Timestamp;
use smol_str::SmolStr;

use super::Job;
use crate::pipeline::Pipeline;
use crate::pipeline::engine::Engine;
use crate::schema::jobs::{LOG, Outcome, Status, columns};
use crate::schema::select::{Order, Selection};
use crate::schema::{Row, Schema};
use crate::source::Span;
use crate::store::StoreError;
use crate::value::{EntityId, Reference, Slot, Uuid, Value};
use crate::vm::Fault;

/// How many steps of a job stay in its log: the last ones.
const KEPT: u32 = 1_000;

/// A step of a job, as its log tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedStep {
    /// Which of its job it is, from 1.
    pub number: u32,
    /// The titles of the groups of statements (`step "…"`) that it is in, outermost first, with ` / ` between them.
    pub step: Option<SmolStr>,
    /// What its statement does, such as `create note`; nothing where it came to none.
    pub activity: Option<SmolStr>,
    /// `file:line:column` of its statement; nothing where its text isn't here.
    pub location: Option<SmolStr>,
    /// What came of it.
    pub outcome: Outcome,
    /// When it began.
    pub started: Timestamp,
    /// When it was over.
    pub completed: Timestamp,
    /// Until when the job waits there at most, or when a step that failed is tried again.
    pub due: Option<Timestamp>,
    /// Why it failed, or what it was stopped for.
    pub message: Option<SmolStr>,
}

/// What a step is, for its log.
#[derive(Debug)]
pub(super) struct Step {
    pub begun: Timestamp,
    pub titles: Vec<SmolStr>,
    pub activity: Option<SmolStr>,
    pub place: Option<Span>,
}

impl Step {
    pub fn begun(begun: Timestamp) -> Self {
        Step { begun, titles: Vec::new(), activity: None, place: None }
    }
}

impl Pipeline {
    /// The steps of a job in their order: the last thousand.
    pub fn job_log(&mut self, job: Uuid) -> Result<Vec<LoggedStep>, Fault> {
        self.reading(|engine| engine.logged(job).map_err(|error| engine.store_fault(error)))
    }
}

impl Engine {
    /// Logs a step that is over, with what came of it: what the job is by now, and the message where the step failed.
    pub(super) fn log_step(&mut self, job: &mut Job, step: &Step, failure: Option<&SmolStr>) -> Result<(), StoreError> {
        let entity = self.log_entity()?;
        let own = Reference { entity, id: (self.settings.ids)() };
        let owner = Value::Reference(Reference { entity: self.jobs_entity()?, id: job.id });
        let text = |text: &str, longest: usize| Value::Text(text.chars().take(longest).collect());
        let or_empty = |value: Option<Value>| value.unwrap_or_default();
        let outcome = match (job.status, failure) {
            (Status::Canceled, Some(_)) => Outcome::Canceled,
            (_, Some(_)) => Outcome::Failed,
            (Status::Waiting, None) => Outcome::Waiting,
            (_, None) => Outcome::Succeeded,
        };
        let due = job.due.filter(|_| job.status == Status::Waiting);
        let over = self.time();
        job.steps = job.steps.saturating_add(1);
        self.put_row(
            own,
            &[
                (columns::JOB, owner.clone()),
                (columns::NUMBER, Value::Integer(job.steps.into())),
                (columns::STEP, if step.titles.is_empty() { Value::Empty } else { text(&step.titles.join(" / "), 400) }),
                (columns::ACTIVITY, or_empty(step.activity.as_ref().map(|activity| text(activity, 400)))),
                (
                    columns::LOCATION,
                    or_empty(step.place.and_then(|place| self.settings.sources.place(place)).map(|place| text(&place, 400))),
                ),
                (columns::RESULT, Value::Choice(outcome as i32)),
                (columns::STARTED, Value::DateTime(step.begun)),
                // A clock that jumps back makes no step end before it began.
                (columns::COMPLETED, Value::DateTime(Timestamp::from_microsecond(over.as_microsecond()).unwrap_or(over).max(step.begun))),
                (columns::DUE, due.map_or(Value::Empty, Value::DateTime)),
                (columns::MESSAGE, or_empty(failure.map(|message| text(message, 4_000)))),
            ],
            job.caller,
        )?;
        let Some(number) = job.steps.checked_sub(KEPT).filter(|number| *number > 0) else { return Ok(()) };
        let oldest = self.row_of(entity, &[(columns::JOB, owner), (columns::NUMBER, Value::Integer(number.into()))]);
        let oldest = self.store.find(entity, &oldest, 1)?;
        if oldest.is_empty() { Ok(()) } else { self.store.delete(entity, &oldest) }
    }

    fn logged(&mut self, job: Uuid) -> Result<Vec<LoggedStep>, StoreError> {
        let entity = self.log_entity()?;
        let owner = Value::Reference(Reference { entity: self.jobs_entity()?, id: job });
        let slot = |name| self.column(entity, name);
        let (Some(of), Some(number)): (Option<Slot>, Option<Slot>) = (slot(columns::JOB), slot(columns::NUMBER)) else {
            return Ok(Vec::new());
        };
        let mut selection = Selection::all(entity).with(of, owner).limited(KEPT.into());
        selection.order = vec![Order { slot: number, descending: false }];
        let fields = self.layouts.get(usize::from(entity.0)).map(|layout| layout.all.clone()).unwrap_or_default();
        let rows = self.store.select(&selection, &fields)?;
        let damaged = || StoreError::Unusable(format!("what the database holds of the steps of the job {job} is damaged"));
        rows.iter().map(|(_, row)| read(row, entity, &self.schema).ok_or_else(damaged)).collect()
    }

    pub(super) fn log_entity(&self) -> Result<EntityId, StoreError> {
        self.schema.entity_id(LOG).ok_or_else(|| StoreError::Unusable(format!("the schema has no entity `{LOG}`")))
    }
}

fn read(row: &Row, entity: EntityId, schema: &Schema) -> Option<LoggedStep> {
    let declared = schema.entity(entity)?;
    let value = |name: &str| declared.slot(name).and_then(|slot| row.get(slot)).cloned().unwrap_or_default();
    let text = |name: &str| if let Value::Text(text) = value(name) { Some(text) } else { None };
    let moment = |name: &str| if let Value::DateTime(moment) = value(name) { Some(moment) } else { None };
    Some(LoggedStep {
        number: if let Value::Integer(number) = value(columns::NUMBER) { u32::try_from(number).ok()? } else { return None },
        step: text(columns::STEP),
        activity: text(columns::ACTIVITY),
        location: text(columns::LOCATION),
        outcome: if let Value::Choice(code) = value(columns::RESULT) { Outcome::of(code)? } else { return None },
        started: moment(columns::STARTED)?,
        completed: moment(columns::COMPLETED)?,
        due: moment(columns::DUE),
        message: text(columns::MESSAGE),
    })
}
