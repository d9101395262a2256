//! The prompt at a real pseudo-terminal: typing, completing, several lines, history, interrupting.
//!
//! What a person sees is looked for in the order in which it appears; every wait is for a text, never for a time.

use std::io::Write;
use std::path::Path;

use rexpect::error::Error;
use rexpect::session::{PtySession, spawn_command};

use super::{RULES, folder, weir};

/// How long one look for a text lasts, in milliseconds, and how many there are before it is given up: far longer than it takes.
const LOOK: u64 = 500;
const LOOKS: usize = 240;

const CONTROL_C: &str = "\u{3}";
const CONTROL_D: &str = "\u{4}";
const UP: &str = "\u{1b}[A";

/// A prompt in a folder, without colours unless they are asked for.
fn prompt(folder: &Path, arguments: &[&str], colours: bool) -> PtySession {
    let mut command = weir(folder, &[&["repl"], arguments].concat());
    command.env("TERM", "xterm-256color");
    if !colours {
        command.env("NO_COLOR", "1");
    }
    let mut session = spawn_command(command, Some(LOOK)).unwrap();
    sees(&mut session, "weir> ");
    session
}

fn rules(arguments: &[&str]) -> (tempfile::TempDir, PtySession) {
    let folder = folder(&[("rules.flow", RULES)]);
    let session = prompt(folder.path(), &[&["rules.flow"], arguments].concat(), false);
    (folder, session)
}

/// Types without Enter.
fn keys(session: &mut PtySession, text: &str) {
    session.send(text).unwrap();
    session.flush().unwrap();
}

/// Pastes a text as terminals do, and Enter behind it.
fn paste(session: &mut PtySession, text: &str) {
    keys(session, &format!("\u{1b}[200~{text}\u{1b}[201~\r"));
}

/// Types a line, and waits for something of the answer and for the next prompt: only then keys are read one by one again.
fn ask(session: &mut PtySession, text: &str, answer: &str) {
    keys(session, &format!("{text}\r"));
    sees(session, answer);
    prompted(session);
}

/// Types a line, and waits for a line that is nothing but this.
fn gives(session: &mut PtySession, text: &str, value: &str) {
    ask(session, text, &format!("\n{value}\r\n"));
}

/// Drops what is typed.
fn drops(session: &mut PtySession) {
    keys(session, CONTROL_C);
    prompted(session);
}

fn prompted(session: &mut PtySession) {
    sees(session, "\u{1b}[?2004h");
    sees(session, "> ");
}

fn sees(session: &mut PtySession, text: &str) {
    for _ in 0..LOOKS {
        match session.exp_string(text) {
            Ok(_) => return,
            Err(Error::Timeout { .. }) => {}
            Err(error) => panic!("`{text}` never came: {error}"),
        }
    }
    panic!("`{text}` never came: {:?}", session.exp_string(text));
}

fn leaves(mut session: PtySession) {
    keys(&mut session, CONTROL_D);
    let gone = (0..LOOKS).any(|_| !matches!(session.exp_eof(), Err(Error::Timeout { .. })));
    assert!(gone, "it stays");
    let status = session.process().wait().unwrap();
    assert!(format!("{status:?}").ends_with(", 0)"), "{status:?}");
}

#[test]
fn it_greets_answers_and_leaves() {
    let (_folder, mut session) = rules(&[]);
    ask(&mut session, "let acme = create account { name = \"Acme\", revenue = 2_000_000 }", "ran CreditHold");
    gives(&mut session, "acme.revenue", "2000000");
    ask(&mut session, "update acme { revenue = 9_000_000 }", "stopped    by CreditHold: Exposure 9000000 is over the limit.");
    ask(&mut session, "acme.revnue", "did you mean `revenue`?");
    leaves(session);
}

#[test]
fn what_is_not_whole_goes_on_in_the_next_line() {
    let (_folder, mut session) = rules(&[]);
    keys(&mut session, "let acme = create account {\r");
    keys(&mut session, "  name = \"Acme\"\r");
    ask(&mut session, "}", "committed  account \"Acme\"");
    keys(&mut session, "flow Extra on account {\r\r  trigger create\r  stage pre-operation\r  set onhold = true\r");
    ask(&mut session, "}", "declared flow Extra");
    keys(&mut session, "1 +\r");
    gives(&mut session, "2", "3");
    // An empty line says that there is no more.
    keys(&mut session, "1 +\r");
    ask(&mut session, "", "error[");
    leaves(session);
}

#[test]
fn a_quote_that_is_not_closed_ends_with_its_line() {
    let (_folder, mut session) = rules(&[]);
    ask(&mut session, "create account { name = \"x }", "error[E0102]");
    gives(&mut session, "count(account)", "0");
    leaves(session);
}

#[test]
fn what_is_pasted_runs_line_by_line() {
    let (_folder, mut session) = rules(&[]);
    paste(&mut session, "let y1 = 1\rlet y2 =\r  2\ry1 + y2\r\r:as\r\"at its end\"");
    for answer in ["y1 = 1", "y2 = 2", "\n3\r\n", "as         System", "\n\"at its end\"\r\n"] {
        sees(&mut session, answer);
    }
    prompted(&mut session);
    // It ends at what fails, as a file does; and what isn't whole goes on.
    paste(&mut session, "let z1 = 1\rnonsense\rlet z1 = 2");
    sees(&mut session, "error[");
    sees(&mut session, "not run    line 3 and what follows");
    prompted(&mut session);
    gives(&mut session, "z1", "1");
    paste(&mut session, "let a = create account {\r  name = \"A\"");
    ask(&mut session, "}", "committed  account \"A\"");
    leaves(session);
}

#[test]
fn keys_that_come_while_a_line_runs_are_not_lost() {
    let (_folder, mut session) = rules(&[]);
    keys(&mut session, "let y1 = 1\rlet y2 = 2\ry1 + y2\r");
    for answer in ["y1 = 1", "y2 = 2", "\n3\r\n"] {
        sees(&mut session, answer);
    }
    prompted(&mut session);
    leaves(session);
}

#[test]
fn tab_completes_by_what_stands_there() {
    let (_folder, mut session) = rules(&[]);
    // Statement, entity, field, option, field: each by its first letters.
    ask(&mut session, "let acme = create acc\t { na\t = \"Acme\", ind\t = ban\t, rev\t = 3 }", "committed  account \"Acme\"");
    gives(&mut session, "acm\t.rev\t", "3");
    gives(&mut session, "count(acco\t whe\t indu\t == ban\t)", "1");
    ask(&mut session, "update acm\t { onh\t = tr\t }", "committed");
    ask(&mut session, ":desc\t acco\t", "money");
    ask(&mut session, ":why Cre\t", "neither");
    // Two may be meant: they are listed, with their types.
    keys(&mut session, "acme.created\t\t");
    sees(&mut session, "createdby: lookup");
    sees(&mut session, "createdon: datetime");
    drops(&mut session);
    keys(&mut session, "flow New on acc\t {\r  trig\t upd\t(onh\t)\r  stag\t post-op\t\r  lo\t \"done\"\r");
    ask(&mut session, "}", "declared flow New");
    leaves(session);
}

#[test]
fn what_a_let_is_given_is_completed_too() {
    let (_folder, mut session) = rules(&[]);
    ask(&mut session, "let acme = cr\t acc\t { na\t = \"Acme\" }", "committed  account \"Acme\"");
    ask(&mut session, ":expl F2\t9", "F29");
    ask(&mut session, ":descr acco\t", "money");
    keys(&mut session, "let b = \t\t");
    for word in ["acme", "create", "perform", "upsert"] {
        sees(&mut session, word);
    }
    drops(&mut session);
    leaves(session);
}

#[test]
fn the_page_of_a_code_is_laid_out_for_a_terminal() {
    let folder = folder(&[("rules.flow", RULES)]);
    let mut session = prompt(folder.path(), &["rules.flow"], true);
    keys(&mut session, ":explain E0102\r");
    sees(&mut session, "\u{1b}[1mE0102: ");
    sees(&mut session, "\r\n    \u{1b}[2m");
    prompted(&mut session);
    leaves(session);
}

#[test]
fn a_hint_tells_the_type() {
    let (_folder, mut session) = rules(&[]);
    ask(&mut session, "let acme = create account { name = \"Acme\" }", "committed");
    keys(&mut session, "acme.creditlimit");
    sees(&mut session, "  : money");
    drops(&mut session);
    keys(&mut session, "update acme { onhold =");
    sees(&mut session, "boolean");
    drops(&mut session);
    keys(&mut session, ":advance ");
    sees(&mut session, "DURATION");
    drops(&mut session);
    // The only thing that may be meant is shown behind the cursor, and the right arrow takes it.
    gives(&mut session, "acme.creditl\u{1b}[C", "empty");
    leaves(session);
}

#[test]
fn colours_come_from_the_tokens() {
    let folder = folder(&[("rules.flow", RULES)]);
    let mut session = prompt(folder.path(), &["rules.flow"], true);
    keys(&mut session, "create account { name = \"Acme\" }");
    sees(&mut session, "\u{1b}[1;35mcreate\u{1b}[0m \u{1b}[36maccount\u{1b}[0m");
    ask(&mut session, "", "\u{1b}[32mcommitted\u{1b}[0m");
    leaves(session);
}

#[test]
fn history_outlasts_the_session() {
    let folder = folder(&[("rules.flow", RULES)]);
    let mut first = prompt(folder.path(), &["rules.flow"], false);
    keys(&mut first, "1 +\r");
    gives(&mut first, "41", "42");
    keys(&mut first, UP);
    gives(&mut first, "", "42");
    leaves(first);
    let kept = std::fs::read_to_string(folder.path().join("state/weir/history")).unwrap();
    assert!(kept.contains("1 +\\n41"), "{kept}");
    let mut second = prompt(folder.path(), &["rules.flow"], false);
    keys(&mut second, UP);
    gives(&mut second, "", "42");
    leaves(second);
    let mut elsewhere = prompt(folder.path(), &["rules.flow", "--history", "mine"], false);
    gives(&mut elsewhere, "6 * 7", "42");
    leaves(elsewhere);
    assert!(std::fs::read_to_string(folder.path().join("mine")).unwrap().contains("6 * 7"));
}

#[test]
fn only_a_history_is_read_and_written_as_one() {
    let folder = folder(&[("rules.flow", RULES), ("empty", "")]);
    std::fs::write(folder.path().join("large"), format!("#V2\n{}", "1\n".repeat(3 << 20))).unwrap();
    for (file, why) in
        [("rules.flow", "it isn't one"), ("/dev/zero", "it is no file"), (".", "it is no file"), ("large", "it is larger than")]
    {
        let mut command = weir(folder.path(), &["repl", "rules.flow", "--history", file]);
        command.envs([("TERM", "xterm-256color"), ("NO_COLOR", "1")]);
        let mut session = spawn_command(command, Some(LOOK)).unwrap();
        sees(&mut session, &format!("no history of `{file}` is kept: {why}"));
        prompted(&mut session);
        gives(&mut session, "6 * 7", "42");
        leaves(session);
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("rules.flow")).unwrap(), RULES);
    let mut session = prompt(folder.path(), &["rules.flow", "--history", "empty"], false);
    gives(&mut session, "6 * 7", "42");
    // What takes its place meanwhile is left alone too.
    std::fs::write(folder.path().join("empty"), "mine").unwrap();
    ask(&mut session, "6 * 8", "is kept: it isn't one");
    gives(&mut session, "6 * 9", "54");
    leaves(session);
    assert_eq!(std::fs::read_to_string(folder.path().join("empty")).unwrap(), "mine");
}

#[test]
fn a_byte_that_is_no_text_drops_its_line_and_nothing_else() {
    let (_folder, mut session) = rules(&["--store", "sqlite:data.db"]);
    ask(&mut session, "create account { name = \"Kept\" }", "committed");
    session.process().get_file_handle().unwrap().write_all(b"create account { name = \"caf\xe9\"").unwrap();
    sees(&mut session, "a byte came that is no UTF-8");
    prompted(&mut session);
    gives(&mut session, "count(account)", "1");
    ask(&mut session, ":commit", "committed  1 operation in sqlite:data.db");
    leaves(session);
}

#[test]
fn control_c_drops_the_line() {
    let (_folder, mut session) = rules(&[]);
    keys(&mut session, "create account { name = \"Never\" ");
    drops(&mut session);
    gives(&mut session, "count(account)", "0");
    leaves(session);
}

#[test]
fn control_c_takes_the_hint_away() {
    let (_folder, mut session) = rules(&[]);
    keys(&mut session, ":advance ");
    sees(&mut session, "DURATION");
    keys(&mut session, CONTROL_C);
    let left = session.exp_string("\u{1b}[?2004h").unwrap();
    assert!(left.contains("weir> :advance ") && !left.contains("DURATION"), "{left:?}");
    // Nothing of it was taken in, and it stands in no history.
    keys(&mut session, "1 + 1\r");
    sees(&mut session, "\n2\r\n");
    prompted(&mut session);
    keys(&mut session, &format!("{UP}{UP}"));
    gives(&mut session, "", "2");
    leaves(session);
}

#[test]
fn records_are_listed_and_what_names_them_is_completed() {
    let (_folder, mut session) = rules(&[]);
    for (name, revenue) in [("Acme", 3), ("Beta", 9), ("Nova", 5)] {
        ask(&mut session, &format!("create account {{ name = \"{name}\", revenue = {revenue}, industry = banking }}"), "committed");
    }
    keys(&mut session, "acco\t whe\t indu\t == ban\t and rev\t > 3 ord\t b\t rev\t desc\t lim\t 5\r");
    for line in ["name  revenue  onhold  industry", "Beta        9  false   banking", "Nova        5  false   banking", "2 records"] {
        sees(&mut session, &format!("{line}\r\n"));
    }
    prompted(&mut session);
    ask(&mut session, ":list acco\t lim\t 1", "1 of 3 records: `limit 3` shows all");
    keys(&mut session, "account where rev");
    sees(&mut session, "enue");
    drops(&mut session);
    leaves(session);
}

#[test]
fn what_looks_like_an_assignment_is_told_how_names_and_records_change() {
    let (_folder, mut session) = rules(&[]);
    ask(&mut session, "l = 2", "`let` is missing before `l`");
    ask(&mut session, "let acme = create account { name = \"Acme\" }", "committed");
    ask(&mut session, "acme.name = \"Nova\"", "update acme { name = \"Nova\" }");
    gives(&mut session, "acme.name", "\"Acme\"");
    leaves(session);
}

#[test]
fn behind_a_word_stands_only_what_it_is_about() {
    let flows = "flow Now on account { trigger on demand  set onhold = true }\nflow Part on account { trigger child  set onhold = true }\n\
        action Send on account { input text text(9)  via host }\n";
    let folder = folder(&[("rules.flow", &format!("{RULES}{flows}"))]);
    let mut session = prompt(folder.path(), &["rules.flow"], false);
    ask(&mut session, "let acme = create account { name = \"Acme\" }", "committed");
    ask(&mut session, "user \"alice\" {}", "user       alice");
    ask(&mut session, "run N\t on acm\t", "ran Now");
    ask(&mut session, "start P\t on acme", "ran Part");
    ask(&mut session, "fake \t {}", "fakes      Send");
    ask(&mut session, "perform \t(text = \"a\") on acme", "ran Send");
    ask(&mut session, "as \t { let note = caller.fullname }", "weir");
    gives(&mut session, "note", "\"alice\"");
    keys(&mut session, "update acme { industry = ");
    sees(&mut session, "banking | retail | other");
    drops(&mut session);
    leaves(session);
}

/// A flow that writes for each pair of its parts: with many parts it would take minutes.
const BUSY: &str = r#"entity item {
  name  text(20) required
  count integer = 0
}

entity part {
  name text(20) required
}

flow Busy on item {
  trigger update(count)
  for each part p {
    for each part q {
      update q { name = "x" }
    }
  }
}
"#;

#[test]
fn control_c_ends_the_operation_and_nothing_else() {
    let parts: Vec<String> = (0..1_000).map(|number| format!("{{ name = \"p{number}\" }}")).collect();
    let parts = format!("create part {}\n", parts.join(", "));
    let folder = folder(&[
        ("busy.flow", BUSY),
        ("weir.toml", "[limits]\ninstructions = 1000000000\ntime = 86400\n"),
        ("parts.txt", &parts),
        ("two.txt", "update one { count = 1 }\ncreate item { name = \"After\" }\n"),
    ]);
    let mut session = prompt(folder.path(), &["."], false);
    ask(&mut session, ":load parts.txt", "committed  1000 records");
    ask(&mut session, "let one = create item { name = \"One\" }", "committed");
    // In a file it ends the rest of that, too.
    for line in ["update one { count = 1 }\r", ":load two.txt\r"] {
        keys(&mut session, line);
        // The line is read by then; what runs meanwhile is the operation. A key that comes too early drops an empty line.
        let ended = (0..LOOKS).any(|_| {
            keys(&mut session, CONTROL_C);
            session.exp_string("F29").is_ok()
        });
        assert!(ended, "the operation went on");
        prompted(&mut session);
    }
    ask(&mut session, "\"here again\"", "\n\"here again\"\r\n");
    gives(&mut session, "one.count", "0");
    gives(&mut session, "count(item)", "1");
    gives(&mut session, "count(part where name == \"x\")", "0");
    ask(&mut session, "update one { name = \"Two\" }", "committed");
    gives(&mut session, "one.name", "\"Two\"");
    leaves(session);
}

#[test]
fn leaving_asks_once_for_what_is_not_committed() {
    let (_folder, mut session) = rules(&["--store", "sqlite:data.db"]);
    ask(&mut session, "create account { name = \"Acme\" }", "committed");
    ask(&mut session, ":quit", "not yet    1 operation not committed");
    ask(&mut session, ":commit", "committed  1 operation in sqlite:data.db");
    leaves(session);
}

#[test]
fn a_file_that_changes_on_disk_is_told_of() {
    let (folder, mut session) = rules(&[]);
    ask(&mut session, "create account { name = \"A\" }", "committed");
    std::fs::write(folder.path().join("rules.flow"), RULES.replace("5_000_000", "1_000")).unwrap();
    ask(&mut session, "1", "`rules.flow` changed on disk: `:reload` takes it in");
    ask(&mut session, ":reload", "reloaded   1 flow");
    ask(&mut session, "create account { name = \"B\", revenue = 2_000 }", "stopped    by CreditHold");
    gives(&mut session, "count(account)", "1");
    leaves(session);
}

#[test]
fn settings_that_change_are_told_of_and_taken_in() {
    let folder = folder(&[("rules.flow", RULES)]);
    let mut session = prompt(folder.path(), &[".", "--store", "sqlite:data.db", "--history", ""], false);
    ask(&mut session, ":now 2026-01-31T23:30:00Z", "now ");
    gives(&mut session, "today", "2026-01-31");
    ask(&mut session, "create account { name = \"A\" }", "committed");
    keys(&mut session, "\"here\"\r");
    let told = session.exp_string("\n\"here\"").unwrap();
    assert!(!told.contains("on disk"), "a store beside the files is none of them: {told}");
    prompted(&mut session);
    std::fs::write(folder.path().join("weir.toml"), "timezone = \"Europe/Berlin\"\n").unwrap();
    ask(&mut session, "1", "weir.toml` changed on disk: `:reload` takes it in");
    ask(&mut session, ":reload", "reloaded   1 flow");
    gives(&mut session, "today", "2026-02-01");
    ask(&mut session, ":rollback", "rolled back");
    leaves(session);
}
