//! A world of records to do things to: a pipeline whose store can be made to fail, and whose ids are counted from where a test says.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use weir::pipeline::{Ending, Operation, Outcome, Pipeline, Settings};
use weir::project::{Compiled, Project};
use weir::schema::{FieldSet, Row};
use weir::store::Sqlite;
use weir::value::{Reference, Uuid, Value};

use crate::store::{Failing, Faults};

/// The entity whose rows outlast what they tell of. States are compared without them.
const LOG: &str = "processsession";

/// Every value of every record, the log aside.
pub type State = BTreeMap<Reference, Row>;

/// Named values of a record.
pub type Values<'a> = &'a [(&'a str, Value)];

pub struct World {
    pub pipeline: Pipeline,
    pub faults: Faults,
    ids: Arc<AtomicU64>,
}

/// The rules that this world lives by.
pub fn rules() -> &'static Compiled {
    static RULES: OnceLock<Compiled> = OnceLock::new();
    RULES.get_or_init(|| compiled(include_str!("rules.flow")))
}

/// A project of one text.
pub fn compiled(text: &str) -> Compiled {
    let project = Project::from_text("test.flow", text);
    let said: Vec<_> = project.diagnostics.iter().map(|diagnostic| (diagnostic.code, &diagnostic.message)).collect();
    project.compile().unwrap_or_else(|_| panic!("{said:?}\n{text}"))
}

impl World {
    /// A world without records of its own, over a store in memory.
    pub fn empty(rules: &Compiled) -> Self {
        World::over(rules, Sqlite::memory().unwrap())
    }

    /// The same over any store.
    pub fn over(rules: &Compiled, store: Sqlite) -> Self {
        let (faults, ids) = (Faults::default(), Arc::new(AtomicU64::new(0)));
        let mut settings = Settings::fixed().traced();
        let counter = Arc::clone(&ids);
        settings.ids = Box::new(move || id(u128::from(counter.fetch_add(1, Ordering::Relaxed)) + 1));
        let pipeline = rules.over(Failing::new(store, &faults), settings).unwrap();
        World { pipeline, faults, ids }
    }

    /// A world with records: `account` 1 is above 2, which is above 3; each has contacts; 4 can't be deleted; 9 is by itself.
    pub fn new() -> Self {
        World::filled(World::empty(rules()))
    }

    /// The same in a world that is empty yet.
    pub fn filled(mut world: World) -> Self {
        world.count_ids_from(1_000);
        for (number, name, credit, parent) in
            [(1, "Top", 1_000, None), (2, "Acme", 100, Some(1)), (3, "Below", 50, Some(2)), (4, "Held", 50, None), (9, "Other", 50, None)]
        {
            let parent = parent.map_or(Value::Empty, |parent| world.record("account", parent).into());
            world.made("account", number, &[("name", name.into()), ("credit", credit.into()), ("parent", parent)]);
        }
        for (number, name, on) in [(11, "Anna", 2), (12, "Ben", 2), (13, "Cleo", 3)] {
            let on = world.record("account", on).into();
            world.made("contact", number, &[("name", name.into()), ("amount", 10.into()), ("account", on)]);
        }
        let (acme, anna) = (world.record("account", 2), world.record("contact", 11));
        world.made("note", 21, &[("text", "both".into()), ("account", acme.into()), ("contact", anna.into())]);
        let held = world.record("account", 4);
        world.made("contract", 31, &[("name", "Ours".into()), ("account", held.into())]);
        world.made("systemuser", 41, &[("fullname", "Bob".into())]);
        let bob = world.record("systemuser", 41);
        world.made("systemuserrole", 42, &[("systemuserid", bob.into()), ("role", "Clerk".into())]);
        world
    }

    /// The ids of new records count from here.
    pub fn count_ids_from(&self, start: u64) {
        self.ids.store(start, Ordering::Relaxed);
    }

    /// A record by its number.
    pub fn record(&self, entity: &str, number: u128) -> Reference {
        Reference { entity: self.pipeline.schema().entity_id(entity).unwrap(), id: id(number) }
    }

    /// Fields of an entity.
    pub fn row(&self, entity: &str, values: Values) -> Row {
        Row::of(&self.pipeline.schema().entities[entity], values.iter().cloned()).unwrap()
    }

    pub fn create(&self, entity: &str, number: Option<u128>, values: Values) -> Operation {
        let mut values = self.row(entity, values);
        if let Some(number) = number {
            values.set(weir::schema::PRIMARY_KEY, Value::Uuid(id(number)));
        }
        Operation::Create { entity: self.pipeline.schema().entity_id(entity).unwrap(), values }
    }

    pub fn update(&self, entity: &str, number: u128, values: Values) -> Operation {
        Operation::Update { record: self.record(entity, number), values: self.row(entity, values) }
    }

    fn made(&mut self, entity: &str, number: u128, values: Values) {
        let outcome = self.pipeline.execute(self.create(entity, Some(number), values), None);
        assert_eq!(outcome.ending, Ending::Committed, "{entity} {number}");
    }

    /// Everything that is there.
    pub fn state(&mut self) -> State {
        let mut state = everything(&mut self.pipeline);
        let log = self.pipeline.schema().entity_id(LOG);
        state.retain(|record, _| Some(record.entity) != log);
        state
    }

    /// Takes away the rows of the log; says how many there were.
    pub fn forget_log(&mut self) -> usize {
        let Some(entity) = self.pipeline.schema().entity_id(LOG) else { return 0 };
        let rows = self.pipeline.find(entity, &Row::default(), u32::MAX).unwrap();
        for id in &rows {
            let outcome = self.pipeline.execute(Operation::Delete { record: Reference { entity, id: *id } }, None);
            assert_eq!(outcome.ending, Ending::Committed);
        }
        rows.len()
    }
}

/// Every value of every record of a pipeline, as its open transaction sees it where one is open.
pub fn everything(pipeline: &mut Pipeline) -> State {
    let schema = Arc::clone(pipeline.schema());
    let mut records = State::new();
    let own = pipeline.begin().is_ok();
    for (entity, description) in schema.entities() {
        let all: FieldSet = description.fields().map(|(slot, _)| slot).collect();
        for id in pipeline.find(entity, &Row::default(), u32::MAX).unwrap() {
            let record = Reference { entity, id };
            records.insert(record, pipeline.read(record, &all).unwrap().unwrap());
        }
    }
    if own {
        pipeline.rollback().unwrap();
    }
    records
}

/// The first few differences of two states, for people.
pub fn differences(one: &State, other: &State) -> String {
    let all: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let differ = all.into_iter().filter(|record| one.get(record) != other.get(record)).take(5);
    differ.map(|record| format!("{record:?}:\n  {:?}\n  {:?}\n", one.get(record), other.get(record))).collect()
}

/// An id by its number.
pub fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number)
}

/// Whether the store failed under an operation.
pub fn store_failed(outcome: &Outcome) -> bool {
    matches!(&outcome.ending, Ending::Fault(fault) if fault.code == weir::diagnostic::Code::F11)
}
