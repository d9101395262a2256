//! From a store to what it holds: each definition is linked to the schema there, and all that run are verified together before
//! any of them does.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::LifeError;
use crate::bytecode::{self, Bundle, Program};
use crate::check;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::pipeline::ADMINISTRATOR;
use crate::pipeline::definitions::{self, Category, Definition};
use crate::project::files::Text;
use crate::project::{CONFIG, Compiled, Config, Project};
use crate::schema::Schema;
use crate::source::{Sources, Span};
use crate::store::{Store, StoreError};
use crate::value::Uuid;
use crate::value::text::quoted;

/// What a store holds.
pub(super) struct Stored {
    /// Its schema, with the texts that declare it.
    pub schema: Bundle,
    /// Its definitions by name.
    pub pieces: Vec<Piece>,
}

/// A definition with what it holds.
pub(super) struct Piece {
    pub row: Definition,
    /// One flow, action or plug-in, with its text and the schema that it names.
    pub bundle: Bundle,
}

/// What a store holds, in the transaction that is open; nothing where nobody has deployed anything.
pub(super) fn stored(store: &mut dyn Store) -> Result<Option<Stored>, LifeError> {
    let built_in = built_in();
    let mut rows = definitions::stored(store, &built_in)?;
    let Some(at) = rows.iter().position(|row| row.category == Category::Schema) else { return Ok(None) };
    let row = rows.swap_remove(at);
    let bytes = definitions::bytes(store, &built_in, &row)?;
    let mut schema = bytecode::decode(&bytes).map_err(|error| unusable(&row, &error.to_string()))?;
    if !bytecode::missing(&built_in, &schema.schema).is_empty() {
        schema.schema = of_this_release(&schema.sources)?;
    }
    let mut pieces = rows.into_iter().map(|row| piece(store, &built_in, row)).collect::<Result<Vec<_>, _>>()?;
    pieces.sort_by(|one, other| one.row.name.cmp(&other.row.name));
    Ok(Some(Stored { schema, pieces }))
}

/// The schema that these texts declare, with the built-in entities as they are now: an older release deployed them, which knew fewer.
fn of_this_release(sources: &Sources) -> Result<Schema, LifeError> {
    let texts = sources.iter().filter(|(_, file)| &*file.name != CONFIG);
    let texts = texts.map(|(_, file)| Text { name: file.name.to_string(), bytes: file.text.as_bytes().to_vec(), line: 1 });
    let project = Project::of(texts.collect());
    project.compile().map(|compiled| Schema::clone(&compiled.schema)).map_err(|_| {
        let errors = project.diagnostics.iter().filter(|said| said.severity() == Severity::Error);
        let help = "an older release deployed this: mend it in the project and `weir deploy` it again";
        LifeError::Refused(errors.map(|error| error.clone().help(help)).collect(), project.sources.clone())
    })
}

/// The schema of the built-in entities alone.
pub(super) fn built_in() -> Schema {
    check::check(&[check::built_in(&mut Sources::default())]).schema
}

/// A definition with what it holds.
pub(super) fn piece(store: &mut dyn Store, built_in: &Schema, row: Definition) -> Result<Piece, LifeError> {
    let bytes = definitions::bytes(store, built_in, &row)?;
    let bundle = bytecode::decode_part(&bytes).map_err(|error| unusable(&row, &error.to_string()))?;
    let Program { flows, actions, plugins } = &bundle.program;
    let names = match row.category {
        Category::Flow if actions.is_empty() && plugins.is_empty() => flows.iter().map(|flow| &flow.head.name).collect(),
        Category::Action if flows.is_empty() && plugins.is_empty() => actions.iter().map(|action| &action.head.name).collect(),
        Category::Plugin if flows.is_empty() && actions.is_empty() => plugins.iter().map(|plugin| &plugin.head.name).collect(),
        _ => Vec::new(),
    };
    if names != [&row.name] {
        return Err(unusable(&row, "it holds something else"));
    }
    Ok(Piece { row, bundle })
}

impl Stored {
    /// The compiled project, verified.
    pub fn compiled(&self) -> Result<Compiled, LifeError> {
        let (mut sources, mut config) = (Sources::default(), Config::default());
        for (_, file) in self.schema.sources.iter() {
            if &*file.name == CONFIG {
                config = Config::of_store(&file.text)
                    .ok_or_else(|| StoreError::Unusable("the settings in the database can't be read".to_owned()))?;
            }
            sources.add(Arc::clone(&file.name), Arc::clone(&file.text));
        }
        let program = assemble(&self.schema.schema, &self.pieces, &mut sources);
        let program =
            program.map_err(|(name, why)| StoreError::Unusable(format!("the definition {} can't be used: {why}", quoted(&name))))?;
        let schema = Arc::new(self.schema.schema.clone());
        Ok(Compiled { schema, program: Arc::new(program), sources: Arc::new(sources), config, deployed: Arc::default() })
    }

    /// The same with one definition active, or not; says what is then wrong.
    pub fn verified_with(mut self, id: Uuid, active: bool) -> Result<(), String> {
        for piece in self.pieces.iter_mut().filter(|piece| piece.row.id == id) {
            piece.row.activation = active.then_some(id);
        }
        assemble(&self.schema.schema, &self.pieces, &mut Sources::default())
            .map(drop)
            .map_err(|(name, why)| format!("{}: {why}", quoted(&name)))
    }
}

impl Piece {
    /// Whether it is a flow that says of itself that it isn't to run.
    pub fn is_draft(&self) -> bool {
        self.bundle.program.flows.iter().any(|flow| flow.head.draft)
    }

    /// What a definition misses in a schema.
    pub fn unfit(&self, schema: &Schema) -> Option<Diagnostic> {
        let missing = bytecode::missing(&self.bundle.schema, schema);
        let message = || format!("{} is deployed and needs {}", self.shown(), missing.join(", "));
        (!missing.is_empty()).then(|| Diagnostic::unplaced(Code::S0208, message()))
    }

    /// Its name, and where it stood.
    pub fn shown(&self) -> String {
        format!("{} ({}:{})", quoted(&self.row.name), self.row.file, self.row.line)
    }

    /// Its program with the numbers of a schema. Its text becomes one of the sources.
    fn linked(&self, schema: &Schema, sources: &mut Sources) -> Result<Program, bytecode::LinkError> {
        let mut program = bytecode::link(&self.bundle.program, &self.bundle.schema, schema)?;
        let text = self.bundle.sources.iter().next().map(|(_, file)| Arc::clone(&file.text)).unwrap_or_default();
        let file = sources.add_from(&*self.row.file, text, self.row.line as usize);
        bytecode::place(&mut program, |span| Span { file, ..span });
        for flow in &mut program.flows {
            flow.head.draft = self.row.activation.is_none();
            flow.head.owner = (self.row.owner.id != ADMINISTRATOR).then(|| self.row.owner_name.clone());
        }
        Ok(program)
    }
}

/// All that runs, with the numbers of a schema, verified; else the name of a definition that can't be used, and why. What isn't
/// active is in it, as a draft, only where something active names it.
pub(super) fn assemble(schema: &Schema, pieces: &[Piece], sources: &mut Sources) -> Result<Program, (String, String)> {
    let mut program = Program::default();
    let mut taken = FxHashSet::default();
    let mut open: Vec<&Piece> = pieces.iter().filter(|piece| piece.row.activation.is_some()).collect();
    while let Some(piece) = open.pop() {
        if !taken.insert(&piece.row.name) {
            continue;
        }
        let linked = piece.linked(schema, sources).map_err(|error| (piece.row.name.to_string(), error.to_string()))?;
        let effects = linked.flows.iter().map(|flow| &flow.effects).chain(linked.actions.iter().map(|action| &action.effects));
        let named: BTreeSet<_> = effects.flat_map(|effects| effects.starts.iter().chain(&effects.queues)).cloned().collect();
        open.extend(pieces.iter().filter(|piece| piece.row.category == Category::Flow && named.contains(&piece.row.name)));
        program.flows.extend(linked.flows);
        program.actions.extend(linked.actions);
        program.plugins.extend(linked.plugins);
    }
    program.flows.sort_by(|one, other| one.head.name.cmp(&other.head.name));
    program.actions.sort_by(|one, other| one.head.name.cmp(&other.head.name));
    program.plugins.sort_by(|one, other| one.head.name.cmp(&other.head.name));
    bytecode::verify(&program, schema).map_err(|error| (error.flow.to_string(), error.to_string()))?;
    Ok(program)
}

fn unusable(row: &Definition, why: &str) -> LifeError {
    StoreError::Unusable(format!("what the database holds of the definition {} can't be used: {why}", quoted(&row.name))).into()
}
