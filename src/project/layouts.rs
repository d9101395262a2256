//! The texts of a project, each with its layout; nothing is checked.

use std::path::Path;

use super::files::{self, LoadError, Text};
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, Sources};
use crate::syntax;

/// The texts of a project, each with its layout.
#[derive(Debug)]
pub struct Layouts {
    /// The texts as they are.
    pub sources: Sources,
    /// Each text as it should be, or the errors for which it has no layout.
    pub files: Vec<(FileId, Result<String, Vec<Diagnostic>>)>,
}

impl Layouts {
    /// Those of a file, or of every `*.flow` below a folder.
    pub fn load(path: &Path) -> Result<Layouts, LoadError> {
        Ok(Layouts::of(files::read(path)?))
    }

    /// That of a text that is no file, such as standard input.
    pub fn from_text(name: &str, text: impl Into<Vec<u8>>) -> Layouts {
        Layouts::of(vec![Text { name: name.to_owned(), bytes: text.into(), line: 1 }])
    }

    fn of(texts: Vec<Text>) -> Layouts {
        let mut sources = Sources::default();
        let mut files = Vec::with_capacity(texts.len());
        for text in texts {
            let (file, problem) = files::take_in(&mut sources, text);
            let layout = match problem {
                Some(problem) => Err(vec![problem]),
                None => syntax::format(&sources, file),
            };
            files.push((file, layout));
        }
        Layouts { sources, files }
    }
}
