//! The frames of a record file: each with its length, a checksum over its number and its contents, and its contents in postcard.
//!
//! Layout: eleven bytes of magic, the format's version (16 bits), then frames: length (32 bits), the first eight bytes of SHA-256 over the frame's
//! number (64 bits, from 0) and its contents, the contents. All numbers are little-endian. Postcard because it keeps every value to the last
//! bit (floats too), is what a compiled file is written in, and needs no buffer for a whole run: a frame is written when something happened.
//! What is read is taken in proportion to what the file holds.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::diagnostic::Code;

/// How every record begins.
pub const MAGIC: &[u8; 11] = b"weir\0record";

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u16 = 1;

/// The most bytes that one frame may hold.
const MAX_FRAME: usize = 256 << 20;

/// Why a record can't be read on.
#[derive(Debug, Error)]
#[error("{what} (at byte {at}{})", within(*.operation))]
pub struct RecordError {
    /// What is wrong.
    pub what: Wrong,
    /// Where in the file, in bytes from 0.
    pub at: u64,
    /// In which operation, from 1; in none where it is before the first.
    pub operation: u64,
}

/// What can be wrong with a record.
#[derive(Debug, Error)]
pub enum Wrong {
    /// It begins as something else.
    #[error("this is not a record of a run")]
    Foreign,
    /// It is of another version.
    #[error("the record has format {0}, and this release reads format {VERSION}")]
    Version(u16),
    /// It ends within a frame, or within an operation.
    #[error("the record is cut short")]
    Short,
    /// A checksum doesn't fit, or the contents don't say what a record says.
    #[error("the record is damaged: {0}")]
    Damaged(String),
    /// It can't be read at all.
    #[error("the record can't be read: {0}")]
    Io(io::Error),
}

impl RecordError {
    /// Its code in the one table.
    pub fn code(&self) -> Code {
        match self.what {
            Wrong::Foreign => Code::E0811,
            Wrong::Short => Code::E0812,
            Wrong::Damaged(_) => Code::E0813,
            Wrong::Version(_) => Code::E0814,
            Wrong::Io(_) => Code::E0001,
        }
    }
}

fn within(operation: u64) -> String {
    if operation == 0 { String::new() } else { format!(", in operation {operation}") }
}

/// Writes frames.
pub(super) struct Writer<W> {
    output: W,
    frames: u64,
}

impl<W: Write> Writer<W> {
    /// Begins a record.
    pub fn new(mut output: W) -> io::Result<Self> {
        output.write_all(MAGIC)?;
        output.write_all(&VERSION.to_le_bytes())?;
        Ok(Writer { output, frames: 0 })
    }

    pub fn write(&mut self, frame: &impl Serialize) -> io::Result<()> {
        let contents = postcard::to_allocvec(frame).map_err(io::Error::other)?;
        let length = u32::try_from(contents.len()).ok().filter(|length| *length as usize <= MAX_FRAME);
        let length = length.ok_or_else(|| io::Error::other("an answer of the store is larger than a record can hold"))?;
        self.output.write_all(&length.to_le_bytes())?;
        self.output.write_all(&checksum(self.frames, &contents))?;
        self.output.write_all(&contents)?;
        self.frames += 1;
        Ok(())
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// Reads frames.
pub(super) struct Reader<R> {
    input: R,
    frames: u64,
    /// How many bytes were read.
    pub at: u64,
}

impl<R: Read> Reader<R> {
    /// Begins to read a record.
    pub fn new(mut input: R) -> Result<Self, (Wrong, u64)> {
        let begin = some(&mut input, MAGIC.len() + 2).map_err(|error| (Wrong::Io(error), 0))?;
        let Some((_, version)) = begin.split_at_checked(MAGIC.len()).filter(|(magic, _)| *magic == MAGIC) else {
            return Err((Wrong::Foreign, 0));
        };
        let at = begin.len() as u64;
        match version.try_into().map(u16::from_le_bytes) {
            Ok(VERSION) => Ok(Reader { input, frames: 0, at }),
            Ok(other) => Err((Wrong::Version(other), at)),
            Err(_) => Err((Wrong::Short, at)),
        }
    }

    /// The next frame and how long it is, or none after the last. An error has the place where the frame begins.
    pub fn next<T: DeserializeOwned>(&mut self) -> Result<Option<(T, usize)>, (Wrong, u64)> {
        let begin = self.at;
        self.frame().map_err(|wrong| (wrong, begin))
    }

    fn frame<T: DeserializeOwned>(&mut self) -> Result<Option<(T, usize)>, Wrong> {
        let head = some(&mut self.input, 12).map_err(Wrong::Io)?;
        if head.is_empty() {
            return Ok(None);
        }
        let (length, sum) = head.split_at_checked(4).ok_or(Wrong::Short)?;
        let length = length.try_into().map(u32::from_le_bytes).map_err(|_| Wrong::Short)? as usize;
        if length > MAX_FRAME {
            return Err(Wrong::Damaged("a piece of it is longer than any can be".to_owned()));
        }
        let contents = some(&mut self.input, length).map_err(Wrong::Io)?;
        if contents.len() < length || sum.len() < 8 {
            return Err(Wrong::Short);
        }
        if sum != checksum(self.frames, &contents) {
            return Err(Wrong::Damaged("its checksum doesn't fit".to_owned()));
        }
        self.frames += 1;
        self.at += (head.len() + contents.len()) as u64;
        match postcard::take_from_bytes(&contents) {
            Ok((frame, [])) => Ok(Some((frame, length))),
            _ => Err(Wrong::Damaged("its contents can't be read".to_owned())),
        }
    }
}

/// So many bytes, or fewer at the end.
fn some(input: &mut impl Read, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(count as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn checksum(number: u64, contents: &[u8]) -> [u8; 8] {
    let sum = Sha256::new().chain_update(number.to_le_bytes()).chain_update(contents).finalize();
    let mut first = [0; 8];
    first.iter_mut().zip(sum).for_each(|(place, byte)| *place = byte);
    first
}
