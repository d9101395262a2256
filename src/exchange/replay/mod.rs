//! What a replay with changed flows did otherwise, for people (`text.rs`) and for programs (`json.rs`): the outcome, what ran, what was written,
//! why flows ran that didn't or the other way round, and what in those that ran went another way.
//!
//! Records are named by their ids, new ones by their number: flows that create one more give each its id in another order.

mod as_test;
mod json;
mod reasons;
mod text;
mod writes;

pub use as_test::AsTest;
pub use json::{replayed_json, unread_json};
pub use text::{difference_lines, ending_line, operation_title};

use smol_str::SmolStr;

use crate::diagnostic::Code;
use crate::pipeline::Ending;
use crate::project::Compiled;
use crate::project::record::Played;

use writes::{written, written_by};

/// How many flows are told of whose verdict is another.
const MOST_REASONS: usize = 20;

/// What is otherwise in a replay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// How it ended: before, and now.
    pub ending: Option<(Ending, Ending)>,
    /// The steps that ran, in order: before, and now.
    pub ran: Option<(Vec<SmolStr>, Vec<SmolStr>)>,
    /// What an action gave, or what was queued, is another.
    pub given: bool,
    /// Fields that were written: the record, the field, before, and now; nothing where it wasn't written.
    pub written: Vec<Change>,
    /// Flows that ran and don't now, or the other way round, and those that ran both times and did something else.
    pub reasons: Vec<Reason>,
    /// What was asked for and wasn't recorded: nothing behind it is known.
    pub unrecorded: Option<String>,
    /// Whether something was written that wasn't recorded, and taken to succeed.
    pub assumed: bool,
}

/// A field that holds something else.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The entity and the id, or the number among the new ones.
    pub record: String,
    /// The field.
    pub field: String,
    /// What was written when it was recorded.
    pub was: Option<String>,
    /// What is written now.
    pub now: Option<String>,
}

/// Why a flow ran or didn't, or what its run did otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// Its name.
    pub flow: SmolStr,
    /// When it was recorded, a line each; none where it wasn't considered.
    pub was: Vec<String>,
    /// Now.
    pub now: Vec<String>,
}

impl Difference {
    /// What one replay did otherwise than another of the same operation.
    pub fn between((was, before): (&Played, &Compiled), (now, after): (&Played, &Compiled)) -> Self {
        let (old, new) = (&was.outcome, &now.outcome);
        let unrecorded = match &new.ending {
            Ending::Fault(fault) if fault.code == Code::F24 => Some(fault.message.clone()),
            _ => None,
        };
        let reasons = |runs| {
            let mut reasons = reasons::reasons((old, before), (new, after), runs);
            // Behind what isn't known nothing was considered, which says nothing.
            reasons.retain(|reason| unrecorded.is_none() || !reason.now.is_empty());
            reasons.truncate(MOST_REASONS);
            reasons
        };
        let has_run = if unrecorded.is_some() { !old.ran.starts_with(&new.ran) } else { old.ran != new.ran };
        let mut difference = Difference {
            ending: (!same_ending(&old.ending, &new.ending)).then(|| (old.ending.clone(), new.ending.clone())),
            ran: has_run.then(|| (old.ran.clone(), new.ran.clone())),
            given: unrecorded.is_none() && (old.outputs != new.outputs || old.queued != new.queued),
            written: if unrecorded.is_none() { written((was, before), (now, after)) } else { Vec::new() },
            reasons: reasons(false),
            assumed: now.assumed && unrecorded.is_none(),
            unrecorded: unrecorded.clone(),
        };
        // Ids may be other ones in a run that came to the same: what runs did otherwise says something only where something is otherwise.
        if !difference.is_none() {
            difference.reasons = reasons(true);
        }
        difference
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        let Difference { ending, ran, given, written, reasons, unrecorded, assumed: _ } = self;
        ending.is_none() && ran.is_none() && !given && written.is_empty() && reasons.is_empty() && unrecorded.is_none()
    }
}

/// Whether two endings are the same to whoever started the operation; where in a text a fault came up may be elsewhere.
fn same_ending(one: &Ending, other: &Ending) -> bool {
    match (one, other) {
        (Ending::Fault(one), Ending::Fault(other)) => (one.code, &one.message) == (other.code, &other.message),
        _ => one == other,
    }
}
