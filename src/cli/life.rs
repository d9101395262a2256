//! `weir activate`, `weir deactivate`, `weir convert`: what becomes of a definition in a store.

use clap::{Args, ValueEnum};

use super::exit::Exit;
use super::output::Output;
use super::{Format, load};
use crate::bytecode::Mode;
use crate::diagnostic::render;
use crate::pipeline::Settings;
use crate::project::{self, Fate, LifeError};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The flow, action or plug-in
    name: String,
    /// The store, `sqlite:FILE`
    #[arg(long, value_name = "URL", env = "WEIR_STORE")]
    store: String,
    /// The full name of the user who does it; by default the system administrator
    #[arg(long = "as", value_name = "USER", env = "WEIR_AS")]
    user: Option<String>,
    /// What is written
    #[arg(long, value_enum, default_value_t, env = "WEIR_FORMAT")]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Convert {
    #[command(flatten)]
    arguments: Arguments,
    /// The mode that it gets
    #[arg(long, value_enum, env = "WEIR_TO")]
    to: ModeName,
}

/// A mode by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ModeName {
    /// Inside the transaction
    #[value(name = "real-time")]
    RealTime,
    /// After it
    Background,
}

pub(super) fn activate(arguments: &Arguments, output: &mut Output) -> Exit {
    change(arguments, Fate::Activate, "activated", output)
}

pub(super) fn deactivate(arguments: &Arguments, output: &mut Output) -> Exit {
    change(arguments, Fate::Deactivate, "deactivated", output)
}

pub(super) fn convert(convert: &Convert, output: &mut Output) -> Exit {
    let (mode, done) = match convert.to {
        ModeName::RealTime => (Mode::RealTime, "converted to real-time"),
        ModeName::Background => (Mode::Background, "converted to background"),
    };
    change(&convert.arguments, Fate::Convert(mode), done, output)
}

fn change(arguments: &Arguments, fate: Fate, done: &str, output: &mut Output) -> Exit {
    let Arguments { name, store, user, format } = arguments;
    if let Err(error) = project::change(store, name, fate, Settings::system(), user.as_deref()) {
        return refused(store, &error, output);
    }
    match format {
        Format::Human => output.line(format!("{}: {done}", render::visible(name))),
        Format::Json => output.line(serde_json::json!({ "name": name, "outcome": done }).to_string()),
    }
    Exit::Well
}

/// Tells why something was not done with a store, and how the command ends.
pub(super) fn refused(url: &str, error: &LifeError, output: &mut Output) -> Exit {
    match error {
        LifeError::Store(error) => load::unopened(url, error, output),
        LifeError::Refused(reasons, sources) => {
            load::tell(reasons, sources, output);
            Exit::Problems
        }
    }
}
