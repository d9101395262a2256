//! Where two runs of one flow part, with its text in between changed or not: by what came of each thing that they did, and not by its place or
//! its words. What was only read says nothing by itself.

use super::Reader;
use crate::pipeline::{Happening, Named, TraceEntry};
use crate::project::Compiled;

/// The first places, in what each of them did itself, at which two runs came to something else; none where they came to the same. A place
/// behind the last entry says that the run did nothing more.
pub(in crate::exchange) fn apart(
    (was, before): (&[&TraceEntry], &Compiled),
    (now, after): (&[&TraceEntry], &Compiled),
) -> Option<(usize, usize)> {
    let (old, new) = (outcomes(was, before), outcomes(now, after));
    let same = old.iter().zip(&new).take_while(|((_, old), (_, new))| old == new).count();
    let place = |of: &[(usize, String)], all: usize| of.get(same).map_or(all, |(place, _)| *place);
    (same < old.len().max(new.len())).then(|| (place(&old, was.len()), place(&new, now.len())))
}

/// What came of the entries, each with its place.
fn outcomes(entries: &[&TraceEntry], compiled: &Compiled) -> Vec<(usize, String)> {
    let reader = Reader { schema: &compiled.schema, sources: &compiled.sources };
    entries.iter().enumerate().filter_map(|(place, entry)| Some((place, reader.outcome(&entry.what)?))).collect()
}

impl Reader<'_> {
    /// What came of an entry, in words without places.
    fn outcome(&self, what: &Happening) -> Option<String> {
        let of = |values: &[Named]| values.iter().map(|named| format!("{:?}, ", named.value)).collect::<String>();
        Some(match what {
            Happening::Condition { is_match, holds, because, .. } => {
                format!("{is_match} {holds} {}", if *is_match { of(because) } else { String::new() })
            }
            Happening::Read(_) | Happening::Query(_) => return None,
            Happening::Loop { records, .. } => format!("loop {records}"),
            Happening::Turn { .. } => "turn".to_owned(),
            Happening::Skipped(_) => "skipped".to_owned(),
            Happening::Failed { code, message, .. } => format!("{} {message}", code.name()),
            Happening::Step { kind, name, .. } => format!("{} {name}", kind.name()),
            Happening::Operation { message, name, entity, values, .. } => format!("{message} {name:?} {entity:?} {}", self.values(values)),
            other => self.told(other).join(" "),
        })
    }
}
