//! Selections and aggregates: what a store answers is what their meaning (`schema::select`) says of the same rows.

use weir::schema::select::{Accumulator, Aggregate, Condition, Numbers, Order, Selection, Test, compare_records, has_order};
use weir::schema::{FieldSet, Row};
use weir::store::{Store, StoreError};
use weir::value::{Decimal, Failure, Slot, Type, Uuid, Value, text};

use crate::on_every_store;
use crate::schema::{ACCOUNT, CONTACT, account, account_fields, id, reference, row};

const TESTS: [Test; 6] = [Test::Equal, Test::NotEqual, Test::Less, Test::AtMost, Test::Greater, Test::AtLeast];

/// Values that a field of a type may hold, and others that it is only compared with.
fn values(ty: &Type) -> (Vec<Value>, Vec<Value>) {
    let read = |written: &[&str]| written.iter().map(|written| text::parse(written, ty).unwrap()).collect::<Vec<_>>();
    let number = |written: &str| Value::Decimal(Decimal::from_str_exact(written).unwrap());
    match ty {
        Type::Boolean => (read(&["true", "false"]), vec![]),
        Type::Integer => (read(&["-2147483648", "0", "7"]), vec![Value::Integer(i64::MAX)]),
        Type::BigInt => (read(&["-9223372036854775808", "-1", "9223372036854775807"]), vec![]),
        Type::Decimal(10) => (
            read(&["-99999999999.9999999999", "0", "0.0000000001"]),
            ["0.00000000005", "-0.00000000005", "9999999999999999999999999999", "-9999999999999999999999999999"].map(number).to_vec(),
        ),
        Type::Decimal(_) | Type::Money(_) => (
            read(&["-12.5", "0", "12.5"]),
            ["12.50000", "12.50000001", "-12.50000001", "9999999999999999999999999999", "-9999999999999999999999999999"]
                .map(number)
                .to_vec(),
        ),
        Type::Float => (read(&["-0.1", "0", "1.5e300"]), vec![Value::Float(-0.0)]),
        Type::Text => (read(&["", "Z", "a", "é", "a\0b", "\u{10FFFF}"]), read(&["it's"])),
        Type::Choice(_) => (read(&["-5", "7"]), vec![]),
        Type::Choices(_) => (read(&["", "-5, 7"]), vec![]),
        Type::Date => (read(&["0001-01-01", "2024-02-29"]), read(&["9999-12-31"])),
        Type::DateTime => (read(&["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z"]), read(&["2026-01-01T00:00:00Z"])),
        Type::LocalDateTime => (read(&["0001-01-01T00:00:00", "1969-12-31T23:59:59.999999"]), vec![]),
        Type::Lookup(targets) if targets.len() == 1 => (vec![reference(ACCOUNT, 1)], vec![reference(CONTACT, 1), reference(ACCOUNT, 2)]),
        Type::Lookup(_) => (vec![reference(ACCOUNT, 1), reference(CONTACT, 1)], vec![reference(ACCOUNT, 2)]),
        Type::Uuid => (read(&["00000000-0000-0000-0000-000000000001"]), vec![]),
        Type::Duration | Type::Period => (vec![], vec![]), // no field has them
    }
}

/// A record for each value of the field, one without, and the same once more.
fn filled(store: &mut dyn Store, slot: Slot, ty: &Type) -> Vec<(Uuid, Row)> {
    let mut held: Vec<Value> = values(ty).0;
    held.push(Value::Empty);
    if slot != account::NUMBER {
        held.extend(held.clone().into_iter().rev());
    }
    let rows: Vec<Row> = (1..).zip(&held).map(|(number, value)| row(number, [(slot, value.clone())])).collect();
    store.insert(CONTACT, &[row(1, [])]).unwrap();
    store.insert(ACCOUNT, &rows).unwrap();
    (1..).zip(held).map(|(number, value)| (id(number), Row::from_iter([(slot, value)]))).collect()
}

fn on_every_field(case: impl Fn(&mut dyn Store, Slot, &Type)) {
    on_every_store(|store| {
        for (index, (_, ty)) in account_fields().iter().enumerate() {
            store.savepoint().unwrap();
            case(store, Slot(index as u16 + 1), ty);
            store.rollback_to_savepoint().unwrap();
        }
    });
}

fn only(slot: Slot) -> FieldSet {
    FieldSet::from_iter([slot])
}

#[test]
fn every_test_takes_the_records_of_which_it_holds() {
    on_every_field(|store, slot, ty| {
        let records = filled(store, slot, ty);
        let (held, others) = values(ty);
        for value in held.into_iter().chain(others).chain([Value::Empty]) {
            for test in TESTS {
                if !has_order(ty) && !matches!(test, Test::Equal | Test::NotEqual) && !value.is_empty() {
                    continue;
                }
                let condition = Condition { slot, test, value: value.clone() };
                let expected: Vec<_> =
                    records.iter().filter(|(_, row)| condition.holds(row.get(slot).unwrap())).map(|(id, _)| *id).collect();
                let selection = Selection { conditions: vec![condition], ..Selection::all(ACCOUNT) };
                let found: Vec<_> = store.select(&selection, &FieldSet::default()).unwrap().into_iter().map(|(id, _)| id).collect();
                assert_eq!(found, expected, "{ty:?} {test:?} {value:?}");
                let count = store.aggregate(&selection, Aggregate::Count).unwrap();
                assert_eq!(count, Value::Integer(expected.len() as i64));
                assert_eq!(store.aggregate(&selection, Aggregate::Exists).unwrap(), Value::Boolean(!expected.is_empty()));
            }
        }
    });
}

#[test]
fn records_come_in_a_total_order_and_page_by_page() {
    on_every_field(|store, slot, ty| {
        let mut records = filled(store, slot, ty);
        for descending in [false, true] {
            if has_order(ty) {
                let order = vec![Order { slot, descending }];
                records.sort_by(|(one, row), (two, other)| compare_records(&order, (*one, row), (*two, other)));
                let selection = Selection { order, ..Selection::all(ACCOUNT) };
                let found = store.select(&selection, &only(slot)).unwrap();
                let shown = |rows: &[(Uuid, Row)]| rows.iter().map(|(id, row)| (*id, row.get(slot).cloned())).collect::<Vec<_>>();
                assert_eq!(shown(&found), shown(&records), "{ty:?} {descending}");
                assert_eq!(shown(&store.select(&selection.limited(2), &only(slot)).unwrap()), shown(&records[..2]));
            }
        }
        let all: Vec<_> = store.select(&Selection::all(ACCOUNT), &FieldSet::default()).unwrap().into_iter().map(|(id, _)| id).collect();
        assert!(all.is_sorted() && all.len() == records.len());
        let mut read = Vec::new();
        while let Some((last, _)) = {
            let after = read.last().copied().map(Value::Uuid);
            let page = store.select(&Selection { after, limit: Some(2), ..Selection::all(ACCOUNT) }, &FieldSet::default()).unwrap();
            read.extend(page.iter().map(|(id, _)| *id));
            page.last().cloned()
        } {
            assert_eq!(Some(&last), read.last());
        }
        assert_eq!(read, all);
    });
}

#[test]
fn aggregates_are_worked_out_exactly() {
    on_every_field(|store, slot, ty| {
        let records = filled(store, slot, ty);
        for aggregate in [Aggregate::Sum(slot), Aggregate::Average(slot), Aggregate::Min(slot), Aggregate::Max(slot)] {
            if aggregate.result(Some(ty)).is_none() {
                continue;
            }
            let mut accumulator = Accumulator::new(aggregate, Numbers::of(ty));
            records.iter().for_each(|(_, row)| accumulator.add(row.get(slot).unwrap()).unwrap());
            let all = Selection::all(ACCOUNT);
            assert_eq!(store.aggregate(&all, aggregate).unwrap(), accumulator.finish().unwrap(), "{ty:?} {aggregate:?}");
            let none = all.with(Slot(0), Value::Uuid(id(999)));
            let nothing = Accumulator::new(aggregate, Numbers::of(ty)).finish().unwrap();
            assert_eq!(store.aggregate(&none, aggregate).unwrap(), nothing, "{ty:?} {aggregate:?}");
        }
    });
}

#[test]
fn a_sum_beyond_its_type_is_an_error_and_one_that_comes_back_is_not() {
    let big = Slot(4);
    on_every_store(|store| {
        let of = |number, value| row(number, [(big, Value::Integer(value))]);
        store.insert(ACCOUNT, &[of(1, i64::MAX), of(2, i64::MAX)]).unwrap();
        let sum = store.aggregate(&Selection::all(ACCOUNT), Aggregate::Sum(big));
        assert!(matches!(sum, Err(StoreError::Number(Failure::Overflow))), "{sum:?}");
        store.insert(ACCOUNT, &[of(3, -i64::MAX)]).unwrap();
        assert_eq!(store.aggregate(&Selection::all(ACCOUNT), Aggregate::Sum(big)).unwrap(), Value::Integer(i64::MAX));
    });
}

#[test]
fn conditions_are_joined_by_and() {
    on_every_store(|store| {
        let of = |number, count: i64, flag| row(number, [(account::COUNT, Value::Integer(count)), (Slot(2), Value::Boolean(flag))]);
        store.insert(ACCOUNT, &[of(1, 1, true), of(2, 2, true), of(3, 2, false)]).unwrap();
        let both = Selection::all(ACCOUNT).with(account::COUNT, Value::Integer(2)).with(Slot(2), Value::Boolean(true));
        assert_eq!(store.select(&both, &FieldSet::default()).unwrap().first().map(|(id, _)| *id), Some(id(2)));
        assert_eq!(store.aggregate(&both, Aggregate::Count).unwrap(), Value::Integer(1));
    });
}

#[test]
fn of_alternatives_one_has_to_hold_beside_the_conditions() {
    on_every_field(|store, slot, ty| {
        let records = filled(store, slot, ty);
        let (held, others) = values(ty);
        let all: Vec<Value> = held.into_iter().chain(others).chain([Value::Empty]).collect();
        for pair in all.windows(2) {
            for test in [Test::Equal, Test::NotEqual] {
                let any: Vec<_> = pair.iter().map(|value| Condition { slot, test, value: value.clone() }).collect();
                let holds = |row: &Row| any.iter().any(|condition| condition.holds(row.get(slot).unwrap()));
                let expected: Vec<_> = records.iter().filter(|(_, row)| holds(row)).map(|(id, _)| *id).collect();
                let selection = Selection { any, ..Selection::all(ACCOUNT) };
                let found = |store: &mut dyn Store, selection: &Selection| -> Vec<Uuid> {
                    store.select(selection, &FieldSet::default()).unwrap().into_iter().map(|(id, _)| id).collect()
                };
                assert_eq!(found(store, &selection), expected, "{ty:?} {test:?} {pair:?}");
                assert_eq!(store.aggregate(&selection, Aggregate::Count).unwrap(), Value::Integer(expected.len() as i64));
                let last = expected.last().copied().unwrap_or(id(999));
                let narrowed = selection.with(Slot(0), Value::Uuid(last));
                assert_eq!(found(store, &narrowed).len(), usize::from(!expected.is_empty()), "{ty:?} {test:?} {pair:?}");
            }
        }
    });
}
