//! Expected diagnostics, marked in the source of a case: a comment line below the offending line, with a caret in the column
//! where the diagnostic starts and its code behind it. Several lines of markers may follow each other; `//<` marks column 1,
//! which a caret can't reach.
//!
//! ```text
//!   wait 3 days
//! //^ E0301
//! ```

use weir::diagnostic::Diagnostic;
use weir::source::Sources;

/// A code with its line and column, as it is expected or as it was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The code.
    pub code: String,
}

/// The diagnostics that a text expects of itself, in order.
pub fn expected(text: &str) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut about = 0;
    for (index, line) in text.lines().enumerate() {
        match marker(line) {
            Some((column, code)) => marks.push(Mark { line: about, column, code: code.to_owned() }),
            None => about = index + 1,
        }
    }
    marks.sort();
    marks
}

/// The column and the code of a line of a marker.
fn marker(line: &str) -> Option<(usize, &str)> {
    let behind = line.trim_start().strip_prefix("//")?;
    let (blanks, rest) = behind.split_at(behind.len() - behind.trim_start().len());
    let (column, code) = match rest.strip_prefix('^') {
        Some(code) => (line.chars().count() - rest.chars().count() + 1, code),
        None if blanks.is_empty() => (1, rest.strip_prefix('<')?),
        None => return None,
    };
    let code = code.trim();
    let digits = code.strip_prefix(['E', 'W'])?;
    (digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some((column, code))
}

/// Where the diagnostics are, in the same order.
pub fn found(sources: &Sources, diagnostics: &[Diagnostic]) -> Vec<Mark> {
    let mark = |diagnostic: &Diagnostic| {
        let at = diagnostic.span().map(|span| sources.position(span));
        let (line, column) = at.map_or((0, 0), |at| (at.line, at.column));
        Mark { line, column, code: diagnostic.code.name().to_owned() }
    };
    let mut marks: Vec<Mark> = diagnostics.iter().map(mark).collect();
    marks.sort();
    marks
}

#[test]
fn a_marker_is_about_the_line_above_it() {
    let text = "set a = b\n//  ^ E0402\n//      ^ E0401\n// ^ no code\nflwo\n//< E0109\n";
    let mark = |line, column, code: &str| Mark { line, column, code: code.to_owned() };
    assert_eq!(expected(text), [mark(1, 5, "E0402"), mark(1, 9, "E0401"), mark(5, 1, "E0109")]);
}
