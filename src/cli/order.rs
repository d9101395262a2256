//! `weir order`: every step that an event would run, in its order, and what those may cause.

use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::output::Output;
use super::{Format, compiled, load};
use crate::pipeline::order::Ask;
use crate::project::Compiled;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file or a folder, `-` for standard input, or a compiled `.flowc` file
    #[arg(env = "WEIR_PATH")]
    path: PathBuf,
    /// The entity; `-` for an action that is on none
    entity: String,
    /// Create, Update, Delete, Upsert, Assign, SetState, CreateMultiple, UpdateMultiple, or the name of an action or of a flow on demand
    message: String,
    /// The submitted fields; without them, whatever may be submitted
    #[arg(long, value_name = "FIELD,…", value_delimiter = ',', env = "WEIR_FIELDS")]
    fields: Option<Vec<String>>,
    /// What is written
    #[arg(long, value_enum, default_value_t, env = "WEIR_FORMAT")]
    format: Format,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    show(arguments, output).err().unwrap_or(Exit::Well)
}

fn show(arguments: &Arguments, output: &mut Output) -> Result<(), Exit> {
    let Arguments { path, entity, message, fields, format } = arguments;
    let mut compiled = compiled::load_or_compile(path, output)?;
    if *format == Format::Human {
        // People want to open the files; programs know PATH.
        compiled = Compiled { sources: load::openable(path, &compiled.sources).into(), ..compiled };
    }
    let ask = Ask { entity: entity.clone(), message: message.clone(), fields: fields.clone() };
    let order = compiled.order(&ask).map_err(|error| {
        output.error_line(format!("error: {error}"));
        Exit::Usage
    })?;
    match format {
        Format::Human => output.write(&order.to_string()),
        Format::Json => output.line(serde_json::to_string(&order).unwrap_or_default()),
    }
    Ok(())
}
