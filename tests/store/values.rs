//! Every type comes back as it went in: at its extremes, and for random values.

use proptest::prelude::*;
use weir::schema::FieldSet;
use weir::store::{Sqlite, Store, StoreError};
use weir::value::{Decimal, Slot, Type, Value, text};

use crate::on_every_store;
use crate::schema::{ACCOUNT, account_fields, company, id, reference, row};

fn comes_back(store: &mut dyn Store, number: u128, slot: Slot, value: &Value) {
    store.insert(ACCOUNT, &[row(number, [(slot, value.clone())])]).unwrap_or_else(|error| panic!("{value:?}: {error}"));
    let read = store.read(ACCOUNT, &[id(number)], &FieldSet::from_iter([slot])).unwrap();
    assert_eq!(read[0].as_ref().unwrap().get(slot), Some(value));
    let mut like = row(number, [(slot, value.clone())]);
    like.unset(Slot(0));
    assert!(store.find(ACCOUNT, &like, 100).unwrap().contains(&id(number)), "{value:?} is found again");
}

#[test]
fn the_extremes_of_every_type_come_back() {
    let extremes: &[(&str, &[&str])] = &[
        ("name", &["", "it's \"quoted\"; DROP TABLE account;--", "a\0b", "\u{10FFFF}é", "null"]),
        ("flag", &["true", "false"]),
        ("count", &["-2147483648", "2147483647", "0"]),
        ("big", &["-9223372036854775808", "9223372036854775807"]),
        ("price", &["922337203685477", "-922337203685477", "0.0001", "922337203685477.5807", "-0.0001"]),
        ("rate", &["100000000000", "-100000000000", "0.0000000001", "-99999999999.9999999999"]),
        ("share", &["100000000000", "-99999999999.9999999", "0.0000001"]),
        ("ratio", &["1.7976931348623157e308", "-0.1", "5e-324"]),
        ("rating", &["-5", "7"]),
        ("tags", &["", "-5", "-5, 1, 7"]),
        ("day", &["0001-01-01", "9999-12-31", "1969-12-31", "2024-02-29"]),
        ("at", &["0001-01-01T00:00:00Z", "9999-12-30T21:59:59.999999Z", "1969-12-31T23:59:59.999999Z"]),
        ("clock", &["0001-01-01T00:00:00", "9999-12-31T23:59:59.999999"]),
        ("token", &["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]),
    ];
    on_every_store(|store| {
        let mut number = 100;
        for (slot, (name, ty)) in account_fields().iter().enumerate() {
            let slot = Slot(slot as u16 + 1);
            for written in extremes.iter().filter(|(field, _)| field == name).flat_map(|(_, values)| *values) {
                number += 1;
                comes_back(store, number, slot, &text::parse(written, ty).unwrap());
            }
            if let Type::Lookup(targets) = ty {
                number += 1;
                comes_back(store, number, slot, &reference(targets[0], number));
            }
            number += 1;
            comes_back(store, number, slot, &Value::Empty);
        }
    });
}

#[test]
fn what_does_not_fit_its_column_is_refused() {
    on_every_store(|store| {
        let decimal = |text: &str| Value::Decimal(Decimal::from_str_exact(text).unwrap());
        let misfits = [
            (5, decimal("0.00001")),
            (5, decimal("922337203685477.5808")),
            (7, decimal("0.00000001")),
            (8, Value::Float(f64::NAN)),
            (3, Value::Text("3".into())),
            (14, reference(crate::schema::CONTACT, 1)),
        ];
        for (slot, value) in misfits {
            let result = store.insert(ACCOUNT, &[row(1, [(Slot(slot), value.clone())])]);
            assert!(matches!(result, Err(StoreError::Failed(_))), "{value:?}: {result:?}");
        }
    });
}

fn any_value(ty: Type) -> BoxedStrategy<Value> {
    let decimal =
        |limit: i128, scale| (-limit..=limit).prop_map(move |units| Value::Decimal(Decimal::from_i128_with_scale(units, scale))).boxed();
    match ty {
        Type::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        Type::Integer => any::<i32>().prop_map(|number| Value::Integer(number.into())).boxed(),
        Type::BigInt => any::<i64>().prop_map(Value::Integer).boxed(),
        Type::Decimal(scale) => decimal(10_i128.pow(11 + u32::from(scale)), scale.into()),
        Type::Money(scale) => decimal(922_337_203_685_477 * 10_i128.pow(scale.into()), scale.into()),
        Type::Float => any::<f64>().prop_filter("not a number", |number| !number.is_nan()).prop_map(Value::Float).boxed(),
        Type::Text => any::<String>().prop_map(|text| Value::Text(text.into())).boxed(),
        Type::Choice(_) => prop::sample::select(vec![-5, 1, 7]).prop_map(Value::Choice).boxed(),
        Type::Choices(_) => prop::sample::subsequence(vec![-5, 1, 7], 0..=3).prop_map(|codes| Value::Choices(codes.into())).boxed(),
        Type::Date => {
            (-719_162_i64..=2_932_896).prop_map(|day| Value::Date(jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(day))).boxed()
        }
        Type::DateTime => instants().prop_map(Value::DateTime).boxed(),
        Type::LocalDateTime => instants().prop_map(|instant| Value::LocalDateTime(jiff::tz::TimeZone::UTC.to_datetime(instant))).boxed(),
        Type::Uuid => any::<u128>().prop_map(|number| Value::Uuid(id(number))).boxed(),
        Type::Lookup(_) | Type::Duration | Type::Period => Just(Value::Empty).boxed(),
    }
}

fn instants() -> impl Strategy<Value = jiff::Timestamp> {
    (-62_135_596_800_000_000_i64..253_402_207_200_000_000).prop_map(|micros| jiff::Timestamp::from_microsecond(micros).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_record_comes_back(values in account_fields().into_iter().map(|(_, ty)| any_value(ty)).collect::<Vec<_>>()) {
        let mut store = Sqlite::memory().unwrap();
        store.migrate(&company()).unwrap();
        store.begin().unwrap();
        let whole = row(1, values.into_iter().enumerate().map(|(index, value)| (Slot(index as u16 + 1), value)));
        store.insert(ACCOUNT, std::slice::from_ref(&whole)).unwrap();
        let read = store.read(ACCOUNT, &[id(1)], whole.present()).unwrap();
        prop_assert_eq!(read[0].as_ref(), Some(&whole));
        store.update(ACCOUNT, std::slice::from_ref(&whole)).unwrap();
        let read = store.read(ACCOUNT, &[id(1)], whole.present()).unwrap();
        prop_assert_eq!(read[0].as_ref(), Some(&whole));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    /// Numbers that are stored as bytes sort as numbers, so that an index on them may be used for `<`.
    #[test]
    fn long_decimals_keep_their_order(a in any::<i64>(), b in any::<i64>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.db");
        let mut store = Sqlite::open(&path).unwrap();
        store.migrate(&company()).unwrap();
        store.begin().unwrap();
        let rate = |units: i64| (crate::schema::account::RATE, Value::Decimal(Decimal::from_i128_with_scale(units.into(), 10)));
        store.insert(ACCOUNT, &[row(1, [rate(a)]), row(2, [rate(b)])]).unwrap();
        store.commit().unwrap();
        let connection = rusqlite::Connection::open(&path).unwrap();
        let less: bool = connection
            .query_row("SELECT (SELECT rate FROM account ORDER BY accountid LIMIT 1) < (SELECT rate FROM account ORDER BY accountid DESC LIMIT 1)", [], |row| row.get(0))
            .unwrap();
        prop_assert_eq!(less, a < b);
    }
}
