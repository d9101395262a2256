//! What flows ask of the records of an entity: as the transaction sees them, with what was written in it so far.

use crate::diagnostic::Code;
use crate::schema::select::{Accumulator, Aggregate, Numbers, Selection};
use crate::schema::{FieldSet, Level, Right, Row};
use crate::store::StoreError;
use crate::value::{EntityId, Reference, Slot, Uuid, Value, text};
use crate::vm::Interrupt;

use super::engine::Engine;
use super::fault::{self, fault};
use super::settings::NESTED_COST;

/// How many records are read at a time where some of them may not be seen.
const PAGE: usize = 500;

/// Which records of an entity somebody may see.
enum View {
    /// All.
    All,
    /// Those whose owner, in this field, is who asks.
    Own(Slot),
    /// Those whose owner is within the reach of a level.
    Some(Slot, Level),
}

impl Engine {
    /// Records that somebody may see, and fields of them; each counts.
    pub(super) fn select(&mut self, selection: &Selection, fields: &FieldSet, acting: Reference) -> Result<Vec<(Uuid, Row)>, Interrupt> {
        match self.view(selection.entity, acting)? {
            View::All => self.rows(selection, fields),
            View::Own(owner) => {
                let own = selection.clone().with(owner, Value::Reference(acting));
                self.rows(&own, fields)
            }
            View::Some(owner, level) => self.seen_rows(selection, fields, (owner, level), acting),
        }
    }

    /// What is worked out of the records that somebody may see.
    pub(super) fn aggregate(&mut self, selection: &Selection, aggregate: Aggregate, acting: Reference) -> Result<Value, Interrupt> {
        self.spend(NESTED_COST)?;
        let own = match self.view(selection.entity, acting)? {
            View::All => selection.clone(),
            View::Own(owner) => selection.clone().with(owner, Value::Reference(acting)),
            View::Some(owner, level) => {
                let columns = aggregate.slot().into_iter().collect();
                let rows = self.seen_rows(selection, &columns, (owner, level), acting)?;
                let field = aggregate.slot().and_then(|slot| self.schema.field(selection.entity, slot));
                let mut accumulator = Accumulator::new(aggregate, field.map_or(Numbers::None, |field| Numbers::of(&field.ty)));
                let value = |row: &Row| aggregate.slot().and_then(|slot| row.get(slot)).cloned().unwrap_or_default();
                let added = rows.iter().try_for_each(|(_, row)| accumulator.add(&value(row)));
                let worked_out = added.and_then(|()| accumulator.finish());
                return worked_out.map_err(|failure| self.store_fault(StoreError::Number(failure)));
            }
        };
        self.store.aggregate(&own, aggregate).map_err(|error| self.store_fault(error))
    }

    fn rows(&mut self, selection: &Selection, fields: &FieldSet) -> Result<Vec<(Uuid, Row)>, Interrupt> {
        let rows = self.store.select(selection, fields).map_err(|error| self.store_fault(error))?;
        self.spend(NESTED_COST + rows.len() as u64)?;
        Ok(rows)
    }

    /// Which records of an entity somebody may see at all: a query gives those, as if there were no others.
    fn view(&mut self, entity: EntityId, acting: Reference) -> Result<View, Interrupt> {
        let Some(level) = self.reach(acting, Right::Read, entity)? else {
            let (who, on) = (self.name_of(acting)?, fault::name(&self.schema, entity));
            return Err(fault(Code::F22, format!("{who} has no privilege `{}` on `{on}`", Right::Read.name())));
        };
        let owner = self.layouts.get(usize::from(entity.0)).and_then(|layout| layout.owner);
        Ok(match (level, owner) {
            (Level::Organization, _) | (_, None) => View::All,
            (Level::User, Some(owner)) => View::Own(owner),
            (level, Some(owner)) => View::Some(owner, level),
        })
    }

    /// Records whose owners are within reach. What is left out doesn't count against the limit, so more is read until there
    /// is enough; in an order that isn't the ids' everything is.
    fn seen_rows(
        &mut self,
        selection: &Selection,
        fields: &FieldSet,
        (owner, level): (Slot, Level),
        acting: Reference,
    ) -> Result<Vec<(Uuid, Row)>, Interrupt> {
        let mut columns = fields.clone();
        columns.insert(owner);
        let limit = usize::try_from(selection.limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let page = if selection.order.is_empty() { Some(limit.clamp(1, PAGE) as u64) } else { None };
        let mut rest = Selection { limit: page, ..selection.clone() };
        let mut seen = Vec::new();
        loop {
            let rows = self.rows(&rest, &columns)?;
            let last = rows.last().map(|(id, _)| Value::Uuid(*id));
            let full = page.is_some_and(|page| rows.len() as u64 == page);
            for (id, row) in rows {
                let within = match row.get(owner) {
                    Some(Value::Reference(owner)) => self.reaches(level, acting, *owner)?,
                    _ => true,
                };
                if within && seen.len() < limit {
                    seen.push((id, row));
                }
            }
            if !full || seen.len() >= limit {
                return Ok(seen);
            }
            rest.after = last;
        }
    }

    /// The one record whose fields have these values. A record without a value in one of them is never meant.
    pub(super) fn by_key(
        &mut self,
        entity: EntityId,
        fields: &[Slot],
        values: &[Value],
        acting: Reference,
    ) -> Result<Reference, Interrupt> {
        let pairs = || fields.iter().copied().zip(values);
        let selection = pairs().fold(Selection::all(entity).limited(2), |all, (slot, value)| all.with(slot, value.clone()));
        let found = if values.iter().any(Value::is_empty) { Vec::new() } else { self.select(&selection, &FieldSet::default(), acting)? };
        if let [(id, _)] = found.as_slice() {
            return Ok(Reference { entity, id: *id });
        }
        let mut shown = Vec::with_capacity(fields.len());
        for (slot, value) in pairs() {
            let Some(field) = self.schema.field(entity, slot).cloned() else { continue };
            let held = if value.is_empty() { "empty".to_owned() } else { text::quoted(&self.text(value, &field.ty, acting)?) };
            shown.push(format!("`{}` {held}", field.name));
        }
        let number = if found.is_empty() { "no" } else { "more than one" };
        Err(fault(Code::F17, format!("there is {number} `{}` with {}", fault::name(&self.schema, entity), shown.join(" and "))))
    }
}
