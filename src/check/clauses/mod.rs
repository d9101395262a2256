//! From the clauses of flows, actions and plug-ins to their heads, with every refusal of section 5 of the language that a clause
//! can earn. What depends on the statements (a `wait` in real-time mode, `old` without an update) is found where they are checked.

mod actions;
mod effects;
mod events;
mod inputs;
mod plugins;
mod roles;
mod via;
mod words;

pub use words::clause_words;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::declare::{Declare, suggest, twice};
use crate::bytecode::{ActionHead, Effects, FlowHead, Mode, PluginCode, RunAs, Serial};
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

/// An action with its head, where it is on an entity that there is, and what it declares to do where its code is elsewhere.
pub(super) struct HeadedAction<'a> {
    pub action: &'a ast::Action,
    pub head: Option<(ActionHead, Effects)>,
}

/// What the files declare beside entities and choices, in their order.
#[derive(Default)]
pub(super) struct Declared<'a> {
    pub flows: Vec<Headed<'a>>,
    pub actions: Vec<HeadedAction<'a>>,
    pub plugins: Vec<PluginCode>,
}

/// The heads of all flows, actions and plug-ins; says what is wrong with their clauses and names.
pub(super) fn heads<'a>(files: &'a [ast::File], declare: &mut Declare) -> Declared<'a> {
    names(files, declare);
    let actions: Actions = files.iter().flat_map(|file| &file.items).filter_map(action_name).collect();
    let mut declared = Declared::default();
    for item in files.iter().flat_map(|file| &file.items) {
        match item {
            ast::Item::Flow(flow) => {
                let head = head(flow, declare);
                if head.is_none() {
                    declare.broken.insert(flow.name.text.clone());
                }
                declared.flows.push(Headed { flow, head });
            }
            ast::Item::Action(action) => {
                let head = actions::head(action, &actions, declare);
                if head.is_none() {
                    declare.broken.insert(action.name.text.clone());
                }
                declared.actions.push(HeadedAction { action, head });
            }
            ast::Item::Plugin(plugin) => declared.plugins.extend(plugins::head(plugin, &actions, declare)),
            ast::Item::Role(role) => {
                let read = roles::read(role, declare);
                declare.schema.roles.entry(read.name.clone()).or_insert(read);
            }
            _ => {}
        }
    }
    declared
}

/// The names of all actions, and of the entities that they are on.
type Actions<'a> = FxHashMap<&'a str, Option<&'a str>>;

fn action_name(item: &ast::Item) -> Option<(&str, Option<&str>)> {
    let ast::Item::Action(action) = item else { return None };
    Some((&action.name.text, action.entity.as_ref().map(|entity| entity.text.as_str())))
}

/// What clauses belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Flow,
    Action,
    Plugin,
}

impl Owner {
    fn word(self) -> &'static str {
        match self {
            Owner::Flow => "flow",
            Owner::Action => "action",
            Owner::Plugin => "plug-in",
        }
    }
}

/// Flows, actions and plug-ins share one space of names; roles, tests, scenarios and `given`s have one each.
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
            ast::Item::Given(given) => (4, "given", &given.name),
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
    serial: Option<(Option<&'a ast::Name>, Span)>,
    allow_cycle: Option<((), Span)>,
    draft: Option<((), Span)>,
    rollback: Option<(&'a ast::Name, Span)>,
    via: Option<((&'a ast::Name, Option<&'a ast::Name>), Span)>,
    unknown: Option<((), Span)>,
    effects: Vec<(&'a ast::Name, &'a [ast::Name])>,
    inputs: Vec<(&'a ast::Field, Span)>,
    outputs: Vec<&'a ast::Field>,
}

fn head(flow: &ast::Flow, declare: &mut Declare) -> Option<FlowHead> {
    let entity = entity(&flow.entity, declare)?;
    let clauses = collect(Owner::Flow, &flow.clauses, declare);
    let mode = clauses.mode.and_then(|(name, _)| words::mode(name, declare)).unwrap_or(Mode::RealTime);
    let events = events::read(Owner::Flow, &flow.name, entity, mode, (&clauses, &Actions::default()), declare);
    let inputs = inputs::read(entity, &clauses, &events, declare);
    let rank = clauses.rank.map_or(0, |(number, _)| rank(number, declare));
    let run_as = run_as(&clauses, &events, declare);
    let scope = scope(entity, &clauses, declare);
    let serial = serial(entity, mode, &clauses, declare);
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
        serial,
        log_errors: clauses.log_errors.is_some(),
        allow_cycle: clauses.allow_cycle.is_some(),
        draft: clauses.draft.is_some(),
    })
}

fn collect<'a>(owner: Owner, written: &'a [ast::Clause], declare: &mut Declare) -> Clauses<'a> {
    let mut clauses = Clauses::default();
    for clause in written {
        let span = clause.span;
        if let Some((word, help)) = foreign(owner, &clause.kind) {
            misplaced(owner, word, help, span, declare);
            continue;
        }
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
            ClauseKind::Serial(by) => once(&mut clauses.serial, by.as_ref(), span, "serial", declare),
            ClauseKind::AllowCycle => once(&mut clauses.allow_cycle, (), span, "allow cycle", declare),
            ClauseKind::Draft => once(&mut clauses.draft, (), span, "draft", declare),
            ClauseKind::Input(field) => clauses.inputs.push((field, span)),
            ClauseKind::Output(field) => clauses.outputs.push(field),
            ClauseKind::Rollback(name) => once(&mut clauses.rollback, name, span, "rollback", declare),
            ClauseKind::Via(word, text) => once(&mut clauses.via, (word, text.as_ref()), span, "via", declare),
            ClauseKind::Effects(word, names) => clauses.effects.push((word, names)),
            ClauseKind::EffectsUnknown => once(&mut clauses.unknown, (), span, "effects unknown", declare),
            ClauseKind::Unread(word) if word == "trigger" => {
                clauses.triggers.get_or_insert((&[], span));
            }
            ClauseKind::Unread(_) => {}
        }
    }
    clauses
}

/// A clause that doesn't belong to its declaration: its word, and what to do instead.
fn foreign(owner: Owner, kind: &ClauseKind) -> Option<(&str, &'static str)> {
    let worked_out = "what it reads and writes is worked out from its statements";
    let by_name = "an action runs when somebody performs it; a `flow` or a `plugin` runs on events";
    let whole = "an action runs whenever it is performed; write an `if` around its statements";
    let anyway = "leave it out: the code that `via` names decides for itself";
    Some(match (owner, kind) {
        (Owner::Flow, ClauseKind::Output(_)) => ("output", "an action has outputs; a flow `set`s fields"),
        (Owner::Flow, ClauseKind::Rollback(_)) => ("rollback", "a real-time flow always rolls back with its operation"),
        (Owner::Flow, ClauseKind::Via(..)) => ("via", "code outside the language is a plug-in or an action"),
        (Owner::Flow, ClauseKind::Effects(word, _)) => (&word.text, worked_out),
        (Owner::Flow, ClauseKind::EffectsUnknown) => ("effects unknown", worked_out),
        (Owner::Action, ClauseKind::Trigger(_)) => ("trigger", by_name),
        (Owner::Action, ClauseKind::Stage(_)) => ("stage", "an action's body is the core operation of its own message"),
        (Owner::Action, ClauseKind::Mode(_)) => ("mode", "an action runs where it is performed, in the same transaction"),
        (Owner::Action, ClauseKind::Rank(_)) => ("rank", by_name),
        (Owner::Action, ClauseKind::When(_)) => ("when", whole),
        (Owner::Action, ClauseKind::Scope(_)) => ("scope", whole),
        (Owner::Action, ClauseKind::Serial(_)) => ("serial", "an action runs where it is performed, in the same transaction"),
        (Owner::Plugin, ClauseKind::Serial(_)) => {
            ("serial", "jobs of plug-ins run each by itself; only those of a flow can wait for one another")
        }
        (Owner::Action, ClauseKind::AllowCycle) => ("allow cycle", "an action can't perform itself"),
        (Owner::Action, ClauseKind::Draft) => ("draft", "an action runs only where it is performed"),
        (Owner::Plugin, ClauseKind::Input(_)) => ("input", "an event gives no inputs; declare an `action`"),
        (Owner::Plugin, ClauseKind::Output(_)) => ("output", "an event takes no outputs; declare an `action`"),
        (Owner::Plugin, ClauseKind::Rollback(_)) => ("rollback", "a plug-in always rolls back with its operation"),
        (Owner::Plugin, ClauseKind::When(_)) => ("when", anyway),
        (Owner::Plugin, ClauseKind::Scope(_)) => ("scope", anyway),
        (Owner::Plugin, ClauseKind::AllowCycle) => ("allow cycle", anyway),
        (Owner::Plugin, ClauseKind::Draft) => ("draft", "take the declaration away while it isn't to run"),
        (Owner::Action | Owner::Plugin, ClauseKind::RunAs(_)) => ("run as", "it runs with the identity of what it is part of"),
        (Owner::Action | Owner::Plugin, ClauseKind::Owner(_)) => ("owner", "it runs with the identity of what it is part of"),
        (Owner::Action | Owner::Plugin, ClauseKind::LogErrors) => ("log errors", "whoever started the operation gets the error"),
        _ => return None,
    })
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

fn misplaced(owner: Owner, word: &str, help: &str, span: Span, declare: &mut Declare) {
    let (code, what) = match owner {
        Owner::Flow => (Code::E0318, "a flow"),
        Owner::Action => (Code::E0340, "an action"),
        Owner::Plugin => (Code::E0341, "a plug-in"),
    };
    declare.report(Diagnostic::new(code, span, format!("{what} has no clause `{word}`")).help(help));
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

/// Which jobs of the flow run one after the other.
fn serial(entity: EntityId, mode: Mode, clauses: &Clauses, declare: &mut Declare) -> Option<Serial> {
    let (by, span) = clauses.serial?;
    if mode == Mode::RealTime {
        let problem =
            Diagnostic::new(Code::E0319, span, "a real-time flow runs within the save, and has no jobs that could wait for one another");
        declare.report(problem.help("leave `serial` out, or let the flow run in the background: `mode background`"));
        return None;
    }
    let Some(name) = by else { return Some(Serial::Record) };
    let declared = declare.schema.entity(entity)?;
    if let Some(slot) = declared.slot(&name.text) {
        return Some(Serial::Field(slot));
    }
    if !declare.broken.contains(&name.text) {
        let problem = Diagnostic::new(Code::E0402, name.span, format!("`{}` has no field `{}`", declared.name, name.text));
        let near = declare.nearest(&name.text, declared.fields.keys().map(|name| name.as_str()));
        declare.report(match near {
            Some(near) => suggest(problem, name.span, near),
            None => problem.help("name a field of the flow's own entity, or none: then the jobs on one record run one after the other"),
        });
    }
    None
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
