//! A compiled project to work on: of a compiled file, of a store, or of the texts that it is compiled from.

use std::io::Read;
use std::path::Path;

use super::exit::Exit;
use super::output::Output;
use super::{files, life, load};
use crate::bytecode::MAX_FILE;
use crate::diagnostic::{Code, Diagnostic, render};
use crate::project::Compiled;
use crate::source::Sources;

/// Whether a path is meant as a compiled file.
pub(super) fn is_compiled(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "flowc") && !path.is_dir()
}

/// The URL of a store, where a path is one.
pub(super) fn store_of(path: &Path) -> Option<&str> {
    path.to_str().filter(|path| ["sqlite:", "postgres:", "postgresql:"].iter().any(|kind| path.starts_with(kind)))
}

/// The compiled project at a path: a compiled file, what is active in a store, or what a project compiles to; what is wrong is told.
pub(super) fn load_or_compile(path: &Path, output: &mut Output) -> Result<Compiled, Exit> {
    if let Some(url) = store_of(path) {
        return Compiled::from_store(url).map_err(|error| life::refused(url, &error, output));
    }
    if is_compiled(path) { load(path, output) } else { load::sound(path, output).map(|(_, compiled)| compiled) }
}

/// The compiled project of a file; what is wrong is told.
fn load(path: &Path, output: &mut Output) -> Result<Compiled, Exit> {
    let name = render::visible(&path.to_string_lossy()).into_owned();
    let mut bytes = Vec::new();
    if let Err(error) = files::open(path).and_then(|file| file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes)) {
        let problem = Diagnostic::unplaced(Code::E0001, format!("`{name}` can't be read: {error}"));
        load::tell(&[problem], &Sources::default(), output);
        return Err(Exit::Failed);
    }
    Compiled::from_bytes(&bytes).map_err(|error| {
        let mut problem = Diagnostic::unplaced(error.code(), format!("`{name}`: {error}"));
        problem = problem.help("build it again with `weir build`");
        load::tell(&[problem], &Sources::default(), output);
        Exit::Problems
    })
}
