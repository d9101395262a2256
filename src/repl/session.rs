//! A session: a project, a store with an open transaction, and what was typed so far. It knows nothing of a terminal.
//!
//! Invariants: the transaction is opened by the first statement that writes and stays open until `:commit` or `:rollback`; every statement
//! that changed something is a [`Mark`] to which `:undo` goes back; a statement that failed has left nothing behind.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::{SignedDuration, Timestamp};
use smol_str::SmolStr;

use super::answer::{Answer, Worst};
use super::clock::Clock;
use super::tape::{Seen, Tape, Typed};
use super::texts::Texts;
use super::{commands, define, statement};
use crate::check::Lines;
use crate::pipeline::{Ending, Outcome, Pipeline, Settings};
use crate::project::{Compiled, Config, LoadError, OpenError, Project};
use crate::scenario::{EventKind, Line};
use crate::schema::Schema;
use crate::source::Sources;
use crate::store::StoreError;

/// The store where none is named.
pub const MEMORY: &str = "sqlite::memory:";

/// The longest input: reading what isn't sound takes long.
pub(super) const LONGEST: usize = 1 << 20;

/// What a session works with.
pub struct Setup {
    /// The project; nothing where there is none.
    pub path: Option<PathBuf>,
    /// Whether nobody named that path: then a folder without flows is no error.
    pub guessed: bool,
    /// The store, where one is named.
    pub store: Option<String>,
    /// How operations run, by what the project says of it.
    pub settings: Box<dyn Fn(&Config) -> Settings>,
    /// Whether somebody is there who can be asked before something is lost.
    pub asks: bool,
    /// Whether what is told may have colours.
    pub colours: bool,
    /// How many columns a line has now.
    pub width: fn() -> usize,
    /// Set from outside, it ends the operation that runs.
    pub interrupt: Arc<AtomicBool>,
}

/// Why a session can't begin.
pub enum Refused {
    /// The project can't be read.
    Load(LoadError),
    /// It has errors.
    Errors(Box<Project>),
    /// The store can't be opened.
    Store(String, OpenError),
}

/// A session.
pub struct Session {
    pub(super) setup: Setup,
    pub(super) url: String,
    pub(super) texts: Texts,
    pub(super) project: Project,
    pub(super) compiled: Compiled,
    /// The texts of the project, and behind them what was typed since it was compiled.
    pub(super) sources: Sources,
    pub(super) pipeline: Pipeline,
    pub(super) clock: Clock,
    pub(super) state: State,
    /// What was typed, for `:save`.
    pub(super) tape: Tape,
    /// What stands in the place of code outside the language, by its name, as it was typed.
    pub(super) fakes: BTreeMap<SmolStr, String>,
    /// What to go back to: the last statements that changed something since the transaction began.
    pub(super) marks: VecDeque<Mark>,
    /// How many statements wrote something since the last `:commit`.
    pub(super) uncommitted: usize,
    /// What it was when the transaction began.
    pub(super) base: Option<State>,
    /// Whether the tables were brought up to another schema since the last `:commit`.
    pub(super) migrated: bool,
    pub(super) last: Option<Last>,
    /// How many files are being loaded inside one another.
    pub(super) loading: usize,
    /// Whether leaving was refused once, for what isn't committed.
    pub(super) warned: bool,
}

/// What statements leave behind beside records.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub lines: Lines,
    pub line: Line,
    /// How long the tape was.
    pub taped: usize,
    /// Where the clock stands, if it does, and how far the time is ahead of it.
    pub time: (Option<Timestamp>, SignedDuration),
}

/// A place to go back to.
pub(super) struct Mark {
    /// What it was before.
    pub state: State,
    /// Whether the store was marked too.
    pub stored: bool,
    /// What was typed there.
    pub what: String,
}

/// The last operation, with what it takes to tell of it.
pub(super) struct Last {
    pub what: String,
    pub outcome: Box<Outcome>,
    pub sources: Arc<Sources>,
    pub schema: Arc<Schema>,
}

/// Where something typed stands for people.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The name of its file.
    pub name: String,
    /// The line that it begins on.
    pub line: usize,
}

impl Session {
    /// Begins a session.
    pub fn new(setup: Setup) -> Result<Session, Refused> {
        let (texts, project) = Texts::load(setup.path.as_deref(), setup.guessed).map_err(Refused::Load)?;
        let Ok(compiled) = project.compile() else { return Err(Refused::Errors(Box::new(project))) };
        let url = setup.store.clone().or_else(|| compiled.config.store.clone()).unwrap_or_else(|| MEMORY.to_owned());
        let clock = Clock::default();
        let settings = settings(&setup, &clock, &compiled.config);
        let pipeline = compiled.open(&url, settings).map_err(|error| Refused::Store(url.clone(), error))?;
        let sources = project.sources.clone();
        Ok(Session {
            setup,
            url,
            texts,
            project,
            compiled,
            sources,
            pipeline,
            clock,
            state: State::default(),
            tape: Tape::default(),
            fakes: BTreeMap::new(),
            marks: VecDeque::new(),
            uncommitted: 0,
            base: None,
            migrated: false,
            last: None,
            loading: 0,
            warned: false,
        })
    }

    /// Takes in something typed, which is whole: a command, declarations, statements, or a value.
    pub fn take(&mut self, text: &str, origin: Origin, answer: &mut Answer<'_>) {
        // Ctrl-C within a file ends all of it.
        if self.loading == 0 {
            self.setup.interrupt.store(false, Ordering::Relaxed);
        }
        if text.len() > LONGEST {
            return answer.error(Worst::Problems, "error: this is longer than 1 MiB, which is more than is taken in at once");
        }
        let meant = commands::meant(self, text);
        match meant.as_deref().or_else(|| text.trim_start().strip_prefix(':')) {
            Some(command) => commands::run(self, command.trim(), answer),
            None => {
                self.warned = false;
                define::take(self, text, origin, answer);
            }
        }
    }

    /// Whether the last operation failed, and nothing was said yet that was about it.
    pub(super) fn failed(&self) -> bool {
        let last = self.state.line.last().filter(|_| self.state.line.unexpected());
        matches!(last.map(|event| &event.kind), Some(EventKind::Operation { outcome, .. }) if matches!(outcome.ending, Ending::Fault(_)))
    }

    /// What is worth saying before the next input: a file that changed.
    pub fn news(&mut self) -> Option<String> {
        let path = self.texts.changed()?;
        Some(format!("`{}` changed on disk: `:reload` takes it in", path.display()))
    }

    /// How the session went where nothing more is typed: the last operation may have ended in a way that nobody expected.
    pub fn end(&mut self, answer: &mut Answer<'_>) {
        statement::settle(self, answer);
        if self.uncommitted > 0 && !self.is_in_memory() {
            answer.line(format!("not kept   {} that `:commit` would have kept", operations(self.uncommitted)));
        }
    }

    /// A few words of greeting.
    pub fn greeting(&self) -> Vec<String> {
        let own = self.own_entities().count();
        let flows = self.compiled.program.flows.len();
        let path = self.setup.path.as_ref().map_or("no project".to_owned(), |path| path.display().to_string());
        let path = if own == 0 && flows == 0 { "no project".to_owned() } else { path };
        let store = if self.is_in_memory() { "a store in memory".to_owned() } else { self.url.clone() };
        let counts = format!("{}, {}", counted(own, "entity", "entities"), counted(flows, "flow", "flows"));
        vec![
            format!("weir {} · {path} ({counts}) · {store}", env!("CARGO_PKG_VERSION")),
            "Type statements, values and declarations. `:help` lists commands, Ctrl-D leaves.".to_owned(),
        ]
    }

    /// What stands before the cursor: who acts, and whether something isn't committed to a store that stays.
    pub fn prompt(&self) -> String {
        let by = self.state.line.acting.as_ref().map(|(name, _)| format!(" ({name})")).unwrap_or_default();
        let open = if self.uncommitted > 0 && !self.is_in_memory() { "*" } else { "" };
        format!("weir{by}{open}> ")
    }

    /// Whether its store is gone with it.
    pub fn is_in_memory(&self) -> bool {
        self.url == MEMORY
    }

    /// The entities that aren't built in.
    pub(super) fn own_entities(&self) -> impl Iterator<Item = (crate::value::EntityId, &crate::schema::Entity)> {
        let built_in = built_in();
        self.compiled.schema.entities().filter(move |(_, entity)| !built_in.contains(&entity.name))
    }

    /// Opens the transaction, where none is open.
    pub(super) fn open(&mut self) -> Result<(), StoreError> {
        if !self.pipeline.is_open() {
            self.pipeline.begin()?;
            self.base = Some(self.snapshot());
        }
        Ok(())
    }

    /// The state, with the time as it is.
    pub(super) fn snapshot(&self) -> State {
        State { time: (self.clock.stands_at(), self.pipeline.ahead()), taped: self.tape.len(), ..self.state.clone() }
    }

    /// Goes back to a state.
    pub(super) fn restore(&mut self, state: State) {
        self.clock.set(state.time.0);
        self.pipeline.set_ahead(state.time.1);
        self.tape.truncate(state.taped, state.lines.locals().len());
        self.state = state;
    }

    /// The tape, with what is known when the last statement, or a value in it, is put on it.
    pub(super) fn taped(&mut self, at: crate::source::Span) -> (&mut Tape, Seen<'_>, Typed<'_>) {
        let Session { tape, state, compiled, clock, sources, .. } = self;
        let seen = Seen { schema: &compiled.schema, lines: &state.lines, line: &state.line, stands: clock.stands_at().is_some() };
        (tape, seen, Typed::of(sources, &state.lines, at))
    }

    /// Undoes everything since the last `:commit`; the tables are brought up to the schema again, which is as it was declared since.
    pub(super) fn roll_back(&mut self) -> Result<(), StoreError> {
        self.pipeline.rollback()?;
        self.marks.clear();
        self.uncommitted = 0;
        if let Some(state) = self.base.take() {
            self.restore(state);
        }
        if self.migrated {
            self.open()?;
            self.pipeline.migrate_again()?;
        }
        Ok(())
    }

    /// Where the store failed in the transaction there is only one way on.
    pub(super) fn recover(&mut self, answer: &mut Answer<'_>) {
        if self.pipeline.is_broken() {
            let lost = operations(self.uncommitted);
            let words = match self.roll_back() {
                Ok(()) => format!("the store failed in the transaction, which was rolled back: {lost} lost"),
                Err(error) => format!("the store failed in the transaction: {error}"),
            };
            answer.error(Worst::Failed, format!("error: {words}"));
        }
    }

    /// Settings for a pipeline of this session.
    pub(super) fn settings(&self) -> Settings {
        settings(&self.setup, &self.clock, &self.compiled.config)
    }
}

fn settings(setup: &Setup, clock: &Clock, config: &Config) -> Settings {
    let settings = clock.applied((setup.settings)(config)).traced();
    Settings { interrupt: Some(Arc::clone(&setup.interrupt)), ..settings }
}

/// The names of the entities that every project has.
pub(super) fn built_in() -> Vec<SmolStr> {
    let mut sources = Sources::default();
    let file = crate::check::built_in(&mut sources);
    file.items.iter().map(|item| super::texts::key(item).0.1).collect()
}

/// So many operations.
pub(super) fn operations(count: usize) -> String {
    counted(count, "operation", "operations")
}

/// A count with its noun.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
