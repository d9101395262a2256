//! Files that are written whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

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

/// Writes over a file that is there.
pub(super) fn write_over(target: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::metadata(target)?;
    write_whole(target, bytes)
}
