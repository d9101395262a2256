//! `weir run --ops`: operations from a file, each through the pipeline, each outcome told.
//!
//! A line that can't be read is told and the next one is run all the same. Outcomes are told when their transaction is kept: what was
//! told is on disk. Where the store fails, the run ends. In a file, each transaction also holds how far the run has come, so that one
//! that was killed can go on; an operation by itself has its own transaction all the same, with its stage 10 before it.

mod background;
mod input;
mod journal;
mod progress;
mod rejects;
mod teller;

use std::cell::RefCell;
use std::io::{self, BufRead};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::exit::Exit;
use super::interrupt;
use super::output::Output;
use super::run::{self, Arguments};
use crate::diagnostic::{Code, render};
use crate::exchange::{self, Mark, Problem, Request};
use crate::pipeline::{Ending, Operation, Outcome, Pipeline};
use crate::project::Compiled;
use crate::schema::Row;
use crate::value::{Reference, Value};
use crate::vm::Fault;

pub(super) use background::hand_in;
use input::{Input, format, open};
use journal::{Journal, Note, Trouble};
use rejects::Rejects;
use teller::Teller;

pub(super) fn run(compiled: &Compiled, file: &Path, arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let store = run::store_url(compiled, arguments);
    if arguments.resume && store == run::MEMORY {
        return Err(usage("--resume needs a store that lasts: name one with --store", output));
    }
    let format = format(file, arguments, output)?;
    let (input, text) = open(file, output)?;
    let reader = exchange::Reader::new(text, &format, &compiled.schema, &compiled.program);
    let (mut reader, warnings) = reader.map_err(|problem| unreadable(&problem, &input.name, output))?;
    warnings.iter().for_each(|warning| output.error_line(warning.at(&input.name)));
    let mut pipeline = run::open(compiled, arguments, output)?;
    let acting = arguments.user.as_deref().map(|full_name| user(full_name, &mut pipeline)).transpose();
    let acting = acting.map_err(|problem| unknown_user(&problem, output))?;
    let mut journal = (store != run::MEMORY && !arguments.dry_run).then(|| Journal::new(&input, &format));
    let before = match &mut journal {
        Some(journal) if arguments.resume => {
            journal.resume(&input, &mut reader, &mut pipeline).map_err(|trouble| refused(&trouble, &input, store, output))?
        }
        _ => None,
    };
    let rejects = arguments.rejects.as_deref().map(|path| Rejects::open(path, before.as_ref().and_then(|note| note.rejects.as_ref())));
    let rejects = rejects.transpose().map_err(|error| unwritable(arguments, &error, output))?;
    let mut teller = Teller::new(compiled, &input, arguments, output);
    match (&before, &journal) {
        (Some(note), _) => teller.resumes(note, reader.bytes()),
        (None, Some(journal)) => teller.begins(journal.unfinished(&mut pipeline).ok().flatten().as_ref()),
        (None, None) => {}
    }
    let together = arguments.batch.is_some_and(|batch| batch > 1);
    let stop = interrupt::interrupted().map_err(|error| {
        teller.output.error_line(format!("error: Ctrl-C can't be waited for: {error}"));
        Exit::Failed
    })?;
    let mapped = compiled.schema.entities().any(|(_, entity)| entity.table.is_some());
    let (users, held, again) = (FxHashMap::default(), Vec::new(), Vec::new());
    let mut run = Run { together, mapped, stop, pipeline, acting, users, held, again, full: false, open: false, journal, rejects, teller };
    let began = Instant::now();
    let ended = run.all(reader);
    Ok(run.close(began.elapsed()).and(ended.err().unwrap_or(Exit::Well)))
}

fn usage(words: &str, output: &mut Output) -> Exit {
    output.error_line(format!("error: {words}"));
    Exit::Usage
}

fn unreadable(problem: &Problem, name: &str, output: &mut Output) -> Exit {
    output.error_line(problem.at(name));
    if problem.io { Exit::Failed } else { Exit::Problems }
}

/// Tells why a run can't go on where an earlier one ended.
fn refused(trouble: &Trouble, input: &Input, store: &str, output: &mut Output) -> Exit {
    let name = &input.name;
    match trouble {
        Trouble::Store(error) => super::load::store_failed(store, &error.to_string(), output),
        Trouble::Input(error) => {
            output.error_line(format!("error[{}]: `{name}` can't be read: {error}", Code::O0101.name()));
            Exit::Failed
        }
        Trouble::Changed(line) => {
            let code = Code::O0115.name();
            output.error_line(format!(
                "error[{code}]: `{name}` isn't what the earlier run has read: up to line {line}, which it had done, something was changed"
            ));
            output.error_line(
                "  = help: put these lines back as they were; another text under this name begins with a run without --resume, at the first line",
            );
            Exit::Problems
        }
    }
}

fn unwritable(arguments: &Arguments, error: &io::Error, output: &mut Output) -> Exit {
    let path = arguments.rejects.as_deref().unwrap_or(Path::new("")).to_string_lossy();
    output.error_line(format!("error[{}]: `{}` can't be written: {error}", Code::O0116.name(), render::visible(&path)));
    Exit::Failed
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

/// What became of an operation.
enum Held {
    /// It can't be read.
    Problem(Problem),
    /// It was run.
    Ran(Box<Ran>),
}

/// An operation that may have to be done once more: where in [`Run::held`] it stands, and as whom it is done.
type Again = (usize, Operation, Option<Reference>);

/// An operation that was run: its line, how it ended, and how long it took.
type Ran = (u64, Outcome, Duration);

/// A run over all operations.
struct Run<'a> {
    pipeline: Pipeline,
    acting: Option<Reference>,
    users: FxHashMap<SmolStr, Reference>,
    /// What became of the operations of the open transaction, in order and not yet told.
    held: Vec<Held>,
    /// The committed ones among them, where a rule of somebody's own tables may undo the transaction.
    again: Vec<Again>,
    /// Whether there are such tables.
    mapped: bool,
    /// Whether the open transaction ends here, full or not.
    full: bool,
    open: bool,
    /// Whether operations share transactions with others; else each is kept by itself when it ends.
    together: bool,
    /// Where the run notes how far it has come; nowhere where nothing lasts.
    journal: Option<Journal>,
    rejects: Option<Rejects>,
    /// Whether somebody wants it to end.
    stop: Arc<AtomicBool>,
    teller: Teller<'a>,
}

impl Run<'_> {
    /// Runs them; where the store fails, that is the end.
    fn all<R: BufRead>(&mut self, mut reader: exchange::Reader<'_, R>) -> Result<(), Exit> {
        let stops = self.teller.arguments.stop_on_error;
        while let Some(next) = self.next(&mut reader) {
            if self.stop.load(Ordering::Relaxed) {
                return self.interrupted(reader.mark_before());
            }
            let last = next.as_ref().is_err_and(|problem| problem.last);
            let io = next.as_ref().is_err_and(|problem| problem.io);
            if last || (next.is_err() && reader.is_cut()) {
                self.leave_open(reader.mark_before())?;
            }
            let wrong = match next {
                Err(problem) if problem.code == Code::F11 => {
                    let words = problem.message.clone();
                    self.unreadable(problem);
                    return Err(self.give_up(&words));
                }
                Err(problem) => Some(self.unreadable(problem)),
                Ok(request) => self.one(request, || reader.mark())?,
            };
            if let Some(reason) = wrong.as_ref().filter(|_| !last) {
                self.reject(reason, &reader)?;
            }
            self.teller.advance(reader.bytes());
            if last || (stops && wrong.is_some()) {
                // What is among the rejects is done with; what isn't is met again.
                let mark = if self.rejects.is_none() { reader.mark_before() } else { reader.mark() };
                self.end(|| mark, false)?;
                return if io { Err(Exit::Failed) } else { Ok(()) };
            }
            if self.full || self.held.len() >= self.teller.arguments.batch.unwrap_or(1) as usize {
                self.end(|| reader.mark(), false)?;
            }
        }
        // Who fed it may have been interrupted, too.
        if self.stop.load(Ordering::Relaxed) { self.interrupted(reader.mark()) } else { self.finish(reader.mark()) }
    }

    /// The next operation, with the records that it names by keys as they are now.
    fn next<R: BufRead>(&mut self, reader: &mut exchange::Reader<'_, R>) -> Option<Result<Request, Problem>> {
        let pipeline = RefCell::new(&mut self.pipeline);
        reader.next(&|entity, key| pipeline.borrow_mut().with_key(entity, key))
    }

    /// Of what has no end, and of a last line that can't be read and may not be written yet, nobody knows what will come of it: how far the
    /// run has come before it is noted, and it isn't done with.
    fn leave_open(&mut self, before: Mark) -> Result<(), Exit> {
        self.end(|| before, false)?;
        self.journal = None;
        Ok(())
    }

    /// The end that somebody wants before there is nothing left to do: what was done is kept.
    fn interrupted(&mut self, mark: Mark) -> Result<(), Exit> {
        let line = mark.line;
        self.end(|| mark, false)?;
        self.teller.interrupted(line, self.journal.is_some());
        Err(Exit::Interrupted)
    }

    /// The end of the input: that it was reached is noted, too.
    fn finish(&mut self, mark: Mark) -> Result<(), Exit> {
        if self.journal.is_some() && !self.open {
            self.begin()?;
        }
        self.end(|| mark, true)
    }

    fn begin(&mut self) -> Result<(), Exit> {
        self.pipeline.begin().map_err(|error| self.teller.failed(&error.to_string()))?;
        self.open = true;
        Ok(())
    }

    fn unreadable(&mut self, problem: Problem) -> String {
        let reason = problem.at(&self.teller.input.name);
        self.held.push(Held::Problem(problem));
        reason
    }

    /// Runs one, and gives the reason where it was stopped or failed.
    fn one(&mut self, request: Request, mark: impl FnOnce() -> Mark) -> Result<Option<String>, Exit> {
        let line = request.line;
        let began = Instant::now();
        let acting = match request.user.map(|name| self.user(name)).transpose() {
            Ok(named) => named.or(self.acting),
            Err(fault) => {
                let store = fault.code == Code::F11;
                let reason = self.unreadable(Problem::new(line, fault.code, fault.message.clone()));
                return if store { Err(self.give_up(&fault.message)) } else { Ok(Some(reason)) };
            }
        };
        if self.together && !self.open && !self.teller.arguments.dry_run {
            self.begin()?;
        }
        if let (Some(journal), false) = (&self.journal, self.together) {
            let rejects = self.rejects.as_mut().map(Rejects::flush).transpose();
            let rejects = match rejects {
                Ok(rejects) => rejects,
                Err(error) => return Err(self.lose(&error)),
            };
            journal.keep_with_next(Note { mark: mark(), ended: false, rejects, run: None }, &mut self.pipeline);
        }
        let again = (self.open && self.mapped).then(|| request.operation.clone());
        let outcome = self.pipeline.execute(request.operation, acting);
        let reason = self.teller.reason(line, &outcome.ending);
        let failed = match &outcome.ending {
            Ending::Fault(fault) if fault.code == Code::F11 || fault.code == Code::F25 && self.open => Some(fault.message.clone()),
            Ending::Fault(fault) if fault.code == Code::F26 && self.open => self.repeat(line)?,
            _ => None,
        };
        if outcome.ending == Ending::Committed {
            self.again.extend(again.map(|operation| (self.held.len(), operation, acting)));
        }
        self.held.push(Held::Ran(Box::new((line, outcome, began.elapsed()))));
        failed.map_or(Ok(reason), |words| Err(self.give_up(&words)))
    }

    /// Does the operations of the transaction once more that a rule of the database has undone, in a new one that then ends: so each is done
    /// twice at most. Gives the reason where one of them ends otherwise than before.
    fn repeat(&mut self, line: u64) -> Result<Option<String>, Exit> {
        // It is gone already; what is left to be undone is Weir's own state.
        let _ = self.pipeline.rollback();
        self.begin()?;
        self.full = true;
        for (place, operation, acting) in std::mem::take(&mut self.again) {
            let outcome = self.pipeline.execute(operation, acting);
            let is_same = outcome.ending == Ending::Committed;
            if let Some(Held::Ran(ran)) = self.held.get_mut(place) {
                ran.1 = outcome;
            }
            if !is_same {
                return Ok(Some(format!(
                    "a rule of the database undid the transaction at line {line}, and an operation before it doesn't end the same when it is done once more; \
                    go on with --resume and without --batch"
                )));
            }
        }
        Ok(None)
    }

    fn user(&mut self, name: SmolStr) -> Result<Reference, Fault> {
        if let Some(known) = self.users.get(&name) {
            return Ok(*known);
        }
        let found = user(&name, &mut self.pipeline)?;
        self.users.insert(name, found);
        Ok(found)
    }

    /// Puts what was read last among the rejects.
    fn reject<R: BufRead>(&mut self, reason: &str, reader: &exchange::Reader<'_, R>) -> Result<(), Exit> {
        let Some(rejects) = &mut self.rejects else { return Ok(()) };
        let head = if rejects.is_empty() { reader.rejected_head() } else { Vec::new() };
        rejects.count += 1;
        let written = rejects.write(&head).and_then(|()| rejects.write(&reader.rejected(reason)));
        written.map_err(|error| self.lose(&error))
    }

    /// Keeps the open transaction with how far the run has come, and tells what was in it.
    fn end(&mut self, mark: impl FnOnce() -> Mark, ended: bool) -> Result<(), Exit> {
        let rejects = self.rejects.as_mut().map(Rejects::flush).transpose().map_err(|error| self.lose(&error))?;
        // By itself, only what is kept has noted how far the run has come.
        let noted = !matches!(self.held.last(), Some(Held::Ran(ran)) if ran.1.ending != Ending::Committed);
        if self.journal.is_some() && !self.open && !noted {
            self.begin()?;
        }
        if std::mem::take(&mut self.open) {
            let noted = match &self.journal {
                Some(journal) => journal.keep(Note { mark: mark(), ended, rejects, run: None }, &mut self.pipeline),
                None => Ok(()),
            };
            if let Err(error) = noted.and_then(|()| self.pipeline.commit()) {
                return Err(self.give_up(&error.to_string()));
            }
        }
        self.again.clear();
        self.full = false;
        std::mem::take(&mut self.held).into_iter().for_each(|held| self.tell(held));
        Ok(())
    }

    fn tell(&mut self, held: Held) {
        match held {
            Held::Problem(problem) => self.teller.problem(&problem),
            Held::Ran(ran) => self.teller.outcome(ran.0, &ran.1, ran.2),
        }
    }

    /// The store failed: nothing of the open transaction is kept, and that is told of each of its operations.
    fn give_up(&mut self, words: &str) -> Exit {
        self.undo(words);
        self.teller.failed(words)
    }

    /// The rejects can't be written: so that none is lost, nothing of the open transaction is kept.
    fn lose(&mut self, error: &io::Error) -> Exit {
        self.undo("the rejects can't be written");
        self.teller.progress.end();
        unwritable(self.teller.arguments, error, self.teller.output)
    }

    fn undo(&mut self, words: &str) {
        // It has failed already; whether it can also be undone changes nothing.
        let _ = self.pipeline.rollback();
        self.open = false;
        let mut undone = Vec::new();
        for held in std::mem::take(&mut self.held) {
            match held {
                Held::Ran(ran) if self.together && ran.1.ending == Ending::Committed => undone.push(*ran),
                ended => self.tell(ended),
            }
        }
        self.teller.undone(undone, words);
    }

    /// The closing words; a dry run is undone before it says so.
    fn close(mut self, took: Duration) -> Exit {
        let failed = if self.teller.arguments.dry_run { self.pipeline.rollback().err() } else { None };
        let failed = failed.map(|error| self.teller.failed(&error.to_string()));
        self.teller.close(took, self.rejects.as_ref()).and(failed.unwrap_or(Exit::Well))
    }
}
