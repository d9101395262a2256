//! The passes of an update: one for the owner, one for state and status reason, one for the other columns.
//!
//! An update of columns of several kinds is one operation in one transaction, but goes through the stages once for each
//! kind: the others first, then the owner, then the state. Each pass is an Update with a Target of its own, so a later
//! one sees what an earlier one wrote, and `old` and `changed` are about the pass. None is deeper than the other.
//! What the trace calls the operations stands here too: an update of the owner alone is an `Assign`, whoever asked for it.

use crate::schema::{FieldSet, Row, Schema, outbox, system};
use crate::value::{EntityId, Slot, Value};

use super::layout::Layout;

/// What a pass is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Columns that are neither of the others.
    Others,
    /// The owner.
    Owner,
    /// State and status reason.
    State,
}

impl Pass {
    /// What the trace calls it.
    pub fn words(self) -> &'static str {
        match self {
            Pass::Others => "Update",
            Pass::Owner => "Assign",
            Pass::State => "SetState",
        }
    }
}

/// Takes the columns of the first pass out of what an update submits; the rest is for the passes after it.
pub(super) fn split(mut values: Row, layout: &Layout) -> (Pass, Row, Option<Row>) {
    let submitted = |slot: &Option<Slot>| slot.is_some_and(|slot| values.present().contains(slot));
    let owner = usize::from(submitted(&layout.owner));
    let state = usize::from(submitted(&layout.state)) + usize::from(submitted(&layout.status));
    match values.present().len() {
        all if owner + state < all => {
            let rest = (owner + state > 0).then(|| take(&mut values, &[layout.owner, layout.state, layout.status]));
            (Pass::Others, values, rest)
        }
        _ if owner > 0 => {
            let rest = (state > 0).then(|| take(&mut values, &[layout.state, layout.status]));
            (Pass::Owner, values, rest)
        }
        0 => (Pass::Others, values, None),
        _ => (Pass::State, values, None),
    }
}

/// The passes that an update may have which submits some fields for sure and may submit others: of each, what it is about, and its fields of the two kinds.
pub(super) fn possible(certain: &FieldSet, possible: &FieldSet, layout: &Layout) -> Vec<(Pass, FieldSet, FieldSet)> {
    let kind = |slot: Slot| match Some(slot) {
        slot if slot == layout.owner => Pass::Owner,
        slot if slot == layout.state || slot == layout.status => Pass::State,
        _ => Pass::Others,
    };
    let of = |pass: Pass, fields: &FieldSet| fields.iter().filter(|slot| kind(*slot) == pass).collect::<FieldSet>();
    let passes = [Pass::Others, Pass::Owner, Pass::State].map(|pass| (pass, of(pass, certain), of(pass, possible)));
    // An update of nothing is one of other columns.
    let nothing = certain.is_empty();
    let has =
        |(pass, certain, more): &(Pass, FieldSet, FieldSet)| !certain.is_empty() || !more.is_empty() || (*pass == Pass::Others && nothing);
    passes.into_iter().filter(has).collect()
}

/// What the trace calls a create: an e-mail that is created ready to be sent is being sent.
pub(super) fn words_of_create(schema: &Schema, entity: EntityId, values: &Row) -> &'static str {
    let pending = || {
        let entity = schema.entity(entity).filter(|entity| entity.name == outbox::ENTITY)?;
        let (code, _) = outbox::status(schema, outbox::PENDING)?;
        (values.get(entity.slot(system::STATUS)?) == Some(&Value::Choice(code))).then_some("Send")
    };
    pending().unwrap_or("Create")
}

fn take(values: &mut Row, slots: &[Option<Slot>]) -> Row {
    let mut taken = Row::default();
    for slot in slots.iter().flatten() {
        if let Some(value) = values.get_mut(*slot).map(std::mem::take) {
            taken.set(*slot, value);
            values.unset(*slot);
        }
    }
    taken
}
