//! What a deploy may not take from jobs that haven't ended: each goes on in the activation that it started with, so whatever that
//! names stays there until it has ended. What has only grown disturbs none of them.

use super::LifeError;
use super::load::{self, Piece};
use crate::bytecode;
use crate::diagnostic::{Code, Diagnostic};
use crate::pipeline::definitions::{self, Definition};
use crate::pipeline::{Job, Unfinished};
use crate::schema::Schema;
use crate::source::Sources;
use crate::store::Store;
use crate::value::text::quoted;

/// How many jobs of an activation a refusal names.
const NAMED: u64 = 5;

/// Refuses a deploy after which jobs couldn't go on: with the schema, and with the definitions as they would be.
pub(super) fn can_go_on(
    store: &mut dyn Store,
    built_in: &Schema,
    rows: &[Definition],
    pieces: &mut Vec<Piece>,
    schema: &Schema,
) -> Result<(), LifeError> {
    if rows.is_empty() {
        return Ok(());
    }
    let Some(unfinished) = Unfinished::of(store, built_in)? else { return Ok(()) };
    let mut refused = Vec::new();
    for (activation, definition) in definitions::activations(store, built_in)? {
        let Some(row) = rows.iter().find(|row| row.id == definition) else { continue };
        let (count, jobs) = unfinished.within(store, activation, NAMED)?;
        if count == 0 {
            continue;
        }
        let (_, bytes) = definitions::activation(store, built_in, activation)?;
        let why = match bytecode::decode_part(&bytes) {
            Err(error) => Some(format!("can't be used any more: {error}")),
            Ok(bundle) => without(Piece { row: Definition { activation: Some(activation), ..row.clone() }, bundle }, pieces, schema),
        };
        refused.extend(why.map(|why| refusal(row, &why, count, &jobs)));
    }
    if refused.is_empty() { Ok(()) } else { Err(LifeError::Refused(refused, Sources::default())) }
}

/// What an activation lacks in a schema, or beside the other definitions; it takes the place of its own definition for as long as that
/// is looked at.
fn without(activation: Piece, pieces: &mut Vec<Piece>, schema: &Schema) -> Option<String> {
    let missing = bytecode::missing(&activation.bundle.schema, schema);
    if !missing.is_empty() {
        return Some(format!("needs {}", missing.join(", ")));
    }
    let own = pieces.iter().position(|piece| piece.row.name == activation.row.name);
    let before = own.map(|at| pieces.swap_remove(at));
    pieces.push(activation);
    let assembled = load::assemble(schema, pieces, &mut Sources::default());
    pieces.pop();
    pieces.extend(before);
    assembled.err().map(|(_, why)| format!("doesn't fit what would be there: {why}"))
}

fn refusal(row: &Definition, why: &str, count: u64, jobs: &[Job]) -> Diagnostic {
    let what = if count == 1 { "1 job goes".to_owned() } else { format!("{count} jobs go") };
    let message = format!("{what} on in {} as it was deployed before, which {why}", quoted(&row.name));
    let mut reason = Diagnostic::unplaced(Code::S0210, message)
        .help("bring back what they need, let them come to their end, or end them with `weir jobs cancel ID`:");
    for job in jobs {
        reason = reason.help(format!("{} on {} {}, {}", job.id, job.record.0, job.record.1, job.status.label().to_lowercase()));
    }
    let more = count.saturating_sub(jobs.len() as u64);
    if more == 0 { reason } else { reason.help(format!("and {more} more: `weir jobs list` has them all")) }
}
