//! A trigger that undoes the whole transaction: of a batch just the record is missing that it is against.

use super::Place;

const TABLES: &str = r#"
CREATE TABLE customers (name TEXT PRIMARY KEY NOT NULL, orders INTEGER NOT NULL DEFAULT 0);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT NOT NULL REFERENCES customers, quantity INTEGER, code TEXT UNIQUE ON CONFLICT ROLLBACK);
CREATE TRIGGER no_negatives BEFORE INSERT ON orders WHEN new.quantity < 0 BEGIN SELECT RAISE(ROLLBACK, 'no negative quantity'); END;
INSERT INTO customers VALUES ('ACME', 0);
"#;

/// A count that is too high where an operation is done twice, and too low where one is missing.
const FLOWS: &str = r#"
flow Count on orders {
  trigger create
  update customer { orders = customer.orders + 1 }
}

flow NoThirteen on orders {
  trigger create
  stage pre-operation
  if quantity == 13 {
    stop "not thirteen"
  }
}
"#;

const ROWS: &str =
    "id,customer,quantity,code\n1,ACME,5,a\n2,ACME,13,b\n3,ACME,-1,c\n4,ACME,6,d\n5,ACME,-2,e\n6,ACME,7,a\n7,ACME,8,g\n8,ACME,-3,h\n";

fn place() -> Place {
    let place = Place::with(TABLES);
    place.pull();
    place.write("flows.flow", FLOWS);
    std::fs::write(place.path("o.csv"), ROWS).unwrap();
    place
}

fn run(place: &Place, more: &[&str]) -> super::Said {
    place.weir(&[&["run", "project", "--ops", "o.csv", "--entity", "orders", "--store", "sqlite:data.db"], more].concat())
}

#[test]
fn just_the_record_is_missing_that_the_trigger_is_against() {
    for batch in ["1", "2", "3", "5", "100"] {
        let place = place();
        let said = run(&place, &["--batch", batch, "--rejects", "bad.csv"]);
        assert!(said.out.contains("3 committed, 1 stopped, 4 faults") && said.code == 1, "--batch {batch}: {said:?}");
        for (line, why) in [(4, "no negative quantity"), (6, "no negative quantity"), (7, "UNIQUE"), (9, "no negative quantity")] {
            let start = format!("o.csv:{line}: error[F26]: ");
            let told = said.out.lines().find(|told| told.starts_with(&start)).unwrap_or_else(|| panic!("line {line} of {said:?}"));
            assert!(told.contains("the table of `orders` undoes the whole transaction") && told.contains(why), "{told}");
        }
        assert_eq!(place.rows("SELECT id, quantity FROM orders"), "1|5\n4|6\n7|8", "--batch {batch}");
        assert_eq!(place.rows("SELECT orders FROM customers"), "3", "each is counted once, --batch {batch}");
        let rejects = std::fs::read_to_string(place.path("bad.csv")).unwrap();
        assert_eq!(rejects.lines().count(), 6, "each reject once: {rejects}");
        // The run came to its end: nothing is left to go on with.
        let again = run(&place, &["--batch", batch, "--resume"]);
        assert!(again.out.contains("0 committed, 0 stopped, 0 faults"), "{again:?}");
        assert_eq!(place.rows("SELECT orders FROM customers"), "3");
    }
}

#[test]
fn what_is_told_to_programs_is_what_was_kept() {
    let place = place();
    let said = run(&place, &["--batch", "100", "--format", "json"]);
    let told: Vec<serde_json::Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outcomes: Vec<&str> = told.iter().filter_map(|told| told["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["committed", "stopped", "fault", "committed", "fault", "fault", "committed", "fault"]);
    let lines: Vec<u64> = told.iter().filter_map(|told| told["line"].as_u64()).collect();
    assert_eq!(lines, [2, 3, 4, 5, 6, 7, 8, 9], "in their order");
}

#[test]
fn a_run_that_is_to_end_at_an_error_can_go_on() {
    let place = place();
    let said = run(&place, &["--batch", "100", "--stop-on-error", "--rejects", "bad.csv"]);
    assert!(said.out.contains("1 committed, 1 stopped"), "{said:?}");
    for _ in 0..8 {
        run(&place, &["--batch", "100", "--stop-on-error", "--rejects", "bad.csv", "--resume"]);
    }
    assert_eq!(place.rows("SELECT id, quantity FROM orders"), "1|5\n4|6\n7|8");
    assert_eq!(place.rows("SELECT orders FROM customers"), "3");
}

#[test]
fn a_dry_run_ends_there_and_says_so() {
    let place = place();
    let said = run(&place, &["--dry-run"]);
    assert!(said.out.contains("o.csv:4: error[F26]"), "{said:?}");
    assert_eq!(place.rows("SELECT count(*), max(orders) FROM orders, customers"), "0|-");
}
