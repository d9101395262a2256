//! A deploy takes nothing away from jobs that haven't ended: it is refused before anything is written, with the jobs listed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::Connection;
use sha2::{Digest, Sha256};

use crate::place::{Place, told};

const SCHEMA: &str = "
entity account {
  name   text(100) required
  onhold boolean = false
}

entity note {
  text text(200)
}
";

const FLOW: &str = "
flow Later on account {
  mode    background
  trigger create

  wait until onhold == true
  create note { text = \"ended\" }
}
";

/// The same without what the first one waits for.
const LESS: &str = "
entity account {
  name text(100) required
}

entity note {
  text text(200)
}

flow Later on account { mode background trigger create  create note { text = \"now\" } }
";

impl Place {
    /// What a deploy of a text says, which has to be refused.
    fn refused(&self, text: &str) -> String {
        std::fs::write(self.dir.path().join("rules.flow"), text).unwrap();
        let output = self.command(&["deploy", "rules.flow", "--store", "sqlite:s.db"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap() + &*String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn what_waiting_jobs_need_cant_be_taken_away() {
    let place = Place::deployed(&format!("{SCHEMA}{FLOW}"));
    let first = place.account("0");
    (1..8).for_each(|number| drop(place.account(&number.to_string())));
    place.work();
    let before = place.number("SELECT count(*) FROM workflow");
    let said = place.refused(LESS);
    assert!(said.contains("error[S0210]: 8 jobs go on in `Later` as it was deployed before, which needs `account.onhold`"), "{said}");
    assert_eq!(said.matches(", waiting").count(), 5, "{said}");
    assert!(said.contains("and 3 more: `weir jobs list` has them all"), "{said}");
    assert!(said.contains(place.jobs()[0]["id"].as_str().unwrap()), "{said}");
    assert_eq!(place.number("SELECT count(*) FROM workflow"), before);
    // It goes on as if nobody had tried.
    place.change(&first, "{\"onhold\":true}");
    assert_eq!(told(&place.work()), [("Later", 30)]);
    for job in place.jobs().iter().skip(1) {
        place.well(&["jobs", "cancel", job["id"].as_str().unwrap(), "--store", "sqlite:s.db"]);
    }
    place.deploy(LESS);
}

#[test]
fn an_earlier_activation_counts_as_well_and_so_does_what_it_starts() {
    let child = "flow Child on account { mode background trigger child input text text(9) required  create note { text = text } }\n";
    let parent = FLOW.replace("create note { text = \"ended\" }", "start Child(text = \"x\") on this");
    let place = Place::deployed(&format!("{SCHEMA}{parent}{child}"));
    place.account("Acme");
    place.work();
    // What is changed is no reason, as long as it has what the old one needs.
    place.deploy(&format!("{SCHEMA}flow Later on account {{ mode background trigger create log \"nothing\" }}\n{child}"));
    let other =
        "flow Child on account { mode background trigger child input number integer required  create note { text = \"{number}\" } }\n";
    let said = place.refused(&format!("{SCHEMA}flow Later on account {{ mode background trigger create log \"nothing\" }}\n{other}"));
    assert!(
        said.contains("error[S0210]: 1 job goes on in `Later` as it was deployed before, which doesn't fit what would be there: "),
        "{said}"
    );
}

#[test]
fn an_activation_of_another_format_is_told_at_the_deploy_and_when_it_is_worked() {
    let place = Place::deployed(&format!("{SCHEMA}{FLOW}"));
    let acme = place.account("Acme");
    place.work();
    place.deploy(&format!("{SCHEMA}{}", FLOW.replace("ended", "other")));
    // The activation of then, as a release before would have written it.
    let store = Connection::open(place.dir.path().join("s.db")).unwrap();
    let old = "SELECT workflowactivationid FROM asyncoperation";
    let content: String =
        store.query_row(&format!("SELECT content FROM workflowbinary WHERE workflowid = ({old})"), [], |row| row.get(0)).unwrap();
    let mut bytes = STANDARD.decode(content).unwrap();
    bytes[10] -= 1;
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    store.execute(&format!("UPDATE workflowbinary SET content = ?1 WHERE workflowid = ({old})"), [STANDARD.encode(&bytes)]).unwrap();
    store.execute(&format!("UPDATE workflow SET hash = ?1 WHERE workflowid = ({old})"), [hash]).unwrap();
    let said = place.refused(&format!("{SCHEMA}{}", FLOW.replace("ended", "third")));
    assert!(said.contains("which can't be used any more: the compiled project has format "), "{said}");
    place.change(&acme, "{\"onhold\":true}");
    // It waits for a release that can read it.
    assert_eq!(told(&place.work()), [("Later", 10)]);
    let message = place.jobs()[0]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("the activation that it started with can't be used: ") && message.contains(" has format "), "{message}");
}
