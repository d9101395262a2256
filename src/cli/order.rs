//! `weir order`: every step that an event would run, in its order, and what those may cause.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::exit::Exit;
use super::output::Output;
use super::screen::Screen;
use super::{compiled, files, load};
use crate::diagnostic::render;
use crate::exchange;
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
    format: Form,
    /// A file to write it to, instead of standard output
    #[arg(short, long, value_name = "FILE", env = "WEIR_OUTPUT")]
    output: Option<PathBuf>,
}

/// What an order is written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    #[default]
    Human,
    /// One object, for programs
    Json,
    /// A flowchart in Mermaid, which many wikis and forges draw
    Mermaid,
    /// A picture
    Svg,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    show(arguments, output).err().unwrap_or(Exit::Well)
}

fn show(arguments: &Arguments, output: &mut Output) -> Result<(), Exit> {
    let Arguments { path, entity, message, fields, format, output: file } = arguments;
    let mut compiled = compiled::load_or_compile(path, output)?;
    if *format != Form::Json {
        // People want to open the files; programs know PATH.
        compiled = Compiled { sources: load::openable(path, &compiled.sources).into(), ..compiled };
    }
    let ask = Ask { entity: entity.clone(), message: message.clone(), fields: fields.clone() };
    let order = compiled.order(&ask).map_err(|error| {
        output.error_line(format!("error: {error}"));
        Exit::Usage
    })?;
    let text = match format {
        Form::Human => exchange::order_text(&order, if file.is_some() { Screen::FILE } else { output.screen() }.width),
        Form::Json => serde_json::to_string(&order).unwrap_or_default() + "\n",
        Form::Mermaid => exchange::order_mermaid(&order),
        Form::Svg => exchange::order_svg(&order),
    };
    let Some(file) = file else {
        output.write(&text);
        return Ok(());
    };
    files::write_result(file, text.as_bytes()).map_err(|error| {
        output.error_line(format!("error: `{}` can't be written: {error}", render::visible(&file.to_string_lossy())));
        Exit::Failed
    })
}
