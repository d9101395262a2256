//! Writing a run down while it runs: an ear at everything that an operation gets from elsewhere.
//!
//! What happens between operations isn't part of any, and isn't written. Where the file can't be written, the run goes on and the failure
//! is told at its end.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::file::Writer;
use super::wire::{Ended, Frame, Recorded, Wire};
use crate::pipeline::{self, CallError, Limits, Operation, Outcome, Outside, Pipeline, Settings};
use crate::project::compiled::{Compiled, OpenError, open_store};
use crate::store::Store;
use crate::store::record::{Answer, Asked, Listener, Recording};
use crate::value::Reference;

/// A record in the making, shared by all that write to it.
#[derive(Clone)]
pub struct Recorder(Arc<Mutex<Tape>>);

impl std::fmt::Debug for Recorder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Recorder").finish_non_exhaustive()
    }
}

struct Tape {
    writer: Writer<Box<dyn Write + Send>>,
    /// Whether an operation runs.
    open: bool,
    operations: u64,
    failure: Option<io::Error>,
}

impl Compiled {
    /// A pipeline over the store that a URL names, of which everything that happens is written down.
    pub fn open_recorded(
        &self,
        url: &str,
        settings: Settings,
        output: impl Write + Send + 'static,
    ) -> Result<(Pipeline, Recorder), OpenError> {
        self.over_recorded(open_store(url, &self.schema)?, settings, output)
    }

    /// The same over a store.
    pub fn over_recorded(
        &self,
        store: Box<dyn Store>,
        settings: Settings,
        output: impl Write + Send + 'static,
    ) -> Result<(Pipeline, Recorder), OpenError> {
        let recorder = Recorder::begin(self, &settings, Box::new(output)).map_err(OpenError::Record)?;
        let store = Box::new(Recording::new(store, Box::new(recorder.clone())));
        let pipeline = self.over(store, recorder.overhear(settings))?;
        Ok((pipeline, recorder))
    }
}

impl Recorder {
    fn begin(compiled: &Compiled, settings: &Settings, output: Box<dyn Write + Send>) -> io::Result<Self> {
        let mut writer = Writer::new(output)?;
        let program = compiled.to_bytes().ok_or_else(|| io::Error::other("the project is too large"))?;
        let settings = Recorded::of(settings).ok_or_else(|| io::Error::other("the time zone has no name"))?;
        writer.write(&Frame::Head { program, settings })?;
        writer.flush()?;
        Ok(Recorder(Arc::new(Mutex::new(Tape { writer, open: false, operations: 0, failure: None }))))
    }

    /// Settings of which everything that they give is written down.
    fn overhear(&self, mut settings: Settings) -> Settings {
        let (mut ids, id_tape) = (settings.ids, self.clone());
        settings.ids = Box::new(move || {
            let id = ids();
            id_tape.note(|| Frame::Id(id));
            id
        });
        let (mut stopwatch, time_tape) = (settings.stopwatch, self.clone());
        settings.stopwatch = Box::new(move || {
            let time = stopwatch();
            time_tape.note(|| Frame::Time(time));
            time
        });
        settings.outside = settings.outside.map(|outside| -> Box<dyn Outside> { Box::new(Overheard { outside, tape: self.clone() }) });
        Settings { trace: true, recorder: Some(Box::new(self.clone())), ..settings }
    }

    /// How many operations were written down; or what kept the record from being whole.
    pub fn finish(&self) -> io::Result<u64> {
        self.with(|tape| match tape.failure.take() {
            Some(failure) => Err(failure),
            None => tape.writer.flush().map(|()| tape.operations),
        })
    }

    fn note(&self, frame: impl FnOnce() -> Frame) {
        self.with(|tape| {
            if tape.open {
                tape.write(&frame());
            }
        });
    }

    fn with<T>(&self, run: impl FnOnce(&mut Tape) -> T) -> T {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Tape {
    fn write(&mut self, frame: &Frame) {
        if self.failure.is_none() {
            self.failure = self.writer.write(frame).err();
        }
    }
}

impl Listener for Recorder {
    fn listens(&self) -> bool {
        self.with(|tape| tape.open)
    }

    fn heard(&mut self, asked: Asked, answer: Answer) {
        self.note(|| Frame::Store(asked, answer));
    }
}

impl pipeline::Recorder for Recorder {
    fn begins(&mut self, operation: &Operation, acting: Reference, (now, began): (Timestamp, Duration), within: bool) {
        let operation = Wire::of(operation);
        self.with(|tape| match operation {
            Some(operation) => {
                tape.open = true;
                tape.operations += 1;
                tape.write(&Frame::Begin { operation, acting, now, began, within });
            }
            None => tape.failure = tape.failure.take().or_else(|| Some(io::Error::other("a key within a key"))),
        });
    }

    fn ended(&mut self, outcome: &Outcome) {
        self.with(|tape| {
            if std::mem::take(&mut tape.open) {
                tape.write(&Frame::End(Ended::of(outcome)));
                if tape.failure.is_none() {
                    // What has ended is in the file, whatever becomes of the process.
                    tape.failure = tape.writer.flush().err();
                }
            }
        });
    }
}

/// Code outside, overheard.
struct Overheard {
    outside: Box<dyn Outside>,
    tape: Recorder,
}

impl Outside for Overheard {
    fn command(&mut self, words: &[String], request: &str, limits: Limits) -> Result<String, CallError> {
        let answer = self.outside.command(words, request, limits);
        self.tape.note(|| Frame::Outside { called: words.join("\0"), request: request.to_owned(), answer: answer.clone() });
        answer
    }

    fn webhook(&mut self, address: &str, request: &str, key: Option<&str>, limits: Limits) -> Result<String, CallError> {
        let answer = self.outside.webhook(address, request, key, limits);
        self.tape.note(|| Frame::Outside { called: address.to_owned(), request: request.to_owned(), answer: answer.clone() });
        answer
    }
}
