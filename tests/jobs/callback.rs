//! Callbacks: a real HTTP server is told that a background operation has ended; who may be told, and what happens where nobody answers.

use std::fs;

use serde_json::{Value, json};

use crate::listener::Listener;
use crate::place::{Place, Worker, wait_for};

const RULES: &str = "
entity account {
  name   text(100) required
  rating integer
}

flow Guard on account {
  trigger create
  stage   pre-operation
  if rating > 100 { stop \"no rating above 100\" }
}
";

fn place(config: &str) -> Place {
    let place = Place::deployed(RULES);
    place.configure(config);
    place
}

fn create(rating: u32) -> String {
    json!({"message": "Create", "entity": "account", "attributes": {"name": "a", "rating": rating}}).to_string()
}

impl Place {
    fn configure(&self, config: &str) {
        fs::write(self.dir.path().join("weir.toml"), config).unwrap();
        self.well(&["deploy", ".", "--store", "sqlite:s.db"]);
    }

    /// The callback of a job.
    fn callback(&self, id: &str) -> Value {
        self.show(id, &[]).1[0]["callback"].clone()
    }

    /// Why a callback isn't taken.
    fn refuses_callback(&self, url: &str) -> String {
        fs::write(self.dir.path().join("ops.jsonl"), create(1)).unwrap();
        let arguments = ["run", ".", "--ops", "ops.jsonl", "--store", "sqlite:s.db", "--background", "--callback", url];
        let output = self.command(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{url}");
        String::from_utf8(output.stderr).unwrap()
    }
}

const HERE: &str = "url = \"https://crm.example.com\"\n[callbacks]\nprivate_hosts = [\"127.0.0.1\"]\n";

#[test]
fn whoever_asked_for_it_is_told_how_it_ended() {
    let (place, listener) = (place(HERE), Listener::answering(&["204 No Content"]));
    let url = format!("http://127.0.0.1:{}/done?code=secret", listener.port);
    let id = place.hand_in(&create(1), &["--callback", &url]);
    assert_eq!(place.callback(&id), json!({"url": format!("http://127.0.0.1:{}/done?…", listener.port), "job": null}));
    place.work();
    let told = listener.next();
    let location = format!("https://crm.example.com/asyncoperation/{id}");
    let expected = json!({
        "location": location, "backgroundOperationId": id, "backgroundOperationStateCode": 3, "backgroundOperationStatusCode": 30,
    });
    assert_eq!((told.path.as_str(), &told.body), ("/done?code=secret", &expected));
    assert_eq!((told.header("idempotency-key"), told.header("content-type")), (id.as_str(), "application/json"));
    assert_eq!((&place.callback(&id)["status"], &place.callback(&id)["errorCode"]), (&json!(30), &Value::Null));
    let shown = place.well(&["jobs", "show", &id, "--store", "sqlite:s.db"]);
    assert!(shown.contains(&format!("callback     http://127.0.0.1:{}/done?… succeeded\n", listener.port)), "{shown}");

    let failed = place.hand_in(&create(101), &["--callback", &url]);
    place.work();
    let told = listener.next().body;
    assert_eq!(told["backgroundOperationStatusCode"], 31);
    assert_eq!(told["backgroundOperationErrorCode"], "stopped");
    assert_eq!(told["backgroundOperationErrorMessage"], "stopped by Guard: no rating above 100");
    assert_eq!(told["backgroundOperationId"], failed.as_str());

    let canceled = place.hand_in(&create(1), &["--callback", &url]);
    place.well(&["jobs", "cancel", &canceled, "--store", "sqlite:s.db"]);
    place.work();
    let told = listener.next().body;
    assert_eq!((&told["backgroundOperationStatusCode"], told.as_object().unwrap().len()), (&json!(32), 4));
    assert!(listener.is_quiet());
}

#[test]
fn only_hosts_that_the_configuration_names_are_called_back() {
    let place = place("[callbacks]\nhosts = [\"127.0.0.1\", \"localhost\", \"[::1]\", \"[::ffff:10.0.0.1]\", \"crm.example.com:8443\"]\n");
    for (url, words) in [
        (
            "https://other.example.com:81/",
            "`other.example.com:81` isn't among the hosts that may be called back: name it in `hosts` under `[callbacks]` of weir.toml, and deploy",
        ),
        ("https://crm.example.com/", "`crm.example.com` isn't among the hosts"),
        ("http://crm.example.com:8443/", "its address has to begin with `https://`"),
        ("https://anna@crm.example.com:8443/", "a name or password"),
        ("ftp://crm.example.com/", "doesn't begin with `https://`"),
        ("http://127.0.0.1:1/", "`127.0.0.1:1` is no public address"),
        ("https://localhost/", "`localhost` is no public address"),
        ("https://[::1]/", "`[::1]` is no public address"),
        ("https://[::ffff:10.0.0.1]/", "`[::ffff:10.0.0.1]` is no public address"),
    ] {
        let said = place.refuses_callback(url);
        assert!(said.contains("the callback isn't allowed") && said.contains(words), "{url}: {said}");
    }
    assert!(place.jobs().is_empty());
    let id = place.hand_in(&create(1), &["--callback", "https://crm.example.com:8443/hook"]);
    assert_eq!(place.callback(&id)["url"], "https://crm.example.com:8443/hook");
    // It was allowed when it was asked for, and isn't any more when it is to be sent.
    place.configure("[callbacks]\nhosts = [\"hooks.example.com\"]\n");
    place.work();
    let callback = place.callback(&id);
    assert_eq!((&callback["statusName"], &callback["retries"]), (&json!("waiting"), &json!(0)), "{callback}");
    assert!(callback["message"].as_str().unwrap().starts_with("F20: not called back: "), "{callback}");
    assert_eq!(place.show(&id, &[]).1[0]["status"], 30);
}

#[test]
fn what_isnt_answered_well_is_tried_again_and_changes_nothing() {
    let (place, listener) = (place(HERE), Listener::answering(&["503 Busy", "302 Found\r\nlocation: http://127.0.0.1:1/", "200 OK"]));
    let id = place.hand_in(&create(1), &["--callback", &format!("http://127.0.0.1:{}/", listener.port)]);
    for words in ["answers 503", "answers 302"] {
        place.work();
        assert_eq!(listener.next().header("idempotency-key"), id);
        let callback = place.callback(&id);
        assert_eq!(callback["statusName"], "waiting");
        assert!(callback["message"].as_str().unwrap().contains(words), "{callback}");
        assert_eq!(place.show(&id, &[]).1[0]["status"], 30);
        // It would be tried by itself, in minutes.
        place.well(&["jobs", "resume", callback["job"].as_str().unwrap(), "--store", "sqlite:s.db"]);
    }
    place.work();
    assert_eq!(place.callback(&id)["statusName"], "succeeded");
    assert_eq!(place.number("SELECT count(*) FROM account"), 1);
}

#[test]
fn who_never_answers_holds_nothing() {
    let (place, listener) = (place(HERE), Listener::answering(&[]));
    let id = place.hand_in(&create(1), &["--callback", &format!("http://127.0.0.1:{}/", listener.port)]);
    place.well(&["work", "--store", "sqlite:s.db", "--once", "--lease", "1"]);
    assert_eq!(listener.next().body["backgroundOperationId"], id.as_str());
    let callback = place.callback(&id);
    assert_eq!((&callback["statusName"], &callback["retries"]), (&json!("waiting"), &json!(1)));
    assert_eq!(callback["message"], "F21: the callback to `127.0.0.1` took longer than 10 seconds");
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE statecode = 2"), 0);
    assert!(listener.is_quiet());
}

#[test]
fn who_never_answers_keeps_no_other_job_waiting() {
    let (place, listener) = (place(HERE), Listener::answering(&[]));
    let url = format!("http://127.0.0.1:{}/", listener.port);
    (0..3).for_each(|_| drop(place.hand_in(&create(1), &["--callback", &url])));
    let worker = Worker::start(place.command(&["work", "--store", "sqlite:s.db"]));
    listener.next();
    let other = place.hand_in(&create(1), &[]);
    wait_for(|| place.show(&other, &[]).1[0]["status"] == 30, "the job without a callback");
    // One after the other they take half a minute, and a worker has one thread where nobody says otherwise.
    assert!(place.number("SELECT sum(retrycount) FROM asyncoperation WHERE name = 'Callback'") < 3);
    worker.stop();
}

#[test]
fn a_worker_that_is_killed_in_the_middle_of_a_callback_has_it_sent_again_with_the_same_key() {
    let (place, listener) = (place(HERE), Listener::answering(&["", "204 No Content"]));
    let id = place.hand_in(&create(1), &["--callback", &format!("http://127.0.0.1:{}/", listener.port)]);
    let worker = Worker::at(&place);
    let first = listener.next();
    worker.kill();
    let callback = place.callback(&id);
    assert_eq!((&callback["statusName"], &callback["retries"]), (&json!("inprogress"), &json!(0)));
    // Nothing is due until the lease is over.
    wait_for(
        || {
            place.well(&["work", "--store", "sqlite:s.db", "--once", "--lease", "1"]);
            place.callback(&id)["statusName"] == "succeeded"
        },
        "the callback",
    );
    let second = listener.next();
    assert_eq!((first.header("idempotency-key"), second.header("idempotency-key")), (id.as_str(), id.as_str()));
    assert_eq!(first.body, second.body);
    assert!(listener.is_quiet());
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE name = 'Callback'"), 1);
    assert_eq!(place.show(&id, &[]).1[0]["status"], 30);
    assert_eq!(place.number("SELECT count(*) FROM account"), 1);
}

#[test]
fn what_is_wrong_with_the_configuration_is_told() {
    let place = Place::deployed(RULES);
    for (config, words) in [
        ("callbacks = 1", "`callbacks` is a table"),
        ("[callbacks]\nhosts = \"crm.example.com\"", "this is no list"),
        ("[callbacks]\nhosts = [\"https://crm.example.com\"]", "this is no host"),
        ("[callbacks]\nhost = []", "did you mean `hosts`?"),
    ] {
        fs::write(place.dir.path().join("weir.toml"), config).unwrap();
        let output = place.command(&["check", "."]).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(String::from_utf8_lossy(&said).contains(words), "{config}: {}", String::from_utf8_lossy(&said));
    }
}
