//! A deploy: what a project declares becomes what a store holds. What is the same in both stays untouched, what is new or changed is
//! written and activated, and what the project no longer declares stays as it is, as long as it fits.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use smol_str::SmolStr;

use super::load::{self, Piece};
use super::parts::Part;
use super::{LifeError, acting, may_activate, not_owner, owned, user_of, waiting};
use crate::bytecode::{self, Bundle};
use crate::diagnostic::{Code, Diagnostic};
use crate::pipeline::definitions::{self, Category, Definition, Written};
use crate::pipeline::{ADMINISTRATOR, Pipeline, Settings};
use crate::project::Compiled;
use crate::project::compiled::open_store;
use crate::schema::Schema;
use crate::source::Sources;
use crate::store::{Store, StoreError};
use crate::value::text::quoted;
use crate::value::{EntityId, Reference, Uuid};

/// What a deploy did: a step for each definition that the store holds now, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    /// The steps; that of the schema first.
    pub steps: Vec<Step>,
}

/// What a deploy did with a definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its name.
    pub name: SmolStr,
    /// `flow`, `action`, `plug-in` or `schema`.
    pub kind: &'static str,
    /// What became of it.
    pub outcome: Outcome,
    /// Whether it is active now.
    pub active: bool,
}

/// What became of a definition in a deploy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It wasn't there before.
    New,
    /// It was there, and is another one now.
    Changed,
    /// It was there as it is; nothing was written.
    Unchanged,
    /// It is there, and the project no longer declares it; nothing was written.
    Kept,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Outcome; 4] = [Outcome::New, Outcome::Changed, Outcome::Unchanged, Outcome::Kept];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::New => "new",
            Outcome::Changed => "changed",
            Outcome::Unchanged => "unchanged",
            Outcome::Kept => "kept",
        }
    }
}

impl Deployed {
    /// Whether anything was written.
    pub fn is_changed(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.outcome, Outcome::New | Outcome::Changed))
    }
}

impl Compiled {
    /// Writes the project into the store that a URL names, in one transaction, as a user (by the full name) or as the system administrator.
    /// The tables are brought up to its schema; definitions that are new or changed are activated, drafts aside. Nothing is done where
    /// a definition that the store holds, and the project doesn't, would no longer fit.
    pub fn deploy(&self, url: &str, settings: Settings, user: Option<&str>) -> Result<Deployed, LifeError> {
        let parts = self.parts()?;
        let mut store = open_store(url, &self.schema)?;
        // An error on the way out of here closes the store, which undoes its transaction.
        store.begin()?;
        let built_in = load::built_in();
        let rows = definitions::stored(&mut *store, &built_in)?;
        let resting = resting(&mut *store, &built_in, &rows);
        fits(&mut *store, &built_in, (&rows, &resting), &parts, &self.schema)?;
        let mut pipeline = Pipeline::within(Arc::clone(&self.schema), store, settings)?;
        let acting = acting(&mut pipeline, user)?;
        let known: FxHashMap<_, _> = rows.iter().map(|row| (key(&row.name, row.category), row)).collect();
        let mut steps = Vec::with_capacity(rows.len().max(parts.len()));
        for part in &parts {
            let there = known.get(&key(&part.name, part.category)).copied();
            let active = part.is_to_be_active(&resting);
            steps.push(put(&mut pipeline, (part, active), there, acting)?);
        }
        pipeline.commit()?;
        steps.extend(left(&rows, &parts).map(|row| step(&row.name, row.category, Outcome::Kept, row.activation.is_some())));
        steps.sort_by(|one, other| (one.kind != "schema", &one.name).cmp(&(other.kind != "schema", &other.name)));
        Ok(Deployed { steps })
    }
}

/// Flows, actions and plug-ins share one space of names; the schema has one of its own.
fn key(name: &SmolStr, category: Category) -> (bool, &SmolStr) {
    (category == Category::Schema, name)
}

/// The names of what somebody has deactivated: it is no draft, and not active. It stays so until somebody activates it.
fn resting(store: &mut dyn Store, built_in: &Schema, rows: &[Definition]) -> FxHashSet<SmolStr> {
    let inactive = rows.iter().filter(|row| row.activation.is_none() && row.category != Category::Schema);
    // What can't be read any more is written anew, as if it were new.
    let pieces = inactive.filter_map(|row| load::piece(store, built_in, row.clone()).ok());
    pieces.filter(|piece| !piece.is_draft()).map(|piece| piece.row.name).collect()
}

/// The definitions of a store that a project doesn't declare.
fn left<'a>(rows: &'a [Definition], parts: &[Part]) -> impl Iterator<Item = &'a Definition> {
    let declared: std::collections::BTreeSet<_> = parts.iter().map(|part| (part.category == Category::Schema, part.name.clone())).collect();
    rows.iter().filter(move |row| !declared.contains(&(row.category == Category::Schema, row.name.clone())))
}

/// Refuses a project with which something that stays could no longer run: with its schema, or with its flows and actions. Jobs that
/// wait stay in what they started with.
fn fits(
    store: &mut dyn Store,
    built_in: &Schema,
    (rows, resting): (&[Definition], &FxHashSet<SmolStr>),
    parts: &[Part],
    schema: &Schema,
) -> Result<(), LifeError> {
    let mut pieces = Vec::new();
    for row in left(rows, parts) {
        match load::piece(store, built_in, row.clone()) {
            Ok(piece) => pieces.push(piece),
            // Nothing needs what isn't active.
            Err(_) if row.activation.is_none() => {}
            Err(error) => return Err(error),
        }
    }
    let help = "change it with the schema and deploy both together, or deactivate it first";
    let unfit = pieces.iter().filter(|piece| piece.row.activation.is_some()).filter_map(|piece| piece.unfit(schema));
    let unfit: Vec<Diagnostic> = unfit.map(|reason| reason.help(help)).collect();
    if !unfit.is_empty() {
        return Err(LifeError::Refused(unfit, Sources::default()));
    }
    let staying: Vec<SmolStr> = pieces.iter().map(|piece| piece.row.name.clone()).collect();
    let declared = parts.iter().filter(|part| part.category != Category::Schema);
    pieces.extend(declared.map(|part| part.as_piece(rows, resting)).collect::<Result<Vec<_>, _>>()?);
    load::assemble(schema, &pieces, &mut Sources::default()).map_err(|(name, why)| {
        let code = if staying.iter().any(|one| *one == name) { Code::S0208 } else { Code::E0806 };
        LifeError::refused(Diagnostic::unplaced(code, format!("{} doesn't fit what is deployed: {why}", quoted(&name))).help(help))
    })?;
    waiting::can_go_on(store, built_in, rows, &mut pieces, schema)
}

impl Part {
    /// The part as it will be in the store.
    fn as_piece(&self, rows: &[Definition], resting: &FxHashSet<SmolStr>) -> Result<Piece, LifeError> {
        let there = rows.iter().find(|row| row.name == self.name && row.category != Category::Schema);
        let active = match there.filter(|row| row.hash == self.hash) {
            Some(unchanged) => unchanged.activation.is_some(),
            None => self.is_to_be_active(resting),
        };
        let row = Definition {
            id: Uuid::nil(),
            name: self.name.clone(),
            category: self.category,
            file: self.file.clone(),
            line: self.line,
            hash: self.hash.clone(),
            owner: Reference { entity: EntityId(0), id: ADMINISTRATOR },
            owner_name: SmolStr::default(),
            activation: active.then(Uuid::nil),
        };
        Ok(Piece { row, bundle: self.bundle()? })
    }

    /// Whether a deploy that writes it activates it.
    fn is_to_be_active(&self, resting: &FxHashSet<SmolStr>) -> bool {
        !self.draft && self.category != Category::Schema && !resting.contains(&self.name)
    }

    /// What its bytes hold.
    fn bundle(&self) -> Result<Bundle, LifeError> {
        Ok(bytecode::decode_part(&self.bytes).map_err(|error| StoreError::Unusable(error.to_string()))?)
    }
}

/// Brings a definition up to a part of the project.
fn put(pipeline: &mut Pipeline, (part, active): (&Part, bool), there: Option<&Definition>, acting: Reference) -> Result<Step, LifeError> {
    if let Some(row) = there.filter(|row| row.hash == part.hash && row.category == part.category) {
        return Ok(step(&part.name, part.category, Outcome::Unchanged, row.activation.is_some()));
    }
    let administrator = pipeline.administrator();
    if let Some(row) = there {
        owned(row, acting, administrator)?;
    }
    let owner = match &part.owner {
        None => there.map_or(acting, |row| row.owner),
        Some(name) => {
            let nobody = || format!("the owner of {}, {}, is no user of the store", quoted(&part.name), quoted(name));
            user_of(pipeline, name, nobody)?
        }
    };
    if acting != administrator && acting != owner {
        return Err(not_owner(&quoted(&part.name), part.owner.as_ref().unwrap_or(&SmolStr::default())));
    }
    if active {
        may_activate(pipeline, &part.name, &part.bundle()?, acting)?;
    }
    let id = pipeline.define(&part.written(owner), there.map(|row| row.id), acting)?;
    if active {
        pipeline.activate(id, acting)?;
    } else {
        pipeline.deactivate(id, acting)?;
    }
    Ok(step(&part.name, part.category, if there.is_some() { Outcome::Changed } else { Outcome::New }, active))
}

impl Part {
    /// What its row is to say.
    pub(super) fn written(&self, owner: Reference) -> Written<'_> {
        Written {
            name: &self.name,
            category: self.category,
            columns: &self.columns,
            file: &self.file,
            line: self.line,
            bytes: &self.bytes,
            owner,
        }
    }
}

fn step(name: &SmolStr, category: Category, outcome: Outcome, active: bool) -> Step {
    let kind = match category {
        Category::Flow => "flow",
        Category::Action => "action",
        Category::Plugin => "plug-in",
        Category::Schema => "schema",
    };
    Step { name: name.clone(), kind, outcome, active }
}
