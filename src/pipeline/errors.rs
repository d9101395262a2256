//! Errors that are kept: those of flows that say `log errors`. They are written after what failed was undone, on purpose,
//! so that they outlast it: inside a longer transaction as part of that, else in a transaction of their own. No flow runs on them.

use smol_str::SmolStr;

use crate::diagnostic::Code;
use crate::schema::Row;
use crate::store::StoreError;
use crate::value::{Reference, Value};
use crate::vm::Interrupt;

use super::engine::{Engine, Savepoint};
use super::operation::Message;
use super::target::Scene;
use super::{Longer, Pipeline, fault};

/// The built-in entity of errors that are kept.
const ENTITY: &str = "flowerror";

/// The error of a flow.
#[derive(Debug)]
pub(super) struct Kept {
    flow: SmolStr,
    record: Reference,
    /// None where a flow stopped the operation.
    code: Option<Code>,
    reason: SmolStr,
}

impl Kept {
    /// What a flow that ran on a record ended in.
    pub fn of(flow: &SmolStr, record: Reference, interrupt: &Interrupt) -> Self {
        let (code, reason) = match interrupt {
            Interrupt::Stop { reason, .. } => (None, reason.clone()),
            Interrupt::Fault(fault) => (Some(fault.code), SmolStr::from(&fault.message)),
        };
        Kept { flow: flow.clone(), record, code, reason }
    }
}

impl Pipeline {
    /// Writes the errors of an operation that was undone. Where the store can't take them, nothing but the trace says so:
    /// what the operation itself ended in matters more.
    pub(super) fn keep_errors(&mut self) {
        let errors = std::mem::take(&mut self.engine.errors);
        // What failed may be the store itself, or the errors hang on a longer transaction that can only be rolled back.
        let written = match self.longer {
            Longer::Broken => return,
            Longer::Open => self.engine.write_errors(&errors),
            Longer::None => self.engine.store.begin().and_then(|()| {
                let written = self.engine.write_errors(&errors);
                match written {
                    Ok(()) => self.engine.commit(),
                    Err(_) => self.engine.store.rollback().and(written),
                }
            }),
        };
        if let Err(error) = written {
            self.engine.trace.line(|| format!("the errors could not be kept: {error}"));
        }
    }
}

impl Engine {
    fn write_errors(&mut self, errors: &[Kept]) -> Result<(), StoreError> {
        let Some(entity) = self.schema.entity_id(ENTITY) else { return Ok(()) };
        let mut rows = Vec::with_capacity(errors.len());
        for error in errors {
            let id = (self.settings.ids)();
            rows.push(self.error_row(Reference { entity, id }, error)?);
        }
        self.savepoint = Savepoint::None;
        self.epoch += 1;
        self.store.insert(entity, &rows)
    }

    fn error_row(&mut self, own: Reference, error: &Kept) -> Result<Row, StoreError> {
        let text = |text: &str, longest: usize| Value::Text(text.chars().take(longest).collect());
        let mut row = self.row_of(
            own.entity,
            &[
                ("flow", text(&error.flow, 400)),
                ("code", error.code.map_or(Value::Empty, |code| Value::Text(code.name().into()))),
                ("reason", text(&error.reason, 4_000)),
                ("recordentity", text(fault::name(&self.schema, error.record.entity), 200)),
                ("recordid", Value::Uuid(error.record.id)),
            ],
        );
        row.set(crate::schema::PRIMARY_KEY, Value::Uuid(own.id));
        let mut scene = Scene::new(Message::Create, own, row, 1, self.caller);
        self.complete_built_in(&mut scene)?;
        Ok(scene.target)
    }
}
