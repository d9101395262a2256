//! Operations as people write them, and as they write them wrong.

use super::*;
use crate::project::Project;
use crate::schema::Row;
use crate::value::{Decimal, Reference, Uuid, Value};
use crate::vm::Fault;

const PROJECT: &str = r#"
entity account {
  name "Account name" text(20) required
  revenue   money
  employees integer
  since     date
  active    boolean
  industry  choice { banking = 1 "Banking and credit", retail = 2 }
  tags      choices { key = 1, partner = 2 }
  parent    lookup account
  owner     lookup account | systemuser
  key (name, employees)
  key (name)
}
"#;

fn schema() -> Schema {
    let project = Project::from_text("a.flow", PROJECT);
    assert_eq!(project.diagnostics, []);
    project.checked.schema
}

fn read(text: impl AsRef<[u8]>, format: &Format, schema: &Schema) -> Vec<Result<Request, String>> {
    read_with(text, format, schema, &Program::default())
}

fn read_with(text: impl AsRef<[u8]>, format: &Format, schema: &Schema, program: &Program) -> Vec<Result<Request, String>> {
    match Reader::new(text.as_ref(), format, schema, program) {
        Ok((mut reader, warnings)) => {
            let warnings = warnings.into_iter().map(|warning| Err(warning.at("ops")));
            let nobody = |_, _: &Row| Err(Fault { code: Code::F17, message: "there is nobody".to_owned(), span: None, chain: Vec::new() });
            let requests = std::iter::from_fn(|| reader.next(&nobody));
            warnings.chain(requests.map(|item| item.map_err(|problem| problem.at("ops")))).collect()
        }
        Err(problem) => vec![Err(problem.at("ops"))],
    }
}

fn csv(message: RowMessage) -> Format {
    Format::Csv { entity: "account".into(), message }
}

fn value(request: &Request, field: &str, schema: &Schema) -> Option<Value> {
    let entity = schema.entity(schema.entity_id("account")?)?;
    match &request.operation {
        Operation::Create { values, .. } | Operation::Update { values, .. } => values.get(entity.slot(field)?).cloned(),
        _ => None,
    }
}

#[test]
fn values_of_every_kind() {
    let schema = schema();
    let line = r#"{"message":"Create","entity":"account","id":"0190a5e4-7c3a-7bd0-8b39-6f3f1f0f6c11","as":"alice","attributes":
        {"name":"Acme","revenue":1234567890123.45,"employees":12,"since":"2026-01-31","active":true,"industry":"banking",
         "tags":["partner",1],"parent":null,"owner":"systemuser:0190a5e4-7c3a-7bd0-8b39-6f3f1f0f6c12"}}"#;
    let requests = read(line.replace('\n', " "), &Format::JsonLines, &schema);
    let [Ok(request)] = requests.as_slice() else { panic!("{requests:?}") };
    let get = |field| value(request, field, &schema).unwrap();
    assert_eq!((request.line, request.user.as_deref()), (1, Some("alice")));
    assert_eq!(get("name"), Value::Text("Acme".into()));
    assert_eq!(get("revenue"), Value::Decimal(Decimal::from_str_exact("1234567890123.45").unwrap()));
    assert_eq!(get("employees"), Value::Integer(12));
    assert_eq!(get("since").to_owned(), Value::Date(jiff::civil::date(2026, 1, 31)));
    assert_eq!((get("active"), get("industry"), get("tags")), (Value::Boolean(true), Value::Choice(1), Value::Choices([1, 2].into())));
    assert_eq!(get("parent"), Value::Empty);
    assert!(matches!(get("owner"), Value::Reference(user) if Some(user.entity) == schema.entity_id("systemuser")));
    assert!(matches!(get("accountid"), Value::Uuid(_)));
}

#[test]
fn money_is_read_digit_by_digit() {
    let schema = schema();
    for written in ["0.1", "\"0.1\"", "0.10", "1e-1"] {
        let line = format!(r#"{{"message":"Create","entity":"account","attributes":{{"name":"A","revenue":{written}}}}}"#);
        let requests = read(line, &Format::JsonLines, &schema);
        assert_eq!(value(requests[0].as_ref().unwrap(), "revenue", &schema), Some(Value::Decimal(Decimal::new(1, 1))), "{written}");
    }
}

#[test]
fn columns_match_by_name_and_label_whatever_their_case() {
    let schema = schema();
    let text = "\u{feff}ACCOUNT NAME,Revenue,nonsense,Industry,Tags\r\n\"Ac,me\r\n\"\"Ltd\"\"\",,x,Banking AND credit,\"key, partner\"\r\n\r\nBolt,1.5,y,2,\r\n";
    let requests = read(text, &csv(RowMessage::Create), &schema);
    assert_eq!(requests[0], Err("ops:1: warning[O0109]: the column `nonsense` is no field of `account` and is left out".to_owned()));
    let (first, second) = (requests[1].as_ref().unwrap(), requests[2].as_ref().unwrap());
    assert_eq!((first.line, second.line), (2, 5));
    assert_eq!(value(first, "name", &schema), Some(Value::Text("Ac,me\n\"Ltd\"".into())));
    assert_eq!(value(first, "revenue", &schema), None, "an empty cell isn't submitted");
    assert_eq!(value(first, "industry", &schema), Some(Value::Choice(1)));
    assert_eq!(value(first, "tags", &schema), Some(Value::Choices([1, 2].into())));
    assert_eq!(value(second, "industry", &schema), Some(Value::Choice(2)));
    assert_eq!(requests.len(), 3);
}

#[test]
fn updates_and_deletes_name_their_records() {
    let schema = schema();
    let id = "0190a5e4-7c3a-7bd0-8b39-6f3f1f0f6c11";
    let delete_of = |id| Operation::Delete { record: Reference { entity: schema.entity_id("account").unwrap(), id } };
    let update = read(format!("ID,revenue\n{id},\n"), &csv(RowMessage::Update), &schema);
    assert_eq!(value(update[0].as_ref().unwrap(), "revenue", &schema), Some(Value::Empty), "an empty cell empties the field");
    let delete = read(format!("accountid\n{id}\nx\n"), &csv(RowMessage::Delete), &schema);
    assert!(matches!(delete[0].as_ref().unwrap().operation, Operation::Delete { record } if record.id.to_string() == id));
    let by_key = Operation::Keyed { key: row(&schema, &[("name", "x".into())]), operation: delete_of(Uuid::nil()).into() };
    assert_eq!(delete[1].as_ref().unwrap().operation, by_key, "what is no uuid is the value of the only key of one field");
    let by_columns = read("name\nx\n", &csv(RowMessage::Delete), &schema);
    assert_eq!(by_columns[0].as_ref().unwrap().operation, by_key);
    let without = read("revenue\n1\n", &csv(RowMessage::Update), &schema);
    let keys = "columns for a key of `account`: `(name, employees)` or `(name)`";
    let words = format!("an update wants a column `id` or `accountid` to say which records are meant, or {keys}");
    assert_eq!(without, [Err(format!("ops:1: error[O0110]: {words}"))]);
}

#[test]
fn what_a_row_can_be_broken_in() {
    let schema = schema();
    let text = "name,revenue\nA,1\n\"B\"x,1\nC\"c,1\nD\nE,1,2\n\"F\",\"1\"\nG,\"1\n";
    let told = |item: Result<Request, String>| item.map_or_else(|problem| problem, |request| format!("ops:{}: read", request.line));
    let lines: Vec<String> = read(text, &csv(RowMessage::Create), &schema).into_iter().map(told).collect();
    insta::assert_snapshot!(format!("{text}---\n{}", lines.join("\n")));
}

#[test]
fn a_line_is_bounded_and_the_next_one_is_read() {
    let schema = schema();
    let good = r#"{"message":"Delete","entity":"account","id":"0190a5e4-7c3a-7bd0-8b39-6f3f1f0f6c11"}"#;
    let text = format!("{}\n\n{good}", "x".repeat(lines::LONGEST + 1));
    let requests = read(text, &Format::JsonLines, &schema);
    assert_eq!(requests[0], Err("ops:1: error[O0102]: the line is longer than 16 MiB".to_owned()));
    assert_eq!(requests[1].as_ref().map(|request| request.line), Ok(3));
    assert_eq!(requests.len(), 2);
}

#[test]
fn a_broken_row_of_several_lines_ends_the_reading() {
    let text = "name\n\"one\ntwo\" three\nFour\n";
    let found = read(text, &csv(RowMessage::Create), &schema());
    let [Err(problem)] = found.as_slice() else { panic!("{found:?}") };
    assert!(problem.starts_with("ops:2: error[O0112]: on line 3 of this row"), "{problem}");
}

#[test]
fn a_flow_runs_on_demand_with_its_inputs() {
    let flow =
        "flow Rate on account { trigger on demand  input amount money required  input note text(5)  input day date  log \"{amount}\" }";
    let project = Project::from_text("a.flow", format!("{PROJECT}{flow}"));
    let (schema, program) = (&project.checked.schema, &project.compile().unwrap().program);
    let id = "0190a5e4-7c3a-7bd0-8b39-6f3f1f0f6c11";
    let line = |rest: &str| format!(r#"{{"message":"Run","entity":"account","id":"{id}",{rest}}}"#);
    let read = |rest: &str| read_with(line(rest), &Format::JsonLines, schema, program).remove(0);
    let given = read(r#""flow":"Rate","attributes":{"day":"2026-01-31","amount":5.25}"#).unwrap();
    let record = Reference { entity: schema.entity_id("account").unwrap(), id: id.parse().unwrap() };
    let inputs = vec![Value::Decimal("5.25".parse().unwrap()), Value::Empty, Value::Date("2026-01-31".parse().unwrap())];
    assert_eq!(given.operation, Operation::Run { flow: "Rate".into(), record, inputs });
    let problem = |rest: &str| read(rest).unwrap_err();
    assert_eq!(problem(r#""flow":"Rat""#), "ops:1: error[O0114]: there is no flow `Rat`; did you mean `Rate`?");
    assert!(problem(r#""attributes":{}"#).contains("`flow` is missing"));
    assert!(problem(r#""flow":"Rate","attributes":{"amout":1}"#).contains("did you mean `amount`?"));
    assert!(problem(r#""flow":"Rate","attributes":{"amount":"x"}"#).contains("O0107"));
    let create = r#"{"message":"Create","entity":"account","flow":"Rate"}"#;
    assert!(read_with(create, &Format::JsonLines, schema, program).remove(0).unwrap_err().contains("takes no `flow`"));
}

const ID: &str = "0190a5e4-7c3a-7bd0-8b39-6f3f1f0f6c11";

/// A row of fields by name.
fn row(schema: &Schema, values: &[(&str, Value)]) -> crate::schema::Row {
    let entity = schema.entity(schema.entity_id("account").unwrap()).unwrap();
    crate::schema::Row::of(entity, values.iter().cloned()).unwrap()
}

#[test]
fn messages_that_come_down_to_others() {
    let schema = schema();
    let entity = schema.entity_id("account").unwrap();
    let read = |line: &str| {
        let line = line.replace("ID", ID).replacen('{', r#"{"entity":"account","#, 1);
        read(line, &Format::JsonLines, &schema).remove(0).unwrap().operation
    };
    let by_name = || row(&schema, &[("name", "A".into())]);
    let nobody = Reference { entity, id: crate::value::Uuid::nil() };
    let record = Reference { entity, id: ID.parse().unwrap() };
    let keyed = |operation| Operation::Keyed { key: by_name(), operation: Box::new(operation) };

    let upsert = Operation::Upsert { entity, key: by_name(), values: row(&schema, &[("employees", 3.into())]) };
    assert_eq!(read(r#"{"message":"Upsert","id":{"name":"A"},"attributes":{"employees":3}}"#), upsert);
    let upsert = Operation::Upsert { entity, key: row(&schema, &[("accountid", record.id.into())]), values: row(&schema, &[]) };
    assert_eq!(read(r#"{"message":"Upsert","id":"ID"}"#), upsert);

    let values =
        row(&schema, &[("ownerid", Value::Reference(Reference { entity: schema.entity_id("systemuser").unwrap(), id: record.id }))]);
    let assign = r#"{"message":"Assign","id":"ID","attributes":{"ownerid":"systemuser:ID"}}"#;
    assert_eq!(read(assign), Operation::Update { record, values });
    let values = row(&schema, &[("statecode", Value::Choice(1)), ("statuscode", Value::Choice(2))]);
    let state = r#"{"message":"SetState","id":{"name":"A"},"attributes":{"statecode":"inactive","statuscode":2}}"#;
    assert_eq!(read(state), keyed(Operation::Update { record: nobody, values }));
    assert_eq!(read(r#"{"message":"Delete","id":{"name":"A"},"attributes":{}}"#), keyed(Operation::Delete { record: nobody }));

    let targets = vec![row(&schema, &[("name", "A".into())]), row(&schema, &[("name", "B".into()), ("accountid", record.id.into())])];
    let create = r#"{"message":"CreateMultiple","targets":[{"name":"A"},{"name":"B","id":"ID"}]}"#;
    assert_eq!(read(create), Operation::CreateMultiple { entity, targets });
    let targets = vec![row(&schema, &[("accountid", record.id.into()), ("name", Value::Empty)])];
    let update = r#"{"message":"UpdateMultiple","targets":[{"accountid":"ID","name":null}]}"#;
    assert_eq!(read(update), Operation::UpdateMultiple { entity, targets });
}

#[test]
fn a_row_is_an_upsert_by_its_id_or_by_the_first_key_that_has_columns() {
    let schema = schema();
    let entity = schema.entity_id("account").unwrap();
    let upserts = |text: &str| read(text, &csv(RowMessage::Upsert), &schema);
    let operation = |text: &str| upserts(text).remove(0).unwrap().operation;
    let values = || row(&schema, &[("revenue", Value::Empty)]);
    let key = row(&schema, &[("name", "A".into()), ("employees", 3.into())]);
    assert_eq!(operation("revenue,employees,Account name\n,3,A\n"), Operation::Upsert { entity, key, values: values() });
    let key = row(&schema, &[("name", "A".into())]);
    assert_eq!(operation("revenue,name\n,A\n"), Operation::Upsert { entity, key, values: values() });
    let key = row(&schema, &[("accountid", Value::Uuid(ID.parse().unwrap()))]);
    let values = row(&schema, &[("name", "A".into())]);
    assert_eq!(operation(&format!("name,id\nA,{ID}\n")), Operation::Upsert { entity, key, values });
    assert_eq!(upserts("name,id\nA,\n"), [Err("ops:2: error[O0108]: the id is empty".to_owned())]);
    let words = "ops:1: error[O0110]: an upsert wants a column `id` or `accountid` to say which records are meant, or columns for a key of `account`: \
                 `(name, employees)` or `(name)`";
    assert_eq!(upserts("revenue\n1\n"), [Err(words.to_owned())]);
}
