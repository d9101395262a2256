//! What the calls of code outside are known by that a job makes: the same whenever its step is tried again, so that the other side
//! can tell a call that it has seen already.
//!
//! A key is made of the job, the place where its step begins, and what calls for the so-many-th time on which record; nothing of it is a
//! matter of when or by whom.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use smol_str::SmolStr;

use super::Job;
use crate::value::{Reference, Uuid};

/// The calls of one step of a job.
#[derive(Debug)]
pub(in crate::pipeline) struct Calls {
    /// The job.
    pub job: Uuid,
    /// Where the step begins.
    place: String,
    /// Who has called so far, on which records.
    made: Vec<(SmolStr, Uuid)>,
}

impl Calls {
    /// None so far.
    pub fn of(job: &Job) -> Self {
        let place = job.position.as_ref().map_or(String::new(), |position| {
            let turns: Vec<_> = position.place.loops.iter().map(|place| (place.query, place.done)).collect();
            format!("{} {turns:?}", position.place.step)
        });
        Calls { job: job.id, place, made: Vec::new() }
    }

    /// The key of the next call: 32 hexadecimal digits.
    pub fn next(&mut self, name: &SmolStr, record: Reference) -> String {
        let call = (name.clone(), record.id);
        let before = self.made.iter().filter(|made| **made == call).count();
        self.made.push(call);
        let text = format!("{} {} {name} {} {before}", self.job, self.place, record.id);
        Sha256::digest(text.as_bytes()).iter().take(16).fold(String::new(), |mut key, byte| {
            // Writing to a text can't fail.
            let _ = write!(key, "{byte:02x}");
            key
        })
    }
}
