//! Many programs save overlapping records on one PostgreSQL server, and what they leave is held by a checker that knows nothing of
//! transactions: a counter without lost increments, transfers whose sum never changes, and a rule across records that always holds.
//!
//! `WEIR_SAVES=2000` runs longer: `WEIR_SAVES=2000 tests/with-postgres cargo test --test concurrency -- --nocapture`.

#![cfg(test)]

#[path = "support/stores.rs"]
mod stores;

use std::thread;

use weir::pipeline::{Ending, Operation, Outcome, Pipeline, Settings};
use weir::project::{Compiled, Project};
use weir::schema::Row;
use weir::value::{Decimal, Reference, Value};

const RULES: &str = "
entity account {
  name    text(20) required
  balance money required = 100
  saves   integer = 0
}

entity transfer {
  from   lookup account required
  to     lookup account required
  amount money required
}

entity doctor {
  name   text(20) required
  oncall boolean required = true
}

flow Count on account {
  trigger update(name)
  stage   pre-operation
  set saves += 1
}

flow Move on transfer {
  trigger create
  stage   post-operation
  if from.balance < amount {
    stop \"{from.name} has only {from.balance}\"
  }
  update from { balance = from.balance - amount }
  update to { balance = to.balance + amount }
}

flow SomebodyIsThere on doctor {
  trigger update(oncall)
  stage   post-operation
  if count(doctor where oncall == true) == 0 {
    stop \"nobody would be on call\"
  }
}
";

const HANDS: usize = 4;

fn saves() -> usize {
    std::env::var("WEIR_SAVES").ok().and_then(|saves| saves.parse().ok()).unwrap_or(40)
}

fn compiled() -> Compiled {
    Project::from_text("rules.flow", RULES).compile().unwrap_or_else(|error| panic!("{error:?}"))
}

struct Server {
    compiled: Compiled,
    url: String,
}

impl Server {
    fn new() -> Option<Self> {
        Some(Server { compiled: compiled(), url: stores::postgres()? })
    }

    fn open(&self) -> Pipeline {
        self.compiled.open(&self.url, Settings::system()).unwrap()
    }

    /// Runs the same on several connections at once; gives how many operations were run again.
    fn at_once(&self, run: impl Fn(usize, &mut Pipeline) + Sync) -> u64 {
        let hand = |number| {
            let mut pipeline = self.open();
            run(number, &mut pipeline);
            pipeline.conflicts()
        };
        thread::scope(|scope| {
            let hands: Vec<_> = (0..HANDS).map(|number| scope.spawn(move || hand(number))).collect();
            hands.into_iter().map(|hand| hand.join().unwrap()).sum()
        })
    }
}

fn row(pipeline: &Pipeline, entity: &str, values: &[(&str, Value)]) -> Row {
    let schema = pipeline.schema();
    let entity = schema.entity(schema.entity_id(entity).unwrap()).unwrap();
    values.iter().map(|(name, value)| (entity.slot(name).unwrap(), value.clone())).collect()
}

fn create(pipeline: &mut Pipeline, entity: &str, values: &[(&str, Value)]) -> Outcome {
    let row = row(pipeline, entity, values);
    let entity = pipeline.schema().entity_id(entity).unwrap();
    pipeline.execute(Operation::Create { entity, values: row }, None)
}

fn update(pipeline: &mut Pipeline, record: Reference, entity: &str, values: &[(&str, Value)]) -> Outcome {
    let values = row(pipeline, entity, values);
    pipeline.execute(Operation::Update { record, values }, None)
}

fn field(pipeline: &mut Pipeline, record: Reference, entity: &str, name: &str) -> Value {
    let schema = pipeline.schema();
    let slot = schema.entity(schema.entity_id(entity).unwrap()).unwrap().slot(name).unwrap();
    pipeline.read(record, &[slot].into_iter().collect()).unwrap().unwrap().get(slot).unwrap().clone()
}

fn named(name: &str) -> [(&'static str, Value); 1] {
    [("name", Value::Text(name.into()))]
}

#[test]
fn no_increment_is_lost() {
    let Some(server) = Server::new() else { return };
    let record = create(&mut server.open(), "account", &named("hot")).record.unwrap();
    let again = server.at_once(|hand, pipeline| {
        for save in 0..saves() {
            let outcome = update(pipeline, record, "account", &named(&format!("{hand} {save}")));
            assert_eq!(outcome.ending, Ending::Committed, "hand {hand}, save {save}");
        }
    });
    let expected = i64::try_from(HANDS * saves()).unwrap();
    println!("{expected} increments of one record by {HANDS} connections, {again} run again");
    assert_eq!(field(&mut server.open(), record, "account", "saves"), Value::Integer(expected));
}

#[test]
fn what_is_moved_is_neither_lost_nor_made() {
    let Some(server) = Server::new() else { return };
    let mut first = server.open();
    let accounts: Vec<Reference> =
        (0..4).map(|number| create(&mut first, "account", &named(&number.to_string())).record.unwrap()).collect();
    let again = server.at_once(|hand, pipeline| {
        for save in 0..saves() {
            let (from, to) = (accounts[(hand + save) % 4], accounts[(hand + save * 3 + 1) % 4]);
            if from == to {
                continue;
            }
            let amount = Value::Decimal(Decimal::from(10 * (1 + save % 5)));
            let values = [("from", Value::Reference(from)), ("to", Value::Reference(to)), ("amount", amount)];
            let outcome = create(pipeline, "transfer", &values);
            assert!(matches!(outcome.ending, Ending::Committed | Ending::Stopped { .. }), "{:?}", outcome.ending);
        }
    });
    let balances: Vec<Decimal> = accounts
        .iter()
        .map(|account| match field(&mut first, *account, "account", "balance") {
            Value::Decimal(balance) => balance,
            other => panic!("{other:?}"),
        })
        .collect();
    println!("transfers among 4 accounts by {HANDS} connections, {again} run again: {balances:?}");
    assert_eq!(balances.iter().sum::<Decimal>(), Decimal::from(400));
    assert!(balances.iter().all(|balance| *balance >= Decimal::ZERO), "{balances:?}");
}

/// Each looks at what the other changes, and changes what the other looks at: only transactions that are as one after the other hold it.
#[test]
fn a_rule_across_records_holds() {
    let Some(server) = Server::new() else { return };
    let mut first = server.open();
    let doctors: Vec<Reference> =
        (0..HANDS).map(|number| create(&mut first, "doctor", &named(&number.to_string())).record.unwrap()).collect();
    let mut stopped = 0;
    let mut again = 0;
    for _ in 0..saves().div_ceil(4) {
        again += server.at_once(|hand, pipeline| {
            let outcome = update(pipeline, doctors[hand], "doctor", &[("oncall", Value::Boolean(false))]);
            assert!(matches!(outcome.ending, Ending::Committed | Ending::Stopped { .. }), "{:?}", outcome.ending);
        });
        let there = doctors.iter().filter(|doctor| field(&mut first, **doctor, "doctor", "oncall") == Value::Boolean(true)).count();
        assert_eq!(there, 1, "exactly one stays, for the others could leave");
        stopped += there;
        for doctor in &doctors {
            update(&mut first, *doctor, "doctor", &[("oncall", Value::Boolean(true))]);
        }
    }
    println!("{stopped} rounds in which {HANDS} want to leave at once: one always stayed, {again} run again");
}
