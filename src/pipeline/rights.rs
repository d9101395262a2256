//! Who may do what: the privileges of an identity, from the roles of its user, held against each operation.
//!
//! A project without roles enforces nothing, and the system administrator may everything: neither costs more than a
//! comparison. What roles say is asked of the store once for each identity and outermost operation. Where a privilege
//! reaches all records, nothing is read of them; else their owner is, and the business unit of that.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::diagnostic::Code;
use crate::schema::{FieldSet, Level, PRIMARY_KEY, Power, Right, Row, Schema};
use crate::value::{EntityId, Reference, Slot, Uuid, Value};
use crate::vm::Interrupt;

use super::engine::Engine;
use super::fault::{self, fault};
use super::layout::Layout;
use super::users::{ROOT_UNIT, names};

/// What is known of identities and business units in one outermost operation.
#[derive(Debug, Default)]
pub(super) struct Rights {
    /// Whether the project has roles.
    enforced: bool,
    /// The entities whose records decide who may do what.
    deciding: Vec<EntityId>,
    held: FxHashMap<Reference, Arc<Held>>,
    units: FxHashMap<Reference, Uuid>,
    parents: FxHashMap<Uuid, Uuid>,
}

/// What a user may do, all roles together.
#[derive(Debug, Default)]
struct Held {
    rights: BTreeMap<(EntityId, Right), Level>,
    powers: FxHashSet<Power>,
}

impl Rights {
    /// Of a schema.
    pub fn new(schema: &Schema) -> Self {
        let deciding = names::DECIDING.iter().filter_map(|name| schema.entity_id(name)).collect();
        Rights { enforced: !schema.roles.is_empty(), deciding, ..Rights::default() }
    }

    /// Whether a write to an entity changes who may do what.
    pub fn are_about(&self, entity: EntityId) -> bool {
        self.deciding.contains(&entity)
    }

    /// Forgets what was asked: another operation begins, or users, roles or units were written.
    pub fn forget(&mut self) {
        self.held.clear();
        self.units.clear();
        self.parents.clear();
    }
}

impl Engine {
    /// Whether nothing is held against an identity.
    pub(super) fn may_everything(&self, acting: Reference) -> bool {
        !self.rights.enforced || acting == self.administrator
    }

    /// A new record, which belongs to whom its values say, else to who makes it.
    pub(super) fn may_create(&mut self, acting: Reference, entity: EntityId, values: &Row, layout: &Layout) -> Result<(), Interrupt> {
        if self.may_everything(acting) {
            return Ok(());
        }
        let named = layout.owner.and_then(|slot| values.get(slot));
        let owner = layout.owner.map(|_| if let Some(Value::Reference(owner)) = named { *owner } else { acting });
        self.require(acting, Right::Create, entity, |_| Ok(owner))?;
        if self.may_link(acting, values, layout)? {
            self.require(acting, Right::Append, entity, |_| Ok(owner))?;
        }
        Ok(())
    }

    /// A change of a record, pass by pass: of its owner, of other columns, or of both.
    pub(super) fn may_update(
        &mut self,
        acting: Reference,
        record: Reference,
        passes: [Option<&Row>; 2],
        layout: &Layout,
    ) -> Result<(), Interrupt> {
        if self.may_everything(acting) {
            return Ok(());
        }
        let fields = || passes.into_iter().flatten().flat_map(|values| values.present().iter());
        let assigns = fields().any(|slot| Some(slot) == layout.owner);
        if !assigns || fields().nth(1).is_some() {
            self.may(acting, Right::Write, record)?;
        }
        if assigns {
            self.may(acting, Right::Assign, record)?;
        }
        let mut links = false;
        for values in passes.into_iter().flatten() {
            links |= self.may_link(acting, values, layout)?;
        }
        if links {
            self.may(acting, Right::Append, record)?;
        }
        Ok(())
    }

    /// Whether values refer to other records; to each of them it has to be allowed. Owners are the business of `assign`.
    fn may_link(&mut self, acting: Reference, values: &Row, layout: &Layout) -> Result<bool, Interrupt> {
        let mut links = false;
        for (_, value) in values.iter().filter(|(slot, _)| Some(*slot) != layout.owner) {
            if let Value::Reference(target) = value {
                self.may(acting, Right::AppendTo, *target)?;
                links = true;
            }
        }
        Ok(links)
    }

    /// Something that is done with a record as it is now.
    pub(super) fn may(&mut self, acting: Reference, right: Right, record: Reference) -> Result<(), Interrupt> {
        if self.may_everything(acting) {
            return Ok(());
        }
        self.require(acting, right, record.entity, |engine| engine.owner_of(record))
    }

    /// Something that is no work with records.
    pub(super) fn may_use(&mut self, acting: Reference, power: Power) -> Result<(), Interrupt> {
        if self.may_everything(acting) || self.held(acting)?.powers.contains(&power) {
            return Ok(());
        }
        let who = self.name_of(acting)?;
        Err(fault(Code::F22, format!("{who} has no privilege `{}`", power.name())))
    }

    /// How far a right on an entity reaches, if there is one.
    pub(super) fn reach(&mut self, acting: Reference, right: Right, entity: EntityId) -> Result<Option<Level>, Interrupt> {
        if self.may_everything(acting) || right == Right::Read && self.is_people(entity) {
            return Ok(Some(Level::Organization));
        }
        Ok(self.held(acting)?.rights.get(&(entity, right)).copied())
    }

    /// Whether a level, seen from a user, reaches what somebody owns.
    pub(super) fn reaches(&mut self, level: Level, user: Reference, owner: Reference) -> Result<bool, Interrupt> {
        if level == Level::Organization || user == owner {
            return Ok(true);
        }
        if level == Level::User {
            return Ok(false);
        }
        let (own, mut unit) = (self.unit_of(user)?, self.unit_of(owner)?);
        let mut passed = FxHashSet::default();
        while unit != own {
            // Units are data: a circle of them has no top.
            if level == Level::BusinessUnit || unit == ROOT_UNIT || !passed.insert(unit) {
                return Ok(false);
            }
            unit = self.unit_above(unit)?;
        }
        Ok(true)
    }

    /// How far a right on an entity reaches, which has to be there.
    pub(super) fn required(&mut self, acting: Reference, right: Right, entity: EntityId) -> Result<Level, Interrupt> {
        if let Some(level) = self.reach(acting, right, entity)? {
            return Ok(level);
        }
        let (who, on) = (self.name_of(acting)?, fault::name(&self.schema, entity));
        Err(fault(Code::F22, format!("{who} has no privilege `{}` on `{on}`", right.name())))
    }

    fn require(
        &mut self,
        acting: Reference,
        right: Right,
        entity: EntityId,
        owner: impl FnOnce(&mut Self) -> Result<Option<Reference>, Interrupt>,
    ) -> Result<(), Interrupt> {
        let level = self.required(acting, right, entity)?;
        if level == Level::Organization {
            return Ok(());
        }
        let Some(owner) = owner(self)? else { return Ok(()) };
        if self.reaches(level, acting, owner)? {
            return Ok(());
        }
        let mut needed = Level::Organization;
        for wider in [Level::ParentAndChildBusinessUnits, Level::BusinessUnit] {
            if self.reaches(wider, acting, owner)? {
                needed = wider;
            }
        }
        let (who, on) = (self.name_of(acting)?, fault::name(&self.schema, entity));
        let (right, level, needed) = (right.name(), level.name(), needed.name());
        Err(fault(Code::F22, format!("{who} has the privilege `{right}` on `{on}` at {level}, and this record needs it at {needed}")))
    }

    /// What a user may do.
    fn held(&mut self, user: Reference) -> Result<Arc<Held>, Interrupt> {
        if let Some(held) = self.rights.held.get(&user) {
            return Ok(Arc::clone(held));
        }
        let entity = self.built_in(names::USER_ROLES)?;
        let role = self.schema.entity(entity).and_then(|entity| entity.slot(names::ROLE_NAME)).unwrap_or(PRIMARY_KEY);
        let of_user = self.row_of(entity, &[(names::ROLE_USER, Value::Reference(user))]);
        let ids = self.store.find(entity, &of_user, u32::MAX).map_err(|error| self.store_fault(error))?;
        let rows = self.store.read(entity, &ids, &[role].into_iter().collect()).map_err(|error| self.store_fault(error))?;
        let mut held = Held::default();
        for name in rows.iter().flatten().filter_map(|row| row.get(role)) {
            // A role that the project no longer has gives nothing.
            let Value::Text(name) = name else { continue };
            let Some(role) = self.schema.roles.get(name) else { continue };
            for (on, level) in &role.rights {
                let widest = held.rights.entry(*on).or_insert(*level);
                *widest = (*widest).max(*level);
            }
            held.powers.extend(&role.powers);
        }
        let held = Arc::new(held);
        self.rights.held.insert(user, Arc::clone(&held));
        Ok(held)
    }

    /// Who owns a record; nobody, where the organization does.
    pub(super) fn owner_of(&mut self, record: Reference) -> Result<Option<Reference>, Interrupt> {
        let Some(slot) = self.layouts.get(record.entity.0 as usize).and_then(|layout| layout.owner) else { return Ok(None) };
        self.lookup(record, slot)
    }

    /// The business unit of a user or team: the root where there is none.
    fn unit_of(&mut self, owner: Reference) -> Result<Uuid, Interrupt> {
        if let Some(unit) = self.rights.units.get(&owner) {
            return Ok(*unit);
        }
        let slot = self.schema.entity(owner.entity).and_then(|entity| entity.slot(names::UNIT_OF_OWNER));
        let unit = match slot {
            Some(slot) => self.lookup(owner, slot)?,
            None => None,
        };
        let unit = unit.map_or(ROOT_UNIT, |unit| unit.id);
        self.rights.units.insert(owner, unit);
        Ok(unit)
    }

    /// The business unit above another: the root where none is named.
    fn unit_above(&mut self, unit: Uuid) -> Result<Uuid, Interrupt> {
        if let Some(above) = self.rights.parents.get(&unit) {
            return Ok(*above);
        }
        let entity = self.built_in(names::UNITS)?;
        let above = match self.schema.entity(entity).and_then(|entity| entity.slot(names::UNIT_PARENT)) {
            Some(slot) => self.lookup(Reference { entity, id: unit }, slot)?,
            None => None,
        };
        let above = above.map_or(ROOT_UNIT, |above| above.id);
        self.rights.parents.insert(unit, above);
        Ok(above)
    }

    fn lookup(&mut self, record: Reference, slot: Slot) -> Result<Option<Reference>, Interrupt> {
        let fields: FieldSet = [slot].into_iter().collect();
        Ok(match self.read(record, &fields)?.get(slot) {
            Some(Value::Reference(found)) => Some(*found),
            _ => None,
        })
    }

    /// Whether an entity says who there is, which is no secret.
    fn is_people(&self, entity: EntityId) -> bool {
        self.schema.entity(entity).is_some_and(|entity| names::PEOPLE.contains(&entity.name.as_str()))
    }

    /// A user as people call them.
    pub(super) fn name_of(&mut self, user: Reference) -> Result<SmolStr, Interrupt> {
        self.record_text(user).map(|name| format!("`{name}`").into())
    }
}
