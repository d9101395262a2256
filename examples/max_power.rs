//! A plug-in creates a contact and then fails. Inside the transaction, nothing of it is left; one that runs in the background
//! is queued only with what was saved, and is no part of the transaction (running what is queued comes with a later release).
//!
//! `cargo run --example max_power`

#![expect(clippy::print_stdout, reason = "it shows what is left on standard output")]

use std::error::Error;
use std::sync::Arc;

use weir::pipeline::{Ending, Operation, Outcome, Pipeline, Plugin, Refusal, Settings};
use weir::project::Project;
use weir::schema::Row;

const RULES: &str = r#"
entity account { name text(160) required }
entity contact { fullname text(200) required }
"#;

const IN_THE_BACKGROUND: &str = r#"
plugin MaxPower on account {
  trigger create
  mode    background
  creates contact
  via     host
}
"#;

/// Somebody who was never meant to stay.
fn max_power() -> Plugin {
    Plugin::new("MaxPower", "account").on_create().run(|account| {
        account.create("contact", &[("fullname", "Max Power".into())])?;
        Err(Refusal::new("Exception raised after contact create."))
    })
}

fn save(pipeline: &mut Pipeline) -> Result<(Outcome, usize, usize), Box<dyn Error>> {
    let schema = Arc::clone(pipeline.schema());
    let account = schema.entity_id("account").ok_or("no entity `account`")?;
    let contact = schema.entity_id("contact").ok_or("no entity `contact`")?;
    let entity = schema.entity(account).ok_or("no entity `account`")?;
    let values = Row::of(entity, [("name", "Acme".into())])?;
    let outcome = pipeline.execute(Operation::Create { entity: account, values }, None);
    let mut count = |entity| pipeline.find(entity, &Row::default(), 10).map(|found| found.len()).map_err(|fault| fault.message);
    Ok((outcome, count(account)?, count(contact)?))
}

fn ended(outcome: &Outcome) -> String {
    match &outcome.ending {
        Ending::Committed => "committed".to_owned(),
        Ending::Stopped { flow, reason } => format!("stopped by {flow}: {reason}"),
        Ending::Fault(fault) => format!("{}: {}", fault.code.name(), fault.message),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut pipeline = Project::from_text("rules.flow", RULES).compile()?.open("sqlite::memory:", Settings::system())?;
    pipeline.register(max_power())?;
    let (outcome, accounts, contacts) = save(&mut pipeline)?;
    println!("synchronous:  {}\n              {accounts} accounts, {contacts} contacts", ended(&outcome));
    assert_eq!((accounts, contacts), (0, 0), "the contact went with the account");

    let rules = format!("{RULES}{IN_THE_BACKGROUND}");
    let mut pipeline = Project::from_text("rules.flow", rules).compile()?.open("sqlite::memory:", Settings::system())?;
    let (outcome, accounts, _) = save(&mut pipeline)?;
    println!("asynchronous: {}, queued: {}\n              {accounts} account", ended(&outcome), outcome.queued.join(", "));
    assert_eq!((accounts, outcome.queued.as_slice()), (1, ["MaxPower".into()].as_slice()), "the save doesn't wait for it");
    Ok(())
}
