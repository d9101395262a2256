//! What a trace tells: every step that was considered, whether it ran and why not, and what was decided, read and written.

use weir::bytecode::Stage;
use weir::exchange::{told, trace_lines, with_trace};
use weir::pipeline::{Plugin, Refusal, Settings};
use weir::source::Sources;

use super::*;

/// A pipeline that traces, with the sources of its flows.
fn traced(text: &str) -> (Pipeline, Sources) {
    let project = Project::from_text("test.flow", text);
    let messages: Vec<_> = project.diagnostics.iter().map(|diagnostic| (diagnostic.code, &diagnostic.message)).collect();
    let compiled = project.compile().unwrap_or_else(|_| panic!("{messages:?}"));
    (compiled.open(&stores::empty(), Settings::fixed().traced()).unwrap(), project.sources)
}

/// An outcome in both its forms.
fn both(outcome: &Outcome, pipeline: &Pipeline, sources: &Sources) -> String {
    let schema = pipeline.schema();
    let text = trace_lines(outcome, schema, sources, 100).join("\n");
    let json = with_trace(&told(1, outcome, None), outcome, schema, sources, true);
    let json = json.replace("{\"level\"", "\n  {\"level\"");
    format!("{text}\n\n{json}\n")
}

fn snapshot(name: &str, text: &str, told: &[(&str, String)]) {
    let told: Vec<String> = told.iter().map(|(title, told)| format!("--- {title}\n{told}")).collect();
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!(name, format!("{}\n\n{}", text.trim(), told.join("\n")));
    });
}

const CONDITIONS: &str = r#"
choice Rating { good = 1, fair = 2, bad = 3 }
entity deal { name text(40) credit integer rating choice Rating note text(100) parent lookup deal }

flow OnName on deal { trigger update(name) stage pre-operation log "name" }
flow OnBoth on deal { trigger update(rating, parent) log "both" }
flow OnThree on deal { trigger update(name, rating, parent) rank 3 log "three" }
flow Limited on deal {
  trigger create, update(credit)
  stage   pre-operation
  rank    -1
  when    credit > 100 and rating != bad

  let twice = credit * 2
  if twice between 300 and 390 or changed(rating) { set note = "some" }
  if rating in (good, fair) { set note = "{note}!" }
  match rating {
    good       => { log "good" }
    fair, bad  => { log "not so good" }
    else       => { log "none" }
  }
  if parent.credit is not empty and parent.parent.name == "top" { stop "the top is enough" }
}
"#;

#[test]
fn conditions_say_what_decided_them_and_steps_why_they_did_not_run() {
    let (mut pipeline, sources) = traced(CONDITIONS);
    let mut told = Vec::new();
    let outcome = create(&mut pipeline, "deal", &[("name", "top".into()), ("credit", 90.into())]);
    told.push(("the first part of the `when` is false", both(&outcome, &pipeline, &sources)));
    let top = outcome.record.unwrap();
    let outcome = create(&mut pipeline, "deal", &[("credit", 120.into()), ("rating", Value::Choice(3)), ("parent", top.into())]);
    told.push(("the second part is false", both(&outcome, &pipeline, &sources)));
    let deal = outcome.record.unwrap();
    let outcome = update(&mut pipeline, deal, &[("credit", 160.into()), ("rating", Value::Choice(2))]);
    told.push(("all true", both(&outcome, &pipeline, &sources)));
    let outcome = update(&mut pipeline, deal, &[("note", "x".into())]);
    told.push(("none of it submitted", both(&outcome, &pipeline, &sources)));
    let below = created(&mut pipeline, "deal", &[("parent", deal.into())]);
    let outcome = update(&mut pipeline, below, &[("credit", 200.into())]);
    assert_eq!(stopped(&outcome), ("Limited", "the top is enough"));
    told.push(("stopped over a lookup of a lookup", both(&outcome, &pipeline, &sources)));
    snapshot("trace_conditions", CONDITIONS, &told);
}

const NESTED: &str = r#"
entity deal { name text(40) total bigint lines bigint
  status { active { open = 1 } inactive { won = 3 } }
}
entity line { name text(40) amount integer deal lookup deal
  on delete of deal: cascade
}
entity note { text text(100) about lookup deal }

flow Totals on line {
  trigger create, delete
  step "Add up" {
    update deal? { total = sum(line.amount where deal == this.deal), lines = count(line where deal == this.deal) }
  }
}
flow Each on deal {
  trigger update(name)
  for each line item where deal == this and amount > 1 limit 5 {
    start Mark(text = name ?? "") on item
  }
  finish "done with {name ?? "nothing"}"
}
flow Mark on line {
  trigger child
  input text text(40)
  set name = text
}
flow Later on deal { mode background trigger update(name) log "later" }
flow LaterTotal on deal { mode background trigger update(total) log "later" }
flow Won on deal { trigger status when statuscode == won let rest = 10 / (lines ?? 0) log "rest {rest}" }
flow Ask on deal { trigger on demand input text text(40) required log "{text}" }
action Close on deal {
  input  reason text(40) required
  output shown  text(80)
  change status of this to won
  set output shown = "closed: {reason}"
}
"#;

#[test]
fn nested_operations_loops_and_passes_are_parts_of_what_asked_for_them() {
    let (mut pipeline, sources) = traced(NESTED);
    let mut told = Vec::new();
    let deal = created(&mut pipeline, "deal", &[("name", "a".into())]);
    let outcome = create(&mut pipeline, "line", &[("amount", 5.into()), ("deal", deal.into())]);
    told.push(("a create that updates", both(&outcome, &pipeline, &sources)));
    created(&mut pipeline, "note", &[("about", deal.into())]);
    let outcome = update(&mut pipeline, deal, &[("name", "b".into())]);
    told.push(("a loop, a child, and the queue", both(&outcome, &pipeline, &sources)));
    let alice = pipeline.user("alice").unwrap();
    let outcome = update(&mut pipeline, deal, &[("lines", 0.into()), ("ownerid", alice.into()), ("statuscode", Value::Choice(3))]);
    assert_eq!(fault(&outcome).0, Code::F01);
    told.push(("a pass for each kind of columns, and a fault in the last", both(&outcome, &pipeline, &sources)));
    let run = Operation::Run { flow: "Ask".into(), record: deal, inputs: vec!["hello".into()] };
    let outcome = pipeline.execute(run, None);
    told.push(("on demand", both(&outcome, &pipeline, &sources)));
    let close = Operation::Perform { action: "Close".into(), record: Some(deal), inputs: vec!["enough".into()] };
    let outcome = pipeline.execute(close, None);
    told.push(("an action", both(&outcome, &pipeline, &sources)));
    let outcome = delete(&mut pipeline, deal);
    told.push(("a cascade", both(&outcome, &pipeline, &sources)));
    snapshot("trace_nested", NESTED, &told);
}

const PLUGINS: &str = r#"
entity deal { name text(40) credit integer }
entity note { text text(100) }
flow Own on deal { trigger update(name) scope user log "own" }
flow As on deal { trigger create stage pre-operation owner "alice" run as owner set credit = 1 }
flow Note on deal { trigger create owner "alice" run as owner create note { text = "by alice" } }
flow Seven on deal { trigger update(credit) if credit == 7 { stop "seven" } }
"#;

#[test]
fn plug_ins_scopes_and_transactions_are_told() {
    let (mut pipeline, sources) = traced(PLUGINS);
    let early = Plugin::new("Early", "deal").on_create().stage(Stage::PreValidation);
    pipeline.register(early.run(|deal| deal.set("name", "early"))).unwrap();
    let refusal = Plugin::new("Refuse", "deal").on_update(["credit"]).stage(Stage::PreOperation);
    pipeline.register(refusal.run(|deal| if deal.field("credit")?.is_empty() { Err(Refusal::new("no credit")) } else { Ok(()) })).unwrap();
    let alice = pipeline.user("alice").unwrap();
    let mut told = Vec::new();
    let outcome = create(&mut pipeline, "deal", &[]);
    told.push(("stage 10 is before the transaction", both(&outcome, &pipeline, &sources)));
    let deal = outcome.record.unwrap();
    assert_eq!(update(&mut pipeline, deal, &[("ownerid", alice.into())]).ending, Ending::Committed);
    let outcome = update(&mut pipeline, deal, &[("name", "b".into())]);
    told.push(("out of its scope", both(&outcome, &pipeline, &sources)));
    pipeline.begin().unwrap();
    let outcome = update(&mut pipeline, deal, &[("credit", Value::Empty), ("name", "c".into())]);
    told.push(("a plug-in refuses", both(&outcome, &pipeline, &sources)));
    let outcome = update(&mut pipeline, deal, &[("credit", 7.into())]);
    told.push(("a stop within a longer transaction", both(&outcome, &pipeline, &sources)));
    pipeline.rollback().unwrap();
    snapshot("trace_plugins", PLUGINS, &told);
}

#[test]
fn a_traced_operation_ends_as_an_untraced_one_and_one_untraced_tells_nothing() {
    for (entity, text) in [("deal", CONDITIONS), ("line", NESTED), ("deal", PLUGINS)] {
        let (mut with, _) = traced(text);
        let mut without = open(text);
        let (one, other) = (create(&mut with, entity, &[]), create(&mut without, entity, &[]));
        assert!(!one.trace.is_empty() && other.trace.is_empty());
        assert_eq!(Outcome { trace: Vec::new(), ..one }, other);
        assert_eq!(dump(&mut with), dump(&mut without));
    }
}

#[test]
fn a_trace_ends_at_a_limit_and_says_how_much_is_left_out() {
    let rounds: String = (0..40).map(|_| "if size > 1 { log \"a\" }\n".to_owned()).collect();
    let text = format!(
        "entity thing {{ size integer }}
         flow Many on thing {{ trigger update(size) for each thing one where size > 0 {{ for each thing other {{ {rounds} }} }} }}"
    );
    let (mut pipeline, _) = traced(&text);
    let things: Vec<_> = (0..60).map(|_| created(&mut pipeline, "thing", &[("size", 5.into())])).collect();
    let outcome = update(&mut pipeline, things[0], &[("size", 6.into())]);
    assert_eq!(outcome.ending, Ending::Committed);
    assert_eq!(outcome.trace.len(), 100_001);
    let lines = trace_lines(&outcome, pipeline.schema(), &Sources::default(), 100);
    assert!(lines.last().unwrap().ends_with("more entries are left out"), "{:?}", lines.last());
}
