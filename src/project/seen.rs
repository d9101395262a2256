//! The files of a project as they stand on disk, for whoever waits for a change of them. Nothing is read but when each was written and how
//! long it is; what keeps a folder from being a project is told by whoever loads it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{CONFIG, files};

/// When each file of a project was written, and how long it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen(BTreeMap<PathBuf, (SystemTime, u64)>);

impl Seen {
    /// The files at a path: one, or the flow files of a folder with its settings.
    pub fn of(path: &Path) -> Seen {
        let settings = path.is_dir().then(|| path.join(CONFIG));
        let files = files::paths(path).into_iter().chain(settings);
        let state = |path: &Path| fs::metadata(path).and_then(|file| Ok((file.modified()?, file.len()))).ok();
        Seen(files.filter_map(|path| state(&path).map(|state| (path, state))).collect())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Those that are new, gone or otherwise in another look.
    pub fn differing<'a>(&'a self, now: &'a Seen) -> impl Iterator<Item = &'a Path> {
        let gone = self.0.keys().filter(|path| !now.0.contains_key(*path));
        now.0.iter().filter(|(path, state)| self.0.get(*path) != Some(*state)).map(|(path, _)| path).chain(gone).map(PathBuf::as_path)
    }
}
