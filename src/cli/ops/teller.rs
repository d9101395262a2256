//! Tells what becomes of operations, counts them, and sums up.

use std::time::Duration;

use super::super::exit::Exit;
use super::super::output::Output;
use super::super::run::{self, Arguments};
use super::super::{Format, load};
use super::journal::Note;
use super::progress::Progress;
use super::rejects::Rejects;
use super::{Input, Ran};
use crate::diagnostic::{Code, render, render::counted};
use crate::exchange::{self, Problem, Tally};
use crate::pipeline::{Ending, Outcome};
use crate::project::Compiled;
use crate::vm::Fault;

/// How many kinds of endings the summary for people names.
const MOST: usize = 20;

/// Tells what became of the operations, and counts.
pub(super) struct Teller<'a> {
    compiled: &'a Compiled,
    pub input: &'a Input<'a>,
    pub arguments: &'a Arguments,
    pub output: &'a mut Output,
    pub progress: Progress,
    tally: Tally,
    exit: Exit,
    /// What is said after all else.
    last: Option<String>,
}

impl<'a> Teller<'a> {
    pub fn new(compiled: &'a Compiled, input: &'a Input<'a>, arguments: &'a Arguments, output: &'a mut Output) -> Self {
        let tally = Tally { dry_run: arguments.dry_run, ..Tally::default() };
        Teller { compiled, input, arguments, output, progress: Progress::new(input), tally, exit: Exit::Well, last: None }
    }

    /// Tells that the run goes on behind what an earlier one has done.
    pub fn resumes(&mut self, note: &Note, bytes: u64) {
        let (name, line) = (&self.input.name, note.mark.line);
        self.tally.resumed_after = Some(line);
        self.progress.skip(bytes);
        let all = if note.ended { ", the end of it then" } else { "" };
        self.output.error_line(format!("{name}: an earlier run has done it up to line {line}{all}; this one goes on behind that"));
    }

    /// Tells that the run begins at the beginning, where somebody might think otherwise.
    pub fn begins(&mut self, unfinished: Option<&Note>) {
        let name = &self.input.name;
        if self.arguments.resume {
            self.output.error_line(format!("{name}: the store knows of no earlier run over it, so this one begins at the first line"));
        } else if let Some(note) = unfinished {
            let line = note.mark.line;
            self.output.error_line(format!(
                "{name}: an earlier run ended after line {line}; this one begins at the first line again (--resume goes on behind it)"
            ));
        }
    }

    /// Why an operation was stopped or failed.
    pub fn reason(&self, line: u64, ending: &Ending) -> Option<String> {
        let name = &self.input.name;
        match ending {
            Ending::Committed => None,
            Ending::Stopped { flow, reason } => Some(format!("{name}:{line}: stopped by {flow}: {}", render::visible(reason))),
            Ending::Fault(fault) => {
                let flow = fault.chain.last().map(|flow| format!(" (in {flow})")).unwrap_or_default();
                Some(format!("{name}:{line}: error[{}]: {}{flow}", fault.code.name(), render::visible(&fault.message)))
            }
        }
    }

    pub fn problem(&mut self, problem: &Problem) {
        self.tally.fault(problem.code, 1);
        self.exit = self.exit.and(Exit::Problems);
        match self.arguments.format {
            Format::Human => self.line(&problem.at(&self.input.name)),
            Format::Json => self.line(&exchange::refused(problem)),
        }
    }

    pub fn outcome(&mut self, line: u64, outcome: &Outcome, took: Duration) {
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
        let words = match self.reason(line, &outcome.ending) {
            Some(reason) => reason,
            None if self.arguments.trace => format!("{}:{line}: committed", self.input.name),
            None => return,
        };
        self.line(&words);
        if self.arguments.trace {
            let width = self.output.screen().within(4).width;
            let lines = exchange::trace_lines(outcome, &self.compiled.schema, &self.compiled.sources, width);
            lines.iter().for_each(|line| self.line(&format!("    {line}")));
        }
    }

    /// Operations that went well in a transaction that was not kept: for people all in one line.
    pub fn undone(&mut self, operations: Vec<Ran>, words: &str) {
        let (Some((first, ..)), Some((last, ..))) = (operations.first(), operations.last()) else { return };
        let count = operations.len();
        let were = if count == 1 { "was" } else { "were" };
        let operations_were = format!("{} up to line {last} {were} not kept", counted(count, "operation"));
        let together = format!("{}:{first}: error[F11]: {operations_were}", self.input.name);
        if self.arguments.format == Format::Human {
            self.tally.fault(Code::F11, count as u64);
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
    pub fn failed(&mut self, words: &str) -> Exit {
        self.progress.end();
        load::store_failed(run::store_url(self.compiled, self.arguments), words, self.output)
    }

    /// Tells at the end that the run was interrupted, and after which line.
    pub fn interrupted(&mut self, line: u64, noted: bool) {
        let after = if noted { "; --resume goes on behind it" } else { "" };
        self.last = Some(format!("{}: interrupted after line {line}{after}", self.input.name));
    }

    /// Brings the progress up to date.
    pub fn advance(&mut self, bytes: u64) {
        self.progress.advance(bytes, &self.tally);
    }

    /// The closing words, and how the run ends.
    pub fn close(&mut self, took: Duration, rejects: Option<&Rejects>) -> Exit {
        self.progress.end();
        self.sum_up(took, rejects);
        if let Some(last) = self.last.take() {
            self.output.error_line(last);
        }
        self.exit
    }

    fn sum_up(&mut self, took: Duration, rejects: Option<&Rejects>) {
        if self.arguments.format == Format::Json {
            return self.output.line(self.tally.json(Some(took)));
        }
        self.endings();
        let Tally { committed, stopped, faults, .. } = self.tally;
        let rate = self.tally.total() as f64 / took.as_secs_f64().max(1e-6);
        let failed = counted(faults as usize, "fault");
        self.output.line(format!("{committed} committed, {stopped} stopped, {failed} in {:.2} s ({rate:.0} a second)", took.as_secs_f64()));
        if self.tally.dry_run {
            self.output.line("a dry run: all of it was rolled back, and nothing was kept");
        }
        if let Some(rejects) = rejects.filter(|rejects| rejects.written > 0) {
            let (count, path) = (counted(rejects.written as usize, "operation"), rejects.path().to_string_lossy());
            self.output.line(format!("{count} written to `{0}`, each with its reason: mend them, then --ops {0}", render::visible(&path)));
        }
    }

    /// How often what was in the way, where that says more than the lines before.
    fn endings(&mut self) {
        let mut by_flow: Vec<(&str, u64, Vec<&str>)> = Vec::new();
        for ((flow, reason), count) in &self.tally.stopped_by {
            let at = by_flow.iter().position(|(other, ..)| other == flow);
            match at.and_then(|at| by_flow.get_mut(at)) {
                Some((_, sum, reasons)) => {
                    *sum += count;
                    reasons.extend(reason.as_deref());
                }
                None => by_flow.push((flow, *count, reason.as_deref().into_iter().collect())),
            }
        }
        let stopped = by_flow.iter().map(|(flow, count, reasons)| {
            let first = render::visible(reasons.first().copied().unwrap_or_default());
            let several = if reasons.len() > 1 { ", the first of them" } else { "" };
            (*count, format!("stopped by {flow}{several}: {first}"))
        });
        let failed = self.tally.faults_by.iter().map(|(code, count)| (*count, format!("error[{code}], see `weir explain {code}`")));
        let mut endings: Vec<(u64, String)> = stopped.chain(failed).collect();
        if endings.len() as u64 == self.tally.stopped + self.tally.faults {
            return;
        }
        endings.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let width = endings.first().map_or(0, |(count, _)| count.to_string().len());
        for (count, words) in endings.iter().take(MOST) {
            self.output.line(format!("{count:>width$} {words}"));
        }
        if let Some(more) = endings.len().checked_sub(MOST).filter(|more| *more > 0) {
            self.output.line(format!("and {} more", counted(more, "kind")));
        }
    }

    fn line(&mut self, text: &str) {
        let output = &mut *self.output;
        self.progress.aside(|seen| {
            output.line(text);
            if seen {
                output.flush();
            }
        });
    }
}
