//! `weir run --ops`: operations from a file, each through the pipeline, each outcome told.
//!
//! A line that can't be read is told and the next one is run all the same. With batches, outcomes are told when their
//! transaction is kept: what was told is on disk. Where the store fails, the run ends.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::exit::Exit;
use super::output::Output;
use super::run::Arguments;
use super::{Format, load, run};
use crate::diagnostic::{Code, render};
use crate::exchange::{self, Problem, Request, Tally};
use crate::pipeline::{Ending, Outcome, Pipeline};
use crate::project::Compiled;
use crate::schema::Row;
use crate::value::{Reference, Value};
use crate::vm::Fault;

pub(super) fn run(compiled: &Compiled, file: &Path, arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let name = if file.as_os_str() == "-" { "<stdin>".to_owned() } else { render::visible(&file.to_string_lossy()).into_owned() };
    let format = format(file, arguments, output)?;
    let (input, size) = open(file, &name, output)?;
    let reader = exchange::Reader::new(input, &format, &compiled.schema, &compiled.program);
    let (reader, warnings) = reader.map_err(|problem| unreadable(&problem, &name, output))?;
    warnings.iter().for_each(|warning| output.error_line(warning.at(&name)));
    let mut pipeline = run::open(compiled, arguments, output)?;
    let acting = arguments.user.as_deref().map(|full_name| user(full_name, &mut pipeline)).transpose();
    let acting = acting.map_err(|problem| unknown_user(&problem, output))?;
    let teller = Teller {
        compiled,
        name,
        store: run::store_url(compiled, arguments),
        arguments,
        output,
        tally: Tally::default(),
        exit: Exit::Well,
        progress: progress(size),
    };
    let mut run = Run { pipeline, acting, users: FxHashMap::default(), held: Vec::new(), open: false, teller };
    let began = Instant::now();
    let ended = run.all(reader);
    run.teller.close(began.elapsed());
    Ok(run.teller.exit.and(ended.err().unwrap_or(Exit::Well)))
}

/// How the file is written.
fn format(file: &Path, arguments: &Arguments, output: &mut Output) -> Result<exchange::Format, Exit> {
    match &arguments.entity {
        Some(entity) => Ok(exchange::Format::Csv { entity: entity.into(), message: arguments.message.into() }),
        None if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) => {
            output.error_line("error: a CSV needs --entity, the entity of its records");
            Err(Exit::Usage)
        }
        None => Ok(exchange::Format::JsonLines),
    }
}

/// The file and its size, where that is known.
fn open(file: &Path, name: &str, output: &mut Output) -> Result<(Box<dyn BufRead>, Option<u64>), Exit> {
    if file.as_os_str() == "-" {
        return Ok((Box::new(io::stdin().lock()), None));
    }
    let opened = File::open(file).and_then(|opened| {
        let meta = opened.metadata()?;
        if meta.is_dir() { Err(io::Error::from(io::ErrorKind::IsADirectory)) } else { Ok((opened, meta)) }
    });
    match opened {
        Ok((opened, meta)) => Ok((Box::new(BufReader::with_capacity(256 * 1024, opened)), meta.is_file().then_some(meta.len()))),
        Err(error) => {
            output.error_line(format!("error[{}]: `{name}` can't be read: {error}", Code::O0101.name()));
            Err(Exit::Failed)
        }
    }
}

fn unreadable(problem: &Problem, name: &str, output: &mut Output) -> Exit {
    output.error_line(problem.at(name));
    if problem.io { Exit::Failed } else { Exit::Problems }
}

/// The user with a full name.
pub(super) fn user(full_name: &str, pipeline: &mut Pipeline) -> Result<Reference, Fault> {
    let administrator = pipeline.administrator();
    let mut wanted = Row::default();
    if let Some(slot) = pipeline.schema().entity(administrator.entity).and_then(|users| users.slot("fullname")) {
        wanted.set(slot, Value::Text(full_name.into()));
    }
    let found = pipeline.find(administrator.entity, &wanted, 1)?;
    let id = found.first().copied().ok_or_else(|| Fault {
        code: Code::O0113,
        message: format!("there is no user {}", crate::value::text::quoted(full_name)),
        span: None,
        chain: Vec::new(),
    })?;
    Ok(Reference { entity: administrator.entity, id })
}

/// Tells that `--as` names nobody.
pub(super) fn unknown_user(fault: &Fault, output: &mut Output) -> Exit {
    output.error_line(format!("error[{}]: {}", fault.code.name(), fault.message));
    if fault.code == Code::F11 { Exit::Failed } else { Exit::Problems }
}

/// Progress on standard error, where that is a terminal.
fn progress(size: Option<u64>) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match size {
        Some(size) => (ProgressBar::new(size), "{elapsed} [{bar:30}] {percent}%  {msg}"),
        None => (ProgressBar::no_length(), "{elapsed} {spinner} {msg}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// A run over all operations.
struct Run<'a> {
    pipeline: Pipeline,
    acting: Option<Reference>,
    users: FxHashMap<SmolStr, Reference>,
    /// Outcomes of the open transaction, not yet told.
    held: Vec<(u64, Outcome, Duration)>,
    open: bool,
    teller: Teller<'a>,
}

impl Run<'_> {
    /// Runs them; where the store fails, that is the end.
    fn all<R: BufRead>(&mut self, mut reader: exchange::Reader<'_, R>) -> Result<(), Exit> {
        while let Some(next) = reader.next() {
            match next {
                Err(problem) => {
                    self.teller.problem(&problem);
                    if problem.io {
                        self.end()?;
                        return Err(Exit::Failed);
                    }
                }
                Ok(request) => self.one(request)?,
            }
            self.teller.advance(reader.bytes());
        }
        self.end()
    }

    fn one(&mut self, request: Request) -> Result<(), Exit> {
        let line = request.line;
        let began = Instant::now();
        let acting = match request.user.map(|name| self.user(name)).transpose() {
            Ok(named) => named.or(self.acting),
            Err(fault) => {
                let store = fault.code == Code::F11;
                self.teller.problem(&Problem::new(line, fault.code, fault.message.clone()));
                return if store { Err(self.give_up(&fault.message)) } else { Ok(()) };
            }
        };
        if self.teller.arguments.batch > 1 && !self.open {
            self.pipeline.begin().map_err(|error| self.teller.failed(&error.to_string()))?;
            self.open = true;
        }
        let outcome = self.pipeline.execute(request.operation, acting);
        let failed = match &outcome.ending {
            Ending::Fault(fault) if fault.code == Code::F11 => Some(fault.message.clone()),
            _ => None,
        };
        self.held.push((line, outcome, began.elapsed()));
        if let Some(words) = failed {
            return Err(self.give_up(&words));
        }
        if self.held.len() >= self.teller.arguments.batch as usize { self.end() } else { Ok(()) }
    }

    fn user(&mut self, name: SmolStr) -> Result<Reference, Fault> {
        if let Some(known) = self.users.get(&name) {
            return Ok(*known);
        }
        let found = user(&name, &mut self.pipeline)?;
        self.users.insert(name, found);
        Ok(found)
    }

    /// Keeps the open transaction, and tells what was in it.
    fn end(&mut self) -> Result<(), Exit> {
        if std::mem::take(&mut self.open)
            && let Err(error) = self.pipeline.commit()
        {
            return Err(self.give_up(&error.to_string()));
        }
        for (line, outcome, took) in std::mem::take(&mut self.held) {
            self.teller.outcome(line, &outcome, took);
        }
        Ok(())
    }

    /// The store failed: nothing of the open transaction is kept, and that is told of each of its operations.
    fn give_up(&mut self, words: &str) -> Exit {
        // It has failed already; whether it can also be undone changes nothing.
        let _ = self.pipeline.rollback();
        self.open = false;
        let (undone, ended): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.held).into_iter().partition(|(_, outcome, _)| outcome.ending == Ending::Committed);
        ended.iter().for_each(|(line, outcome, took)| self.teller.outcome(*line, outcome, *took));
        self.teller.undone(undone, words);
        self.teller.failed(words)
    }
}

/// Tells what became of the operations, and counts.
struct Teller<'a> {
    compiled: &'a Compiled,
    name: String,
    store: &'a str,
    arguments: &'a Arguments,
    output: &'a mut Output,
    tally: Tally,
    exit: Exit,
    progress: ProgressBar,
}

impl Teller<'_> {
    fn problem(&mut self, problem: &Problem) {
        self.tally.faults += 1;
        self.exit = self.exit.and(Exit::Problems);
        match self.arguments.format {
            Format::Human => self.line(&problem.at(&self.name)),
            Format::Json => self.line(&exchange::refused(problem)),
        }
    }

    fn outcome(&mut self, line: u64, outcome: &Outcome, took: Duration) {
        self.tally.count(outcome);
        let exit = match outcome.ending {
            Ending::Committed => Exit::Well,
            Ending::Stopped { .. } => Exit::Stopped,
            Ending::Fault(_) => Exit::Problems,
        };
        self.exit = self.exit.and(exit);
        if self.arguments.format == Format::Json {
            let Compiled { program, schema, sources, .. } = self.compiled;
            let told = exchange::told_with_outputs(line, outcome, Some(took), program, schema);
            if !self.arguments.trace {
                return self.line(&told);
            }
            return self.line(&exchange::with_trace(&told, outcome, schema, sources, true));
        }
        let words = match &outcome.ending {
            Ending::Committed if self.arguments.trace => format!("{}:{line}: committed", self.name),
            Ending::Committed => return,
            Ending::Stopped { flow, reason } => format!("{}:{line}: stopped by {flow}: {}", self.name, render::visible(reason)),
            Ending::Fault(fault) => {
                let flow = fault.chain.last().map(|flow| format!(" (in {flow})")).unwrap_or_default();
                format!("{}:{line}: error[{}]: {}{flow}", self.name, fault.code.name(), render::visible(&fault.message))
            }
        };
        self.line(&words);
        if self.arguments.trace {
            let lines = exchange::trace_lines(outcome, &self.compiled.schema, &self.compiled.sources);
            lines.iter().for_each(|line| self.line(&format!("    {line}")));
        }
    }

    /// Operations that went well in a transaction that was not kept: for people all in one line.
    fn undone(&mut self, operations: Vec<(u64, Outcome, Duration)>, words: &str) {
        let (Some((first, ..)), Some((last, ..))) = (operations.first(), operations.last()) else { return };
        let count = operations.len();
        let together = format!("{}:{first}: error[F11]: {count} operations up to line {last} were not kept", self.name);
        if self.arguments.format == Format::Human {
            self.tally.faults += count as u64;
            self.exit = self.exit.and(Exit::Problems);
            return self.line(&together);
        }
        for (line, outcome, took) in operations {
            let message = format!("not kept, for the store failed: {words}");
            let fault = Fault { code: Code::F11, message, span: None, chain: Vec::new() };
            self.outcome(line, &Outcome { ending: Ending::Fault(fault), record: None, records: Vec::new(), ..outcome }, took);
        }
    }

    /// Tells that the store failed.
    fn failed(&mut self, words: &str) -> Exit {
        self.progress.finish_and_clear();
        load::store_failed(self.store, words, self.output)
    }

    fn line(&mut self, text: &str) {
        let output = &mut *self.output;
        self.progress.suspend(|| output.line(text));
    }

    fn advance(&mut self, bytes: u64) {
        if self.tally.total().is_multiple_of(64) && !self.progress.is_hidden() {
            self.progress.set_position(bytes);
            self.progress.set_message(format!("{} operations", self.tally.total()));
        }
    }

    /// The closing line.
    fn close(&mut self, took: Duration) {
        self.progress.finish_and_clear();
        if self.arguments.format == Format::Json {
            let line = self.tally.json(Some(took));
            return self.output.line(line);
        }
        let Tally { committed, stopped, faults } = self.tally;
        let rate = self.tally.total() as f64 / took.as_secs_f64().max(1e-6);
        let failed = if faults == 1 { "1 fault".to_owned() } else { format!("{faults} faults") };
        self.output.line(format!("{committed} committed, {stopped} stopped, {failed} in {:.2} s ({rate:.0} a second)", took.as_secs_f64()));
    }
}
