//! Files that are written whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::project::place;

/// Writes a file beside its place and moves it there, so that nobody ever sees a part of it. A file that is there keeps its
/// permissions, and a link to it stays a link.
pub(super) fn write_whole(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let there = fs::metadata(target).ok();
    if there.as_ref().is_some_and(|there| !there.is_file() && !there.is_dir()) {
        // A pipe or a device can't be replaced.
        return OpenOptions::new().write(true).open(target)?.write_all(bytes);
    }
    let real = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
    let mut name = OsString::from(".");
    name.push(real.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it has no file name"))?);
    name.push(format!(".{}", std::process::id()));
    let beside = real.with_file_name(name);
    let written = File::create_new(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        if let Some(there) = there.filter(fs::Metadata::is_file) {
            file.set_permissions(there.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&beside, &real)
    });
    if written.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::AlreadyExists) {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Writes what a command was asked for into a file, whole or not at all. Sources and databases that are there stay.
pub(super) fn write_result(target: &Path, bytes: &[u8]) -> io::Result<()> {
    spare(target)?;
    write_whole(target, bytes)
}

/// Opens a file that is read whole. What is no file, such as a pipe that nobody may ever write into, is an error.
pub(super) fn open(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        return File::open(path);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"))
}

/// Begins a file that grows while the command runs. Sources and databases that are there stay.
pub(super) fn create(target: &Path) -> io::Result<File> {
    spare(target)?;
    File::create(target)
}

/// Whether a file has the name of a source, which is written by hand, wherever a link to it stands.
pub(super) fn is_source(target: &Path) -> bool {
    let real = fs::canonicalize(target);
    real.as_deref().unwrap_or(target).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("flow"))
}

/// Nobody means to write a result over a text that was written by hand, or over a database.
fn spare(target: &Path) -> io::Result<()> {
    let refused = |words| Err(io::Error::new(io::ErrorKind::AlreadyExists, words));
    if is_source(target) {
        return refused("it has the name of a source");
    }
    let mut start = [0; SQLITE.len()];
    // To open a pipe for reading would wait for somebody to write into it.
    let a_file = fs::metadata(target).is_ok_and(|there| there.is_file());
    if a_file && File::open(target).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *SQLITE {
        return refused("a database is there");
    }
    Ok(())
}

/// How a file of SQLite begins.
const SQLITE: &[u8; 16] = b"SQLite format 3\0";

/// Whether two paths lead to one file, by whatever links. Neither needs to be there yet.
pub(super) fn are_one(one: &Path, other: &Path) -> bool {
    let lies = |path: &Path| fs::metadata(path).ok().and_then(|there| place(&there));
    match (lies(one), lies(other)) {
        (Some(one), Some(other)) => one == other,
        _ => real(one).is_some_and(|one| real(other).is_some_and(|other| one == other)),
    }
}

fn real(path: &Path) -> Option<PathBuf> {
    let folder = || path.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    fs::canonicalize(path).ok().or_else(|| Some(fs::canonicalize(folder()?).ok()?.join(path.file_name()?)))
}

/// Writes over a file that is there.
pub(super) fn write_over(target: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::metadata(target)?;
    write_whole(target, bytes)
}
