//! Messages that come down to others: upserts, multiple operations, operations on a record that a key names.

use super::*;

const PRODUCTS: &str = r#"
    entity product {
      code   text(20) required
      region integer
      name   text(100)
      price  integer
      marks  text(100)
      key (code, region)
      key (name)
    }
    flow New on product { trigger create at pre-operation set marks = "new" }
    flow Priced on product { trigger update(price) at pre-operation
      if price < 0 { stop "No product costs {price}." }
      set marks = "{old.price} to {price}"
    }
    flow Coded on product { trigger update(code), assign log "code" }
"#;

fn upsert(pipeline: &mut Pipeline, key: Values, values: Values) -> Outcome {
    let (key, values) = (row(pipeline, "product", key), row(pipeline, "product", values));
    let entity = pipeline.schema().entity_id("product").unwrap();
    pipeline.execute(Operation::Upsert { entity, key, values }, None)
}

#[test]
fn an_upsert_is_a_create_with_the_key_or_an_update_without_it() {
    let mut pipeline = open(PRODUCTS);
    let key: Values = &[("code", "A-17".into()), ("region", 3.into())];
    let first = upsert(&mut pipeline, key, &[("price", 5.into())]);
    assert_eq!((&first.ending, first.ran.as_slice()), (&Ending::Committed, ["New".into()].as_slice()));
    let record = first.record.unwrap();
    assert_eq!(get(&mut pipeline, record, "code"), "A-17".into());
    // The key's own columns are no part of the update: `Coded` doesn't run, whether they are submitted or not.
    let second = upsert(&mut pipeline, key, &[("price", 6.into()), ("code", "A-17".into())]);
    assert_eq!((second.record, second.ran.as_slice()), (Some(record), ["Priced".into()].as_slice()));
    assert_eq!(get(&mut pipeline, record, "marks"), "5 to 6".into());
    let by_id = upsert(&mut pipeline, &[("productid", record.id.into())], &[("price", 7.into())]);
    assert_eq!(by_id.record, Some(record));
    let id = weir::value::Uuid::from_u128(7);
    let other = upsert(&mut pipeline, &[("productid", id.into())], &[("code", "B".into())]);
    assert_eq!((other.record.unwrap().id, other.ran.as_slice()), (id, ["New".into()].as_slice()));
    assert_eq!(count(&mut pipeline, "product"), 2);
}

#[test]
fn what_is_no_key_names_nothing() {
    let mut pipeline = open(PRODUCTS);
    let wrong: [(Values, &str); 4] = [
        (&[], "no fields"),
        (&[("code", "A".into())], "`code` `A`"),
        (&[("code", "A".into()), ("region", Value::Empty)], "`code` `A` and `region` empty"),
        (&[("price", 1.into())], "`price` `1`"),
    ];
    for (key, told) in wrong {
        let outcome = upsert(&mut pipeline, key, &[]);
        let words = "records of `product` are named by their ids or by the fields of a key, none of them empty, and not by";
        assert_eq!(fault(&outcome), (Code::F17, format!("{words} {told}").as_str()));
    }
    assert_eq!(count(&mut pipeline, "product"), 0);
}

#[test]
fn a_key_stands_for_the_id_in_other_messages() {
    let mut pipeline = open(PRODUCTS);
    let record = created(&mut pipeline, "product", &[("code", "A".into()), ("name", "Lamp".into())]);
    let nobody = Reference { id: weir::value::Uuid::nil(), ..record };
    let keyed = |pipeline: &mut Pipeline, name: &str, operation| {
        let key = row(pipeline, "product", &[("name", name.into())]);
        pipeline.execute(Operation::Keyed { key, operation: Box::new(operation) }, None)
    };
    let values = row(&pipeline, "product", &[("price", 3.into())]);
    let outcome = keyed(&mut pipeline, "Lamp", Operation::Update { record: nobody, values });
    assert_eq!((outcome.record, get(&mut pipeline, record, "price")), (Some(record), 3.into()));
    let outcome = keyed(&mut pipeline, "Lmap", Operation::Delete { record: nobody });
    assert_eq!(fault(&outcome), (Code::F17, "there is no `product` with `name` `Lmap`"));
    let outcome = keyed(&mut pipeline, "Lamp", Operation::Delete { record: nobody });
    assert_eq!((&outcome.ending, exists(&mut pipeline, record)), (&Ending::Committed, false));
}

#[test]
fn multiple_operations_are_their_targets_in_order_all_or_nothing() {
    let mut pipeline = open(PRODUCTS);
    let entity = pipeline.schema().entity_id("product").unwrap();
    let targets = ["A", "B", "C"].map(|code| row(&pipeline, "product", &[("code", code.into()), ("price", 1.into())]));
    let outcome = pipeline.execute(Operation::CreateMultiple { entity, targets: targets.to_vec() }, None);
    assert_eq!((&outcome.ending, outcome.ran.as_slice(), outcome.depth), (&Ending::Committed, ["New"; 3].map(Into::into).as_slice(), 1));
    assert_eq!((outcome.record, outcome.records.len()), (None, 3));
    let records = outcome.records;
    assert_eq!(get(&mut pipeline, records[1], "code"), "B".into());
    let before = dump(&mut pipeline);
    let target = |pipeline: &Pipeline, record: Reference, price: i64| {
        row(pipeline, "product", &[("productid", record.id.into()), ("price", price.into())])
    };
    let targets = [(records[2], 5), (records[0], 6), (records[1], -1)].map(|(record, price)| target(&pipeline, record, price));
    let outcome = pipeline.execute(Operation::UpdateMultiple { entity, targets: targets.to_vec() }, None);
    assert_eq!(stopped(&outcome), ("Priced", "No product costs -1."));
    assert_eq!((outcome.ran.as_slice(), outcome.records.as_slice()), (["Priced"; 3].map(Into::into).as_slice(), &[][..]));
    assert_eq!(dump(&mut pipeline), before);
    // One record twice: the second sees what the first wrote.
    let targets = [target(&pipeline, records[0], 8), target(&pipeline, records[0], 9)];
    let outcome = pipeline.execute(Operation::UpdateMultiple { entity, targets: targets.to_vec() }, None);
    assert_eq!((&outcome.ending, get(&mut pipeline, records[0], "marks")), (&Ending::Committed, "8 to 9".into()));
    let outcome = pipeline.execute(Operation::UpdateMultiple { entity, targets: vec![row(&pipeline, "product", &[])] }, None);
    assert_eq!(fault(&outcome), (Code::F06, "a target of `product` doesn't say which record is meant"));
}

#[test]
fn a_multiple_operation_in_a_longer_transaction_goes_back_to_where_it_began() {
    let mut pipeline = open(PRODUCTS);
    let entity = pipeline.schema().entity_id("product").unwrap();
    pipeline.begin().unwrap();
    let kept = created(&mut pipeline, "product", &[("code", "K".into())]);
    let targets = vec![row(&pipeline, "product", &[("code", "A".into())]), row(&pipeline, "product", &[])];
    let outcome = pipeline.execute(Operation::CreateMultiple { entity, targets }, None);
    assert_eq!(fault(&outcome), (Code::F05, "`product.code` is required and empty"));
    pipeline.commit().unwrap();
    assert_eq!((count(&mut pipeline, "product"), exists(&mut pipeline, kept)), (1, true));
}
