//! The commands that only look: at the last operation, at flows, at entities. What they show is worked out elsewhere.

use smol_str::SmolStr;

use super::answer::{Answer, Colour, Worst};
use super::define::openable;
use super::session::{Last, Session, counted};
use super::words;
use crate::bytecode::{self, FlowHead, Mode};
use crate::check::ir;
use crate::diagnostic::{Code, nearest, render};
use crate::exchange::{self, About};
use crate::pipeline::Outcome;
use crate::pipeline::order::{Ask, MESSAGES};
use crate::schema::{Default, Field, PRIMARY_KEY, Schema, system};
use crate::syntax::{self, ast};

/// How many lines of a trace are told.
const MOST_LINES: usize = 200;

/// `:trace`
pub(super) fn trace(session: &mut Session, _: &str, answer: &mut Answer<'_>) {
    let Some(last) = last(session, answer) else { return };
    let Last { what, outcome, schema, sources } = last;
    let lines = exchange::trace_lines(outcome, schema, sources, (session.setup.width)());
    answer.line(Colour::Dim.paint(what, session.setup.colours));
    tell_some(lines, answer);
}

/// Tells lines, but no more than somebody would read.
fn tell_some(lines: Vec<String>, answer: &mut Answer<'_>) {
    let left_out = lines.len().saturating_sub(MOST_LINES);
    lines.into_iter().take(MOST_LINES).for_each(|line| answer.line(line));
    if left_out > 0 {
        answer.line(format!("… and {}: `:why FLOW` tells the part of one flow", counted(left_out, "line more", "lines more")));
    }
}

/// `:why`
pub(super) fn why(session: &mut Session, name: &str, answer: &mut Answer<'_>) {
    if !known(session, name, answer) {
        return;
    }
    let Some(Last { what, outcome, schema, sources }) = last(session, answer) else { return };
    answer.line(Colour::Dim.paint(what, session.setup.colours));
    let trace = exchange::trace_about(&outcome.trace, About { flow: Some(name), record: None });
    if trace.is_empty() {
        return answer.line(exchange::not_considered(name, &outcome.trace, &session.compiled.program, &session.compiled.schema));
    }
    let part = Outcome { trace, ..(**outcome).clone() };
    tell_some(exchange::trace_lines(&part, schema, sources, (session.setup.width)()), answer);
}

/// What starts a flow, in words.
fn runs_on(head: &FlowHead, schema: &Schema) -> String {
    let entity = schema.entity(head.entity);
    let mut events: Vec<String> = head.triggers.iter().map(|trigger| trigger.event.written(head.entity, schema)).collect();
    events.extend(head.on_demand.then(|| "demand".to_owned()));
    events.extend(head.child.then(|| "being started by another flow".to_owned()));
    let draft = if head.draft { ", but is a draft" } else { "" };
    format!("runs on {} of `{}`{draft}", events.join(", "), entity.map_or("", |entity| entity.name.as_str()))
}

/// `:order`
pub(super) fn order(session: &mut Session, text: &str, answer: &mut Answer<'_>) {
    let mut words = text.splitn(3, char::is_whitespace).filter(|word| !word.is_empty());
    let (Some(entity), Some(message)) = (words.next(), words.next()) else {
        return answer.error(Worst::Usage, "`:order` takes an entity and a message, and fields: `:order account update name, revenue`");
    };
    let split = |fields: &str| fields.split([',', ' ']).filter(|field| !field.is_empty()).map(str::to_owned).collect();
    let fields: Option<Vec<String>> = words.next().map(split);
    // People type `update` as in a trigger; the message is called `Update`.
    let message = MESSAGES.iter().find(|known| known.eq_ignore_ascii_case(message)).map_or(message, |known| known).to_owned();
    let compiled = crate::project::Compiled { sources: openable(session).into(), ..session.compiled.clone() };
    match compiled.order(&Ask { entity: entity.to_owned(), message, fields }) {
        Ok(order) => answer.line(exchange::order_text(&order, (session.setup.width)()).trim_end()),
        Err(error) => answer.error(Worst::Usage, format!("error: {error}")),
    }
}

/// `:dis`
pub(super) fn dis(session: &mut Session, name: &str, answer: &mut Answer<'_>) {
    if !known(session, name, answer) {
        return;
    }
    let (program, schema, sources) = (&session.compiled.program, &session.compiled.schema, &openable(session));
    let flow = program.flow(name).map(|flow| bytecode::flow_listing(flow, schema, sources));
    let action = || program.action(name).map(|action| bytecode::action_listing(action, schema, sources));
    let plugin = || program.plugins.iter().find(|one| one.head.name == name).map(|one| bytecode::plugin_listing(one, schema, sources));
    if let Some(listing) = flow.or_else(action).or_else(plugin) {
        answer.line(listing.trim_end());
    }
}

/// `:effects`
pub(super) fn effects(session: &mut Session, name: &str, answer: &mut Answer<'_>) {
    if !known(session, name, answer) {
        return;
    }
    let signatures = bytecode::signatures(&session.compiled.program, &session.compiled.schema, &openable(session));
    match signatures.iter().find(|signature| signature.flow == name) {
        Some(signature) => answer.line(signature.to_string().trim_end()),
        None => answer.line(format!("`{name}` is code outside the language: its declaration says what it does")),
    }
}

/// `:type`
pub(super) fn ty(session: &mut Session, text: &str, answer: &mut Answer<'_>) {
    let file = session.sources.add("<type>", text);
    let (typed, said) = syntax::parse_typed(&session.sources, file);
    if !said.is_empty() {
        return answer.diagnostics(&said, &session.sources, session.setup.colours);
    }
    let [ast::Stmt { kind: ast::StmtKind::Show(value), .. }] = typed.statements.as_slice() else {
        return answer.error(Worst::Usage, "`:type` takes a value: `:type acme.revenue`");
    };
    let (checked, said) = session.state.lines.value(&session.project.checked, value);
    answer.diagnostics(&said, &session.sources, session.setup.colours);
    if let Some(ir::Expr { ty, optional, .. }) = checked {
        let empty = if optional { "?   (may be empty)" } else { "" };
        answer.line(format!("{}{empty}", words::ty(&ty, &session.compiled.schema)));
    }
}

/// `:entities`
pub(super) fn entities(session: &mut Session, _: &str, answer: &mut Answer<'_>) {
    let own: Vec<_> = session.own_entities().map(|(id, entity)| (id, entity.name.clone(), entity.label.clone())).collect();
    let width = own.iter().map(|(_, name, _)| name.len()).max().unwrap_or(0);
    for (id, name, label) in &own {
        let flows = session.compiled.program.flows.iter().filter(|flow| flow.head.entity == *id).count();
        let records = session.pipeline.count(*id).map_or_else(|fault| fault.message, |count| counted(count as usize, "record", "records"));
        let label = if label == name { String::new() } else { format!("   {}", render::visible(label)) };
        answer.line(format!("{name:width$}  {records}, {}{label}", counted(flows, "flow", "flows")));
    }
    answer.line(Colour::Dim.paint(&format!("built in: {}", super::session::built_in().join(", ")), session.setup.colours));
}

/// `:describe`
pub(super) fn describe(session: &mut Session, name: &str, answer: &mut Answer<'_>) {
    if name.is_empty() {
        return answer.error(Worst::Usage, "`:describe` takes the name of an entity; `:entities` lists them");
    }
    let schema = &session.compiled.schema;
    let Some((id, entity)) = schema.entity_id(name).and_then(|id| Some((id, schema.entity(id)?))) else {
        let near = nearest(name, schema.entities.keys().map(SmolStr::as_str));
        let meant = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return answer.error(Worst::Usage, format!("there is no entity `{}`{meant}", name.escape_debug()));
    };
    let label = if entity.label == entity.name { String::new() } else { format!("  \"{}\"", render::visible(&entity.label)) };
    let mut lines = vec![Colour::Strong.paint(&format!("{}{label}", entity.name), session.setup.colours)];
    let given = |name: &str| name != system::STATUS && system::ALL.contains(&name);
    let usual = |field: &Field| field.name == system::STATUS && words::field(field, schema).ends_with("{ active, inactive }");
    let (shown, kept): (Vec<_>, Vec<_>) =
        entity.fields().partition(|(slot, field)| *slot != PRIMARY_KEY && !given(&field.name) && !usual(field));
    let width = shown.iter().map(|(_, field)| field.name.len()).max().unwrap_or(0);
    for (slot, field) in shown {
        let mut words = vec![words::field(field, schema)];
        words.extend(field.required.then(|| "required".to_owned()));
        words.extend((entity.primary_name == Some(slot)).then(|| "primary".to_owned()));
        words.extend(match &field.default {
            Default::None => None,
            Default::Next => Some("numbered by the database".to_owned()),
            Default::Now => Some("= now".to_owned()),
            Default::Today => Some("= today".to_owned()),
            Default::Value(value) => Some(format!("= {}", words::value(value, &field.ty, schema))),
        });
        lines.push(format!("  {:width$}  {}", field.name, words.join(" ")));
    }
    let kept: Vec<&str> = kept.iter().map(|(_, field)| field.name.as_str()).collect();
    let mut rest = Vec::new();
    exchange::wrap(&format!("and {}", kept.join(", ")), 2, (session.setup.width)(), &mut rest);
    lines.extend(rest.iter().map(|line| Colour::Dim.paint(line, session.setup.colours)));
    let keys = entity.written_keys();
    lines.extend((!keys.is_empty()).then(|| format!("  key {}", keys.join(", "))));
    for flow in session.compiled.program.flows.iter().filter(|flow| flow.head.entity == id) {
        let mode = if flow.head.mode == Mode::Background { ", in the background" } else { "" };
        lines.push(format!("  flow {} {}{mode}", flow.head.name, runs_on(&flow.head, schema)));
    }
    lines.into_iter().for_each(|line| answer.line(line));
}

/// `:explain`
pub(super) fn explain(session: &mut Session, name: &str, answer: &mut Answer<'_>) {
    match Code::find(name) {
        Some(code) => render::page(code, session.setup.colours).into_iter().for_each(|line| answer.line(line)),
        None if name.is_empty() => answer.error(Worst::Usage, "`:explain` takes a code: `:explain F29`"),
        None => answer.error(Worst::Usage, format!("there is no code `{}`", name.escape_debug())),
    }
}

fn last<'a>(session: &'a Session, answer: &mut Answer<'_>) -> Option<&'a Last> {
    if session.last.is_none() {
        answer.line("no operation has run yet");
    }
    session.last.as_ref()
}

/// Whether there is a flow, an action or a plug-in of a name; says so where there is none.
pub(super) fn known(session: &Session, name: &str, answer: &mut Answer<'_>) -> bool {
    let names = session.steps();
    if name.is_empty() {
        answer.error(Worst::Usage, "this takes the name of a flow, an action or a plug-in");
        return false;
    }
    if names.iter().any(|known| *known == name) {
        return true;
    }
    let near = nearest(name, names.iter().map(SmolStr::as_str)).map(|near| format!("; did you mean `{near}`?"));
    answer.error(Worst::Usage, format!("there is no flow `{}`{}", name.escape_debug(), near.unwrap_or_default()));
    false
}

impl Session {
    /// The names of flows, actions and plug-ins.
    pub(super) fn steps(&self) -> Vec<SmolStr> {
        let program = &self.compiled.program;
        let flows = program.flows.iter().map(|flow| &flow.head.name);
        let actions = program.actions.iter().map(|action| &action.head.name);
        flows.chain(actions).chain(program.plugins.iter().map(|plugin| &plugin.head.name)).cloned().collect()
    }
}
