//! The command line: one small file a command, and the only code that prints. No analysis of its own.
//!
//! The exit codes are a contract (see `exit.rs`); so is what is machine-readable. Text for people may improve freely.

mod allow;
mod as_test;
mod build;
mod check;
mod compiled;
mod coverage;
mod deploy;
mod diff;
mod dis;
mod doc;
mod exit;
mod explain;
mod files;
mod fmt;
mod follow;
mod interrupt;
mod jobs;
mod life;
mod load;
mod new;
mod ops;
mod order;
mod output;
mod record;
mod repl;
mod replay;
mod run;
mod schema;
mod screen;
mod shell;
mod snap;
mod story;
mod test;
mod why;
mod work;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use exit::Exit;
use output::Output;

/// Rules that run inside the data transaction: check them, try them, run them.
#[derive(Debug, Parser)]
#[command(name = "weir", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Begin a small project that checks, tests and runs at once
    New(new::Arguments),
    /// Say everything that the compiler knows about a project
    Check(check::Arguments),
    /// Compile a project into one `.flowc` file
    Build(build::Arguments),
    /// List the bytecode beside the lines that it comes from
    Dis(dis::Arguments),
    /// Give the files of a project their one layout
    Fmt(fmt::Arguments),
    /// Show every step that an event would run, in its order, and what those may cause
    Order(order::Arguments),
    /// Write pages about the entities and flows, to be read in a browser
    Doc(doc::Arguments),
    /// Run a scenario, or operations from a file
    Run(run::Arguments),
    /// Run again what `weir run --record` has written down, without the store
    Replay(replay::Arguments),
    /// Tell what happened in a recorded operation, and why a flow ran in it or didn't
    Why(why::Arguments),
    /// Write a project into a store, and activate what is new or changed
    Deploy(deploy::Arguments),
    /// Let a deployed flow, action or plug-in run, in a new activation
    Activate(life::Arguments),
    /// Let a deployed flow, action or plug-in run no longer
    Deactivate(life::Arguments),
    /// Give a deployed flow that isn't active another mode
    Convert(life::Convert),
    /// Run the background jobs of a store until told to stop
    Work(work::Arguments),
    /// List the system jobs of a store, show one, cancel, pause, resume or postpone it
    Jobs(jobs::Arguments),
    /// Hold what each flow compiles to against the snapshots that the project keeps
    Snap(snap::Arguments),
    /// Run the tests
    Test(test::Arguments),
    /// Write entity declarations for the tables that a database has
    Schema(schema::Arguments),
    /// Try things out line by line, at a prompt or from a pipe
    Repl(repl::Arguments),
    /// Explain a code, with an example of what is wrong and of what is right
    Explain(explain::Arguments),
    /// Write what a shell needs to complete commands and options
    Completions(shell::Completions),
    /// Write the manual page
    Man(shell::Man),
}

/// What a command writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Human,
    /// An object a line, for programs
    Json,
}

/// The command line; its help is as wide as the screen, up to where lines are no longer easy to read.
fn command() -> clap::Command {
    Cli::command().term_width(screen::width().min(screen::Screen::FILE.width))
}

/// Runs the command that the process was asked for.
pub fn main() -> ExitCode {
    let matches = command().try_get_matches_from(coverage::joined(std::env::args_os()));
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too. Where they can't be printed there is nobody to tell.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code()));
        }
    };
    let mut output = Output::standard();
    let exit = match cli.command {
        Command::New(arguments) => new::run(&arguments, &mut output),
        Command::Check(arguments) => check::run(&arguments, &mut output),
        Command::Build(arguments) => build::run(&arguments, &mut output),
        Command::Dis(arguments) => dis::run(&arguments, &mut output),
        Command::Fmt(arguments) => fmt::run(&arguments, &mut output),
        Command::Order(arguments) => order::run(&arguments, &mut output),
        Command::Doc(arguments) => doc::run(&arguments, &mut output),
        Command::Run(arguments) => run::run(&arguments, &mut output),
        Command::Replay(arguments) => replay::run(&arguments, &mut output),
        Command::Why(arguments) => why::run(&arguments, &mut output),
        Command::Deploy(arguments) => deploy::run(&arguments, &mut output),
        Command::Activate(arguments) => life::activate(&arguments, &mut output),
        Command::Deactivate(arguments) => life::deactivate(&arguments, &mut output),
        Command::Convert(arguments) => life::convert(&arguments, &mut output),
        Command::Work(arguments) => work::run(&arguments, &mut output),
        Command::Jobs(arguments) => jobs::run(&arguments, &mut output),
        Command::Snap(arguments) => snap::run(&arguments, &mut output),
        Command::Test(arguments) => test::run(&arguments, &mut output),
        Command::Schema(arguments) => schema::run(&arguments, &mut output),
        Command::Repl(arguments) => repl::run(&arguments, &mut output),
        Command::Explain(arguments) => explain::run(&arguments, &mut output),
        Command::Completions(arguments) => shell::completions(&arguments, command(), &mut output),
        Command::Man(arguments) => shell::man(&arguments, command(), &mut output),
    };
    ExitCode::from(exit.and(output.finish()).code())
}
