//! Waits: a run counts once, however often it goes on, and each outcome of a wait is a way of its own.

use super::suggest::alone;
use super::{covered, text, weir};

const RULES: &str = r#"choice Rating { cold = 1, hot = 3 }

entity account {
  name   text(100) required
  rating choice Rating
  note   text(200)
}

flow Remind on account {
  mode    background
  trigger create

  wait {
    until rating == hot {}
    until note is not empty { log "noted" }
    after 3 days { update this { note = "late" } }
    after 9 days {}
  }
  wait 1 day
  log "done"
}
"#;

/// One comes by time, and one by its rating after it was looked at twice in vain.
const SOME: &str = r#"
test "time passes" {
  let acme = create account { name = "Acme" }
  advance 1 day
  update acme { rating = cold }
  run jobs
  advance 3 days
  expect acme.note == "late"
  advance 2 days
}

test "a hot one" {
  let acme = create account { name = "Acme" }
  run jobs
  update acme { rating = cold }
  run jobs
  update acme { rating = hot }
  run jobs
}
"#;

#[test]
fn a_run_is_one_however_often_it_goes_on_and_every_outcome_is_a_way() {
    let folder = alone(&format!("{RULES}{SOME}"));
    let lcov = folder.path().join("lcov.info");
    let how = format!("--coverage=lcov {}", lcov.display());
    let run = weir(folder.path(), &["--coverage", "--coverage=source", &how]);
    assert_eq!(run.status.code(), Some(0), "{}{}", text(&run.stdout), text(&run.stderr));
    insta::assert_snapshot!(covered(&text(&run.stdout)));
    let lcov = std::fs::read_to_string(lcov).unwrap();
    assert!(lcov.contains("FNDA:2,Remind\n"), "{lcov}");
    // The four ways of the first wait at their lines, and the one of the second.
    for way in ["BRDA:14,0,0,1", "BRDA:15,0,1,0", "BRDA:16,0,2,1", "BRDA:17,0,3,0", "BRDA:19,1,0,1"] {
        assert!(lcov.contains(&format!("{way}\n")), "{way}: {lcov}");
    }
}

#[test]
fn a_page_tells_what_never_came() {
    let folder = alone(&format!("{RULES}{SOME}"));
    let page = folder.path().join("page.html");
    let run = weir(folder.path(), &[&format!("--coverage=html {}", page.display())]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("`until note is not empty` never came") && page.contains("`after 9 days` never came"), "{page}");
    assert!(!page.contains("`after 3 days` never came"));
}

#[test]
fn what_a_wait_lacks_is_suggested_or_named_as_not_found() {
    let folder = alone(RULES);
    let run = weir(folder.path(), &["--suggest"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    insta::assert_snapshot!(text(&run.stdout));
}
