//! Roles: what their users may do with records, and whose records that reaches.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::value::EntityId;

/// What may be done with records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Right {
    /// Make new ones.
    Create,
    /// See them.
    Read,
    /// Change their fields.
    Write,
    /// Delete them.
    Delete,
    /// Let a lookup of theirs refer to another record.
    Append,
    /// Let a lookup of another record refer to them.
    AppendTo,
    /// Give them to another owner.
    Assign,
}

/// What may be done beside the work with records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Power {
    /// Activate a real-time flow in a store.
    ActivateRealTime,
    /// Run a flow on demand.
    ExecuteFlow,
}

/// Whose records something reaches, seen from a user; a higher one reaches all that a lower one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// The user's own.
    User,
    /// Those of everybody in the user's business unit.
    BusinessUnit,
    /// Those of everybody in it and in the units below it.
    ParentAndChildBusinessUnits,
    /// All.
    Organization,
}

/// What its users may do; a user with several roles may do what one of them allows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Its name.
    pub name: SmolStr,
    /// The rights on the records of entities, and how far each reaches.
    pub rights: BTreeMap<(EntityId, Right), Level>,
    /// What it allows beside them.
    pub powers: BTreeSet<Power>,
}

impl Right {
    /// Every right.
    pub const ALL: [Right; 7] = [Right::Create, Right::Read, Right::Write, Right::Delete, Right::Append, Right::AppendTo, Right::Assign];

    /// As it is written in a role.
    pub fn name(self) -> &'static str {
        match self {
            Right::Create => "create",
            Right::Read => "read",
            Right::Write => "write",
            Right::Delete => "delete",
            Right::Append => "append",
            Right::AppendTo => "append to",
            Right::Assign => "assign",
        }
    }
}

impl Power {
    /// Every power.
    pub const ALL: [Power; 2] = [Power::ActivateRealTime, Power::ExecuteFlow];

    /// As it is written in a role.
    pub fn name(self) -> &'static str {
        match self {
            Power::ActivateRealTime => "activate real-time",
            Power::ExecuteFlow => "execute flow",
        }
    }
}

impl Level {
    /// As it is written in a role.
    pub fn name(self) -> &'static str {
        match self {
            Level::User => "user",
            Level::BusinessUnit => "business unit",
            Level::ParentAndChildBusinessUnits => "parent and child business units",
            Level::Organization => "organization",
        }
    }
}
