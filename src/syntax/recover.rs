//! Reads.
use super::ast;
use super::build::{self, Builder};
use super::shape;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// Reads a text.
pub(super) fn read(text: &str, file: FileId) -> (ast::File, Vec<Diagnostic>) {
    let shape = shape::scan(text);
    let mut builder = Builder { file, tokens: &shape.tokens, docs: &shape.docs, text, base: 0, limit: 0, problems: Vec::new() };
    let doc = (!shape.file_docs.is_empty()).then(|| build::doc_text(text, &shape.file_docs));
    let mut items = Vec::new();
    for segment in &shape.segments {
        let start = shape.tokens[segment.first].start;
        let end = shape.tokens[segment.end - 1].end;
        let piece = &text[start as usize..end as usize];
        match builder.item(piece, start) {
            Ok(item) => items.extend(item),
            Err(failure) => {
                let at = start + failure.at as u32;
                builder.problems.push(Diagnostic::new(
                    Code::E0101,
                    Span::new(file, at, at),
                    format!("this can't be read: {:?}", failure.expected),
                ));
            }
        }
    }
    (ast::File { id: file, doc, items }, builder.problems)
}
