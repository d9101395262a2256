//! Background operations: operations that somebody hands in, which a worker does later as one job. How they are handed in, and how far
//! such a job is; how it is done is in `chunk`.
//!
//! They are kept in chunks, each a record with as many operations as one transaction does. They are handed in a chunk at a time,
//! so that neither memory nor the store is held for the whole of them; the job waits meanwhile, and can't be done before it is whole.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use thiserror::Error;

use super::queue::Asked;
use super::recall::Recall;
use super::states::Turn;
use super::step::Progress;
use super::wire::Kept;
use super::{Job, wire::OperationResult};
use crate::pipeline::engine::Engine;
use crate::pipeline::{Operation, Pipeline, into_fault};
use crate::schema::jobs::{self, CHUNKS, Kind, Status, columns};
use crate::schema::{MAX_MEMO, Schema};
use crate::store::StoreError;
use crate::value::{EntityId, Reference, Uuid, Value};

/// How many operations go into one transaction where nobody says: few enough that others who save meanwhile hardly notice.
pub const DEFAULT_CHUNK: u32 = 20;

/// How many bytes one operation may have as it is kept, and all operations of a chunk together.
pub const LONGEST_OPERATION: usize = MAX_MEMO as usize;

/// How many bytes of chunks are put into the store in one transaction.
const AT_ONCE: usize = 256 * 1024;

/// How long whoever hands in operations may be silent in between. After that, what came of it is taken away.
const SILENCE: SignedDuration = SignedDuration::from_hours(1);

/// How many chunks one transaction takes away.
const AWAY: usize = 100;

/// How a background operation is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Background {
    /// As whom it runs; as the system administrator where nobody is named.
    pub acting: Option<Reference>,
    /// How many operations go into one transaction, from 1.
    pub chunk: u32,
    /// Whether it ends at the first operation that is stopped or fails; else it goes on with the next one.
    pub stop_on_error: bool,
    /// Whom to tell that it has ended, whatever came of it: an address that the settings allow to be called back.
    pub callback: Option<SmolStr>,
}

impl Default for Background {
    fn default() -> Self {
        Background { acting: None, chunk: DEFAULT_CHUNK, stop_on_error: false, callback: None }
    }
}

/// How far a background operation is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// How many operations it has.
    pub operations: u64,
    /// How many of them were committed.
    pub committed: u64,
    /// How many were stopped by a flow.
    pub stopped: u64,
    /// How many failed.
    pub faults: u64,
    /// In how many transactions it is done.
    pub chunks: u32,
    /// Whether it ends at the first operation that is stopped or fails.
    pub stop_on_error: bool,
    /// Whom to tell that it has ended.
    pub callback: Option<SmolStr>,
    /// The job that tells so, once it has ended.
    pub(super) told_by: Option<Uuid>,
    /// How many chunks are done.
    pub(super) done: u32,
    /// How many operations of the next one are done.
    pub(super) at: u32,
    /// What came of the first operation that wasn't committed.
    pub(super) first: Option<OperationResult>,
}

impl Batch {
    pub(super) fn write(&self) -> SmolStr {
        serde_json::to_string(self).unwrap_or_default().into()
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// How many operations are done, whatever came of them.
    pub fn done(&self) -> u64 {
        self.committed.saturating_add(self.stopped).saturating_add(self.faults)
    }
}

/// Why operations don't become a background operation.
#[derive(Debug, Error)]
pub enum Unqueued {
    /// There is none.
    #[error("there are no operations")]
    Nothing,
    /// One is too large to be kept.
    #[error("line {0}: the operation is larger than {LONGEST_OPERATION} bytes: divide it")]
    TooLarge(u64),
    /// The callback isn't allowed.
    #[error("the callback isn't allowed: {0}")]
    Callback(String),
    /// Somebody has ended the job before all of it was handed in.
    #[error("the job {0} was ended before all of it was handed in")]
    Ended(Uuid),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Pipeline {
    /// Hands in operations to be done in the background, all of them as one job; gives the job, which a worker takes up.
    pub fn run_in_background(&mut self, operations: impl IntoIterator<Item = Operation>, how: Background) -> Result<Job, Unqueued> {
        let mut intake = Intake::new(self, how)?;
        for (line, operation) in (1..).zip(operations) {
            if let Err(error) = intake.add(line, &operation, None) {
                intake.abandon()?;
                return Err(error);
            }
        }
        intake.queue()
    }

    /// Where a job can be looked at: its address as the function `url` gives it.
    pub fn location(&self, job: Uuid) -> String {
        self.engine.location(job)
    }

    /// What came of the operations of a background operation, in their order, as far as it is: those of a chunk, from 0.
    pub fn results(&mut self, job: Uuid, chunk: u32) -> Result<Vec<OperationResult>, StoreError> {
        self.look(|engine| {
            let chunk = engine.read_chunk(job, chunk)?;
            Ok(chunk.map(|chunk| chunk.results.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()).unwrap_or_default())
        })
    }
}

/// Operations on their way into a job. What was handed in waits in the store until it is queued. Where that never comes, and no more of
/// them for an hour, a worker takes away what is there, and the job is canceled.
pub struct Intake<'a> {
    pipeline: &'a mut Pipeline,
    how: Background,
    id: Uuid,
    name: SmolStr,
    batch: Batch,
    /// The chunks that aren't in the store yet, the last of them with room for more.
    chunks: Vec<String>,
    /// How many operations the last of them has.
    in_last: u32,
    /// Whether the job is in the store.
    begun: bool,
}

impl std::fmt::Debug for Intake<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Intake").field("id", &self.id).field("batch", &self.batch).finish_non_exhaustive()
    }
}

impl<'a> Intake<'a> {
    /// Nothing yet; an error where the callback isn't allowed.
    pub fn new(pipeline: &'a mut Pipeline, how: Background) -> Result<Self, Unqueued> {
        if let Some(url) = &how.callback {
            pipeline.engine.settings.callbacks.allow(url).map_err(Unqueued::Callback)?;
        }
        let id = (pipeline.engine.settings.ids)();
        let batch = Batch { stop_on_error: how.stop_on_error, callback: how.callback.clone(), ..Batch::default() };
        Ok(Intake { pipeline, how, id, name: SmolStr::default(), batch, chunks: Vec::new(), in_last: 0, begun: false })
    }

    /// The pipeline that it goes through.
    pub fn pipeline(&mut self) -> &mut Pipeline {
        self.pipeline
    }

    /// Hands in one operation with its line, and the user who does it where that isn't the one as whom all of it runs.
    pub fn add(&mut self, line: u64, operation: &Operation, user: Option<Reference>) -> Result<(), Unqueued> {
        let schema = &self.pipeline.engine.schema;
        let text = Kept::of(line, user.map(|user| user.id), operation, schema).write();
        if text.len() > LONGEST_OPERATION {
            return Err(Unqueued::TooLarge(line));
        }
        match self.batch.operations {
            0 => self.name = title(operation, schema),
            1 => self.name = format!("{} and more", self.name).into(),
            _ => {}
        }
        let room = |last: &&mut String| self.in_last < self.how.chunk && last.len() + text.len() < LONGEST_OPERATION;
        match self.chunks.last_mut().filter(room) {
            Some(last) => {
                last.push('\n');
                last.push_str(&text);
                self.in_last += 1;
            }
            None => {
                // What is full can go into the store.
                if self.chunks.iter().map(String::len).sum::<usize>() >= AT_ONCE {
                    self.put(false)?;
                }
                self.chunks.push(text);
                self.in_last = 1;
            }
        }
        self.batch.operations += 1;
        Ok(())
    }

    /// Lets workers take it up.
    pub fn queue(mut self) -> Result<Job, Unqueued> {
        if self.batch.operations == 0 {
            return Err(Unqueued::Nothing);
        }
        let put = self.put(true);
        if matches!(put, Err(Unqueued::Store(_))) {
            // The error to report is the first one.
            let _ = self.abandon();
        }
        put
    }

    /// Lets nothing come of it.
    pub fn abandon(self) -> Result<(), StoreError> {
        if !self.begun {
            return Ok(());
        }
        let id = self.id;
        self.pipeline.transaction(|engine| {
            let chunks = engine.chunks_of(id)?;
            let (chunk, job) = (engine.chunks_entity()?, engine.jobs_entity()?);
            engine.store.delete(chunk, &chunks)?;
            engine.store.delete(job, &[id])
        })
    }

    /// Puts the chunks that are there into the store, and with the last of them lets the job begin.
    fn put(&mut self, last: bool) -> Result<Job, Unqueued> {
        let chunks = std::mem::take(&mut self.chunks);
        let (how, before, id, name, begun) = (&self.how, &self.batch, self.id, &self.name, self.begun);
        let put = self.pipeline.transaction(|engine| {
            let mut batch = before.clone();
            if !begun {
                engine.queue_background(id, name, how.acting)?;
            }
            let Some(mut job) = engine.job(id)?.filter(|job| job.status == Status::Waiting) else { return Ok(None) };
            for text in &chunks {
                engine.put_chunk(id, batch.chunks, text.clone())?;
                batch.chunks += 1;
            }
            if last {
                job.batch = Some(batch.clone());
                job.message = None;
                engine.turn(&mut job, Turn::Resume);
            } else {
                job.due = engine.now.checked_add(SILENCE).ok();
            }
            engine.write_job(&job, None)?;
            Ok(Some((job, batch)))
        })?;
        self.begun = true;
        let (job, batch) = put.ok_or(Unqueued::Ended(id))?;
        self.batch = batch;
        Ok(job)
    }
}

/// A chunk as it is kept.
pub(super) struct Chunk {
    pub id: Uuid,
    pub operations: SmolStr,
    pub results: String,
}

impl Engine {
    pub(super) fn location(&self, job: Uuid) -> String {
        format!("{}/{}/{job}", self.settings.url, jobs::ENTITY)
    }

    /// A job whose operations are still being handed in.
    fn queue_background(&mut self, id: Uuid, name: &SmolStr, acting: Option<Reference>) -> Result<(), StoreError> {
        self.caller = acting.unwrap_or(self.administrator);
        let record = Reference { entity: self.jobs_entity()?, id };
        let asked = Asked { name, kind: Kind::BackgroundOperation, record, owner: self.caller, depth: 1, token: None };
        let failed = |interrupt| StoreError::Failed(into_fault(interrupt).message);
        self.queue_as(id, &asked, &Recall::default()).map_err(failed)?;
        let Some(mut job) = self.job(id)? else { return Ok(()) };
        self.turn(&mut job, Turn::Pause);
        job.message = Some("its operations are being handed in".into());
        self.write_job(&job, None)
    }

    /// Takes away some of what is there of operations that were never handed in whole, and ends their job with the last of it.
    pub(super) fn clear_away(&mut self, job: &mut Job, lease: SignedDuration) -> Result<Progress, StoreError> {
        let mut chunks = self.chunks_of(job.id)?;
        let more = chunks.len() > AWAY;
        chunks.truncate(AWAY);
        let entity = self.chunks_entity()?;
        self.store.delete(entity, &chunks)?;
        if more {
            (job.modified, job.due) = (self.now, self.leased(lease));
        } else {
            self.turn(job, Turn::Stop);
            job.message =
                Some("whoever handed it in was gone before all of it was there, and nothing of it was done: hand it in again".into());
        }
        self.write_job(job, None)?;
        self.commit()?;
        Ok(if more { Progress::GoesOn } else { Progress::Ended })
    }

    fn put_chunk(&mut self, job: Uuid, number: u32, text: String) -> Result<(), StoreError> {
        let entity = self.chunks_entity()?;
        let own = Reference { entity, id: (self.settings.ids)() };
        let owner = Reference { entity: self.jobs_entity()?, id: job };
        let values = [
            (columns::JOB, Value::Reference(owner)),
            (columns::NUMBER, Value::Integer(number.into())),
            (columns::OPERATIONS, Value::Text(text.into())),
        ];
        self.put_row(own, &values, self.caller)
    }

    /// A chunk of a job, from 0.
    pub(super) fn read_chunk(&mut self, job: Uuid, number: u32) -> Result<Option<Chunk>, StoreError> {
        let entity = self.chunks_entity()?;
        let owner = Reference { entity: self.jobs_entity()?, id: job };
        let wanted = self.row_of(entity, &[(columns::JOB, Value::Reference(owner)), (columns::NUMBER, Value::Integer(number.into()))]);
        let Some(id) = self.store.find(entity, &wanted, 1)?.first().copied() else { return Ok(None) };
        let slot = |name| self.column(entity, name);
        let (Some(operations), Some(results)) = (slot(columns::OPERATIONS), slot(columns::RESULTS)) else { return Ok(None) };
        let row = self.store.read(entity, &[id], &[operations, results].into_iter().collect())?.into_iter().next().flatten();
        let text = |slot| row.as_ref().and_then(|row| row.get(slot)).and_then(Value::as_text).unwrap_or_default();
        Ok(Some(Chunk { id, operations: text(operations).into(), results: text(results).to_owned() }))
    }

    /// Writes what came of the operations of a chunk.
    pub(super) fn write_results(&mut self, chunk: &Chunk) -> Result<(), StoreError> {
        let entity = self.chunks_entity()?;
        self.change_row(entity, chunk.id, &[(columns::RESULTS, Value::Text(chunk.results.as_str().into()))])
    }

    fn chunks_of(&mut self, job: Uuid) -> Result<Vec<Uuid>, StoreError> {
        let (entity, jobs) = (self.chunks_entity()?, self.jobs_entity()?);
        let Some(slot) = self.column(entity, columns::JOB) else { return Ok(Vec::new()) };
        self.store.referring(entity, slot, jobs, &[job])
    }

    fn chunks_entity(&self) -> Result<EntityId, StoreError> {
        self.schema.entity_id(CHUNKS).ok_or_else(|| StoreError::Unusable(format!("the schema has no entity `{}`", jobs::CHUNKS)))
    }
}

/// What an operation does, in a few words.
fn title(operation: &Operation, schema: &Schema) -> SmolStr {
    let on = |word: &str, id: EntityId| format!("{word} {}", schema.entity(id).map_or("", |entity| entity.name.as_str())).into();
    match operation {
        Operation::Create { entity, .. } => on("Create", *entity),
        Operation::Update { record, .. } => on("Update", record.entity),
        Operation::Delete { record } => on("Delete", record.entity),
        Operation::Upsert { entity, .. } => on("Upsert", *entity),
        Operation::CreateMultiple { entity, .. } => on("CreateMultiple", *entity),
        Operation::UpdateMultiple { entity, .. } => on("UpdateMultiple", *entity),
        Operation::Keyed { operation, .. } => title(operation, schema),
        Operation::Run { flow, .. } | Operation::Start { flow, .. } => flow.clone(),
        Operation::Perform { action, .. } => action.clone(),
    }
}
