//! Actions, and code outside the language: real functions, real processes, a real HTTP server.

#![cfg(test)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use weir::diagnostic::Code;
use weir::pipeline::{Ending, Limits, Operation, Outcome, Permission, Pipeline, Settings};
use weir::project::Project;
use weir::schema::Row;
use weir::value::{Reference, Value};

const ACCOUNT: &str = "entity account { name text(100) required revenue money rating text(20) }\n";

fn open(text: &str, settings: Settings) -> Pipeline {
    let project = Project::from_text("test.flow", format!("{ACCOUNT}{text}"));
    let said: Vec<_> = project.diagnostics.iter().map(|diagnostic| (diagnostic.code, &diagnostic.message)).collect();
    project.compile().unwrap_or_else(|_| panic!("{said:?}")).open("sqlite::memory:", settings).unwrap()
}

/// With commands and hosts that may be called, two seconds each.
fn allowing(commands: &[&str], hosts: &[&str]) -> Settings {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let settings = Settings::fixed().allowing(Permission { commands: owned(commands), hosts: owned(hosts) });
    Settings { limits: Limits { time: Duration::from_secs(2), bytes: 10_000 }, ..settings }
}

fn create(pipeline: &mut Pipeline, name: &str) -> Outcome {
    let entity = pipeline.schema().entity_id("account").unwrap();
    let values = Row::of(pipeline.schema().entity(entity).unwrap(), [("name", name.into())]).unwrap();
    pipeline.execute(Operation::Create { entity, values }, None)
}

fn perform(pipeline: &mut Pipeline, action: &str, record: Option<Reference>, inputs: Vec<Value>) -> Outcome {
    pipeline.execute(Operation::Perform { action: action.into(), record, inputs }, None)
}

fn get(pipeline: &mut Pipeline, record: Reference, field: &str) -> Value {
    let slot = pipeline.schema().entity(record.entity).unwrap().slot(field).unwrap();
    let row = pipeline.read(record, &[slot].into_iter().collect()).unwrap().unwrap();
    row.get(slot).unwrap().clone()
}

fn fault(outcome: &Outcome) -> (Code, &str) {
    match &outcome.ending {
        Ending::Fault(fault) => (fault.code, &fault.message),
        other => panic!("no fault, but {other:?}"),
    }
}

/// A plug-in before every create, whose code is a command.
fn plugin(command: &str) -> String {
    format!("plugin Score on account {{ trigger create stage pre-operation reads name sets rating via command {command:?} }}")
}

#[test]
fn without_rollback_each_step_of_the_outermost_action_is_kept() {
    let steps = "set name = \"one\" set rating = \"two\" if revenue is empty { stop \"no revenue\" } set name = \"three\"";
    let text = format!(
        "action Off on account {{ rollback off {steps} }} action On on account {{ {steps} }}\n\
        action Around {{ input a lookup account required perform Off on a }}"
    );
    let mut pipeline = open(&text, Settings::fixed());
    let record = create(&mut pipeline, "start").record.unwrap();
    let stopped = |outcome: &Outcome| matches!(&outcome.ending, Ending::Stopped { reason, .. } if reason == "no revenue");

    let outcome = perform(&mut pipeline, "On", Some(record), vec![]);
    assert!(stopped(&outcome) && outcome.kept == 0);
    assert_eq!(get(&mut pipeline, record, "name"), "start".into());
    let outcome = perform(&mut pipeline, "Around", None, vec![record.into()]);
    assert!(stopped(&outcome) && outcome.kept == 0);
    assert_eq!(get(&mut pipeline, record, "name"), "start".into(), "within another action it rolls back with that");
    pipeline.begin().unwrap();
    assert!(stopped(&perform(&mut pipeline, "Off", Some(record), vec![])));
    assert_eq!(get(&mut pipeline, record, "rating"), "two".into(), "a longer transaction goes on behind the steps");
    pipeline.rollback().unwrap();
    assert_eq!(get(&mut pipeline, record, "name"), "start".into(), "and takes them along where it is undone");
    let outcome = perform(&mut pipeline, "Off", Some(record), vec![]);
    assert!(stopped(&outcome) && outcome.kept == 2);
    assert_eq!([get(&mut pipeline, record, "name"), get(&mut pipeline, record, "rating")], ["one".into(), "two".into()]);
}

#[test]
fn a_host_function_gives_outputs_and_is_held_to_what_it_declares() {
    let text = "action Rate on account { input limit integer required output good boolean reads name sets rating via host }";
    let mut pipeline = open(text, Settings::fixed());
    let record = create(&mut pipeline, "Acme").record.unwrap();
    let unbound = perform(&mut pipeline, "Rate", Some(record), vec![3.into()]);
    assert_eq!(fault(&unbound).0, Code::F10);
    assert_eq!(
        pipeline.bind("Rat", |_| Ok(())).unwrap_err().to_string(),
        "the project declares no plug-in and no action `Rat`; did you mean `Rate`?"
    );
    pipeline
        .bind("Rate", |account| {
            let limit = account.input("limit")?.clone();
            if limit == 9.into() {
                // A failure that is passed over is one all the same.
                let _ = account.field("revenue");
            }
            account.set("rating", "rated")?;
            account.set_output("good", limit == 3.into())
        })
        .unwrap();
    let outcome = perform(&mut pipeline, "Rate", Some(record), vec![3.into()]);
    assert_eq!((&outcome.ending, outcome.outputs.as_slice()), (&Ending::Committed, [Value::Boolean(true)].as_slice()));
    assert_eq!(get(&mut pipeline, record, "rating"), "rated".into());
    let message = "the action `Rate` reads `revenue` and doesn't declare it: write `reads revenue` in its declaration";
    assert_eq!(fault(&perform(&mut pipeline, "Rate", Some(record), vec![9.into()])), (Code::F19, message));
}

#[test]
fn a_command_runs_only_where_it_is_allowed() {
    let mut pipeline = open(&plugin("cat"), Settings::fixed());
    let message = "the plug-in `Score` would call the command `cat`, which is not allowed here: whoever runs it can allow it with `--allow-command cat`";
    assert_eq!(fault(&create(&mut pipeline, "Acme")), (Code::F20, message));
    let mut pipeline = open(&plugin("cat"), allowing(&["cat /etc", "ca", "/bin/cat"], &[]));
    assert_eq!(fault(&create(&mut pipeline, "Acme")).0, Code::F20);
}

#[cfg(unix)]
#[test]
fn a_command_gets_the_operation_and_its_answer_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let script = |answer: &str| {
        let file = folder.path().join("script");
        std::fs::write(&file, format!("cat > {}\necho {answer}\n", seen.display())).unwrap();
        format!("sh {}", file.display())
    };
    let answer = script(r#"'{"set": {"rating": "A"}, "log": ["scored"]}'"#);
    let mut pipeline = open(&plugin(&answer), allowing(&["sh"], &[]));
    let outcome = create(&mut pipeline, "Acme");
    assert_eq!((&outcome.ending, outcome.ran.as_slice()), (&Ending::Committed, ["Score".into()].as_slice()));
    assert_eq!(get(&mut pipeline, outcome.record.unwrap(), "rating"), "A".into());
    insta::assert_snapshot!(std::fs::read_to_string(&seen).unwrap());

    let fails = |answer: &str| {
        let mut pipeline = open(&plugin(&script(answer)), allowing(&["sh"], &[]));
        match create(&mut pipeline, "Acme").ending {
            Ending::Stopped { flow, reason } => format!("{flow}: {reason}"),
            Ending::Fault(fault) => format!("{:?}", fault.code),
            Ending::Committed => "committed".to_owned(),
        }
    };
    assert_eq!(fails(r#"'{"stop": "not this one"}'"#), "Score: not this one");
    assert_eq!(fails("nonsense"), "F21");
    assert_eq!(fails(r#"'{"sets": {}}'"#), "F21");
    assert_eq!(fails(r#"'{"set": {"revenue": 1}}'"#), "F19");
    assert_eq!(fails("; exit 3"), "F21");
    assert_eq!(fails(""), "committed");
}

#[cfg(unix)]
#[test]
fn a_global_action_shows_and_writes_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let (script, seen) = (folder.path().join("script"), folder.path().join("seen"));
    let answers = |answer: &str| std::fs::write(&script, format!("cat > {}\necho '{answer}'\n", seen.display())).unwrap();
    let command = format!("sh {}", script.display());
    let text =
        format!("action Ask {{ output said text(20) effects unknown via command {command:?} }}\naction Own {{ effects unknown via host }}");
    let mut pipeline = open(&text, allowing(&["sh"], &[]));
    answers(r#"{"outputs": {"said": "yes"}}"#);
    assert_eq!(perform(&mut pipeline, "Ask", None, vec![]).outputs, ["yes".into()]);
    let request = std::fs::read_to_string(&seen).unwrap();
    assert!(request.contains(r#""entity":null,"id":null"#) && request.contains(r#""target":null,"preImage":null"#), "{request}");
    answers(r#"{"set": {"fullname": "Nobody"}}"#);
    let message = "in the action `Ask`, the answer names `fullname`, which is no field";
    assert_eq!(fault(&perform(&mut pipeline, "Ask", None, vec![])), (Code::F21, message));
    for (answer, words) in [
        ("3", "it is no JSON object"),
        (r#"["stop it", {}, {}, {}, {}, []]"#, "it is no JSON object"),
        (r#"{"outputs": {"said": "a", "said": "b"}}"#, "`said` is there twice"),
        (r#"{"shared": {"k": 1, "k": 2}}"#, "`k` is there twice"),
    ] {
        answers(answer);
        assert!(fault(&perform(&mut pipeline, "Ask", None, vec![])).1.contains(words), "{answer}");
    }
    pipeline.bind("Own", |context| context.set("fullname", "Nobody")).unwrap();
    let message = "the action `Own` sets `fullname`, and a global action has no record";
    assert_eq!(fault(&perform(&mut pipeline, "Own", None, vec![])), (Code::F10, message));
}

#[cfg(unix)]
#[test]
fn a_command_that_hangs_forks_or_floods_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let alive = folder.path().join("alive");
    let fork = format!("sh -c '(sleep 4; touch {}) & exit 0'", alive.display());
    for (command, words) in [("sleep 60", "took longer"), (fork.as_str(), "took longer"), ("yes", "more than 10000 bytes")] {
        let mut pipeline = open(&plugin(command), allowing(&[command], &[]));
        let began = Instant::now();
        let outcome = create(&mut pipeline, "Acme");
        assert!(matches!(fault(&outcome), (Code::F21, message) if message.contains(words)), "{outcome:?}");
        assert!(began.elapsed() < Duration::from_secs(20), "{command}");
    }
    std::thread::sleep(Duration::from_secs(4));
    assert!(!alive.exists(), "what it had started was ended with it");
}

/// A server that answers every request with this, or never where there is nothing; gives its port.
fn server(answer: Option<&'static str>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let Some(answer) = answer else {
                std::thread::sleep(Duration::from_secs(30));
                continue;
            };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(number) = line.to_lowercase().strip_prefix("content-length:") {
                    length = number.trim().parse().unwrap();
                }
                line.clear();
            }
            reader.take(length).read_to_end(&mut Vec::new()).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    port
}

#[test]
fn a_webhook_is_posted_where_its_host_is_allowed() {
    let send = |port: u16, scheme: &str, hosts: &[&str]| {
        let text =
            format!("action Send {{ input phone text(20) required output id text(50) via webhook \"{scheme}://127.0.0.1:{port}/sms\" }}");
        let mut pipeline = open(&text, allowing(&[], hosts));
        perform(&mut pipeline, "Send", None, vec!["+43".into()])
    };
    let good = server(Some("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"outputs\": {\"id\": \"m-1\"}}"));
    let outcome = send(good, "http", &["127.0.0.1"]);
    assert_eq!((&outcome.ending, outcome.outputs.as_slice(), outcome.record), (&Ending::Committed, ["m-1".into()].as_slice(), None));
    assert_eq!(fault(&send(good, "http", &["localhost", "127.0.0.1:1"])).0, Code::F20);
    let failing = |port, scheme| {
        let outcome = send(port, scheme, &["127.0.0.1"]);
        let (code, message) = fault(&outcome);
        assert_eq!(code, Code::F21);
        message.rsplit_once("/sms` ").unwrap().1.to_owned()
    };
    assert_eq!(failing(server(Some("HTTP/1.1 503 Busy\r\nconnection: close\r\n\r\n")), "http"), "answers 503 Service Unavailable");
    let elsewhere = server(Some("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\nconnection: close\r\n\r\n"));
    assert_eq!(failing(elsewhere, "http"), "answers 302 Found");
    assert_eq!(failing(server(None), "http"), "took longer than 2 seconds (the limit `plugin_time`)");
    assert!(failing(good, "https").starts_with("can't be called"), "a server without TLS is not called by https");
}
