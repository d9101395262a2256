//! What code outside the language declares to do: `reads`, `sets`, `creates`, … or `effects unknown`.

use rustc_hash::FxHashSet;
use smol_str::SmolStr;

use super::super::declare::{Declare, suggest};
use super::{Actions, Clauses, Owner};
use crate::bytecode::Effects;
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::FieldSet;
use crate::syntax::ast::Name;
use crate::value::EntityId;

/// Reads the clauses about effects. `entity` is that of the record, `actions` are the names of all actions.
pub(super) fn read(owner: Owner, entity: Option<EntityId>, clauses: &Clauses, actions: &Actions, declare: &mut Declare) -> Effects {
    let mut effects = Effects { may_stop: true, ..Effects::default() };
    if let Some((_, span)) = clauses.unknown {
        effects.unknown = true;
        if let Some((word, _)) = clauses.effects.first() {
            declare.report(
                Diagnostic::new(Code::E0346, span, format!("`effects unknown` beside `{}`", word.text))
                    .also(word.span, "this says what it does")
                    .help("keep one of the two: a list is held against what the code does, `effects unknown` allows everything"),
            );
        }
    }
    let mut reader = Reader { owner, entity, actions, effects, seen: FxHashSet::default(), declare };
    for (word, names) in &clauses.effects {
        names.iter().for_each(|name| reader.name(word, name));
    }
    // The record as it was before is read by the same word.
    reader.effects.old = reader.effects.reads.clone();
    reader.effects
}

struct Reader<'a, 'd> {
    owner: Owner,
    entity: Option<EntityId>,
    actions: &'a Actions<'a>,
    effects: Effects,
    seen: FxHashSet<(SmolStr, SmolStr)>,
    declare: &'a mut Declare<'d>,
}

impl Reader<'_, '_> {
    fn name(&mut self, word: &Name, name: &Name) {
        if !self.seen.insert((word.text.clone(), name.text.clone())) {
            let problem = Diagnostic::new(Code::E0348, name.span, format!("`{} {}` stands twice", word.text, name.text));
            return self.declare.report(problem.help("name each once"));
        }
        match word.text.as_str() {
            "reads" | "sets" => self.field(word, name),
            "performs" => self.action(name),
            _ => self.entity_named(word, name),
        }
    }

    fn field(&mut self, word: &Name, name: &Name) {
        let Some(entity) = self.entity.and_then(|id| self.declare.schema.entity(id)) else {
            let message = format!("a global action has no record of its own, so it can't declare `{}`", word.text);
            let help = "declare the action `on` an entity, or what it does with records of others: `queries account`, `updates account`";
            return self.declare.report(Diagnostic::new(Code::E0347, name.span, message).help(help));
        };
        if let Some(slot) = entity.slot(&name.text) {
            if word.text == "reads" {
                self.effects.reads.insert(slot)
            } else {
                self.effects.sets.insert(slot)
            }
            return;
        }
        let message = format!("`{}` has no field `{}`", entity.name, name.text);
        let near = self.declare.nearest(&name.text, entity.fields.keys().map(SmolStr::as_str)).map(str::to_owned);
        self.unknown(name, message, near, &format!("name a field of the {}'s own entity", self.owner.word()));
    }

    fn action(&mut self, name: &Name) {
        if self.actions.contains_key(name.text.as_str()) {
            self.effects.performs.insert(name.text.clone());
            return;
        }
        let near = self.declare.nearest(&name.text, self.actions.keys().copied()).map(str::to_owned);
        self.unknown(name, format!("there is no action `{}`", name.text), near, "name an action of the project");
    }

    fn entity_named(&mut self, word: &Name, name: &Name) {
        let Some(id) = self.declare.schema.entity_id(&name.text) else {
            let near = self.declare.nearest(&name.text, self.declare.schema.entities.keys().map(SmolStr::as_str)).map(str::to_owned);
            return self.unknown(name, format!("there is no entity `{}`", name.text), near, "name an entity of the project");
        };
        match word.text.as_str() {
            "creates" => self.effects.creates.insert(id),
            "deletes" => self.effects.deletes.insert(id),
            "updates" => self.effects.updates.insert(id, self.all_fields(id)).is_none(),
            _ => self.effects.queries.insert(id, self.all_fields(id)).is_none(),
        };
    }

    fn all_fields(&self, entity: EntityId) -> FieldSet {
        self.declare.schema.entity(entity).into_iter().flat_map(|entity| entity.fields()).map(|(slot, _)| slot).collect()
    }

    fn unknown(&mut self, name: &Name, message: String, near: Option<String>, help: &str) {
        if self.declare.broken.contains(&name.text) {
            return;
        }
        let problem = Diagnostic::new(Code::E0347, name.span, message);
        self.declare.report(match near {
            Some(near) => suggest(problem, name.span, &near),
            None => problem.help(help),
        });
    }
}
