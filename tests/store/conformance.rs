//! What every store must do. No case here knows which one it runs on.

use weir::schema::{FieldSet, Row};
use weir::store::{Store, StoreError};
use weir::value::{Slot, Value};

use crate::on_every_store;
use crate::schema::{ACCOUNT, CONTACT, CONTACT_ACCOUNT, account, id, reference, row, text};

fn names(store: &mut dyn Store, ids: &[u128]) -> Vec<Option<Value>> {
    let ids: Vec<_> = ids.iter().copied().map(id).collect();
    let rows = store.read(ACCOUNT, &ids, &FieldSet::from_iter([account::NAME])).unwrap();
    rows.into_iter().map(|row| row.and_then(|row| row.get(account::NAME).cloned())).collect()
}

fn named(number: u128, name: &str) -> Row {
    row(number, [(account::NAME, text(name))])
}

#[test]
fn reads_answer_in_the_order_asked_with_the_fields_asked() {
    on_every_store(|store| {
        store.insert(ACCOUNT, &[named(1, "one"), row(2, []), named(3, "three")]).unwrap();
        assert_eq!(names(store, &[3, 9, 2, 3]), [Some(text("three")), None, Some(Value::Empty), Some(text("three"))]);
        let nothing = store.read(ACCOUNT, &[id(1), id(9)], &FieldSet::default()).unwrap();
        assert_eq!(nothing.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false]);
        let whole = store.read(ACCOUNT, &[id(1)], &(0..18).map(Slot).collect()).unwrap();
        assert_eq!(whole[0].as_ref().unwrap().present().len(), 18);
        assert_eq!(store.count(ACCOUNT).unwrap(), 3);
    });
}

#[test]
fn updates_write_the_present_fields_and_clear_the_empty_ones() {
    on_every_store(|store| {
        let count = |value| (account::COUNT, value);
        store.insert(ACCOUNT, &[row(1, [(account::NAME, text("a")), count(Value::Integer(5))]), named(2, "b")]).unwrap();
        let update = [row(1, [count(Value::Empty)]), row(2, [count(Value::Integer(7))]), named(2, "c"), row(1, [])];
        store.update(ACCOUNT, &update).unwrap();
        assert_eq!(names(store, &[1, 2]), [Some(text("a")), Some(text("c"))]);
        let read = store.read(ACCOUNT, &[id(1), id(2)], &FieldSet::from_iter([account::COUNT])).unwrap();
        let counts: Vec<_> = read.iter().flatten().map(|row| row.get(account::COUNT).cloned()).collect();
        assert_eq!(counts, [Some(Value::Empty), Some(Value::Integer(7))]);
    });
}

#[test]
fn what_is_not_there_is_missing() {
    on_every_store(|store| {
        let missing = |result: Result<(), StoreError>| matches!(result, Err(StoreError::Missing { id: gone, .. }) if gone == id(9));
        assert!(missing(store.update(ACCOUNT, &[named(9, "x")])));
        assert!(missing(store.update(ACCOUNT, &[row(9, [])])));
        assert!(missing(store.delete(ACCOUNT, &[id(9)])));
    });
}

#[test]
fn savepoints_nest() {
    on_every_store(|store| {
        store.insert(ACCOUNT, &[named(1, "kept")]).unwrap();
        store.savepoint().unwrap();
        store.update(ACCOUNT, &[named(1, "outer")]).unwrap();
        store.savepoint().unwrap();
        store.update(ACCOUNT, &[named(1, "inner")]).unwrap();
        store.rollback_to_savepoint().unwrap();
        assert_eq!(names(store, &[1]), [Some(text("outer"))]);
        store.savepoint().unwrap();
        store.insert(ACCOUNT, &[named(2, "released")]).unwrap();
        store.release().unwrap();
        assert_eq!(names(store, &[2]), [Some(text("released"))]);
        store.rollback_to_savepoint().unwrap();
        assert_eq!(names(store, &[1, 2]), [Some(text("kept")), None]);
        assert!(store.release().is_err());
    });
}

#[test]
fn transactions_last_or_never_were() {
    on_every_store(|store| {
        store.insert(ACCOUNT, &[named(1, "one")]).unwrap();
        store.commit().unwrap();
        assert!(store.insert(ACCOUNT, &[named(2, "two")]).is_err(), "nothing is written outside a transaction");
        store.rollback().unwrap();
        store.begin().unwrap();
        store.insert(ACCOUNT, &[named(3, "three")]).unwrap();
        store.rollback().unwrap();
        store.begin().unwrap();
        assert_eq!(names(store, &[1, 2, 3]), [Some(text("one")), None, None]);
    });
}

#[test]
fn a_transaction_whose_end_failed_is_undone_by_the_next_one() {
    on_every_store(|store| {
        store.insert(ACCOUNT, &[named(1, "one")]).unwrap();
        store.savepoint().unwrap();
        store.insert(ACCOUNT, &[named(2, "two")]).unwrap();
        store.begin().unwrap();
        assert_eq!(names(store, &[1, 2]), [None, None]);
        store.insert(ACCOUNT, &[named(3, "three")]).unwrap();
        store.commit().unwrap();
        store.begin().unwrap();
        assert_eq!(names(store, &[1, 2, 3]), [None, None, Some(text("three"))]);
    });
}

/// After an error the caller undoes what it was in.
fn attempt(store: &mut dyn Store, run: impl FnOnce(&mut dyn Store) -> Result<(), StoreError>) -> Result<(), StoreError> {
    store.savepoint().unwrap();
    let result = run(store);
    if result.is_ok() {
        store.release().unwrap()
    } else {
        store.rollback_to_savepoint().unwrap()
    }
    result
}

#[test]
fn rows_of_a_batch_change_places_in_their_order() {
    on_every_store(|store| {
        let numbered = |number, key: &str| row(number, [(account::NUMBER, text(key))]);
        store.insert(ACCOUNT, &[numbered(1, "A"), numbered(2, "B")]).unwrap();
        store.update(ACCOUNT, &[numbered(1, "C"), numbered(2, "A"), numbered(1, "B")]).unwrap();
        let swapped = attempt(store, |store| store.update(ACCOUNT, &[numbered(1, "A"), numbered(2, "B")]));
        assert!(matches!(swapped, Err(StoreError::Duplicate { .. })), "{swapped:?}");
        store.insert(ACCOUNT, &[row(3, [(account::PARENT, reference(ACCOUNT, 2))])]).unwrap();
        let parent_first = attempt(store, |store| store.delete(ACCOUNT, &[id(2), id(3)]));
        assert!(matches!(parent_first, Err(StoreError::Reference { .. })), "{parent_first:?}");
        store.delete(ACCOUNT, &[id(3), id(2)]).unwrap();
        let twice = attempt(store, |store| store.delete(ACCOUNT, &[id(1), id(1)]));
        assert_eq!(twice, Err(StoreError::Missing { entity: ACCOUNT, id: id(1) }));
    });
}

#[test]
fn keys_are_unique_unless_a_field_is_empty() {
    on_every_store(|store| {
        let numbered = |number, key: &str| row(number, [(account::NUMBER, text(key))]);
        store.insert(ACCOUNT, &[numbered(1, "A"), row(2, []), row(3, []), numbered(4, "a")]).unwrap();
        let duplicate = |result, expected: &[Slot]| match result {
            Err(StoreError::Duplicate { fields, .. }) => assert_eq!(fields, expected),
            other => panic!("{other:?}"),
        };
        duplicate(attempt(store, |store| store.insert(ACCOUNT, &[numbered(5, "A")])), &[account::NUMBER]);
        duplicate(attempt(store, |store| store.update(ACCOUNT, &[numbered(2, "A")])), &[account::NUMBER]);
        duplicate(attempt(store, |store| store.insert(ACCOUNT, &[row(1, [])])), &[Slot(0)]);
        let pair = |number, customer| row(number, [(account::NAME, text("n")), (account::CUSTOMER, customer)]);
        store.insert(ACCOUNT, &[pair(6, reference(ACCOUNT, 1)), pair(7, Value::Empty), pair(8, Value::Empty)]).unwrap();
        duplicate(store.insert(ACCOUNT, &[pair(9, reference(ACCOUNT, 1))]), &[account::NAME, account::CUSTOMER]);
    });
}

#[test]
fn a_lookup_is_held_against_its_record() {
    on_every_store(|store| {
        let lookup = |number, slot, value| row(number, [(slot, value)]);
        let refused = |result, field: Slot| match result {
            Err(StoreError::Reference { entity, field: found, id: target }) => assert_eq!((entity, found, target), (ACCOUNT, field, id(9))),
            other => panic!("{other:?}"),
        };
        store
            .insert(ACCOUNT, &[lookup(1, account::PARENT, reference(ACCOUNT, 1)), lookup(2, account::CUSTOMER, reference(ACCOUNT, 2))])
            .unwrap();
        let parent = |number| lookup(number, account::PARENT, reference(ACCOUNT, 9));
        refused(attempt(store, |store| store.insert(ACCOUNT, &[parent(3)])), account::PARENT);
        refused(attempt(store, |store| store.update(ACCOUNT, &[parent(1)])), account::PARENT);
        // Rows are written in their order: the record of the next one isn't there yet.
        refused(attempt(store, |store| store.insert(ACCOUNT, &[parent(3), row(9, [])])), account::PARENT);
        let customer = |number| lookup(number, account::CUSTOMER, reference(CONTACT, 9));
        refused(attempt(store, |store| store.insert(ACCOUNT, &[customer(3)])), account::CUSTOMER);
        // What was there before an undone insert or a delete is looked up again.
        store.savepoint().unwrap();
        store.insert(CONTACT, &[row(9, [])]).unwrap();
        store.update(ACCOUNT, &[lookup(1, account::CUSTOMER, reference(CONTACT, 9))]).unwrap();
        store.rollback_to_savepoint().unwrap();
        refused(store.update(ACCOUNT, &[lookup(1, account::CUSTOMER, reference(CONTACT, 9))]), account::CUSTOMER);
    });
}

#[test]
fn a_record_that_others_refer_to_stays() {
    on_every_store(|store| {
        store.insert(ACCOUNT, &[row(1, [])]).unwrap();
        store.insert(CONTACT, &[row(2, [(CONTACT_ACCOUNT, reference(ACCOUNT, 1))])]).unwrap();
        match attempt(store, |store| store.delete(ACCOUNT, &[id(1)])) {
            Err(StoreError::Reference { entity, field, id: target }) => {
                assert_eq!((entity, field, target), (CONTACT, CONTACT_ACCOUNT, id(1)))
            }
            other => panic!("{other:?}"),
        }
        store.delete(CONTACT, &[id(2)]).unwrap();
        store.delete(ACCOUNT, &[id(1)]).unwrap();
        assert_eq!(store.count(ACCOUNT).unwrap(), 0);
    });
}

#[test]
fn referring_and_finding_give_ids_in_order() {
    on_every_store(|store| {
        let of = |number, slot, value| row(number, [(slot, value)]);
        store.insert(ACCOUNT, &[row(1, []), row(2, [])]).unwrap();
        store.insert(CONTACT, &[row(1, [])]).unwrap();
        let customers = [of(9, account::CUSTOMER, reference(CONTACT, 1)), of(8, account::CUSTOMER, reference(ACCOUNT, 1))];
        store.insert(ACCOUNT, &customers).unwrap();
        store.insert(ACCOUNT, &[of(7, account::PARENT, reference(ACCOUNT, 2)), of(6, account::PARENT, reference(ACCOUNT, 1))]).unwrap();
        assert_eq!(store.referring(ACCOUNT, account::PARENT, ACCOUNT, &[id(2), id(1)]).unwrap(), [id(6), id(7)]);
        assert_eq!(store.referring(ACCOUNT, account::CUSTOMER, CONTACT, &[id(1)]).unwrap(), [id(9)]);
        assert_eq!(store.referring(ACCOUNT, account::CUSTOMER, ACCOUNT, &[id(1)]).unwrap(), [id(8)]);

        let mut like = Row::new(18);
        like.set(account::CUSTOMER, Value::Empty);
        assert_eq!(store.find(ACCOUNT, &like, 3).unwrap(), [id(1), id(2), id(6)]);
        like.set(account::PARENT, reference(ACCOUNT, 2));
        assert_eq!(store.find(ACCOUNT, &like, 3).unwrap(), [id(7)]);
        assert_eq!(store.find(CONTACT, &Row::default(), 5).unwrap(), [id(1)]);
    });
}

#[test]
fn ten_thousand_rows_are_one_batch() {
    on_every_store(|store| {
        let rows: Vec<_> = (1..=10_000).map(|number| named(number, &format!("company {number}"))).collect();
        store.insert(ACCOUNT, &rows).unwrap();
        store.update(ACCOUNT, &rows).unwrap();
        assert_eq!(names(store, &[10_000]), [Some(text("company 10000"))]);
        let ids: Vec<_> = (1..=10_000).map(id).collect();
        assert_eq!(store.read(ACCOUNT, &ids, &FieldSet::from_iter([account::NAME])).unwrap().iter().flatten().count(), 10_000);
        store.delete(ACCOUNT, &ids).unwrap();
        assert_eq!(store.count(ACCOUNT).unwrap(), 0);
    });
}
