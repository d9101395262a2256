//! `weir deploy`: a project, or a compiled one, into a store.

use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::output::Output;
use super::{Format, compiled, life};
use crate::diagnostic::render;
use crate::pipeline::Settings;
use crate::project::{Deployed, Outcome, Step};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file or a folder, `-` for standard input, a compiled `.flowc` file, or the URL of another store
    #[arg(default_value = ".", env = "WEIR_PATH")]
    path: PathBuf,
    /// The store, `sqlite:FILE`; by default the one that `weir.toml` names
    #[arg(long, value_name = "URL", env = "WEIR_STORE")]
    store: Option<String>,
    /// The full name of the user who deploys; by default the system administrator
    #[arg(long = "as", value_name = "USER", env = "WEIR_AS")]
    user: Option<String>,
    /// What is written
    #[arg(long, value_enum, default_value_t, env = "WEIR_FORMAT")]
    format: Format,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    deploy(arguments, output).err().unwrap_or(Exit::Well)
}

fn deploy(arguments: &Arguments, output: &mut Output) -> Result<(), Exit> {
    let compiled = compiled::load_or_compile(&arguments.path, output)?;
    let Some(url) = arguments.store.as_ref().or(compiled.config.store.as_ref()) else {
        output.error_line("error: name the store with --store, or in `weir.toml`");
        return Err(Exit::Usage);
    };
    if url == "sqlite::memory:" {
        output.error_line("error: a store in memory is gone when the command ends: name a file, `--store sqlite:FILE`");
        return Err(Exit::Usage);
    }
    let settings = compiled.config.apply(Settings::system());
    let deployed = compiled.deploy(url, settings, arguments.user.as_deref()).map_err(|error| life::refused(url, &error, output))?;
    match arguments.format {
        Format::Human => tell(&deployed, output),
        Format::Json => tell_json(&deployed, output),
    }
    Ok(())
}

fn tell(deployed: &Deployed, output: &mut Output) {
    for step in &deployed.steps {
        let rests = matches!(step.outcome, Outcome::Changed | Outcome::Unchanged | Outcome::Kept) && !step.active && step.kind != "schema";
        let rests = if rests { "  (not active)" } else { "" };
        output.line(format!("{:<9}  {}{rests}", word(step), render::visible(&step.name)));
    }
    if !deployed.is_changed() {
        output.line("nothing changed");
    }
}

/// What became of a definition, in a word.
fn word(step: &Step) -> &'static str {
    match (step.outcome, step.active) {
        (Outcome::New, false) if step.kind != "schema" => "draft",
        (Outcome::New, true) => "activated",
        (outcome, _) => outcome.name(),
    }
}

fn tell_json(deployed: &Deployed, output: &mut Output) {
    let count = |outcome: Outcome| deployed.steps.iter().filter(|step| step.outcome == outcome).count();
    for step in &deployed.steps {
        output.line(serde_json::to_string(step).unwrap_or_default());
    }
    let summary = Outcome::ALL.map(|outcome| (outcome.name().to_owned(), count(outcome).into()));
    output.line(serde_json::Value::Object(summary.into_iter().collect()).to_string());
}
