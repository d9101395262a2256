//! Files and stores: what is committed stays, what isn't doesn't; loading, reloading, saving.

use std::fs;

use super::{RULES, folder, piped, weir};

#[test]
fn only_what_is_committed_stays_in_the_store() {
    let folder = folder(&[("rules.flow", RULES)]);
    let run = |script: &str| piped(folder.path(), &["rules.flow", "--store", "sqlite:data.db"], script);
    let first = run(
        "create account { name = \"Kept\" }\n:commit\ncreate account { name = \"Lost\" }\nentity note { text text(9) }\ncreate note { text = \"x\" }\n",
    );
    assert_eq!(first.code, 0, "{}", first.err);
    assert!(first.out.ends_with("not kept   2 operations that `:commit` would have kept\n"), "{}", first.out);
    let second = run("count(account)\nlet kept = account[\"Kept\"]\n:rollback\n:commit\n");
    assert_eq!(second.out, "1\nkept = account \"Kept\"\nnothing to roll back\nnothing to commit\n");
}

#[test]
fn a_store_on_disk_refuses_what_its_records_cannot_follow() {
    let folder = folder(&[("rules.flow", RULES)]);
    let run = |script: &str| piped(folder.path(), &["rules.flow", "--store", "sqlite:data.db"], script);
    assert_eq!(run("create account { name = \"Kept\" }\n:commit\n").code, 0);
    let gave = run(
        "entity account {\n  name date\n  revenue money\n  creditlimit money\n  onhold boolean = false\n  industry choice { banking = 1 }\n}\ncount(account)\nentity other { name text(9) }\ncreate other { name = \"a\" }\n:commit\n",
    );
    assert_eq!(gave.code, 4, "{}", gave.out);
    assert!(gave.err.contains("the store can't take that: `account.name` was `text`"), "{}", gave.err);
    assert!(gave.out.starts_with("1\ndeclared entity other\n"), "the old one stands: {}", gave.out);
}

#[test]
fn what_was_typed_is_saved_as_a_test_that_passes() {
    let folder = folder(&[("rules.flow", RULES)]);
    let script = r#"entity note {
  text    text(20)
  account lookup account
}
:now 2026-03-01
let acme = create account { name = "Ac\"me \{x\}", industry = banking, revenue = 2_000_000 }
acme.onhold
acme.industry
acme.parent
update acme { revenue = 9_000_000 }
let gone = create account { name = "Gone" }
:undo
user "alice" {}
:as alice
let note = create note { text = "by alice", account = acme }
:as
note.account.revenue
now
today
create account { revenue = 1 }
mistake
:advance 2 days
today > 2026-03-02
:save saved.flow
:save saved.flow
"#;
    let gave = piped(folder.path(), &["rules.flow"], script);
    assert_eq!(gave.code, 2, "{}{}", gave.out, gave.err);
    assert!(gave.err.ends_with("`saved.flow` is there already: name another file\n"), "{}", gave.err);
    insta::assert_snapshot!(fs::read_to_string(folder.path().join("saved.flow")).unwrap());
    let test = weir(folder.path(), &["test", "."]).output().unwrap();
    assert!(test.status.success(), "{}", String::from_utf8_lossy(&test.stdout));
    assert!(String::from_utf8_lossy(&test.stdout).contains("1 passed, 0 failed"));
    let format = weir(folder.path(), &["fmt", "--check", "saved.flow"]).output().unwrap();
    assert!(format.status.success(), "it is laid out as every file is");
}

/// Runs the tests of a folder, all of which pass.
fn passes(folder: &std::path::Path) {
    let test = weir(folder, &["test", "."]).output().unwrap();
    assert!(test.status.success(), "{}", String::from_utf8_lossy(&test.stdout));
}

#[test]
fn what_flows_gave_and_what_was_looked_at_is_held() {
    let audit = "entity note { text text(20)  account lookup account }\n\
        flow Notes on account {\n  trigger update(onhold)\n  create note { text = name, account = this }\n}\n\
        flow Reminds on account {\n  mode background\n  trigger create\n  wait 2 days\n  set creditlimit = 7\n}\n";
    let folder = folder(&[("rules.flow", &format!("{RULES}\n{audit}"))]);
    let script = r#":now 2026-02-01
let acme = create account { name = "Acme", industry = banking, revenue = 2_000_000 }
acme
update acme { name = "Other" }
update acme { onhold = false }
let note = note["Acme"]
let found = create note { text = "mine", account = acme }
found
:commit
:advance 3 days
acme.creditlimit
:save saved.flow
"#;
    let gave = piped(folder.path(), &["rules.flow"], script);
    assert_eq!(gave.code, 1, "the record that isn't there is told of: {}{}", gave.out, gave.err);
    insta::assert_snapshot!(fs::read_to_string(folder.path().join("saved.flow")).unwrap());
    passes(folder.path());
}

#[test]
fn a_name_that_is_given_again_is_another_one_in_the_test() {
    let folder = folder(&[("rules.flow", RULES)]);
    let script = r#"let acme = create account { name = "First" }
let acme = create account { name = "{acme.name} and second", parent = acme }
let acme2 = create account { name = "Third", parent = acme }
let acme = create account { name = "Fourth", parent = acme2 }
acme.parent.parent.parent.name
count(account where parent == acme2 and name == "Fourth")
"{acme.name} {acme2.name}"
user "alice" {}
as "alice" { let who = caller.fullname }
let who = "nobody"
who
:save saved.flow
"#;
    let gave = piped(folder.path(), &["rules.flow"], script);
    assert_eq!((gave.code, gave.err.as_str()), (0, ""), "{}", gave.out);
    assert!(gave.out.ends_with("saved      saved.flow: `weir test` runs it\n"), "{}", gave.out);
    insta::assert_snapshot!(fs::read_to_string(folder.path().join("saved.flow")).unwrap());
    passes(folder.path());
}

#[test]
fn any_number_of_changes_of_who_acts_is_saved() {
    let folder = folder(&[("rules.flow", RULES)]);
    let turn = |number: usize| {
        let (who, name) = if number.is_multiple_of(2) { (":as alice", "a") } else { (":as", "b") };
        format!("{who}\nlet {name}{number} = create account {{ name = \"{number}\" }}\n")
    };
    let turns: String = (0..80).map(turn).collect();
    let gave = piped(
        folder.path(),
        &["rules.flow"],
        &format!(
            "role Sales {{ privilege create, read, write on account at organization }}\nuser \"alice\" {{}}\nuser \"alice\" {{ role Sales, team \"Day\" }}\n{turns}a0.name\n:save saved.flow\n"
        ),
    );
    assert!(gave.out.ends_with("saved      saved.flow: `weir test` runs it\n"), "{}{}", gave.out, gave.err);
    let saved = fs::read_to_string(folder.path().join("saved.flow")).unwrap();
    assert_eq!(saved.matches("as \"alice\" {").count(), 40, "{saved}");
    assert_eq!(saved.matches("user \"alice\" { role Sales, team \"Day\" }").count(), 1, "named twice, and once in a test: {saved}");
    assert!(saved.lines().all(|line| !line.starts_with("      ")), "nothing nests: {saved}");
    passes(folder.path());
}

#[test]
fn a_clock_that_went_back_is_told_of() {
    let folder = folder(&[("rules.flow", RULES)]);
    let script =
        ":now 2026-03-01\nlet a = create account { name = \"A\" }\n:now 2026-02-01\ntoday\n:now 2026-04-01\ntoday\n:save saved.flow\n";
    let gave = piped(folder.path(), &["rules.flow"], script);
    let told = "saved      saved.flow, without 1 value that hangs on this session: `weir test` runs it\n           \
        without `:now 2026-02-01T00:00:00Z`: the clock of a test only goes on, and it is 2026-03-01T00:00:00Z there by then\n";
    assert!(gave.out.ends_with(told), "{}{}", gave.out, gave.err);
    let saved = fs::read_to_string(folder.path().join("saved.flow")).unwrap();
    assert!(saved.contains("expect today == 2026-04-01") && !saved.contains("2026-02-01"), "{saved}");
    passes(folder.path());
}

#[test]
fn what_would_not_pass_is_not_saved() {
    let folder = folder(&[("rules.flow", RULES)]);
    let run = |script: &str| piped(folder.path(), &["rules.flow", "--store", "sqlite:data.db"], script);
    assert_eq!(run("create account { name = \"Old\" }\n:commit\n").code, 0);
    let gave = run("update account[\"Old\"] { revenue = 3 }\n:save saved.flow\n");
    assert_eq!(gave.code, 1);
    assert!(gave.err.starts_with("not saved: in a fresh store `update account"), "{}", gave.err);
    assert!(!folder.path().join("saved.flow").exists());
}

#[test]
fn files_are_loaded_as_if_they_were_typed() {
    let more = "entity note { text text(20) }\nlet note = create note { text = \"x\" }\nnote.text\n";
    let folder = folder(&[("rules.flow", RULES), ("more.txt", more), ("loop.txt", ":load loop.txt\n"), ("bad.txt", "1\nnonsense\n2\n")]);
    let gave = piped(folder.path(), &["rules.flow"], ":load more.txt\nnote.text\n:load bad.txt\n:load loop.txt\n");
    assert_eq!(gave.out, "declared entity note\ncommitted  note \"x\" · no flow ran\n\"x\"\n\"x\"\n1\n");
    assert!(gave.err.contains("bad.txt:2:1"), "{}", gave.err);
    assert!(gave.err.ends_with("files may load files no deeper than that\n"), "{}", gave.err);
}

#[test]
fn a_loaded_file_ends_at_what_failed() {
    let fails = "let x = create account { name = \"X\" }\ndelete x\nupdate x { name = \"Y\" }\n";
    let expected = format!("{fails}expect fault F06\ncreate account {{ name = \"A\" }}\n");
    let unexpected = format!("{}create account {{ name = \"B\" }}\n", fails.replace('x', "y"));
    let folder = folder(&[("rules.flow", RULES), ("expected.txt", &expected), ("fails.txt", &unexpected)]);
    // A failure from before is none of the file.
    let before = fails.replace('x', "z");
    let gave =
        piped(folder.path(), &["rules.flow"], &format!("{before}:load expected.txt\ncount(account)\n:load fails.txt\ncount(account)\n"));
    assert_eq!(gave.out.lines().filter(|line| *line == "1").count(), 2, "{}", gave.out);
    assert_eq!((gave.out.lines().last(), gave.code), (Some("1"), 1), "{} {}", gave.out, gave.err);
}

#[test]
fn reloading_keeps_what_was_typed_and_the_records() {
    let folder = folder(&[("rules.flow", RULES)]);
    let flow = "flow Extra on account {\n  trigger create\n  stage pre-operation\n  rank 5\n  set onhold = true\n}\n";
    let script = format!("{flow}let a = create account {{ name = \"A\" }}\n:reload\na.onhold\ncreate account {{ name = \"B\" }}\n");
    let gave = piped(folder.path(), &["rules.flow"], &script);
    assert_eq!(
        gave.out,
        "declared flow Extra\ncommitted  account \"A\" · ran CreditHold, Extra\nreloaded   2 flows\ntrue\ncommitted  account \"B\" · ran CreditHold, Extra\n"
    );
}
