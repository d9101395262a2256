//! One line a diagnostic, in the form that editors and `grep` know: `file:line:column: error[E0301]: message`.

use super::{place, severity, visible};
use crate::diagnostic::Diagnostic;
use crate::source::Sources;

/// The line, without its line break; the place is left out where there is none.
pub fn short(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let place = place(diagnostic, sources).map(|place| place + ": ").unwrap_or_default();
    format!("{place}{}[{}]: {}", severity(diagnostic), diagnostic.code.name(), visible(&diagnostic.message))
}
