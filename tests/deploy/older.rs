//! Stores that an older release made, which knew fewer built-in entities and fields: they are brought up and go on.

use std::sync::Arc;

use weir::pipeline::{Ending, Operation, Settings};
use weir::project::{Compiled, Config};
use weir::schema::{BUILT_IN, Row};
use weir::source::Sources;
use weir::value::Value;

use crate::place::{LATER, LIMIT, OLD, POOR, Place, SCHEMA, steps};

const JOBS: [&str; 4] = ["asyncoperation", "asyncoperationsubscription", "workflowlog", "asyncoperationchunk"];

/// The project as a release compiled it that didn't know these built-in entities and fields.
fn compiled_without(entities: &[&str], fields: &[&str], text: &str) -> Compiled {
    let mut built_in = String::new();
    let mut left_out = false;
    for line in BUILT_IN.lines() {
        let mut words = line.split_whitespace();
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        left_out |= first == "entity" && entities.contains(&second);
        if !(left_out || line.starts_with("  ") && fields.contains(&first)) {
            built_in += line;
            built_in += "\n";
        }
        left_out &= line != "}";
    }
    assert_ne!(built_in.lines().count(), BUILT_IN.lines().count());
    let mut sources = Sources::default();
    let files = [sources.add("<built-in>", built_in), sources.add("rules.flow", text)];
    let checked = weir::check::check(&files.map(|file| weir::syntax::parse(&sources, file).0));
    assert!(!checked.diagnostics.iter().any(|said| said.code.name().starts_with('E')), "{:?}", checked.diagnostics);
    Compiled {
        program: Arc::new(weir::compile::program(&checked).unwrap()),
        schema: Arc::new(checked.schema),
        sources: Arc::new(sources),
        config: Config::default(),
        deployed: Arc::default(),
    }
}

/// A store that an older release deployed the same project into.
fn made_by_an_older_release(entities: &[&str], fields: &[&str], text: &str) -> (Place, Compiled) {
    let place = Place::of(text);
    let older = compiled_without(entities, fields, text);
    older.deploy(&place.url(), Settings::system(), None).unwrap();
    for entity in entities {
        let there = place.database().query_row("SELECT count(*) FROM sqlite_schema WHERE name = ?1", [entity], |row| row.get(0));
        assert_eq!(there, Ok(0_i64), "{entity}");
    }
    (place, older)
}

#[test]
fn a_store_that_lacks_built_in_entities_and_fields_goes_on() {
    let text = format!("{SCHEMA}{LIMIT}{OLD}{LATER}");
    let cases: [(&[&str], &[&str]); 4] =
        [(&["asyncoperationchunk"], &[]), (&JOBS, &["waitson"]), (&[], &["stepcount"]), (&["audit"], &["waitson"])];
    for (entities, fields) in cases {
        // Whatever is done with it first.
        let (place, _) = made_by_an_older_release(entities, fields, &text);
        assert_eq!(place.well(&["jobs", "--store", "sqlite:s.db"]), "0 jobs\n", "{entities:?}");
        let (place, _) = made_by_an_older_release(entities, fields, &text);
        assert_eq!(place.ran(POOR), ["Limit", "Old"], "{entities:?}");
        // What is left is told on standard error.
        let (told, _, code) = place.run(&["work", "--store", "sqlite:s.db", "--once"]);
        assert!(code == 0 && told.contains("waiting"), "{entities:?}: {told}");
        let (place, _) = made_by_an_older_release(entities, fields, &text);
        place.life("deactivate", "Old");
        assert_eq!(place.ran(POOR), ["Limit"], "{entities:?}");
        let (place, _) = made_by_an_older_release(entities, fields, &text);
        assert_eq!(steps(&place.deploy()), ["changed schema", "unchanged Later", "unchanged Limit", "unchanged Old"], "{entities:?}");
        assert_eq!(steps(&place.deploy())[0], "unchanged schema");
        assert_eq!(place.ran(POOR), ["Limit", "Old"], "{entities:?}");
    }
}

#[test]
fn what_an_older_release_queued_is_done() {
    let text = format!("{SCHEMA}{LATER}");
    let (place, older) = made_by_an_older_release(&["workflowlog", "asyncoperationchunk"], &["stepcount"], &text);
    let mut pipeline = older.open(&place.url(), Settings::system()).unwrap();
    let (entity, account) = (pipeline.schema().entity_id("account").unwrap(), &pipeline.schema().entities["account"]);
    let values = Row::of(account, [("name", Value::Text("A".into()))]).unwrap();
    assert_eq!(pipeline.execute(Operation::Create { entity, values }, None).ending, Ending::Committed);
    drop(pipeline);
    let (told, ..) = place.run(&["work", "--store", "sqlite:s.db", "--once"]);
    assert!(told.contains("Later") && told.contains("waiting"), "{told}");
}

/// What the project calls like something that is built in by now can't be brought up by itself.
#[test]
fn a_name_that_is_built_in_by_now_is_said() {
    let text = format!("{SCHEMA}\nentity workflowlog {{ title text(10) }}\n");
    let place = Place::of(&text);
    compiled_without(&["workflowlog"], &[], &text).deploy(&place.url(), Settings::system(), None).unwrap();
    let (_, err, exit) = place.run(&["jobs", "--store", "sqlite:s.db"]);
    assert!(exit != 0 && err.contains("workflowlog"), "{err}");
}
