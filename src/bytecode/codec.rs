//! The `.flowc` file: a compiled project in bytes, with its schema and its sources.
//!
//! Layout: ten bytes of magic, the format's version (16 bits), the length of what follows the checksum (64 bits; both
//! little-endian), SHA-256 over version, length and payload, the payload in postcard. The schema in the file holds the names that the
//! numbers in the program stand for; [`link`](super::link()) carries a program over to another schema by them.
//!
//! Whatever the bytes are, reading ends in an error or in a verified program, and takes memory in proportion to the file at most.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::verify::{VerifyError, verify};
use super::{Program, consistency};
use crate::diagnostic;
use crate::schema::Schema;
use crate::source::Sources;

/// How every compiled file begins.
pub const MAGIC: &[u8; 10] = b"weir\0flowc";

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u16 = 5;

/// The most bytes that a compiled file may have.
pub const MAX_FILE: usize = 64 << 20;

/// Bytes before the payload: magic, version, length, checksum.
const HEADER: usize = MAGIC.len() + 2 + 8 + 32;

/// What a compiled file holds.
#[derive(Clone, Debug, Default)]
pub struct Bundle {
    /// Its entities and choices.
    pub schema: Schema,
    /// Its flows.
    pub program: Program,
    /// The texts that it was compiled from.
    pub sources: Sources,
}

/// Why a compiled file can't be used.
#[derive(Debug, Error)]
pub enum LoadError {
    /// It begins as something else.
    #[error("this is not a compiled project")]
    Foreign,
    /// It is longer than a compiled project can be.
    #[error("this is larger than a compiled project can be ({bytes} bytes)")]
    TooLarge {
        /// How long it is.
        bytes: usize,
    },
    /// It ends too early.
    #[error("the compiled project is cut short: it has {found} of {expected} bytes")]
    Truncated {
        /// How long it is.
        found: usize,
        /// How long it should be.
        expected: u64,
    },
    /// It is of another version.
    #[error("the compiled project has format {found}, and this release reads format {VERSION}")]
    Version {
        /// The version in the file.
        found: u16,
    },
    /// The checksum doesn't fit, or the bytes don't say what a compiled project says.
    #[error("the compiled project is damaged: {0}")]
    Damaged(&'static str),
    /// What it holds could not be run safely.
    #[error("the compiled project is damaged: {0}")]
    Refused(#[from] VerifyError),
}

impl LoadError {
    /// Its code in the one table.
    pub fn code(&self) -> diagnostic::Code {
        match self {
            LoadError::Foreign | LoadError::TooLarge { .. } => diagnostic::Code::E0801,
            LoadError::Truncated { .. } => diagnostic::Code::E0802,
            LoadError::Damaged(_) | LoadError::Refused(_) => diagnostic::Code::E0803,
            LoadError::Version { .. } => diagnostic::Code::E0804,
        }
    }
}

/// The texts by name, the schema, and the program whose numbers are the schema's.
type Payload = (Vec<(Arc<str>, Arc<str>)>, Schema, Program);

/// The bytes of a compiled project. None where it is larger than a file may be.
pub fn encode(schema: &Schema, program: &Program, sources: &Sources) -> Option<Vec<u8>> {
    let texts: Vec<(&str, &str)> = sources.iter().map(|(_, file)| (&*file.name, &*file.text)).collect();
    let file = seal(&postcard::to_allocvec(&(texts, schema, program)).ok()?);
    (file.len() <= MAX_FILE).then_some(file)
}

/// The compiled project in these bytes, verified.
pub fn decode(bytes: &[u8]) -> Result<Bundle, LoadError> {
    let bundle = decode_part(bytes)?;
    consistency::check(&bundle.schema).map_err(LoadError::Damaged)?;
    verify(&bundle.program, &bundle.schema)?;
    Ok(bundle)
}

/// What these bytes hold, as it stands there: a part of a project (see [`excerpt`](super::excerpt())), which can be verified only
/// where it is linked to the schema and the flows around it.
pub fn decode_part(bytes: &[u8]) -> Result<Bundle, LoadError> {
    let payload = open(bytes)?;
    let ((texts, schema, program), rest) =
        postcard::take_from_bytes::<Payload>(payload).map_err(|_| LoadError::Damaged("its contents can't be read"))?;
    if !rest.is_empty() {
        return Err(LoadError::Damaged("there is something behind its contents"));
    }
    let mut sources = Sources::default();
    for (name, text) in texts {
        sources.add(name, text);
    }
    Ok(Bundle { schema, program, sources })
}

/// Puts the header before a payload.
fn seal(payload: &[u8]) -> Vec<u8> {
    let (version, length) = (VERSION.to_le_bytes(), (payload.len() as u64).to_le_bytes());
    let mut file = Vec::with_capacity(HEADER + payload.len());
    for part in [MAGIC.as_slice(), &version, &length, &checksum(version, length, payload), payload] {
        file.extend_from_slice(part);
    }
    file
}

/// The payload behind a header that fits it.
fn open(bytes: &[u8]) -> Result<&[u8], LoadError> {
    let found = bytes.len();
    if found > MAX_FILE {
        return Err(LoadError::TooLarge { bytes: found });
    }
    let short = || LoadError::Truncated { found, expected: HEADER as u64 };
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        return Err(if !bytes.is_empty() && MAGIC.starts_with(bytes) { short() } else { LoadError::Foreign });
    };
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(short)?;
    let number = u16::from_le_bytes(*version);
    if number != VERSION {
        return Err(LoadError::Version { found: number });
    }
    let (length, rest) = rest.split_first_chunk::<8>().ok_or_else(short)?;
    let (sum, payload) = rest.split_first_chunk::<32>().ok_or_else(short)?;
    let expected = u64::from_le_bytes(*length);
    if (payload.len() as u64) < expected {
        return Err(LoadError::Truncated { found, expected: expected.saturating_add(HEADER as u64) });
    }
    if *sum != checksum(*version, *length, payload) {
        return Err(LoadError::Damaged("its checksum doesn't fit"));
    }
    if payload.len() as u64 != expected {
        return Err(LoadError::Damaged("there is something behind its contents"));
    }
    Ok(payload)
}

fn checksum(version: [u8; 2], length: [u8; 8], payload: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(version).chain_update(length).chain_update(payload).finalize().into()
}
