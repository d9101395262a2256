//! What the core operations need to know of an entity, worked out once from the schema: the slots that the platform
//! keeps, defaults, required fields, and who refers to its records.

use crate::schema::{Default, DeleteBehaviour, Entity, FieldSet, Schema, system};
use crate::value::{EntityId, Slot, Type};

/// One entity, as the core operations see it.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub created_on: Option<Slot>,
    pub created_by: Option<Slot>,
    pub modified_on: Option<Slot>,
    pub modified_by: Option<Slot>,
    pub owner: Option<Slot>,
    pub state: Option<Slot>,
    pub status: Option<Slot>,
    pub version: Option<Slot>,
    /// How many fields it has.
    pub width: usize,
    /// All its fields but the primary key.
    pub all: FieldSet,
    /// The fields that have a default.
    pub defaults: Vec<(Slot, Default)>,
    /// The fields that may not be empty once the record is written.
    pub required: FieldSet,
    /// The fields whose changes are kept as records of `audit`.
    pub audited: FieldSet,
    /// The lookups, here and elsewhere, that can refer to its records.
    pub referring: Vec<Relationship>,
    /// Whether its records are the rows of somebody's own table, which have their ids by their keys.
    pub mapped: bool,
}

/// A lookup that can refer to the records of an entity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Relationship {
    /// The entity that has the lookup.
    pub entity: EntityId,
    /// The lookup.
    pub slot: Slot,
    /// What becomes of the referring record on delete.
    pub behaviour: DeleteBehaviour,
    /// Whether the lookup may not be empty.
    pub required: bool,
}

/// The layouts of all entities, by [`EntityId`].
pub(super) fn layouts(schema: &Schema) -> Vec<Layout> {
    let mut layouts: Vec<Layout> = schema.entities().map(|(_, entity)| layout(entity)).collect();
    for (id, entity) in schema.entities() {
        for (slot, field) in entity.fields() {
            let Type::Lookup(targets) = &field.ty else { continue };
            let behaviour = match field.on_delete {
                DeleteBehaviour::RemoveLink if field.required => DeleteBehaviour::Restrict,
                declared => declared,
            };
            for target in targets.iter() {
                if let Some(layout) = layouts.get_mut(target.0 as usize) {
                    layout.referring.push(Relationship { entity: id, slot, behaviour, required: field.required });
                }
            }
        }
    }
    layouts
}

fn layout(entity: &Entity) -> Layout {
    let fields = || entity.fields().skip(1);
    Layout {
        created_on: entity.slot(system::CREATED_ON),
        created_by: entity.slot(system::CREATED_BY),
        modified_on: entity.slot(system::MODIFIED_ON),
        modified_by: entity.slot(system::MODIFIED_BY),
        owner: entity.slot(system::OWNER),
        state: entity.slot(system::STATE),
        status: entity.slot(system::STATUS),
        version: entity.slot(system::VERSION),
        width: entity.fields.len(),
        all: fields().map(|(slot, _)| slot).collect(),
        defaults: fields()
            .filter(|(_, field)| !matches!(field.default, Default::None | Default::Next))
            .map(|(slot, field)| (slot, field.default.clone()))
            .collect(),
        required: fields().filter(|(_, field)| field.required && field.default != Default::Next).map(|(slot, _)| slot).collect(),
        audited: entity.audited(),
        referring: Vec::new(),
        mapped: entity.table.is_some(),
    }
}
