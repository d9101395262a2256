//! What Tab offers: words, names and options that may stand at the cursor; and the hint behind it, the only one of them or a type.

use std::borrow::Cow;

use super::commands::{self, COMMANDS, LIST, Offers};
use super::list::BEFORE;
use super::place::{Before, Owner, Place, Steps};
use super::session::Session;
use super::words;
use crate::bytecode::FlowHead;
use crate::check::QUERIES;
use crate::diagnostic::Code;
use crate::pipeline::order::MESSAGES;
use crate::project::written::{literal, title};
use crate::syntax::keywords::{
    BETWEEN, CLAUSES, DECLARATIONS, EXPECTATIONS, NAMED, ONLY_IN_FLOWS, ONLY_IN_TESTS, OPERATORS, STATEMENTS, VALUES,
};
use crate::value::{EntityId, Function, Type};

/// How many options a hint names.
const MOST_OPTIONS: usize = 6;

/// Something that is offered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Offer {
    /// What is written.
    pub text: String,
    /// What is told beside it: a type.
    pub about: String,
}

/// The start of what is replaced, and what it may be replaced by.
pub(super) fn offers(session: &Session, text: &str) -> (usize, Vec<Offer>) {
    let said = in_the_language(session, text);
    if let Some(command) = said.trim_start().strip_prefix(':') {
        return for_command(session, text, command);
    }
    let before = Before::new(session, &said);
    let found = at(session, &before.place(), !before.prefix.is_empty());
    (text.len() - before.prefix.len(), matching(found, before.prefix))
}

/// What is typed, with the records that are listed as a `for each` names them. It ends as what is typed does.
fn in_the_language<'t>(session: &Session, text: &'t str) -> Cow<'t, str> {
    let command = text.trim_start().strip_prefix(':').and_then(|command| command.split_once(' '));
    let records = match command {
        Some((name, rest)) => commands::find(name).filter(|one| one.offers == Offers::Records).map(|_| rest),
        None => commands::meant(session, text).filter(|meant| meant.starts_with(LIST)).map(|_| text),
    };
    records.map_or(text.into(), |records| format!("{BEFORE}{records}").into())
}

/// What is shown behind the cursor, and whether it can be taken over.
pub(super) fn hint(session: &Session, text: &str) -> Option<(String, bool)> {
    if text.trim().is_empty() {
        return None;
    }
    if let Some(command) = text.trim_start().strip_prefix(':') {
        let known = command.strip_suffix(' ').and_then(commands::find).filter(|known| !known.takes.is_empty());
        if let Some(known) = known {
            return Some((known.takes.to_owned(), false));
        }
    }
    let (start, found) = offers(session, text);
    let typed = text.get(start..).unwrap_or_default();
    if let ([only], false) = (found.as_slice(), typed.is_empty())
        && let Some(rest) = only.text.strip_prefix(typed).filter(|rest| !rest.is_empty())
    {
        return Some((rest.to_owned(), true));
    }
    let said = in_the_language(session, text);
    if said.trim_start().starts_with(':') {
        return None;
    }
    let before = Before::new(session, &said);
    let schema = &session.compiled.schema;
    match before.place() {
        Place::Of(ty, _) if before.prefix.is_empty() => {
            let blank = if text.ends_with(' ') { "" } else { " " };
            Some((format!("{blank}{}", wanted(session, &ty)), false))
        }
        _ => {
            let exact = found.iter().find(|offer| offer.text == typed && !offer.about.is_empty()).map(|offer| offer.about.clone());
            let ty = before.path_type().map(|ty| words::ty(&ty, schema));
            ty.or(exact).map(|ty| (format!("  : {ty}"), false))
        }
    }
}

/// What is wanted, in words: the type, or a few options.
fn wanted(session: &Session, ty: &Type) -> String {
    let options: Vec<String> = options(session, ty).into_iter().map(|option| option.text).collect();
    if (1..=MOST_OPTIONS).contains(&options.len()) { options.join(" | ") } else { words::ty(ty, &session.compiled.schema) }
}

fn matching(mut offers: Vec<Offer>, prefix: &str) -> Vec<Offer> {
    offers.retain(|offer| offer.text.starts_with(prefix));
    offers.sort();
    offers.dedup_by(|one, other| one.text == other.text);
    offers
}

fn plain(words: impl IntoIterator<Item = impl Into<String>>) -> Vec<Offer> {
    words.into_iter().map(|word| Offer { text: word.into(), about: String::new() }).collect()
}

fn for_command(session: &Session, text: &str, command: &str) -> (usize, Vec<Offer>) {
    let Some((name, rest)) = command.split_once(' ') else {
        let offers = plain(COMMANDS.iter().map(|one| format!(":{}", one.name)));
        return (text.len() - command.len() - 1, matching(offers, &format!(":{command}")));
    };
    let offers = commands::find(name).map_or(Offers::Nothing, |one| one.offers);
    let start = text.len() - rest.len();
    let last = rest.rfind([' ', ',']).map_or(0, |at| at + 1);
    match offers {
        Offers::Nothing | Offers::Files | Offers::Records => (start, Vec::new()),
        Offers::Flows => (start, matching(plain(session.steps().iter().map(|name| name.as_str())), rest)),
        Offers::Entities => (start, matching(entities(session), rest)),
        Offers::Users => (start, matching(plain(session.state.lines.users().map(|name| name.as_str())), rest)),
        Offers::Codes => (start, matching(plain(Code::ALL.iter().map(|code| code.name())), rest)),
        Offers::Commands => (start, matching(plain(COMMANDS.iter().map(|one| one.name)), rest)),
        Offers::Value => {
            let (at, found) = offers_of_value(session, rest);
            (start + at, found)
        }
        Offers::Order => {
            let prefix = rest.get(last..).unwrap_or_default();
            let mut words = rest.split_whitespace();
            let found = match rest.get(..last).unwrap_or_default().split_whitespace().count() {
                0 => entities(session),
                1 => plain(MESSAGES.iter().map(|message| message.to_lowercase())),
                _ => {
                    words.next().and_then(|name| session.compiled.schema.entity_id(name)).map(|id| fields(session, id)).unwrap_or_default()
                }
            };
            (start + last, matching(found, prefix))
        }
    }
}

fn offers_of_value(session: &Session, text: &str) -> (usize, Vec<Offer>) {
    let before = Before::new(session, text);
    let place = match before.place() {
        Place::Start => Place::Value(None),
        place => place,
    };
    (text.len() - before.prefix.len(), matching(at(session, &place, true), before.prefix))
}

/// What may stand at a place. Where nothing of it is typed, functions and rarer words would only be in the way.
fn at(session: &Session, place: &Place, begun: bool) -> Vec<Offer> {
    match place {
        Place::Nothing => Vec::new(),
        Place::Start => {
            let statements = STATEMENTS.iter().filter(|word| !ONLY_IN_FLOWS.contains(word) && !ONLY_IN_TESTS.contains(word)).copied();
            let mut found = plain(statements.chain(DECLARATIONS.iter().copied()));
            found.extend(value(session, None, begun));
            found
        }
        Place::Named => {
            let mut found = plain(NAMED.iter().copied());
            found.extend(value(session, None, begun));
            found
        }
        Place::Flow(entity) => {
            let mut found = plain(CLAUSES.iter().chain(STATEMENTS).copied());
            found.extend(entity.map(|entity| fields(session, entity)).unwrap_or_default());
            found
        }
        Place::Entity => entities(session),
        Place::Step(which) => steps(session, *which),
        Place::User => plain(session.state.lines.users().map(|name| literal(name))),
        Place::Record => locals(session).into_iter().filter(|offer| offer.about.starts_with("lookup")).collect(),
        Place::Member(owner) => members(session, owner),
        Place::Field(entity, there) => fields(session, *entity)
            .into_iter()
            .filter(|field| !there.contains(&field.text) && is_written(session, *entity, &field.text))
            .collect(),
        Place::Of(ty, entity) => {
            let mut found = options(session, ty);
            if matches!(ty, Type::Boolean) {
                found.extend(plain(["true", "false"]));
            }
            match found.is_empty() {
                true => found.extend(value(session, *entity, begun)),
                false => found.extend(locals(session).into_iter().filter(|_| begun)),
            }
            found
        }
        Place::Expect => {
            let mut found = plain(EXPECTATIONS.iter().copied());
            found.extend(value(session, None, begun));
            found
        }
        Place::Words(words) => plain(words.iter().copied()),
        Place::Ordered(entity) => fields(session, *entity),
        Place::Value(entity) => {
            let mut found = value(session, *entity, begun);
            if begun {
                found.extend(plain(OPERATORS.iter().chain(BETWEEN).copied()));
            }
            found
        }
    }
}

/// What a value may begin with.
fn value(session: &Session, entity: Option<EntityId>, begun: bool) -> Vec<Offer> {
    let mut found = locals(session);
    found.extend(entity.map(|entity| fields(session, entity)).unwrap_or_default());
    if begun {
        found.extend(plain(VALUES.iter().copied()));
        found.extend(Function::ALL.iter().map(|one| Offer { text: one.name.to_owned(), about: one.doc.to_owned() }));
        found.extend(plain(QUERIES));
        found.extend(entities(session));
    }
    found
}

/// The flows, plug-ins and actions that a word is about; behind `run` there may be jobs, too.
fn steps(session: &Session, which: Steps) -> Vec<Offer> {
    let program = &session.compiled.program;
    let flows =
        |wanted: fn(&FlowHead) -> bool| program.flows.iter().map(|flow| &flow.head).filter(move |head| wanted(head)).map(|head| &head.name);
    let actions = program.actions.iter();
    let mut found: Vec<Offer> = match which {
        Steps::All => session.steps().iter().map(|name| title(name)).map(named).collect(),
        Steps::OnDemand => flows(|head| head.on_demand).map(|name| named(title(name))).collect(),
        Steps::Children => flows(|head| head.child).map(|name| named(title(name))).collect(),
        Steps::Actions => actions.map(|action| named(title(&action.head.name))).collect(),
        Steps::Outside => {
            let plugins = program.plugins.iter().map(|plugin| &plugin.head.name);
            let outside = actions.filter(|action| action.body.is_none()).map(|action| &action.head.name);
            plugins.chain(outside).map(|name| named(title(name))).collect()
        }
    };
    if which == Steps::OnDemand {
        found.push(named("jobs".to_owned()));
    }
    found
}

fn named(text: String) -> Offer {
    Offer { text, about: String::new() }
}

fn locals(session: &Session) -> Vec<Offer> {
    let schema = &session.compiled.schema;
    let named = session.state.lines.named();
    named.map(|(name, _, local)| Offer { text: name.to_string(), about: words::ty(&local.ty, schema) }).collect()
}

fn entities(session: &Session) -> Vec<Offer> {
    plain(session.compiled.schema.entities.keys().map(|name| name.as_str()))
}

fn fields(session: &Session, entity: EntityId) -> Vec<Offer> {
    let schema = &session.compiled.schema;
    let fields = schema.entity(entity).map(|entity| entity.fields.values()).into_iter().flatten();
    fields.map(|field| Offer { text: field.name.to_string(), about: words::ty(&field.ty, schema) }).collect()
}

fn is_written(session: &Session, entity: EntityId, name: &str) -> bool {
    let entity = session.compiled.schema.entity(entity);
    entity.and_then(|entity| entity.fields.get(name)).is_some_and(|field| !field.read_only)
}

fn options(session: &Session, ty: &Type) -> Vec<Offer> {
    let (Type::Choice(id) | Type::Choices(id)) = ty else { return Vec::new() };
    let options = session.compiled.schema.choice(*id).map(|choice| choice.options.iter()).into_iter().flatten();
    plain(options.map(|option| option.name.as_str()))
}

fn members(session: &Session, owner: &Owner) -> Vec<Offer> {
    match owner {
        Owner::Record(entity) => fields(session, *entity),
        Owner::Entity(entity) => fields(session, *entity).into_iter().filter(|field| field.about.starts_with("choice")).collect(),
        Owner::Options(ty) => options(session, ty),
        Owner::None => Vec::new(),
    }
}
