//! `weir check`: everything that the compiler has to say, as text for people, for editors or for programs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::exit::Exit;
use super::load;
use super::output::Output;
use crate::bytecode;
use crate::diagnostic::{Severity, render};
use crate::project::Project;
use crate::source::Sources;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file or a folder; `-` is standard input
    #[arg(default_value = ".", env = "WEIR_PATH")]
    path: PathBuf,
    /// What is written
    #[arg(long, value_enum, default_value_t, env = "WEIR_FORMAT")]
    format: Format,
    /// Print what each flow reads and does at most, and how it can fail
    #[arg(long, env = "WEIR_EFFECTS")]
    effects: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people: the lines with what is wrong in them
    #[default]
    Human,
    /// For editors: a line each
    Short,
    /// For programs: an object a line
    Json,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    let nothing = Sources::default();
    let (mut diagnostics, files, exit, project) = match load::load(&arguments.path) {
        Err(error) => (vec![error.diagnostic()], 0, load::exit(&error), None),
        // The built-in entities are a source too, and no file.
        Ok(project) => (project.diagnostics.clone(), project.sources.iter().count().saturating_sub(1), Exit::Well, Some(project)),
    };
    let sources = project.as_ref().map_or(&nothing, |project| &project.sources);
    // Programs get names relative to PATH, which they know; everybody else wants to open the file.
    let openable = load::openable(&arguments.path, sources);
    render::sort(&mut diagnostics);
    for diagnostic in &diagnostics {
        match arguments.format {
            Format::Human => output.write(&render::human(diagnostic, &openable, output.colours())),
            Format::Short => output.line(render::short(diagnostic, &openable)),
            Format::Json => output.line(render::json(diagnostic, sources)),
        }
    }
    if arguments.format == Format::Human && (files > 0 || diagnostics.is_empty()) {
        output.line(render::summary(&diagnostics, files));
    }
    if let (true, Some(project)) = (arguments.effects, &project) {
        effects(project, &openable, arguments.format, output);
    }
    let errors = diagnostics.iter().any(|diagnostic| diagnostic.severity() != Severity::Warning);
    exit.and(if errors { Exit::Problems } else { Exit::Well })
}

/// The effect signatures of a project without errors: a block a flow, or an object a line.
fn effects(project: &Project, openable: &Sources, format: Format, output: &mut Output) {
    let Ok(compiled) = project.compile() else { return };
    let sources = if format == Format::Json { &project.sources } else { openable };
    for signature in bytecode::signatures(&compiled.program, &compiled.schema, sources) {
        match format {
            Format::Json => output.line(serde_json::to_string(&signature).unwrap_or_default()),
            _ => output.write(&format!("\n{signature}")),
        }
    }
}
