//! What mapped entities do with somebody's own tables, and what they leave alone.

use super::Place;

const SHOP: &str = r#"
PRAGMA application_id = 77;
PRAGMA user_version = 12;
CREATE TABLE person (email TEXT PRIMARY KEY COLLATE NOCASE, name TEXT, score NUMERIC, state TEXT CHECK (state IN ('new', 'old')));
CREATE TABLE note (id INTEGER PRIMARY KEY AUTOINCREMENT, author TEXT REFERENCES person (email), made DATETIME, body TEXT NOT NULL CHECK (body <> 'bad'));
CREATE TABLE tag (note INTEGER REFERENCES note, label TEXT, weight REAL, PRIMARY KEY (note, label));
CREATE TABLE seen (what TEXT);
CREATE TRIGGER looked AFTER INSERT ON note BEGIN INSERT INTO seen VALUES (new.body); END;
INSERT INTO person VALUES ('somebody.with.a.long.name@example.com', 'Long', 1.5, 'old'), ('a@b.c', 'Short', 2, 'new');
INSERT INTO note VALUES (41, 'a@b.c', '2026-01-01T10:00:00.500Z', 'first'); DELETE FROM note; DELETE FROM seen;
"#;

fn shop(scenario: &str) -> Place {
    let place = Place::with(SHOP);
    place.pull();
    place.write("rules.flow", &format!("scenario S {{\n{scenario}\n}}\n"));
    place
}

#[test]
fn keys_of_every_kind_name_rows() {
    let place = shop(
        r#"let long = person["somebody.with.a.long.name@example.com"]
        let n = create note { author = long, body = "hello", made = 2026-02-03T04:05:06Z }
        show n.id
        let t = create tag { note = n, label = "a label that is longer than an id has room for", weight = 0.5 }
        update t { weight = 2 }
        show n.author.name
        show count(note where author == long)
        let p = create person { email = "new@x.y", state = old_ }
        update p { score = 12.25 }
        create person { email = "new@x.y" }
        expect fault F09
        update n { author = p }
        delete long
        let about = create task { subject = "call", regarding = p }
        show about.regarding"#,
    );
    let said = place.run("S");
    assert_eq!(said.code, 0, "{said:?}");
    // AUTOINCREMENT has given 41 before.
    assert!(said.out.lines().any(|line| line.trim() == "42") && said.out.lines().any(|line| line.trim() == "Long"), "{}", said.out);
    assert_eq!(place.rows("SELECT id, author, made, body FROM note"), "42|new@x.y|2026-02-03 04:05:06|hello");
    assert_eq!(place.rows("SELECT note, length(label), weight FROM tag"), "42|46|2.0");
    assert_eq!(place.rows("SELECT * FROM person ORDER BY email"), "a@b.c|Short|2|new\nnew@x.y|-|12.25|old");
    // The other program's trigger ran, and its header and journal are as they were.
    assert_eq!(place.rows("SELECT * FROM seen"), "hello");
    assert_eq!(place.rows("SELECT * FROM pragma_application_id, pragma_user_version, pragma_journal_mode"), "77|12|delete");
}

#[test]
fn what_other_programs_do_is_seen() {
    let place = shop("show count(note)\nlet n = note[7]\nshow n.body\nshow n.made");
    assert_eq!(place.run("S").code, 1, "there is no note 7 yet");
    place.database().execute_batch("INSERT INTO note VALUES (7, NULL, '2026-01-01T10:00:00.500Z', 'theirs')").unwrap();
    let said = place.run("S");
    assert!(said.code == 0 && said.out.contains("theirs") && said.out.contains("2026-01-01T10:00:00.5Z"), "{said:?}");
    place.database().execute_batch("UPDATE note SET id = 8").unwrap();
    assert_eq!(place.run("S").code, 1, "the note has another number now");
}

#[test]
fn a_rule_of_the_table_is_a_fault_and_undoes_the_operation() {
    let place = shop(
        r#"create note { body = "bad" }
        expect fault F04
        create note { }
        expect fault F05
        let n = create note { author = person["a@b.c"], body = "kept" }
        delete person["a@b.c"]
        expect fault F08
        create tag { note = n }
        expect fault F05"#,
    );
    let said = place.run("S");
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(place.rows("SELECT what FROM seen"), "kept");
}

#[test]
fn a_key_is_never_changed() {
    let place = shop("update person[\"a@b.c\"] { email = \"z\" }");
    let said = place.run("S");
    assert_eq!(said.code, 1);
    assert!(said.err.contains("error[E0611]: `email` can't be changed"), "{}", said.err);
    place.write("rules.flow", "");
    let line = r#"{"message": "Update", "entity": "person", "id": {"email": "a@b.c"}, "attributes": {"email": "z"}}"#;
    std::fs::write(place.path("ops.jsonl"), line).unwrap();
    let said = place.weir(&["run", "project", "--ops", "ops.jsonl", "--store", "sqlite:data.db", "--format", "json"]);
    assert!(said.code == 1 && said.out.contains("F16"), "{said:?}");
    assert_eq!(place.rows("SELECT count(*) FROM person WHERE email = 'a@b.c'"), "1");
}

#[test]
fn a_table_that_no_longer_fits_is_told_before_anything_is_written() {
    for (change, words) in [
        ("ALTER TABLE person DROP COLUMN score", "`person.score` doesn't fit the database: the table \"person\" has no column \"score\""),
        ("DROP TABLE tag", "`tag` doesn't fit the database: the database has no table \"tag\""),
        (
            "DROP TABLE tag; CREATE TABLE tag (note INTEGER, label TEXT, weight REAL, PRIMARY KEY (note))",
            "`tag` doesn't fit the database: the table \"tag\" may have several rows with the same \"note\", \"label\"",
        ),
        (
            "ALTER TABLE person DROP COLUMN score; ALTER TABLE person ADD COLUMN score TEXT",
            "`person.score` doesn't fit the database: the column \"score\" of the table \"person\" is TEXT, which can't hold a number",
        ),
    ] {
        let place = shop("create person { email = \"q\" }");
        place.database().execute_batch(change).unwrap();
        let before = place.rows("SELECT name, sql FROM sqlite_schema");
        let said = place.run("S");
        assert_eq!(said.code, 4, "{said:?}");
        assert!(said.err.contains(words), "{words} in {}", said.err);
        assert_eq!(place.rows("SELECT name, sql FROM sqlite_schema"), before);
    }
}

#[test]
fn a_value_that_does_not_fit_is_told_with_its_place() {
    let place = shop("let p = person[\"a@b.c\"]\nshow p.score");
    place.database().execute_batch("UPDATE person SET score = 1.23456789").unwrap();
    let said = place.run("S");
    let words = "the column \"score\" of the table \"person\" holds something in the row (`a@b.c`) that `person.score` can't have";
    assert!(said.code != 0 && format!("{}{}", said.out, said.err).contains(words), "{said:?}");
}

#[test]
fn a_database_of_another_program_is_left_alone_without_a_mapping() {
    let place = Place::with(SHOP);
    place.write("rules.flow", "entity thing { name text(10) }\nscenario S { create thing { name = \"x\" } }\n");
    let said = place.run("S");
    assert!(said.code == 4 && said.err.contains("this is a database of another program"), "{said:?}");
}

#[test]
fn tests_of_a_project_have_the_tables_as_they_are_declared() {
    let place = Place::with(SHOP);
    place.pull();
    place.write(
        "rules.flow",
        "flow Scored on note {\n  trigger create\n  if author is not empty {\n    update author { score = (author.score ?? 0) + 1 }\n  }\n}\n\
         test \"a note scores\" {\n  let p = create person { email = \"p\", state = new }\n  let n = create note { author = p, body = \"b\" }\n  expect n.id == 1\n  expect p.score == 1\n  \
         create tag { note = n, label = \"l\" }\n  create tag { note = n, label = \"l\" }\n  expect fault F09\n}\n",
    );
    let said = place.weir(&["test", "project"]);
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn a_recorded_run_is_replayed_without_the_database() {
    let place = shop("let n = create note { author = person[\"a@b.c\"], body = \"kept\" }\nshow n.id");
    let said = place.weir(&["run", "project", "S", "--store", "sqlite:data.db", "--record", "run.rec"]);
    assert!(said.code == 0 && said.out.contains("42"), "{said:?}");
    std::fs::remove_file(place.path("data.db")).unwrap();
    let said = place.weir(&["replay", "run.rec"]);
    assert_eq!(said.code, 0, "{said:?}");
}
