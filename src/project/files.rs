//! From a path to the texts of a project. Every limit that keeps a hostile folder from taking all time or memory stands here.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Sources, Span};

/// The most bytes that a file may have.
pub const MAX_FILE: usize = 16 * 1024 * 1024;

/// The most files and folders that a project may have, together.
pub const MAX_FILES: usize = 10_000;

/// How deep its folders may nest.
pub const MAX_FOLDERS: usize = 64;

/// The most bytes that its files may have together.
const MAX_PROJECT: usize = 16 * MAX_FILE;

/// A text and what people call it.
pub(super) struct Text {
    pub name: String,
    pub bytes: Vec<u8>,
    /// The line of its file that it begins on.
    pub line: usize,
}

/// Why there is nothing to check.
#[derive(Debug, Error)]
#[error("`{}` {kind}", path.display())]
pub struct LoadError {
    /// The file or folder that it is about.
    pub path: PathBuf,
    /// What is wrong with it.
    pub kind: LoadErrorKind,
}

/// What can be wrong with a file or folder.
#[derive(Debug, Error)]
pub enum LoadErrorKind {
    /// It isn't there, or may not be read, or reading it failed.
    #[error("can't be read: {0}")]
    Unreadable(io::Error),
    /// It is neither a file nor a folder: a pipe, a device.
    #[error("can't be read: it is neither a file nor a folder")]
    Special,
    /// There is no `*.flow` below it.
    #[error("has no `.flow` file in it")]
    NoFlows,
    /// More than [`MAX_FILES`] files and folders, [`MAX_FOLDERS`] levels, or too many bytes.
    #[error("is too large for a project: {0}")]
    TooLarge(String),
    /// A link that leads back to a folder above it.
    #[error("is a link to a folder that it is in")]
    Loop,
}

impl LoadError {
    /// The code that it is explained by.
    pub fn code(&self) -> Code {
        match self.kind {
            LoadErrorKind::Unreadable(_) | LoadErrorKind::Special => Code::E0001,
            LoadErrorKind::NoFlows => Code::E0005,
            LoadErrorKind::TooLarge(_) => Code::E0006,
            LoadErrorKind::Loop => Code::E0007,
        }
    }

    /// The same as a diagnostic without a place.
    pub fn diagnostic(&self) -> Diagnostic {
        let diagnostic = Diagnostic::unplaced(self.code(), self.to_string());
        match self.kind {
            LoadErrorKind::NoFlows => diagnostic.help("name a folder that has `.flow` files, or a file"),
            LoadErrorKind::TooLarge(_) => diagnostic.help("name the folder that holds the flows"),
            LoadErrorKind::Loop => diagnostic.help("remove the link"),
            _ if self.path.to_string_lossy().starts_with("sqlite:") => {
                diagnostic.help("this command takes a project; `weir run`, `order`, `dis` and `deploy` take the URL of a store, too")
            }
            LoadErrorKind::Unreadable(_) | LoadErrorKind::Special => diagnostic,
        }
    }
}

/// The texts at a path: one file, or every `*.flow` below a folder, by name; hidden files and folders aside.
pub(super) fn read(path: &Path) -> Result<Vec<Text>, LoadError> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, error))?;
    if !metadata.is_dir() {
        let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
        return Ok(vec![Text { name: name.into_owned(), bytes: read_file(path)?, line: 1 }]);
    }
    let mut walk = Walk { root: path, entries: 0, found: Vec::new() };
    walk.folders()?;
    if walk.found.is_empty() {
        return Err(LoadError { path: path.to_owned(), kind: LoadErrorKind::NoFlows });
    }
    walk.found.sort();
    let mut texts = Vec::new();
    let mut total = 0;
    for (name, path) in &walk.found {
        let bytes = read_file(path)?;
        total += bytes.len();
        if total > MAX_PROJECT {
            return Err(too_large(walk.root, format!("its files have more than {} MiB", MAX_PROJECT / 1024 / 1024)));
        }
        texts.push(Text { name: name.clone(), bytes, line: 1 });
    }
    Ok(texts)
}

/// The flow files at a path, as far as they can be found.
pub(super) fn paths(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let mut walk = Walk { root: path, entries: 0, found: Vec::new() };
    // What is wrong with the folder is told where it is loaded.
    let _ = walk.folders();
    walk.found.into_iter().map(|(_, path)| path).collect()
}

/// Adds a text to the sources; the problem is one that leaves nothing to parse in it.
pub(super) fn take_in(sources: &mut Sources, text: Text) -> (FileId, Option<Diagnostic>) {
    let Text { name, bytes, line } = text;
    if bytes.len() > MAX_FILE {
        let file = sources.add(name, "");
        let start = Span::new(file, 0, 0);
        let problem = Diagnostic::new(Code::E0004, start, format!("the file is larger than {} MiB", MAX_FILE / 1024 / 1024));
        return (file, Some(problem.help("divide it: the order of files doesn't matter")));
    }
    match String::from_utf8(bytes) {
        Ok(text) => {
            let nul = text.find('\0');
            let file = sources.add_from(name, text, line);
            (file, nul.map(|at| strange(Code::E0003, file, at, "\0".len(), "there is a NUL character here")))
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let file = sources.add(name, String::from_utf8_lossy(error.as_bytes()));
            let length = char::REPLACEMENT_CHARACTER.len_utf8();
            let problem = strange(Code::E0002, file, at, length, "the text is not UTF-8 from here on");
            let compiled = error.as_bytes().starts_with(crate::bytecode::MAGIC);
            let help = if compiled {
                "this is a compiled project; name the `.flow` files that it was made from"
            } else {
                "save the file as UTF-8"
            };
            (file, Some(problem.help(help)))
        }
    }
}

fn strange(code: Code, file: FileId, at: usize, length: usize, message: &str) -> Diagnostic {
    let place = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    Diagnostic::new(code, Span::new(file, place(at), place(at + length)), message)
}

/// A walk over the folders of a project.
struct Walk<'a> {
    root: &'a Path,
    /// How many files and folders it has met.
    entries: usize,
    /// The flow files: the name below the root, and the path.
    found: Vec<(String, PathBuf)>,
}

/// A folder on the way: its path, its name below the root, and the real paths of the folders from the root to it.
struct Folder {
    path: PathBuf,
    name: String,
    above: Vec<PathBuf>,
}

impl Walk<'_> {
    fn folders(&mut self) -> Result<(), LoadError> {
        let mut open = vec![Folder { path: self.root.to_owned(), name: String::new(), above: Vec::new() }];
        while let Some(mut folder) = open.pop() {
            let real = fs::canonicalize(&folder.path).map_err(|error| unreadable(&folder.path, error))?;
            if folder.above.contains(&real) {
                return Err(LoadError { path: folder.path, kind: LoadErrorKind::Loop });
            }
            if folder.above.len() > MAX_FOLDERS {
                return Err(too_large(self.root, format!("its folders nest deeper than {MAX_FOLDERS}")));
            }
            folder.above.push(real);
            self.folder(&folder, &mut open)?;
        }
        Ok(())
    }

    fn folder(&mut self, folder: &Folder, open: &mut Vec<Folder>) -> Result<(), LoadError> {
        let entries = fs::read_dir(&folder.path).map_err(|error| unreadable(&folder.path, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&folder.path, error))?;
            self.entries += 1;
            if self.entries > MAX_FILES {
                return Err(too_large(self.root, format!("there are more than {MAX_FILES} files and folders in it")));
            }
            let (path, own) = (entry.path(), entry.file_name());
            let own = own.to_string_lossy();
            if own.starts_with('.') {
                continue;
            }
            let name = if folder.name.is_empty() { own.to_string() } else { format!("{}/{own}", folder.name) };
            let flow = path.extension().is_some_and(|extension| extension == "flow");
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => open.push(Folder { path, name, above: folder.above.clone() }),
                Ok(metadata) if metadata.is_file() && flow => self.found.push((name, path)),
                Ok(_) if flow => return Err(LoadError { path, kind: LoadErrorKind::Special }),
                Err(error) if flow => return Err(unreadable(&path, error)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The bytes of a file, one more than allowed at most.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, LoadError> {
    // To open a pipe would wait for somebody to write into it.
    if !fs::metadata(path).map_err(|error| unreadable(path, error))?.is_file() {
        return Err(LoadError { path: path.to_owned(), kind: LoadErrorKind::Special });
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| unreadable(path, error))
}

/// Where a file that is there lies, whatever it is called: its device and its number on that. Nothing where the system has no such numbers.
#[cfg(unix)]
pub(crate) fn place(there: &fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((there.dev(), there.ino()))
}

#[cfg(not(unix))]
pub(crate) fn place(_: &fs::Metadata) -> Option<(u64, u64)> {
    None
}

fn unreadable(path: &Path, error: io::Error) -> LoadError {
    LoadError { path: path.to_owned(), kind: LoadErrorKind::Unreadable(error) }
}

fn too_large(path: &Path, why: String) -> LoadError {
    LoadError { path: path.to_owned(), kind: LoadErrorKind::TooLarge(why) }
}
