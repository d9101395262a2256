//! Process sessions: what `log errors` keeps although everything else is undone.

use super::*;

const LOGGED: &str = r#"
entity account { name text(160) required  share integer  note text(20) }

flow Outer on account {
  trigger update(share)
  owner   "Olga"
  run as  owner
  log errors
  step "Hand over" {
    start Inner on this
  }
}

flow Inner on account {
  trigger child
  log errors
  step "Before" { log "{name}" }
  step "Divide" {
    step "Deep {share}" {
      if share == 0 { log "{1 / (share ?? 0)}" }
    }
    if share == 7 { stop "not {share}, not {name}" }
  }
  if share == 8 { set note = "{name} {name} {name}" }
}

flow Quiet on account { trigger update(name)  log "{1 / (share ?? 0)}" }
flow When on account { trigger update(note)  log errors  when (1 / (share ?? 0)) > 0 }
"#;

/// The place of a text in them, as a session tells it.
fn place(of: &str) -> String {
    let before = LOGGED.split(of).next().unwrap();
    format!("test.flow:{}:{}", before.matches('\n').count() + 1, before.len() - before.rfind('\n').unwrap())
}

/// Everything that is kept, a line a session.
fn sessions(pipeline: &mut Pipeline) -> Vec<String> {
    let entity = pipeline.schema().entity_id("processsession").unwrap();
    let ids = pipeline.find(entity, &Row::default(), u32::MAX).unwrap();
    let text = |pipeline: &mut Pipeline, id, name: &str| {
        let value = get(pipeline, Reference { entity, id }, name);
        weir::value::text::display(&value).to_string()
    };
    let fields = ["flow", "step", "location", "recordentity", "code", "reason", "statecode", "statuscode"];
    ids.into_iter().map(|id| fields.map(|field| text(pipeline, id, field)).join(" | ")).collect()
}

fn logged() -> (Pipeline, Reference, Reference) {
    let mut pipeline = open(LOGGED);
    let olga = pipeline.user("Olga").unwrap();
    let account = created(&mut pipeline, "account", &[("name", "Ann's\nshop".into()), ("share", 5.into())]);
    (pipeline, account, olga)
}

#[test]
fn a_session_says_where_a_run_failed_or_was_stopped() {
    let (mut pipeline, account, olga) = logged();
    assert_eq!(fault(&update(&mut pipeline, account, &[("share", 0.into())])).0, Code::F01);
    assert_eq!(stopped(&update(&mut pipeline, account, &[("share", 7.into())])), ("Inner", "not 7, not Ann's shop"));
    // What a nested operation refuses is placed at the statement that asked for it.
    assert_eq!(fault(&update(&mut pipeline, account, &[("share", 8.into())])).0, Code::F04);
    // A `when` that can't be worked out is a failure of the flow; and what is a success keeps nothing of it.
    assert_eq!(update(&mut pipeline, account, &[("share", Value::Empty)]).ending, Ending::Committed);
    assert_eq!(fault(&update(&mut pipeline, account, &[("note", "x".into())])).0, Code::F01);
    let (outer, stop) = (place("start Inner"), place("stop \"not"));
    let (division, set, when) = (place("1 / (share ?? 0)}\" }\n    }"), place("set note"), place("(1 / (share ?? 0)) > 0"));
    let long = "`account.note` takes 20 characters at most, not 32";
    let expected = [
        format!("Inner | Deep 0 | {division} | account | F01 | division by zero | 1 | 6"),
        format!("Outer | Hand over | {outer} | account | F01 | division by zero | 1 | 6"),
        format!("Inner | Divide | {stop} | account |  | not 7, not Ann's shop | 1 | 5"),
        format!("Outer | Hand over | {outer} | account |  | not 7, not Ann's shop | 1 | 5"),
        format!("Inner |  | {set} | account | F04 | {long} | 1 | 6"),
        format!("Outer | Hand over | {outer} | account | F04 | {long} | 1 | 6"),
        format!("When |  | {when} | account | F01 | division by zero | 1 | 6"),
    ];
    assert_eq!(sessions(&mut pipeline), expected);
    assert_eq!(get(&mut pipeline, account, "note"), Value::Empty);
    let entity = pipeline.schema().entity_id("processsession").unwrap();
    let first = Reference { entity, id: pipeline.find(entity, &Row::default(), 1).unwrap()[0] };
    assert_eq!(get(&mut pipeline, first, "recordid"), Value::Uuid(account.id));
    assert_eq!(get(&mut pipeline, first, "userid"), Value::Reference(olga), "as whom the flow ran");
    assert_eq!(get(&mut pipeline, first, "createdby"), Value::Reference(pipeline.administrator()), "who began it");
}

#[test]
fn a_run_that_succeeds_leaves_none_and_neither_does_a_flow_that_keeps_none() {
    let (mut pipeline, account, _) = logged();
    assert_eq!(update(&mut pipeline, account, &[("share", 3.into())]).ending, Ending::Committed);
    update(&mut pipeline, account, &[("share", Value::Empty)]);
    assert_eq!(fault(&update(&mut pipeline, account, &[("name", "B".into())])).0, Code::F01);
    assert_eq!(sessions(&mut pipeline), Vec::<String>::new());
}

#[test]
fn sessions_follow_the_transaction_around_them() {
    let (mut pipeline, account, _) = logged();
    for (commit, kept) in [(false, 0), (true, 2)] {
        pipeline.begin().unwrap();
        assert_eq!(fault(&update(&mut pipeline, account, &[("share", 0.into())])).0, Code::F01);
        assert_eq!(update(&mut pipeline, account, &[("name", "B".into())]).ending, Ending::Committed);
        if commit {
            pipeline.commit().unwrap()
        } else {
            pipeline.rollback().unwrap()
        }
        assert_eq!(sessions(&mut pipeline).len(), kept);
    }
}

#[test]
fn a_user_who_is_undone_with_the_operation_is_left_out_of_the_session() {
    let text = r#"
    entity account { name text(160) required }
    flow Hire on account { trigger create  rank 0  create systemuser { fullname = "Nora" } }
    flow Acts on account { trigger create  rank 1  owner "Nora"  run as owner  log errors  stop "no" }
    "#;
    let mut pipeline = open(text);
    assert_eq!(stopped(&create(&mut pipeline, "account", &[("name", "A".into())])), ("Acts", "no"));
    assert_eq!(sessions(&mut pipeline), ["Acts |  | test.flow:4:92 | account |  | no | 1 | 5"]);
}

#[test]
fn a_compiled_file_knows_its_places_too() {
    let compiled = Project::from_text("test.flow", LOGGED).compile().unwrap();
    let loaded = weir::project::Compiled::from_bytes(&compiled.to_bytes().unwrap()).unwrap();
    let mut pipeline = loaded.open(&stores::empty(), Settings::fixed()).unwrap();
    pipeline.user("Olga").unwrap();
    let account = created(&mut pipeline, "account", &[("name", "A".into()), ("share", 5.into())]);
    update(&mut pipeline, account, &[("share", 7.into())]);
    assert!(sessions(&mut pipeline)[0].contains(&place("stop \"not")));
}
