//! Records of runs on the command line: where one is written, and how one is opened.

use std::cell::OnceCell;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Exit;
use super::output::Output;
use super::{files, load};
use crate::diagnostic::render::counted;
use crate::diagnostic::{Code, Diagnostic, render};
use crate::pipeline::{Pipeline, Settings};
use crate::project::record::{self, RecordError, Recorder};
use crate::project::{Compiled, OpenError};
use crate::source::Sources;

#[derive(Debug, Args)]
pub(super) struct Record {
    /// Write down everything that the operations depend on, for `weir replay` and `weir why`
    #[arg(long = "record", value_name = "FILE", env = "WEIR_RECORD")]
    file: Option<PathBuf>,
    #[arg(skip)]
    recorder: OnceCell<Recorder>,
}

impl Record {
    /// Where it is written.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Tells what a run did that is in no record: so many jobs.
    pub fn without_jobs(&self, jobs: usize, output: &mut Output) {
        if self.file.is_some() && jobs > 0 {
            output.error_line(format!("note: {} ran, whose steps are in no record: that holds the operations alone", counted(jobs, "job")));
        }
    }

    /// A pipeline over the store that a URL names; recorded where that is asked for.
    pub fn open(&self, compiled: &Compiled, url: &str, settings: Settings) -> Result<Pipeline, OpenError> {
        let Some(path) = &self.file else { return compiled.open(url, settings) };
        let file = files::create(path).map_err(OpenError::Record)?;
        let (pipeline, recorder) = compiled.open_recorded(url, settings, BufWriter::with_capacity(256 * 1024, file))?;
        let _ = self.recorder.set(recorder);
        Ok(pipeline)
    }

    /// Ends the record, and tells where it isn't whole.
    pub fn finish(&self, output: &mut Output) -> Exit {
        let (Some(path), Some(recorder)) = (&self.file, self.recorder.get()) else { return Exit::Well };
        match recorder.finish() {
            Ok(_) => Exit::Well,
            Err(error) => {
                output.error_line(format!("error: the record `{}` can't be written: {error}", render::visible(&path.to_string_lossy())));
                Exit::Failed
            }
        }
    }
}

/// Opens a record; what is wrong is told.
pub(super) fn open(path: &Path, output: &mut Output) -> Result<record::Record<BufReader<File>>, Exit> {
    let file = match files::open(path) {
        Ok(file) => file,
        Err(error) => {
            let words = format!("`{}` can't be read: {error}", render::visible(&path.to_string_lossy()));
            load::tell(&[Diagnostic::unplaced(Code::E0001, words)], &Sources::default(), output);
            return Err(Exit::Failed);
        }
    };
    record::Record::open(BufReader::new(file)).map_err(|error| unread(path, &error, output))
}

/// Tells why a record can't be read on.
pub(super) fn unread(path: &Path, error: &RecordError, output: &mut Output) -> Exit {
    let words = format!("`{}`: {error}", render::visible(&path.to_string_lossy()));
    load::tell(&[Diagnostic::unplaced(error.code(), words)], &Sources::default(), output);
    if error.code() == Code::E0001 { Exit::Failed } else { Exit::Problems }
}
