//! Where in the language a cursor stands, by the tokens before it: what completion and hints go by.
//!
//! What is before the cursor is seldom whole, so nothing is parsed: brackets are matched, and the few words before each of
//! them say what stands inside. A place that isn't understood is [`Place::Value`], where anything may stand.

use super::around::{Around, Inside};
use super::session::Session;
use crate::check::clause_words;
use crate::schema::Entity;
use crate::syntax::{Token, tokens};
use crate::value::{EntityId, Type};

/// The parts of a `for each` behind its entity.
pub(super) const LOOP: [&str; 3] = ["where", "order", "limit"];

/// How long a word with hyphens may be.
const LONGEST_WORD: usize = 20;

/// What may stand at the cursor.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    /// The start of a statement or of a value.
    Start,
    /// What a `let` gives a name.
    Named,
    /// A clause or a statement of a flow on an entity.
    Flow(Option<EntityId>),
    /// An entity.
    Entity,
    /// A flow, a plug-in or an action: those that a word before it is about.
    Step(Steps),
    /// A user.
    User,
    /// A record.
    Record,
    /// A member of what stands before the dot.
    Member(Owner),
    /// A field that is written, in a list for an entity, beside those that are in it.
    Field(EntityId, Vec<String>),
    /// A field that records are ordered by.
    Ordered(EntityId),
    /// A value for a field, or beside a value of this type.
    Of(Type, Option<EntityId>),
    /// What an `expect` is about.
    Expect,
    /// One of these words.
    Words(Vec<&'static str>),
    /// A value; inside a query or a flow, of its entity.
    Value(Option<EntityId>),
    /// A text or a comment, where nothing is offered.
    Nothing,
}

/// Which flows, plug-ins and actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Steps {
    All,
    /// Flows that a user runs.
    OnDemand,
    /// Flows that others start.
    Children,
    Actions,
    /// Those whose code is outside the language.
    Outside,
}

/// What a member is looked for in.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Owner {
    /// A record of an entity.
    Record(EntityId),
    /// An entity by its name: its choices.
    Entity(EntityId),
    /// A choice by its name: its options.
    Options(Type),
    /// Something that has none.
    None,
}

/// A token that means something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub token: Token,
    pub text: &'a str,
}

/// The tokens before a cursor, and the part of a word right before it.
pub(super) struct Before<'a> {
    session: &'a Session,
    pub(super) seen: Vec<Seen<'a>>,
    /// What of a word is typed already.
    pub prefix: &'a str,
    in_text: bool,
    /// Whether nothing else stands before it on its line.
    line_first: bool,
}

impl<'a> Before<'a> {
    /// Looks at a text up to a cursor.
    pub fn new(session: &'a Session, text: &'a str) -> Self {
        let (mut seen, mut texts, mut comment) = (Vec::new(), 0, false);
        for (token, range) in tokens(text) {
            let end = range.end;
            let text_of = text.get(range).unwrap_or_default();
            comment = matches!(token, Token::Comment | Token::Doc | Token::FileDoc) && end == text.len();
            match token {
                Token::Space | Token::Comment | Token::Doc | Token::FileDoc => continue,
                Token::TextOpen => texts += 1,
                Token::TextClose => texts -= 1,
                _ => {}
            }
            seen.push(Seen { token, text: text_of });
        }
        let holes = seen.iter().map(|one| i32::from(one.token == Token::HoleOpen) - i32::from(one.token == Token::HoleClose)).sum::<i32>();
        let word_ends = seen.last().is_some_and(|last| last.token == Token::Word && text.ends_with(last.text));
        let mut prefix = if word_ends { seen.pop().map_or("", |last| last.text) } else { "" };
        // `pre-operation` is a word where a stage stands, and a subtraction elsewhere.
        let run = text.rfind(|letter: char| !letter.is_ascii_alphabetic() && letter != '-').map_or(0, |at| at + 1);
        let hyphened = text.get(run..).filter(|run| run.contains('-') && run.len() <= LONGEST_WORD).unwrap_or(prefix);
        let parts = tokens(hyphened).count().saturating_sub(usize::from(word_ends));
        let before = seen.len().checked_sub(parts + 1).and_then(|at| seen.get(at)).filter(|_| hyphened != prefix);
        if before.is_some_and(|before| matches!(before.text, "stage" | "mode")) {
            seen.truncate(seen.len() - parts);
            prefix = hyphened;
        }
        let line = text.strip_suffix(prefix).unwrap_or(text).rsplit('\n').next().unwrap_or_default();
        let line_first = line.trim().is_empty();
        Before { session, seen, prefix, line_first, in_text: comment || texts > holes }
    }

    /// What may stand at the cursor.
    pub fn place(&self) -> Place {
        if self.in_text {
            return Place::Nothing;
        }
        let end = self.seen.len();
        let (around, entity) = (self.around(), self.around_entity());
        match self.kind(end, 1) {
            Some(Token::Dot) => return Place::Member(self.owner(end - 1, entity)),
            Some(Token::Operator) => return self.beside(end, entity),
            _ => {}
        }
        if self.kind(end, 1) == Some(Token::Assign) && self.word(end, 3) == "let" {
            return Place::Named;
        }
        match self.word(end, 1) {
            "create" | "upsert" => return Place::Entity,
            "update" | "delete" | "assign" => return Place::Record,
            "on" if self.word(end, 3) == "flow" || self.word(end, 3) == "plugin" || self.word(end, 3) == "action" => return Place::Entity,
            "on" | "of" => return Place::Record,
            "run" => return Place::Step(Steps::OnDemand),
            "start" => return Place::Step(Steps::Children),
            "ran" | "job" => return Place::Step(Steps::All),
            "perform" => return Place::Step(Steps::Actions),
            "fake" => return Place::Step(Steps::Outside),
            "as" if self.word(end, 2) != "run" => return Place::User,
            "user" | "test" | "scenario" | "let" | "entity" | "flow" | "choice" | "action" | "role" if end == 1 => return Place::Nothing,
            "lookup" => return Place::Entity,
            "expect" => return Place::Expect,
            "change" => return Place::Words(vec!["status"]),
            "status" if self.word(end, 2) == "change" => return Place::Words(vec!["of"]),
            "each" => return Place::Entity,
            "order" => return Place::Words(vec!["by"]),
            word => match clause_words(word) {
                words if words.is_empty() => {}
                words => return Place::Words(words),
            },
        }
        match around {
            None if self.word(2, 1) == "each" => self.in_loop(),
            None if end == 0 => Place::Start,
            None => Place::Value(None),
            Some(around) => self.inside(&around),
        }
    }

    /// The entity whose fields may stand here by their bare names.
    fn around_entity(&self) -> Option<EntityId> {
        match self.around() {
            Some(around) => around.entity,
            None if self.word(2, 1) == "each" => self.entity(self.word(3, 1)).map(|(id, _)| id),
            None => None,
        }
    }

    /// Behind the entity of a `for each` whose body has not begun.
    fn in_loop(&self) -> Place {
        let Some((entity, _)) = self.entity(self.word(3, 1)) else { return Place::Entity };
        let part = self.seen.iter().rev().find(|one| one.token == Token::Word && LOOP.contains(&one.text));
        match part.map_or("", |part| part.text) {
            "" if self.seen.len() == 3 => Place::Words(LOOP.to_vec()),
            "where" => Place::Value(Some(entity)),
            "order" if matches!(self.kind(self.seen.len(), 1), Some(Token::Comma)) || self.word(self.seen.len(), 1) == "by" => {
                Place::Ordered(entity)
            }
            "order" => Place::Words(vec!["ascending", "descending", "limit"]),
            _ => Place::Value(None),
        }
    }

    fn inside(&self, around: &Around) -> Place {
        let end = self.seen.len();
        let first = end == around.open + 1;
        match (around.kind, around.entity) {
            (Inside::Query, _) if first => Place::Entity,
            (Inside::Query, entity)
                if self.seen.get(around.open + 1..).is_some_and(|inside| inside.iter().all(|one| one.text != "where")) =>
            {
                if entity.is_some() { Place::Words(vec!["where"]) } else { Place::Entity }
            }
            (Inside::Values, Some(entity)) if first || self.kind(end, 1) == Some(Token::Comma) => {
                Place::Field(entity, self.fields_in(around.open))
            }
            (Inside::Values, Some(entity)) if self.kind(end, 1) == Some(Token::Assign) => match self.field(entity, self.word(end, 2)) {
                Some(ty) => Place::Of(ty, None),
                None => Place::Value(None),
            },
            (Inside::Updated, Some(entity)) => Place::Field(entity, self.fields_in(around.open)),
            (Inside::Flow, entity) => match self.kind(end, 1) {
                Some(Token::Assign) => {
                    entity.and_then(|entity| self.field(entity, self.word(end, 2))).map_or(Place::Value(entity), |ty| Place::Of(ty, entity))
                }
                _ if self.line_first => Place::Flow(entity),
                Some(Token::BraceOpen | Token::BraceClose | Token::TextClose) => Place::Flow(entity),
                _ if self.word(end, 1) == "set" => entity.map_or(Place::Value(None), |entity| Place::Field(entity, Vec::new())),
                _ => Place::Value(entity),
            },
            (_, entity) => Place::Value(entity),
        }
    }

    /// The type of the path, or of the field, that ends right before the cursor.
    pub fn path_type(&self) -> Option<Type> {
        if self.in_text || self.prefix.is_empty() {
            return None;
        }
        let entity = self.around_entity();
        if self.kind(self.seen.len(), 1) == Some(Token::Dot) {
            return match self.owner(self.seen.len() - 1, entity) {
                Owner::Record(entity) => self.field(entity, self.prefix),
                _ => None,
            };
        }
        self.named(self.prefix, entity)
    }

    pub(super) fn kind(&self, end: usize, back: usize) -> Option<Token> {
        self.seen.get(end.checked_sub(back)?).map(|one| one.token)
    }

    pub(super) fn word(&self, end: usize, back: usize) -> &'a str {
        end.checked_sub(back).and_then(|at| self.seen.get(at)).filter(|one| one.token == Token::Word).map_or("", |one| one.text)
    }

    pub(super) fn entity(&self, name: &str) -> Option<(EntityId, &Entity)> {
        let schema = &self.session.compiled.schema;
        let id = schema.entity_id(name)?;
        Some((id, schema.entity(id)?))
    }

    pub(super) fn field(&self, entity: EntityId, name: &str) -> Option<Type> {
        let entity = self.session.compiled.schema.entity(entity)?;
        entity.field(entity.slot(name)?).map(|field| field.ty.clone())
    }

    /// The type of what a bare name stands for.
    pub(super) fn named(&self, name: &str, entity: Option<EntityId>) -> Option<Type> {
        let field = entity.and_then(|entity| self.field(entity, name));
        let local = || self.session.state.lines.named().find(|(known, ..)| *known == name).map(|(_, _, local)| local.ty.clone());
        field.or_else(local)
    }

    /// What the path is that ends before the dot at a place.
    pub(super) fn owner(&self, dot: usize, entity: Option<EntityId>) -> Owner {
        let mut names = Vec::new();
        let mut at = dot;
        loop {
            let name = self.word(at, 1);
            if name.is_empty() {
                return Owner::None;
            }
            names.push(name);
            if self.kind(at, 2) != Some(Token::Dot) {
                break;
            }
            at -= 2;
        }
        let mut names = names.into_iter().rev();
        let first = names.next().unwrap_or_default();
        let mut owner = match (self.named(first, entity), self.entity(first)) {
            (Some(ty), _) => of_type(&ty),
            (None, Some((id, _))) => Owner::Entity(id),
            (None, None) if matches!(first, "this" | "old") => entity.map_or(Owner::None, Owner::Record),
            (None, None) => self.session.compiled.schema.choice_id(first).map_or(Owner::None, |id| Owner::Options(Type::Choice(id))),
        };
        for name in names {
            owner = match owner {
                Owner::Record(entity) => self.field(entity, name).map_or(Owner::None, |ty| of_type(&ty)),
                Owner::Entity(entity) => self.field(entity, name).map_or(Owner::None, Owner::Options),
                _ => Owner::None,
            };
        }
        owner
    }

    /// What stands beside an operator: after `industry ==` an option of it.
    fn beside(&self, end: usize, entity: Option<EntityId>) -> Place {
        let compares = self.seen.last().is_some_and(|last| matches!(last.text, "==" | "!="));
        let name = self.word(end, 2);
        let ty = match self.kind(end, 3) {
            Some(Token::Dot) => match self.owner(end - 3, entity) {
                Owner::Record(entity) => self.field(entity, name),
                _ => None,
            },
            _ => self.named(name, entity),
        };
        match ty {
            Some(ty) if compares => Place::Of(ty, entity),
            _ => Place::Value(entity),
        }
    }
}

/// What the members of a value of this type are looked for in.
pub(super) fn of_type(ty: &Type) -> Owner {
    match ty {
        Type::Lookup(entities) => match entities.as_ref() {
            [only] => Owner::Record(*only),
            _ => Owner::None,
        },
        _ => Owner::None,
    }
}
