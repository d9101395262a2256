//! One workflow command of GitHub Actions a diagnostic: it shows at its line in the pull request.

use std::fmt::Write;

use super::{severity, visible};
use crate::diagnostic::Diagnostic;
use crate::source::Sources;

/// The command, without its line break: `::error file=a.flow,line=7,col=3,title=E0301::a real-time flow can't wait`.
pub fn github(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let mut out = format!("::{} ", severity(diagnostic));
    if let Some((file, span)) = diagnostic.span().and_then(|span| Some((sources.get(span.file)?, span))) {
        let (start, end) = (file.position(span.start), file.position(span.end));
        let _ = write!(out, "file={},line={},endLine={},", property(&file.name), start.line, end.line);
        // Columns are for places within one line.
        if start.line == end.line {
            let _ = write!(out, "col={},endColumn={},", start.column, end.column);
        }
    }
    let mut message = visible(&diagnostic.message).into_owned();
    for help in &diagnostic.help {
        let _ = write!(message, "\nhelp: {}", visible(help));
    }
    let _ = write!(out, "title={}: {}::{}", diagnostic.code.name(), property(diagnostic.code.title()), data(&message));
    out
}

/// A text behind the `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text in a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
