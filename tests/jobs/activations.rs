//! A job goes on in the activation that it started with, whatever is deployed while it waits.

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

fn version(number: u32) -> String {
    format!(
        "{SCHEMA}
flow Later on account {{
  mode    background
  trigger create

  let first = \"{number}\"
  create note {{ text = \"begun {{first}}\" }}
  wait until onhold == true
  create note {{ text = \"ended {number} {{first}}\" }}
}}
"
    )
}

#[test]
fn a_job_ends_in_the_activation_that_it_started_with() {
    let place = Place::deployed(&version(1));
    let old = place.account("old");
    assert_eq!(told(&place.work()), [("Later", 10)]);
    place.deploy(&version(2));
    let new = place.account("new");
    assert_eq!(told(&place.work()), [("Later", 10)]);
    let jobs = place.jobs();
    assert_ne!(jobs[0]["activation"], jobs[1]["activation"]);
    place.change(&old, "{\"onhold\":true}");
    place.change(&new, "{\"onhold\":true}");
    assert_eq!(told(&place.work()), [("Later", 30), ("Later", 30)]);
    for text in ["begun 1", "ended 1 1", "begun 2", "ended 2 2"] {
        assert_eq!(place.number(&format!("SELECT count(*) FROM note WHERE text = '{text}'")), 1, "{text}");
    }
}

#[test]
fn it_goes_on_where_the_flow_is_inactive_or_waits_no_more_or_the_schema_has_grown() {
    let place = Place::deployed(&version(1));
    let acme = place.account("Acme");
    assert_eq!(told(&place.work()), [("Later", 10)]);
    // The new text has no wait at all, and more fields before the one that the old one waits for.
    let grown = SCHEMA.replace("name   text(100) required", "code   text(10)\n  name   text(100) required\n  extra  integer");
    place.deploy(&format!("{grown}\nflow Later on account {{ mode background trigger create create note {{ text = \"other\" }} }}\n"));
    place.well(&["deactivate", "Later", "--store", "sqlite:s.db"]);
    place.change(&acme, "{\"onhold\":true}");
    assert_eq!(told(&place.work()), [("Later", 30)]);
    assert_eq!(place.number("SELECT count(*) FROM note WHERE text = 'ended 1 1'"), 1);
    assert_eq!(place.number("SELECT count(*) FROM note"), 2);
}
