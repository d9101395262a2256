//! Code outside that fails for a while: tried again at growing intervals, and known to the other side by the same key each time.

use serde_json::Value;

use crate::http::Server;
use crate::place::{Place, told};

fn rules(server: &Server) -> String {
    format!(
        "entity account {{ name text(100) required }}
action Send on account {{ via webhook \"http://127.0.0.1:{0}/send\" }}
flow Log on account {{ mode background trigger update(name) perform Send on this perform Send on this }}
plugin Tell on account {{ mode background trigger create via webhook \"http://127.0.0.1:{0}/tell\" }}
",
        server.port
    )
}

impl Place {
    fn calls(&self) -> Vec<Value> {
        let told = self.well(&["work", "--store", "sqlite:s.db", "--once", "--format", "json", "--allow-webhook", "127.0.0.1"]);
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn retry(&self, job: &Value) -> Value {
        self.well(&["jobs", "resume", job["id"].as_str().unwrap(), "--store", "sqlite:s.db"]);
        self.calls().remove(0)
    }
}

/// The seconds between two moments of a job.
fn seconds(job: &Value, from: &str, to: &str) -> i64 {
    let moment = |name: &str| job[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    moment(to).duration_since(moment(from)).as_secs()
}

#[test]
fn a_plugin_whose_server_fails_twice_is_tried_again_later_and_later_with_one_key() {
    let server = Server::start(&["503 Busy", "500 Oh"]);
    let place = Place::deployed(&rules(&server));
    place.account("Acme");
    let first = place.calls().remove(0);
    assert_eq!((told(std::slice::from_ref(&first)), &first["retries"]), (vec![("Tell", 10)], &1.into()));
    assert!(first["message"].as_str().unwrap().contains("answers 503"), "{first}");
    let second = place.retry(&first);
    assert_eq!((&second["status"], &second["retries"]), (&10.into(), &2.into()));
    // A minute after the first failure, and four after the second, which came at once.
    let (first_pause, second_pause) = (seconds(&first, "started", "due"), seconds(&second, "started", "due"));
    assert!(first_pause >= 60 && second_pause >= 240, "{first_pause} {second_pause}");
    assert_eq!(place.retry(&second)["status"], 30);
    let requests = server.requests();
    let keys: Vec<_> = requests.iter().map(|request| request.header("idempotency-key").unwrap()).collect();
    assert_eq!((keys.len(), keys[0].len()), (3, 32));
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    for request in &requests {
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!((&body["job"], &body["idempotencyKey"]), (&first["id"], &keys[0].into()));
    }
}

#[test]
fn two_calls_of_one_step_have_keys_of_their_own_which_stay() {
    let server = Server::start(&["200 OK", "200 OK", "503 Busy"]);
    let place = Place::deployed(&rules(&server));
    let acme = place.account("Acme");
    assert_eq!(told(&place.calls()), [("Tell", 30)]);
    place.change(&acme, "{\"name\":\"Apex\"}");
    let job = place.calls().remove(0);
    assert_eq!(job["status"], 10, "{job}");
    assert_eq!(place.retry(&job)["status"], 30);
    let keys: Vec<String> = server.requests().iter().skip(1).map(|request| request.header("idempotency-key").unwrap().to_owned()).collect();
    // What was done by the step that failed is done again: each call by its own key.
    let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), 2, "{keys:?}");
    assert_eq!(keys.last(), keys.get(1), "{keys:?}");
}

#[test]
fn a_call_outside_a_job_has_no_key() {
    let server = Server::start(&[]);
    let text = rules(&server).replace("mode background trigger create", "trigger create");
    let place = Place::deployed(&text);
    std::fs::write(
        place.dir.path().join("ops.jsonl"),
        "{\"message\":\"Create\",\"entity\":\"account\",\"attributes\":{\"name\":\"Acme\"}}\n",
    )
    .unwrap();
    place.well(&["run", "sqlite:s.db", "--ops", "ops.jsonl", "--store", "sqlite:s.db", "--allow-webhook", "127.0.0.1"]);
    let request = server.requests().remove(0);
    assert_eq!(request.header("idempotency-key"), None);
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!((&body["job"], &body["idempotencyKey"]), (&Value::Null, &Value::Null));
}
