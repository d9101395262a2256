//! A Rust program that runs flows, with a plug-in of its own among them.
//!
//! `cargo run --example embed`

#![expect(clippy::print_stdout, reason = "it shows the order on standard output")]

use std::error::Error;

use weir::bytecode::Stage;
use weir::pipeline::{Operation, Plugin, Refusal, Settings};
use weir::project::Project;
use weir::schema::Row;

const RULES: &str = r#"
entity account {
  name    text(160) required
  score   integer
  rating  text(20)
}

flow Normalise on account {
  trigger create at pre-operation
  rank    0
  set name = trim(name ?? "")
}

flow Rate on account {
  trigger create at pre-operation
  rank    1
  if score >= 50 { set rating = "good" } else { set rating = "poor" }
}
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let compiled = Project::from_text("rules.flow", RULES).compile()?;
    let mut pipeline = compiled.open("sqlite::memory:", Settings::system())?;

    // Between the two flows: after those of rank 0, and before those of its own rank.
    let bureau = Plugin::new("CreditBureau", "account").on_create().stage(Stage::PreOperation).rank(1).run(|account| {
        let score = match account.field("name")?.as_text() {
            Some("Acme") => 80,
            Some(_) => 20,
            None => return Err(Refusal::new("Nobody knows an account without a name.")),
        };
        account.set("score", score)
    });
    pipeline.register(bureau)?;

    let account = compiled.schema.entity_id("account").ok_or("no entity `account`")?;
    let entity = compiled.schema.entity(account).ok_or("no entity `account`")?;
    let values = Row::of(entity, [("name", "  Acme ".into())])?;
    let outcome = pipeline.execute(Operation::Create { entity: account, values }, None);

    println!("{:?}: {}", outcome.ending, outcome.ran.join(", "));
    assert_eq!(outcome.ran, ["Normalise", "CreditBureau", "Rate"]);
    Ok(())
}
