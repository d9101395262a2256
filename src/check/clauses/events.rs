//! The events that start a flow, and the stage at which each of them does.

use super::super::declare::{Declare, suggest};
use super::words::{self, StageWord};
use super::{Actions, Clauses, Owner};
use crate::bytecode::{Event, Mode, Stage, Trigger};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{FieldSet, Ownership, system};
use crate::source::Span;
use crate::syntax::ast::{self, Name};
use crate::value::EntityId;

/// What starts a flow.
#[derive(Default)]
pub(super) struct Events {
    /// The events of records.
    pub triggers: Vec<Trigger>,
    /// Whether a user may run it.
    pub on_demand: bool,
    /// Whether another flow may start it.
    pub child: bool,
}

impl Events {
    /// Whether no event starts the flow, and a user or another flow does.
    pub(super) fn only_started(&self) -> bool {
        self.triggers.is_empty() && (self.on_demand || self.child)
    }
}

/// The one that only plug-ins around actions have.
pub(super) const ACTION_EVENT: &str = "perform";

/// The words of events, and what people are used to from elsewhere.
pub(super) const EVENTS: [(&str, &[&str]); 8] = [
    ("create", &["created", "insert", "new", "add"]),
    ("update", &["updated", "change", "changed", "modify", "save"]),
    ("delete", &["deleted", "remove", "removed"]),
    ("assign", &["assigned", "owner", "reassign"]),
    ("status", &["state", "setstate", "statuschange"]),
    ("perform", &["action", "performed"]),
    ("on demand", &["ondemand", "on-demand", "manual", "demand"]),
    ("child", &["subflow", "subprocess"]),
];

/// Reads the `trigger` and `stage` clauses of a flow or plug-in. `actions` are those that a plug-in may be around.
pub(super) fn read(
    owner: Owner,
    name: &Name,
    entity: EntityId,
    mode: Mode,
    (clauses, actions): (&Clauses, &Actions),
    declare: &mut Declare,
) -> Events {
    let Some((triggers, _)) = clauses.triggers else {
        let help = match owner {
            Owner::Flow => "say what does: `trigger create, update(name)` or `trigger child`",
            _ => "say what does: `trigger create, update(name)`",
        };
        let message = format!("nothing starts the {} `{}`", owner.word(), name.text);
        declare.report(Diagnostic::new(Code::E0303, name.span, message).help(help));
        return Events::default();
    };
    let usual = clauses.stage.and_then(|(name, span)| usual_stage(owner, name, span, mode, declare).map(|stage| (stage, name)));
    let mut reader = Reader { owner, entity, mode, usual, actions, seen: Vec::new(), events: Events::default(), declare };
    for trigger in triggers {
        reader.trigger(trigger);
    }
    let events = reader.events;
    if let (true, Mode::RealTime, Some((_, span))) = (events.only_started(), mode, clauses.stage) {
        declare.report(
            Diagnostic::new(Code::W0303, span, "`stage` has no effect on a flow that no event starts")
                .help("it runs when it is started, on the record as it is then")
                .fix(span, ""),
        );
    }
    events
}

/// The stage that the `stage` clause gives to triggers without one of their own.
fn usual_stage(owner: Owner, name: &Name, clause: Span, mode: Mode, declare: &mut Declare) -> Option<Stage> {
    if mode == Mode::Background && owner == Owner::Flow {
        declare.report(background_stage(clause).fix(clause, ""));
        return None;
    }
    stage(owner, name, declare)
}

fn background_stage(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0310, span, "a background flow has no stage").help("it runs after the transaction; leave the stage out")
}

/// A stage that a flow or plug-in can have, or a word about it.
fn stage(owner: Owner, name: &Name, declare: &mut Declare) -> Option<Stage> {
    match words::stage(name, declare)? {
        StageWord::PreOperation => Some(Stage::PreOperation),
        StageWord::PostOperation => Some(Stage::PostOperation),
        StageWord::PreValidation if owner == Owner::Plugin => Some(Stage::PreValidation),
        // A misspelt stage has its own error already.
        StageWord::PreValidation if name.text == "pre-validation" => {
            declare.report(
                Diagnostic::new(Code::E0308, name.span, "a flow can't run in pre-validation")
                    .help(
                        "that stage may lie outside the transaction, so only plug-ins have it; `pre-operation` is the earliest for a flow",
                    )
                    .fix(name.span, "pre-operation"),
            );
            Some(Stage::PreOperation)
        }
        StageWord::CoreOperation if name.text == "core-operation" => {
            declare.report(
                Diagnostic::new(Code::E0309, name.span, format!("a {} can't run in the core operation", owner.word()))
                    .help("that stage is the write itself, or the body of an action; take `pre-operation` or `post-operation`"),
            );
            None
        }
        StageWord::PreValidation | StageWord::CoreOperation => None,
    }
}

struct Reader<'c, 'd> {
    owner: Owner,
    entity: EntityId,
    mode: Mode,
    /// The stage of the clause, and its word.
    usual: Option<(Stage, &'c Name)>,
    actions: &'c Actions<'c>,
    /// Events by word and stage, with the first place of each.
    seen: Vec<(&'static str, Option<Stage>, Span)>,
    events: Events,
    declare: &'c mut Declare<'d>,
}

impl Reader<'_, '_> {
    fn trigger(&mut self, trigger: &ast::Trigger) {
        let Some(word) = self.word(&trigger.event) else { return };
        if self.owner == Owner::Plugin && matches!(word, "on demand" | "child") {
            let problem = Diagnostic::new(Code::E0349, trigger.span, format!("`{word}` starts no plug-in"));
            return self.declare.report(problem.help("a plug-in runs on events of its records; what is asked for by name is an `action`"));
        }
        if self.owner == Owner::Flow && word == "perform" {
            let problem = Diagnostic::new(Code::E0317, trigger.span, "no action starts a flow");
            return self
                .declare
                .report(problem.help("the statements of an `action` are what it does; a flow of its own is started by `start`"));
        }
        let own = trigger.stage.as_ref().and_then(|name| self.own_stage(word, name));
        if !matches!(word, "update" | "perform") {
            self.no_fields(word, trigger);
        }
        let stage = match word {
            "on demand" | "child" => None,
            _ => Some(self.stage_of(word, trigger, own)),
        };
        if self.is_repeated(word, stage, trigger) {
            return;
        }
        match (word, stage) {
            ("perform", Some(stage)) => self.perform(trigger, stage),
            ("on demand", _) => self.events.on_demand = true,
            ("child", _) => self.events.child = true,
            (_, Some(_)) if self.is_read_only() => self.declare.report(
                Diagnostic::new(Code::E0312, trigger.span, "only the platform writes these records, so no event starts anything on them")
                    .help("start it by `on demand` or `child`, or put it on the entity whose records change"),
            ),
            (_, Some(stage)) => {
                if let Some(event) = self.event(word, trigger) {
                    self.events.triggers.push(Trigger { event, stage });
                }
            }
            (_, None) => {}
        }
    }

    /// The event's word as it is in the list; where it isn't, says which it could be and takes it for that.
    fn word(&mut self, name: &Name) -> Option<&'static str> {
        if let Some((word, _)) = EVENTS.iter().find(|(word, _)| *word == name.text) {
            return Some(word);
        }
        let lower = name.text.to_lowercase();
        if ["retrieve", "read", "retrievemultiple", "get", "select", "open"].contains(&lower.as_str()) {
            self.declare.report(
                Diagnostic::new(Code::E0306, name.span, "reading a record starts no flow")
                    .help("a flow is started by what changes a record: `create`, `update(…)`, `delete`, `assign` or `status`"),
            );
            return None;
        }
        let habit = EVENTS.iter().find(|(word, habits)| *word == lower || habits.contains(&lower.as_str())).map(|(word, _)| *word);
        let owner = self.owner;
        let words: Vec<&str> = EVENTS.iter().map(|(word, _)| *word).filter(|word| owner == Owner::Plugin || *word != "perform").collect();
        let meant = habit.or_else(|| self.declare.nearest(&name.text, words.iter().copied()));
        let problem = Diagnostic::new(Code::E0305, name.span, format!("there is no event `{}`", name.text));
        self.declare.report(match meant {
            Some(meant) => suggest(problem, name.span, meant),
            None => problem.help(format!("the events are {}", words.join(", "))),
        });
        EVENTS.iter().map(|(word, _)| *word).find(|word| Some(*word) == meant)
    }

    /// What stands after `at`.
    fn own_stage(&mut self, word: &str, name: &Name) -> Option<Stage> {
        if self.mode == Mode::Background && self.owner == Owner::Flow {
            self.declare.report(background_stage(name.span));
            return None;
        }
        if matches!(word, "on demand" | "child") {
            self.declare.report(
                Diagnostic::new(Code::E0317, name.span, format!("`{word}` has no stage"))
                    .help("only an event of a record has one: `update(name) at pre-operation`"),
            );
            return None;
        }
        stage(self.owner, name, self.declare)
    }

    fn no_fields(&mut self, word: &str, trigger: &ast::Trigger) {
        if trigger.fields.is_some() {
            let problem = Diagnostic::new(Code::E0317, trigger.span, format!("`{word}` takes no fields"));
            let help = format!("only `update` does; write `{word}` alone, and test a field with `when` or `if`");
            self.declare.report(problem.help(help));
        }
    }

    /// The trigger's own stage, else the clause's, else the usual one of the event.
    fn stage_of(&mut self, word: &str, trigger: &ast::Trigger, own: Option<Stage>) -> Stage {
        if self.mode == Mode::Background && self.owner == Owner::Flow {
            return Stage::PostOperation;
        }
        let before = word == "delete" && self.mode == Mode::RealTime;
        let usual = if before { Stage::PreOperation } else { Stage::PostOperation };
        let stage = own.or(self.usual.map(|(stage, _)| stage)).unwrap_or(usual);
        let said = if own.is_some() { trigger.stage.as_ref() } else { self.usual.map(|(_, name)| name) };
        if (word, stage) != ("delete", Stage::PostOperation) || self.owner == Owner::Plugin {
            return stage;
        }
        let Some(said) = said.filter(|name| name.text == "post-operation") else { return Stage::PreOperation };
        let problem = Diagnostic::new(Code::E0311, trigger.span, "a flow can't run after a delete: the record is gone by then");
        let problem = problem.help("run it before the delete: `delete at pre-operation`");
        self.declare.report(match trigger.stage {
            Some(_) => problem.fix(said.span, "pre-operation"),
            None => problem.also(said.span, "the stage is set here").fix(trigger.span.end_point(), " at pre-operation"),
        });
        Stage::PreOperation
    }

    fn is_repeated(&mut self, word: &'static str, stage: Option<Stage>, trigger: &ast::Trigger) -> bool {
        let first = self.seen.iter().find(|(other, at, _)| *other == word && *at == stage).map(|(_, _, span)| *span);
        match first {
            None => {
                self.seen.push((word, stage, trigger.span));
                false
            }
            Some(first) => {
                let help = if word == "update" { "write its fields in one list: `update(a, b)`" } else { "take one of them away" };
                self.declare.report(
                    Diagnostic::new(Code::E0313, trigger.span, format!("the event `{word}` stands twice"))
                        .also(first, "the first one is here")
                        .help(help),
                );
                true
            }
        }
    }

    fn event(&mut self, word: &str, trigger: &ast::Trigger) -> Option<Event> {
        match word {
            "create" => Some(Event::Create),
            "delete" => Some(Event::Delete),
            "assign" => self.assign(trigger),
            "status" => self.status(trigger),
            _ => self.update(trigger),
        }
    }

    fn status(&mut self, trigger: &ast::Trigger) -> Option<Event> {
        let entity = self.declare.schema.entity(self.entity)?;
        if entity.table.is_some() {
            let problem = format!("a `{}` has no status: it is a row of a table", entity.name);
            self.declare.report(Diagnostic::new(Code::E0316, trigger.span, problem).help("name the columns that matter: `update(…)`"));
            return None;
        }
        Some(Event::Update(Some(self.slots(&[system::STATE, system::STATUS]))))
    }

    fn assign(&mut self, trigger: &ast::Trigger) -> Option<Event> {
        let entity = self.declare.schema.entity(self.entity)?;
        if entity.owned_by == Ownership::Organization {
            let problem = format!("records of `{}` belong to the organization, so nobody assigns them", entity.name);
            let problem = Diagnostic::new(Code::E0316, trigger.span, problem);
            self.declare.report(problem.help("take `assign` away, or declare the entity `owned by user`"));
            return None;
        }
        Some(Event::Update(Some(self.slots(&[system::OWNER]))))
    }

    /// The actions that a plug-in is around: those of its own entity.
    fn perform(&mut self, trigger: &ast::Trigger, stage: Stage) {
        let Some(names) = trigger.fields.as_ref().filter(|names| !names.is_empty()) else {
            let problem = Diagnostic::new(Code::E0317, trigger.span, "`perform` names no action");
            return self.declare.report(problem.help("name the actions that start it, as in `perform(Approve)`"));
        };
        let own = self.declare.schema.entity(self.entity).map(|entity| entity.name.clone()).unwrap_or_default();
        for name in names {
            match self.actions.get(name.text.as_str()) {
                Some(entity) if *entity == Some(own.as_str()) => {
                    self.events.triggers.push(Trigger { event: Event::Perform(name.text.clone()), stage });
                }
                Some(_) => {
                    let problem = Diagnostic::new(Code::E0347, name.span, format!("the action `{}` is not on `{own}`", name.text));
                    self.declare.report(problem.help("a plug-in is around actions of its own entity"));
                }
                None => {
                    let problem = Diagnostic::new(Code::E0347, name.span, format!("there is no action `{}`", name.text));
                    let near = self.declare.nearest(&name.text, self.actions.keys().copied());
                    self.declare.report(match near {
                        Some(near) => suggest(problem, name.span, near),
                        None => problem.help("name an action of the project"),
                    });
                }
            }
        }
    }

    fn is_read_only(&self) -> bool {
        self.declare.schema.entity(self.entity).is_some_and(|entity| entity.read_only)
    }

    fn slots(&self, names: &[&str]) -> FieldSet {
        let entity = self.declare.schema.entity(self.entity);
        names.iter().filter_map(|name| entity.and_then(|entity| entity.slot(name))).collect()
    }

    fn update(&mut self, trigger: &ast::Trigger) -> Option<Event> {
        let Some(names) = &trigger.fields else {
            self.declare.report(
                Diagnostic::new(
                    Code::W0301,
                    trigger.span,
                    format!("this {} runs on every update, whatever field it is about", self.owner.word()),
                )
                .help("name the fields that matter: `update(name, ownerid)`"),
            );
            return Some(Event::Update(None));
        };
        if names.is_empty() {
            self.declare.report(
                Diagnostic::new(Code::E0317, trigger.span, "`update()` names no field")
                    .help("name the fields that matter, as in `update(name)`; `update` alone is any field"),
            );
            return None;
        }
        let mut fields = FieldSet::default();
        for name in names {
            self.update_field(name, &mut fields);
        }
        if fields.is_empty() { None } else { Some(Event::Update(Some(fields))) }
    }

    fn update_field(&mut self, name: &Name, fields: &mut FieldSet) {
        let Some(entity) = self.declare.schema.entity(self.entity) else { return };
        let Some(slot) = entity.slot(&name.text) else {
            if self.declare.broken.contains(&name.text) {
                return;
            }
            let problem = Diagnostic::new(Code::E0312, name.span, format!("`{}` has no field `{}`", entity.name, name.text));
            let near = self.declare.nearest(&name.text, entity.fields.keys().map(|name| name.as_str()));
            let problem = match near {
                Some(near) => suggest(problem, name.span, near),
                None => problem.help("name a field of the flow's own entity"),
            };
            self.declare.report(problem);
            return;
        };
        if entity.field(slot).is_some_and(|field| field.read_only) {
            self.declare.report(
                Diagnostic::new(Code::E0312, name.span, format!("no update can write `{}`, so it starts no flow", name.text))
                    .help("the platform writes it by itself; name a field that an operation can bring"),
            );
        } else if fields.contains(slot) {
            self.declare.report(
                Diagnostic::new(Code::E0313, name.span, format!("`{}` stands twice in this list", name.text)).help("name each field once"),
            );
        } else {
            fields.insert(slot);
        }
    }
}
