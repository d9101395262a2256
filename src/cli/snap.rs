//! `weir snap`: holds the compiled output of each flow against the snapshots that the project keeps, and takes over what has changed.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Exit;
use super::output::Output;
use super::{diff, files, load};
use crate::diagnostic::render::{counted, visible};
use crate::project::{MAX_FILE, SNAPSHOT, Snapshot};

/// The folder of a project's snapshots.
const FOLDER: &str = "snapshots";

/// The words that snapshots begin with.
const KINDS: &[&str] = &["flow", "action", "plugin"];

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file or a folder
    #[arg(default_value = ".", env = "WEIR_PATH")]
    path: PathBuf,
    /// Take over what the flows compile to now
    #[arg(long, env = "WEIR_ACCEPT")]
    accept: bool,
}

/// How many snapshots came out in which way.
#[derive(Default)]
struct Tally {
    same: usize,
    changed: usize,
    new: usize,
    gone: usize,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    if arguments.path.as_os_str() == "-" {
        output.error_line("error: standard input has no folder for snapshots; name a file or a folder");
        return Exit::Usage;
    }
    let snapshots = match load::sound(&arguments.path, output) {
        Ok((_, compiled)) => compiled.snapshots(),
        Err(exit) => return exit,
    };
    let folder = match &arguments.path {
        path if path.as_os_str() == "." => PathBuf::from(FOLDER),
        path if path.is_dir() => path.join(FOLDER),
        path => path.with_file_name(FOLDER),
    };
    compare(arguments, &folder, &snapshots, output).unwrap_or_else(|(path, error)| {
        let doing = if arguments.accept { "written" } else { "read" };
        output.error_line(format!("error: `{}` can't be {doing}: {error}", visible(&path.to_string_lossy())));
        Exit::Failed
    })
}

/// What went wrong with which file.
type Failure = (PathBuf, io::Error);

fn compare(arguments: &Arguments, folder: &Path, snapshots: &[Snapshot], output: &mut Output) -> Result<Exit, Failure> {
    let mut tally = Tally::default();
    let mut stale = kept(folder).map_err(|error| (folder.to_owned(), error))?;
    if !folder.is_dir() && !arguments.accept {
        output.line(format!("there is no `{}` yet; `weir snap --accept` makes it", visible(&folder.to_string_lossy())));
    }
    for snapshot in snapshots {
        stale.remove(&snapshot.file);
        let path = folder.join(&snapshot.file);
        let changed = one(snapshot, &path, &mut tally, output).map_err(|error| (path.clone(), error))?;
        if changed && arguments.accept {
            fs::create_dir_all(folder).and_then(|()| write(&path, &snapshot.text)).map_err(|error| (path, error))?;
        }
    }
    // A file alone doesn't know whose the other snapshots in its folder are.
    for file in stale.into_iter().filter(|_| arguments.path.is_dir()) {
        let path = folder.join(file);
        output.line(format!("gone: {} is of no flow", visible(&path.to_string_lossy())));
        tally.gone += 1;
        if arguments.accept {
            fs::remove_file(&path).map_err(|error| (path, error))?;
        }
    }
    output.line(summary(&tally, arguments.accept));
    let differs = tally.changed + tally.new + tally.gone > 0;
    Ok(if differs && !arguments.accept { Exit::Problems } else { Exit::Well })
}

/// Holds one snapshot against its file and tells the difference; says whether there is any.
fn one(snapshot: &Snapshot, path: &Path, tally: &mut Tally, output: &mut Output) -> io::Result<bool> {
    let shown = path.to_string_lossy();
    match read(path)? {
        Some(text) if text == snapshot.text => {
            tally.same += 1;
            return Ok(false);
        }
        Some(text) => {
            diff::write((&shown, &text), (&shown, &snapshot.text), output);
            tally.changed += 1;
        }
        None => {
            output.line(format!("new: {}", visible(&shown)));
            tally.new += 1;
        }
    }
    Ok(true)
}

/// Writes a snapshot into its folder and nowhere else: what a link leads to was nobody's choice.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|there| there.is_symlink()) {
        return Err(io::Error::other("it is a link"));
    }
    files::write_whole(path, text.as_bytes())
}

/// The snapshots that a folder keeps, by the names of their files. Other tools keep files of this kind in such folders, too.
fn kept(folder: &Path) -> io::Result<BTreeSet<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries?,
    };
    let mut names = BTreeSet::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == SNAPSHOT) && path.is_file() && is_own(&path)? {
            names.extend(path.file_name().and_then(|name| name.to_str()).map(str::to_owned));
        }
    }
    Ok(names)
}

/// Whether a file begins as a snapshot of a flow, an action or a plug-in does.
fn is_own(path: &Path) -> io::Result<bool> {
    let text = read(path)?.unwrap_or_default();
    Ok(KINDS.iter().any(|kind| text.strip_prefix(kind).is_some_and(|rest| rest.starts_with(' '))))
}

/// The text of a snapshot; none where there is no such file. Line endings may have been changed on the way.
fn read(path: &Path) -> io::Result<Option<String>> {
    let file = match files::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE as u64).read_to_end(&mut bytes)?;
    Ok(Some(String::from_utf8_lossy(&bytes).replace("\r\n", "\n")))
}

fn summary(tally: &Tally, accept: bool) -> String {
    let Tally { same, changed, new, gone } = tally;
    let mut parts = vec![format!("{} as before", counted(*same, "snapshot"))];
    let others = [(changed, "changed"), (new, "new"), (gone, "gone")];
    parts.extend(others.into_iter().filter(|(count, _)| **count > 0).map(|(count, word)| format!("{count} {word}")));
    let all = parts.join(", ");
    match (changed + new + gone, accept) {
        (0, _) => all,
        (_, true) => format!("{all}: taken over"),
        (_, false) => format!("{all}: `weir snap --accept` takes them over"),
    }
}
