//! Lines from a pipe: what they give, where it goes, and the exit code.

use super::{Gave, RULES, folder, piped};

fn rules(script: &str) -> Gave {
    let folder = folder(&[("rules.flow", RULES)]);
    piped(folder.path(), &["rules.flow"], script)
}

/// Holds everything that a script gives against its snapshot, without ids and times.
fn hold(name: &str, gave: &Gave) {
    let all = format!("{}--- complaints\n{}--- exit {}\n", gave.out, gave.err, gave.code);
    let filters = vec![("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", "ID"), (r"  \([0-9.]+ (µs|ms)\)", "")];
    insta::with_settings!({ filters => filters }, { insta::assert_snapshot!(name, all) });
}

#[test]
fn operations_values_and_what_became_of_them() {
    let gave = rules(
        r#"// Remarks and empty lines give nothing.

let acme = create account { name = "Acme", industry = banking, revenue = 2_000_000 }
acme
acme.onhold
acme.industry
acme.parent
update acme {
  revenue = 9_000_000
}
expect stopped "Exposure 9000000 is over the limit."
acme.revenue
count(account where revenue > 5)
let half = (acme.revenue ?? 0) / 2
"{acme.name}: {half}"
let acme = create account { name = "Other", parent = acme }
acme.parent.name
delete acme
acme.name
"#,
    );
    hold("operations_values_and_what_became_of_them", &gave);
}

#[test]
fn what_is_wrong_is_told_with_carets_into_the_script() {
    let gave = rules(
        r#"acme.name
creat account { name = "A" }
create account { name = 3 }
let n = 1
n / (n - 1)
create account { revenue = 3 }
expect n == 2
entity account { name text(10 required }
flow F on nowhere { trigger create set x = 1 }
show "never closed
) (
count(account)
"#,
    );
    hold("what_is_wrong_is_told_with_carets_into_the_script", &gave);
}

#[test]
fn a_quote_that_is_not_closed_takes_only_its_line() {
    let gave = rules("create account { name = \"x }\ncount(account)\ncreate account {\n  name = \"y,\ncount(account)\n");
    assert_eq!(gave.out, "0\n0\n");
    let places: Vec<&str> = gave.err.lines().filter_map(|line| line.split_once("<stdin>:")).map(|(_, place)| place).collect();
    assert_eq!(places, ["1:25", "4:10"], "{}", gave.err);
    assert_eq!(gave.err.matches("error[E0102]").count(), 2, "{}", gave.err);
}

#[test]
fn what_is_too_long_is_refused_and_what_is_never_whole_ends() {
    let long = format!("1{}\n", "+1".repeat(4 << 20));
    let gave = rules(&format!("{long}2\n"));
    assert_eq!((gave.out.as_str(), gave.err.lines().count()), ("2\n", 1), "{:.300}", gave.err);
    assert!(gave.err.contains("longer than 1 MiB"), "{:.300}", gave.err);
    let gave = rules(&format!("{}\n\n2\n", "let a = 1 +\n".repeat(4_000)));
    assert!(gave.out.ends_with("2\n"), "{:.300}", gave.err);
}

#[test]
fn the_name_of_an_entity_lists_its_records() {
    let mut script =
        String::from(":now 2026-03-01\nlet acme = create account { name = \"Acme\", revenue = 2_000_000, industry = banking }\n");
    for number in 1..=30 {
        script += &format!("create account {{ name = \"N{number:02}\", revenue = {number}, parent = acme }}\n");
    }
    let before = script.lines().count();
    script += r#"account where revenue > 27 order by revenue descending
:list account where parent == acme and revenue <= 2
account order by name limit 3
account
account where name == "none"
let account = acme
account.name
:list account limit 1
account where nam == 3
:list nothing
:list account where
:list account { name = 3 }
:list
count(account where revenue > 5)
"#;
    let gave = rules(&script);
    let out: Vec<&str> = gave.out.lines().skip(before).collect();
    hold("the_name_of_an_entity_lists_its_records", &Gave { out: out.join("\n") + "\n", ..gave });
}

#[test]
fn what_looks_like_an_assignment_teaches_let_and_update() {
    let gave = rules(
        r#"l = 2
l += 2
let acme = create account { name = "Acme" }
acme.parent.name := "Nova"
acme.revenue += 5
acme = 3
set name = "Nova"
acme.name == "Acme"
this = 3
"#,
    );
    hold("what_looks_like_an_assignment_teaches_let_and_update", &gave);
}

#[test]
fn a_list_shows_what_who_acts_may_see() {
    let gave = rules(
        "role Own { privilege create, read on account at user }\nuser \"alice\" { role Own }\ncreate account { name = \"Hidden\" }\n\
         :as alice\ncreate account { name = \"Seen\" }\naccount\n",
    );
    assert!(gave.out.ends_with("name  onhold\nSeen  false\n1 record\n"), "{}{}", gave.out, gave.err);
}

#[test]
fn undoing_leaves_who_acts_alone() {
    let made = "let a = create account { name = \"A\" }\n";
    let who = "caller.fullname\n";
    let gave = rules(&format!("user \"alice\" {{}}\n:as alice\n{made}:as\n:undo\n{who}"));
    assert!(gave.out.ends_with("undone     let a = create account { name = \"A\" }\n\"System Administrator\"\n"), "{}", gave.out);
    let gave = rules(&format!("user \"alice\" {{}}\n{made}:as alice\n:undo\n{who}:undo\n{who}"));
    let end = "\"alice\"\nundone     user \"alice\" {}\nas         System Administrator\n\"System Administrator\"\n";
    assert!(gave.out.ends_with(end), "{}", gave.out);
}

#[test]
fn words_of_other_prompts_are_understood() {
    let gave = rules("help undo\n? undo\nlet exit = 3\nexit\nlet help = 4\nhelp\nquit\nnonsense\n");
    let help = ":undo \n  go back over the last change\n";
    assert_eq!((gave.out, gave.code), (format!("{help}{help}exit = 3\n3\nhelp = 4\n4\n"), 0));
    assert_eq!(rules("exit\nnonsense\n").code, 0);
    assert!(rules("?\n").out.starts_with(":help"));
}

#[test]
fn a_false_expect_shows_what_its_parts_are() {
    let gave = rules("let n = 3\nexpect n + 1 == 5\nexpect n == 3\nexpect 1 / (n - 3) == 1\nexpect ran CreditHold\n");
    hold("a_false_expect_shows_what_its_parts_are", &gave);
}

#[test]
fn a_long_trace_is_cut() {
    let accounts = format!("create account {}\n", ["{ name = \"A\" }"; 200].join(", "));
    let gave = rules(&format!("{accounts}:trace\n"));
    assert!(gave.out.lines().count() < 210, "{}", gave.out.lines().count());
    assert!(gave.out.ends_with("lines more: `:why FLOW` tells the part of one flow\n"), "{:.2000}", gave.out);
}

#[test]
fn commands_say_what_they_take() {
    let gave = rules(":describe\n:explain\n:now 9999-12-31\n");
    assert_eq!(
        gave.err,
        "`:describe` takes the name of an entity; `:entities` lists them\n`:explain` takes a code: `:explain F29`\n`9999-12-31` is too far away for a clock; a date like `2026-01-31` does too\n"
    );
}

#[test]
fn declarations_are_typed_replaced_and_refused() {
    let gave = rules(
        r#"let acme = create account { name = "Acme" }
/// People.
entity contact {
  fullname text(100) required
  account  lookup account
}
let jo = create contact { fullname = "Jo", account = acme }
jo.account.name
flow Shout on contact {
  trigger create
  stage   pre-operation
  set fullname = upper(fullname ?? "")
}
create contact { fullname = "al" }
flow Shout on contact {
  trigger create
  stage   pre-operation
  set fullname = lower(fullname ?? "")
}
let di = create contact { fullname = "DI" }
di.fullname
entity account { name text(160) required }
acme.onhold
:entities
entity contact {
  fullname integer
}
:entities
jo
entity note { body text(20) }
let one = create note { body = "x" }
entity note { body text(20) size integer }
one.body
entity note { body integer }
count(note)
one
"#,
    );
    hold("declarations_are_typed_replaced_and_refused", &gave);
}

#[test]
fn the_transaction_goes_back_and_on() {
    let gave = rules(
        r#"let a = create account { name = "A" }
:commit
let b = create account { name = "B" }
update a { revenue = 5 }
let n = 3
:undo
n
:undo
a.revenue
b.name
:undo
b
count(account)
create account { name = "C" }
:rollback
count(account)
:rollback
:undo
entity note { text text(20) }
let t = create note { text = "x" }
:rollback
create note { text = "y" }
count(note)
"#,
    );
    hold("the_transaction_goes_back_and_on", &gave);
}

#[test]
fn users_and_the_clock() {
    let gave = rules(
        r#":now 2026-01-31
:advance 3 days
now
today
advance 1 month
:undo
today
:now yesterday
:as alice
user "alice" {}
:as alice
let own = create account { name = "Own" }
caller == own.createdby
:as
own.createdby
as "alice" {
  create account { name = "Inside" }
  create account { name = "Large", revenue = 7_000_000 }
}
"#,
    );
    hold("users_and_the_clock", &gave);
}

#[test]
fn commands_that_look() {
    let gave = rules(
        r#":trace
create account { name = "Acme", revenue = 2_000_000, industry = banking }
:trace
:why CreditHold
let acme = account["Acme"]
update acme { name = "Acme & Sons" }
:why CreditHold
delete acme
:why CreditHold
:why CreditHeld
:order account update revenue
:dis CreditHold
:effects CreditHold
:type acme.revenue
:type acme
:type 1 + "a"
:describe account
:describe acount
:explain F29
:bogus
:de account
"#,
    );
    hold("commands_that_look", &gave);
}

#[test]
fn help_has_a_line_for_every_command() {
    let gave = rules(":help\n:help undo\n");
    hold("help_has_a_line_for_every_command", &gave);
    assert!(gave.out.lines().all(|line| line.chars().count() <= 80), "it fits a terminal");
}

#[test]
fn exit_codes_are_those_of_the_contract() {
    let stop = "create account { name = \"A\", revenue = 9_000_000 }\n";
    assert_eq!(rules("count(account)\n").code, 0);
    assert_eq!(rules("").code, 0);
    assert_eq!(rules(stop).code, 3, "a stop that nobody expected");
    assert_eq!(rules(&format!("{stop}expect stopped\n")).code, 0, "a stop that was expected");
    assert_eq!(rules(&format!("{stop}count(account)\n:quit\nnonsense\n")).code, 3, "nothing is read behind `:quit`");
    assert_eq!(rules("create account { revenue = 1 }\n").code, 1, "a fault");
    assert_eq!(rules("expect 1 == 2\n").code, 1);
    assert_eq!(rules("acme\n").code, 1);
    assert_eq!(rules(&format!("{stop}acme\n")).code, 1, "the worst wins");
    assert_eq!(rules(":bogus\nacme\n").code, 2);
    assert_eq!(rules(":load nowhere\n:bogus\n").code, 4);
    let folder = folder(&[("bad.flow", "entity a { b nothing }"), ("store.db", "this is no database, but long enough to be looked at")]);
    assert_eq!(piped(folder.path(), &["bad.flow"], "1\n").code, 1);
    assert_eq!(piped(folder.path(), &["nowhere.flow"], "1\n").code, 4);
    assert_eq!(piped(folder.path(), &["--store", "nonsense", "bad.flow"], "1\n").code, 1);
    let empty = super::folder(&[]);
    assert_eq!(piped(empty.path(), &[], "1 + 1\n").out, "2\n", "no project is needed");
    assert_eq!(piped(empty.path(), &["--store", "nonsense"], "1\n").code, 2);
    assert_eq!(piped(folder.path(), &["--store", "sqlite:store.db", "--", "."], "1\n").code, 1);
}

#[test]
fn nothing_typed_breaks_it() {
    let deep = "(".repeat(5_000);
    let long = format!("1 {}", "+ 1".repeat(3_000));
    let open = "create account {\n".repeat(2_000);
    for script in [
        "\u{0}\n",
        "\u{feff}1\n",
        "🦀\n:🦀\n:\n",
        ":type\n:type create\n:why\n:order\n:dis\n:save\n:load\n:advance x\n:now x\n",
        &deep,
        &long,
        &open,
    ] {
        let gave = rules(script);
        assert!((0..=2).contains(&gave.code), "{script:.20} gives {}: {:.300}", gave.code, gave.err);
        assert!(!gave.err.contains("panicked"), "{}", gave.err);
    }
}

#[test]
fn jobs_run_once_what_queued_them_is_kept() {
    let folder = folder(&[(
        "later.flow",
        "entity note { body text(20) required done boolean = false }\nflow Later on note {\n  mode background\n  trigger create\n  wait 2 days\n  set done = true\n}\n",
    )]);
    let script = "let a = create note { body = \"x\" }\nadvance 1 day\nrun jobs\n:commit\nrun jobs\na.done\n:advance 3 days\na.done\nexpect job Later succeeded\n";
    hold("jobs_run_once_what_queued_them_is_kept", &piped(folder.path(), &["later.flow"], &format!(":now 2026-01-31\n{script}")));
}

const OUTSIDE: &str = "entity note { body text(20) required  done boolean = false  kind choice { bank = 1, shop = 2 } }
flow Later on note {
  mode background
  trigger create
  wait 2 days
  set done = true
}
plugin Bureau on note {
  trigger update(body)
  stage   pre-operation
  reads   body
  sets    kind
  via     host
}
";

#[test]
fn jobs_are_listed_and_what_is_due_is_said_to_wait_for_the_commit() {
    let folder = folder(&[("later.flow", OUTSIDE)]);
    let script = ":now 2026-01-31\n:jobs\nlet a = create note { body = \"x\" }\n:jobs\n:advance 1 day\n:commit\nrun jobs\nrun jobs\n:jobs\n:advance 3 days\n:jobs\n:jobs Later\n:jobs Bureau\n:jobs Nobody\n";
    hold("jobs_are_listed_and_what_is_due_is_said_to_wait_for_the_commit", &piped(folder.path(), &["later.flow"], script));
}

#[test]
fn a_fake_stands_in_for_code_outside_until_it_no_longer_fits() {
    let folder = folder(&[("later.flow", OUTSIDE)]);
    let script = "let a = create note { body = \"x\" }\nupdate a { body = \"y\" }\nfake Bureau { set kind = shop }\nupdate a { body = \"z\" }\na.kind\nfake Later { log \"x\" }\n\
        entity other { n text(5) }\nupdate a { body = \"zz\" }\nexpect ran Bureau\n:save saved.flow\n\
        plugin Bureau on note { trigger update(body) stage pre-operation reads body sets done via host }\nupdate a { body = \"q\" }\n";
    let gave = piped(folder.path(), &["later.flow"], script);
    hold("a_fake_stands_in_for_code_outside_until_it_no_longer_fits", &gave);
    let saved = std::fs::read_to_string(folder.path().join("saved.flow")).unwrap();
    assert!(saved.contains("fake Bureau {\n    set kind = shop\n  }") || saved.contains("fake Bureau { set kind = shop }"), "{saved}");
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_weir")).current_dir(folder.path()).args(["test", "."]).output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{saved}{}", String::from_utf8_lossy(&run.stdout));
}
