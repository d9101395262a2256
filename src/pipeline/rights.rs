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
use crate::schema::select::Selection;
use crate::schema::{FieldSet, Level, Power, Right, Row, Schema};
use crate::value::text::quoted;
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

/// What a user may do, all roles together: those that the user has and those of the user's teams.
#[derive(Debug, Default)]
struct Held {
    /// In their order.
    teams: Vec<Reference>,
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

    /// Something with a flow of an entity, which is no work with records and so knows no levels; a global action is of none.
    pub(super) fn may_use(&mut self, acting: Reference, power: Power, (flow, entity): (&str, Option<EntityId>)) -> Result<(), Interrupt> {
        if self.may_everything(acting) || self.held(acting)?.powers.contains(&power) {
            return Ok(());
        }
        let who = self.name_of(acting)?;
        let on = entity.map_or(String::new(), |entity| format!(" on `{}`", fault::name(&self.schema, entity)));
        Err(fault(Code::F22, format!("{who} has no privilege `{}`, which {}{on} needs", power.name(), quoted(flow))))
    }

    /// How far a right on an entity reaches, if there is one.
    fn reach(&mut self, acting: Reference, right: Right, entity: EntityId) -> Result<Option<Level>, Interrupt> {
        if self.may_everything(acting) || right == Right::Read && self.is_people(entity) {
            return Ok(Some(Level::Organization));
        }
        Ok(self.held(acting)?.rights.get(&(entity, right)).copied())
    }

    /// Whether a level, seen from a user, reaches what somebody owns. What a team owns is its members' own.
    pub(super) fn reaches(&mut self, level: Level, user: Reference, owner: Reference) -> Result<bool, Interrupt> {
        if level == Level::Organization || user == owner {
            return Ok(true);
        }
        if owner.entity != user.entity && self.held(user)?.teams.binary_search(&owner).is_ok() {
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

    /// How far the right to read the records of an entity reaches, for a query, which gives what it reaches and so needs it at any level.
    pub(super) fn sight(&mut self, acting: Reference, entity: EntityId) -> Result<Level, Interrupt> {
        match self.reach(acting, Right::Read, entity)? {
            Some(level) => Ok(level),
            None => Err(self.refusal(acting, (Right::Read, entity), None, ("a query", Level::User))),
        }
    }

    /// Asks for a right on a record of an entity with this owner; the owner is only asked for where it matters.
    fn require(
        &mut self,
        acting: Reference,
        right: Right,
        entity: EntityId,
        owner: impl FnOnce(&mut Self) -> Result<Option<Reference>, Interrupt>,
    ) -> Result<(), Interrupt> {
        let held = self.reach(acting, right, entity)?;
        if held == Some(Level::Organization) {
            return Ok(());
        }
        let needed = match owner(self)? {
            None => Level::User,
            Some(owner) => self.least(acting, owner)?,
        };
        if held.is_some_and(|held| held >= needed) {
            return Ok(());
        }
        Err(self.refusal(acting, (right, entity), held, ("this record", needed)))
    }

    /// The least level that reaches, seen from a user, what somebody owns.
    fn least(&mut self, user: Reference, owner: Reference) -> Result<Level, Interrupt> {
        for level in [Level::User, Level::BusinessUnit, Level::ParentAndChildBusinessUnits] {
            if self.reaches(level, user, owner)? {
                return Ok(level);
            }
        }
        Ok(Level::Organization)
    }

    /// The words for a right that is missing, or doesn't reach as far as something needs it.
    fn refusal(
        &mut self,
        acting: Reference,
        (right, entity): (Right, EntityId),
        held: Option<Level>,
        (what, needed): (&str, Level),
    ) -> Interrupt {
        let who = match self.name_of(acting) {
            Ok(who) => who,
            Err(interrupt) => return interrupt,
        };
        let (right, on) = (right.name(), fault::name(&self.schema, entity));
        let has = match held {
            None => format!("has no privilege `{right}` on `{on}`"),
            Some(level) => format!("has the privilege `{right}` on `{on}` at `{}`", level.name()),
        };
        fault(Code::F22, format!("{who} {has}, and {what} needs it at `{}`", needed.name()))
    }

    /// What a user may do.
    fn held(&mut self, user: Reference) -> Result<Arc<Held>, Interrupt> {
        if let Some(held) = self.rights.held.get(&user) {
            return Ok(Arc::clone(held));
        }
        let teams = self.linked(names::MEMBERSHIPS, (names::USER, user), names::TEAM)?;
        let teams = teams.into_iter().filter_map(|team| if let Value::Reference(team) = team { Some(team) } else { None });
        let mut held = Held { teams: teams.collect(), ..Held::default() };
        held.teams.sort_unstable();
        let mut roles = self.linked(names::USER_ROLES, (names::USER, user), names::ROLE_NAME)?;
        for team in &held.teams {
            roles.extend(self.linked(names::TEAM_ROLES, (names::TEAM, *team), names::ROLE_NAME)?);
        }
        for name in &roles {
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

    /// The teams of a user.
    pub(super) fn teams_of(&mut self, user: Reference) -> Result<Vec<Reference>, Interrupt> {
        Ok(self.held(user)?.teams.clone())
    }

    /// The values of a field in the records of a built-in entity that refer to a user or a team.
    fn linked(&mut self, entity: &str, (lookup, to): (&str, Reference), field: &str) -> Result<Vec<Value>, Interrupt> {
        let entity = self.built_in(entity)?;
        let slot = |name: &str| self.schema.entity(entity).and_then(|entity| entity.slot(name));
        let (Some(lookup), Some(field)) = (slot(lookup), slot(field)) else { return Ok(Vec::new()) };
        let linked = Selection::all(entity).with(lookup, Value::Reference(to));
        let rows = self.rows(&linked, &[field].into_iter().collect())?;
        Ok(rows.into_iter().filter_map(|(_, mut row)| row.get_mut(field).map(std::mem::take)).collect())
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
