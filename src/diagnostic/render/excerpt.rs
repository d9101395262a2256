//! The lines that a diagnostic points at, cut to a width that can be read, with the places in them.
//!
//! A label is shown on its first line only; a long line is cut around its labels, so that the cost of showing a
//! diagnostic depends on the window and not on the file. Line and column numbers stay those of the file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use codespan_reporting::files::{Error, Files};
use indexmap::IndexMap;

use super::{picture, visible};
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, SourceFile, Sources, Span};

/// How many characters of a line are shown.
const WIDTH: usize = 160;
/// How many of them stand before the first label of a line that is cut.
const BEFORE: usize = 60;

/// What a diagnostic shows of its files.
#[derive(Default)]
pub(super) struct Excerpt<'a> {
    files: IndexMap<FileId, Shown<'a>>,
}

/// What is shown of one file.
#[derive(Default)]
struct Shown<'a> {
    name: &'a str,
    text: String,
    lines: Vec<Line>,
}

/// A line as it is shown.
struct Line {
    /// Its number in the file, from 1.
    number: usize,
    /// Its bytes in the shown text.
    range: Range<usize>,
    /// What has to be added to the column in the shown line to get the column in the file.
    skipped: usize,
}

impl<'a> Excerpt<'a> {
    /// The excerpt for a diagnostic, with the places of its labels in it (none for a label whose file isn't here).
    pub fn new(diagnostic: &Diagnostic, sources: &'a Sources) -> (Self, Vec<Option<Range<usize>>>) {
        let mut wanted: BTreeMap<(FileId, usize), Vec<(usize, Span)>> = BTreeMap::new();
        for (number, label) in diagnostic.labels.iter().enumerate() {
            if let Some(file) = sources.get(label.span.file) {
                let line = file.position(label.span.start).line;
                wanted.entry((label.span.file, line)).or_default().push((number, label.span));
            }
        }
        let mut excerpt = Excerpt::default();
        let mut places = vec![None; diagnostic.labels.len()];
        for ((id, line), labels) in wanted {
            let Some(file) = sources.get(id) else { continue };
            let shown = excerpt.files.entry(id).or_insert_with(|| Shown { name: &file.name, ..Shown::default() });
            if shown.lines.last().is_some_and(|last| last.number + 2 == line) {
                shown.add(file, line - 1, &[]);
            }
            for (number, place) in shown.add(file, line, &labels) {
                if let Some(slot) = places.get_mut(number) {
                    *slot = Some(place);
                }
            }
        }
        (excerpt, places)
    }

    fn file(&self, id: FileId) -> Result<&Shown<'a>, Error> {
        self.files.get(&id).ok_or(Error::FileMissing)
    }
}

impl Shown<'_> {
    /// Takes in a line, cut around the labels on it, and says where the labels are in the shown text.
    fn add(&mut self, file: &SourceFile, number: usize, labels: &[(usize, Span)]) -> Vec<(usize, Range<usize>)> {
        let line = file.line(number).unwrap_or("");
        let line_start = file.line_start(number);
        let offset = |byte: u32| (byte as usize).saturating_sub(line_start).min(line.len());
        let first = labels.iter().map(|(_, span)| offset(span.start)).min().unwrap_or(0);
        let window = window(line, first);
        let begin = self.text.len();
        // Where each shown character comes from, for finding the labels again.
        let mut origins: Vec<(usize, usize)> = Vec::new();
        if window.start > 0 {
            self.text.push('…');
        }
        for (at, c) in line.get(window.clone()).unwrap_or("").char_indices() {
            origins.push((window.start + at, self.text.len()));
            self.text.push(picture(c));
        }
        let end = self.text.len();
        if window.end < line.len() {
            self.text.push('…');
        }
        let range = begin..self.text.len();
        self.text.push('\n');
        let cut = line.get(..window.start).unwrap_or("").chars().count();
        self.lines.push(Line { number, range, skipped: cut.saturating_sub(usize::from(cut > 0)) });
        let shown = |byte: usize| match origins.partition_point(|(origin, _)| *origin < byte) {
            at if at < origins.len() => origins.get(at).map_or(end, |(_, shown)| *shown),
            _ => end,
        };
        labels.iter().map(|(number, span)| (*number, shown(offset(span.start))..shown(offset(span.end)))).collect()
    }

    fn line(&self, index: usize) -> Result<&Line, Error> {
        let found = self.lines.binary_search_by_key(&(index + 1), |line| line.number).ok();
        found.and_then(|at| self.lines.get(at)).ok_or(Error::LineTooLarge { given: index, max: self.lines.len() })
    }
}

/// The bytes of a line that are shown when the first label starts at `first`.
fn window(line: &str, first: usize) -> Range<usize> {
    let end_from = |start: usize| {
        let rest = line.get(start..).unwrap_or("");
        rest.char_indices().nth(WIDTH).map_or(line.len(), |(at, _)| start + at)
    };
    let end = end_from(0);
    if end == line.len() || first < end.saturating_sub(BEFORE) {
        return 0..end;
    }
    let start = line.get(..first).unwrap_or("").char_indices().rev().nth(BEFORE).map_or(0, |(at, _)| at);
    start..end_from(start)
}

impl<'a> Files<'a> for Excerpt<'_> {
    type FileId = FileId;
    type Name = Cow<'a, str>;
    type Source = &'a str;

    fn name(&'a self, id: FileId) -> Result<Cow<'a, str>, Error> {
        self.file(id).map(|shown| visible(shown.name))
    }

    fn source(&'a self, id: FileId) -> Result<&'a str, Error> {
        self.file(id).map(|shown| shown.text.as_str())
    }

    fn line_index(&'a self, id: FileId, byte: usize) -> Result<usize, Error> {
        let shown = self.file(id)?;
        let at = shown.lines.partition_point(|line| line.range.start <= byte).saturating_sub(1);
        Ok(shown.lines.get(at).map_or(0, |line| line.number - 1))
    }

    fn column_number(&'a self, id: FileId, index: usize, byte: usize) -> Result<usize, Error> {
        let shown = self.file(id)?;
        let line = shown.line(index)?;
        let before = shown.text.get(line.range.start..byte).unwrap_or("").chars().count();
        Ok(before + line.skipped + 1)
    }

    fn line_range(&'a self, id: FileId, index: usize) -> Result<Range<usize>, Error> {
        // With its line break, as codespan counts lines.
        self.file(id)?.line(index).map(|line| line.range.start..line.range.end + 1)
    }
}
