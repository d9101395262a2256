//! What a pull makes of tables: the text is the whole contract, so it stands here as a snapshot.

use insta::assert_snapshot;

use super::Place;

const AWKWARD: &str = r#"
CREATE TABLE "set" (id INTEGER PRIMARY KEY, "select" TEXT, "Unit Price" DECIMAL(10, 2), "unit_price" REAL, "9lives" INT, "key" VARCHAR(20) UNIQUE,
  createdon TIMESTAMP DEFAULT CURRENT_TIMESTAMP, "if" BOOLEAN NOT NULL DEFAULT 1, total AS (id + 1), random INTEGER NOT NULL DEFAULT (abs(random())));
CREATE TABLE task (taskid TEXT PRIMARY KEY, state TEXT CHECK (state IN ('new', 'on hold', 'done')) DEFAULT 'new', level INTEGER CHECK ("level" IN (1, 5)),
  flag INT CHECK (flag IN (0, 1)), big BIGINT, note CLOB, due DATE, "set" INTEGER REFERENCES "set" ON DELETE CASCADE);
CREATE TABLE pair (a TEXT UNIQUE, b INTEGER, price NUMERIC, PRIMARY KEY (a, b));
CREATE TABLE child (id INTEGER PRIMARY KEY, a TEXT, b INTEGER, pair_of TEXT UNIQUE REFERENCES pair (a), stamp DATETIME, mixed NUMERIC, untyped, ratio NUMERIC,
  FOREIGN KEY (a, b) REFERENCES pair);
CREATE TABLE nokey (a TEXT);
CREATE TABLE bytes (id BLOB PRIMARY KEY, x TEXT);
CREATE TABLE uuids (id UUID PRIMARY KEY, parent UUID REFERENCES uuids);
CREATE VIEW seen AS SELECT * FROM pair;
CREATE TRIGGER noted AFTER INSERT ON pair BEGIN INSERT INTO nokey VALUES (new.a); END;
INSERT INTO child VALUES (1, NULL, NULL, NULL, '2026-01-01', 5, 'x', 0.123456789012);
INSERT INTO child VALUES (2, NULL, NULL, NULL, '2026-01-01 10:00:00', 'x', 'y', 1);
INSERT INTO uuids VALUES (zeroblob(16), NULL);
"#;

#[test]
fn awkward_tables_become_entities_or_say_why_not() {
    let place = Place::with(AWKWARD);
    let pulled = place.pull();
    assert_snapshot!(pulled);
    let checked = place.weir(&["check", "project"]);
    assert_eq!((checked.code, checked.out.as_str()), (0, "no problems in 1 file\n"), "{checked:?}");
    assert_eq!(place.weir(&["fmt", "--check", "project"]).code, 0);
    // One of the tables is called like one of Weir's own, which stand beside them.
    place.write("run.flow", "scenario S {\n  let row = create set_ { key = \"k\" }\n  show row.id\n}\n");
    let said = place.run("S");
    assert!(said.code == 4 && said.err.contains("the database has something else that is called `task`"), "{said:?}");
    place.database().execute_batch("ALTER TABLE task RENAME TO chore").unwrap();
    place.write("tables.flow", &pulled.replace("table \"task\"", "table \"chore\""));
    let said = place.run("S");
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(place.rows("SELECT id, key, \"if\" FROM \"set\""), "1|k|1");
    assert_ne!(place.rows("SELECT random, createdon FROM \"set\""), "-|-");
}

#[test]
fn a_pull_writes_over_nothing_and_names_what_it_cannot_read() {
    let place = Place::with("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    place.pull();
    let again = place.weir(&["schema", "pull", "sqlite:data.db", "-o", "project/tables.flow"]);
    assert_eq!(again.code, 4);
    assert!(again.err.contains("`project/tables.flow` can't be written"), "{}", again.err);
    std::fs::write(place.path("no.db"), "x".repeat(2000)).unwrap();
    let wrong = ["sqlite:no.db", "sqlite:absent.db", "postgres://host/db", "data.db"].map(|url| place.weir(&["schema", "pull", url]));
    assert_eq!(wrong.each_ref().map(|said| said.code), [4, 4, 2, 2]);
    assert!(wrong[0].err.contains("the file is not a database"), "{}", wrong[0].err);
    assert!(!place.path("absent.db").exists());
    let printed = place.weir(&["schema", "pull", "sqlite:data.db"]);
    assert_eq!(printed.out, std::fs::read_to_string(place.path("project/tables.flow")).unwrap());
}

#[test]
fn hostile_names_end_in_declarations_that_check() {
    use std::fmt::Write;
    let mut sql =
        String::from("CREATE TABLE \"\" (id INTEGER PRIMARY KEY); CREATE TABLE \"a b\" (id INTEGER PRIMARY KEY, \"\" TEXT, \"c d\" TEXT);");
    let long = "x".repeat(5_000);
    write!(sql, "CREATE TABLE \"{long}\" (id INTEGER PRIMARY KEY); CREATE TABLE long (id INTEGER PRIMARY KEY, \"{long}\" TEXT);").unwrap();
    // As many columns as a table has, each of a name that no field has.
    let columns = |count: u32| (0..count).map(|at| format!(", \"{}\" TEXT", char::from_u32(0x4e00 + at).unwrap())).collect::<String>();
    write!(sql, "CREATE TABLE wide (id INTEGER PRIMARY KEY{});", columns(1_500)).unwrap();
    for at in 0..300 {
        write!(sql, "CREATE TABLE \"{}\" (id INTEGER PRIMARY KEY);", char::from_u32(0x4e00 + at).unwrap()).unwrap();
    }
    let place = Place::with(&sql);
    let pulled = place.pull();
    let checked = place.weir(&["check", "project"]);
    assert_eq!((checked.code, checked.out.as_str()), (0, "no problems in 1 file\n"), "{checked:?}");
    assert_eq!(pulled.matches("is left out: its name is empty or longer than 120 characters").count(), 4, "{pulled}");
    assert_eq!(pulled.matches("is left out: an entity has no more fields than that").count(), 501);
    assert!(pulled.contains("\nentity _300 table") || pulled.contains("\nentity __300 table"), "{pulled}");
}
