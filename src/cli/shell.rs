//! `weir completions` and `weir man`: what a shell and a reader of manual pages want to know of the command line.

use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::roff::{Roff, bold, roman};

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

/// What every command looks at.
const VARIABLES: [(&str, &str); 3] = [
    ("NO_COLOR", "where it is set and not empty, nothing has colours"),
    ("CLICOLOR_FORCE", "where it is set, not empty and not 0, what doesn't go to a terminal has colours, too"),
    ("COLUMNS", "how many columns a line has where there is no terminal; 100 without it"),
];

/// Writes what the shell reads.
pub(super) fn completions(arguments: &Completions, mut command: Command, output: &mut Output) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "weir", &mut text);
    output.write(&String::from_utf8_lossy(&text));
    Exit::Well
}

/// Writes a page, or all of them.
pub(super) fn man(arguments: &Man, command: Command, output: &mut Output) -> Exit {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    if let Some(dir) = &arguments.output {
        return match write_all(&command, dir) {
            Ok(()) => Exit::Well,
            Err(error) => {
                let dir = dir.to_string_lossy();
                output.error_line(format!("error: the pages can't be written to `{}`: {error}", render::visible(&dir)));
                Exit::Failed
            }
        };
    }
    let page = match &arguments.command {
        None => Some(&command),
        Some(name) => command.get_subcommands().find(|known| known.get_name() == name),
    };
    let Some(page) = page else {
        let name = arguments.command.as_deref().unwrap_or_default();
        output.error_line(format!("error: there is no command `{}`", render::visible(name)));
        return Exit::Usage;
    };
    output.write(&self::page(page).1);
    Exit::Well
}

/// The pages of a command and of all below it.
fn write_all(command: &Command, dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let (name, text) = page(command);
    fs::write(dir.join(name), text)?;
    command.get_subcommands().try_for_each(|command| write_all(command, dir))
}

/// The page of a command, and the name of its file.
fn page(command: &Command) -> (String, String) {
    let man = clap_mangen::Man::new(command.clone());
    let mut text = Vec::new();
    // It is written to memory, which doesn't fail.
    let _ = man.render(&mut text);
    let mut page = Roff::new();
    page.control("SH", ["EXIT STATUS"]);
    for (exit, words) in Exit::ALL {
        entry(&mut page, &exit.code().to_string(), words);
    }
    page.control("PP", []);
    page.text([roman("Of several, the worst: 130, 4, 2, 1, 3, 0.")]);
    page.control("SH", ["ENVIRONMENT"]);
    for argument in command.get_arguments() {
        if let Some(name) = argument.get_env() {
            let long = argument.get_long().map(|long| format!("--{long}"));
            let own = long.unwrap_or_else(|| argument.get_value_names().unwrap_or_default().join(" "));
            entry(&mut page, &name.to_string_lossy(), &format!("what stands in for {own}, where that isn't given"));
        }
    }
    for (name, words) in VARIABLES {
        entry(&mut page, name, words);
    }
    (man.get_filename(), String::from_utf8_lossy(&text).into_owned() + &page.to_roff())
}

/// A term with what it means.
fn entry(page: &mut Roff, term: &str, words: &str) {
    page.control("TP", []);
    page.text([bold(term)]);
    page.text([roman(words)]);
}
