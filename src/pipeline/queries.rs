//! What flows ask of the records of an entity: as the transaction sees them, with what was written in it so far.

use std::borrow::Cow;

use crate::diagnostic::Code;
use crate::schema::select::{Accumulator, Aggregate, Condition, Numbers, Selection, Test, first};
use crate::schema::{FieldSet, Level, Row};
use crate::store::StoreError;
use crate::value::{EntityId, Failure, Reference, Slot, Uuid, Value, text};
use crate::vm::Interrupt;

use super::engine::Engine;
use super::fault::{self, fault};
use super::settings::NESTED_COST;

/// How many records are read at a time where some of them may not be seen.
const PAGE: usize = 500;

/// How many owners a store is asked for at once; who is in more teams has each record looked at.
const MAX_OWNERS: usize = 100;

/// How many steps of the store's own count as an instruction: it takes a few of them to look at a record.
const WORK_PER_INSTRUCTION: u64 = 20;

/// Whose records somebody may see, where it isn't all that a selection gives: by the owner in this field, within the reach
/// of a level, seen from who asks.
type Reach = (Slot, Level, Reference);

impl Engine {
    /// Records that somebody may see, and fields of them; each counts.
    pub(super) fn select(&mut self, selection: &Selection, fields: &FieldSet, acting: Reference) -> Result<Vec<(Uuid, Row)>, Interrupt> {
        match self.visible(selection, acting)? {
            (selection, None) => self.rows(&selection, fields),
            (selection, Some(reach)) => self.seen_rows(&selection, fields, reach),
        }
    }

    /// What is worked out of the records that somebody may see.
    pub(super) fn aggregate(&mut self, selection: &Selection, aggregate: Aggregate, acting: Reference) -> Result<Value, Interrupt> {
        let (selection, reach) = self.visible(selection, acting)?;
        let Some(reach) = reach else {
            let value = self.store.aggregate(&selection, aggregate).map_err(|error| self.store_fault(error))?;
            self.pay(0)?;
            return Ok(value);
        };
        let field = aggregate.slot().and_then(|slot| self.schema.field(selection.entity, slot));
        let mut accumulator = Accumulator::new(aggregate, field.map_or(Numbers::None, |field| Numbers::of(&field.ty)));
        let columns = aggregate.slot().into_iter().collect();
        self.each_seen(&selection, &columns, reach, |_, row| {
            accumulator.add(aggregate.slot().and_then(|slot| row.get(slot)).unwrap_or(&Value::Empty))?;
            Ok(!accumulator.is_decided())
        })?;
        accumulator.finish().map_err(|failure| self.store_fault(StoreError::Number(failure)))
    }

    /// Records, whoever asks; each counts.
    pub(super) fn rows(&mut self, selection: &Selection, fields: &FieldSet) -> Result<Vec<(Uuid, Row)>, Interrupt> {
        let rows = self.store.select(selection, fields).map_err(|error| self.store_fault(error))?;
        self.pay(rows.len())?;
        Ok(rows)
    }

    /// Counts what was asked of the store: the question, the records that it gave, and those that it only looked at.
    fn pay(&mut self, given: usize) -> Result<(), Interrupt> {
        let looked = self.store.work() / WORK_PER_INSTRUCTION;
        self.on_time()?;
        self.spend(NESTED_COST + given as u64 + looked)
    }

    /// What somebody may see of the records of a selection: a query gives that, as if there were nothing else. Where a selection
    /// can't say it, the reach is what each record is still to be held against.
    fn visible<'a>(&mut self, selection: &'a Selection, acting: Reference) -> Result<(Cow<'a, Selection>, Option<Reach>), Interrupt> {
        let level = self.sight(acting, selection.entity)?;
        let owner = self.layouts.get(usize::from(selection.entity.0)).and_then(|layout| layout.owner);
        Ok(match (level, owner) {
            (Level::Organization, _) | (_, None) => (Cow::Borrowed(selection), None),
            (Level::User, Some(owner)) => {
                let mut owners = self.teams_of(acting)?;
                if owners.len() >= MAX_OWNERS {
                    return Ok((Cow::Borrowed(selection), Some((owner, level, acting))));
                }
                owners.push(acting);
                let owned = |by| Condition { slot: owner, test: Test::Equal, value: Value::Reference(by) };
                let any = owners.into_iter().map(owned).collect();
                (Cow::Owned(Selection { any, ..selection.clone() }), None)
            }
            (level, Some(owner)) => (Cow::Borrowed(selection), Some((owner, level, acting))),
        })
    }

    /// Records whose owners are within reach, in the order asked. No more of them are held than are wanted, and some.
    fn seen_rows(&mut self, selection: &Selection, fields: &FieldSet, reach: Reach) -> Result<Vec<(Uuid, Row)>, Interrupt> {
        let mut columns = fields.clone();
        selection.order.iter().for_each(|order| columns.insert(order.slot));
        let limit = usize::try_from(selection.limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let mut seen = Vec::new();
        self.each_seen(selection, &columns, reach, |id, row| {
            seen.push((id, row));
            if !selection.order.is_empty() && seen.len() > limit.saturating_mul(2).saturating_add(PAGE) {
                first(&mut seen, &selection.order, limit);
            }
            Ok(!selection.order.is_empty() || seen.len() < limit)
        })?;
        first(&mut seen, &selection.order, limit);
        Ok(seen)
    }

    /// Gives the records whose owners are within reach to `take`, until that has enough. What is left out counts against no
    /// limit, so all are read that a selection takes without its own: page by page, by their ids.
    fn each_seen(
        &mut self,
        selection: &Selection,
        fields: &FieldSet,
        (owner, level, acting): Reach,
        mut take: impl FnMut(Uuid, Row) -> Result<bool, Failure>,
    ) -> Result<(), Interrupt> {
        let mut columns = fields.clone();
        columns.insert(owner);
        let mut rest = Selection { order: Vec::new(), limit: Some(PAGE as u64), ..selection.clone() };
        loop {
            let rows = self.rows(&rest, &columns)?;
            let full = rows.len() == PAGE;
            rest.after = rows.last().map(|(id, _)| Value::Uuid(*id));
            for (id, row) in rows {
                let within = match row.get(owner) {
                    Some(Value::Reference(owner)) => self.reaches(level, acting, *owner)?,
                    _ => true,
                };
                if within && !take(id, row).map_err(|failure| self.store_fault(StoreError::Number(failure)))? {
                    return Ok(());
                }
            }
            if !full {
                return Ok(());
            }
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
        let shown = self.told_key(entity, pairs(), acting)?;
        let number = if found.is_empty() { "no" } else { "more than one" };
        Err(fault(Code::F17, format!("there is {number} `{}` with {shown}", fault::name(&self.schema, entity))))
    }

    /// The fields of a key with their values, for people.
    pub(super) fn told_key<'a>(
        &mut self,
        entity: EntityId,
        pairs: impl Iterator<Item = (Slot, &'a Value)>,
        acting: Reference,
    ) -> Result<String, Interrupt> {
        let mut shown = Vec::new();
        for (slot, value) in pairs {
            let Some(field) = self.schema.field(entity, slot).cloned() else { continue };
            let held = if value.is_empty() { "empty".to_owned() } else { text::quoted(&self.text(value, &field.ty, acting)?) };
            shown.push(format!("`{}` {held}", field.name));
        }
        Ok(if shown.is_empty() { "no fields".to_owned() } else { shown.join(" and ") })
    }
}
