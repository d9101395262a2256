//! Records that are named by their keys: in lookups, as the record of an operation, with several kinds of targets, and where none or several fit.

use super::{Case, told};

const RULES: &str = r#"entity account {
  name text(40) required
  code text(10)
  parent lookup account
  key (code)
}

entity contact {
  email text(40) required
  code  text(10)
  phone text(20)
  key (email)
  key (phone)
}

entity visit {
  title   text(40) required
  account lookup account
  contact lookup contact
  whom    lookup account | contact
  key (account, title)
}

entity ring {
  next lookup ring
  key (next)
}
"#;

fn case() -> Case {
    let case = Case::new();
    case.write("rules.flow", RULES);
    let text = "name,code\nAcme,A1\nNova,N1\n";
    case.write("a.csv", text);
    assert!(case.run("a.csv --entity account --store sqlite:o.db").0.starts_with("2 committed"));
    case.write("c.csv", "email,code,phone\nanna@example.com,A1,555\n");
    assert!(case.run("c.csv --entity contact --store sqlite:o.db").0.starts_with("1 committed"));
    case
}

#[test]
fn a_cell_that_is_no_id_is_the_value_of_a_key() {
    let case = case();
    case.write("v.csv", "title,account,contact,whom\none,A1,,account:N1\ntwo,X9,,\nthree,,555,\nfour,,,A1\nfive,,,contact:555\n");
    let (told, code) = case.run("v.csv --entity visit --store sqlite:o.db --rejects r.csv");
    for words in [
        "v.csv:3: error[F17]: `account`: there is no `account` with `code` `X9`",
        "v.csv:4: error[O0107]: `contact`: `555` is not an id (a uuid is wanted), and `contact` has several keys of one field",
        "v.csv:5: error[O0107]: `whom`: `A1` needs its entity before it",
        "1 committed, 0 stopped, 4 faults",
    ] {
        assert!(told.contains(words), "{words} in {told}");
    }
    assert_eq!(code, 1);
    assert!(case.read("r.csv").contains("two,X9,,,"), "a reject keeps what was written");
    // Within a batch, what was done before counts.
    case.write("a.csv", "name,code,parent\nUp,U1,\nDown,D1,U1\n");
    assert!(case.run("a.csv --entity account --store sqlite:o.db --batch 10").0.starts_with("2 committed"));
    case.write("u.csv", "account,title,contact\nA1,one,\nA1,none,\n");
    let (told, _) = case.run("u.csv --entity visit --message update --store sqlite:o.db");
    assert!(told.contains("1 committed, 0 stopped, 1 fault") && told.contains("u.csv:3: error[F17]: there is no `visit`"), "{told}");
    let (told, _) = case.run("u.csv --entity ring --message update --store sqlite:o.db");
    assert!(told.contains("an update wants a column `id` or `ringid`") && told.contains("columns for a key of `ring`: `(next)`"), "{told}");
    case.write("d.csv", "id\nD1\nU1\nN9\n");
    let (told, _) = case.run("d.csv --entity account --message delete --store sqlite:o.db");
    assert!(told.contains("2 committed, 0 stopped, 1 fault") && told.contains("d.csv:4: error[F17]"), "{told}");
    case.write("r.csv", "next\nx\n");
    let (told, _) = case.run("r.csv --entity ring --store sqlite:o.db");
    assert!(told.contains("r.csv:2: error[O0107]") && told.contains("keys refer to one another more than 8 deep"), "{told}");
}

#[test]
fn an_object_is_the_key_of_the_entity_that_has_it() {
    let case = case();
    let create = |attributes: &str| format!(r#"{{"message":"Create","entity":"visit","attributes":{{"title":"t",{attributes}}}}}"#) + "\n";
    let lines = [
        r#""account":{"code":"A1"}"#,
        r#""account":"N1""#,
        r#""whom":{"email":"anna@example.com"}"#,
        r#""whom":{"code":"A1"}"#,
        r#""whom":{"title":"A1"}"#,
        r#""account":{"code":null}"#,
        r#""account":{"codes":"A1"}"#,
        r#""account":{"parent":{"code":"A1"}}"#,
        r#""account":["A1"]"#,
    ];
    case.write("v.jsonl", &lines.map(create).concat());
    let (told, _) = case.run("v.jsonl --store sqlite:o.db --record r.weir");
    for words in [
        "v.jsonl:5: error[O0107]: `whom`: these are the fields of no key of `account` and `contact`",
        "v.jsonl:6: error[F17]: `account`: records of `account` are named by their ids or by the fields of a key, none of them empty",
        "v.jsonl:7: error[O0106]: `account`: `account` has no field `codes`; did you mean `code`?",
        "v.jsonl:8: error[F17]: `account`: records of `account` are named by",
        "v.jsonl:9: error[O0107]: `account`: an id is wanted, not a list",
        "4 committed, 0 stopped, 5 faults",
    ] {
        assert!(told.contains(words), "{words} in {told}");
    }
    let mut replay = std::process::Command::new(env!("CARGO_BIN_EXE_weir"));
    let (said, code) = told_of(replay.args(["replay", "r.weir"]).current_dir(case.dir.path()));
    assert_eq!(code, 0, "what was recorded has the ids: {said}");
}

fn told_of(command: &mut std::process::Command) -> (String, i32) {
    told(&command.output().unwrap())
}
