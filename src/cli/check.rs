//! `weir check`: everything that the compiler has to say, as text for people, for editors or for programs; with `--fix` it first
//! mends what can be mended.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::exit::Exit;
use super::load;
use super::output::Output;
use crate::bytecode;
use crate::diagnostic::{Diagnostic, Severity, render};
use crate::project::{Change, Mended, Project};
use crate::source::Sources;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file or a folder; `-` is standard input
    #[arg(default_value = ".", env = "WEIR_PATH")]
    path: PathBuf,
    /// What is written
    #[arg(long, value_enum, default_value_t, env = "WEIR_FORMAT")]
    format: Format,
    /// Apply the fixes that there are, and tell what was changed; of standard input the mended text is written to standard output
    #[arg(long, env = "WEIR_FIX")]
    fix: bool,
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
    /// For code scanning: one SARIF 2.1.0 document
    Sarif,
    /// For GitHub Actions: a workflow command each
    Github,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    match load::load(&arguments.path) {
        Err(error) => {
            let exit = load::exit(&error);
            tell(arguments, &[error.diagnostic()], &Sources::default(), 0, output);
            exit.and(Exit::Problems)
        }
        Ok(project) if arguments.fix => fix(arguments, project, output),
        Ok(project) => check(arguments, &project, output),
    }
}

/// Tells what there is to say about a project.
fn check(arguments: &Arguments, project: &Project, output: &mut Output) -> Exit {
    let mut diagnostics = project.diagnostics.clone();
    render::sort(&mut diagnostics);
    // The built-in entities are a source too, and no file.
    let files = project.sources.iter().count().saturating_sub(1);
    tell(arguments, &diagnostics, &project.sources, files, output);
    if arguments.effects {
        effects(arguments, project, output);
    }
    worst(&diagnostics)
}

fn worst(diagnostics: &[Diagnostic]) -> Exit {
    let errors = diagnostics.iter().any(|diagnostic| diagnostic.severity() != Severity::Warning);
    if errors { Exit::Problems } else { Exit::Well }
}

fn tell(arguments: &Arguments, diagnostics: &[Diagnostic], sources: &Sources, files: usize, output: &mut Output) {
    // Programs get names relative to PATH, which they know; everybody else wants to open the file.
    let openable = load::openable(&arguments.path, sources);
    for diagnostic in diagnostics {
        match arguments.format {
            Format::Human => output.write(&render::human(diagnostic, &openable, output.colours())),
            Format::Short => output.line(render::short(diagnostic, &openable)),
            Format::Json => output.line(render::json(diagnostic, sources)),
            Format::Github => output.line(render::github(diagnostic, &openable)),
            Format::Sarif => {}
        }
    }
    if arguments.format == Format::Sarif {
        output.write(&render::sarif(diagnostics, &openable));
    }
    if arguments.format == Format::Human && (files > 0 || diagnostics.is_empty()) {
        output.line(render::summary(diagnostics, files));
    }
}

/// Mends a project, writes what changed, and tells what is left.
fn fix(arguments: &Arguments, project: Project, output: &mut Output) -> Exit {
    let mended = project.mend();
    let names = load::openable(&arguments.path, &mended.project.sources);
    let name = |file: &str| {
        let known = mended.project.sources.iter().zip(names.iter()).find(|((_, source), _)| &*source.name == file);
        known.map_or_else(|| file.to_owned(), |(_, (_, source))| source.name.to_string())
    };
    let from_input = arguments.path.as_os_str() == "-";
    // Where standard output is for programs, or for the text itself, people read standard error.
    let aside = from_input || !matches!(arguments.format, Format::Human | Format::Short);
    for change in &mended.changes {
        let told = told(&name(&change.file), change);
        if aside { output.error_line(told) } else { output.line(told) }
    }
    if from_input {
        if let Some((_, source)) = mended.project.sources.iter().nth(1) {
            output.write(&source.text);
        }
        let mut left = mended.project.diagnostics.clone();
        render::sort(&mut left);
        load::tell(&left, &names, output);
        return worst(&left);
    }
    match write(&arguments.path, &mended) {
        Ok(()) => check(arguments, &mended.project, output),
        Err(problem) => {
            output.error_line(format!("error: {}", render::visible(&problem)));
            Exit::Failed
        }
    }
}

/// A change in one line: `a.flow:7: fixed E0109: onhold = true → set onhold = true`.
fn told(name: &str, change: &Change) -> String {
    let one_line = |text: &str| text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ⏎ ");
    let (before, after) = (one_line(&change.before), one_line(&change.after));
    let after = if after.is_empty() { "(taken out)".to_owned() } else { after };
    let told = format!("{name}:{}: fixed {}: {before} → {after}", change.line, change.code.name());
    render::visible(&told).into_owned()
}

/// Writes the texts that changed.
fn write(path: &Path, mended: &Mended) -> Result<(), String> {
    for (name, text) in mended.texts() {
        let file = if path.is_dir() { path.join(name) } else { path.to_owned() };
        fs::write(&file, text).map_err(|error| format!("`{}` can't be written: {error}", file.display()))?;
    }
    Ok(())
}

/// The effect signatures of a project without errors: a block a flow, or an object a line. The documents of other tools have no place for them.
fn effects(arguments: &Arguments, project: &Project, output: &mut Output) {
    let Ok(compiled) = project.compile() else { return };
    let openable = load::openable(&arguments.path, &project.sources);
    let sources = if arguments.format == Format::Json { &project.sources } else { &openable };
    for signature in bytecode::signatures(&compiled.program, &compiled.schema, sources) {
        match arguments.format {
            Format::Json => output.line(serde_json::to_string(&signature).unwrap_or_default()),
            Format::Human | Format::Short => output.write(&format!("\n{signature}")),
            Format::Sarif | Format::Github => {}
        }
    }
}
