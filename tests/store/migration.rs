//! A database follows its schema: it gains, widens, or refuses and stays as it was.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use weir::schema::{FieldSet, Key, Schema};
use weir::store::{Sqlite, Store, StoreError};
use weir::value::{ChoiceId, Decimal, EntityId, Slot, Type, Value};

use crate::schema::{entity, id, reference, row, schema, text};

const FIRST: EntityId = EntityId(0);

/// A database of one entity `thing` with two records, the second of them empty.
fn made(fields: Vec<(&str, Type)>, value: Value) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    let mut store = Sqlite::open(&path).unwrap();
    store.migrate(&schema(vec![entity("thing", fields)])).unwrap();
    store.begin().unwrap();
    store.insert(FIRST, &[row(1, [(Slot(1), value)]), row(2, [])]).unwrap();
    store.commit().unwrap();
    (folder, path)
}

fn migrated(path: &Path, schema: &Schema) -> Result<Sqlite, String> {
    let mut store = Sqlite::open(path).unwrap();
    match store.migrate(schema) {
        Ok(()) => Ok(store),
        Err(StoreError::Unusable(words)) => Err(words),
        Err(other) => panic!("{other:?}"),
    }
}

fn first_value(store: &mut Sqlite, slot: Slot) -> Value {
    let read = store.read(FIRST, &[id(1)], &FieldSet::from_iter([slot])).unwrap();
    read[0].as_ref().unwrap().get(slot).unwrap().clone()
}

/// Everything in the database, to see that nothing changed.
fn dump(path: &Path) -> Vec<String> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut statement = connection
        .prepare("SELECT sql FROM sqlite_schema UNION ALL SELECT entity || field || type || required FROM weir_field UNION ALL SELECT entity || fields FROM weir_key")
        .unwrap();
    let rows = statement.query_map([], |row| row.get::<_, Option<String>>(0)).unwrap();
    rows.map(|row| row.unwrap().unwrap_or_default()).collect()
}

fn refused(path: &Path, schema: &Schema) -> String {
    let before = dump(path);
    let words = migrated(path, schema).map(drop).unwrap_err();
    assert_eq!(dump(path), before, "nothing was changed");
    words
}

#[test]
fn new_entities_and_fields_are_added() {
    let (_folder, path) = made(vec![("name", Type::Text)], text("kept"));
    let fields =
        vec![("name", Type::Text), ("other", Type::Lookup([EntityId(1)].into())), ("any", Type::Lookup([FIRST, EntityId(1)].into()))];
    let grown = schema(vec![entity("thing", fields), entity("more", vec![])]);
    let mut store = migrated(&path, &grown).unwrap();
    assert_eq!(first_value(&mut store, Slot(1)), text("kept"));
    assert_eq!(first_value(&mut store, Slot(3)), Value::Empty);
    store.begin().unwrap();
    store.insert(EntityId(1), &[row(5, [])]).unwrap();
    store.update(FIRST, &[row(1, [(Slot(2), reference(EntityId(1), 5)), (Slot(3), reference(EntityId(1), 5))])]).unwrap();
    assert!(matches!(store.delete(EntityId(1), &[id(5)]), Err(StoreError::Reference { .. })), "an added lookup is a foreign key too");
    store.commit().unwrap();
    drop(store);
    let before = dump(&path);
    migrated(&path, &grown).unwrap();
    assert_eq!(dump(&path), before, "the same schema again changes nothing");
}

#[test]
fn numbers_widen_exactly() {
    let decimal = |text: &str| Value::Decimal(Decimal::from_str_exact(text).unwrap());
    let widenings = [
        (Type::Integer, Value::Integer(-7), Type::BigInt, Value::Integer(-7)),
        (Type::Integer, Value::Integer(-7), Type::Decimal(2), decimal("-7")),
        (Type::Decimal(2), decimal("1.25"), Type::Decimal(7), decimal("1.25")),
        (Type::Decimal(2), decimal("1.25"), Type::Money(4), decimal("1.25")),
        (Type::Money(2), decimal("1.25"), Type::Money(4), decimal("1.25")),
    ];
    for (old, value, new, expected) in widenings {
        let (_folder, path) = made(vec![("number", old)], value);
        let mut store = migrated(&path, &schema(vec![entity("thing", vec![("number", new)])])).unwrap();
        assert_eq!(first_value(&mut store, Slot(1)), expected);
    }
}

#[test]
fn other_types_are_refused_by_name() {
    let one = || Value::Integer(1);
    let changes = [
        (Type::Integer, one(), Type::Text),
        (Type::BigInt, one(), Type::Integer),
        (Type::BigInt, one(), Type::Decimal(2)),
        (Type::Money(4), Value::Decimal(Decimal::ONE), Type::Money(2)),
        (Type::Money(2), Value::Decimal(Decimal::ONE), Type::Decimal(2)),
        (Type::Decimal(2), Value::Decimal(Decimal::ONE), Type::Decimal(9)),
        (Type::Choice(ChoiceId(0)), Value::Choice(1), Type::Integer),
        (Type::Date, Value::Empty, Type::DateTime),
        (Type::Lookup([FIRST].into()), Value::Empty, Type::Text),
    ];
    for (old, value, new) in changes {
        let (_folder, path) = made(vec![("number", old)], value);
        let words = refused(&path, &schema(vec![entity("thing", vec![("number", new)])]));
        assert!(words.contains("`thing.number` was `"), "{words}");
    }
    let (_folder, path) = made(vec![("number", Type::Integer)], one());
    let words = refused(&path, &schema(vec![entity("thing", vec![("added", Type::Text), ("number", Type::Text)])]));
    assert_eq!(words, "`thing.number` was `integer` in this database and is `text` now, which its values can't follow");
}

#[test]
fn required_waits_until_nothing_is_empty() {
    let (_folder, path) = made(vec![("name", Type::Text)], text("one"));
    let mut strict = schema(vec![entity("thing", vec![("name", Type::Text)])]);
    strict.entities[0].fields[1].required = true;
    assert_eq!(refused(&path, &strict), "`thing.name` can't become required while 1 record is empty there");
    let mut store = Sqlite::open(&path).unwrap();
    store.migrate(&schema(vec![entity("thing", vec![("name", Type::Text)])])).unwrap();
    store.begin().unwrap();
    store.update(FIRST, &[row(2, [(Slot(1), text("two"))])]).unwrap();
    store.commit().unwrap();
    drop(store);
    migrated(&path, &strict).unwrap();

    // Taken out, left empty in a new record, and back again.
    let mut store = migrated(&path, &schema(vec![entity("thing", vec![])])).unwrap();
    store.begin().unwrap();
    store.insert(FIRST, &[row(3, [])]).unwrap();
    store.commit().unwrap();
    drop(store);
    assert_eq!(refused(&path, &strict), "`thing.name` can't become required while 1 record is empty there");
}

#[test]
fn keys_come_and_go() {
    let (_folder, path) = made(vec![("name", Type::Text)], text("same"));
    let plain = schema(vec![entity("thing", vec![("name", Type::Text)])]);
    let mut keyed = plain.clone();
    keyed.entities[0].keys = vec![Key { fields: vec![Slot(1)] }];
    let mut store = migrated(&path, &plain).unwrap();
    store.begin().unwrap();
    store.update(FIRST, &[row(2, [(Slot(1), text("same"))])]).unwrap();
    store.commit().unwrap();
    drop(store);
    assert_eq!(refused(&path, &keyed), "two records of `thing` agree in the new key (name)");
    let mut store = migrated(&path, &plain).unwrap();
    store.begin().unwrap();
    store.update(FIRST, &[row(2, [(Slot(1), text("other"))])]).unwrap();
    store.commit().unwrap();
    let mut store = migrated(&path, &keyed).unwrap();
    store.begin().unwrap();
    assert!(matches!(store.insert(FIRST, &[row(3, [(Slot(1), text("same"))])]), Err(StoreError::Duplicate { .. })));
    store.rollback().unwrap();
    let mut store = migrated(&path, &plain).unwrap();
    store.begin().unwrap();
    store.insert(FIRST, &[row(3, [(Slot(1), text("same"))])]).unwrap();
}

#[test]
fn what_is_taken_out_keeps_its_column_and_holds_nobody() {
    let other = EntityId(1);
    let with = schema(vec![entity("thing", vec![("link", Type::Lookup([other].into()))]), entity("other", vec![])]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    let mut store = migrated(&path, &with).unwrap();
    store.begin().unwrap();
    store.insert(other, &[row(5, []), row(6, [])]).unwrap();
    store.insert(FIRST, &[row(1, [(Slot(1), reference(other, 5))]), row(2, [(Slot(1), reference(other, 6))])]).unwrap();
    store.commit().unwrap();
    drop(store);
    // The lookup is gone, then its whole entity: neither keeps the old target alive.
    let mut store = migrated(&path, &schema(vec![entity("thing", vec![]), entity("other", vec![])])).unwrap();
    store.begin().unwrap();
    store.delete(other, &[id(5)]).unwrap();
    store.commit().unwrap();
    drop(store);
    let mut store = migrated(&path, &with).unwrap();
    assert_eq!(first_value(&mut store, Slot(1)), Value::Empty);
    let read = store.read(FIRST, &[id(2)], &FieldSet::from_iter([Slot(1)])).unwrap();
    assert_eq!(read[0].as_ref().unwrap().get(Slot(1)), Some(&reference(other, 6)), "back with its values");
    drop(store);
    let mut store = migrated(&path, &schema(vec![entity("other", vec![])])).unwrap();
    store.begin().unwrap();
    store.delete(EntityId(0), &[id(6)]).unwrap();
}

#[test]
fn names_that_sqlite_confuses_are_refused() {
    for (entities, expected) in [
        (vec![entity("thing", vec![]), entity("Thing", vec![])], "the entity `Thing` differs from another only in case"),
        (vec![entity("thing", vec![("a", Type::Text), ("A", Type::Text)])], "the field `thing.A` differs from another only in case"),
        (vec![entity("sqlite_x", vec![])], "an entity can't be called `sqlite_x`"),
        (vec![entity("weir_field", vec![])], "an entity can't be called `weir_field`"),
        (vec![entity("a\"b", vec![])], "`a\"bid` can't be the name"),
        (vec![entity("thing", vec![("d", Type::Duration)])], "the field `thing.d` has a type that can't be stored"),
    ] {
        match Sqlite::memory().unwrap().migrate(&schema(entities)) {
            Err(StoreError::Unusable(words)) => assert!(words.starts_with(expected), "{words}"),
            other => panic!("{other:?}"),
        }
    }
    // Words of SQL are fine names.
    let mut store = Sqlite::memory().unwrap();
    store.migrate(&schema(vec![entity("select", vec![("from", Type::Text), ("order", Type::Lookup([FIRST, FIRST].into()))])])).unwrap();
    store.begin().unwrap();
    store.insert(FIRST, &[row(1, [(Slot(1), text("where"))])]).unwrap();
    assert_eq!(first_value(&mut store, Slot(1)), text("where"));
}
