//! The file of the history: where it is, and whether it may be read and written.
//!
//! Invariant: nothing is read that is no file of a bounded size, and nothing is written to a file that isn't a history.

use std::io::Read;
use std::path::{Path, PathBuf};

use rustyline::Editor;
use rustyline::Helper;
use rustyline::history::DefaultHistory;

/// How large it may be.
const MAX_FILE: u64 = 4 << 20;

/// The longest input that is remembered.
const LONGEST: usize = 16 << 10;

/// What it begins with.
const HEAD: &[u8] = b"#V2\n";

/// A history, on disk where it has a file.
pub(super) struct History {
    file: Option<PathBuf>,
}

impl History {
    /// Reads the history of the file that is named, else of the one of the user; of none where it is named empty. Says why none is
    /// kept, where one was to be.
    pub fn open<H: Helper>(named: Option<&Path>, editor: &mut Editor<H, DefaultHistory>) -> (History, Option<String>) {
        let mut history = History { file: place(named) };
        let refused = history.refused();
        if let Some(file) = &history.file {
            // There is none at first; one that can't be read is no reason not to begin.
            let _ = editor.load_history(file);
        }
        (history, refused)
    }

    /// Keeps an input, on disk at once: a session that is killed has lost nothing. Says why the file isn't written any more.
    pub fn remember<H: Helper>(&mut self, editor: &mut Editor<H, DefaultHistory>, text: &str) -> Option<String> {
        if text.len() > LONGEST || !editor.add_history_entry(text).unwrap_or(false) {
            return None;
        }
        let refused = self.refused();
        if let Some(file) = &self.file {
            if let Some(folder) = file.parent() {
                let _ = std::fs::create_dir_all(folder);
            }
            let _ = editor.append_history(file);
        }
        refused
    }

    /// Gives the file up where it is none that may be written, and says why.
    fn refused(&mut self) -> Option<String> {
        let why = unfit(self.file.as_deref()?)?;
        let file = self.file.take()?;
        Some(format!("note: no history of `{}` is kept: {why}", file.display()))
    }
}

/// Why a file is no history; one that isn't there may become one.
fn unfit(file: &Path) -> Option<&'static str> {
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() {
        return Some("it is no file");
    }
    if metadata.len() > MAX_FILE {
        return Some("it is larger than 4 MiB");
    }
    let mut head = Vec::new();
    let read = std::fs::File::open(file).and_then(|file| file.take(HEAD.len() as u64).read_to_end(&mut head));
    match read {
        Ok(_) if head.is_empty() || head == HEAD => None,
        Ok(_) => Some("it isn't one, but has something else in it"),
        Err(_) => Some("it can't be read"),
    }
}

fn place(named: Option<&Path>) -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    match named {
        Some(named) if named.as_os_str().is_empty() => None,
        Some(named) => Some(named.to_owned()),
        None => {
            let state = folder("XDG_STATE_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/state")));
            state.or_else(|| folder("LOCALAPPDATA")).map(|state| state.join("weir/history"))
        }
    }
}
