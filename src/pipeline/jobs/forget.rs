//! The end of jobs that have ended: where a project says how long they are kept, they are deleted afterwards, with their logs. As on the
//! platform that is no delete through the stages; no flow runs on them. A job that a record of somebody's own refers to stays.

use jiff::Timestamp;

use crate::pipeline::Pipeline;
use crate::pipeline::engine::Engine;
use crate::pipeline::layout::Relationship;
use crate::schema::jobs::{self, Status, columns};
use crate::schema::select::{Condition, Order, Selection, Test};
use crate::schema::{FieldSet, system};
use crate::store::StoreError;
use crate::value::{Duration, Uuid, Value, time};

/// How many jobs one transaction deletes at most.
const BATCH: u64 = 100;

/// How many records, of jobs and of what hangs on them, it deletes before it leaves the rest to the next one.
const RECORDS: usize = 1_000;

/// How long jobs are kept that have ended; for ever where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Those that succeeded or were canceled.
    pub ended: Option<Duration>,
    /// Those that failed.
    pub failed: Option<Duration>,
}

/// Deletes jobs that have been kept for long enough, a batch at a time.
#[derive(Debug, Default)]
pub struct Sweep {
    /// Up to when all was looked at that ended: first of those that failed, then of the others. Those that stay aren't looked at again.
    seen: [Option<Timestamp>; 2],
}

impl Sweep {
    /// Deletes a batch, in a transaction. Says whether there may be more.
    pub fn batch(&mut self, pipeline: &mut Pipeline, keep: &Keep) -> Result<bool, StoreError> {
        let mut more = false;
        for (seen, (length, failed)) in self.seen.iter_mut().zip([(keep.failed, true), (keep.ended, false)]) {
            let Some(length) = length else { continue };
            let (further, now_seen) = pipeline.transaction(|engine| engine.forget(length, failed, *seen))?;
            *seen = now_seen;
            more |= further;
        }
        Ok(more)
    }
}

impl Engine {
    /// Deletes a batch of those that ended after a moment; says whether there may be more, and after which moment.
    fn forget(&mut self, length: Duration, failed: bool, seen: Option<Timestamp>) -> Result<(bool, Option<Timestamp>), StoreError> {
        let entity = self.jobs_entity()?;
        let slot = |name| self.column(entity, name);
        let (Some(completed), Some(status)) = (slot(columns::COMPLETED), slot(system::STATUS)) else { return Ok((false, seen)) };
        let until = time::multiply(length, -1).and_then(|back| time::add_to_datetime(self.now, back, &self.settings.zone));
        // Nothing ended before the first year.
        let Ok(until) = until else { return Ok((false, seen)) };
        let mut selection = Selection::all(entity).limited(BATCH);
        selection.conditions = vec![
            Condition { slot: completed, test: Test::AtMost, value: Value::DateTime(until) },
            Condition {
                slot: status,
                test: if failed { Test::Equal } else { Test::NotEqual },
                value: Value::Choice(Status::Failed as i32),
            },
        ];
        let after = seen.map(|seen| Condition { slot: completed, test: Test::Greater, value: Value::DateTime(seen) });
        selection.conditions.extend(after);
        selection.order = vec![Order { slot: completed, descending: false }];
        let found = self.store.select(&selection, &[completed].into_iter().collect::<FieldSet>())?;
        let last = found.last().and_then(|(_, row)| if let Some(Value::DateTime(last)) = row.get(completed) { Some(*last) } else { None });
        let mut gone = 0;
        let mut left = false;
        for (id, _) in &found {
            left = gone >= RECORDS;
            if left {
                break;
            }
            gone += self.forget_job(*id)?;
        }
        let more = left || found.len() as u64 == BATCH;
        let seen = match (more, gone) {
            (false, _) => Some(until),
            (true, 0) => last,
            (true, _) => seen,
        };
        Ok((more, seen))
    }

    /// Deletes a job and what hangs on it; gives how many records that were, none where something else refers to it.
    fn forget_job(&mut self, job: Uuid) -> Result<usize, StoreError> {
        let entity = self.jobs_entity()?;
        let layouts = std::sync::Arc::clone(&self.layouts);
        let referring = layouts.get(usize::from(entity.0)).map(|layout| layout.referring.as_slice()).unwrap_or_default();
        let own = |entity| self.schema.entity(entity).is_some_and(|entity| jobs::are_in(&entity.name));
        let (own, others): (Vec<Relationship>, Vec<Relationship>) =
            referring.iter().copied().partition(|relationship| own(relationship.entity));
        for relationship in others {
            if !self.store.referring(relationship.entity, relationship.slot, entity, &[job])?.is_empty() {
                return Ok(0);
            }
        }
        let mut gone = 1;
        for relationship in own {
            let rows = self.store.referring(relationship.entity, relationship.slot, entity, &[job])?;
            if !rows.is_empty() {
                self.store.delete(relationship.entity, &rows)?;
                gone += rows.len();
            }
        }
        self.store.delete(entity, &[job])?;
        Ok(gone)
    }
}
