//! From a PATH to a project or a compiled one, with what is wrong told on the way.

use std::io::Read;
use std::path::Path;

use super::exit::Exit;
use super::output::Output;
use crate::diagnostic::{Code, Diagnostic, render};
use crate::project::{Compiled, LoadError, LoadErrorKind, MAX_FILE, OpenError, Project};
use crate::source::Sources;
use crate::store;

/// The project at a path; `-` is standard input.
pub(super) fn load(path: &Path) -> Result<Project, LoadError> {
    match text(path)? {
        Some(text) => Ok(Project::from_text("<stdin>", text)),
        None => Project::load(path),
    }
}

/// What standard input gives, where the path is `-`.
pub(super) fn text(path: &Path) -> Result<Option<Vec<u8>>, LoadError> {
    if path.as_os_str() != "-" {
        return Ok(None);
    }
    let mut text = Vec::new();
    let read = std::io::stdin().lock().take(MAX_FILE as u64 + 1).read_to_end(&mut text);
    read.map(|_| Some(text)).map_err(|error| LoadError { path: path.to_owned(), kind: LoadErrorKind::Unreadable(error) })
}

/// The texts under names that can be opened from the folder we are in, which is what people and editors need.
pub(super) fn openable(path: &Path, sources: &Sources) -> Sources {
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    sources.clone().beneath(folder.unwrap_or(Path::new("")))
}

/// How a command ends that has nothing to work on.
pub(super) fn exit(error: &LoadError) -> Exit {
    if error.code() == Code::E0001 { Exit::Failed } else { Exit::Problems }
}

/// The project at a path, without errors; its warnings are kept for `check`.
pub(super) fn sound(path: &Path, output: &mut Output) -> Result<(Project, Compiled), Exit> {
    let project = match load(path) {
        Ok(project) => project,
        Err(error) => {
            tell(&[error.diagnostic()], &Sources::default(), output);
            return Err(exit(&error));
        }
    };
    match project.compile() {
        Ok(compiled) => Ok((project, compiled)),
        Err(errors) => {
            tell(&errors.0, &openable(path, &project.sources), output);
            Err(Exit::Problems)
        }
    }
}

/// The same, with the names of its texts as [`openable`] has them: for places that people and editors follow.
pub(super) fn sound_with_places(path: &Path, output: &mut Output) -> Result<(Project, Compiled), Exit> {
    let (project, compiled) = sound(path, output)?;
    let sources = openable(path, &project.sources);
    Ok((Project { sources, ..project }, compiled))
}

/// Tells diagnostics on standard error.
pub(super) fn tell(diagnostics: &[Diagnostic], sources: &Sources, output: &mut Output) {
    for diagnostic in diagnostics {
        let text = render::human(diagnostic, sources, output.error_colours());
        output.error_line(text.trim_end_matches('\n'));
        output.error_line("");
    }
}

/// Tells why a store can't be opened.
pub(super) fn unopened(url: &str, error: &OpenError, output: &mut Output) -> Exit {
    match error {
        OpenError::Url(_) => {
            output.error_line(format!("error: --store: {error}"));
            Exit::Usage
        }
        OpenError::Record(_) | OpenError::Zone => {
            output.error_line(format!("error: {error}"));
            Exit::Failed
        }
        OpenError::Store(error) => store_failed(url, &error.to_string(), output),
    }
}

/// Tells that a store failed.
pub(super) fn store_failed(url: &str, words: &str, output: &mut Output) -> Exit {
    let file = store::without_password(url.strip_prefix("sqlite:").unwrap_or(url));
    let words = if words.contains(&*file) || words.starts_with('`') { words.to_owned() } else { format!("`{file}`: {words}") };
    output.error_line(format!("error[{}]: {}", Code::S0101.name(), render::visible(&words)));
    Exit::Failed
}
