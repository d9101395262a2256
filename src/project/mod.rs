//! The façade: load, check, compile, open, execute. All that the tools and an embedding program call.
//!
//! ```no_run
//! use weir::pipeline::Settings;
//! use weir::project::Project;
//!
//! let project = Project::load("rules".as_ref())?;
//! let mut pipeline = project.compile()?.open("sqlite:data.db", Settings::system())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod allow;
mod apart;
mod compiled;
mod config;
mod deployed;
mod files;
mod layouts;
mod mend;
pub mod record;
mod seen;
mod snapshots;
mod work;
mod world;
pub mod written;

use std::path::Path;

use rustc_hash::FxHashSet;

use crate::check::{self, Checked};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::source::{FileId, Sources};
use crate::syntax;

pub use apart::Apart;
pub use compiled::{Compiled, OpenError};
pub use config::{CONFIG, Config, Password, Security, Smtp};
pub use deployed::{Activations, Deployed, Fate, LifeError, Outcome, Step, change};
pub(crate) use files::place;
pub use files::{LoadError, LoadErrorKind, MAX_FILE, MAX_FILES, MAX_FOLDERS};
pub use layouts::Layouts;
pub use mend::{Change, Mended};
pub use seen::Seen;
pub use snapshots::{SNAPSHOT, Snapshot};
pub use work::{News, Work};

/// The texts of a project, read and checked.
#[derive(Debug)]
pub struct Project {
    /// The texts: the built-in one first, then the files by name.
    pub sources: Sources,
    /// The schema, the flows, the tests and scenarios: with errors, what could be made of them.
    pub checked: Checked,
    /// Everything there is to say, in the order of its places.
    pub diagnostics: Vec<Diagnostic>,
    /// What its `weir.toml` says; that of a single file or text says nothing.
    pub config: Config,
}

impl Project {
    /// A file, or a directory with every `*.flow` below it (hidden folders aside) and its `weir.toml`. What is wrong inside a file is
    /// among the diagnostics; an error is what leaves nothing to check.
    pub fn load(path: &Path) -> Result<Project, LoadError> {
        let texts = files::read(path)?;
        let mut project = Project::of(texts);
        if path.is_dir() {
            project.config = Config::read(path, &mut project.sources, &mut project.diagnostics)?;
        }
        Ok(project)
    }

    /// A text that is no file, such as standard input.
    pub fn from_text(name: &str, text: impl Into<Vec<u8>>) -> Project {
        Project::of(vec![files::Text { name: name.to_owned(), bytes: text.into(), line: 1 }])
    }

    /// The texts that something was compiled from, and one more.
    pub fn of_sources(sources: &Sources, name: &str, text: impl Into<Vec<u8>>) -> Project {
        let texts = sources.iter().skip(1).map(|(_, file)| (file.name.to_string(), file.text.as_bytes().to_vec()));
        let texts = texts.chain(std::iter::once((name.to_owned(), text.into())));
        Project::of(texts.map(|(name, bytes)| files::Text { name, bytes, line: 1 }).collect())
    }

    /// Texts by name, each with the line of its file that it begins on, and the settings that go with them.
    pub fn from_texts(texts: impl IntoIterator<Item = (String, String, usize)>, config: Config) -> Project {
        let text = |(name, text, line): (String, String, usize)| files::Text { name, bytes: text.into_bytes(), line };
        Project { config, ..Project::of(texts.into_iter().map(text).collect()) }
    }

    /// Whether anything forbids to compile it.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity() == Severity::Error)
    }

    /// The compiled project, or the errors that forbid it.
    pub fn compile(&self) -> Result<Compiled, Errors> {
        let errors: Vec<_> = self.diagnostics.iter().filter(|diagnostic| diagnostic.severity() == Severity::Error).cloned().collect();
        if errors.is_empty() {
            let compiled = Compiled::new(&self.checked, &self.sources).map_err(|error| Errors(vec![error]))?;
            Ok(Compiled { config: self.config.clone(), ..compiled })
        } else {
            Err(Errors(errors))
        }
    }

    fn of(texts: Vec<files::Text>) -> Project {
        let mut sources = Sources::default();
        let mut trees = vec![check::built_in(&mut sources)];
        let mut diagnostics = Vec::new();
        for text in texts {
            let (file, problem) = files::take_in(&mut sources, text);
            if let Some(problem) = problem {
                diagnostics.push(problem);
                continue;
            }
            let (tree, problems) = syntax::parse(&sources, file);
            trees.push(tree);
            diagnostics.extend(problems);
        }
        let unread: FxHashSet<FileId> = diagnostics.iter().filter_map(unread).collect();
        let mut checked = check::check(&trees);
        checked.diagnostics.retain(|said| !follows(said) || said.span().is_none_or(|span| !unread.contains(&span.file)));
        diagnostics.append(&mut checked.diagnostics);
        allow::apply(&sources, &unread, &mut diagnostics);
        diagnostics.sort_by_key(|diagnostic| (diagnostic.span(), diagnostic.severity(), diagnostic.code));
        diagnostics.dedup();
        Project { sources, checked, diagnostics, config: Config::default() }
    }
}

/// Whether something may only be said because a part of the text can't be read: what its flow can't reach, and what is left out.
fn follows(said: &Diagnostic) -> bool {
    said.severity() == Severity::Warning || matches!(said.code, Code::E0601 | Code::E0612 | Code::E0616)
}

/// The file of a problem that keeps a part of it from being read.
fn unread(problem: &Diagnostic) -> Option<FileId> {
    problem.span().filter(|_| problem.severity() == Severity::Error).map(|span| span.file)
}

/// The errors of a project that can't be compiled, in the order of their places.
#[derive(Clone, Debug, PartialEq)]
pub struct Errors(pub Vec<Diagnostic>);

impl std::fmt::Display for Errors {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let first = self.0.first().map_or("", |error| error.message.as_str());
        match self.0.len() {
            0 | 1 => formatter.write_str(first),
            many => write!(formatter, "{first} (and {} more errors)", many - 1),
        }
    }
}

impl std::error::Error for Errors {}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(project: &Project) -> Vec<Code> {
        project.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
    }

    #[test]
    fn what_is_wrong_with_the_bytes_has_a_place() {
        let bad = Project::from_text("<stdin>", b"// \xc3\xa4\n// \xff\n".to_vec());
        assert_eq!(codes(&bad), [Code::E0002]);
        let span = bad.diagnostics[0].span().unwrap();
        assert_eq!((bad.sources.position(span).line, bad.sources.position(span).column), (2, 4));
        assert_eq!(codes(&Project::from_text("<stdin>", "// a\0b")), [Code::E0003]);
        assert_eq!(codes(&Project::from_text("<stdin>", vec![b' '; MAX_FILE + 1])), [Code::E0004]);
        assert_eq!(codes(&Project::from_text("<stdin>", "")), []);
    }

    #[test]
    fn folders_are_read_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "// nothing\n").unwrap();
        };
        ["b.flow", "a/z.flow", "a.flow", ".hidden/c.flow", "a/notes.txt", "c/.d.flow"].iter().for_each(|name| write(name));
        let project = Project::load(folder.path()).unwrap();
        let names: Vec<_> = project.sources.iter().skip(1).map(|(_, file)| file.name.to_string()).collect();
        assert_eq!(names, ["a.flow", "a/z.flow", "b.flow"]);
        let one = Project::load(&folder.path().join("a/z.flow")).unwrap();
        assert_eq!(one.sources.iter().skip(1).map(|(_, file)| file.name.to_string()).collect::<Vec<_>>(), ["z.flow"]);
    }

    #[test]
    fn what_leaves_nothing_to_check_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let code = |path: &Path| Project::load(path).err().map(|error| error.code());
        assert_eq!(code(folder.path()), Some(Code::E0005));
        assert_eq!(code(&folder.path().join("nowhere")), Some(Code::E0001));
        let deep = (0..=MAX_FOLDERS).fold(folder.path().to_owned(), |path, _| path.join("d"));
        std::fs::create_dir_all(deep).unwrap();
        assert_eq!(code(folder.path()), Some(Code::E0006));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_folder_above_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("a/up")).unwrap();
        let error = Project::load(folder.path()).unwrap_err();
        assert_eq!((error.code(), error.path.ends_with("a/up")), (Code::E0007, true));
    }
}
