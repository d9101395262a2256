//! `weir dis`: the bytecode of the flows beside the lines that it comes from.

use std::path::PathBuf;

use clap::Args;

use super::compiled;
use super::exit::Exit;
use super::output::Output;
use crate::bytecode;
use crate::diagnostic::nearest;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file or a folder, `-` for standard input, or a compiled `.flowc` file
    #[arg(default_value = ".", env = "WEIR_PATH")]
    path: PathBuf,
    /// Only this flow
    #[arg(long, value_name = "NAME", env = "WEIR_FLOW")]
    flow: Option<String>,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    list(arguments, output).err().unwrap_or(Exit::Well)
}

fn list(arguments: &Arguments, output: &mut Output) -> Result<(), Exit> {
    let compiled = compiled::load_or_compile(&arguments.path, output)?;
    let flows = &compiled.program.flows;
    if let Some(name) = &arguments.flow
        && !flows.iter().any(|flow| flow.head.name == *name)
    {
        let near = nearest(name, flows.iter().map(|flow| flow.head.name.as_str()));
        let meant = near.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        output.error_line(format!("error: there is no flow `{}`{meant}", name.escape_debug()));
        return Err(Exit::Usage);
    }
    for flow in flows.iter().filter(|flow| arguments.flow.as_ref().is_none_or(|name| flow.head.name == *name)) {
        output.line(bytecode::flow_listing(flow, &compiled.schema, &compiled.sources));
    }
    if arguments.flow.is_none() {
        let (schema, sources) = (&compiled.schema, &compiled.sources);
        compiled.program.actions.iter().for_each(|action| output.line(bytecode::action_listing(action, schema, sources)));
        compiled.program.plugins.iter().for_each(|plugin| output.line(bytecode::plugin_listing(plugin, schema, sources)));
    }
    Ok(())
}
