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
    pub const TEAMS: &str = "team";
    pub const TEAM_NAME: &str = "name";
    pub const MEMBERSHIPS: &str = "teammembership";
    pub const TEAM_ROLES: &str = "teamrole";
    /// The user of a role or of a membership.
    pub const USER: &str = "systemuserid";
    /// The team of a role or of a membership.
    pub const TEAM: &str = "teamid";
    pub const ROLE_NAME: &str = "role";
    /// The entities of those who work here.
    pub const PEOPLE: [&str; 3] = ["systemuser", TEAMS, UNITS];
    /// The entities whose records decide who may do what.
    pub const DECIDING: [&str; 6] = ["systemuser", TEAMS, UNITS, USER_ROLES, MEMBERSHIPS, TEAM_ROLES];
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
        self.named(names::UNITS, names::UNIT_NAME, name)
    }

    /// The team of a name, which comes to be in the root business unit where there is none.
    pub fn team(&mut self, name: &str) -> Result<Reference, Fault> {
        self.named(names::TEAMS, names::TEAM_NAME, name)
    }

    /// Puts a user or a team into a business unit.
    pub fn move_user(&mut self, user: Reference, unit: Reference) -> Result<(), Fault> {
        let values = self.engine.row_of(user.entity, &[(names::UNIT_OF_OWNER, Value::Reference(unit))]);
        self.kept(Operation::Update { record: user, values }).map(drop)
    }

    /// Makes a user a member of a team; harmless where the user is one.
    pub fn join(&mut self, user: Reference, team: Reference) -> Result<(), Fault> {
        self.ensure_row(names::MEMBERSHIPS, &membership(user, team))
    }

    /// Takes a user out of a team; harmless where the user is no member.
    pub fn leave(&mut self, user: Reference, team: Reference) -> Result<(), Fault> {
        self.remove_row(names::MEMBERSHIPS, &membership(user, team))
    }

    /// Gives a user, or a team and so its members, a role of the schema; harmless where it is there.
    pub fn grant(&mut self, holder: Reference, role: &str) -> Result<(), Fault> {
        if !self.engine.schema.roles.contains_key(role) {
            let message = format!("there is no role {}", quoted(role));
            return Err(Fault { code: Code::F06, message, span: None, chain: Vec::new() });
        }
        let (entity, values) = self.role_of(holder, role);
        self.ensure_row(entity, &values)
    }

    /// Takes a role from a user or a team; harmless where it isn't there.
    pub fn revoke(&mut self, holder: Reference, role: &str) -> Result<(), Fault> {
        let (entity, values) = self.role_of(holder, role);
        self.remove_row(entity, &values)
    }

    /// The row that says that a user or a team has a role: its entity and its values.
    fn role_of(&self, holder: Reference, role: &str) -> (&'static str, [(&'static str, Value); 2]) {
        let user = holder.entity == self.engine.administrator.entity;
        let (entity, lookup) = if user { (names::USER_ROLES, names::USER) } else { (names::TEAM_ROLES, names::TEAM) };
        (entity, [(lookup, Value::Reference(holder)), (names::ROLE_NAME, Value::Text(role.into()))])
    }

    /// The record of a built-in entity with a name, which comes to be where there is none.
    fn named(&mut self, entity: &str, field: &str, name: &str) -> Result<Reference, Fault> {
        match self.find_row(entity, &[(field, Value::Text(name.into()))])? {
            (entity, _, Some(id)) => Ok(Reference { entity, id }),
            (entity, values, None) => self.kept(Operation::Create { entity, values }),
        }
    }

    fn ensure_row(&mut self, entity: &str, values: &[(&str, Value)]) -> Result<(), Fault> {
        match self.find_row(entity, values)? {
            (_, _, Some(_)) => Ok(()),
            (entity, values, None) => self.kept(Operation::Create { entity, values }).map(drop),
        }
    }

    fn remove_row(&mut self, entity: &str, values: &[(&str, Value)]) -> Result<(), Fault> {
        match self.find_row(entity, values)? {
            (entity, _, Some(id)) => self.kept(Operation::Delete { record: Reference { entity, id } }).map(drop),
            (_, _, None) => Ok(()),
        }
    }

    /// A record of a built-in entity with these values: its entity, the values, its id where it is there.
    fn find_row(&mut self, entity: &str, values: &[(&str, Value)]) -> Result<(EntityId, Row, Option<Uuid>), Fault> {
        let entity = self.engine.built_in(entity).map_err(into_fault)?;
        let values = self.engine.row_of(entity, values);
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

fn membership(user: Reference, team: Reference) -> [(&'static str, Value); 2] {
    [(names::USER, Value::Reference(user)), (names::TEAM, Value::Reference(team))]
}

impl Engine {
    /// Makes the system administrator and the root business unit where they aren't there; inside a transaction.
    pub(super) fn ensure_built_in(&mut self) -> Result<(), StoreError> {
        self.ensure(self.administrator, (names::FULL_NAME, ADMINISTRATOR_NAME))?;
        self.root_unit().map_or(Ok(()), |unit| self.ensure(unit, (names::UNIT_NAME, ROOT_UNIT_NAME)))
    }

    /// Whether they are there; inside a transaction.
    pub(super) fn has_built_in(&mut self) -> Result<bool, StoreError> {
        Ok(self.is_there(self.administrator)? && self.root_unit().map_or(Ok(true), |unit| self.is_there(unit))?)
    }

    fn root_unit(&self) -> Option<Reference> {
        self.schema.entity_id(names::UNITS).map(|entity| Reference { entity, id: ROOT_UNIT })
    }

    fn is_there(&mut self, record: Reference) -> Result<bool, StoreError> {
        let key: FieldSet = [PRIMARY_KEY].into_iter().collect();
        Ok(matches!(self.store.read(record.entity, &[record.id], &key)?.as_slice(), [Some(_)]))
    }

    fn ensure(&mut self, record: Reference, (field, name): (&str, &str)) -> Result<(), StoreError> {
        if self.is_there(record)? {
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
