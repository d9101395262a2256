//! The one layout that a text has: two blanks a level, clauses and fields in columns, lists on one line while they fit.
//!
//! The layout follows from tokens, tree and comments alone, never from how the text was laid out before (an empty line between
//! statements aside). So it is a fixed point, and it can't change what a text means: it prints the tokens that are there.
//! Only commas behind a last element come and go. The way of a text: `sheet` holds its tokens and takes in what the tree says
//! about them (`declarations`, `statements`, `expressions`, `columns`), `layout` puts the comments between, `print` breaks lines.

mod columns;
mod declarations;
mod expressions;
mod gap;
mod layout;
mod print;
mod sheet;
mod statements;

use super::MAX_FILE;
use super::shape;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::source::{FileId, Sources, Span};

/// A file in its canonical layout; the errors where it can't be read, and so has none.
pub fn format(sources: &Sources, file: FileId) -> Result<String, Vec<Diagnostic>> {
    let (tree, mut problems) = super::parse(sources, file);
    problems.retain(|problem| problem.severity() == Severity::Error);
    if !problems.is_empty() {
        return Err(problems);
    }
    let text = sources.get(file).map_or("", |source| &source.text);
    let shape = shape::scan(text);
    let mut sheet = sheet::Sheet::new(text, &shape.tokens);
    sheet.file(&tree);
    let text = print::print(&layout::marks(&sheet));
    if text.len() > MAX_FILE {
        let problem = Diagnostic::new(Code::E0010, Span::new(file, 0, 0), "laid out, this file would be larger than 16 MiB");
        return Err(vec![problem.help("divide it: the order of files doesn't matter")]);
    }
    Ok(text)
}
