//! The fields that every entity has beside its own.

use std::sync::Arc;

use indexmap::IndexMap;
use smol_str::SmolStr;

use super::Declare;
use crate::schema::{Default, DeleteBehaviour, Field, Ownership, Status, natural_range, system};
use crate::syntax::ast;
use crate::value::{ChoiceId, EntityId, Type, Value};

/// The name of an entity's primary key. A table of somebody's own often has a column `<entity>id` itself.
pub(super) fn primary_key(entity: &ast::Entity) -> SmolStr {
    let ending = if entity.table.is_some() { "uuid" } else { "id" };
    format!("{}{ending}", entity.name.text).into()
}

/// The field of the primary key.
pub(super) fn primary_key_field(entity: &ast::Entity) -> Field {
    Field { read_only: true, ..field(&primary_key(entity), "Id", Type::Uuid) }
}

impl Declare<'_> {
    /// Puts the system fields behind an entity's own. All are required: the platform fills them before the core operation of create.
    /// Those that an operation can bring are audited where the entity is.
    pub(super) fn system_fields(
        &self,
        fields: &mut IndexMap<SmolStr, Field>,
        (owned_by, audited): (Ownership, bool),
        (statuses, states, reasons): (&[Status], ChoiceId, ChoiceId),
    ) {
        let user = self.lookup(&["systemuser"]);
        let first =
            statuses.iter().find(|status| status.state == 0).map_or(Default::None, |status| Default::Value(Value::Choice(status.code)));
        let mut add = |field: Field| fields.insert(field.name.clone(), Field { audited: audited && !field.read_only, ..field });
        add(Field { read_only: true, ..field(system::CREATED_ON, "Created on", Type::DateTime) });
        add(Field { read_only: true, ..field(system::CREATED_BY, "Created by", user.clone()) });
        add(Field { read_only: true, ..field(system::MODIFIED_ON, "Modified on", Type::DateTime) });
        add(Field { read_only: true, ..field(system::MODIFIED_BY, "Modified by", user) });
        if owned_by == Ownership::User {
            add(field(system::OWNER, "Owner", self.lookup(&["systemuser", "team"])));
        }
        add(Field { default: Default::Value(Value::Choice(0)), ..field(system::STATE, "State", Type::Choice(states)) });
        add(Field { default: first, ..field(system::STATUS, "Status reason", Type::Choice(reasons)) });
        add(Field { read_only: true, ..field(system::VERSION, "Version", Type::BigInt) });
    }

    fn lookup(&self, names: &[&str]) -> Type {
        let mut targets: Vec<EntityId> = names.iter().filter_map(|name| self.entities.get(*name)).map(|(id, _)| *id).collect();
        targets.sort_unstable();
        Type::Lookup(Arc::from(targets))
    }
}

fn field(name: &str, label: &str, ty: Type) -> Field {
    Field {
        name: name.into(),
        label: label.into(),
        range: natural_range(&ty),
        ty,
        max_length: None,
        required: true,
        read_only: false,
        default: Default::None,
        on_delete: DeleteBehaviour::Restrict,
        audited: false,
        column: None,
    }
}
