//! A plug-in creates a contact and then fails. Inside the transaction, nothing of it is left. In the background the account is saved,
//! the plug-in runs afterwards, its system job ends as failed, and Max Power is there: what it did was kept by itself.
//!
//! `cargo run --example max_power`

#![expect(clippy::print_stdout, reason = "it shows what is left on standard output")]

use std::error::Error;
use std::sync::Arc;

use weir::jobs;
use weir::pipeline::{Ending, Operation, Outcome, Pipeline, Plugin, PluginContext, Refusal, Settings};
use weir::project::Project;
use weir::schema::Row;
use weir::schema::jobs::Status;

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
fn creates_and_fails(account: &mut PluginContext<'_>) -> Result<(), Refusal> {
    account.create("contact", &[("fullname", "Max Power".into())])?;
    Err(Refusal::new("Exception raised after contact create."))
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
    pipeline.register(Plugin::new("MaxPower", "account").on_create().run(creates_and_fails))?;
    let (outcome, accounts, contacts) = save(&mut pipeline)?;
    println!("synchronous:  {}\n              {accounts} accounts, {contacts} contacts", ended(&outcome));
    assert_eq!((accounts, contacts), (0, 0), "the contact went with the account");

    let rules = format!("{RULES}{IN_THE_BACKGROUND}");
    let mut pipeline = Project::from_text("rules.flow", rules).compile()?.open("sqlite::memory:", Settings::system())?;
    pipeline.bind("MaxPower", creates_and_fails)?;
    let (outcome, accounts, contacts) = save(&mut pipeline)?;
    println!(
        "asynchronous: {}, queued: {}\n              {accounts} account, {contacts} contacts",
        ended(&outcome),
        outcome.queued.join(", ")
    );
    assert_eq!((accounts, contacts), (1, 0), "the save doesn't wait for it");

    let jobs = jobs::run_due(&mut pipeline)?;
    let job = jobs.first().ok_or("no job ran")?;
    let contact = pipeline.schema().entity_id("contact").ok_or("no entity `contact`")?;
    let contacts = pipeline.find(contact, &Row::default(), 10).map_err(|fault| fault.message)?.len();
    println!("its job:      {}: {}\n              {contacts} contact", job.status.label(), job.message.as_deref().unwrap_or_default());
    assert_eq!((job.status, contacts), (Status::Failed, 1), "there is a contact called Max Power");
    Ok(())
}
