//! A second look at jobs that rest since something is not allowed, or not named, where they were taken up: an e-mail without a mail
//! server, a call that its worker may not make. Whoever starts a worker may just have mended that, and needn't wait for the ten minutes.

use jiff::Timestamp;

use super::states::{LOOK_AGAIN, Turn};
use crate::pipeline::Pipeline;
use crate::pipeline::engine::Engine;
use crate::schema::jobs::{Kind, State, columns};
use crate::schema::select::{Condition, Selection, Test};
use crate::schema::{FieldSet, system};
use crate::store::StoreError;
use crate::value::{Uuid, Value};

/// How many jobs of each kind are looked at again at once; the others when their ten minutes are over.
const MOST: u64 = 1_000;

impl Pipeline {
    /// Lets such jobs be taken up at once. Gives how many they are.
    pub(crate) fn look_again(&mut self) -> Result<usize, StoreError> {
        if self.look(Engine::resting)?.is_empty() {
            return Ok(0);
        }
        self.transaction(|engine| {
            let resting = engine.resting()?;
            for id in &resting {
                // One that can't be read is for whoever takes it up.
                let Ok(Some(mut job)) = engine.job(*id) else { continue };
                let position = job.position.clone();
                engine.turn(&mut job, Turn::Wake);
                engine.write_job(&job, position.as_ref())?;
            }
            Ok(resting.len())
        })
    }
}

impl Engine {
    /// The jobs that rest and were never tried again, of those kinds that have nothing else to wait for.
    fn resting(&mut self) -> Result<Vec<Uuid>, StoreError> {
        let entity = self.jobs_entity()?;
        let slot = |name: &str| self.schema.entity(entity).and_then(|entity| entity.slot(name));
        let columns = [system::STATE, columns::KIND, columns::RETRIES, columns::DUE, columns::POSTPONED].map(slot);
        let [Some(state), Some(kind), Some(retries), Some(due), Some(postponed)] = columns else { return Ok(Vec::new()) };
        let until = self.now.checked_add(LOOK_AGAIN).unwrap_or(Timestamp::MAX);
        let mut found = Vec::new();
        for one in [Kind::Plugin, Kind::Mail, Kind::Callback] {
            let resting = Selection::all(entity).with(state, Value::Choice(State::Suspended as i32));
            let mut resting = resting.with(kind, Value::Choice(one as i32)).with(retries, Value::Integer(0)).limited(MOST);
            resting.conditions.push(Condition { slot: due, test: Test::AtMost, value: Value::DateTime(until) });
            resting.conditions.push(Condition { slot: postponed, test: Test::Equal, value: Value::Empty });
            found.extend(self.store.select(&resting, &FieldSet::default())?.into_iter().map(|(id, _)| id));
        }
        Ok(found)
    }
}
