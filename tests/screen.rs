//! What people read fits on their screen: lines are as wide as the terminal, or as `COLUMNS` says where there is none.

#![cfg(test)]

use std::fs;
use std::process::Command;

use tempfile::TempDir;
use unicode_width::UnicodeWidthStr;

const RULES: &str = r#"entity account {
  name text(100) required
  revenue money
  employees integer
  rating choice Rating
  city text(40)
}

choice Rating { bronze = 1, silver = 2, gold = 3 }

entity review {
  title text(100)
  account lookup account
}

flow RateTheAccountByItsRevenueAndItsEmployees on account {
  trigger create, update(revenue, employees, city, name)
  stage pre-operation

  if (revenue ?? 0) > 1000000 and (employees ?? 0) > 5000 and city == "Llanfairpwllgwyngyll" {
    set rating = gold
  } else if (revenue ?? 0) > 250000 and (employees ?? 0) > 1000 and city == "Llanfairpwllgwyngyll" {
    set rating = silver
  } else {
    set rating = bronze
  }
}

flow OpenAReviewOfWhatIsLarge on account {
  trigger update(rating)
  when old.rating is not empty and rating != old.rating and city == "Llanfairpwllgwyngyll" and employees > 12

  create review { title = "A review of {name}, which was {old.rating} and is {rating} from now on", account = this }
}

scenario large {
  let acme = create account { name = "Acme", revenue = 300000, employees = 2000, city = "Llanfairpwllgwyngyll" }
  update acme { revenue = 2000000, employees = 20000, name = "Acme and its many daughters all over the world" }
}

test "it is bronze" {
  let acme = create account { name = "Acme", revenue = 300000, employees = 2000, city = "Llanfairpwllgwyngyll" }
  expect acme.name == "Acme and its many daughters"
    or acme.city == "Llanfair" or acme.rating == bronze
}
"#;

/// The commands whose output follows the screen.
const COMMANDS: [&str; 5] = [
    "run rules.flow large --trace",
    "test rules.flow --coverage --threads 1",
    "order rules.flow account update",
    "run --help",
    "order --help",
];

fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.flow"), RULES).unwrap();
    folder
}

fn command(folder: &TempDir, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder.path()).env("NO_COLOR", "1").env_remove("COLUMNS");
    command
}

/// What a command tells where nobody looks, with `COLUMNS` set to something.
fn piped(folder: &TempDir, arguments: &str, columns: Option<&str>) -> String {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let mut command = command(folder, env!("CARGO_BIN_EXE_weir"), &arguments);
    if let Some(columns) = columns {
        command.env("COLUMNS", columns);
    }
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

/// How wide the widest line is. Lines of the sources are shown as they are, and so are names.
fn widest(text: &str) -> usize {
    let own = |line: &&str| !RULES.contains(line.trim()) && !line.contains("expect acme") && !line.contains("let acme");
    text.lines().filter(own).map(UnicodeWidthStr::width).max().unwrap_or(0)
}

#[test]
fn lines_are_as_wide_as_is_said() {
    let folder = project();
    for arguments in COMMANDS {
        for columns in [72, 80, 140] {
            let told = piped(&folder, arguments, Some(&columns.to_string()));
            assert!(widest(&told) <= columns, "weir {arguments} at {columns}: {}\n{told}", widest(&told));
        }
    }
    let (narrow, wide) = (piped(&folder, COMMANDS[0], Some("72")), piped(&folder, COMMANDS[0], Some("140")));
    assert!(widest(&wide) > 100 && narrow.lines().count() > wide.lines().count(), "what is wide is made use of\n{wide}");
}

#[test]
fn where_nobody_says_lines_have_100_columns() {
    let folder = project();
    for arguments in COMMANDS {
        let plain = piped(&folder, arguments, None);
        assert!(widest(&plain) <= 100, "weir {arguments}\n{plain}");
        // What can't be meant is passed over, and the memory is not for blanks.
        for odd in ["", "0", "wide", "-3", "99999999999999999999999"] {
            let told = piped(&folder, arguments, Some(odd));
            // Ids and times are never the same.
            assert_eq!(told.lines().count(), plain.lines().count(), "weir {arguments}, COLUMNS={odd}");
        }
    }
    assert!(widest(&piped(&folder, COMMANDS[0], Some("4000000000"))) <= 200);
    assert!(widest(&piped(&folder, COMMANDS[0], Some("1"))) <= 60, "words have 40 columns at least, however deep they stand");
}

#[test]
fn a_terminal_has_the_last_word() {
    let folder = project();
    for columns in [72, 120] {
        let script = format!("stty cols {columns} rows 50; exec {} run rules.flow large --trace", env!("CARGO_BIN_EXE_weir"));
        let mut command = command(&folder, "sh", &["-c", &script]);
        command.env("COLUMNS", "50").env("TERM", "xterm");
        let mut session = rexpect::session::spawn_command(command, Some(120_000)).unwrap();
        // What comes from the terminal is taken byte by byte.
        let bytes = session.exp_eof().unwrap().chars().map(|byte| u8::try_from(u32::from(byte)).unwrap()).collect();
        let told = String::from_utf8(bytes).unwrap();
        assert!(told.contains("committed") && widest(&told) <= columns && widest(&told) > 60, "at {columns}: {}\n{told}", widest(&told));
    }
}
