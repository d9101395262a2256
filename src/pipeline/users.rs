//! Who is there: the system administrator and the root business unit, which every store has, and users with their business
//! units and roles. All of them are records like others.

use std::sync::Arc;

use smol_str::SmolStr;

use super::engine::{Engine, Savepoint, layout_of};
use super::operation::{Ending, Message, Operation, Outcome};
use super::target::Scene;
use super::{Pipeline, into_fault};
use crate::diagnostic::Code;
use crate::schema::{FieldSet, PRIMARY_KEY, Row};
use crate::store::StoreError;
use crate::value::text::quoted;
use crate::value::{EntityId, Reference, Uuid, Value};
use crate::vm::{Fault, Interrupt};

/// The system administrator, who acts where nobody is named and may do everything: the same in every store.
pub const ADMINISTRATOR: Uuid = Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001);

/// What the system administrator is called.
pub const ADMINISTRATOR_NAME: &str = "System Administrator";

/// The business unit above all others: the same in every store. Who has no other belongs to it.
pub const ROOT_UNIT: Uuid = Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0002);

/// What the business unit above all others is called.
pub const ROOT_UNIT_NAME: &str = "Organization";

/// Names of the built-in entities and fields that say who may do what.
pub(super) mod names {
    pub const UNITS: &str = "businessunit";
    pub const UNIT_NAME: &str = "name";
    pub const UNIT_PARENT: &str = "parent";
    pub const UNIT_OF_OWNER: &str = "businessunitid";
    pub const FULL_NAME: &str = "fullname";
    pub const USER_ROLES: &str = "systemuserrole";
    pub const ROLE_USER: &str = "systemuserid";
    pub const ROLE_NAME: &str = "role";
    /// The entities of those who work here.
    pub const PEOPLE: [&str; 3] = ["systemuser", "team", UNITS];
    /// The entities whose records decide who may do what.
    pub const DECIDING: [&str; 4] = ["systemuser", "team", UNITS, USER_ROLES];
}

impl Pipeline {
    /// The user with a full name, who comes to be where there is none.
    pub fn user(&mut self, full_name: &str) -> Result<Reference, Fault> {
        if let Some(user) = self.reading(|engine| engine.find_user(full_name))? {
            return Ok(user);
        }
        let users = self.engine.administrator.entity;
        let values = self.engine.row_of(users, &[(names::FULL_NAME, Value::Text(full_name.into()))]);
        self.kept(Operation::Create { entity: users, values })
    }

    /// The business unit of a name, which comes to be below the root where there is none.
    pub fn business_unit(&mut self, name: &str) -> Result<Reference, Fault> {
        let entity = self.engine.built_in(names::UNITS).map_err(into_fault)?;
        let values = self.engine.row_of(entity, &[(names::UNIT_NAME, Value::Text(name.into()))]);
        match self.find(entity, &values, 1)?.first() {
            Some(id) => Ok(Reference { entity, id: *id }),
            None => self.kept(Operation::Create { entity, values }),
        }
    }

    /// Puts a user into a business unit.
    pub fn move_user(&mut self, user: Reference, unit: Reference) -> Result<(), Fault> {
        let values = self.engine.row_of(user.entity, &[(names::UNIT_OF_OWNER, Value::Reference(unit))]);
        self.kept(Operation::Update { record: user, values }).map(drop)
    }

    /// Gives a user a role of the schema; harmless where the user has it.
    pub fn grant(&mut self, user: Reference, role: &str) -> Result<(), Fault> {
        if !self.engine.schema.roles.contains_key(role) {
            let message = format!("there is no role {}", quoted(role));
            return Err(Fault { code: Code::F06, message, span: None, chain: Vec::new() });
        }
        match self.role_of(user, role)? {
            (_, _, Some(_)) => Ok(()),
            (entity, values, None) => self.kept(Operation::Create { entity, values }).map(drop),
        }
    }

    /// Takes a role from a user; harmless where the user doesn't have it.
    pub fn revoke(&mut self, user: Reference, role: &str) -> Result<(), Fault> {
        match self.role_of(user, role)? {
            (entity, _, Some(id)) => self.kept(Operation::Delete { record: Reference { entity, id } }).map(drop),
            (_, _, None) => Ok(()),
        }
    }

    /// The row that says that a user has a role: its entity, its values, its id where it is there.
    fn role_of(&mut self, user: Reference, role: &str) -> Result<(EntityId, Row, Option<Uuid>), Fault> {
        let entity = self.engine.built_in(names::USER_ROLES).map_err(into_fault)?;
        let values = [(names::ROLE_USER, Value::Reference(user)), (names::ROLE_NAME, Value::Text(role.into()))];
        let values = self.engine.row_of(entity, &values);
        let found = self.find(entity, &values, 1)?.first().copied();
        Ok((entity, values, found))
    }

    /// What an operation of the system administrator gives.
    fn kept(&mut self, operation: Operation) -> Result<Reference, Fault> {
        let Outcome { ending, record, .. } = self.execute(operation, None);
        match ending {
            Ending::Committed => Ok(record.unwrap_or(self.engine.administrator)),
            Ending::Stopped { flow, reason } => Err(into_fault(Interrupt::Stop { flow, reason })),
            Ending::Fault(fault) => Err(fault),
        }
    }
}

impl Engine {
    /// Makes the system administrator and the root business unit where they aren't there; inside a transaction.
    pub(super) fn ensure_built_in(&mut self) -> Result<(), StoreError> {
        let administrator = self.administrator;
        self.ensure(administrator, (names::FULL_NAME, ADMINISTRATOR_NAME))?;
        let Some(units) = self.schema.entity_id(names::UNITS) else { return Ok(()) };
        self.ensure(Reference { entity: units, id: ROOT_UNIT }, (names::UNIT_NAME, ROOT_UNIT_NAME))
    }

    fn ensure(&mut self, record: Reference, (field, name): (&str, &str)) -> Result<(), StoreError> {
        let key: FieldSet = [PRIMARY_KEY].into_iter().collect();
        if matches!(self.store.read(record.entity, &[record.id], &key)?.as_slice(), [Some(_)]) {
            return Ok(());
        }
        self.start_anew(self.administrator, Savepoint::None);
        let mut row = self.row_of(record.entity, &[(field, Value::Text(name.into()))]);
        row.set(PRIMARY_KEY, Value::Uuid(record.id));
        let mut scene = Scene::new(Message::Create, record, row, 1, self.administrator);
        self.complete_built_in(&mut scene)?;
        self.store.insert(record.entity, std::slice::from_ref(&scene.target))
    }

    /// Completes a record that the platform itself writes, on which no flow runs.
    pub(super) fn complete_built_in(&self, scene: &mut Scene) -> Result<(), StoreError> {
        let layouts = Arc::clone(&self.layouts);
        let unusable = |interrupt| StoreError::Unusable(into_fault(interrupt).message);
        let layout = layout_of(&layouts, scene.record.entity).map_err(unusable)?;
        self.complete(scene, layout).map_err(unusable)
    }

    /// A built-in entity.
    pub(super) fn built_in(&self, name: &str) -> Result<EntityId, Interrupt> {
        self.schema.entity_id(name).ok_or_else(|| super::fault::fault(Code::F06, format!("the schema has no entity `{name}`")))
    }

    /// Values of a built-in entity; what it doesn't have is left out.
    pub(super) fn row_of(&self, entity: EntityId, values: &[(&str, Value)]) -> Row {
        let slot = |name: &str| self.schema.entity(entity).and_then(|entity| entity.slot(name));
        values.iter().filter_map(|(name, value)| Some((slot(name)?, value.clone()))).collect()
    }

    /// The user with a full name.
    pub(super) fn find_user(&mut self, full_name: &str) -> Result<Option<Reference>, Interrupt> {
        let users = self.administrator.entity;
        let row = self.row_of(users, &[(names::FULL_NAME, Value::Text(SmolStr::from(full_name)))]);
        let found = self.store.find(users, &row, 1).map_err(|error| self.store_fault(error))?;
        Ok(found.first().map(|id| Reference { entity: users, id: *id }))
    }
}
