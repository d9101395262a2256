//! `weir replay`: what was recorded, once more and without the store; with other flows, what they would have done otherwise.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::output::Output;
use super::{Format, as_test, compiled, load, record};
use crate::diagnostic::render::{counted, visible};
use crate::exchange::{self, Difference};
use crate::project::record::{Played, Player, Record, Taken};
use crate::project::{Compiled, OpenError};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A record that `weir run --record` has written
    #[arg(value_name = "FILE", env = "WEIR_RECORD")]
    file: PathBuf,
    /// Flows to run instead of those that were recorded: a file or a folder, `-`, or a compiled `.flowc` file
    path: Option<PathBuf>,
    /// Print what was recorded as a test, which passes under `weir test`
    #[arg(long, env = "WEIR_AS_TEST", conflicts_with = "path")]
    as_test: bool,
    /// Only this operation, from 1, as a test
    #[arg(long, value_name = "N", env = "WEIR_OPERATION", requires = "as_test", value_parser = clap::value_parser!(u64).range(1..))]
    operation: Option<u64>,
    /// What is written
    #[arg(long, value_enum, default_value_t, env = "WEIR_FORMAT")]
    format: Format,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    replay(arguments, output).unwrap_or_else(|exit| exit)
}

/// How many operations there were, and how many ended as before.
#[derive(Default)]
struct Tally {
    operations: u64,
    same: u64,
    unrecorded: u64,
}

fn replay(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    if arguments.as_test {
        return as_test::print(&arguments.file, arguments.operation, output);
    }
    let mut record = record::open(&arguments.file, output)?;
    let unopened = |error: OpenError, output: &mut Output| load::unopened("", &error, output);
    let mut player = record.player().map_err(|error| unopened(error, output))?;
    let changed = match &arguments.path {
        None => None,
        Some(path) => {
            let flows = compiled::load_or_compile(path, output)?;
            let sources = load::openable(path, &flows.sources);
            let flows = Compiled { sources: sources.into(), ..flows }.onto(&record.compiled.schema).map_err(|words| {
                output.error_line(format!("error: these flows can't run on what was recorded: {words}"));
                Exit::Problems
            })?;
            let player = record.player_of(&flows).map_err(|error| unopened(error, output))?;
            Some((player, flows))
        }
    };
    let recorded = record.compiled.clone();
    let mut replay = Replay { recorded, changed, format: arguments.format, tally: Tally::default() };
    let exit = replay.all(&mut record, &mut player, arguments, output);
    replay.close(exit, arguments, output);
    let all = replay.tally.same == replay.tally.operations;
    Ok(exit.and(if all { Exit::Well } else { Exit::Problems }))
}

struct Replay {
    recorded: Compiled,
    changed: Option<(Player, Compiled)>,
    format: Format,
    tally: Tally,
}

impl Replay {
    fn all(&mut self, record: &mut Record<BufReader<File>>, player: &mut Player, arguments: &Arguments, output: &mut Output) -> Exit {
        while let Some(taken) = record.next_operation() {
            match taken {
                Ok(taken) => self.one(&taken, player, output),
                Err(error) => {
                    if self.format == Format::Json {
                        output.line(exchange::unread_json(&error));
                    }
                    return record::unread(&arguments.file, &error, output);
                }
            }
        }
        Exit::Well
    }

    fn one(&mut self, taken: &Taken, player: &mut Player, output: &mut Output) {
        let was = player.play(taken);
        let (played, difference) = match &mut self.changed {
            None => (None, Difference::default()),
            Some((player, flows)) => {
                let now = player.play(taken);
                let difference = Difference::between((&was, &self.recorded), (&now, flows));
                (Some(now), difference)
            }
        };
        self.tally.operations += 1;
        self.tally.same += u64::from(was.same && difference.is_none());
        self.tally.unrecorded += u64::from(difference.unrecorded.is_some());
        let title = exchange::operation_title(&taken.operation, &self.recorded.schema);
        if self.format == Format::Json {
            let now = played.as_ref().unwrap_or(&was);
            return output.line(exchange::replayed_json(taken.number, &title, &taken.outcome, &now.outcome, &difference));
        }
        let lines = if was.same { exchange::difference_lines(&difference, output.screen().width) } else { otherwise(taken, &was) };
        if self.changed.is_none() && lines.is_empty() {
            output.line(format!("{:>5}  {title}: {}", taken.number, exchange::ending_line(&taken.outcome.ending)));
        } else if !lines.is_empty() {
            output.line(format!("{:>5}  {title}", taken.number));
            lines.iter().for_each(|line| output.line(format!("       {line}")));
        }
    }

    fn close(&self, exit: Exit, arguments: &Arguments, output: &mut Output) {
        let Tally { operations, same, unrecorded } = self.tally;
        if self.format == Format::Json {
            let different = operations - same;
            let whole = exit == Exit::Well;
            return output.line(
                serde_json::json!({ "operations": operations, "same": same, "different": different, "unrecorded": unrecorded, "whole": whole })
                    .to_string(),
            );
        }
        let count = counted(usize::try_from(operations).unwrap_or(usize::MAX), "operation");
        let file = visible(&arguments.file.to_string_lossy()).into_owned();
        output.line(match &self.changed {
            None if operations == same => format!("{count} replayed from {file}, offline: the same outcome to the last bit"),
            None => format!("{count} replayed from {file}, offline: {same} with the same outcome"),
            Some(_) => {
                let unknown = if unrecorded == 0 { String::new() } else { format!(", {unrecorded} of them not known") };
                format!("{count} replayed from {file}, offline: {same} the same, {} different{unknown}", operations - same)
            }
        });
    }
}

/// What is told where what was recorded doesn't come out again.
fn otherwise(taken: &Taken, played: &Played) -> Vec<String> {
    vec![
        "this release doesn't run it as it was recorded".to_owned(),
        format!("ended      was: {}", exchange::ending_line(&taken.outcome.ending)),
        format!("           now: {}", exchange::ending_line(&played.outcome.ending)),
    ]
}
