//! A record while an operation is about it: the Target, the images, and what a step reads at its stage.
//!
//! Nothing is read from the store before a step asks for it; then all the columns that the event's steps may ask for
//! come in one read. As long as nothing was written since the core operation, the record is still the pre-image with
//! the Target over it, so nothing is read again; any write in the transaction makes the next read go to the store.

use smol_str::SmolStr;

use crate::bytecode::Stage;
use crate::diagnostic::Code;
use crate::schema::{FieldSet, PRIMARY_KEY, Row};
use crate::value::{Reference, Slot, Uuid, Value};
use crate::vm::Interrupt;

use super::audit::Setters;
use super::engine::Engine;
use super::fault;
use super::jobs::Recall;
use super::operation::Message;
use super::passes::Pass;

/// The record of an operation, or of a child flow on another record, and what its steps see of it.
#[derive(Debug)]
pub(super) struct Scene {
    /// The operation; a child flow on another record has none.
    pub message: Option<Message>,
    /// The record.
    pub record: Reference,
    /// Where the operation is.
    pub stage: Stage,
    /// How deep it is nested, from 1.
    pub depth: u32,
    /// As whom it was asked for.
    pub acting: Reference,
    /// What was submitted, and what steps before the core operation made of it.
    pub target: Row,
    /// What kind of update it is.
    pub pass: Pass,
    /// The steps that set audited fields of the Target.
    pub setters: Setters,
    /// The columns to fetch together at the first read.
    pub columns: FieldSet,
    /// The action whose scene it is.
    pub action: Option<SmolStr>,
    /// What that was given.
    pub inputs: Vec<Value>,
    /// What it has given so far.
    pub outputs: Vec<Value>,
    /// Whether every step of it is kept by itself.
    pub alone: bool,
    key: Value,
    before: Image,
    now: Image,
    /// The state of the transaction right after the core operation.
    written: Option<u64>,
}

/// Some columns of a record, and the state of the transaction in which they were read.
#[derive(Debug, Default)]
struct Image {
    row: Row,
    epoch: u64,
}

/// What stands for a field without a value.
static EMPTY: Value = Value::Empty;

/// Where a field is read from.
enum Source {
    Nothing,
    Key,
    Target,
    Before,
    Now,
}

impl Scene {
    /// An operation that is about to begin.
    pub fn new(message: Message, record: Reference, target: Row, depth: u32, acting: Reference) -> Self {
        Scene {
            message: Some(message),
            record,
            stage: Stage::PreOperation,
            depth,
            acting,
            target,
            pass: Pass::Others,
            setters: Setters::default(),
            columns: FieldSet::default(),
            action: None,
            inputs: Vec::new(),
            outputs: Vec::new(),
            alone: false,
            key: Value::Uuid(record.id),
            before: Image::default(),
            now: Image::default(),
            written: None,
        }
    }

    /// A child flow on a record that no operation is about: it sees the record as after an operation that changed nothing.
    pub fn child(record: Reference, depth: u32, acting: Reference, epoch: u64) -> Self {
        let mut scene = Scene { message: None, ..Scene::new(Message::Update, record, Row::default(), depth, acting) };
        scene.written(epoch);
        scene
    }

    /// The record has got its id.
    pub fn is_known_as(&mut self, id: Uuid) {
        self.record.id = id;
        self.key = Value::Uuid(id);
    }

    /// The record of a job: `old` and `changed` are what the operation left that queued it, and the record is what it is now.
    pub fn recalled(record: Reference, recall: Recall, depth: u32, acting: Reference, epoch: u64) -> Self {
        let Some(message) = recall.message else { return Scene::child(record, depth, acting, epoch) };
        let mut scene = Scene::new(message, record, recall.target, depth, acting);
        scene.before = Image { row: recall.before, epoch };
        scene.written(epoch);
        scene
    }

    /// The fields of the pre-image, as far as they were read.
    pub fn all_before(&self) -> impl Iterator<Item = (Slot, &Value)> {
        self.before.row.iter()
    }

    /// A scene that no operation is about goes on in a transaction that has just begun: what was read before it is read again.
    pub fn go_on(&mut self, epoch: u64) {
        (self.before, self.now) = (Image::default(), Image::default());
        self.written(epoch);
    }

    /// The core operation has been done: `old` and `changed` stay as they are from here.
    pub fn written(&mut self, epoch: u64) {
        self.stage = Stage::PostOperation;
        self.written = Some(epoch);
        if self.message.is_none() {
            self.before.epoch = epoch;
        }
    }

    /// A field as a step at this stage reads it.
    pub fn field(&mut self, engine: &mut Engine, slot: Slot) -> Result<&Value, Interrupt> {
        let value = match self.source(engine.epoch, slot) {
            Source::Nothing => None,
            Source::Key => Some(&self.key),
            Source::Target => self.target.get(slot),
            Source::Before => {
                self.load_before(engine, slot)?;
                self.before.row.get(slot)
            }
            Source::Now => {
                self.now.load(engine, self.record, &self.columns, slot)?;
                self.now.row.get(slot)
            }
        };
        Ok(value.unwrap_or(&EMPTY))
    }

    /// A field before the operation; empty on create.
    pub fn old(&mut self, engine: &mut Engine, slot: Slot) -> Result<&Value, Interrupt> {
        if self.message == Some(Message::Create) {
            return Ok(&EMPTY);
        }
        if slot == PRIMARY_KEY {
            return Ok(&self.key);
        }
        let unread = self.before.row.get(slot).is_none();
        if unread && self.written.is_some_and(|epoch| epoch != engine.epoch || self.target.present().contains(slot)) {
            // Only a plug-in that reads more than it declared comes here: plans fetch what flows read.
            let what = engine.schema.field(self.record.entity, slot).map_or("a field", |field| field.name.as_str());
            return Err(fault::fault(Code::F10, format!("`{what}` was not read before the operation, and it has been written since")));
        }
        self.load_before(engine, slot)?;
        Ok(self.before.row.get(slot).unwrap_or(&EMPTY))
    }

    /// Whether the operation gives a field a different value.
    pub fn changed(&mut self, engine: &mut Engine, slot: Slot) -> Result<bool, Interrupt> {
        match (self.message, self.target.get(slot)) {
            (Some(Message::Create), Some(value)) => Ok(!value.is_empty()),
            (Some(Message::Update), Some(_)) => {
                self.old(engine, slot)?;
                Ok(self.target.get(slot) != self.before.row.get(slot))
            }
            _ => Ok(false),
        }
    }

    /// A field of the pre-image, as far as it was read.
    pub fn known_before(&self, slot: Slot) -> Option<&Value> {
        self.before.row.get(slot)
    }

    /// A field as a step at this stage would read it, where that takes no reading.
    pub fn known(&self, slot: Slot) -> Option<&Value> {
        let before = || if self.message == Some(Message::Create) { Some(&EMPTY) } else { self.before.row.get(slot) };
        self.target.get(slot).or_else(before).filter(|_| self.written.is_none())
    }

    /// A field before the operation, where that takes no reading.
    pub fn known_old(&self, slot: Slot) -> Option<&Value> {
        if self.message == Some(Message::Create) { Some(&EMPTY) } else { self.before.row.get(slot) }
    }

    /// Reads the columns of a set that the pre-image doesn't have yet; called before the core operation.
    pub fn keep(&mut self, engine: &mut Engine, columns: &FieldSet) -> Result<(), Interrupt> {
        self.refresh_before(engine.epoch);
        let first_missing = columns.iter().find(|slot| self.before.row.get(*slot).is_none());
        match first_missing {
            Some(slot) => {
                self.columns.extend(columns);
                self.before.load(engine, self.record, &self.columns, slot)
            }
            None => Ok(()),
        }
    }

    fn source(&self, epoch: u64, slot: Slot) -> Source {
        let untouched = self.written.is_none_or(|written| written == epoch) || self.message == Some(Message::Delete);
        match self.message {
            _ if slot == PRIMARY_KEY => Source::Key,
            _ if !untouched => Source::Now,
            _ if self.target.present().contains(slot) => Source::Target,
            Some(Message::Create) => Source::Nothing,
            _ => Source::Before,
        }
    }

    fn load_before(&mut self, engine: &mut Engine, slot: Slot) -> Result<(), Interrupt> {
        self.refresh_before(engine.epoch);
        self.before.fill(engine, self.record, &self.columns, slot)
    }

    /// Before the core operation the pre-image follows what nested operations do to the record.
    fn refresh_before(&mut self, epoch: u64) {
        if self.written.is_none() && self.before.epoch != epoch {
            self.before = Image { row: Row::default(), epoch };
        }
    }
}

impl Image {
    /// Has a column as the transaction sees it now.
    fn load(&mut self, engine: &mut Engine, record: Reference, columns: &FieldSet, slot: Slot) -> Result<(), Interrupt> {
        if self.epoch != engine.epoch {
            *self = Image { row: Row::default(), epoch: engine.epoch };
        }
        self.fill(engine, record, columns, slot)
    }

    /// Has a column; if it has to be fetched, those of `columns` that aren't here come with it.
    fn fill(&mut self, engine: &mut Engine, record: Reference, columns: &FieldSet, slot: Slot) -> Result<(), Interrupt> {
        if self.row.get(slot).is_some() {
            return Ok(());
        }
        let mut wanted = columns.clone();
        self.row.present().iter().for_each(|have| wanted.remove(have));
        wanted.insert(slot);
        let row = engine.read(record, &wanted)?;
        if self.row.present().is_empty() {
            self.row = row;
        } else {
            self.row.overlay(&row);
        }
        Ok(())
    }
}
