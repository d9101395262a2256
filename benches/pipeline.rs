//! Operations with a rule before them, beside bare prepared statements and beside the same rule as an SQL trigger:
//! `cargo bench --bench pipeline`. The same tables, the same columns written, 10,000 records in one transaction; rounds are
//! interleaved; medians.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench ends at the first failure, and prints")]

use std::cell::RefCell;
use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, params};
use weir::pipeline::{Ending, Operation, Pipeline, Settings};
use weir::project::Project;
use weir::schema::Row;
use weir::value::{Decimal, Reference, Uuid, Value};

const RECORDS: u128 = 10_000;
const ROUNDS: usize = 11;

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

    let mut times = [const { Vec::new() }; 8];
    for round in 0..ROUNDS as u128 {
        let first = round * RECORDS;
        let steps: [&mut dyn FnMut(); 8] = [
            &mut || insert(&bare, first),
            &mut || insert(&trigger, first),
            &mut || create(&mut with_rule.borrow_mut(), first),
            &mut || create(&mut without_rule.borrow_mut(), first),
            &mut || change(&bare, first),
            &mut || change(&trigger, first),
            &mut || update(&mut with_rule.borrow_mut(), first),
            &mut || update(&mut without_rule.borrow_mut(), first),
        ];
        for (step, times) in steps.into_iter().zip(&mut times) {
            let start = Instant::now();
            step();
            times.push(start.elapsed().as_secs_f64() * 1e9 / RECORDS as f64);
        }
    }
    let [bare_insert, trigger_insert, create, plain_create, bare_update, trigger_update, update, plain_update] = times.map(median);
    println!("{RECORDS} records in one transaction, ns a record (and times the bare statement)");
    println!("            bare statement      + SQL trigger        Weir, the rule    Weir, no rule");
    for (name, bare, others) in [
        ("create", bare_insert, [trigger_insert, create, plain_create]),
        ("update", bare_update, [trigger_update, update, plain_update]),
    ] {
        let others = others.map(|time| format!("{time:9.0} ({:5.2})", time / bare));
        println!("  {name:8} {bare:12.0}  {}", others.join("  "));
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

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Ids that are spread over the table.
fn id(number: u128) -> Uuid {
    Uuid::from_u128(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

/// What record a number stands for: its revenue in hundredths, its industry, its region.
fn shape(number: u128) -> (i64, i32, Option<&'static str>) {
    let revenue = i64::try_from(number * 7_919 % 300_000_000).unwrap_or_default();
    (revenue, if number % 2 == 0 { 1 } else { 2 }, (number % 3 == 0).then_some("north"))
}

fn create(pipeline: &mut Pipeline, first: u128) {
    let (entity, slots) = slots(pipeline, ["accountid", "name", "revenue", "industry", "region"]);
    pipeline.begin().expect("a transaction");
    for number in first..first + RECORDS {
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

fn update(pipeline: &mut Pipeline, first: u128) {
    let (entity, [slot]) = slots(pipeline, ["revenue"]);
    pipeline.begin().expect("a transaction");
    for number in first..first + RECORDS {
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

fn insert(connection: &Connection, first: u128) {
    connection.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
    let mut statement = connection
        .prepare_cached(
            "INSERT INTO account (accountid, name, revenue, industry, region, rating, discount, createdon, createdby, modifiedon,
               modifiedby, ownerid, ownerid$entity, statecode, statuscode, versionnumber)
             VALUES (?1, 'An account', ?2, ?3, ?4, 'A', 0, ?5, ?6, ?5, ?6, ?6, 'systemuser', 0, 1, 1)",
        )
        .expect("a statement");
    for number in first..first + RECORDS {
        let (revenue, industry, region) = shape(number);
        statement.execute(params![id(number).as_bytes(), revenue, industry, region, 1_767_225_600_000_000_i64, user()]).expect("a row");
    }
    drop(statement);
    connection.execute_batch("COMMIT").expect("the commit");
}

fn change(connection: &Connection, first: u128) {
    connection.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
    let mut statement = connection
        .prepare_cached(
            "UPDATE account SET revenue = ?2, rating = 'B', discount = 1, modifiedon = ?3, modifiedby = ?4, versionnumber = versionnumber + 1
             WHERE accountid = ?1",
        )
        .expect("a statement");
    for number in first..first + RECORDS {
        let revenue = shape(number + 1).0;
        statement.execute(params![id(number).as_bytes(), revenue, 1_767_225_600_000_000_i64, user()]).expect("a row");
    }
    drop(statement);
    connection.execute_batch("COMMIT").expect("the commit");
}

fn user() -> [u8; 16] {
    weir::pipeline::ADMINISTRATOR.into_bytes()
}
