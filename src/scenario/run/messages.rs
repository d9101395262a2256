//! Operations that are more than a record and its values: an action, an upsert, several records created or updated at once.

use smol_str::SmolStr;

use crate::check::ir;
use crate::pipeline::Operation;
use crate::schema::{FieldSet, PRIMARY_KEY, Row};
use crate::source::Span;
use crate::value::{EntityId, Reference, Value};
use crate::vm::Fault;

use super::{Event, EventKind, Failure, Run, missing};

impl Run<'_> {
    /// Performs an action; what it gives goes into the `let`s of its outputs, which are empty where it gave nothing.
    pub(super) fn perform(
        &mut self,
        action: &SmolStr,
        arguments: &[(u16, ir::Expr)],
        record: Option<&ir::Record>,
        into: Option<ir::LocalId>,
        span: Span,
    ) -> Result<(), Failure> {
        let made = |run: &mut Self, record: Option<Reference>| {
            let inputs = run.inputs(arguments)?;
            Ok(Operation::Perform { action: action.clone(), record, inputs })
        };
        let before = self.last;
        match record {
            Some(record) => self.on_record("Perform", record, span, |run, reference| made(run, Some(reference)))?,
            None => {
                self.settle()?;
                let operation = made(self, None);
                self.operate("Perform", None, operation, span);
            }
        }
        let (Some(into), Some(action)) = (into, self.pipeline.program().action(action)) else { return Ok(()) };
        let count = action.head.outputs.len();
        let given = match self.last.filter(|last| Some(*last) != before).and_then(|last| self.events.get(last)) {
            Some(Event { kind: EventKind::Operation { outcome, .. }, .. }) => outcome.outputs.clone(),
            _ => Vec::new(),
        };
        let given = given.into_iter().chain(std::iter::repeat(Value::Empty)).take(count);
        (into.0..).zip(given).for_each(|(local, value)| self.assign(ir::LocalId(local), value));
        Ok(())
    }

    /// An upsert of an entity's record with a key, which is among what is written.
    pub(super) fn upsert(
        &mut self,
        (entity, key, values): (EntityId, &FieldSet, &[ir::Write]),
        into: Option<ir::LocalId>,
        span: Span,
    ) -> Result<(), Failure> {
        self.settle()?;
        let operation = self.row(values).map(|mut values| Operation::Upsert { entity, key: values.split(key), values });
        let record = self.operate("Upsert", Some(entity), operation, span);
        if let Some(local) = into {
            self.assign(local, record.map_or(Value::Empty, Value::Reference));
        }
        Ok(())
    }

    pub(super) fn create_multiple(&mut self, entity: EntityId, targets: &[Vec<ir::Write>], span: Span) -> Result<(), Failure> {
        self.settle()?;
        let targets: Result<Vec<Row>, Fault> = targets.iter().map(|values| self.row(values)).collect();
        let operation = targets.map(|targets| Operation::CreateMultiple { entity, targets });
        self.operate("CreateMultiple", Some(entity), operation, span);
        Ok(())
    }

    pub(super) fn update_multiple(
        &mut self,
        entity: EntityId,
        targets: &[(ir::Record, Vec<ir::Write>)],
        span: Span,
    ) -> Result<(), Failure> {
        self.settle()?;
        let targets: Result<Vec<Option<Row>>, Fault> = targets.iter().map(|(record, values)| self.change(record, values)).collect();
        let operation = targets.map(|targets| Operation::UpdateMultiple { entity, targets: targets.into_iter().flatten().collect() });
        self.operate("UpdateMultiple", Some(entity), operation, span);
        Ok(())
    }

    /// What is written to a record, with its primary key; nothing where the record is empty and skipped.
    fn change(&mut self, record: &ir::Record, values: &[ir::Write]) -> Result<Option<Row>, Fault> {
        match self.value(&record.reference)? {
            Value::Reference(reference) => {
                let mut row = self.row(values)?;
                row.set(PRIMARY_KEY, reference.id.into());
                Ok(Some(row))
            }
            _ if record.skip_if_empty => Ok(None),
            _ => Err(missing(record.reference.span, "there is no record here".to_owned())),
        }
    }
}
