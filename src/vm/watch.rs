//! Who looks on while a run is watched: the one who tells of it, and the one who counts. Neither is on the way of a run that isn't.

use crate::bytecode::{Code, Op, Target};
use crate::value::Value;

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

impl Hits {
    /// Where it stands among the hits of a code how often a branch of a wait was the one that had come: behind those of the operations, wait
    /// by wait. None where there is no such branch.
    pub fn of_branch(code: &Code, wait: usize, branch: usize) -> Option<usize> {
        let before: usize = code.waits.iter().take(wait).map(|list| list.branches.len()).sum();
        let known = code.waits.get(wait).is_some_and(|list| branch < list.branches.len());
        known.then_some(code.ops.len() + before + branch)
    }

    /// Those of a code that nobody has run.
    fn none(code: &Code) -> Vec<Hits> {
        let branches: usize = code.waits.iter().map(|list| list.branches.len()).sum();
        vec![Hits::default(); code.ops.len() + branches]
    }
}

/// Those that look on at one run.
#[derive(Default)]
pub(super) struct Watch {
    tracer: Option<Tracer>,
    /// For each operation of the code, and behind them for each branch of its waits; nothing where nobody counts.
    hits: Vec<Hits>,
    /// The operations before this one were counted when the run first came to the wait that it looks at again.
    again: usize,
}

impl Watch {
    /// At the beginning of a run, or of what is left of one.
    pub fn new<H: Host + ?Sized>(code: &Code, host: &H, again: usize) -> Self {
        let hits = if host.counts() { Hits::none(code) } else { Vec::new() };
        Watch { tracer: host.traced().then(|| Tracer::new(code)), hits, again }
    }

    /// A run comes to an operation.
    pub fn before(&mut self, at: usize) {
        if at < self.again {
            return;
        }
        self.again = 0;
        if let Some(hits) = self.hits.get_mut(at) {
            hits.ran += 1;
        }
    }

    /// An operation was done, and maybe jumped.
    pub fn after<H: Host + ?Sized>(&mut self, op: Op, at: usize, jump: Option<Target>, machine: &Machine<'_>, host: &mut H) {
        if let (Some(hits), Some(_)) = (self.hits.get_mut(at), jump) {
            hits.jumped += 1;
        }
        if let Op::Wait { wait, out, .. } = op
            && let Ok(Value::Integer(branch)) = machine.get(out.into())
            && let Some(place) = Hits::of_branch(machine.code, usize::from(wait.0), usize::try_from(*branch).unwrap_or(usize::MAX))
            && let Some(hits) = self.hits.get_mut(place)
        {
            hits.ran += 1;
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
