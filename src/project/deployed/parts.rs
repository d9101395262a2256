//! From a compiled project to the parts that a store takes: the schema, and each flow, action and plug-in by itself.

use smol_str::SmolStr;

use super::LifeError;
use crate::bytecode::{self, FlowCode, Mode, Program, RunAs};
use crate::diagnostic::{Code, Diagnostic};
use crate::pipeline::definitions::{Category, hash};
use crate::project::{CONFIG, Compiled};
use crate::schema::Level;
use crate::source::{Sources, Span};
use crate::syntax::{self, ast};
use crate::value::Value;

/// The text of the built-in entities, among the sources.
const BUILT_IN: &str = "<built-in>";

/// A part of a project.
pub(super) struct Part {
    pub name: SmolStr,
    pub category: Category,
    /// The file that it stands in, and its line there.
    pub file: SmolStr,
    pub line: u32,
    /// Whether it is a draft.
    pub draft: bool,
    /// The full name of the user whom its `owner` clause names.
    pub owner: Option<SmolStr>,
    /// Its compiled form, with its text.
    pub bytes: Vec<u8>,
    /// The hash of that.
    pub hash: SmolStr,
    /// What people may want to see of it in the store.
    pub columns: Vec<(&'static str, Value)>,
}

impl Compiled {
    /// The parts of the project: first the schema, then the definitions in the order of the texts.
    pub(super) fn parts(&self) -> Result<Vec<Part>, LifeError> {
        let mut texts = Sources::default();
        texts.add(CONFIG, self.config.for_store());
        let mut parts = Vec::new();
        for (id, file) in self.sources.iter().filter(|(_, file)| ![BUILT_IN, CONFIG].contains(&&*file.name)) {
            let (tree, _) = syntax::parse(&self.sources, id);
            let mut of_schema = String::new();
            for item in &tree.items {
                match item {
                    ast::Item::Flow(flow) => parts.push(self.part(Category::Flow, &flow.name, flow.span)?),
                    ast::Item::Action(action) => parts.push(self.part(Category::Action, &action.name, action.span)?),
                    ast::Item::Plugin(plugin) => parts.push(self.part(Category::Plugin, &plugin.name, plugin.span)?),
                    ast::Item::Entity(ast::Entity { span, .. })
                    | ast::Item::Choice(ast::Choice { span, .. })
                    | ast::Item::Role(ast::Role { span, .. }) => {
                        of_schema += self.sources.slice(*span);
                        of_schema += "\n";
                    }
                    ast::Item::Test(_) | ast::Item::Scenario(_) | ast::Item::Given(_) => {}
                }
            }
            if !of_schema.is_empty() {
                texts.add(&*file.name, of_schema);
            }
        }
        let bytes = bytecode::encode(&self.schema, &Program::default(), &texts).ok_or_else(|| too_large("the schema"))?;
        let schema = Part {
            name: "schema".into(),
            category: Category::Schema,
            file: SmolStr::default(),
            line: 1,
            draft: false,
            owner: None,
            hash: hash(&bytes),
            bytes,
            columns: Vec::new(),
        };
        parts.insert(0, schema);
        Ok(parts)
    }

    fn part(&self, category: Category, name: &ast::Name, span: Span) -> Result<Part, LifeError> {
        let broken = || Diagnostic::unplaced(Code::E0806, format!("`{}` is in the text and not in what was compiled from it", name.text));
        let single = single(&self.program, category, &name.text);
        let excerpt = bytecode::excerpt(&single, &self.schema, span).ok().filter(|(_, program)| *program != Program::default());
        let (schema, program) = excerpt.ok_or_else(|| LifeError::refused(broken()))?;
        let mut text = Sources::default();
        text.add(&*name.text, self.sources.slice(span));
        let bytes = bytecode::encode(&schema, &program, &text).ok_or_else(|| too_large(&name.text))?;
        let flow = single.flows.first().map(|flow| &flow.head);
        Ok(Part {
            name: name.text.clone(),
            category,
            file: self.sources.get(span.file).map(|file| SmolStr::new(&file.name)).unwrap_or_default(),
            line: u32::try_from(self.sources.position(span).line).unwrap_or(1),
            draft: flow.is_some_and(|head| head.draft),
            owner: flow.and_then(|head| head.owner.clone()),
            hash: hash(&bytes),
            bytes,
            columns: self.columns(&single),
        })
    }

    fn columns(&self, single: &Program) -> Vec<(&'static str, Value)> {
        let mode = |mode: Mode| Value::Choice(i32::from(mode == Mode::RealTime));
        let entity = |id| self.schema.entity(id).map_or(Value::Empty, |entity| Value::Text(entity.name.clone()));
        if let Some(head) = single.flows.first().map(|flow| &flow.head) {
            return vec![
                ("mode", mode(head.mode)),
                ("primaryentity", entity(head.entity)),
                ("rank", Value::Integer(head.rank.into())),
                ("scope", Value::Choice(scope(head.scope))),
                ("runas", Value::Choice(i32::from(head.run_as == RunAs::Caller))),
                ("waitson", self.waits_on(single)),
            ];
        }
        if let Some(head) = single.plugins.first().map(|plugin| &plugin.head) {
            let rank = Value::Integer(head.rank.into());
            return vec![("mode", mode(head.mode)), ("primaryentity", entity(head.entity)), ("rank", rank)];
        }
        let on = single.actions.first().and_then(|action| action.head.entity);
        vec![("mode", mode(Mode::RealTime)), ("primaryentity", on.map_or(Value::Empty, entity))]
    }
}

impl Compiled {
    /// The fields that the waits of a flow look at, as its row names them.
    fn waits_on(&self, single: &Program) -> Value {
        let fields = single.flows.iter().flat_map(FlowCode::awaited);
        let named = fields
            .filter_map(|(entity, slot)| Some(format!("{}.{}", self.schema.entity(entity)?.name, self.schema.field(entity, slot)?.name)));
        let named: Vec<String> = named.collect();
        if named.is_empty() { Value::Empty } else { Value::Text(named.join(" ").into()) }
    }
}

/// The platform's number of a scope.
fn scope(level: Level) -> i32 {
    match level {
        Level::User => 1,
        Level::BusinessUnit => 2,
        Level::ParentAndChildBusinessUnits => 3,
        Level::Organization => 4,
    }
}

/// A program of one definition.
fn single(program: &Program, category: Category, name: &str) -> Program {
    let mut single = Program::default();
    match category {
        Category::Flow => single.flows.extend(program.flow(name).cloned()),
        Category::Action => single.actions.extend(program.action(name).cloned()),
        Category::Plugin => single.plugins.extend(program.plugins.iter().find(|plugin| plugin.head.name == name).cloned()),
        Category::Schema => {}
    }
    single
}

fn too_large(what: &str) -> LifeError {
    let message = format!("`{what}` is larger than a definition can be: {} MiB", bytecode::MAX_FILE >> 20);
    LifeError::refused(Diagnostic::unplaced(Code::E0805, message))
}
