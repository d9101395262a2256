//! Operations with a rule before them, beside bare prepared statements and beside the same rule as an SQL trigger:
//! `cargo bench --bench pipeline`. The same tables, the same columns written, 10,000 records in one transaction.

#![expect(clippy::expect_used, reason = "a bench ends at the first failure")]

mod support;

use std::cell::RefCell;
use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, params};
use support::{clocked, compare, target, timed};
use weir::pipeline::{Ending, Operation, Pipeline, Settings};
use weir::project::Project;
use weir::schema::Row;
use weir::value::{Decimal, Reference, Uuid, Value};

const RECORDS: usize = 10_000;
const ROUNDS: usize = 9;

const ENTITY: &str = r#"
entity account {
  name      text(100) required
  revenue   money(2)
  industry  choice { bank = 1, retail = 2 }
  region    text(20)
  rating    text(1)
  discount  money(4)
}
"#;

const RULE: &str = r#"
flow Rate on account {
  trigger create, update(revenue)
  stage   pre-operation
  if revenue > 1_000_000 and industry == bank {
    set rating = "A", discount = revenue * 0.05
  } else if region is empty {
    set rating = "C", discount = 0
  } else {
    set rating = "B", discount = (revenue ?? 0) * 0.01
  }
}
"#;

/// The rule over what the store keeps: revenue in hundredths, discount in ten-thousandths.
const TRIGGER: &str = "
    UPDATE account SET
      rating = CASE WHEN NEW.revenue > 100000000 AND NEW.industry = 1 THEN 'A' WHEN NEW.region IS NULL THEN 'C' ELSE 'B' END,
      discount = CASE WHEN NEW.revenue > 100000000 AND NEW.industry = 1 THEN NEW.revenue * 5
        WHEN NEW.region IS NULL THEN 0 ELSE NEW.revenue END
    WHERE accountid = NEW.accountid;";

fn main() {
    let folder = tempfile::tempdir().expect("a folder for the databases");
    let path = |name: &str| folder.path().join(name);
    let with_rule = RefCell::new(open(&path("rule.db"), &format!("{ENTITY}{RULE}")));
    let without_rule = RefCell::new(open(&path("plain.db"), ENTITY));
    let bare = connect(&path("bare.db"));
    let trigger = connect(&path("trigger.db"));
    for (name, event) in [("created", "INSERT"), ("updated", "UPDATE OF revenue")] {
        let text = format!("CREATE TRIGGER {name} AFTER {event} ON account BEGIN {TRIGGER} END");
        trigger.execute_batch(&text).expect("the trigger");
    }
    let emptied = |name: &str, run: &dyn Fn()| {
        Connection::open(path(name)).and_then(|database| database.execute_batch("DELETE FROM account")).expect("an empty table");
        let start = Instant::now();
        run();
        start.elapsed()
    };

    let created = compare(
        "10,000 creates in one transaction, each",
        RECORDS,
        ROUNDS,
        vec![
            clocked("bare statement", || emptied("bare.db", &|| insert(&bare))),
            clocked("bare statement and an SQL trigger", || emptied("trigger.db", &|| insert(&trigger))),
            clocked("Weir, the rule before the operation", || emptied("rule.db", &|| create(&mut with_rule.borrow_mut()))),
            clocked("Weir without a rule", || emptied("plain.db", &|| create(&mut without_rule.borrow_mut()))),
        ],
    );
    let updated = compare(
        "10,000 updates in one transaction, each",
        RECORDS,
        ROUNDS,
        vec![
            timed("bare statement", || change(&bare)),
            timed("bare statement and an SQL trigger", || change(&trigger)),
            timed("Weir, the rule before the operation", || update(&mut with_rule.borrow_mut())),
            timed("Weir without a rule", || update(&mut without_rule.borrow_mut())),
        ],
    );
    for (what, times) in [("creates beside the SQL trigger", created), ("updates beside the SQL trigger", updated)] {
        if let [_, trigger, rule, _] = times.as_slice() {
            target(what, rule / trigger, 1.0, true);
        }
    }
}

fn open(path: &Path, text: &str) -> Pipeline {
    let compiled = Project::from_text("bench.flow", text).compile().expect("the rule compiles");
    compiled.open(&format!("sqlite:{}", path.display()), Settings::system()).expect("the store")
}

fn connect(path: &Path) -> Connection {
    drop(open(path, ENTITY));
    let connection = Connection::open(path).expect("the other database");
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON").expect("its settings");
    connection
}

/// Ids that ascend in time, as those of version 7 do.
fn id(number: usize) -> Uuid {
    Uuid::from_u128((number as u128) << 80 | 0x7000_8000_0000_0000_0007)
}

/// What record a number stands for: its revenue in hundredths, its industry, its region.
fn shape(number: usize) -> (i64, i32, Option<&'static str>) {
    let revenue = i64::try_from(number * 7_919 % 300_000_000).unwrap_or_default();
    (revenue, if number.is_multiple_of(2) { 1 } else { 2 }, number.is_multiple_of(3).then_some("north"))
}

fn create(pipeline: &mut Pipeline) {
    let (entity, slots) = slots(pipeline, ["accountid", "name", "revenue", "industry", "region"]);
    pipeline.begin().expect("a transaction");
    for number in 0..RECORDS {
        let (revenue, industry, region) = shape(number);
        let values = [
            Value::Uuid(id(number)),
            "An account".into(),
            Decimal::new(revenue, 2).into(),
            Value::Choice(industry),
            region.map_or(Value::Empty, Value::from),
        ];
        let outcome = pipeline.execute(Operation::Create { entity, values: slots.into_iter().zip(values).collect::<Row>() }, None);
        assert_eq!(outcome.ending, Ending::Committed);
    }
    pipeline.commit().expect("the commit");
}

fn update(pipeline: &mut Pipeline) {
    let (entity, [slot]) = slots(pipeline, ["revenue"]);
    pipeline.begin().expect("a transaction");
    for number in 0..RECORDS {
        let mut values = Row::default();
        values.set(slot, Decimal::new(shape(number + 1).0, 2).into());
        let outcome = pipeline.execute(Operation::Update { record: Reference { entity, id: id(number) }, values }, None);
        assert_eq!(outcome.ending, Ending::Committed);
    }
    pipeline.commit().expect("the commit");
}

fn slots<const N: usize>(pipeline: &Pipeline, names: [&str; N]) -> (weir::value::EntityId, [weir::value::Slot; N]) {
    let entity = pipeline.schema().entity_id("account").expect("the entity");
    let fields = pipeline.schema().entity(entity).expect("the entity");
    (entity, names.map(|name| fields.slot(name).expect("the field")))
}

fn insert(connection: &Connection) {
    connection.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
    let mut statement = connection
        .prepare_cached(
            "INSERT INTO account (accountid, name, revenue, industry, region, rating, discount, createdon, createdby, modifiedon,
               modifiedby, ownerid, ownerid$entity, statecode, statuscode, versionnumber)
             VALUES (?1, 'An account', ?2, ?3, ?4, 'A', 0, ?5, ?6, ?5, ?6, ?6, 'systemuser', 0, 1, 1)",
        )
        .expect("a statement");
    for number in 0..RECORDS {
        let (revenue, industry, region) = shape(number);
        statement.execute(params![id(number).as_bytes(), revenue, industry, region, 1_767_225_600_000_000_i64, user()]).expect("a row");
    }
    drop(statement);
    connection.execute_batch("COMMIT").expect("the commit");
}

fn change(connection: &Connection) {
    connection.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
    let mut statement = connection
        .prepare_cached(
            "UPDATE account SET revenue = ?2, rating = 'B', discount = 1, modifiedon = ?3, modifiedby = ?4, versionnumber = versionnumber + 1
             WHERE accountid = ?1",
        )
        .expect("a statement");
    for number in 0..RECORDS {
        let revenue = shape(number + 1).0;
        statement.execute(params![id(number).as_bytes(), revenue, 1_767_225_600_000_000_i64, user()]).expect("a row");
    }
    drop(statement);
    connection.execute_batch("COMMIT").expect("the commit");
}

fn user() -> [u8; 16] {
    weir::pipeline::ADMINISTRATOR.into_bytes()
}
