//! What the pages are made of: the declarations with their comments, and who reads and writes which field.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use crate::bytecode::{self, Effects, Program, Signature};
use crate::project::{Compiled, Project};
use crate::schema::FieldSet;
use crate::source::Span;
use crate::syntax::{self, ast};
use crate::value::{EntityId, Slot};

/// The flows, plug-ins and actions that do something with a field.
pub(super) type Users = BTreeMap<(EntityId, Slot), BTreeSet<SmolStr>>;

/// A project as it is told.
pub(super) struct Book<'a> {
    pub title: String,
    pub project: &'a Project,
    pub compiled: &'a Compiled,
    /// The files of the project, without the built-in one.
    files: Vec<ast::File>,
    /// The entities that every project has, as far as this one has to do with them.
    built_in: Vec<ast::Entity>,
    pub writers: Users,
    pub readers: Users,
    signatures: Vec<Signature>,
}

/// A declaration with code.
#[derive(Clone, Copy)]
pub(super) enum Coded<'a> {
    Flow(&'a ast::Flow),
    Action(&'a ast::Action),
    Plugin(&'a ast::Plugin),
}

impl<'a> Book<'a> {
    pub fn new(title: String, project: &'a Project, compiled: &'a Compiled) -> Self {
        let files = project.sources.iter().skip(1).filter(|(_, file)| file.name.ends_with(".flow") || &*file.name == "<stdin>");
        let files: Vec<ast::File> = files.map(|(id, _)| syntax::parse(&project.sources, id).0).collect();
        let signatures = bytecode::signatures(&compiled.program, &compiled.schema, &project.sources);
        let (writers, readers) = users(&compiled.program);
        let mut book = Book { title, project, compiled, files, built_in: Vec::new(), writers, readers, signatures };
        let met = book.met();
        let built_in = project.sources.iter().next().map(|(id, _)| syntax::parse(&project.sources, id).0.items).unwrap_or_default();
        book.built_in = built_in
            .into_iter()
            .filter_map(|item| if let ast::Item::Entity(entity) = item { Some(entity) } else { None })
            .filter(|entity| met.contains(&entity.name.text))
            .collect();
        book
    }

    /// The entities that the project names: by a lookup, by code on one, or by what code does.
    fn met(&self) -> BTreeSet<SmolStr> {
        let mut met: BTreeSet<SmolStr> =
            self.entities().into_iter().flat_map(lookups).flat_map(|(_, targets)| targets).map(|target| target.text.clone()).collect();
        met.extend(self.all_coded().filter_map(Coded::entity).map(SmolStr::from));
        let ids = self.writers.keys().chain(self.readers.keys()).map(|(entity, _)| *entity);
        met.extend(ids.filter_map(|id| Some(self.compiled.schema.entity(id)?.name.clone())));
        met.extend(self.signatures.iter().flat_map(|signature| signature.creates.iter().chain(&signature.deletes)).map(SmolStr::from));
        met
    }

    /// The comments at the heads of the files, each with its file.
    pub fn introductions(&self) -> impl Iterator<Item = (&str, &str)> {
        let name = |file: &ast::File| self.project.sources.get(file.id).map_or("", |source| &source.name);
        self.files.iter().filter_map(move |file| Some((name(file), file.doc.as_deref()?)))
    }

    /// The entities that have a page, by name: those that the project declares, and the built-in ones that it has to do with.
    pub fn entities(&self) -> Vec<&ast::Entity> {
        let own = self.items().filter_map(|item| if let ast::Item::Entity(entity) = item { Some(entity) } else { None });
        let mut entities: Vec<_> = own.chain(&self.built_in).collect();
        entities.sort_by(|one, other| one.name.text.cmp(&other.name.text));
        entities
    }

    /// The named choices.
    pub fn choices(&self) -> impl Iterator<Item = &ast::Choice> {
        self.items().filter_map(|item| if let ast::Item::Choice(choice) = item { Some(choice) } else { None })
    }

    /// The roles.
    pub fn roles(&self) -> impl Iterator<Item = &ast::Role> {
        self.items().filter_map(|item| if let ast::Item::Role(role) = item { Some(role) } else { None })
    }

    /// The flows, actions and plug-ins on an entity, or the actions on none, by name.
    pub fn coded(&self, entity: Option<&str>) -> Vec<Coded<'_>> {
        let mut coded: Vec<_> = self.all_coded().filter(|coded| coded.entity() == entity).collect();
        coded.sort_by_key(|coded| coded.name());
        coded
    }

    /// Something with code, where the project declares it.
    pub fn find(&self, name: &str) -> Option<Coded<'_>> {
        self.all_coded().find(|coded| coded.name() == name)
    }

    fn all_coded(&self) -> impl Iterator<Item = Coded<'_>> {
        self.items().filter_map(|item| match item {
            ast::Item::Flow(flow) => Some(Coded::Flow(flow)),
            ast::Item::Action(action) => Some(Coded::Action(action)),
            ast::Item::Plugin(plugin) => Some(Coded::Plugin(plugin)),
            _ => None,
        })
    }

    /// Whether there is a page of an entity.
    pub fn has(&self, entity: &str) -> bool {
        let own = self.items().any(|item| matches!(item, ast::Item::Entity(own) if own.name.text == entity));
        own || self.is_built_in(entity)
    }

    /// Whether it is an entity with a page that every project has.
    pub fn is_built_in(&self, entity: &str) -> bool {
        self.built_in.iter().any(|own| own.name.text == entity)
    }

    /// What a flow does at most.
    pub fn signature(&self, flow: &str) -> Option<&Signature> {
        self.signatures.iter().find(|signature| signature.flow == flow)
    }

    /// A part of a file, as it is written.
    pub fn text(&self, span: Span) -> &str {
        self.project.sources.slice(span)
    }

    /// Where something stands: `rules.flow:12`.
    pub fn place(&self, span: Span) -> String {
        let file = self.project.sources.get(span.file).map_or("", |file| &file.name);
        format!("{file}:{}", self.project.sources.position(span).line)
    }

    fn items(&self) -> impl Iterator<Item = &ast::Item> {
        self.files.iter().flat_map(|file| &file.items)
    }
}

impl<'a> Coded<'a> {
    pub fn name(self) -> &'a str {
        match self {
            Coded::Flow(flow) => &flow.name.text,
            Coded::Action(action) => &action.name.text,
            Coded::Plugin(plugin) => &plugin.name.text,
        }
    }

    pub fn kind(self) -> &'static str {
        match self {
            Coded::Flow(_) => "flow",
            Coded::Action(_) => "action",
            Coded::Plugin(_) => "plug-in",
        }
    }

    pub fn doc(self) -> &'a str {
        let doc = match self {
            Coded::Flow(flow) => &flow.doc,
            Coded::Action(action) => &action.doc,
            Coded::Plugin(plugin) => &plugin.doc,
        };
        doc.as_deref().unwrap_or("")
    }

    pub fn clauses(self) -> &'a [ast::Clause] {
        match self {
            Coded::Flow(flow) => &flow.clauses,
            Coded::Action(action) => &action.clauses,
            Coded::Plugin(plugin) => &plugin.clauses,
        }
    }

    pub fn span(self) -> Span {
        match self {
            Coded::Flow(flow) => flow.span,
            Coded::Action(action) => action.span,
            Coded::Plugin(plugin) => plugin.span,
        }
    }

    /// The entity on whose page it is told; none for an action on no record.
    pub fn entity(self) -> Option<&'a str> {
        match self {
            Coded::Flow(flow) => Some(&flow.entity.text),
            Coded::Action(action) => action.entity.as_ref().map(|name| name.text.as_str()),
            Coded::Plugin(plugin) => Some(&plugin.entity.text),
        }
    }
}

/// The lookups of an entity, each with what it refers to.
pub(super) fn lookups(entity: &ast::Entity) -> impl Iterator<Item = (&ast::Field, &[ast::Name])> {
    entity.members.iter().filter_map(|member| match member {
        ast::Member::Field(field) => match &field.ty.kind {
            ast::TypeKind::Lookup(targets) => Some((field, targets.as_slice())),
            _ => None,
        },
        _ => None,
    })
}

/// Who writes and who reads each field.
fn users(program: &Program) -> (Users, Users) {
    let (mut writers, mut readers) = (Users::new(), Users::new());
    let flows = program.flows.iter().map(|flow| (&flow.head.name, Some(flow.head.entity), &flow.effects, Some(&flow.body)));
    let actions = program.actions.iter().map(|action| (&action.head.name, action.head.entity, &action.effects, action.body.as_ref()));
    let plugins = program.plugins.iter().map(|plugin| (&plugin.head.name, Some(plugin.head.entity), &plugin.effects, None));
    for (name, entity, effects, body) in flows.chain(actions).chain(plugins) {
        let Effects { reads, old, related, queries, sets, updates, .. } = effects;
        if let Some(entity) = entity {
            note(&mut writers, entity, sets, name);
            [reads, old].into_iter().for_each(|fields| note(&mut readers, entity, fields, name));
        }
        updates.iter().for_each(|(entity, fields)| note(&mut writers, *entity, fields, name));
        related.iter().chain(queries).for_each(|(entity, fields)| note(&mut readers, *entity, fields, name));
        for list in body.into_iter().flat_map(|body| &body.writes) {
            note(&mut writers, list.entity, &list.slots.iter().copied().collect(), name);
        }
    }
    (writers, readers)
}

fn note(users: &mut Users, entity: EntityId, fields: &FieldSet, name: &SmolStr) {
    for slot in fields.iter() {
        users.entry((entity, slot)).or_default().insert(name.clone());
    }
}
