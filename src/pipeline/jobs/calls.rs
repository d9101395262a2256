//! What the calls of code outside are known by that a job makes: the same whenever its step is tried again, so that the other side
//! can tell a call that it has seen already.
//!
//! A key is made of the job, the place where its step begins (of a background operation: which operation it is), and what calls for the
//! so-many-th time on which record; nothing of it is a matter of when or by whom.

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
    /// Whether the record that a call is about belongs to its key. What an operation creates is another record whenever it is tried.
    by_record: bool,
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
        Calls { job: job.id, place, by_record: true, made: Vec::new() }
    }

    /// None so far, of an operation of a background operation, the so many-th from 0.
    pub fn of_operation(job: &Job, number: u64) -> Self {
        Calls { job: job.id, place: format!("operation {number}"), by_record: false, made: Vec::new() }
    }

    /// Whether nothing has called.
    pub fn are_none(&self) -> bool {
        self.made.is_empty()
    }

    /// The key of the next call: 32 hexadecimal digits.
    pub fn next(&mut self, name: &SmolStr, record: Reference) -> String {
        let call = (name.clone(), if self.by_record { record.id } else { Uuid::nil() });
        let before = self.made.iter().filter(|made| **made == call).count();
        let text = format!("{} {} {name} {} {before}", self.job, self.place, call.1);
        self.made.push(call);
        Sha256::digest(text.as_bytes()).iter().take(16).fold(String::new(), |mut key, byte| {
            // Writing to a text can't fail.
            let _ = write!(key, "{byte:02x}");
            key
        })
    }
}
