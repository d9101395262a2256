//! A new account is checked, completed, and booked in another system, whose answer is written back: all in one transaction.
//! The flows are those of `examples/onboarding`; the booking is a plug-in between them.
//!
//! `cargo run --example erp`

#![expect(clippy::print_stdout, reason = "it shows the order on standard output")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex};

use weir::pipeline::{Ending, Operation, Outcome, Pipeline, Plugin, Refusal, Settings};
use weir::project::Project;
use weir::schema::Row;
use weir::value::Value;

/// The other system: it books customers under numbers of its own, and none without credit.
type Erp = Arc<Mutex<BTreeMap<String, u32>>>;

/// Runs after the core operation, before the flows of rank 0 there: it sends what is saved, and writes the number back.
fn booking(erp: Erp) -> Plugin {
    Plugin::new("Erp", "account").on_create().rank(-1).run(move |account| {
        let name = account.field("name")?.as_text().unwrap_or_default().to_owned();
        if name.contains('/') {
            return Err(Refusal::new(format!("The ERP can't book {name}: no slashes, please.")));
        }
        let mut booked = erp.lock().map_err(|_| Refusal::new("The ERP is out of order."))?;
        let number = 1_001 + u32::try_from(booked.len()).unwrap_or_default();
        booked.insert(name, number);
        account.set("remarks", format!("Booked as {number}."))
    })
}

fn create(pipeline: &mut Pipeline, values: &[(&str, Value)]) -> Result<Outcome, Box<dyn Error>> {
    let schema = Arc::clone(pipeline.schema());
    let account = schema.entity_id("account").ok_or("no entity `account`")?;
    let entity = schema.entity(account).ok_or("no entity `account`")?;
    let values = Row::of(entity, values.iter().cloned())?;
    Ok(pipeline.execute(Operation::Create { entity: account, values }, None))
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/onboarding");
    let compiled = Project::load(&folder)?.compile()?;
    let mut pipeline = compiled.open("sqlite::memory:", Settings::system())?;
    let erp = Erp::default();
    pipeline.register(booking(Arc::clone(&erp)))?;
    let background = |name: &str| {
        let choice = compiled.schema.choice_id("Background").and_then(|choice| compiled.schema.choice(choice));
        choice.and_then(|choice| choice.option(name)).map_or(Value::Empty, |option| Value::Choice(option.code))
    };

    for (name, check) in [("Acme", "green"), ("Shady Deals", "red"), ("A/B Motors", "green")] {
        let values = [("name", name.into()), ("background", background(check)), ("contactname", "Ada Lovelace".into())];
        let outcome = create(&mut pipeline, &values)?;
        let end = match &outcome.ending {
            Ending::Committed => "committed".to_owned(),
            Ending::Stopped { flow, reason } => format!("stopped by {flow}: {reason}"),
            Ending::Fault(fault) => fault.message.clone(),
        };
        println!("{name:12} {}\n             {end}", outcome.ran.join(", "));
    }
    let accounts = pipeline.schema().entity_id("account").ok_or("no entity `account`")?;
    let saved = pipeline.find(accounts, &Row::default(), 10).map_err(|fault| fault.message)?.len();
    println!("{saved} account saved, and booked: {:?}", erp.lock().map_err(|_| "the ERP is out of order")?);
    assert_eq!(saved, 1, "what was stopped before or after its write is not there");
    Ok(())
}
