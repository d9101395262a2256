//! Damaged stores, deploys at once, and deploys that are killed.

use std::fs;
use std::process::{Child, Stdio};

use weir::pipeline::Settings;
use weir::project::Compiled;

use crate::place::{LIMIT, OLD, POOR, Place, RICH, SCHEMA};

#[test]
fn what_the_database_holds_is_not_trusted() {
    let damages = [
        "UPDATE workflowbinary SET content = 'AAAA'",
        "UPDATE workflowbinary SET content = '?'",
        "UPDATE workflowbinary SET part = 7",
        "DELETE FROM workflowbinary",
        "UPDATE workflow SET hash = 'x'",
        "UPDATE workflow SET name = 'Other' WHERE name = 'Limit'",
        "UPDATE workflow SET name = 'Limit' WHERE name = 'Old'",
        "UPDATE workflow SET category = 3 WHERE name = 'Limit'",
        "UPDATE workflow SET category = 77",
        "UPDATE workflow SET activeworkflowid = NULL",
        "UPDATE workflow SET activeworkflowid = workflowid WHERE type = 1",
        "UPDATE workflow SET type = 2 WHERE type = 1 AND name <> 'schema'; UPDATE workflow SET type = 1",
        "UPDATE workflow SET line = -5, statecode = 9",
    ];
    for damage in damages {
        let place = Place::deployed(&format!("{SCHEMA}{LIMIT}{OLD}"));
        fs::write(place.path("ops"), RICH).unwrap();
        place.database().execute_batch(damage).unwrap();
        for command in [&["run", "sqlite:s.db", "--ops", "ops"][..], &["deactivate", "Old", "--store", "sqlite:s.db"]] {
            let (out, err, exit) = place.run(command);
            assert_eq!((out.as_str(), exit), ("", 4), "{damage}: {err}");
            assert!(err.starts_with("error[S0101]"), "{damage}: {err}");
        }
        let (_, err, exit) = place.run(&["deploy", "p", "--store", "sqlite:s.db"]);
        assert!(exit == 0 || (exit == 4 && err.starts_with("error[S0101]")), "{damage}: {err}");
    }
}

/// Well-formed bytes of every sort in the place of a definition's: an error, or a store that runs.
#[test]
fn bytes_that_fit_their_hash_are_not_trusted_either() {
    let place = Place::deployed(&format!("{SCHEMA}{LIMIT}"));
    let (id, content): (Vec<u8>, String) = place
        .database()
        .query_row(
            "SELECT p.workflowid, p.content FROM workflowbinary p JOIN workflow w USING (workflowid) WHERE w.name = 'Limit' AND w.type = 2",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, content).unwrap();
    let payload = 52;
    let sum = |bytes: &[u8]| <sha2::Sha256 as sha2::Digest>::digest(bytes).to_vec();
    for at in (payload..bytes.len()).step_by(19) {
        let mut broken = bytes.clone();
        broken[at] ^= 0x15;
        let checked: Vec<u8> = [&broken[10..20], &broken[payload..]].concat();
        let checksum = sum(&checked);
        broken[20..payload].copy_from_slice(&checksum);
        let hash: String = sum(&broken).iter().map(|byte| format!("{byte:02x}")).collect();
        let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &broken);
        let database = place.database();
        database.execute("UPDATE workflowbinary SET content = ?1 WHERE workflowid = ?2", (text, &id)).unwrap();
        database.execute("UPDATE workflow SET hash = ?1 WHERE name = 'Limit'", [hash]).unwrap();
        drop(database);
        // Whatever it gives, it is no panic; what it lets through is verified, so it can run.
        if let Ok(compiled) = Compiled::from_store(&place.url()) {
            drop(compiled.open("sqlite::memory:", Settings::fixed()).unwrap());
        }
    }
}

#[test]
fn two_deploys_at_once_come_one_after_the_other() {
    let place = Place::of(SCHEMA);
    let flows = |prefix: &str| (0..40).map(|n| LIMIT.replace("Limit", &format!("{prefix}{n}"))).collect::<String>();
    for name in ["a", "b"] {
        fs::create_dir(place.path(name)).unwrap();
        fs::write(place.path(name).join("rules.flow"), format!("{SCHEMA}{}", flows(name))).unwrap();
    }
    let start = |name| place.command(&["deploy", name, "--store", "sqlite:s.db"]).stdout(Stdio::null()).spawn().unwrap();
    let both: [Child; 2] = ["a", "b"].map(start);
    for mut child in both {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(place.ran(POOR).len(), 80);
}

#[test]
fn a_deploy_that_is_killed_leaves_the_old_or_the_new_state() {
    let flows = |limit: &str| (0..150).map(|n| LIMIT.replace("Limit", &format!("F{n:03}")).replace("5_000", limit)).collect::<String>();
    let place = Place::deployed(&format!("{SCHEMA}{}", flows("5_000")));
    let state = |place: &Place| {
        let compiled = Compiled::from_store(&place.url()).unwrap();
        let listing = compiled.snapshots().iter().map(|snapshot| snapshot.text.clone()).collect::<String>();
        let (old, new) = (listing.matches("5000 <").count(), listing.matches("7000 <").count());
        assert!([(150, 0), (0, 150)].contains(&(old, new)), "{old} old, {new} new");
        new > 0
    };
    place.project(&format!("{SCHEMA}{}", flows("7_000")));
    let (mut killed, mut tried) = (0, 0);
    for threshold in [0, 1, 50_000, 200_000, 400_000, 700_000, 1_000_000, 1_500_000] {
        let mut child = place.command(&["deploy", "p", "--store", "sqlite:s.db"]).stdout(Stdio::null()).spawn().unwrap();
        // The journal grows while the deploy writes.
        while fs::metadata(place.path("s.db-wal")).map_or(0, |file| file.len()) < threshold && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        killed += usize::from(!child.wait().unwrap().success());
        tried += 1;
        if state(&place) {
            break;
        }
    }
    println!("{killed} of {tried} deploys were killed");
    assert!(killed > 0);
    place.deploy();
    assert!(state(&place));
}
