//! What is otherwise, as lines for people.

use super::Difference;
use crate::diagnostic::render::{several, visible};
use crate::exchange::wrap;
use crate::pipeline::{Ending, Operation};
use crate::schema::{Row, Schema};
use crate::value::{EntityId, Reference};

/// How far the reasons are indented.
const WHY: usize = 16;

/// How many names are listed.
const MOST: usize = 100;

/// An operation in a few words: `Update account 01a2… (name, size)`.
pub fn operation_title(operation: &Operation, schema: &Schema) -> String {
    let entity = |id: &EntityId| schema.entity(*id).map_or("record", |entity| entity.name.as_str());
    let record = |record: &Reference| format!("{} {}", entity(&record.entity), record.id);
    let fields = |of: &EntityId, row: &Row| {
        let names: Vec<&str> = row.iter().filter_map(|(slot, _)| schema.field(*of, slot)).map(|field| field.name.as_str()).collect();
        if names.is_empty() { String::new() } else { format!(" ({})", several(&names, 6)) }
    };
    let words = match operation {
        Operation::Create { entity: of, values } => format!("Create {}{}", entity(of), fields(of, values)),
        Operation::Update { record: of, values } => format!("Update {}{}", record(of), fields(&of.entity, values)),
        Operation::Delete { record: of } => format!("Delete {}", record(of)),
        Operation::Upsert { entity: of, values, .. } => format!("Upsert {}{}", entity(of), fields(of, values)),
        Operation::CreateMultiple { entity: of, targets } => format!("CreateMultiple {} ({})", entity(of), targets.len()),
        Operation::UpdateMultiple { entity: of, targets } => format!("UpdateMultiple {} ({})", entity(of), targets.len()),
        Operation::Keyed { key, operation } => {
            let of = operation.clone().record_mut().map(|record| record.entity);
            let by = of.map(|of| fields(&of, key)).unwrap_or_default();
            return format!("{}, by a key{by}", operation_title(operation, schema));
        }
        Operation::Run { flow, record: of, .. } => format!("Run {flow} on {}", record(of)),
        Operation::Start { flow, record: of, .. } => format!("Start {flow} on {}", record(of)),
        Operation::Perform { action, record: None, .. } => format!("Perform {action}"),
        Operation::Perform { action, record: Some(of), .. } => format!("Perform {action} on {}", record(of)),
    };
    visible(&words).into_owned()
}

/// How something ended, in a line.
pub fn ending_line(ending: &Ending) -> String {
    match ending {
        Ending::Committed => "committed".to_owned(),
        Ending::Stopped { flow, reason } => format!("stopped by {flow}: {}", visible(reason)),
        Ending::Fault(fault) => format!("error[{}]: {}", fault.code.name(), visible(&fault.message)),
    }
}

/// What is otherwise, in lines of so many columns where their words allow it; nothing where nothing is.
pub fn difference_lines(difference: &Difference, width: usize) -> Vec<String> {
    let Difference { ending: ended, ran, given, written, reasons, unrecorded, assumed } = difference;
    let mut lines = Vec::new();
    if let Some(what) = unrecorded {
        lines.push(format!("not known  {}: nothing behind that is guessed", visible(what)));
    } else if let Some((was, now)) = ended {
        lines.push(format!("ended      was: {}", ending_line(was)));
        lines.push(format!("           now: {}", ending_line(now)));
    }
    if let Some((was, now)) = ran {
        let listed = |names: &[_]| if names.is_empty() { "nothing".to_owned() } else { several(names, MOST) };
        let so_far = if unrecorded.is_some() { " (so far)" } else { "" };
        lines.push(format!("ran        was: {}", listed(was)));
        lines.push(format!("           now: {}{so_far}", listed(now)));
    }
    if *given {
        lines.push("gives      something else than before".to_owned());
    }
    let mut last = "";
    for change in written {
        if change.record != last {
            lines.push(format!("writes     {}", change.record));
            last = &change.record;
        }
        let value = |value: &Option<String>| value.as_deref().map_or("not written".to_owned(), |value| visible(value).into_owned());
        lines.push(format!("           {}: {} → {}", change.field, value(&change.was), value(&change.now)));
    }
    for reason in reasons {
        lines.push(format!("why        {}", reason.flow));
        for (when, told) in [("was", &reason.was), ("now", &reason.now)] {
            let first = lines.len();
            for line in told {
                let words = line.trim_start_matches(' ');
                wrap(words, WHY + line.len() - words.len(), width, &mut lines);
            }
            match lines.get_mut(first) {
                Some(line) => *line = format!("{:11}{when}: {}", "", line.trim_start_matches(' ')),
                None => lines.push(format!("{:11}{when}: {} isn't considered", "", reason.flow)),
            }
        }
    }
    if *assumed && !lines.is_empty() {
        lines.push("           (what is written otherwise is taken to be accepted: keys and references can't be held offline)".to_owned());
    }
    lines
}
