//! `weir schema pull`: entity declarations for the tables that a database has.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::exit::Exit;
use super::load;
use super::output::Output;
use crate::diagnostic::render::{counted, visible};
use crate::exchange::pull;
use crate::store::StoreError;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write entity declarations for the tables of a database, which is only read
    Pull(Pull),
}

#[derive(Debug, Args)]
struct Pull {
    /// The database: `sqlite:FILE`
    #[arg(env = "WEIR_STORE")]
    url: String,
    /// The file to write, which must not be there yet; standard output without it
    #[arg(short, long, value_name = "FILE", env = "WEIR_OUTPUT")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    let Command::Pull(pull) = &arguments.command;
    let Some(file) = pull.url.strip_prefix("sqlite:").filter(|file| !file.is_empty() && *file != ":memory:") else {
        let url = visible(&pull.url);
        output.error_line(format!("error: `{url}` is no database that can be read: write `sqlite:FILE`"));
        return Exit::Usage;
    };
    let pulled = match pull::pull(file.as_ref()) {
        Ok(pulled) => pulled,
        Err(StoreError::Unusable(words) | StoreError::Failed(words)) => return load::store_failed(&pull.url, &words, output),
        Err(error) => return load::store_failed(&pull.url, &error.to_string(), output),
    };
    let Some(path) = &pull.output else {
        output.write(&pulled.text);
        return Exit::Well;
    };
    match written(path, &pulled.text) {
        Ok(()) => {
            let left_out = if pulled.left_out > 0 { format!(", {} left out", counted(pulled.left_out, "table")) } else { String::new() };
            output.line(format!("{}: {}{left_out}", visible(&path.to_string_lossy()), counted_entities(pulled.entities)));
            Exit::Well
        }
        Err(error) => {
            output.error_line(format!("error: `{}` can't be written: {error}", visible(&path.to_string_lossy())));
            Exit::Failed
        }
    }
}

fn counted_entities(count: usize) -> String {
    format!("{count} {}", if count == 1 { "entity" } else { "entities" })
}

/// Writes a file that isn't there yet, in a folder that may not be there either: what somebody has changed in one isn't written over.
fn written(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()))
}
