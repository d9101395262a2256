//! What a longer transaction offers to somebody who sits before it: marks to go back to, and other definitions in the middle of it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::layout::layouts;
use super::plan::Plans;
use super::rights::Rights;
use super::{Longer, Pipeline, Settings, USERS};
use crate::bytecode::Program;
use crate::schema::Schema;
use crate::source::Sources;
use crate::store::StoreError;
use crate::value::{EntityId, Reference};
use crate::vm::Fault;

impl Pipeline {
    /// What the time is for the next operation.
    pub fn now(&mut self) -> Timestamp {
        self.engine.time()
    }

    /// How many records of an entity there are, as the transaction sees it.
    pub fn count(&mut self, entity: EntityId) -> Result<u64, Fault> {
        self.reading(|engine| engine.store.count(entity).map_err(|error| engine.store_fault(error)))
    }

    /// How far the time of operations is ahead of the clock.
    pub fn ahead(&self) -> SignedDuration {
        self.engine.ahead
    }

    /// Says how far the time of operations is ahead of the clock, or behind it.
    pub fn set_ahead(&mut self, ahead: SignedDuration) {
        self.engine.ahead = ahead;
    }

    /// Whether a longer transaction is open.
    pub fn is_open(&self) -> bool {
        self.longer != Longer::None
    }

    /// Marks a place in the longer transaction, to which [`Pipeline::back`] returns. Marks nest.
    pub fn mark(&mut self) -> Result<(), StoreError> {
        self.engine.store.savepoint()
    }

    /// Undoes what came after the innermost mark, and forgets that.
    pub fn back(&mut self) -> Result<(), StoreError> {
        self.engine.epoch += 1;
        self.engine.store.rollback_to_savepoint()
    }

    /// Forgets the innermost mark, and keeps what came after it.
    pub fn forget_mark(&mut self) -> Result<(), StoreError> {
        self.engine.store.release()
    }

    /// Whether the store failed in the longer transaction, which can then only be rolled back.
    pub fn is_broken(&self) -> bool {
        self.longer == Longer::Broken
    }

    /// Goes on with another schema and other flows, over the same records. The tables are brought up to the schema, as a part of
    /// the longer transaction where one is open; where that can't be done, nothing has changed.
    pub fn redefine(&mut self, schema: Arc<Schema>, program: Arc<Program>, sources: Arc<Sources>) -> Result<(), StoreError> {
        let users = schema.entity_id(USERS).ok_or_else(|| StoreError::Unusable(format!("the schema has no entity `{USERS}`")))?;
        if *schema != *self.engine.schema {
            self.migrate(&schema)?;
        }
        let engine = &mut self.engine;
        engine.layouts = layouts(&schema).into();
        engine.plans = Plans::new(&schema, &program, &engine.settings.deployed.awaited);
        engine.rights = Rights::new(&schema);
        engine.administrator = Reference { entity: users, ..engine.administrator };
        engine.plugins.clear();
        engine.epoch += 1;
        engine.settings.sources = sources;
        engine.schema = schema;
        engine.program = Arc::clone(&program);
        program.plugins.iter().for_each(|plugin| self.take_in(plugin.into()));
        Ok(())
    }

    /// Goes on with the zone, the address and the limits of these settings. Clock, ids and all else stay as they are.
    pub fn reconfigure(&mut self, settings: Settings) {
        let own = &mut self.engine.settings;
        (own.zone, own.url, own.limits) = (settings.zone, settings.url, settings.limits);
        (own.max_depth, own.max_runs, own.max_time) = (settings.max_depth, settings.max_runs, settings.max_time);
        (own.max_memory, own.max_instructions, own.max_loop_records) =
            (settings.max_memory, settings.max_instructions, settings.max_loop_records);
    }

    /// Brings the tables up to the schema once more, after the transaction was undone that had done it.
    pub fn migrate_again(&mut self) -> Result<(), StoreError> {
        let schema = Arc::clone(&self.engine.schema);
        self.engine.store.migrate(&schema)
    }

    fn migrate(&mut self, schema: &Schema) -> Result<(), StoreError> {
        let marked = self.longer == Longer::Open;
        if marked {
            self.engine.store.savepoint()?;
        }
        let Err(error) = self.engine.store.migrate(schema) else {
            return if marked { self.engine.store.release() } else { Ok(()) };
        };
        if marked {
            self.engine.store.rollback_to_savepoint()?;
        }
        self.migrate_again()?;
        Err(error)
    }
}
