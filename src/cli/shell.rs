//! `weir completions` and `weir man`: what a shell and a reader of manual pages want to know of the command line.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;

use super::exit::Exit;
use super::output::Output;
use crate::diagnostic::render;

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct Man {
    /// A command, for its own page
    #[arg(conflicts_with = "output")]
    command: Option<String>,
    /// Write the pages of all commands into this folder
    #[arg(short, long, value_name = "DIR", env = "WEIR_OUTPUT")]
    output: Option<PathBuf>,
}

/// Writes what the shell reads.
pub(super) fn completions(arguments: &Completions, mut command: Command, output: &mut Output) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "weir", &mut text);
    output.write(&String::from_utf8_lossy(&text));
    Exit::Well
}

/// Writes a page, or all of them.
pub(super) fn man(arguments: &Man, mut command: Command, output: &mut Output) -> Exit {
    if let Some(dir) = &arguments.output {
        let written = std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(command, dir));
        return match written {
            Ok(()) => Exit::Well,
            Err(error) => {
                let dir = dir.to_string_lossy();
                output.error_line(format!("error: the pages can't be written to `{}`: {error}", render::visible(&dir)));
                Exit::Failed
            }
        };
    }
    command.build();
    let page = match &arguments.command {
        None => Some(&command),
        Some(name) => command.get_subcommands().find(|known| known.get_name() == name),
    };
    let Some(page) = page.cloned() else {
        let name = arguments.command.as_deref().unwrap_or_default();
        output.error_line(format!("error: there is no command `{}`", render::visible(name)));
        return Exit::Usage;
    };
    let mut text = Vec::new();
    // It is written to memory, which doesn't fail.
    let _ = clap_mangen::Man::new(page).render(&mut text);
    output.write(&String::from_utf8_lossy(&text));
    Exit::Well
}
