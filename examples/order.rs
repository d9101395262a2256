//! Which runs first, the flow or the plug-in? Both run before the same update and after it, over all ranks; the audit shows the order.
//!
//! `cargo run --example order`

#![expect(clippy::print_stdout, reason = "it shows the order on standard output")]

use std::error::Error;
use std::sync::Arc;

use weir::bytecode::Stage;
use weir::pipeline::{Operation, Plugin, Settings};
use weir::project::Project;
use weir::schema::Row;

/// The entity, with a flow before the update of its name and one after it.
fn rules(rank: Option<i32>) -> String {
    let rank = rank.map(|rank| format!("rank {rank}")).unwrap_or_default();
    format!(
        r#"
        entity a {{ name text(100) plugintext text(100) audited workflowtext text(100) audited }}
        flow Before on a {{ trigger update(name) stage pre-operation {rank} set workflowtext = "before the update" }}
        flow After on a {{ trigger update(name) stage post-operation {rank} set workflowtext = "after the update" }}
        "#
    )
}

/// What the audit has of an update of the name, for a rank of the flows and one of the plug-ins.
fn history(flows: Option<i32>, plugins: Option<i32>) -> Result<Vec<String>, Box<dyn Error>> {
    let mut pipeline = Project::from_text("a.flow", rules(flows)).compile()?.open("sqlite::memory:", Settings::fixed())?;
    for (name, stage, text) in
        [("Plug-in before", Stage::PreOperation, "before the update"), ("Plug-in after", Stage::PostOperation, "after the update")]
    {
        let plugin = Plugin::new(name, "a").on_update(["name"]).stage(stage).run(move |record| record.set("plugintext", text));
        pipeline.register(plugins.into_iter().fold(plugin, Plugin::rank))?;
    }
    let schema = Arc::clone(pipeline.schema());
    let a = schema.entity_id("a").ok_or("no entity `a`")?;
    let values = Row::of(schema.entity(a).ok_or("no entity `a`")?, [("name", "Test update".into())])?;
    let created = pipeline.execute(Operation::Create { entity: a, values: Row::default() }, None);
    let record = created.record.ok_or("not created")?;
    pipeline.execute(Operation::Update { record, values }, None);
    let lines = pipeline.history(record, None).map_err(|fault| fault.message)?;
    Ok(lines.into_iter().filter(|line| line.starts_with("Update")).collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    for flows in [None, Some(0), Some(1)] {
        for plugins in [None, Some(0), Some(1)] {
            let told = |rank: Option<i32>| rank.map_or("none".to_owned(), |rank| rank.to_string());
            println!("rank of the flows: {}, of the plug-ins: {}", told(flows), told(plugins));
            let lines = history(flows, plugins)?;
            lines.iter().for_each(|line| println!("    {line}"));
            // Where nothing is said, a flow has rank 0 and a plug-in rank 1; at one rank the plug-in goes first.
            let first = if plugins.unwrap_or(1) <= flows.unwrap_or(0) { "plugintext" } else { "workflowtext" };
            assert_eq!(lines.len(), 4);
            assert!(lines.iter().step_by(2).all(|line| line.contains(first)), "{lines:?}");
        }
    }
    Ok(())
}
