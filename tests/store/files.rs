//! Files that can't be used: not a database, somebody else's, newer, locked, read-only, full, cut short.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use weir::schema::FieldSet;
use weir::store::{Sqlite, Store, StoreError};
use weir::value::Slot;

use crate::schema::{ACCOUNT, account, company, id, row, text};

fn words(path: &Path) -> String {
    let opened = Sqlite::open(path).and_then(|mut store| store.migrate(&company()));
    match opened {
        Err(StoreError::Unusable(words) | StoreError::Failed(words)) => words.replace(&path.display().to_string(), "FILE"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    for bytes in [b"hello, this is a text\n".repeat(200), vec![0; 5000], b"SQLite format 3\0".repeat(100), b"x".to_vec()] {
        fs::write(&path, &bytes).unwrap();
        let words = words(&path);
        assert!(words == "`FILE`: the file is not a database" || words == "`FILE`: the database is damaged", "{words}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE account (x)").unwrap();
    let before = fs::read(&path).unwrap();
    assert_eq!(words(&path), "`FILE`: this is a database of another program");
    Connection::open(&path).unwrap().execute_batch("DROP TABLE account; PRAGMA application_id = 7").unwrap();
    assert_eq!(words(&path), "`FILE`: this is a database of another program");
    assert_ne!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_newer_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    Sqlite::open(&path).unwrap().migrate(&company()).unwrap();
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    assert_eq!(words(&path), "`FILE`: the database has format 99, and this release knows only up to 1: use a newer release");
}

#[test]
fn a_table_that_is_not_ours_is_not_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    Sqlite::open(&path).unwrap().migrate(&weir::schema::Schema::default()).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE Account (x)").unwrap();
    assert_eq!(words(&path), "the database has something else that is called `account`");
    let left: i64 = Connection::open(&path).unwrap().query_row("SELECT count(*) FROM weir_field", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn places_that_are_no_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(words(folder.path()), "`FILE`: this is a folder, not a database file");
    assert_eq!(words(&folder.path().join("no/data.db")), "`FILE`: the folder of the database is not there");
    assert!(Sqlite::open("").is_err());
}

#[test]
fn a_name_is_never_special_to_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    for name in [":memory:", "file:x?mode=memory", "a b%20'c\".db"] {
        let path = folder.path().join(name);
        Sqlite::open(&path).unwrap().migrate(&company()).unwrap();
        assert!(path.is_file(), "{name}");
    }
}

#[test]
fn another_writer_is_waited_for_and_then_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    let open = || {
        let mut store = Sqlite::open(&path).unwrap();
        store.migrate(&company()).unwrap();
        store.set_patience(Duration::from_millis(50)).unwrap();
        store
    };
    let (mut one, mut two) = (open(), open());
    one.begin().unwrap();
    one.insert(ACCOUNT, &[row(1, [(account::NAME, text("a"))])]).unwrap();
    assert!(matches!(two.begin(), Err(StoreError::Failed(words)) if words == "another program is writing to the database"));
    // A reader doesn't wait, and sees what was committed.
    assert_eq!(two.read(ACCOUNT, &[id(1)], &FieldSet::default()).unwrap(), [None]);
    // A third program may open the database and use it meanwhile: bringing up a schema that fits needs no lock.
    drop(open());
    one.commit().unwrap();
    two.begin().unwrap();
    assert!(two.read(ACCOUNT, &[id(1)], &FieldSet::default()).unwrap()[0].is_some());
    two.commit().unwrap();
}

#[test]
fn two_programs_may_make_the_same_database() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..8 {
        let path = folder.path().join(format!("{round}.db"));
        std::thread::scope(|scope| {
            let programs: Vec<_> =
                (0..4).map(|_| scope.spawn(|| Sqlite::open(&path).and_then(|mut store| store.migrate(&company())))).collect();
            for program in programs {
                program.join().unwrap().unwrap();
            }
        });
    }
}

#[test]
fn a_damaged_database_is_an_error_and_never_a_wrong_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    let mut store = Sqlite::open(&path).unwrap();
    store.migrate(&company()).unwrap();
    store.begin().unwrap();
    let rows: Vec<_> = (1..=2000).map(|number| row(number, [(account::NAME, text(&format!("company {number}")))])).collect();
    store.insert(ACCOUNT, &rows).unwrap();
    store.commit().unwrap();
    drop(store);
    let whole = fs::read(&path).unwrap();
    let every: FieldSet = (0..18).map(Slot).collect();
    let ids: Vec<_> = (1..=2000).map(id).collect();
    let mut errors = 0;
    for page in 0..whole.len() / 4096 {
        let mut bytes = whole.clone();
        for byte in bytes.iter_mut().skip(page * 4096 + usize::from(page == 0) * 100).take(24) {
            *byte ^= 0xA5;
        }
        fs::write(&path, &bytes).unwrap();
        let used = Sqlite::open(&path).and_then(|mut store| {
            store.migrate(&company())?;
            store.read(ACCOUNT, &ids, &every)
        });
        match used {
            Ok(rows) => assert!(rows.iter().flatten().all(|row| row.get(account::COUNT).is_some_and(weir::value::Value::is_empty))),
            Err(StoreError::Unusable(_) | StoreError::Failed(_)) => errors += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(errors > 10, "{errors}");
    for length in [0, 1, 99, 100, 512, 4096, 5000, whole.len() / 2] {
        fs::write(&path, &whole[..length]).unwrap();
        let used = Sqlite::open(&path).and_then(|mut store| {
            store.migrate(&company())?;
            store.read(ACCOUNT, &ids, &every)
        });
        assert!(length == 0 || used.is_err(), "cut at {length}");
    }
}

#[cfg(unix)]
#[test]
fn a_read_only_file_or_folder_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    Sqlite::open(&path).unwrap().migrate(&company()).unwrap();
    let may = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    may(&path, 0o444);
    if fs::OpenOptions::new().append(true).open(&path).is_ok() {
        crate::stores::not_run::not_run("this user may write to read-only files");
        return;
    }
    assert_eq!(words(&path), "`FILE`: the database is read-only");
    may(&path, 0o644);
    may(folder.path(), 0o555);
    let said = words(&path);
    may(folder.path(), 0o755);
    assert!(said.contains("read-only") || said.contains("can't be opened"), "{said}");
}
