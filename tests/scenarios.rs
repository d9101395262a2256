//! Tests and scenarios run: what each reports, event by event.

#![cfg(test)]

#[path = "support/stores.rs"]
mod stores;

use std::fmt::Write as _;

use weir::pipeline::{Ending, Settings};
use weir::project::Project;
use weir::scenario::{EventKind, FieldState, Report, Verdict, cases, run};
use weir::source::{Position, Sources, Span};

const RULES: &str = r#"
entity account {
  name      text(160) required
  revenue   money
  share     integer
  industry  choice { banking = 1, retail = 2 "Retail trade" }
  parent    lookup account
  createdby_name text(200)
}

flow Limit on account {
  trigger create, update(revenue)
  stage   pre-operation

  if revenue > 1_000 {
    stop "Revenue {revenue} is over the limit."
  }
}

flow Mirror on account {
  trigger update(revenue)

  update parent? { revenue = revenue ?? 0 }
}

flow Divide on account {
  trigger update(name)

  log "{100 / (share ?? 0)}"
}

flow Sign on account {
  trigger create
  stage   pre-operation

  set createdby_name = "{caller}"
}
"#;

/// Runs what stands behind the rules, each in a store of its own.
fn run_all(text: &str) -> (Project, Vec<Report>) {
    let project = Project::from_text("case.flow", format!("{RULES}{text}"));
    let said: Vec<_> = project.diagnostics.iter().map(|said| format!("{} {}", said.code.name(), said.message)).collect();
    assert!(!project.has_errors(), "{said:?}");
    let compiled = project.compile().unwrap();
    let open = || compiled.open(&stores::empty(), Settings::fixed()).unwrap();
    let reports = project.checked.scenarios.iter().flat_map(cases).map(|case| run(case, &mut open())).collect();
    (project, reports)
}

/// A report in words, with the text that each event is about.
fn told(sources: &Sources, report: &Report) -> String {
    let words = |span: Span| sources.slice(span).split_whitespace().collect::<Vec<_>>().join(" ");
    let mut text = format!("{:?}\n", report.verdict());
    for event in &report.events {
        let _ = match &event.kind {
            EventKind::Show(value) => writeln!(text, "show {} = {value}", words(event.span)),
            EventKind::Job(job) => writeln!(text, "job {} {} {}", job.name, job.status.name(), job.message.as_deref().unwrap_or("")),
            EventKind::History(changes) => writeln!(text, "show audit of {}\n  {}", words(event.span), changes.join("\n  ")),
            EventKind::Operation { message, user, outcome, expected, .. } => {
                let who = user.as_ref().map(|user| format!(" by {user}")).unwrap_or_default();
                let end = match &outcome.ending {
                    Ending::Committed => "committed".to_owned(),
                    Ending::Stopped { flow, reason } => format!("stopped by {flow}: {reason}"),
                    Ending::Fault(fault) => format!("{}: {}", fault.code.name(), fault.message),
                };
                let expected = if *expected { ", expected" } else { "" };
                writeln!(text, "{message}{who}: {end}{expected}; ran {:?}", outcome.ran)
            }
        };
    }
    if let Some(failure) = &report.failure {
        let _ = writeln!(text, "failed at `{}`: {}", words(failure.span), failure.message);
        for part in failure.condition.iter().flat_map(|condition| &condition.1) {
            let _ = writeln!(text, "  {}: {}", words(part.at), part.value);
        }
        for record in &failure.records {
            let field = |field: &FieldState| match &field.old {
                Some(old) => format!("{} {old} -> {}", field.name, field.value),
                None => format!("{} {}", field.name, field.value),
            };
            let fields: Vec<String> = record.fields.iter().map(field).collect();
            let _ = writeln!(text, "  {}{}: {}", record.title, if record.gone { " (gone)" } else { "" }, fields.join(", "));
        }
        failure.notes.iter().for_each(|note| {
            let _ = writeln!(text, "  {note}");
        });
    }
    text
}

/// Runs one test or scenario with this body.
fn body(kind: &str, body: &str) -> String {
    let (project, reports) = run_all(&format!("{kind} {{\n{body}\n}}\n"));
    assert_eq!(reports.len(), 1);
    told(&project.sources, &reports[0])
}

fn test(text: &str) -> String {
    body("test \"a test\"", text)
}

fn scenario(text: &str) -> String {
    body("scenario first", text)
}

#[test]
fn a_save_that_is_stopped_is_rolled_back_and_expected() {
    let told = test(
        r#"let limit = 1_000
           let parent = create account { name = "Parent", industry = retail }
           let a = create account { name = "A", revenue = limit, parent = parent }
           expect ran Limit, Sign
           update a { revenue = 500 }
           expect ran Limit, Mirror, Limit, Mirror
           expect not ran Divide
           update a { revenue = limit * 2 }
           expect stopped "Revenue {limit * 2} is over the limit."
           expect a.revenue == 500 and parent.revenue == 500
           show a.name
           show parent.industry
           show parent.parent
           delete a"#,
    );
    insta::assert_snapshot!(told);
}

#[test]
fn an_operation_that_nobody_expected_fails_the_test_where_it_is() {
    insta::assert_snapshot!(test(
        r#"let a = create account { name = "A", revenue = 5_000 }
           show 1
           create account { name = "never reached" }"#
    ));
    insta::assert_snapshot!(test(r#"create account { revenue = 5 }"#));
    insta::assert_snapshot!(test(
        r#"let a = create account { name = "A" }
           update a { name = "B" }"#
    ));
}

#[test]
fn a_false_expectation_says_what_is_there_instead() {
    let with = |rest: &str| test(&format!("let a = create account {{ name = \"A\", revenue = 5, share = 5, industry = retail }}\n{rest}"));
    let told = [
        "expect a.revenue == 6",
        "expect a.revenue == 5 and a.industry == banking",
        "expect a.parent is not empty",
        "expect a.name in (\"B\", \"C\")",
        "expect stopped",
        "expect fault F01",
        "expect ran Sign",
        "expect not ran Sign",
        "update a { revenue = 2_000 }\nexpect stopped \"another reason\"",
        "update a { revenue = 2_000 }\nexpect fault",
        "update a { name = a.parent.name }\nexpect stopped",
        "update a { name = a.parent.name }\nexpect fault F01",
        "expect 1 / (a.share - 5) == 1",
    ]
    .map(with);
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_record_that_never_came_to_be_fails_where_it_is_used() {
    let told = [
        "update a { name = \"B\" }",
        "delete a",
        "expect a.name == \"A\"",
        "show a.name",
        "create account { name = \"B\", parent = a }",
        "create account { name = \"B\", parent = a }\nexpect fault F06",
    ]
    .map(|rest| test(&format!("let a = create account {{ name = \"A\", revenue = 5_000 }}\nexpect stopped\n{rest}")));
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_user_acts_until_the_brace() {
    insta::assert_snapshot!(test(
        r#"user "Anna" {}
           as "Anna" {
             let a = create account { name = "A" }
             expect a.createdby_name == "Anna"
             show a.createdby
           }
           let b = create account { name = "B" }
           show b.createdby_name"#
    ));
}

#[test]
fn a_scenario_goes_on_behind_a_stop_and_reports_it() {
    insta::assert_snapshot!(scenario(
        r#"let a = create account { name = "A" }
           update a { revenue = 5_000 }
           update a { revenue = 5 }
           show a.revenue"#
    ));
    insta::assert_snapshot!(scenario(
        r#"let a = create account { name = "A" }
           update a { revenue = 5_000 }
           expect stopped"#
    ));
    insta::assert_snapshot!(scenario(
        r#"let a = create account { name = "A" }
           update a { name = "B" }
           update a { revenue = 5_000 }"#
    ));
}

#[test]
fn the_audit_of_a_record_is_its_history() {
    let (project, reports) = run_all(
        r#"entity order { number text(20) total integer audited kind choice { small = 1 "Small one", large = 2 } audited }
           flow Double on order { trigger update(number) stage pre-operation set total = (total ?? 0) * 2 }
           test "history" {
             user "anna" {}
             let o = create order { number = "1", total = 4, kind = small }
             as "anna" { update o { number = "2", kind = empty } }
             let other = create order {}
             show audit of other
             delete o
             show audit of o
           }"#,
    );
    insta::assert_snapshot!(told(&project.sources, &reports[0]));
}

#[test]
fn every_test_has_a_store_and_a_clock_of_its_own() {
    let text = "create account { name = \"A\" }\nshow now\nlet a = create account { name = \"B\" }\nshow a.accountid\nshow a.createdon";
    let (project, reports) = run_all(&format!("test \"one\" {{ {text} }}\ntest \"two\" {{ {text} }}"));
    let [one, two] = [0, 1].map(|index: usize| told(&project.sources, &reports[index]));
    assert_eq!(one, two);
    assert_eq!(reports[0].verdict(), Verdict::Passed);
    assert_eq!(project.sources.position(reports[1].events[0].span), Position { line: 43, column: 14 });
    insta::assert_snapshot!(one);
}

#[test]
fn a_table_repeats_its_test_in_fresh_stores() {
    let (project, reports) = run_all(
        r#"test "a limit" {
  let a = create account { name = title, revenue = amount }
  update a { share = share }
  expect a.share == share and a.name == "A"
  show a.accountid
  table {
    | title                                                     | amount  | share |
    | "A"                                                       | 5       | 1     |
    | "A"                                                       | 0.5     | empty |
    | "A"                                                       | 5_000   | 3     |
    | "much too long a text for a name, isn't it?\nand lines"   | 1       | 4     |
    | "A"                                                       | 1       | 5 % (hour(now) - hour(now)) |
  }
}
test "another" { show 1 }
"#,
    );
    let told: Vec<String> = reports
        .iter()
        .map(|report| format!("{} at line {}: {}", report.name, project.sources.position(report.span).line, told(&project.sources, report)))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

/// Rules for what a test begins by hand.
const BEGUN: &str = r#"
flow Raise on account {
  trigger on demand, child
  input   amount money required
  input   note   text(5)
  input   times  integer(1..3)

  set revenue = (revenue ?? 0) + amount
  if note is not empty { set name = note }
}

flow OnlyChild on account { trigger child  log "{name}" }
flow OnlyDemand on account { trigger on demand  set createdby_name = "{caller}" }
"#;

/// Runs a test with this body behind the rules for what is begun; gives what it tells.
fn begun(text: &str) -> String {
    let (project, reports) = run_all(&format!("{BEGUN}\ntest \"a test\" {{\n{text}\n}}\n"));
    told(&project.sources, &reports[0])
}

#[test]
fn flows_are_run_on_demand_and_started_by_hand() {
    insta::assert_snapshot!(begun(
        r#"let a = create account { name = "A", revenue = 5 }
           run Raise(amount = 10) on a
           expect ran Raise, Limit, Mirror
           expect a.revenue == 15
           start Raise(amount = 1, note = "B") on a
           expect ran Raise, Limit, Mirror, Divide
           expect fault F01
           expect a.revenue == 15 and a.name == "A"
           run Raise(amount = 5_000) on a
           expect stopped "Revenue 5015 is over the limit."
           expect a.revenue == 15
           user "Anna" {}
           as "Anna" { run OnlyDemand on a }
           expect a.createdby_name == "Anna"
           run OnlyDemand on a.parent?
           expect not ran Raise
           delete a
           run OnlyDemand on a
           expect fault F06"#
    ));
}

#[test]
fn inputs_hold_values_to_their_limits() {
    let with = |arguments: &str| {
        begun(&format!(
            "let n = 6\nlet t = \"{{n}}abcde\"\nlet a = create account {{ name = \"A\", share = 1 }}\nrun Raise({arguments}) on a"
        ))
    };
    let told = ["amount = 1, times = n", "amount = 1, note = t", "amount = a.revenue ?? 1, times = n - 5"].map(with);
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn operations_of_a_transaction_are_kept_together() {
    insta::assert_snapshot!(begun(
        r#"let a = create account { name = "A", revenue = 5 }
           in transaction {
             update a { revenue = 6 }
             update a { revenue = 5_000 }
             expect stopped
             expect a.revenue == 6
             let b = create account { name = "B", parent = a }
             update b { revenue = 7 }
           }
           expect a.revenue == 7
           in transaction {
             update a { revenue = 8 }
             expect a.revenue == 9
           }"#
    ));
}

#[test]
fn the_clock_goes_on_and_never_back() {
    insta::assert_snapshot!(begun(
        r#"let a = create account { name = "A" }
           advance 3 days
           show now
           show a.createdon
           advance 1 month
           show now
           let b = create account { name = "B" }
           show b.createdon
           let gap = b.createdon - a.createdon
           advance gap
           show now
           advance -1 * gap"#
    ));
}
