//! Jobs that run one after the other: those of one dependency token, in the order of their ids. The first of them that hasn't ended holds
//! up the others, whatever it does: one that waits or was put off as well. A job behind another is ready and never due, so that whoever
//! looks for work doesn't meet it; what ends lets the next one become due.
//!
//! Invariant: ids of one token ascend in the order of queueing, whatever the clock does. So a job that has begun is always the first.

use smol_str::{SmolStr, format_smolstr};

use super::Job;
use super::recall::{Recall, kept};
use crate::bytecode::{FlowCode, Serial};
use crate::pipeline::engine::Engine;
use crate::pipeline::fault;
use crate::schema::jobs::{State, columns};
use crate::schema::select::{Order, Selection};
use crate::schema::{FieldSet, PRIMARY_KEY, Row, system};
use crate::store::StoreError;
use crate::value::{Reference, Uuid, Value};
use crate::vm::Interrupt;

/// How long a token is at most; what is longer is known by its hash.
const LONGEST: usize = 400;

impl Engine {
    /// The token of a job of a flow on a record; none where it is by itself.
    pub(in crate::pipeline) fn token_of(
        &mut self,
        flow: &FlowCode,
        record: Reference,
        recall: &Recall,
    ) -> Result<Option<SmolStr>, Interrupt> {
        let name = &flow.head.name;
        let Some(Serial::Field(slot)) = flow.head.serial else {
            return Ok(flow.head.serial.map(|_| shortened(format_smolstr!("{name} on {}", record.id))));
        };
        let rows = self.store.read(record.entity, &[record.id], &[slot].into_iter().collect());
        let row = rows.map_err(|error| self.store_fault(error))?.into_iter().next().flatten();
        // Of a record that is gone, the job remembers what it was.
        let value = row.as_ref().unwrap_or(&recall.before).get(slot).filter(|value| !value.is_empty());
        let field = self.schema.field(record.entity, slot).map_or("", |field| field.name.as_str());
        let entity = fault::name(&self.schema, record.entity);
        Ok(value.map(|value| shortened(format_smolstr!("{name} by {entity}.{field} {}", kept(value, &self.schema)))))
    }

    /// The id of a new job behind the others of its token, and whether there are any that haven't ended.
    pub(super) fn behind(&mut self, token: &SmolStr, id: Uuid) -> Result<(Uuid, bool), StoreError> {
        let last = self.at_the_end(token, true)?.map(|(last, _)| last);
        // A clock that jumped back puts no job before those that are there.
        let id = last.filter(|last| id <= *last).map_or(id, |last| Uuid::from_u128(last.as_u128().wrapping_add(1)));
        Ok((id, last.is_some()))
    }

    /// Whether another job of its token is before it and hasn't ended.
    pub(super) fn is_behind(&mut self, job: &Job) -> Result<bool, StoreError> {
        let Some(token) = &job.token else { return Ok(false) };
        Ok(self.at_the_end(token, false)?.is_some_and(|(first, _)| first != job.id))
    }

    /// Lets the job behind one that has ended become due.
    pub(super) fn let_next_of(&mut self, ended: &Job) -> Result<(), StoreError> {
        ended.token.as_ref().map_or(Ok(()), |token| self.let_next(token))
    }

    /// Lets the first job of a token become due, if it only was behind another.
    pub(super) fn let_next(&mut self, token: &SmolStr) -> Result<(), StoreError> {
        let entity = self.jobs_entity()?;
        let Some((first, row)) = self.at_the_end(token, false)? else { return Ok(()) };
        let value = |name: &str| self.schema.entity(entity).and_then(|entity| entity.slot(name)).and_then(|slot| row.get(slot));
        if value(system::STATE) != Some(&Value::Choice(State::Ready as i32)) || value(columns::DUE).is_some_and(|due| !due.is_empty()) {
            return Ok(());
        }
        self.change_row(entity, first, &[(columns::DUE, Value::DateTime(self.now))])
    }

    /// The first job of a token that hasn't ended, or the last, with its state and when it is due.
    fn at_the_end(&mut self, token: &SmolStr, last: bool) -> Result<Option<(Uuid, Row)>, StoreError> {
        let entity = self.jobs_entity()?;
        let slot = |name| self.column(entity, name);
        let (Some(of), Some(state), Some(due)) = (slot(columns::TOKEN), slot(system::STATE), slot(columns::DUE)) else { return Ok(None) };
        // Those that have ended have none any more.
        let mut selection = Selection::all(entity).with(of, Value::Text(token.clone())).limited(1);
        selection.order = vec![Order { slot: PRIMARY_KEY, descending: last }];
        let found = self.store.select(&selection, &[state, due].into_iter().collect::<FieldSet>())?;
        Ok(found.into_iter().next())
    }
}

fn shortened(token: SmolStr) -> SmolStr {
    if token.chars().count() <= LONGEST { token } else { crate::pipeline::definitions::hash(token.as_bytes()) }
}
