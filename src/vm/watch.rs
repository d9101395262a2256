//! Who looks on while a run is watched: the one who tells of it, and the one who counts. Neither is on the way of a run that isn't.

use crate::bytecode::{Code, Op, Target};

use super::host::Host;
use super::machine::Machine;
use super::trace::Tracer;

/// How often an operation was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// How often a run came to it, whatever became of it.
    pub ran: u64,
    /// How often it jumped: how often a test went the way that it leads elsewhere.
    pub jumped: u64,
}

/// Those that look on at one run.
#[derive(Default)]
pub(super) struct Watch {
    tracer: Option<Tracer>,
    /// For each operation of the code; nothing where nobody counts.
    hits: Vec<Hits>,
}

impl Watch {
    /// At the beginning of a run.
    pub fn new<H: Host + ?Sized>(code: &Code, host: &H) -> Self {
        let counted = if host.counts() { code.ops.len() } else { 0 };
        Watch { tracer: host.traced().then(|| Tracer::new(code)), hits: vec![Hits::default(); counted] }
    }

    /// A run comes to an operation.
    pub fn before(&mut self, at: usize) {
        if let Some(hits) = self.hits.get_mut(at) {
            hits.ran += 1;
        }
    }

    /// An operation was done, and maybe jumped.
    pub fn after<H: Host + ?Sized>(&mut self, op: Op, at: usize, jump: Option<Target>, machine: &Machine<'_>, host: &mut H) {
        if let (Some(hits), Some(_)) = (self.hits.get_mut(at), jump) {
            hits.jumped += 1;
        }
        if let Some(tracer) = &mut self.tracer {
            tracer.step(op, at, jump, machine, host);
        }
    }

    /// The run has ended, however it did.
    pub fn end<H: Host + ?Sized>(self, code: &Code, host: &mut H) {
        if !self.hits.is_empty() {
            host.counted(code, &self.hits);
        }
    }
}
