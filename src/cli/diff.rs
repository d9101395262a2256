//! Differences of texts, as everybody knows them: lines with `-` and `+`, three lines around them, in colours where they are wanted.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use super::output::Output;
use crate::diagnostic::render::{Colour, visible};

/// After how long a difference need no longer be the smallest one.
const PATIENCE: Duration = Duration::from_secs(2);

/// Writes the difference between two texts that have a name each.
pub(super) fn write(old: (&str, &str), new: (&str, &str), output: &mut Output) {
    let colours = output.colours();
    let mut line = |colour: Colour, text: &str| {
        output.line(colour.paint(&visible(text.strip_suffix('\n').unwrap_or(text)), colours));
    };
    line(Colour::Strong, &format!("--- {}", old.0));
    line(Colour::Strong, &format!("+++ {}", new.0));
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old.1, new.1);
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        line(Colour::Place, &hunk.header().to_string());
        for change in hunk.iter_changes() {
            let (sign, colour) = match change.tag() {
                ChangeTag::Delete => ('-', Colour::Bad),
                ChangeTag::Insert => ('+', Colour::Good),
                ChangeTag::Equal => (' ', Colour::Plain),
            };
            line(colour, &format!("{sign}{}", change.value()));
            if change.missing_newline() {
                line(Colour::Plain, "\\ No newline at end of file");
            }
        }
    }
}
