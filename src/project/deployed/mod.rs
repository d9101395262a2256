//! The life of definitions in a store: a deploy writes them, each is activated, deactivated and converted by its name, and what is
//! active there is loaded again as a compiled project. Each of these is one transaction: afterwards the store holds all of it, or
//! nothing of it. The rows are the pipeline's (`pipeline/definitions.rs`); what their bytes mean, and who may do what, is here.

mod activations;
mod convert;
mod deploy;
mod load;
mod parts;
mod waiting;

use std::path::Path;
use std::sync::Arc;

use smol_str::SmolStr;
use thiserror::Error;

use super::compiled::open_store;
use super::{Compiled, OpenError};
use crate::bytecode::{Bundle, Mode, Program};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::pipeline::definitions::{Category, Definition};
use crate::pipeline::{Pipeline, Settings};
use crate::schema::Schema;
use crate::source::Sources;
use crate::store::{self, Store, StoreError};
use crate::value::Reference;
use crate::value::text::quoted;
use crate::vm::Fault;

use load::{Piece, Stored};

pub use activations::Activations;
pub use deploy::{Deployed, Outcome, Step};

/// Why something can't be done with the definitions of a store. Nothing of it was done.
#[derive(Debug, Error)]
pub enum LifeError {
    /// The store can't be opened, read or written, or what it holds is damaged.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// It is refused: for each reason a diagnostic, with its place in these texts.
    #[error("{}", .0.first().map_or("", |reason| reason.message.as_str()))]
    Refused(Vec<Diagnostic>, Sources),
}

impl From<StoreError> for LifeError {
    fn from(error: StoreError) -> Self {
        LifeError::Store(error.into())
    }
}

impl From<Fault> for LifeError {
    fn from(fault: Fault) -> Self {
        match fault.code {
            Code::F11 => StoreError::Failed(fault.message).into(),
            code => LifeError::refused(Diagnostic::unplaced(code, fault.message)),
        }
    }
}

impl LifeError {
    fn refused(reason: Diagnostic) -> Self {
        LifeError::Refused(vec![reason], Sources::default())
    }
}

/// What becomes of a definition that is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It runs from now on, in a new activation.
    Activate,
    /// It no longer runs.
    Deactivate,
    /// It gets another mode; it has to be inactive.
    Convert(Mode),
}

impl Compiled {
    /// The compiled project that a store holds, which is there already: what is active in it runs, what isn't is a draft.
    pub fn from_store(url: &str) -> Result<Compiled, LifeError> {
        let mut store = existing(url)?;
        store.begin_reading()?;
        let stored = load::stored(&mut *store)?.ok_or_else(|| empty(url))?;
        let awaited = activations::awaited(&mut *store)?;
        store.rollback()?;
        let mut compiled = stored.compiled()?;
        compiled.deployed = Arc::new(stored.deployment(&awaited));
        compiled.config.store = Some(url.to_owned());
        Ok(compiled)
    }
}

/// Activates, deactivates or converts a definition of a store, as a user (by the full name) or as the system administrator.
pub fn change(url: &str, name: &str, fate: Fate, settings: Settings, user: Option<&str>) -> Result<(), LifeError> {
    let mut store = existing(url)?;
    store.begin()?;
    let stored = load::stored(&mut *store)?.ok_or_else(|| empty(url))?;
    let compiled = stored.compiled()?;
    let piece = stored.piece(name)?;
    let definition = &piece.row;
    allowed(definition, fate)?;
    let converted = if let Fate::Convert(mode) = fate { Some(convert::converted(&stored, definition, mode)?) } else { None };
    let mut pipeline = Pipeline::within(Arc::clone(&compiled.schema), store, settings)?;
    let acting = acting(&mut pipeline, user)?;
    owned(definition, acting, pipeline.administrator())?;
    match fate {
        Fate::Activate => {
            may_activate(&mut pipeline, name, &piece.bundle, acting)?;
            pipeline.activate(definition.id, acting)?;
        }
        Fate::Deactivate => pipeline.deactivate(definition.id, acting)?,
        Fate::Convert(_) => converted.iter().try_for_each(|parts| convert::write(&mut pipeline, &stored, parts, acting))?,
    }
    let (id, active) = (definition.id, fate == Fate::Activate);
    if let Fate::Activate | Fate::Deactivate = fate {
        stored.verified_with(id, active).map_err(|why| unfit(fate, name, &why))?;
    }
    Ok(pipeline.commit()?)
}

/// What stands around a definition forbids it to run, or not to.
fn unfit(fate: Fate, name: &str, why: &str) -> LifeError {
    let what = if fate == Fate::Activate { "can't run with what else is active" } else { "is needed by what is active" };
    LifeError::refused(Diagnostic::unplaced(Code::S0208, format!("{} {what}: {why}", quoted(name))))
}

/// Whether a definition is in the state in which this can be done with it.
fn allowed(definition: &Definition, fate: Fate) -> Result<(), LifeError> {
    let name = quoted(&definition.name);
    if matches!(fate, Fate::Convert(_)) && definition.category != Category::Flow {
        return Err(LifeError::refused(Diagnostic::unplaced(Code::S0209, format!("{name} is no flow, and has no other mode"))));
    }
    let reason = match (fate, definition.activation.is_some()) {
        (Fate::Activate, true) => Diagnostic::unplaced(Code::S0203, format!("{name} is active already"))
            .help("to activate it anew, deactivate it first; a changed definition comes with `weir deploy`"),
        (Fate::Deactivate, false) => Diagnostic::unplaced(Code::S0204, format!("{name} is not active")),
        (Fate::Convert(_), true) => Diagnostic::unplaced(Code::S0205, format!("{name} is active, and can't be converted while it is"))
            .help("deactivate it first, and activate it again afterwards"),
        _ => return Ok(()),
    };
    Err(LifeError::refused(reason))
}

/// Refuses to activate what runs inside the transaction where a user hasn't the privilege.
fn may_activate(pipeline: &mut Pipeline, name: &str, bundle: &Bundle, acting: Reference) -> Result<(), LifeError> {
    let Program { flows, actions, plugins } = &bundle.program;
    let heads = flows.iter().map(|flow| (flow.head.mode, Some(flow.head.entity)));
    let heads = heads.chain(plugins.iter().map(|plugin| (plugin.head.mode, Some(plugin.head.entity))));
    let mut heads = heads.chain(actions.iter().map(|action| (Mode::RealTime, action.head.entity)));
    if let Some((_, entity)) = heads.find(|(mode, _)| *mode == Mode::RealTime) {
        let entity = entity.and_then(|entity| bundle.schema.entity(entity)).map(|entity| entity.name.as_str());
        pipeline.may_activate(acting, name, entity)?;
    }
    Ok(())
}

/// The user of a full name, else the system administrator.
fn acting(pipeline: &mut Pipeline, user: Option<&str>) -> Result<Reference, LifeError> {
    match user {
        None => Ok(pipeline.administrator()),
        Some(name) => user_of(pipeline, name, || format!("there is no user {}", quoted(name))),
    }
}

fn user_of(pipeline: &mut Pipeline, name: &str, nobody: impl FnOnce() -> String) -> Result<Reference, LifeError> {
    pipeline.find_user(name)?.ok_or_else(|| LifeError::refused(Diagnostic::unplaced(Code::O0113, nobody())))
}

/// Only its owner and the system administrator may do anything with a definition.
fn owned(definition: &Definition, acting: Reference, administrator: Reference) -> Result<(), LifeError> {
    if acting == administrator || acting == definition.owner {
        return Ok(());
    }
    let what = match definition.category {
        Category::Schema => "the schema".to_owned(),
        _ => quoted(&definition.name).to_string(),
    };
    Err(not_owner(&what, &definition.owner_name))
}

fn not_owner(what: &str, owner: &SmolStr) -> LifeError {
    let message = format!("{what} belongs to {}", quoted(owner));
    LifeError::refused(Diagnostic::unplaced(Code::S0207, message).help("only its owner and the system administrator may do that"))
}

impl Stored {
    /// A definition by name.
    fn piece(&self, name: &str) -> Result<&Piece, LifeError> {
        self.pieces.iter().find(|piece| piece.row.name == name).ok_or_else(|| {
            let reason = Diagnostic::unplaced(Code::S0202, format!("the store has no definition {}", quoted(name)));
            LifeError::refused(match nearest(name, self.pieces.iter().map(|piece| piece.row.name.as_str())) {
                Some(near) => reason.help(format!("did you mean {}?", quoted(near))),
                None => reason.help("`weir deploy` writes the definitions of a project into a store"),
            })
        })
    }
}

fn empty(url: &str) -> LifeError {
    let url = store::without_password(url);
    let message = format!("{} holds no project", quoted(&url));
    LifeError::refused(Diagnostic::unplaced(Code::S0201, message).help(format!("deploy one: `weir deploy PATH --store {url}`")))
}

/// A store that is there; opening alone would make one.
fn existing(url: &str) -> Result<Box<dyn Store>, LifeError> {
    let file = url.strip_prefix("sqlite:").filter(|file| *file != ":memory:" && !file.is_empty());
    match file {
        Some(file) if !Path::new(file).exists() => {
            let how = format!("`weir deploy PATH --store {url}` makes it");
            Err(StoreError::Failed(format!("{} isn't there: look at its name, or {how}", quoted(file))).into())
        }
        _ => Ok(open_store(url, &Schema::default())?),
    }
}
