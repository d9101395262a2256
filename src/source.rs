//! Source texts and places in them.
//!
//! A [`Span`] is a pair of byte offsets in one file; line and column are computed here and nowhere else,
//! and only when somebody is about to read them. Invariant: a span never reaches past the end of its
//! file and never cuts a character, so [`Sources::slice`] of a span made by the lexer always has text.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A file's place in its [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileId(pub u32);

/// A run of bytes, `start..end`, in one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The file that the bytes are in.
    pub file: FileId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes `start..end` of `file`.
    pub fn new(file: FileId, start: u32, end: u32) -> Self {
        Span { file, start, end }
    }

    /// The smallest span that holds both; they have to be of one file.
    pub fn to(self, other: Span) -> Span {
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The empty span at the end of this one: where something is missing.
    pub fn end_point(self) -> Span {
        Span { start: self.end, ..self }
    }

    /// The bytes as a range for slicing.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A line and a column, both counted from 1; the column counts Unicode scalar values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in Unicode scalar values.
    pub column: usize,
}

/// One source text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// What people call it: the path relative to the project, `<stdin>`, or `<built-in>`.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
    line_starts: Vec<u32>,
    /// How many lines stand before the text in the file that it is taken from.
    skipped: usize,
}

impl SourceFile {
    /// The line and column of a byte offset; an offset past the end is taken as the end.
    pub fn position(&self, offset: u32) -> Position {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0) as usize;
        let before = self.text.get(start..offset as usize).unwrap_or("");
        Position { line: line + self.skipped, column: before.chars().count() + 1 }
    }

    /// The text of a line (from 1) without its line break, if there is such a line.
    pub fn line(&self, line: usize) -> Option<&str> {
        let line = line.checked_sub(self.skipped)?;
        let start = *self.line_starts.get(line.checked_sub(1)?)? as usize;
        let end = self.line_starts.get(line).map_or(self.text.len(), |next| *next as usize);
        self.text.get(start..end).map(|text| text.trim_end_matches(['\n', '\r']))
    }

    /// Where a line (from 1) starts; the end of the text where there is no such line.
    pub fn line_start(&self, line: usize) -> usize {
        self.line_starts.get(line.saturating_sub(self.skipped + 1)).map_or(self.text.len(), |start| *start as usize)
    }

    /// How many lines the text has; at least 1.
    pub fn line_count(&self) -> usize {
        self.line_starts.len()
    }
}

/// All the texts of a project, in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// Takes in a text and gives it a [`FileId`].
    pub fn add(&mut self, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> FileId {
        self.add_from(name, text, 1)
    }

    /// Takes in a part of a file, which begins on this line of it (from 1).
    pub fn add_from(&mut self, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>, line: usize) -> FileId {
        let text: Arc<str> = text.into();
        let mut line_starts = vec![0];
        line_starts.extend(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at as u32 + 1));
        self.files.push(SourceFile { name: name.into(), text, line_starts, skipped: line.saturating_sub(1) });
        FileId(self.files.len() as u32 - 1)
    }

    /// The file of an id that this collection gave out.
    pub fn get(&self, file: FileId) -> Option<&SourceFile> {
        self.files.get(file.0 as usize)
    }

    /// The files with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(index, file)| (FileId(index as u32), file))
    }

    /// The same texts with the names that they have seen from outside of a folder; `<stdin>` and the like stay.
    pub fn beneath(mut self, folder: &Path) -> Sources {
        let outside = folder.as_os_str().is_empty() || folder == Path::new(".");
        for file in self.files.iter_mut().filter(|file| !outside && !file.name.starts_with('<')) {
            file.name = folder.join(&*file.name).to_string_lossy().into();
        }
        self
    }

    /// The text of a span, empty where the span doesn't fit its file.
    pub fn slice(&self, span: Span) -> &str {
        self.get(span.file).and_then(|file| file.text.get(span.range())).unwrap_or("")
    }

    /// The same on one line, and no more of it than people read at a glance.
    pub fn brief(&self, span: Span) -> String {
        const LONGEST: usize = 60;
        let text = self.slice(span).split_whitespace().collect::<Vec<_>>().join(" ");
        let mut shown: String = text.chars().take(LONGEST).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        shown
    }

    /// Where a span starts, for people: `file:line:column`; nothing where its file isn't here.
    pub fn place(&self, span: Span) -> Option<String> {
        let file = self.get(span.file)?;
        let Position { line, column } = file.position(span.start);
        Some(format!("{}:{line}:{column}", file.name))
    }

    /// Where a span starts; line 1, column 1 where its file isn't here.
    pub fn position(&self, span: Span) -> Position {
        self.get(span.file).map_or(Position { line: 1, column: 1 }, |file| file.position(span.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_be_seen_from_outside() {
        let mut sources = Sources::default();
        sources.add("a.flow", "");
        sources.add("<stdin>", "");
        let names = |sources: Sources| sources.iter().map(|(_, file)| file.name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(sources.clone().beneath(Path::new("x/y"))), ["x/y/a.flow", "<stdin>"]);
        assert_eq!(names(sources.clone().beneath(Path::new("."))), ["a.flow", "<stdin>"]);
    }

    #[test]
    fn positions_count_characters_not_bytes() {
        let mut sources = Sources::default();
        let file = sources.add("a.flow", "aé\nbü=1\n");
        let at = |offset| sources.position(Span::new(file, offset, offset));
        assert_eq!(at(0), Position { line: 1, column: 1 });
        assert_eq!(at(3), Position { line: 1, column: 3 });
        assert_eq!(at(4), Position { line: 2, column: 1 });
        assert_eq!(at(7), Position { line: 2, column: 3 });
        assert_eq!(sources.get(file).unwrap().line(2), Some("bü=1"));
        assert_eq!(sources.get(file).unwrap().line(9), None);
    }
}
