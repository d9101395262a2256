//! The same through the library.

use weir::bytecode::Mode;
use weir::pipeline::{Ending, Operation, Settings};
use weir::project::{Compiled, Fate, LifeError, Project, change};
use weir::schema::Row;
use weir::value::Value;

use crate::place::{LIMIT, Place, SCHEMA};

#[test]
fn the_library_does_the_same() {
    let place = Place::of("");
    let url = place.url();
    let compiled = Project::from_text("rules.flow", format!("{SCHEMA}{LIMIT}")).compile().unwrap();
    let deployed = compiled.deploy(&url, Settings::system(), None).unwrap();
    assert!(deployed.is_changed());
    assert!(!compiled.deploy(&url, Settings::system(), None).unwrap().is_changed());
    let stored = Compiled::from_store(&url).unwrap();
    assert_eq!((stored.schema == compiled.schema, stored.program.flows.len()), (true, 1));
    let rich = |compiled: &Compiled| {
        let mut pipeline = compiled.open(&url, Settings::system()).unwrap();
        let (entity, account) = (pipeline.schema().entity_id("account").unwrap(), &pipeline.schema().entities["account"]);
        let values = Row::of(account, [("name", Value::Text("A".into())), ("revenue", Value::Decimal(9_000.into()))]).unwrap();
        pipeline.execute(Operation::Create { entity, values }, None).ending
    };
    assert!(matches!(rich(&stored), Ending::Stopped { .. }));
    change(&url, "Limit", Fate::Deactivate, Settings::system(), None).unwrap();
    assert_eq!(rich(&Compiled::from_store(&url).unwrap()), Ending::Committed);
    change(&url, "Limit", Fate::Convert(Mode::Background), Settings::system(), None).unwrap();
    change(&url, "Limit", Fate::Activate, Settings::system(), None).unwrap();
    let error = change(&url, "Limit", Fate::Activate, Settings::system(), None).unwrap_err();
    assert!(matches!(&error, LifeError::Refused(reasons, _) if reasons[0].code.name() == "S0203"), "{error}");
    // A compiled file is deployed like its project, and a store into another.
    let copy = format!("sqlite:{}", place.path("copy.db").display());
    Compiled::from_bytes(&compiled.to_bytes().unwrap()).unwrap().deploy(&copy, Settings::system(), None).unwrap();
    assert!(matches!(rich(&Compiled::from_store(&copy).unwrap()), Ending::Stopped { .. }));
}
