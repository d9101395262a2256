//! `weir dis`: the bytecode of flows, actions and plug-ins beside the lines that it comes from.

use std::path::PathBuf;

use clap::Args;

use super::compiled;
use super::exit::Exit;
use super::output::Output;
use crate::bytecode;
use crate::diagnostic::nearest;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file or a folder, `-` for standard input, a compiled `.flowc` file, or the URL of a store
    #[arg(default_value = ".", env = "WEIR_PATH")]
    path: PathBuf,
    /// Only this flow, action or plug-in
    #[arg(long, value_name = "NAME", env = "WEIR_FLOW")]
    flow: Option<String>,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    list(arguments, output).err().unwrap_or(Exit::Well)
}

fn list(arguments: &Arguments, output: &mut Output) -> Result<(), Exit> {
    let compiled = compiled::load_or_compile(&arguments.path, output)?;
    let (program, schema, sources) = (&compiled.program, &compiled.schema, &compiled.sources);
    let flows = program.flows.iter().map(|flow| (&flow.head.name, bytecode::flow_listing(flow, schema, sources)));
    let actions = program.actions.iter().map(|action| (&action.head.name, bytecode::action_listing(action, schema, sources)));
    let plugins = program.plugins.iter().map(|plugin| (&plugin.head.name, bytecode::plugin_listing(plugin, schema, sources)));
    let listings: Vec<_> = flows.chain(actions).chain(plugins).collect();
    if let Some(wanted) = &arguments.flow
        && !listings.iter().any(|(name, _)| *name == wanted)
    {
        let near = nearest(wanted, listings.iter().map(|(name, _)| name.as_str()));
        let meant = near.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        output.error_line(format!("error: there is no flow `{}`{meant}", wanted.escape_debug()));
        return Err(Exit::Usage);
    }
    for (_, listing) in listings.iter().filter(|(name, _)| arguments.flow.as_ref().is_none_or(|wanted| *name == wanted)) {
        output.line(listing);
    }
    Ok(())
}
