//! From the trees of a project to its [`Schema`]. Everything that is wrong with a declaration of an entity or
//! a choice is found here; flows are no concern of it.
//!
//! What is wrong stays as small as it can: an entity with a bad field has its other fields, and the bad field
//! too where a type could be guessed, so that one mistake doesn't make others out of the flows that use it.

mod choices;
mod default;
mod entity;
mod mapping;
mod system;
mod types;

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::schema::{MAX_CHOICES, MAX_ENTITIES, MAX_NAME, Schema};
use crate::source::{FileId, Span};
use crate::syntax::ast;
use crate::value::text::quoted;
use crate::value::{ChoiceId, EntityId};

pub(super) use types::Typed;

/// How the names begin that the databases below, and the tables that the platform keeps in them, have for themselves.
const RESERVED_BY_STORES: [&str; 3] = ["sqlite_", "pg_", "weir_"];

/// The state of declaring.
pub(super) struct Declare<'d> {
    /// The file of the built-in entities.
    built_in: Option<FileId>,
    /// Every entity with its number and the place of its name.
    entities: FxHashMap<SmolStr, (EntityId, Span)>,
    /// Every declared choice with the place of its name.
    choices: FxHashMap<SmolStr, Span>,
    /// All entities: what `lookup any` refers to.
    any: Arc<[EntityId]>,
    /// What there is so far.
    pub(super) schema: Schema,
    /// Names whose declaration is too broken to be in the schema: what uses one has no error of its own.
    pub(super) broken: FxHashSet<SmolStr>,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl<'d> Declare<'d> {
    /// Declares the entities and choices of a project's files, the first of which is the built-in one.
    pub(super) fn new(files: &[ast::File], diagnostics: &'d mut Vec<Diagnostic>) -> Self {
        let mut declare = Declare {
            built_in: files.first().map(|file| file.id),
            entities: FxHashMap::default(),
            choices: FxHashMap::default(),
            any: Arc::new([]),
            schema: Schema::default(),
            broken: files.iter().flat_map(|file| file.unread.iter().cloned()).collect(),
            diagnostics,
        };
        let (entities, choices) = declare.names(files);
        choices.into_iter().for_each(|choice| declare.choice(choice));
        for entity in &entities {
            let declared = declare.entity(entity);
            declare.schema.entities.insert(entity.name.text.clone(), declared);
        }
        declare.mappings(&entities);
        declare
    }

    /// The type of a flow's input.
    pub(super) fn input_type(&mut self, ty: &ast::TypeExpr) -> Option<Typed> {
        self.typed(ty, None)
    }

    /// Says something.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The candidate that was probably meant. Nothing is looked for behind a thousand problems: a suggestion costs the square of the names.
    pub(super) fn nearest<'n>(&self, word: &str, candidates: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
        if self.is_full() { None } else { nearest(word, candidates) }
    }

    /// Whether there are so many problems that nobody will read a suggestion.
    fn is_full(&self) -> bool {
        self.diagnostics.len() >= 1_000
    }

    /// Gives every entity its number and every name its place; gives back what is to be declared.
    fn names<'a>(&mut self, files: &'a [ast::File]) -> (Vec<&'a ast::Entity>, Vec<&'a ast::Choice>) {
        let (mut entities, mut choices, mut full) = (Vec::new(), Vec::new(), false);
        let mut places: FxHashMap<String, &'a ast::Name> = FxHashMap::default();
        for item in files.iter().flat_map(|file| &file.items) {
            let name = match item {
                ast::Item::Entity(entity) => &entity.name,
                ast::Item::Choice(choice) => &choice.name,
                _ => continue,
            };
            if let Some(first) = places.get(&name.text.to_ascii_lowercase()) {
                let problem = if Some(first.span.file) == self.built_in { reserved(name, first) } else { twice("name", name, first) };
                self.report(problem);
                continue;
            }
            places.insert(name.text.to_ascii_lowercase(), name);
            if matches!(item, ast::Item::Entity(_)) {
                self.length_of(name);
            }
            let key = if let ast::Item::Entity(entity) = item { system::primary_key(entity) } else { SmolStr::default() };
            match item {
                ast::Item::Entity(_) if crate::schema::system::ALL.contains(&key.to_ascii_lowercase().as_str()) => {
                    self.broken.insert(name.text.clone());
                    let problem =
                        format!("an entity can't be called `{}`: its primary key would be `{key}`, which every entity has", name.text);
                    self.report(Diagnostic::new(Code::E0203, name.span, problem).help("give it another name"));
                }
                ast::Item::Entity(_) if RESERVED_BY_STORES.iter().any(|start| key.to_ascii_lowercase().starts_with(start)) => {
                    self.broken.insert(name.text.clone());
                    let problem = format!("an entity can't be called `{}`: stores have tables of such names themselves", name.text);
                    self.report(Diagnostic::new(Code::E0203, name.span, problem).help("give it another name"));
                }
                ast::Item::Entity(entity) if entities.len() < MAX_ENTITIES => {
                    self.entities.insert(name.text.clone(), (EntityId(entities.len() as u16), name.span));
                    entities.push(entity);
                }
                ast::Item::Entity(_) => {
                    self.broken.insert(name.text.clone());
                    let first = !std::mem::replace(&mut full, true);
                    if first {
                        self.report(Diagnostic::new(Code::E0219, name.span, format!("a project has {MAX_ENTITIES} entities at most")));
                    }
                }
                ast::Item::Choice(choice) => {
                    self.choices.insert(name.text.clone(), name.span);
                    choices.push(choice);
                }
                _ => {}
            }
        }
        self.any = (0..entities.len()).map(|index| EntityId(index as u16)).collect();
        (entities, choices)
    }

    /// Says so where a table or column can't be named like this.
    pub(super) fn length_of(&mut self, name: &ast::Name) {
        if name.text.len() > MAX_NAME {
            let problem = format!("{} is longer than {MAX_NAME} characters", quoted(&name.text));
            self.report(Diagnostic::new(Code::E0222, name.span, problem).help("choose a shorter name, and say the rest in a label"));
        }
    }

    /// Takes in a choice and gives it its number; beyond the limit it gets the number of another.
    fn add_choice(&mut self, choice: crate::schema::Choice, span: Span) -> ChoiceId {
        if self.schema.choices.len() >= MAX_CHOICES {
            self.report(Diagnostic::new(Code::E0219, span, format!("a project has {MAX_CHOICES} choices at most, inline ones included")));
            return ChoiceId(0);
        }
        let (index, _) = self.schema.choices.insert_full(choice.name.clone(), choice);
        ChoiceId(index as u16)
    }

    /// The entity of a name; else a word about it, and the one that was probably meant.
    fn entity_named(&mut self, name: &ast::Name) -> Option<EntityId> {
        if let Some((id, _)) = self.entities.get(&name.text) {
            return Some(*id);
        }
        if self.broken.contains(&name.text) {
            return None;
        }
        let problem = Diagnostic::new(Code::E0205, name.span, format!("there is no entity `{}`", name.text));
        let (problem, guess) = match self.nearest(&name.text, self.entities.keys().map(SmolStr::as_str)) {
            Some(near) => (suggest(problem, name.span, near), self.entities.get(near).map(|(id, _)| *id)),
            None if matches!(name.text.as_str(), "user" | "users" | "owner") => (suggest(problem, name.span, "systemuser"), None),
            None => (problem.help(format!("declare it: `entity {} {{ … }}`", name.text)), None),
        };
        self.report(problem);
        guess
    }
}

/// Says which word was meant, and puts it in its place.
pub(super) fn suggest(problem: Diagnostic, span: Span, near: &str) -> Diagnostic {
    problem.help(format!("did you mean `{near}`?")).fix(span, near)
}

/// A name that is declared already; `what` is what it names, in words.
pub(super) fn twice(what: &str, name: &ast::Name, first: &ast::Name) -> Diagnostic {
    let message = if name.text == first.text {
        format!("the {what} `{}` is declared twice", name.text)
    } else {
        format!("the {what}s `{}` and `{}` differ only in the case of their letters", first.text, name.text)
    };
    Diagnostic::new(Code::E0201, name.span, message).also(first.span, "the first one is here").help("give one of them another name")
}

fn reserved(name: &ast::Name, first: &ast::Name) -> Diagnostic {
    Diagnostic::new(Code::E0203, name.span, format!("`{}` is a built-in entity", first.text))
        .help("every project has it already: use it as it is, or give this one another name")
}
