//! The page of an entity: its fields with who writes and reads them, what runs on each event and in which order, and its flows.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::book::{Book, Users, lookups};
use super::{code_link, diagram, entity_link, flow};
use crate::exchange::html::{escaped, paragraphs};
use crate::exchange::order_verb;
use crate::pipeline::order::{Act, Ask, Cascade, Event, Order, Step, What};
use crate::syntax::ast::{self, Member, TypeKind};
use crate::value::{EntityId, Slot};

/// The events of every record that are told by themselves.
const MESSAGES: [&str; 3] = ["Create", "Update", "Delete"];

/// The page without its head.
pub(super) fn page(book: &Book<'_>, entity: &ast::Entity) -> String {
    let name = &entity.name.text;
    let label = entity.label.as_ref().map(|label| format!("<span class=\"soft\">{}</span>", escaped(&label.text))).unwrap_or_default();
    let mut page = format!("<nav><a href=\"../index.html\">{}</a></nav>\n<h1>{}{label}</h1>\n", escaped(&book.title), escaped(name));
    page += &paragraphs(entity.doc.as_deref().unwrap_or(""));
    let place = if book.is_built_in(name) { "every project has it".to_owned() } else { book.place(entity.span) };
    page += &format!("<p class=\"soft\">{}{}</p>\n{}", escaped(&place), relations(book, entity), diagram::svg(book, Some(name), ""));
    page += "<h2>Fields</h2>\n";
    page += &fields(book, entity);
    page += "<h2>What runs, and in which order</h2>\n";
    let mut quiet = Vec::new();
    for message in MESSAGES {
        match events(book, name, message) {
            Some(text) => page += &text,
            None => quiet.push(message),
        }
    }
    if !quiet.is_empty() {
        page += &format!("<p class=\"soft\">Nothing runs on {}.</p>\n", quiet.join(", "));
    }
    let coded = book.coded(Some(name));
    if !coded.is_empty() {
        page += "<h2>Flows, actions and plug-ins</h2>\n";
        coded.iter().for_each(|coded| page += &flow::section(book, *coded, ""));
    }
    page
}

/// Which entities this one refers to, and which refer to it.
fn relations(book: &Book<'_>, entity: &ast::Entity) -> String {
    let targets = |entity: &ast::Entity| -> Vec<String> {
        let mut names: Vec<String> = lookups(entity).flat_map(|(_, targets)| targets).map(|target| target.text.to_string()).collect();
        names.sort();
        names.dedup();
        names
    };
    let own = &entity.name.text;
    let links = |names: &[String]| names.iter().map(|name| entity_link(book, name)).collect::<Vec<_>>().join(", ");
    let to = targets(entity);
    let from: Vec<String> = book
        .entities()
        .iter()
        .filter(|other| targets(other).iter().any(|target| target == own.as_str()))
        .map(|other| other.name.text.to_string())
        .collect();
    let mut words = String::new();
    for (what, names) in [("refers to", to), ("referred to by", from)] {
        if !names.is_empty() {
            let _ = write!(words, " · {what} {}", links(&names));
        }
    }
    words
}

fn fields(book: &Book<'_>, entity: &ast::Entity) -> String {
    let id = book.compiled.schema.entity_id(&entity.name.text);
    let mut table =
        "<div class=\"wide\"><table>\n<tr><th>Field</th><th>Type</th><th></th><th>Written by</th><th>Read by</th></tr>\n".to_owned();
    for member in &entity.members {
        let Member::Field(field) = member else { continue };
        let slot = id.and_then(|id| Some((id, book.compiled.schema.entity(id)?.slot(&field.name.text)?)));
        let label = field.label.as_ref().map(|label| format!("<br><span class=\"soft\">{}</span>", escaped(&label.text)));
        let _ = writeln!(
            table,
            "<tr id=\"field-{0}\"><td><code>{0}</code>{1}</td><td>{2}</td><td>{3}{4}</td><td>{5}</td><td>{6}</td></tr>",
            escaped(&field.name.text),
            label.unwrap_or_default(),
            ty(book, field),
            paragraphs(field.doc.as_deref().unwrap_or("")),
            rules(book, field),
            users(book, &book.writers, slot),
            users(book, &book.readers, slot),
        );
    }
    table += "</table></div>\n";
    let others: Vec<String> = entity
        .members
        .iter()
        .filter_map(|member| match member {
            Member::Status(status) => Some(status.span),
            Member::Key(_, span) | Member::OnDelete(_, _, span) | Member::OwnedBy(_, span) | Member::Audit(span) => Some(*span),
            Member::Field(_) | Member::Unread(_) => None,
        })
        .map(|span| format!("<li><code>{}</code></li>\n", escaped(&one_line(book.text(span)))))
        .collect();
    if !others.is_empty() {
        table += &format!("<ul>\n{}</ul>\n", others.concat());
    }
    table
}

/// The type as it is written; lookups are links.
fn ty(book: &Book<'_>, field: &ast::Field) -> String {
    match &field.ty.kind {
        TypeKind::Lookup(targets) => {
            let links: Vec<String> = targets.iter().map(|target| entity_link(book, &target.text)).collect();
            format!("<code>lookup</code> {}", links.join(", "))
        }
        TypeKind::Choice { name, .. } => {
            let word = one_line(book.text(field.ty.span)).split(' ').next().unwrap_or_default().to_owned();
            format!("<code>{}</code> <a href=\"../index.html#choice-{1}\">{1}</a>", escaped(&word), escaped(&name.text))
        }
        TypeKind::InlineChoice { many, options } => {
            let options: Vec<String> = options.iter().map(|option| format!("<code>{}</code>", escaped(&option.name.text))).collect();
            format!("<code>{}</code> {}", if *many { "choices" } else { "choice" }, options.join(", "))
        }
        _ => format!("<code>{}</code>", escaped(&one_line(book.text(field.ty.span)))),
    }
}

/// What else holds for a field.
fn rules(book: &Book<'_>, field: &ast::Field) -> String {
    let default = field.default.as_ref().map(|default| format!("<code>= {}</code>", escaped(&one_line(book.text(default.span)))));
    let rules: Vec<String> = field.modifiers.iter().map(|modifier| escaped(&modifier.text)).chain(default).collect();
    if rules.is_empty() { String::new() } else { format!("<span class=\"soft\">{}</span>", rules.join(", ")) }
}

fn users(book: &Book<'_>, users: &Users, field: Option<(EntityId, Slot)>) -> String {
    let names = field.and_then(|field| users.get(&field)).into_iter().flatten();
    names.map(|name| code_link(book, name, "")).collect::<Vec<_>>().join(", ")
}

/// What runs on an event; nothing where nothing does.
fn events(book: &Book<'_>, entity: &str, message: &str) -> Option<String> {
    let order = book.compiled.order(&Ask { entity: entity.to_owned(), message: message.to_owned(), fields: None }).ok()?;
    let events: Vec<&Event> = order.acts.iter().flat_map(|act| &act.events).filter_map(|event| order.events.get(*event)).collect();
    let lively: Vec<&Event> = events
        .into_iter()
        .filter(|event| !event.steps.is_empty() || !event.cascades.is_empty() || !event.restricted_by.is_empty())
        .collect();
    if lively.is_empty() {
        return None;
    }
    let lists = lively.iter().map(|event| {
        let words = if event.message == message { message.to_owned() } else { format!("{message}, as far as it is an {}", event.message) };
        format!("<h3>{}</h3>\n{}", escaped(&words), steps(book, event, &order))
    });
    Some(lists.collect())
}

/// The steps of an event between the names of their stages.
fn steps(book: &Book<'_>, event: &Event, order: &Order) -> String {
    let mut list = "<ol class=\"steps\">\n".to_owned();
    for lookup in &event.restricted_by {
        let _ = writeln!(list, "<li>Refused while a record refers to it by <code>{}</code></li>", escaped(lookup));
    }
    let mut core = Some(core(event, &event.cascades));
    let mut stage = None;
    for step in &event.steps {
        if step.stage.is_none_or(|stage| stage > 30) {
            list += &core.take().unwrap_or_default();
        }
        if stage != Some(step.stage) {
            stage = Some(step.stage);
            let _ = writeln!(list, "<li class=\"stage\">{}</li>", stage_name(step.stage));
        }
        list += &self::step(book, step, order);
    }
    list + &core.unwrap_or_default() + "</ol>\n"
}

fn core(event: &Event, cascades: &[Cascade]) -> String {
    let what = match event.message.as_str() {
        "Create" => "the record is created",
        "Delete" => "the record is deleted",
        _ => "the record is updated",
    };
    let along: Vec<String> = cascades.iter().map(|cascade| format!("<code>{}</code>", escaped(&cascade.lookup))).collect();
    let along = if along.is_empty() { String::new() } else { format!(", after the records of {}", along.join(", ")) };
    let empties: Vec<String> = event.empties.iter().map(|lookup| format!("<code>{}</code>", escaped(lookup))).collect();
    let empties = if empties.is_empty() { String::new() } else { format!(", and {} becomes empty", empties.join(", ")) };
    format!("<li class=\"core\">30 core operation: {what}{along}{empties}</li>\n")
}

fn stage_name(stage: Option<u8>) -> &'static str {
    match stage {
        Some(10) => "10 pre-validation",
        Some(20) => "20 pre-operation, before the write",
        Some(30) => "30 the action's body",
        Some(_) => "40 post-operation, after the write and in its transaction",
        None => "queued, for after the transaction",
    }
}

fn step(book: &Book<'_>, step: &Step, order: &Order) -> String {
    let kind = code_link(book, &step.place.name, "");
    let mut why = vec![escaped(&step.why)];
    if !step.triggers.is_empty() {
        why.push(format!("on {}", escaped(&step.triggers.join(", "))));
    }
    why.extend(step.when.as_ref().map(|when| format!("when <code>{}</code>", escaped(when))));
    let parts = step.part.and_then(|part| order.parts.get(part));
    let mut acts: Vec<String> = parts.into_iter().flat_map(|part| &part.acts).map(|act| self::act(book, act)).collect();
    let mut seen = BTreeSet::new();
    acts.retain(|act| seen.insert(act.clone()));
    let does = if acts.is_empty() { String::new() } else { format!("<div>{}</div>", acts.join("; ")) };
    format!("<li>{kind}<span class=\"badge\">rank {}</span>{does}<div class=\"why\">{}</div></li>\n", step.rank, why.join("; "))
}

fn act(book: &Book<'_>, act: &Act) -> String {
    let fields = act.fields.iter().map(|field| format!("<code>{}</code>", escaped(field))).collect::<Vec<_>>().join(", ");
    let of = match act.what {
        What::Start | What::Queue | What::Run | What::Perform => code_link(book, &act.of, ""),
        _ => entity_link(book, &act.of),
    };
    let each = act.for_each.as_ref().map(|entity| format!(", for each {}", escaped(entity))).unwrap_or_default();
    let verb = order_verb(act.what);
    match act.what {
        What::Set => format!("{verb} {fields}{each}"),
        What::Anything => verb.to_owned(),
        What::Update if !fields.is_empty() => format!("{verb} {of} ({fields}){each}"),
        _ => format!("{verb} {of}{each}"),
    }
}

/// A text of several lines in one.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
