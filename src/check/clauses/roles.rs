//! From a role as written to a [`Role`]: its rights held against the entities that they are about.

use rustc_hash::FxHashMap;

use super::super::declare::{Declare, suggest};
use super::{entity, words};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{Level, Ownership, Power, Right, Role};
use crate::source::Span;
use crate::syntax::ast::{self, Name};
use crate::value::EntityId;

/// What people are used to from elsewhere, and what it is here.
const HABITS: [(&str, &str); 8] = [
    ("update", "write"),
    ("change", "write"),
    ("view", "read"),
    ("select", "read"),
    ("insert", "create"),
    ("remove", "delete"),
    ("appendto", "append to"),
    ("run", "execute flow"),
];

/// Something that a privilege gives.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Given {
    Right(Right),
    Power(Power),
}

/// Reads a role.
pub(super) fn read(source: &ast::Role, declare: &mut Declare) -> Role {
    let role = Role { name: source.name.text.clone(), ..Role::default() };
    let mut reader = Reader { role, seen: FxHashMap::default(), declare };
    source.privileges.iter().for_each(|privilege| reader.privilege(privilege));
    reader.role
}

struct Reader<'c, 'd> {
    role: Role,
    /// What it gives so far, with the places of the word and of the entity.
    seen: FxHashMap<(Given, Option<EntityId>), (Span, Span)>,
    declare: &'c mut Declare<'d>,
}

impl Reader<'_, '_> {
    fn privilege(&mut self, privilege: &ast::Privilege) {
        let level = privilege.level.as_ref().map(|name| (words::level("at", name, self.declare).unwrap_or(Level::Organization), name.span));
        let entities: Vec<(EntityId, &Name)> =
            privilege.entities.iter().filter_map(|name| Some((entity(name, self.declare)?, name))).collect();
        let mut told = false;
        for name in &privilege.rights {
            match self.given(name) {
                Some(Given::Right(_)) if privilege.entities.is_empty() && told => {}
                Some(Given::Right(right)) if privilege.entities.is_empty() => {
                    told = true;
                    self.without_entity(right, name);
                }
                Some(Given::Right(right)) => entities.iter().for_each(|(id, on)| self.right(right, name, (*id, on), level)),
                Some(Given::Power(power)) => self.power(power, name, privilege),
                None => {}
            }
        }
    }

    /// What a word gives; where it isn't known, says which it could be and takes it for that.
    fn given(&mut self, name: &Name) -> Option<Given> {
        let all = || Right::ALL.map(Given::Right).into_iter().chain(Power::ALL.map(Given::Power));
        let find = |word: &str| all().find(|given| given.word() == word);
        if let Some(given) = find(&name.text) {
            return Some(given);
        }
        let problem = Diagnostic::new(Code::E0350, name.span, format!("there is no privilege `{}`", name.text));
        let lower = name.text.to_lowercase();
        if lower == "share" {
            self.declare.report(problem.help("records aren't shared here: who may do what follows from their owner and the level"));
            return None;
        }
        let habit = HABITS.iter().find(|(word, _)| *word == lower).map(|(_, meant)| *meant);
        let meant = habit.or_else(|| self.declare.nearest(&name.text, all().map(Given::word)));
        self.declare.report(match meant {
            Some(meant) => suggest(problem, name.span, meant),
            None => {
                let words: Vec<&str> = all().map(Given::word).collect();
                problem.help(format!("the privileges are {}", words.join(", ")))
            }
        });
        meant.and_then(find)
    }

    fn right(&mut self, right: Right, name: &Name, (id, on): (EntityId, &Name), level: Option<(Level, Span)>) {
        let owned_by_all = self.declare.schema.entity(id).is_some_and(|entity| entity.owned_by == Ownership::Organization);
        let reach = level.map_or(Level::Organization, |(level, _)| level);
        if owned_by_all && right == Right::Assign {
            let problem = format!("records of `{}` belong to the organization, so nobody assigns them", on.text);
            let problem = Diagnostic::new(Code::E0353, name.span, problem).also(on.span, "owned by organization");
            return self.declare.report(problem.help("give `assign` in a privilege without this entity"));
        }
        if let (true, Some((_, span))) = (owned_by_all && reach != Level::Organization, level) {
            let problem = format!("records of `{}` belong to the organization, so a privilege reaches all of them or none", on.text);
            self.declare.report(
                Diagnostic::new(Code::E0353, span, problem)
                    .also(on.span, "owned by organization")
                    .help("give this entity a privilege of its own: `at organization`, or no level at all"),
            );
            return;
        }
        if self.is_new(Given::Right(right), name, Some((id, on))) {
            self.role.rights.insert((id, right), reach);
        }
    }

    fn power(&mut self, power: Power, name: &Name, privilege: &ast::Privilege) {
        let entity = privilege.entities.first().map(|entity| (entity.span, "names no entity"));
        if let Some((span, what)) = entity.or_else(|| privilege.level.as_ref().map(|level| (level.span, "has no level"))) {
            let problem = format!("`{}` is about no records, so it {what}", power.name());
            let problem = Diagnostic::new(Code::E0351, name.span, problem).also(span, "");
            self.declare.report(problem.help(format!("give it a line of its own: `privilege {}`", power.name())));
            return;
        }
        if self.is_new(Given::Power(power), name, None) {
            self.role.powers.insert(power);
        }
    }

    fn without_entity(&mut self, right: Right, name: &Name) {
        let problem = Diagnostic::new(Code::E0351, name.span, format!("`{}` on which records?", right.name()));
        self.declare.report(problem.help(format!("name the entities: `privilege {} on account`", right.name())));
    }

    /// Whether the role didn't give this before; says so where it did.
    fn is_new(&mut self, given: Given, name: &Name, entity: Option<(EntityId, &Name)>) -> bool {
        let own = (name.span, entity.map_or(name.span, |(_, on)| on.span));
        let Some(first) = self.seen.insert((given, entity.map(|(id, _)| id)), own) else { return true };
        // One word for an entity that stands twice: then the entity is what is too much.
        let (again, first) = if first.0 == own.0 { (own.1, first.1) } else { (own.0, first.0) };
        let on = entity.map(|(_, on)| format!(" on `{}`", on.text)).unwrap_or_default();
        self.declare.report(
            Diagnostic::new(Code::E0352, again, format!("the role gives `{}`{on} twice", given.word()))
                .also(first, "the first one is here")
                .help("keep the one with the level that is meant"),
        );
        false
    }
}

impl Given {
    fn word(self) -> &'static str {
        match self {
            Given::Right(right) => right.name(),
            Given::Power(power) => power.name(),
        }
    }
}
