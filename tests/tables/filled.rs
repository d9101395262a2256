//! A file fills tables with foreign keys: what it refers to it names by the keys that the tables have, and by no id.

use super::Place;

const TABLES: &str = r#"
CREATE TABLE Customers (CustomerID TEXT PRIMARY KEY NOT NULL, CompanyName TEXT NOT NULL);
CREATE TABLE Products (ProductID INTEGER PRIMARY KEY, ProductName TEXT NOT NULL UNIQUE);
CREATE TABLE Orders (OrderID INTEGER PRIMARY KEY, CustomerID TEXT REFERENCES Customers, Freight NUMERIC DEFAULT 0);
CREATE TABLE "Order Details" (
  OrderID INTEGER NOT NULL REFERENCES Orders, ProductID INTEGER NOT NULL REFERENCES Products, Quantity INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (OrderID, ProductID)
);
CREATE TABLE Notes (NoteID INTEGER PRIMARY KEY, OrderID INTEGER, ProductID INTEGER, Said TEXT NOT NULL,
  FOREIGN KEY (OrderID, ProductID) REFERENCES "Order Details");
INSERT INTO Customers VALUES ('ALFKI', 'Alfreds'), ('BONAP', 'Bon app');
INSERT INTO Products VALUES (5, 'Gumbo'), (11, 'Queso');
"#;

fn place() -> Place {
    let place = Place::with(TABLES);
    place.pull();
    place
}

fn run(place: &Place, file: &str, text: &str, more: &[&str]) -> super::Said {
    std::fs::write(place.path(file), text).unwrap();
    place.weir(&[&["run", "project", "--ops", file, "--store", "sqlite:data.db"], more].concat())
}

#[test]
fn a_csv_names_what_it_refers_to_by_keys() {
    for batch in ["1", "100"] {
        let place = place();
        let csv = |entity: &'static str, more: &[&'static str], text: &str| {
            run(&place, "o.csv", text, &[&["--entity", entity, "--batch", batch], more].concat())
        };
        let said = csv("Orders", &[], "OrderID,CustomerID,Freight\n11078,ALFKI,1.5\n11079,NOBOD,1\n11080,,2\n");
        assert!(said.out.contains("2 committed, 0 stopped, 1 fault") && said.code == 1, "{said:?}");
        assert!(said.out.contains("o.csv:3: error[F17]: `CustomerID`: there is no `Customers` with `CustomerID` `NOBOD`"), "{said:?}");
        let said = csv("Order_Details", &[], "OrderID,ProductID,Quantity\n11078,5,3\n11080,11,1\nmany,5,1\n");
        assert!(said.out.contains("2 committed, 0 stopped, 1 fault"), "{said:?}");
        assert!(said.out.contains("o.csv:4: error[O0107]: `OrderID`: the key of `Orders`"), "{said:?}");
        // The columns of a key say which record is meant, as in an upsert.
        let said = csv("Order_Details", &["--message", "update"], "OrderID,ProductID,Quantity\n11078,5,4\n11078,11,9\n");
        assert!(said.out.contains("o.csv:3: error[F17]: there is no `Order_Details` with `OrderID`"), "{said:?}");
        let said = csv("Order_Details", &["--message", "upsert"], "OrderID,ProductID,Quantity\n11078,5,5\n11078,11,7\n");
        assert_eq!(said.code, 0, "{said:?}");
        let said = csv("Order_Details", &["--message", "delete"], "OrderID,ProductID\n11080,11\n");
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(place.rows("SELECT * FROM [Order Details] ORDER BY 1, 2"), "11078|5|5\n11078|11|7");
        assert_eq!(place.rows("SELECT OrderID, CustomerID FROM Orders ORDER BY 1"), "11078|ALFKI\n11080|-");
        assert_eq!(place.rows("PRAGMA foreign_key_check"), "");
    }
}

#[test]
fn json_lines_name_records_by_values_and_by_objects() {
    let place = place();
    let text = r#"{"message": "Create", "entity": "Orders", "attributes": {"OrderID": 11078, "CustomerID": "BONAP"}}
{"message": "Create", "entity": "Order_Details", "attributes": {"OrderID": 11078, "ProductID": 5}}
{"message": "Create", "entity": "Order_Details", "attributes": {"OrderID": {"OrderID": 11078}, "ProductID": {"ProductName": "Queso"}}}
{"message": "Update", "entity": "Order_Details", "id": {"OrderID": 11078, "ProductID": 11}, "attributes": {"Quantity": 8}}
{"message": "Update", "entity": "Orders", "id": 11078, "attributes": {"CustomerID": {"CustomerID": "ALFKI"}}}
{"message": "CreateMultiple", "entity": "Order_Details", "targets": [{"OrderID": 11078, "ProductID": 99}]}
{"message": "Update", "entity": "Orders", "id": 11078, "attributes": {"CustomerID": {"CompanyName": "Alfreds"}}}
{"message": "Update", "entity": "Order_Details", "id": 11078, "attributes": {"Quantity": 8}}
{"message": "Update", "entity": "Orders", "id": "11078x", "attributes": {"Freight": 8}}
"#;
    let said = run(&place, "o.jsonl", text, &["--batch", "3"]);
    for words in [
        "o.jsonl:6: error[F17]: target 1: `ProductID`: there is no `Products` with `ProductID` `99`",
        "o.jsonl:7: error[F17]: `CustomerID`: records of `Customers` are named by their ids or by the fields of a key",
        "o.jsonl:8: error[O0108]: `11078` is not an id (a uuid is wanted), and `Order_Details` has no key of one field",
        "o.jsonl:9: error[O0107]: the key of `Orders`: `OrderID`: `11078x` is not a number",
        "5 committed, 0 stopped, 4 faults",
    ] {
        assert!(said.out.contains(words), "{words} in {}", said.out);
    }
    assert_eq!(place.rows("SELECT * FROM [Order Details] ORDER BY 1, 2"), "11078|5|1\n11078|11|8");
    assert_eq!(place.rows("SELECT CustomerID FROM Orders"), "ALFKI");
}
