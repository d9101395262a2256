//! `weir why`: what happened in a recorded operation, and why a flow ran in it or didn't.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::output::Output;
use super::{Format, load, record};
use crate::diagnostic::nearest;
use crate::diagnostic::render::several;
use crate::exchange::{self, About};
use crate::pipeline::{Outcome, TraceEntry};
use crate::project::Compiled;
use crate::project::record::{Player, Record, Taken};
use crate::value::{Uuid, text::quoted};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A record that `weir run --record` has written
    #[arg(value_name = "FILE", env = "WEIR_RECORD")]
    file: PathBuf,
    /// Only what is about this flow, plug-in or action
    #[arg(long, value_name = "NAME", env = "WEIR_FLOW")]
    flow: Option<String>,
    /// Only what is done on the record with this id
    #[arg(long, value_name = "ID", env = "WEIR_ID")]
    record: Option<Uuid>,
    /// Which operation, from 1; by default the last, or the last that the flow or the record has a part in
    #[arg(long, value_name = "N", env = "WEIR_OPERATION", value_parser = clap::value_parser!(u64).range(1..))]
    operation: Option<u64>,
    /// All of a long trace
    #[arg(long, env = "WEIR_ALL")]
    all: bool,
    /// What is written
    #[arg(long, value_enum, default_value_t, env = "WEIR_FORMAT")]
    format: Format,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    tell(arguments, output).unwrap_or_else(|exit| exit)
}

fn tell(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let mut record = record::open(&arguments.file, output)?;
    known(&record.compiled, arguments.flow.as_deref()).map_err(|words| {
        output.error_line(format!("error: {words}"));
        Exit::Usage
    })?;
    let mut player = record.player().map_err(|error| load::unopened("", &error, output))?;
    let (Found { taken, outcome, trace, others }, exit) = found(&mut record, &mut player, arguments, output)?;
    let part = Outcome { trace, ..outcome.clone() };
    let Compiled { program, schema, sources, .. } = &record.compiled;
    if arguments.format == Format::Json {
        let told = exchange::told_with_outputs(taken.number, &outcome, None, program, schema);
        output.line(exchange::with_trace(&told, &part, schema, sources, true));
        return Ok(exit);
    }
    output.line(format!("operation {}  {}", taken.number, exchange::operation_title(&taken.operation, schema)));
    if !others.is_empty() {
        output.line(format!(
            "  (the last of {} with a part in it; `--operation` tells another: {})",
            others.len() + 1,
            several(&others, MOST)
        ));
    }
    let lines = exchange::trace_lines(&part, schema, sources, output.screen().within(2).width);
    let shown = if arguments.all { lines.len() } else { lines.len().min(MOST_LINES) };
    lines.iter().take(shown).for_each(|line| output.line(format!("  {line}")));
    if shown < lines.len() {
        let left_out = match lines.len() - shown {
            1 => "1 line more".to_owned(),
            more => format!("{more} lines more"),
        };
        output.line(format!("  … and {left_out}: `--flow NAME` tells a part, `--all` everything"));
    }
    if part.trace.is_empty() {
        output.line(format!("  {}", absent(arguments, &outcome, &record.compiled)));
    }
    output.line(exchange::ending_line(&outcome.ending));
    Ok(exit)
}

/// The operation that is asked for.
struct Found {
    taken: Taken,
    outcome: Outcome,
    /// What of it is about what is asked.
    trace: Vec<TraceEntry>,
    /// The numbers of earlier operations that are about it, too.
    others: Vec<String>,
}

/// How many of those are named.
const MOST: usize = 10;

/// How many lines of a trace are told where nobody asks for all.
const MOST_LINES: usize = 200;

/// The operation that is asked for, and how bad it is what can't be read. Where none is named, the last one that is about the flow or the
/// record; where none is, or neither is named, the last one.
fn found(
    record: &mut Record<BufReader<File>>,
    player: &mut Player,
    arguments: &Arguments,
    output: &mut Output,
) -> Result<(Found, Exit), Exit> {
    let about = About { flow: arguments.flow.as_deref(), record: arguments.record };
    let all = about.flow.is_none() && about.record.is_none();
    let mut play = |taken: Taken| {
        let outcome = player.play(&taken).outcome;
        let trace = if all { outcome.trace.clone() } else { exchange::trace_about(&outcome.trace, about) };
        Found { taken, outcome, trace, others: Vec::new() }
    };
    let (mut last, mut exit, mut count): (Option<Taken>, _, _) = (None, Exit::Well, 0);
    let (mut part, mut without): (Option<Found>, Option<Found>) = (None, None);
    while let Some(taken) = record.next_operation() {
        let taken = match taken {
            Ok(taken) => taken,
            Err(error) => {
                exit = record::unread(&arguments.file, &error, output);
                continue;
            }
        };
        count = taken.number;
        if let Some(wanted) = arguments.operation {
            if wanted == count {
                return Ok((play(taken), exit));
            }
            continue;
        }
        if all {
            last = Some(taken);
            continue;
        }
        let mut found = play(taken);
        if found.trace.is_empty() {
            without = Some(found);
            continue;
        }
        if let Some(before) = part.take() {
            found.others = before.others;
            found.others.push(before.taken.number.to_string());
        }
        part = Some(found);
    }
    let Some(found) = part.or(without).or_else(|| last.map(play)) else {
        output.error_line(match arguments.operation {
            Some(wanted) => format!("error: there is no operation {wanted}: the record has {count}"),
            None => "error: the record has no operation".to_owned(),
        });
        return Err(exit.and(Exit::Usage));
    };
    Ok((found, exit))
}

/// Whether there is a flow, plug-in or action of this name.
fn known(compiled: &Compiled, name: Option<&str>) -> Result<(), String> {
    let Some(name) = name else { return Ok(()) };
    let program = &compiled.program;
    let flows = program.flows.iter().map(|flow| flow.head.name.as_str());
    let plugins = program.plugins.iter().map(|plugin| plugin.head.name.as_str());
    let names: Vec<&str> = flows.chain(plugins).chain(program.actions.iter().map(|action| action.head.name.as_str())).collect();
    if names.contains(&name) {
        return Ok(());
    }
    let meant = nearest(name, names).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    Err(format!("there is no flow {} in what was recorded{meant}", quoted(name)))
}

/// Why nothing is told.
fn absent(arguments: &Arguments, outcome: &Outcome, compiled: &Compiled) -> String {
    match (&arguments.flow, arguments.record) {
        (Some(flow), None) => exchange::not_considered(flow, &outcome.trace, &compiled.program, &compiled.schema),
        (Some(flow), Some(id)) => format!("`{flow}` was not considered on the record {id}"),
        (None, Some(id)) => format!("nothing was done on the record {id}"),
        (None, None) => "nothing happened".to_owned(),
    }
}
