//! How far a run has come, as a note in the store that is kept in the transaction of each batch. Whatever happens to the process,
//! the note and the records agree.
//!
//! A run goes by what it has read and not by the name of the file: a file that was moved, or is given through standard input under the
//! same name, is known again, and one that was changed within what was done is not. What is kept for an input is its line and
//! the digest of all lines up to there.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Input;
use super::rejects::Written;
use crate::exchange::{Format, Mark, Reader, RowMessage, furthest};
use crate::pipeline::Pipeline;
use crate::store::{self, Holder, StoreError};
use crate::value::Uuid;

/// What is known of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Note {
    #[serde(flatten)]
    pub mark: Mark,
    /// Whether it came to the end of its input.
    pub ended: bool,
    /// How much of its file of rejects it had written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejects: Option<Written>,
    /// The run that goes on where another one ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// The notes of runs over one kind of input.
pub(super) struct Journal {
    /// What the names of notes for inputs of this kind begin with.
    kind: String,
    /// The name of this input's note.
    name: String,
    /// A run that goes on where another one ended holds on to the note: a third may do the same at the same time.
    holder: Option<Arc<Holder>>,
}

/// Why a run can't go on where an earlier one ended.
pub(super) enum Trouble {
    /// The store failed.
    Store(StoreError),
    /// The input can't be read.
    Input(io::Error),
    /// It isn't what the earlier run had read, up to this line.
    Changed(u64),
}

impl Journal {
    /// The journal for an input that is read in a certain way.
    pub fn new(input: &Input, format: &Format) -> Self {
        let kind = match format {
            Format::JsonLines => "ops jsonl ".to_owned(),
            Format::Csv { entity, message } => format!("ops csv {entity} {} ", word(*message)),
        };
        let path = fs::canonicalize(input.path).map_or_else(|_| input.name.clone(), |path| path.to_string_lossy().into_owned());
        Journal { name: format!("{kind}{}", if input.is_stdin() { "-" } else { &path }), kind, holder: None }
    }

    /// What is known of the last run over an input of this name, where that didn't come to its end.
    pub fn unfinished(&self, pipeline: &mut Pipeline) -> Result<Option<Note>, StoreError> {
        Ok(self.own(&read(pipeline.notes(&self.kind)?)).filter(|note| !note.ended))
    }

    /// Reads past what an earlier run has done, and gives what is known of that; nothing where there was none.
    pub fn resume<R: BufRead>(
        &mut self,
        input: &Input,
        reader: &mut Reader<'_, R>,
        pipeline: &mut Pipeline,
    ) -> Result<Option<Note>, Trouble> {
        let texts = pipeline.notes(&self.kind).map_err(Trouble::Store)?;
        let found = texts.iter().find(|(name, _)| *name == self.name).map(|(_, text)| text.clone());
        self.holder = Some(Arc::new(Holder { key: Uuid::now_v7().to_string(), found }));
        let notes = read(texts);
        let own = self.own(&notes);
        let found = if input.size.is_some() { known(input, own, &notes)? } else { own };
        let Some(note) = found else { return Ok(None) };
        match reader.skip_to(&note.mark) {
            Ok(true) => Ok(Some(note)),
            // Another text has come the same way after one that was done: it begins at its beginning, which is read already.
            Ok(false) => Err(Trouble::Changed(note.mark.line)),
            Err(problem) => Err(Trouble::Input(io::Error::other(problem.message))),
        }
    }

    /// Keeps how far the run has come, in the transaction that is open. An error where another run has gone on in the meantime.
    pub fn keep(&self, note: Note, pipeline: &mut Pipeline) -> Result<(), StoreError> {
        pipeline.note(&self.note(note))
    }

    /// The same in the transaction of the next operation.
    pub fn keep_with_next(&self, note: Note, pipeline: &mut Pipeline) {
        pipeline.note_with_next(self.note(note));
    }

    fn note(&self, mut note: Note) -> store::Note {
        note.run = self.holder.as_ref().map(|holder| holder.key.clone());
        let text = serde_json::to_string(&note).unwrap_or_default();
        store::Note { name: self.name.clone(), text, holder: self.holder.clone() }
    }

    fn own(&self, notes: &[(String, Note)]) -> Option<Note> {
        notes.iter().find(|(name, _)| *name == self.name).map(|(_, note)| note.clone())
    }
}

/// What notes say. What can't be read was written by another release, and nothing is known then.
fn read(texts: Vec<(String, String)>) -> Vec<(String, Note)> {
    texts.into_iter().filter_map(|(name, text)| Some((name, serde_json::from_str(&text).ok()?))).collect()
}

/// What is known of the run over what a file holds: that of its own name, where it didn't come to its end; else the one that came furthest,
/// whatever its name was then. A file that an earlier run of its own name doesn't fit was changed.
fn known(input: &Input, own: Option<Note>, notes: &[(String, Note)]) -> Result<Option<Note>, Trouble> {
    if let Some(own) = own {
        match fitting(input, [&own]).map_err(Trouble::Input)? {
            None => return Err(Trouble::Changed(own.mark.line)),
            Some(own) if !own.ended => return Ok(Some(own)),
            Some(_) => {}
        }
    }
    fitting(input, notes.iter().map(|(_, note)| note)).map_err(Trouble::Input)
}

/// Of the notes that fit what a file holds, the one that came furthest.
fn fitting<'a>(input: &Input, notes: impl IntoIterator<Item = &'a Note>) -> io::Result<Option<Note>> {
    let notes: Vec<&Note> = notes.into_iter().collect();
    let marks: Vec<Mark> = notes.iter().map(|note| note.mark.clone()).collect();
    let file = BufReader::with_capacity(256 * 1024, File::open(input.path)?);
    let found = furthest(file, &marks)?;
    Ok(found.and_then(|mark| notes.iter().find(|note| note.mark == *mark)).map(|note| (*note).clone()))
}

fn word(message: RowMessage) -> &'static str {
    match message {
        RowMessage::Create => "create",
        RowMessage::Update => "update",
        RowMessage::Delete => "delete",
        RowMessage::Upsert => "upsert",
    }
}
