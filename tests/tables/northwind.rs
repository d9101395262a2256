//! The Northwind database, pulled as it is, with three flows over it.

use super::Place;
use super::corpus::corpus;

const FLOWS: &str = r#"
/// Nothing is sold that is no longer made.
flow NoDiscontinued on Order_Details {
  trigger create
  stage   pre-operation
  if ProductID.Discontinued == "1" {
    stop "{ProductID.ProductName} is discontinued."
  }
}

/// Keeps how many orders a customer has. (The table has no column for it, so the fax number stands in.)
flow OrderCount on Orders {
  trigger create
  if CustomerID is not empty {
    let number = count(Orders where CustomerID == this.CustomerID)
    update CustomerID { Fax = "{number} orders" }
  }
}

flow RequiredDate on Orders {
  trigger create
  stage   pre-operation
  if RequiredDate is empty {
    set RequiredDate = (OrderDate ?? now) + 28 days
  }
}

scenario Ordering {
  let alfki = Customers["ALFKI"]
  let order = create Orders { CustomerID = alfki, OrderDate = 1998-06-01T00:00:00Z, ShipVia = Shippers[1] }
  expect ran RequiredDate, OrderCount
  show order.OrderID
  show order.CustomerID.Fax
  create Order_Details { OrderID = order, ProductID = Products[1], UnitPrice = 18, Quantity = 3 }
  create Order_Details { OrderID = order, ProductID = Products[5] }
  expect stopped "Chef Anton's Gumbo Mix is discontinued."
  let line = Order_Details[order, Products[1]]
  update line { Quantity = 4 }
  show sum(Order_Details.Quantity where OrderID == order)
  show count(Orders where RequiredDate >= 1998-06-01T00:00:00Z and Freight < 1.5)
  delete Customers["PARIS"]
  delete Customers["ALFKI"]
  expect fault F08
}
"#;

#[test]
fn flows_run_over_northwind() {
    let Some(create) = corpus("northwind/create.sql") else { return };
    let place = Place::with(&std::fs::read_to_string(create).unwrap());
    let before = place.rows("SELECT count(*), sum(length(sql)) FROM sqlite_schema");
    let pulled = place.pull();
    for line in [
        "entity Order_Details table \"Order Details\" {",
        "  OrderID   lookup Orders required",
        "  UnitPrice decimal(4) required = 0",
        "  BirthDate       date",
        "  RequiredDate   datetime",
        "  ReportsTo       lookup Employees",
        "  // The column `Photo` is left out: it holds bytes, which no field does.",
        "  key (EmployeeID, TerritoryID)",
    ] {
        assert!(pulled.lines().any(|found| found == line), "{line} in {pulled}");
    }
    assert_eq!(place.rows("SELECT count(*), sum(length(sql)) FROM sqlite_schema"), before);
    place.write("rules.flow", FLOWS);
    let checked = place.weir(&["check", "project"]);
    assert_eq!((checked.code, checked.out.as_str()), (0, "no problems in 2 files\n"), "{checked:?}");
    assert_eq!(place.weir(&["fmt", "--check", "project/tables.flow"]).code, 0);

    let orders = place.rows("SELECT count(*) FROM Orders WHERE CustomerID = 'ALFKI'");
    let said = place.run("Ordering");
    assert_eq!(said.code, 0, "{said:?}");
    for line in ["11078", "7 orders", "4"] {
        assert!(said.out.lines().any(|found| found.trim() == line), "{line} in {}", said.out);
    }
    assert_eq!((orders.as_str(), place.rows("SELECT Fax FROM Customers WHERE CustomerID = 'ALFKI'").as_str()), ("6", "7 orders"));
    assert_eq!(
        place.rows("SELECT OrderID, CustomerID, OrderDate, RequiredDate, ShipVia, Freight FROM Orders WHERE OrderID > 11077"),
        "11078|ALFKI|1998-06-01 00:00:00|1998-06-29 00:00:00|1|0"
    );
    assert_eq!(place.rows("SELECT * FROM [Order Details] WHERE OrderID = 11078"), "11078|1|18|4|0.0");
    assert_eq!(place.rows("SELECT count(*) FROM Customers WHERE CustomerID = 'PARIS'"), "0");
    assert_eq!(place.rows("PRAGMA foreign_key_check"), "");
    // Every row of every table can be read: each fits what was pulled.
    let entities: Vec<&str> = pulled.lines().filter_map(|line| line.strip_prefix("entity ")?.split(' ').next()).collect();
    let flow = |entity: &&str| format!("  for each {entity} row {{\n    log \"{{row}}\"\n  }}\n");
    let loops: String = entities.iter().map(flow).collect();
    let all = format!("flow All on Regions {{\n  trigger on demand\n{loops}}}\nscenario All {{\n  run All on Regions[1]\n}}\n");
    place.write("all.flow", &all);
    let said = place.run("All");
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(entities.len(), 13);
}
