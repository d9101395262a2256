//! Queries, records by key and loops: what they see, how many, and as whom.

use super::*;

const SHOP: &str = r#"
entity account {
  name   text(100) required
  go     integer
  seen   text(400)
  total  money(2)
}

entity order2 {
  name    text(100) required
  account lookup account
  amount  money(2)
  units   bigint
  note    text(100)
}
"#;

fn shop(flows: &str) -> Pipeline {
    open(&format!("{SHOP}{flows}"))
}

/// What a flow writes into `seen` of an account when it is told to go.
fn seen(pipeline: &mut Pipeline, account: Reference) -> String {
    assert_eq!(update(pipeline, account, &[("go", 1.into())]).ending, Ending::Committed);
    match get(pipeline, account, "seen") {
        Value::Text(text) => text.to_string(),
        other => panic!("no text, but {other:?}"),
    }
}

fn asks(what: &str) -> String {
    format!("flow Asks on account {{ trigger update(go) set seen = \"{{{what}}}\" }}")
}

fn orders(pipeline: &mut Pipeline, number: usize) -> Vec<Reference> {
    (0..number).map(|index| created(pipeline, "order2", &[("name", format!("o{index:05}").into())])).collect()
}

#[test]
fn a_record_by_key_that_is_not_there_or_there_twice_is_a_fault_that_names_it() {
    let mut pipeline = shop("flow Finds on account { trigger update(go) let found = order2[name] set seen = found.note }");
    let account = created(&mut pipeline, "account", &[("name", "A \"1\"".into())]);
    let outcome = update(&mut pipeline, account, &[("go", 1.into())]);
    assert_eq!(fault(&outcome), (Code::F17, "there is no `order2` with `name` `A \"1\"`"));
    let one = created(&mut pipeline, "order2", &[("name", "A \"1\"".into()), ("note", "first".into())]);
    assert_eq!(seen(&mut pipeline, account), "first");
    created(&mut pipeline, "order2", &[("name", "A \"1\"".into())]);
    let outcome = update(&mut pipeline, account, &[("go", 1.into())]);
    assert_eq!(fault(&outcome), (Code::F17, "there is more than one `order2` with `name` `A \"1\"`"));
    assert_eq!(delete(&mut pipeline, one).ending, Ending::Committed);
}

#[test]
fn too_many_records_to_go_through_are_a_fault_that_names_the_setting() {
    let text = |clauses: &str| {
        format!("{SHOP}flow All on account {{ trigger update(go) for each order2 o {clauses} {{ update o {{ note = \"x\" }} }} }}")
    };
    let run = |clauses: &str, number: usize| {
        let mut pipeline = open_with(&text(clauses), Settings { max_loop_records: 3, ..Settings::fixed() });
        let orders = orders(&mut pipeline, number);
        let account = created(&mut pipeline, "account", &[("name", "A".into())]);
        let outcome = update(&mut pipeline, account, &[("go", 1.into())]);
        let written = orders.iter().filter(|order| get(&mut pipeline, **order, "note") == "x".into()).count();
        (outcome, written)
    };
    for clauses in ["", "order by name descending", "where length(name) > 1", "where length(name) > 1 order by name"] {
        assert_eq!(run(clauses, 3).1, 3, "{clauses}");
        let (outcome, written) = run(clauses, 4);
        let (code, words) = fault(&outcome);
        assert!(code == Code::F18 && words.contains("more than 3 records") && words.contains("`loop_records`"), "{words}");
        assert_eq!(written, 0);
        let limited = format!("{clauses} limit 4");
        assert_eq!((run(&limited, 4).0.ending, run(&limited, 5).1), (Ending::Committed, 4), "{limited}");
    }
}

#[test]
fn sums_are_exact_beyond_64_bits_on_the_way_and_fail_where_no_number_holds_them() {
    let mut pipeline = shop(&asks("sum(order2.units)} {sum(order2.units where upper(name) == name)"));
    let account = created(&mut pipeline, "account", &[("name", "A".into())]);
    for (name, units) in [("A", i64::MAX), ("B", i64::MAX), ("C", -i64::MAX), ("D", 7 - i64::MAX)] {
        created(&mut pipeline, "order2", &[("name", name.into()), ("units", units.into())]);
    }
    assert_eq!(seen(&mut pipeline, account), "7 7");
    created(&mut pipeline, "order2", &[("name", "E".into()), ("units", i64::MAX.into())]);
    let (code, _) = fault(&update(&mut pipeline, account, &[("go", 1.into())]));
    assert_eq!(code, Code::F03);
}

/// A company in which everybody owns an order; `Reader` reads at a level, by which its role is named.
fn company(level: &str, flows: &str) -> (Pipeline, Reference, Reference) {
    let roles = "role Writer { privilege read, write on account }\n\
                 role Own { privilege read on order2 at user }\n\
                 role Unit { privilege read on order2 at business unit }\n\
                 role Deep { privilege read on order2 at parent and child business units }\n\
                 role Whole { privilege read on order2 }\n\
                 role None {}\n";
    let mut pipeline = shop(&format!("{roles}{flows}"));
    let admin = pipeline.administrator();
    let [north, city, south] = ["North", "City", "South"].map(|name| pipeline.business_unit(name).unwrap());
    let moved = row(&pipeline, "businessunit", &[("parent", Value::Reference(north))]);
    assert_eq!(pipeline.execute(Operation::Update { record: city, values: moved }, Some(admin)).ending, Ending::Committed);
    let user = |pipeline: &mut Pipeline, name: &str, unit| {
        let user = pipeline.user(name).unwrap();
        pipeline.move_user(user, unit).unwrap();
        user
    };
    let reader = user(&mut pipeline, "Reader", north);
    pipeline.grant(reader, "Writer").unwrap();
    pipeline.grant(reader, level).unwrap();
    let owners = [("own", reader), ("unit", user(&mut pipeline, "Mate", north)), ("deep", user(&mut pipeline, "Townsman", city))];
    let others = [("whole", user(&mut pipeline, "Stranger", south))];
    for (index, (name, owner)) in owners.into_iter().chain(others).enumerate() {
        let amount = Value::Decimal(10_i64.pow(index as u32).into());
        let values =
            [("name", name.into()), ("ownerid", Value::Reference(owner)), ("amount", amount), ("units", (9 - index as i64).into())];
        created(&mut pipeline, "order2", &values);
    }
    let account = created(&mut pipeline, "account", &[("name", "own".into())]);
    (pipeline, reader, account)
}

fn goes(pipeline: &mut Pipeline, acting: Reference, account: Reference) -> Outcome {
    let values = row(pipeline, "account", &[("go", 1.into())]);
    pipeline.execute(Operation::Update { record: account, values }, Some(acting))
}

const LOOPS: &str = r#"
flow Loops on account {
  trigger update(go)
  stage   pre-operation
  set seen = ""
  for each order2 o order by units { set seen += "{o.name} " }
  for each order2 o where length(name) > 1 order by units limit 2 { set seen += "{o.name} " }
  for each order2 o order by units limit 2 { set seen += "{o.name} " }
  for each order2 o limit 1 { set seen += "{o.name} " }
}
"#;

#[test]
fn a_query_gives_what_its_user_may_read_as_if_there_was_nothing_else() {
    let all = "count(order2)} {sum(order2.amount)} {max(order2.amount)} {average(order2.units)} {exists(order2 where name == \"deep\")} \
               {count(order2 where length(name) >= 4)} {sum(order2.amount where upper(name) != name)";
    let flows = format!(
        "{}{LOOPS}",
        asks(all).replace("trigger", "rank 1 trigger").replace("update(go)", "update(go) at pre-operation").replace("seen = ", "seen += ")
    );
    let told = |level: &str| {
        let (mut pipeline, reader, account) = company(level, &flows);
        assert_eq!(goes(&mut pipeline, reader, account).ending, Ending::Committed, "{level}");
        get(&mut pipeline, account, "seen")
    };
    assert_eq!(told("Own"), "own own own own 1 1 1 9 false 0 1".into());
    assert_eq!(told("Unit"), "unit own unit own unit own own 2 11 10 8.5 false 1 11".into());
    assert_eq!(told("Deep"), "deep unit own deep unit deep unit own 3 111 100 8 true 2 111".into());
    assert_eq!(told("Whole"), "whole deep unit own whole deep whole deep own 4 1111 1000 7.5 true 3 1111".into());
}

#[test]
fn who_may_read_nothing_may_ask_nothing() {
    let by_key = "flow Finds on account { trigger update(go) let found = order2[name] set seen = \"{found.name}\" }";
    let visits = "flow Visits on account { trigger update(go) for each order2 o { set seen = o.name } }";
    let filtered = "flow Visits on account { trigger update(go) for each order2 o where length(name) > 1 { set seen = o.name } }";
    for flows in [&asks("count(order2)"), &asks("sum(order2.units where length(name) > 1)"), by_key, visits, filtered] {
        let (mut pipeline, reader, account) = company("None", flows);
        let outcome = goes(&mut pipeline, reader, account);
        assert_eq!(fault(&outcome), (Code::F22, "`Reader` has no privilege `read` on `order2`, and a query needs it at `user`"), "{flows}");
        let (mut pipeline, reader, account) = company("Own", flows);
        assert_eq!(goes(&mut pipeline, reader, account).ending, Ending::Committed, "{flows}");
    }
    let (mut pipeline, reader, account) = company("Unit", by_key);
    let renamed = row(&pipeline, "account", &[("name", "whole".into())]);
    pipeline.execute(Operation::Update { record: account, values: renamed }, None);
    let outcome = goes(&mut pipeline, reader, account);
    assert_eq!(fault(&outcome), (Code::F17, "there is no `order2` with `name` `whole`"), "what can't be seen isn't told either");
}

#[test]
fn records_that_may_not_be_seen_are_passed_over_page_by_page() {
    let flows = format!("{LOOPS}{}", asks("count(order2)} {exists(order2)").replace("seen = ", "seen += "));
    let (mut pipeline, reader, account) = company("Unit", &flows);
    for index in 0..1_100_i64 {
        created(&mut pipeline, "order2", &[("name", format!("hidden{index}").into()), ("units", (index % 7).into())]);
    }
    let late = [("name", "late".into()), ("ownerid", Value::Reference(reader)), ("units", 1.into())];
    created(&mut pipeline, "order2", &late);
    assert_eq!(goes(&mut pipeline, reader, account).ending, Ending::Committed);
    assert_eq!(get(&mut pipeline, account, "seen"), "late unit own late unit late unit own 3 true".into());
}

#[test]
fn what_a_query_looks_at_uses_up_the_instructions() {
    let flows = [
        asks("count(order2 where note == \"y\")} {sum(order2.units where note == \"y\")"),
        asks("count(order2 where length(name) == 1)"),
        "flow Loops on account { trigger update(go) for each order2 o where note == \"y\" order by name { set seen = o.name } }".to_owned(),
    ];
    for flows in flows {
        let run = |number: usize| {
            let settings = Settings { max_instructions: 800, ..Settings::fixed() };
            let mut pipeline = open_with(&format!("{SHOP}{flows}"), settings);
            orders(&mut pipeline, number);
            let account = created(&mut pipeline, "account", &[("name", "A".into())]);
            update(&mut pipeline, account, &[("go", 1.into())]).ending
        };
        assert_eq!(run(10), Ending::Committed, "{flows}");
        if std::env::var_os("WEIR_TEST_STORE").is_some() {
            // Only SQLite tells how much it looked at; on a server the time is what bounds a query.
            eprintln!("not run on a server: what a query looks at isn't counted there");
            continue;
        }
        assert!(matches!(run(5_000), Ending::Fault(fault) if fault.code == Code::F12), "{flows}");
    }
}
