//! From the clauses of a flow to its [`FlowHead`], with every refusal of section 5 of the language that a clause can
//! earn. What depends on the statements (a `wait` in real-time mode, `old` without an update) is found where they are checked.

mod events;
mod inputs;
mod roles;
mod words;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::declare::{Declare, suggest, twice};
use crate::bytecode::{FlowHead, Mode, RunAs};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{Level, Ownership};
use crate::source::Span;
use crate::syntax::ast::{self, ClauseKind, Number};
use crate::value::{Decimal, EntityId};

/// A flow with its head, where it is on an entity that there is.
pub(super) struct Headed<'a> {
    pub flow: &'a ast::Flow,
    pub head: Option<FlowHead>,
}

/// The heads of all flows, in the order of the files; says what is wrong with their clauses and names, and with what isn't a flow.
pub(super) fn heads<'a>(files: &'a [ast::File], declare: &mut Declare) -> Vec<Headed<'a>> {
    names(files, declare);
    let mut heads = Vec::new();
    for item in files.iter().flat_map(|file| &file.items) {
        match item {
            ast::Item::Flow(flow) => {
                let head = head(flow, declare);
                if head.is_none() {
                    declare.broken.insert(flow.name.text.clone());
                }
                heads.push(Headed { flow, head });
            }
            ast::Item::Action(action) => {
                if let Some(name) = &action.entity {
                    entity(name, declare);
                }
                let problem = not_yet(action.name.span, "an action");
                declare.broken.insert(action.name.text.clone());
                declare.report(problem.help("put its statements into a flow with `trigger child`, and `start` that"));
            }
            ast::Item::Plugin(plugin) => {
                entity(&plugin.entity, declare);
                let problem = not_yet(plugin.name.span, "a declared plug-in");
                declare.report(problem.help("a program that embeds Weir registers its plug-ins itself; take the declaration away"));
            }
            ast::Item::Role(role) => {
                let read = roles::read(role, declare);
                declare.schema.roles.entry(read.name.clone()).or_insert(read);
            }
            _ => {}
        }
    }
    heads
}

/// Says that this release can't carry something yet.
fn not_yet(span: Span, what: &str) -> Diagnostic {
    Diagnostic::new(Code::E0901, span, format!("this release can't run {what} yet"))
}

/// Flows, actions and plug-ins share one space of names; roles, tests and scenarios have one each.
fn names(files: &[ast::File], declare: &mut Declare) {
    let mut seen: FxHashMap<(u8, &str), (&ast::Name, &str)> = FxHashMap::default();
    for item in files.iter().flat_map(|file| &file.items) {
        let (space, what, name) = match item {
            ast::Item::Flow(flow) => (0, "flow", &flow.name),
            ast::Item::Action(action) => (0, "action", &action.name),
            ast::Item::Plugin(plugin) => (0, "plug-in", &plugin.name),
            ast::Item::Role(role) => (1, "role", &role.name),
            ast::Item::Test(test) => (2, "test", &test.name),
            ast::Item::Scenario(scenario) => (3, "scenario", &scenario.name),
            ast::Item::Entity(_) | ast::Item::Choice(_) => continue,
        };
        match seen.get(&(space, name.text.as_str())) {
            Some((first, kind)) if *kind == what => declare.report(twice(what, name, first)),
            Some((first, kind)) => declare.report(
                Diagnostic::new(Code::E0201, name.span, format!("`{}` is the name of the {kind} and of the {what}", name.text))
                    .also(first.span, format!("the {kind} is here"))
                    .help("flows, actions and plug-ins share one space of names: give one of them another"),
            ),
            None => {
                seen.insert((space, &name.text), (name, what));
            }
        }
    }
}

/// The entity that a flow is on.
fn entity(name: &ast::Name, declare: &mut Declare) -> Option<EntityId> {
    if let Some(id) = declare.schema.entity_id(&name.text) {
        return Some(id);
    }
    if declare.broken.contains(&name.text) {
        return None;
    }
    let problem = Diagnostic::new(Code::E0302, name.span, format!("there is no entity `{}`", name.text));
    let problem = match declare.nearest(&name.text, declare.schema.entities.keys().map(SmolStr::as_str)) {
        Some(near) => suggest(problem, name.span, near),
        None => problem.help(format!("declare it: `entity {} {{ … }}`", name.text)),
    };
    declare.report(problem);
    None
}

/// The clauses of a flow, each at most once (an input once for each name).
#[derive(Default)]
struct Clauses<'a> {
    mode: Option<(&'a ast::Name, Span)>,
    triggers: Option<(&'a [ast::Trigger], Span)>,
    stage: Option<(&'a ast::Name, Span)>,
    rank: Option<(&'a Number, Span)>,
    run_as: Option<(&'a ast::Name, Span)>,
    owner: Option<(&'a ast::Name, Span)>,
    scope: Option<(&'a ast::Name, Span)>,
    log_errors: Option<((), Span)>,
    when: Option<((), Span)>,
    allow_cycle: Option<((), Span)>,
    draft: Option<((), Span)>,
    inputs: Vec<(&'a ast::Field, Span)>,
}

fn head(flow: &ast::Flow, declare: &mut Declare) -> Option<FlowHead> {
    let entity = entity(&flow.entity, declare)?;
    let clauses = collect(flow, declare);
    let mode = clauses.mode.and_then(|(name, _)| words::mode(name, declare)).unwrap_or(Mode::RealTime);
    let events = events::read(flow, entity, mode, &clauses, declare);
    let inputs = inputs::read(entity, &clauses, &events, declare);
    let rank = clauses.rank.map_or(0, |(number, _)| rank(number, declare));
    let run_as = run_as(&clauses, &events, declare);
    let scope = scope(entity, &clauses, declare);
    report_not_yet(&clauses, declare);
    Some(FlowHead {
        name: flow.name.text.clone(),
        entity,
        mode,
        triggers: events.triggers,
        on_demand: events.on_demand,
        child: events.child,
        rank,
        run_as,
        owner: clauses.owner.map(|(name, _)| name.text.clone()),
        inputs,
        scope,
        log_errors: clauses.log_errors.is_some(),
        allow_cycle: clauses.allow_cycle.is_some(),
        draft: clauses.draft.is_some(),
    })
}

fn collect<'a>(flow: &'a ast::Flow, declare: &mut Declare) -> Clauses<'a> {
    let mut clauses = Clauses::default();
    for clause in &flow.clauses {
        let span = clause.span;
        match &clause.kind {
            ClauseKind::Mode(name) => once(&mut clauses.mode, name, span, "mode", declare),
            ClauseKind::Trigger(triggers) => once(&mut clauses.triggers, triggers.as_slice(), span, "trigger", declare),
            ClauseKind::Stage(name) => once(&mut clauses.stage, name, span, "stage", declare),
            ClauseKind::Rank(number) => once(&mut clauses.rank, number, span, "rank", declare),
            ClauseKind::RunAs(name) => once(&mut clauses.run_as, name, span, "run as", declare),
            ClauseKind::Owner(name) => once(&mut clauses.owner, name, span, "owner", declare),
            ClauseKind::Scope(name) => once(&mut clauses.scope, name, span, "scope", declare),
            ClauseKind::LogErrors => once(&mut clauses.log_errors, (), span, "log errors", declare),
            ClauseKind::When(_) => once(&mut clauses.when, (), span, "when", declare),
            ClauseKind::AllowCycle => once(&mut clauses.allow_cycle, (), span, "allow cycle", declare),
            ClauseKind::Draft => once(&mut clauses.draft, (), span, "draft", declare),
            ClauseKind::Input(field) => clauses.inputs.push((field, span)),
            ClauseKind::Output(_) => misplaced("output", "an action has outputs; a flow `set`s fields", span, declare),
            ClauseKind::Rollback(_) => misplaced("rollback", "a real-time flow always rolls back with its operation", span, declare),
            ClauseKind::Via(..) => misplaced("via", "code outside the language is a plug-in or an action", span, declare),
            ClauseKind::Effects(word, _) => {
                misplaced(&word.text, "what a flow reads and writes is worked out from its statements", span, declare)
            }
            ClauseKind::Unread(word) if word == "trigger" => {
                clauses.triggers.get_or_insert((&[], span));
            }
            ClauseKind::Unread(_) => {}
            ClauseKind::EffectsUnknown => {
                misplaced("effects unknown", "what a flow reads and writes is worked out from its statements", span, declare);
            }
        }
    }
    clauses
}

fn once<T>(kept: &mut Option<(T, Span)>, value: T, span: Span, word: &str, declare: &mut Declare) {
    let Some((_, first)) = kept else {
        *kept = Some((value, span));
        return;
    };
    let help = match word {
        "trigger" => "write all events in one list: `trigger create, update(name)`",
        "when" => "write one condition: `when a and b`",
        _ => "keep one of them",
    };
    declare.report(
        Diagnostic::new(Code::E0304, span, format!("the clause `{word}` stands twice")).also(*first, "the first one is here").help(help),
    );
}

fn misplaced(word: &str, help: &str, span: Span, declare: &mut Declare) {
    declare.report(Diagnostic::new(Code::E0318, span, format!("a flow has no clause `{word}`")).help(help));
}

fn rank(number: &Number, declare: &mut Declare) -> i32 {
    let value = number.value;
    let whole = if value.fract() == Decimal::ZERO { i32::try_from(value).ok() } else { None };
    whole.unwrap_or_else(|| {
        declare.report(
            Diagnostic::new(Code::E0314, number.span, format!("a rank is a whole number of 32 bits, not {value}"))
                .help("ranks go from -2147483648 to 2147483647, and the smaller runs first"),
        );
        0
    })
}

fn run_as(clauses: &Clauses, events: &events::Events, declare: &mut Declare) -> RunAs {
    let Some((name, span)) = clauses.run_as else { return RunAs::Caller };
    let run_as = words::run_as(name, declare).unwrap_or(RunAs::Caller);
    if run_as == RunAs::Owner && events.only_started() {
        declare.report(
            Diagnostic::new(Code::W0302, span, "`run as owner` has no effect on a flow that no event starts")
                .help("run on demand it runs as the caller, and as a child with the identity of its parent")
                .fix(span, ""),
        );
        return RunAs::Caller;
    }
    run_as
}

/// Whose records trigger the flow, which only an owner tells.
fn scope(entity: EntityId, clauses: &Clauses, declare: &mut Declare) -> Level {
    let Some((name, span)) = clauses.scope else { return Level::Organization };
    let scope = words::level("scope", name, declare).unwrap_or(Level::Organization);
    let ownerless = declare.schema.entity(entity).filter(|entity| entity.owned_by == Ownership::Organization);
    let Some(entity) = ownerless.filter(|_| scope != Level::Organization) else { return scope };
    let problem = format!("records of `{}` belong to the organization, so no scope leaves some of them out", entity.name);
    let problem = Diagnostic::new(Code::E0354, span, problem).help("leave the clause out: the flow runs for every record");
    declare.report(problem.fix(span, ""));
    Level::Organization
}

/// What the language has and this release doesn't carry. A misspelt word has its own error already.
fn report_not_yet(clauses: &Clauses, declare: &mut Declare) {
    if let Some((_, span)) = clauses.mode.filter(|(name, _)| name.text == "background") {
        declare.report(
            Diagnostic::new(Code::W0901, span, "this release checks and compiles background flows, and doesn't run them yet")
                .help("an operation tells which of them it would queue; without the clause the flow runs inside the transaction"),
        );
    }
}
