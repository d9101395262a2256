//! Files that are written whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

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

/// Begins a file that grows while the command runs. A database that is there stays: nobody means to write a text over one.
pub(super) fn create(target: &Path) -> io::Result<File> {
    let mut start = [0; SQLITE.len()];
    // To open a pipe for reading would wait for somebody to write into it.
    let a_file = fs::metadata(target).is_ok_and(|there| there.is_file());
    if a_file && File::open(target).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *SQLITE {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a database is there"));
    }
    File::create(target)
}

/// How a file of SQLite begins.
const SQLITE: &[u8; 16] = b"SQLite format 3\0";

/// Whether two paths lead to one file, which need not be there yet.
pub(super) fn are_one(one: &Path, other: &Path) -> bool {
    real(one).is_some_and(|one| real(other).is_some_and(|other| one == other))
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
