//! Reading a record, and running what is in it again: each operation by itself, on what it found when it was recorded.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::file::{Reader, RecordError, Wrong};
use super::wire::{Ended, Frame, Recorded, Wire};
use crate::pipeline::{CallError, Limits, Operation, Outcome, Outside, Pipeline, Settings};
use crate::project::compiled::{Compiled, OpenError};
use crate::schema::Schema;
use crate::store;
use crate::store::record::{Answer, Asked, Values};
use crate::store::replay::{Replaying, Tape};
use crate::value::{EntityId, Reference, Uuid};

/// The most bytes that one operation may have in a record: more is not taken into memory.
const MAX_OPERATION: usize = 512 << 20;

/// A record that is read.
pub struct Record<R> {
    reader: Reader<R>,
    /// What ran.
    pub compiled: Compiled,
    settings: Recorded,
    operations: u64,
    ended: bool,
}

/// An operation as it was recorded.
#[derive(Debug)]
pub struct Taken {
    /// Which, from 1.
    pub number: u64,
    /// What was to be done.
    pub operation: Operation,
    /// As whom.
    pub acting: Reference,
    /// When.
    pub now: Timestamp,
    /// What became of it; without its trace, which a replay gives again.
    pub outcome: Outcome,
    within: bool,
    calls: Vec<(Asked, Answer)>,
    given: Given,
}

/// What an operation was given beside the answers of the store.
#[derive(Clone, Debug, Default)]
struct Given {
    ids: VecDeque<Uuid>,
    times: VecDeque<Duration>,
    outside: Vec<(String, String, Result<String, CallError>)>,
    /// How many of the calls of code outside were made again.
    called: usize,
    /// The last time.
    time: Duration,
    now: Timestamp,
    /// How many ids were given that weren't recorded.
    new_ids: u64,
}

/// What a replay came to.
#[derive(Debug)]
pub struct Played {
    /// The outcome, with its trace.
    pub outcome: Outcome,
    /// Whether everything was as it had been recorded: each question, each answer, the outcome.
    pub same: bool,
    /// What was written to the store, in order. Nothing of it is kept where the outcome isn't a commit.
    pub writes: Vec<Asked>,
    /// Whether a write that wasn't recorded was taken to succeed.
    pub assumed: bool,
}

impl Taken {
    /// What records held before the operation, as far as it is known, by entity and id.
    pub fn before(&self, schema: &Schema) -> Vec<(EntityId, Uuid, Values)> {
        store::replay::before(&self.calls, schema)
    }
}

impl<R: Read> Record<R> {
    /// Begins to read.
    pub fn open(input: R) -> Result<Self, RecordError> {
        let early = |(what, at)| RecordError { what, at, operation: 0 };
        let mut reader = Reader::new(input).map_err(early)?;
        let (program, settings) = match reader.next().map_err(early)? {
            Some((Frame::Head { program, settings }, _)) => (program, settings),
            Some(_) => return Err(early((Wrong::Damaged("it doesn't begin with a project".to_owned()), reader.at))),
            None => return Err(early((Wrong::Short, reader.at))),
        };
        let compiled = Compiled::from_bytes(&program).map_err(|error| early((Wrong::Damaged(error.to_string()), reader.at)))?;
        Ok(Record { reader, compiled, settings, operations: 0, ended: false })
    }

    /// The next operation, or none after the last. After an error there is none.
    pub fn next_operation(&mut self) -> Option<Result<Taken, RecordError>> {
        if self.ended {
            return None;
        }
        let taken = self.taken().map_err(|(what, at)| RecordError { what, at, operation: self.operations }).transpose();
        self.ended = !matches!(taken, Some(Ok(_)));
        taken
    }

    fn taken(&mut self) -> Result<Option<Taken>, (Wrong, u64)> {
        let begin = self.reader.at;
        let Some((frame, _)) = self.reader.next()? else { return Ok(None) };
        self.operations += 1;
        let damaged = |words: &str| Wrong::Damaged(words.to_owned());
        let Frame::Begin { operation, acting, now, began, within } = frame else {
            return Err((damaged("something stands between two operations"), begin));
        };
        let operation =
            Wire::operation(operation, &self.compiled.schema).ok_or_else(|| (damaged("it names a field that there isn't"), begin))?;
        let mut given = Given { now, time: began, ..Given::default() };
        given.times.push_back(began);
        let (mut calls, mut bytes) = (Vec::new(), 0_usize);
        loop {
            let at = self.reader.at;
            let Some((frame, length)) = self.reader.next()? else { return Err((Wrong::Short, at)) };
            bytes = bytes.saturating_add(length);
            if bytes > MAX_OPERATION {
                return Err((damaged("an operation is larger than any can be"), at));
            }
            match frame {
                Frame::Store(asked, answer) => calls.push((asked, answer)),
                Frame::Id(id) => given.ids.push_back(id),
                Frame::Time(time) => given.times.push_back(time),
                Frame::Outside { called, request, answer } => given.outside.push((called, request, answer)),
                Frame::End(ended) => {
                    let outcome = Ended::outcome(ended).ok_or_else(|| (damaged("it names a fault that there isn't"), at))?;
                    let number = self.operations;
                    return Ok(Some(Taken { number, operation, acting, now, outcome, within, calls, given }));
                }
                Frame::Head { .. } | Frame::Begin { .. } => return Err((damaged("an operation begins within another"), at)),
            }
        }
    }

    /// What replays the operations of this record, with the flows that were recorded.
    pub fn player(&self) -> Result<Player, OpenError> {
        Player::new(&self.compiled, &self.settings)
    }

    /// Settings with those that were recorded; none where this machine doesn't know the time zone.
    pub fn settings(&self, settings: Settings) -> Option<Settings> {
        self.settings.apply(settings)
    }

    /// What replays them with other flows, on the schema that was recorded.
    pub fn player_of(&self, compiled: &Compiled) -> Result<Player, OpenError> {
        Player::new(compiled, &self.settings)
    }
}

/// Replays operations.
pub struct Player {
    pipeline: Pipeline,
    tape: Arc<Mutex<Tape>>,
    given: Arc<Mutex<Given>>,
}

impl Player {
    fn new(compiled: &Compiled, recorded: &Recorded) -> Result<Self, OpenError> {
        let (tape, given) = (Arc::new(Mutex::new(Tape::default())), Arc::new(Mutex::new(Given::default())));
        let (clock, ids, times) = (Arc::clone(&given), Arc::clone(&given), Arc::clone(&given));
        let settings = Settings {
            stopwatch: Box::new(move || with(&times, Given::time)),
            sources: Arc::clone(&compiled.sources),
            trace: true,
            outside: Some(Box::new(Retold(Arc::clone(&given)))),
            ..Settings::with(Box::new(move || with(&clock, |given| given.now)), Box::new(move || with(&ids, Given::id)))
        };
        let settings = recorded.apply(settings).ok_or(OpenError::Zone)?;
        let store = Box::new(Replaying::new(Arc::clone(&tape), Arc::clone(&compiled.schema)));
        let pipeline = Pipeline::assembled(Arc::clone(&compiled.schema), Arc::clone(&compiled.program), store, settings)?;
        Ok(Player { pipeline, tape, given })
    }

    /// The pipeline, for plug-ins that an embedding program binds.
    pub fn pipeline(&mut self) -> &mut Pipeline {
        &mut self.pipeline
    }

    /// Runs an operation again.
    pub fn play(&mut self, taken: &Taken) -> Played {
        // The longer transaction isn't part of the operation: it begins and ends on a tape of its own.
        with(&self.tape, |tape| *tape = Tape::default());
        if taken.within {
            let _ = self.pipeline.begin();
        }
        with(&self.tape, |tape| *tape = Tape::new(taken.calls.clone()));
        with(&self.given, |given| given.clone_from(&taken.given));
        let outcome = self.pipeline.execute(taken.operation.clone(), Some(taken.acting));
        let (is_whole, assumed, writes) = with(&self.tape, |tape| (tape.is_whole(), tape.is_assumed(), tape.writes().to_vec()));
        with(&self.tape, |tape| *tape = Tape::default());
        if taken.within {
            let _ = self.pipeline.rollback();
        }
        let all_given = with(&self.given, |given| given.ids.is_empty() && given.new_ids == 0 && given.called == given.outside.len());
        let same = is_whole && all_given && without_trace(&outcome) == taken.outcome;
        Played { outcome, same, writes, assumed }
    }
}

fn without_trace(outcome: &Outcome) -> Outcome {
    Outcome { trace: Vec::new(), ..outcome.clone() }
}

fn with<S, T>(shared: &Mutex<S>, run: impl FnOnce(&mut S) -> T) -> T {
    run(&mut shared.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Given {
    /// What the stopwatch shows; where more is asked for than was recorded, it stands.
    fn time(&mut self) -> Duration {
        self.time = self.times.pop_front().unwrap_or(self.time);
        self.time
    }

    /// A new id; where more is asked for than was recorded, one that nothing else has.
    fn id(&mut self) -> Uuid {
        self.ids.pop_front().unwrap_or_else(|| {
            self.new_ids += 1;
            Uuid::from_u128(u128::MAX - u128::from(self.new_ids))
        })
    }

    /// What code outside answered to this request.
    fn answer(&mut self, called: &str, request: &str) -> Result<String, CallError> {
        let is_it = |(to, with, _): &&(String, String, Result<String, CallError>)| to == called && with == request;
        if let Some((.., answer)) = self.outside.get(self.called).filter(is_it) {
            self.called += 1;
            return answer.clone();
        }
        match self.outside.iter().find(is_it) {
            Some((.., answer)) => answer.clone(),
            None => Err(CallError::Failed("was not recorded with this request".to_owned())),
        }
    }
}

/// Code outside, as it answered when it was recorded.
struct Retold(Arc<Mutex<Given>>);

impl Outside for Retold {
    fn command(&mut self, words: &[String], request: &str, _: Limits) -> Result<String, CallError> {
        with(&self.0, |given| given.answer(&words.join("\0"), request))
    }

    fn webhook(&mut self, address: &str, request: &str, _: Option<&str>, _: Limits) -> Result<String, CallError> {
        with(&self.0, |given| given.answer(address, request))
    }
}
