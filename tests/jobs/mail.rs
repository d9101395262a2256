//! E-mails: from the outbox over SMTP to a real server, which takes them, refuses them, or says nothing.

use std::process::Stdio;

use serde_json::Value;

use crate::place::{Place, told};
use crate::smtp::{Manner, Server};

const RULES: &str = r#"
entity contact {
  fullname      text(100) required
  emailaddress1 text(200)
}

entity account {
  name    text(200) required
  text    memo(2000)
  contact lookup contact
}

flow Tell on account {
  trigger create
  if contact is empty { finish }
  send email { to = contact, subject = "Welcome, {name}", body = text ?? "Hello" }
  if name == "none" { stop "not this one" }
}
"#;

impl Server {
    fn config(&self) -> String {
        format!(
            "[limits]\nplugin_time = 2\n[smtp]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\nfrom = \"Weir <crm@example.com>\"\n",
            self.port
        )
    }
}

impl Place {
    /// A new account with a new contact at an address; gives what became of it.
    fn greets(&self, name: &str, address: &str) -> Value {
        let contact = format!(
            "{{\"message\":\"Create\",\"entity\":\"contact\",\"attributes\":{{\"fullname\":\"Ada Löwe\",\"emailaddress1\":{address:?}}}}}\n"
        );
        let made: Value = serde_json::from_str(self.operate(&contact).lines().next().unwrap()).unwrap();
        let account =
            serde_json::json!({ "message": "Create", "entity": "account", "attributes": { "name": name, "contact": made["id"] } });
        std::fs::write(self.dir.path().join("ops.jsonl"), account.to_string()).unwrap();
        let output =
            self.command(&["run", "sqlite:s.db", "--ops", "ops.jsonl", "--store", "sqlite:s.db", "--format", "json"]).output().unwrap();
        serde_json::from_str(String::from_utf8(output.stdout).unwrap().lines().next().unwrap()).unwrap()
    }

    /// Works with the mail server allowed; gives the jobs as they were left.
    fn mails(&self) -> Vec<Value> {
        let told = self.well(&["work", "--store", "sqlite:s.db", "--once", "--format", "json", "--allow-smtp", "127.0.0.1"]);
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Lets a job be tried again at once, and works.
    fn again(&self, job: &Value) -> Value {
        self.well(&["jobs", "resume", job["id"].as_str().unwrap(), "--store", "sqlite:s.db"]);
        self.mails().remove(0)
    }

    /// The status reasons of all e-mails: 6 waits, 3 sent, 8 failed, 5 canceled.
    fn statuses(&self) -> Vec<i64> {
        let store = rusqlite::Connection::open(self.dir.path().join("s.db")).unwrap();
        let mut found = store.prepare("SELECT statuscode FROM email ORDER BY emailid").unwrap();
        found.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

fn message(job: &Value) -> &str {
    job["message"].as_str().unwrap()
}

#[test]
fn a_mail_reaches_the_server_as_it_was_written() {
    let server = Server::start();
    let place = Place::configured(RULES, &server.config());
    let contact = place.operate("{\"message\":\"Create\",\"entity\":\"contact\",\"attributes\":{\"fullname\":\"Ada Löwe\",\"emailaddress1\":\"ada@example.org\"}}\n");
    let contact: Value = serde_json::from_str(contact.lines().next().unwrap()).unwrap();
    let text = "Grüße aus 東京,\n.\nnach einem Punkt\nund ein Ende";
    let account = serde_json::json!({ "message": "Create", "entity": "account",
        "attributes": { "name": "Müller & Söhne aus Wien, mit einem recht langen Namen 🙂", "text": text, "contact": contact["id"] } });
    place.operate(&account.to_string());
    // A mail belongs to the transaction: here none is left.
    assert_eq!(place.greets("none", "x@example.org")["outcome"], "stopped");
    let jobs = place.mails();
    assert_eq!(told(&jobs), [("send email", 30)]);
    assert_eq!((&jobs[0]["type"], &jobs[0]["entity"], message(&jobs[0])), (&50.into(), &"email".into(), "sent to ada@example.org"));
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!((mail.from.as_str(), mail.to.as_str()), ("crm@example.com", "ada@example.org"));
    let header = |name| mail.header(name).unwrap();
    assert_eq!(header("Subject"), "Welcome, Müller & Söhne aus Wien, mit einem recht langen Namen 🙂");
    assert_eq!(header("To"), "Ada Löwe <ada@example.org>");
    assert_eq!(header("From"), "\"System Administrator\" <crm@example.com>");
    assert_eq!(header("MIME-Version"), "1.0");
    assert_eq!(header("Message-ID"), format!("<{}@example.com>", jobs[0]["record"].as_str().unwrap()));
    assert_eq!(mail.body.trim_end(), text);
    assert_eq!(place.statuses(), [3]);
    assert_eq!(place.number("SELECT count(*) FROM email WHERE senton IS NOT NULL AND statecode = 1"), 1);
    assert!(place.mails().is_empty());
}

#[test]
fn a_refusal_that_may_pass_is_tried_again_and_one_for_good_fails_its_mail_alone() {
    let server = Server::start();
    let place = Place::configured(RULES, &server.config());
    for name in ["a", "b", "c"] {
        place.greets(name, &format!("{name}@example.org"));
    }
    server.will(&[Manner::Regrets("451 try later"), Manner::Refuses("550 nobody of that name"), Manner::Takes]);
    let jobs = place.mails();
    assert_eq!(jobs.iter().map(|job| job["status"].as_i64().unwrap()).collect::<Vec<_>>(), [10, 31, 30]);
    assert_eq!(message(&jobs[0]), "the mail server `127.0.0.1` answers 451: try later");
    assert_eq!(message(&jobs[1]), "the mail server `127.0.0.1` answers 550: nobody of that name");
    assert_eq!((&jobs[0]["retries"], place.statuses()), (&1.into(), vec![6, 8, 3]));
    assert!(place.well(&["jobs", "--store", "sqlite:s.db"]).contains("answers 451: try later"));
    assert_eq!(place.again(&jobs[0])["status"], 30);
    assert_eq!(place.statuses(), [3, 8, 3]);
    // What was sent twice is known by the same id.
    let ids: Vec<_> = server.mails().iter().filter(|mail| mail.to == "a@example.org").map(|mail| mail.header("Message-ID")).collect();
    assert_eq!((ids.len(), &ids[0]), (2, &ids[1]));
    // The failed one, once somebody has seen to it.
    let failed = jobs[1]["record"].as_str().unwrap();
    place.operate(&format!(
        "{{\"message\":\"Update\",\"entity\":\"email\",\"id\":{failed:?},\"attributes\":{{\"statuscode\":\"pendingsend\"}}}}\n"
    ));
    assert_eq!(told(&place.mails()), [("send email", 30)]);
    assert_eq!(place.statuses(), [3, 3, 3]);
}

#[test]
fn a_server_that_says_nothing_costs_its_time_and_three_retries() {
    let server = Server::start();
    let place = Place::configured(RULES, &server.config());
    place.greets("a", "a@example.org");
    server.will(&[Manner::IsSilent, Manner::Refuses("450 full"), Manner::Refuses("450 full"), Manner::Refuses("450 full")]);
    let mut job = place.mails().remove(0);
    assert_eq!(message(&job), "the mail server `127.0.0.1` took longer than 2 seconds to answer");
    for retry in 1..=3 {
        assert_eq!((&job["status"], &job["retries"]), (&10.into(), &retry.into()));
        job = place.again(&job);
    }
    assert_eq!((&job["status"], place.statuses()), (&31.into(), vec![8]));
}

#[test]
fn a_server_that_says_too_much_or_takes_for_ever_is_cut_off() {
    let server = Server::start();
    let place = Place::configured(RULES, &server.config().replace("plugin_time = 2", "plugin_time = 1"));
    place.greets("a", "a@example.org");
    server.will(&[Manner::Floods, Manner::Drips]);
    let job = place.mails().remove(0);
    assert_eq!(message(&job), "the mail server `127.0.0.1` says more than a mail server has to");
    let job = place.again(&job);
    assert_eq!(message(&job), "the mail server `127.0.0.1` took longer than 10 seconds to answer");
    assert_eq!((&job["status"], &job["retries"]), (&10.into(), &2.into()));
    assert_eq!(place.again(&job)["status"], 30);
}

#[test]
fn an_old_outbox_is_queued_some_at_a_time_and_each_mail_once() {
    let server = Server::start();
    let place = Place::deployed(RULES);
    place.greets("a", "a@example.org");
    let store = rusqlite::Connection::open(place.dir.path().join("s.db")).unwrap();
    store.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    for _ in 0..10 {
        let more = "CREATE TEMP TABLE more AS SELECT * FROM email; UPDATE more SET emailid = randomblob(16);
            INSERT INTO email SELECT * FROM more; DROP TABLE more";
        store.execute_batch(more).unwrap();
    }
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation"), 0);
    place.deploy_with(RULES, &server.config());
    // Nobody allows the server, so that all of them only wait.
    place.work();
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation"), 1024);
    assert_eq!(place.number("SELECT count(DISTINCT recordid) FROM asyncoperation WHERE operationtype = 50"), 1024);
}

#[test]
fn what_cant_be_a_mail_fails_with_the_reason_and_no_header_is_made_up() {
    let server = Server::start();
    let place = Place::configured(RULES, &server.config());
    place.greets("a\r\nBcc: everybody@example.org", "a@example.org");
    place.greets("b", "no address");
    place.greets("c", "c@example.org\r\nRCPT TO:<x@example.org>");
    place.greets("d", "");
    place.greets("e", "e@example.org");
    let jobs = place.mails();
    let messages: Vec<&str> = jobs.iter().map(message).collect();
    assert!(messages[0].ends_with("has a line break or another control character in it"), "{messages:?}");
    assert_eq!(messages[1], "`no address` is no e-mail address");
    assert!(messages[2].ends_with("is no e-mail address"), "{messages:?}");
    assert_eq!(messages[3], "`Ada Löwe` has no e-mail address: fill `contact.emailaddress1`, then send it again");
    assert_eq!(messages[4], "sent to e@example.org");
    assert_eq!(place.statuses(), [8, 8, 8, 8, 3]);
    assert_eq!((server.mails().len(), server.connections()), (1, 1));
}

#[test]
fn without_a_mail_server_nothing_is_lost_and_it_is_said_what_to_do() {
    let server = Server::start();
    let place = Place::deployed(RULES);
    place.greets("a", "a@example.org");
    let worked = place.command(&["work", "--store", "sqlite:s.db", "--once"]).output().unwrap();
    let said = String::from_utf8_lossy(&worked.stderr).into_owned();
    assert!(said.contains("1 e-mail waits to be sent, and nobody sends: name a mail server in `[smtp]` of weir.toml"), "{said}");
    assert_eq!(place.statuses(), [6]);
    place.deploy_with(RULES, &server.config());
    place.greets("b", "b@example.org");
    // A project can't allow itself a server.
    let jobs = place.work();
    assert_eq!(told(&jobs), [("send email", 10), ("send email", 10)]);
    assert!(message(&jobs[0]).ends_with("whoever runs the worker can allow it with `--allow-smtp 127.0.0.1`"), "{jobs:?}");
    assert_eq!((&jobs[0]["retries"], server.connections()), (&0.into(), 0));
    // Whoever has one now needn't wait for the ten minutes.
    assert_eq!(told(&place.mails()), [("send email", 30), ("send email", 30)]);
    assert_eq!((place.statuses(), server.mails().len()), (vec![3, 3], 2));
}

#[test]
fn a_password_is_read_where_it_is_and_told_nowhere() {
    let server = Server::start();
    let config = server.config() + "user = \"crm\"\npassword_env = \"SMTP_PASSWORD\"\n";
    let place = Place::configured(RULES, &config);
    place.greets("a", "a@example.org");
    let work = |password: Option<&str>| {
        let mut command = place.command(&["work", "--store", "sqlite:s.db", "--once", "--allow-smtp", "127.0.0.1"]);
        password.map(|password| command.env("SMTP_PASSWORD", password));
        let output = command.output().unwrap();
        assert!(output.status.success());
        let told = String::from_utf8_lossy(&output.stdout).into_owned() + &*String::from_utf8_lossy(&output.stderr);
        assert!(!told.contains("geheim"), "{told}");
        told
    };
    assert!(work(None).contains("there is no variable `SMTP_PASSWORD` in the environment"));
    let job = place.jobs().remove(0);
    let resume = || place.well(&["jobs", "resume", job["id"].as_str().unwrap(), "--store", "sqlite:s.db"]);
    server.will(&[Manner::Asks("crm", "geheim-1"), Manner::Asks("crm", "geheim-2")]);
    resume();
    let told = work(Some("geheim-2"));
    assert!(told.contains("waiting") && told.contains("answers 535: it wants another login"), "{told}");
    resume();
    assert!(work(Some("geheim-2")).contains("sent to a@example.org"));
    let bytes = std::fs::read(place.dir.path().join("s.db")).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("geheim"));
}

#[test]
fn an_encrypted_connection_is_never_given_up() {
    let server = Server::start();
    for (security, said) in [("starttls", "STARTTLS is not supported"), ("tls", "can't be used")] {
        let place = Place::configured(RULES, &server.config().replace("\"none\"", &format!("\"{security}\"")));
        place.greets("a", "a@example.org");
        let job = place.mails().remove(0);
        assert!(message(&job).contains(said), "{job}");
        assert_eq!((&job["status"], place.statuses()), (&10.into(), vec![6]));
    }
    assert!(server.mails().is_empty());
}

#[test]
fn a_worker_that_is_gone_before_the_answer_sends_the_same_mail_again() {
    let server = Server::start();
    let place = Place::configured(RULES, &server.config().replace("plugin_time = 2", "plugin_time = 120"));
    place.greets("a", "a@example.org");
    server.will(&[Manner::TakesSilently]);
    let mut command = place.command(&["work", "--store", "sqlite:s.db", "--lease", "1", "--allow-smtp", "127.0.0.1"]);
    let mut worker = command.stdout(Stdio::piped()).spawn().unwrap();
    server.wait_for(1);
    worker.kill().unwrap();
    worker.wait().unwrap();
    assert_eq!(place.statuses(), [6]);
    while place.statuses() == [6] {
        place.mails();
    }
    let mails = server.mails();
    assert_eq!((place.statuses(), mails.len()), (vec![3], 2));
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
}

#[test]
fn a_canceled_job_cancels_its_mail_and_one_that_is_deleted_is_sent_by_nobody() {
    let server = Server::start();
    let place = Place::configured(RULES, &server.config());
    place.greets("a", "a@example.org");
    place.greets("b", "b@example.org");
    let jobs = place.jobs();
    place.well(&["jobs", "cancel", jobs[0]["id"].as_str().unwrap(), "--store", "sqlite:s.db"]);
    let mail = jobs[1]["record"].as_str().unwrap();
    place.operate(&format!("{{\"message\":\"Delete\",\"entity\":\"email\",\"id\":{mail:?}}}\n"));
    let jobs = place.mails();
    assert_eq!((told(&jobs), message(&jobs[0])), (vec![("send email", 32)], "the e-mail is gone"));
    assert_eq!((place.statuses(), server.connections()), (vec![5], 0));
}
