//! Rows of jobs that something has damaged: none of them stops the others, whoever asks.

use rusqlite::Connection;

use crate::place::{Place, told};

const RULES: &str = "
entity account {
  name   text(100) required
  onhold boolean = false
}

entity note {
  about lookup account
}

flow Noted on account {
  mode    background
  trigger create

  create note { about = this }
}
";

const WAITS: &str = "
flow Waits on account {
  mode    background
  trigger create

  wait until onhold == true
  create note { about = this }
}
";

/// What may happen to a row, and whether it can be told in spite of it as it is.
const DAMAGES: [&str; 10] = [
    "depth = NULL",
    "operationtype = 999",
    "statuscode = NULL",
    "dueon = -9000000000000000000",
    "dependencytoken = CAST(X'FFFE' AS TEXT)",
    "name = CAST(X'FFFE' AS TEXT)",
    "recordid = X'01'",
    "position = 'nonsense'",
    "createdby = randomblob(16)",
    "ownerid = randomblob(16)",
];

impl Place {
    fn database(&self) -> Connection {
        let store = Connection::open(self.dir.path().join("s.db")).unwrap();
        store.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").unwrap();
        store
    }

    /// Damages the first job; says no where the table has a rule against that.
    fn damage(&self, what: &str) -> bool {
        let first = "asyncoperationid = (SELECT min(asyncoperationid) FROM asyncoperation)";
        self.database().execute(&format!("UPDATE asyncoperation SET {what} WHERE {first}"), []).is_ok()
    }

    fn first(&self) -> String {
        let text = "SELECT min(asyncoperationid) FROM asyncoperation";
        let id: Vec<u8> = self.database().query_row(text, [], |row| row.get(0)).unwrap();
        weir::value::Uuid::from_slice(&id).unwrap().to_string()
    }
}

#[test]
fn a_damaged_job_stops_neither_the_queue_nor_a_list_nor_a_deploy() {
    let mut tried = 0;
    for damage in DAMAGES {
        let place = Place::deployed(RULES);
        place.account("A");
        place.account("B");
        if !place.damage(damage) {
            continue;
        }
        tried += 1;
        assert_eq!(place.jobs().len(), 2, "{damage}");
        place.well(&["jobs", "show", &place.first(), "--store", "sqlite:s.db"]);
        place.deploy(&format!("{RULES}{WAITS}"));
        let left = place.work();
        assert!(told(&left).contains(&("Noted", 30)), "{damage}: {left:?}");
        assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE statecode <> 3"), 0, "{damage}");
        let failed = "SELECT count(*) FROM asyncoperation WHERE statuscode = 31 AND (completedon IS NULL OR errorcode IS NULL)";
        assert_eq!(place.number(failed), 0, "{damage}");
        assert!(place.work().is_empty(), "{damage}");
    }
    assert!(tried >= 7, "{tried}");
}

#[test]
fn a_damaged_job_can_be_canceled() {
    for damage in DAMAGES {
        let place = Place::deployed(RULES);
        place.account("A");
        if !place.damage(damage) {
            continue;
        }
        let told = place.well(&["jobs", "cancel", &place.first(), "--store", "sqlite:s.db"]);
        assert!(told.contains("canceled"), "{damage}: {told}");
        assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE statuscode = 32 AND completedon IS NOT NULL"), 1, "{damage}");
    }
}

#[test]
fn what_is_wrong_with_a_job_that_waits_is_not_the_fault_of_who_saves_the_record() {
    let waits = format!("{RULES}{WAITS}");
    let damages = [
        "UPDATE asyncoperation SET depth = NULL WHERE name = 'Waits'",
        "UPDATE asyncoperation SET versionnumber = 9223372036854775807 WHERE name = 'Waits'",
        "UPDATE asyncoperationsubscription SET asyncoperationid = randomblob(16)",
        "UPDATE asyncoperationsubscription SET field = CAST(X'FFFE' AS TEXT)",
    ];
    for damage in damages {
        let place = Place::deployed(&waits);
        let acme = place.account("A");
        place.work();
        assert_eq!(place.number("SELECT count(*) FROM asyncoperationsubscription"), 1);
        if place.database().execute(damage, []).is_err() {
            continue;
        }
        place.change(&acme, "{\"onhold\":true}");
        place.deploy(&format!("{waits}\nentity more {{ title text(10) }}\n"));
        place.work();
    }
}
