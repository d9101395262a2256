//! `weir schema pull`: entity declarations for the tables that a database has.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::exit::Exit;
use super::load;
use super::output::Output;
use crate::diagnostic::render::visible;
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
    let text = match pull::pull(file.as_ref()) {
        Ok(text) => text,
        Err(StoreError::Unusable(words) | StoreError::Failed(words)) => return load::store_failed(&pull.url, &words, output),
        Err(error) => return load::store_failed(&pull.url, &error.to_string(), output),
    };
    let Some(path) = &pull.output else {
        output.write(&text);
        return Exit::Well;
    };
    // What somebody has changed in there isn't written over.
    let written = std::fs::File::create_new(path).and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
    match written {
        Ok(()) => Exit::Well,
        Err(error) => {
            output.error_line(format!("error: `{}` can't be written: {error}", path.display()));
            Exit::Failed
        }
    }
}
