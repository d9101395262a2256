//! The file of operations that were stopped or failed, each with its reason, to be mended and given to `--ops` again.
//!
//! What belongs to a transaction is written before that is committed, and the note of the run says how long the file was then:
//! a run that goes on after it was killed takes back what came after, and so no operation is in it twice or missing.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::files;

/// How much of the file was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Written {
    bytes: u64,
    digest: String,
}

/// The file.
pub(super) struct Rejects {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
    digest: Sha256,
    /// How many operations this run has put in.
    pub count: u64,
    /// How many of them are in the file.
    pub written: u64,
}

impl Rejects {
    /// A new file, or the one that an earlier run had written so far. An existing one that is something else is an error then.
    pub fn open(path: &Path, written: Option<&Written>) -> io::Result<Self> {
        let there = written.filter(|written| written.bytes > 0 && path.exists());
        let (file, bytes, digest) = match there {
            Some(written) => {
                let digest = start_of(path, written)?;
                let file = OpenOptions::new().append(true).open(path)?;
                file.set_len(written.bytes)?;
                (file, written.bytes, digest)
            }
            None => (files::create(path)?, 0, Sha256::new()),
        };
        Ok(Rejects { path: path.to_owned(), file: BufWriter::new(file), bytes, digest, count: 0, written: 0 })
    }

    /// Whether nothing is in it, not even the names of columns.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts something in.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes += bytes.len() as u64;
        self.digest.update(bytes);
        self.file.write_all(bytes)
    }

    /// Lets what was put in be in the file, and says how much that is.
    pub fn flush(&mut self) -> io::Result<Written> {
        self.file.flush()?;
        self.written = self.count;
        Ok(Written { bytes: self.bytes, digest: hexadecimal(self.digest.clone()) })
    }
}

/// The digest of the start of the file, where it is what a run had written.
fn start_of(path: &Path, written: &Written) -> io::Result<Sha256> {
    let mut digest = Sha256::new();
    let mut start = BufReader::new(File::open(path)?).take(written.bytes);
    let bytes = io::copy(&mut start, &mut digest)?;
    if bytes == written.bytes && hexadecimal(digest.clone()) == written.digest {
        return Ok(digest);
    }
    Err(io::Error::other("it isn't what the earlier run has written: name another file, or take this one away"))
}

fn hexadecimal(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
