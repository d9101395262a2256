//! Looking without writing: in the longer transaction where one is open, else in one for the purpose, which waits for no writer and
//! holds up nobody.

use super::engine::{Engine, Savepoint};
use super::{Longer, Pipeline, into_fault};
use crate::store::StoreError;
use crate::vm::{Fault, Interrupt};

impl Pipeline {
    /// Reads in a transaction: the longer one, or one for the purpose.
    pub(super) fn reading<T>(&mut self, read: impl FnOnce(&mut Engine) -> Result<T, Interrupt>) -> Result<T, Fault> {
        let engine = &mut self.engine;
        if self.longer != Longer::None {
            return read(engine).map_err(into_fault);
        }
        engine.store.begin_reading().map_err(|error| into_fault(engine.store_fault(error)))?;
        let result = read(engine);
        let ended = engine.store.rollback().map_err(|error| engine.store_fault(error));
        result.and_then(|value| ended.map(|()| value)).map_err(into_fault)
    }

    /// Reads at the time of now, outside any longer transaction, as the platform itself.
    pub(super) fn look<T>(&mut self, read: impl FnOnce(&mut Engine) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let engine = &mut self.engine;
        if self.longer != Longer::None {
            return Err(StoreError::Failed("a transaction is open already".to_owned()));
        }
        engine.start_anew(engine.administrator, Savepoint::None);
        engine.store.begin_reading()?;
        let found = read(engine);
        let ended = engine.store.rollback();
        found.and_then(|found| ended.map(|()| found))
    }
}
