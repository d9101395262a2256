//! What a hostile database holds is an error that names the place, never a panic and never a wrong value.

use rusqlite::Connection;
use weir::schema::FieldSet;
use weir::store::{Sqlite, Store, StoreError};
use weir::value::Slot;

use crate::schema::{ACCOUNT, account_fields, company, id, row};

/// A database with one record, into which somebody has written an expression of SQL.
fn with(column: &str, expression: &str) -> (tempfile::TempDir, Sqlite) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    let mut store = Sqlite::open(&path).unwrap();
    store.migrate(&company()).unwrap();
    store.begin().unwrap();
    store.insert(ACCOUNT, &[row(1, [])]).unwrap();
    store.commit().unwrap();
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").unwrap();
    // Without STRICT, every class of value can be written.
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false).unwrap();
    connection
        .execute_batch("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'STRICT, WITHOUT', 'WITHOUT'); PRAGMA writable_schema = RESET")
        .unwrap();
    connection.execute(&format!("UPDATE account SET {column} = {expression}"), []).unwrap();
    (folder, store)
}

#[test]
fn a_value_that_its_field_can_not_have_is_named() {
    let lies = [
        ("name", "x'C328'"),
        ("name", "CAST(x'C328' AS TEXT)"),
        ("flag", "2"),
        ("flag", "'yes'"),
        ("count", "2147483648"),
        ("count", "x'00'"),
        ("big", "9.5"),
        ("price", "0.5"),
        ("rate", "x'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF'"),
        ("rate", "x'00'"),
        ("rate", "12"),
        ("ratio", "'one'"),
        ("rating", "2"),
        ("rating", "99999999999"),
        ("tags", "'[7,1]'"),
        ("tags", "'[1,1]'"),
        ("tags", "'[2]'"),
        ("tags", "'[01]'"),
        ("tags", "'[' || replace(hex(zeroblob(500000)), '00', '1,') || '1]'"),
        ("tags", "'{}'"),
        ("day", "9223372036854775807"),
        ("day", "-719163"),
        ("at", "9223372036854775807"),
        ("at", "-62135596800000001"),
        ("clock", "-9223372036854775808"),
        ("parent", "x'0011'"),
        ("parent", "'00000000-0000-0000-0000-000000000000'"),
        ("customer", "zeroblob(16)"),
        ("\"customer$entity\"", "'account'"),
        ("token", "zeroblob(17)"),
    ];
    for (column, lie) in lies {
        let (_folder, mut store) = with(column, lie);
        let name = column.trim_matches('"').trim_end_matches("$entity");
        let slot = Slot(1 + account_fields().iter().position(|(field, _)| *field == name).unwrap() as u16);
        match store.read(ACCOUNT, &[id(1)], &FieldSet::from_iter([slot])) {
            Err(StoreError::Unusable(words)) => {
                assert_eq!(
                    words,
                    format!("the database holds something in `account.{name}` of the record {} that this field can't have", id(1))
                );
            }
            other => panic!("{column} = {lie}: {other:?}"),
        }
        assert!(store.read(ACCOUNT, &[id(1)], &FieldSet::from_iter([Slot(0)])).unwrap()[0].is_some());
    }
}

#[test]
fn a_reference_to_an_unknown_entity_is_named() {
    let (_folder, mut store) = with("customer = zeroblob(16), \"customer$entity\"", "'nobody'");
    assert!(matches!(store.read(ACCOUNT, &[id(1)], &FieldSet::from_iter([Slot(15)])), Err(StoreError::Unusable(_))));
}

#[test]
fn ids_that_are_none_are_named() {
    let (_folder, mut store) = with("accountid", "x'0011'");
    match store.find(ACCOUNT, &Default::default(), 5) {
        Err(StoreError::Unusable(words)) => assert_eq!(words, "a record of `account` has an id that is none"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_record_without_end_is_refused() {
    let (_folder, mut store) = with("name", "CAST(zeroblob(80000000) AS TEXT)");
    match store.read(ACCOUNT, &[id(1)], &FieldSet::from_iter([Slot(1)])) {
        Err(StoreError::Unusable(words)) => assert_eq!(words, "a record is longer than a database can hold"),
        other => panic!("{:?}", other.map(|rows| rows.len())),
    }
}

#[test]
fn triggers_that_came_with_the_file_do_not_run() {
    let (folder, mut store) = with("count", "1");
    let path = folder.path().join("data.db");
    Connection::open(path)
        .unwrap()
        .execute_batch("CREATE TRIGGER evil AFTER UPDATE ON account BEGIN UPDATE account SET count = 666; END")
        .unwrap();
    store.begin().unwrap();
    store.update(ACCOUNT, &[row(1, [(Slot(3), weir::value::Value::Integer(2))])]).unwrap();
    let read = store.read(ACCOUNT, &[id(1)], &FieldSet::from_iter([Slot(3)])).unwrap();
    assert_eq!(read[0].as_ref().unwrap().get(Slot(3)), Some(&weir::value::Value::Integer(2)));
}

#[test]
fn tables_that_are_not_what_the_database_says_are_an_error() {
    let (folder, store) = with("count", "1");
    drop(store);
    let path = folder.path().join("data.db");
    Connection::open(&path).unwrap().execute_batch("ALTER TABLE account DROP COLUMN count").unwrap();
    let mut store = Sqlite::open(&path).unwrap();
    store.migrate(&company()).unwrap();
    assert!(matches!(store.read(ACCOUNT, &[id(1)], &FieldSet::from_iter([Slot(3)])), Err(StoreError::Failed(_))));
    Connection::open(&path).unwrap().execute_batch("DROP TABLE weir_field").unwrap();
    assert!(Sqlite::open(&path).unwrap().migrate(&company()).is_err());
}
