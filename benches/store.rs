//! The store beside bare prepared statements on the same tables, and exact decimals beside those that round:
//! `cargo bench --bench store`. Rounds are interleaved; medians.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench ends at the first failure, and prints")]

use std::cell::RefCell;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use rusqlite::Connection;
use weir::schema::{Default as FieldDefault, DeleteBehaviour, Entity, Field, FieldSet, Ownership, Row, Schema};
use weir::store::{Sqlite, Store};
use weir::value::{Decimal, EntityId, Slot, Type, Uuid, Value, decimal};

const RECORDS: u64 = 10_000;
const ROUNDS: usize = 15;
const ENTITY: EntityId = EntityId(0);

fn main() {
    let folder = tempfile::tempdir().expect("a folder for the databases");
    let path = |name: &str| folder.path().join(name);
    let store = RefCell::new(ours(&path("ours.db")));
    drop(ours(&path("bare.db")));
    let bare = Connection::open(path("bare.db")).expect("the other database");
    bare.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON").expect("its settings");

    let ids: Vec<_> = (0..RECORDS).map(|number| Uuid::from_u128(u128::from(number) << 64 | 7)).collect();
    let rows: Vec<_> = ids.iter().map(|id| record(*id)).collect();
    let mut times = [const { Vec::new() }; 8];
    for _ in 0..ROUNDS {
        let steps: [&mut dyn FnMut(); 8] = [
            &mut || inside(&store, |store| store.insert(ENTITY, &rows)),
            &mut || bare_insert(&bare, &rows),
            &mut || inside(&store, |store| store.update(ENTITY, &rows)),
            &mut || bare_update(&bare, &rows),
            &mut || {
                inside(&store, |store| {
                    // As the pipeline reads: a few records at a time, so that memory for all of them is no part of the figure.
                    ids.chunks(100).try_for_each(|ids| store.read(ENTITY, ids, &fields()).map(|rows| drop(black_box(rows))))
                })
            },
            &mut || bare_read(&bare, &ids),
            &mut || inside(&store, |store| store.delete(ENTITY, &ids)),
            &mut || {
                bare.execute("DELETE FROM thing", []).expect("the rows go");
            },
        ];
        for (step, times) in steps.into_iter().zip(&mut times) {
            let start = Instant::now();
            step();
            times.push(start.elapsed().as_secs_f64() * 1e9 / RECORDS as f64);
        }
    }
    let [insert, bare_insert, update, bare_update, read, bare_read, ..] = times.map(median);
    println!("{RECORDS} records in one transaction, ns a record: store, bare prepared statements, ratio");
    for (name, ours, theirs) in [("insert", insert, bare_insert), ("update", update, bare_update), ("read", read, bare_read)] {
        println!("  {name:8} {ours:8.0} {theirs:8.0} {:6.2}", ours / theirs);
    }
    decimals();
}

fn decimals() {
    let numbers: Vec<_> = (1..=1024_i64).map(|n| (Decimal::new(n * 987_654_321, 2), Decimal::new(n * 7 + 1, 4))).collect();
    type Operation = fn(Decimal, Decimal) -> Option<Decimal>;
    let operations: [(&str, Operation, Operation); 4] = [
        ("add", |a, b| decimal::add(a, b).ok(), |a, b| a.checked_add(b)),
        ("multiply", |a, b| decimal::multiply(a, b).ok(), |a, b| a.checked_mul(b)),
        ("divide", |a, b| decimal::divide(a, b).ok(), |a, b| a.checked_div(b)),
        ("round", |a, _| Some(decimal::round(a, 1)), |a, _| Some(a.round_dp(1))),
    ];
    println!("decimals, ns: exact, rust_decimal, ratio");
    for (name, ours, theirs) in operations {
        let time = |operation: Operation| {
            let rounds = (0..ROUNDS * 20).map(|_| {
                let start = Instant::now();
                for (a, b) in &numbers {
                    black_box(operation(black_box(*a), black_box(*b)));
                }
                start.elapsed().as_secs_f64() * 1e9 / numbers.len() as f64
            });
            median(rounds.collect())
        };
        let (ours, theirs) = (time(ours), time(theirs));
        println!("  {name:8} {ours:8.1} {theirs:8.1} {:6.2}", ours / theirs);
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn inside(store: &RefCell<Sqlite>, act: impl FnOnce(&mut Sqlite) -> Result<(), weir::store::StoreError>) {
    let mut store = store.borrow_mut();
    store.begin().expect("a transaction");
    act(&mut store).expect("the batch");
    store.commit().expect("the commit");
}

fn bare_insert(connection: &Connection, rows: &[Row]) {
    connection.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
    let mut statement = connection
        .prepare_cached("INSERT INTO thing (thingid, name, revenue, rating, flag, at) VALUES (?, ?, ?, ?, ?, ?)")
        .expect("a statement");
    for row in rows {
        let (id, name, revenue, rating, flag, at) = raw(row);
        statement.execute((id.as_bytes(), name, revenue, rating, flag, at)).expect("a row");
    }
    drop(statement);
    connection.execute_batch("COMMIT").expect("the commit");
}

fn bare_update(connection: &Connection, rows: &[Row]) {
    connection.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
    let mut statement = connection
        .prepare_cached("UPDATE thing SET name = ?, revenue = ?, rating = ?, flag = ?, at = ? WHERE thingid = ?")
        .expect("a statement");
    for row in rows {
        let (id, name, revenue, rating, flag, at) = raw(row);
        statement.execute((name, revenue, rating, flag, at, id.as_bytes())).expect("a row");
    }
    drop(statement);
    connection.execute_batch("COMMIT").expect("the commit");
}

fn bare_read(connection: &Connection, ids: &[Uuid]) {
    connection.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
    let mut statement =
        connection.prepare_cached("SELECT name, revenue, rating, flag, at FROM thing WHERE thingid = ?").expect("a statement");
    for id in ids {
        let row = statement.query_row([id.as_bytes()], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, row.get::<_, bool>(3)?, row.get::<_, i64>(4)?))
        });
        black_box(row.expect("a row"));
    }
    drop(statement);
    connection.execute_batch("COMMIT").expect("the commit");
}

fn raw(row: &Row) -> (Uuid, &str, i64, i64, bool, i64) {
    match [0, 1, 2, 3, 4, 5].map(|slot| row.get(Slot(slot))) {
        [
            Some(Value::Uuid(id)),
            Some(Value::Text(name)),
            Some(Value::Decimal(revenue)),
            Some(Value::Integer(rating)),
            Some(Value::Boolean(flag)),
            Some(Value::DateTime(at)),
        ] => (*id, name, revenue.mantissa() as i64 * 100, *rating, *flag, at.as_microsecond()),
        _ => (Uuid::nil(), "", 0, 0, false, 0),
    }
}

fn fields() -> FieldSet {
    (1..=5).map(Slot).collect()
}

fn record(id: Uuid) -> Row {
    let mut row = Row::new(6);
    let number = id.as_u128() >> 64;
    row.set(Slot(0), Value::Uuid(id));
    row.set(Slot(1), Value::Text(format!("company number {number}").into()));
    row.set(Slot(2), Value::Decimal(Decimal::new(number as i64 * 1234, 2)));
    row.set(Slot(3), Value::Integer(number as i64 % 5));
    row.set(Slot(4), Value::Boolean(number.is_multiple_of(2)));
    row.set(Slot(5), Value::DateTime(jiff::Timestamp::from_microsecond(number as i64 * 1_000).unwrap_or_default()));
    row
}

fn ours(path: &Path) -> Sqlite {
    let fields = [
        ("thingid", Type::Uuid),
        ("name", Type::Text),
        ("revenue", Type::Money(4)),
        ("rating", Type::Integer),
        ("flag", Type::Boolean),
        ("at", Type::DateTime),
    ];
    let entity = Entity {
        name: "thing".into(),
        label: "thing".into(),
        fields: fields.map(|(name, ty)| (name.into(), field(name, ty))).into(),
        primary_name: None,
        keys: Vec::new(),
        owned_by: Ownership::Organization,
        statuses: Vec::new(),
        read_only: false,
        table: None,
    };
    let mut store = Sqlite::open(path).expect("a database");
    store.migrate(&Schema { entities: [(entity.name.clone(), entity)].into(), ..Schema::default() }).expect("its tables");
    store
}

fn field(name: &str, ty: Type) -> Field {
    Field {
        name: name.into(),
        label: name.into(),
        ty,
        range: None,
        max_length: None,
        required: false,
        read_only: false,
        default: FieldDefault::None,
        on_delete: DeleteBehaviour::RemoveLink,
        audited: false,
        column: None,
    }
}
