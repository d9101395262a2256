//! `weir build`: the compiled project as one file, written whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Exit;
use super::files::{is_source, write_result};
use super::load;
use super::output::Output;
use crate::diagnostic::render;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file or a folder; `-` is standard input
    #[arg(default_value = ".", env = "WEIR_PATH")]
    path: PathBuf,
    /// Where the compiled project goes; by default NAME.flowc in this folder
    #[arg(short, long, value_name = "FILE", env = "WEIR_OUTPUT")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    // What was written by hand is never written over.
    if let Some(target) = arguments.output.as_ref().filter(|target| is_source(target)) {
        let shown = target.display();
        output.error_line(format!("error: --output: `{shown}` has the name of a source; a compiled project ends in `.flowc`"));
        return Exit::Usage;
    }
    let (project, compiled) = match load::sound(&arguments.path, output) {
        Ok(sound) => sound,
        Err(exit) => return exit,
    };
    load::tell(&project.diagnostics, &project.sources, output);
    let target = arguments.output.clone().unwrap_or_else(|| default_name(&arguments.path));
    let Some(bytes) = compiled.to_bytes() else {
        output.error_line("error: the project is larger than a compiled file can be");
        return Exit::Problems;
    };
    match write_result(&target, &bytes) {
        Ok(()) => {
            let flows = render::counted(compiled.program.flows.len(), "flow");
            output.line(format!("{}: {flows}, {} bytes", target.display(), bytes.len()));
            Exit::Well
        }
        Err(error) => {
            output.error_line(format!("error: `{}` can't be written: {error}", target.display()));
            Exit::Failed
        }
    }
}

/// The name of the file or folder, with `.flowc`.
fn default_name(path: &Path) -> PathBuf {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = if real.is_dir() { real.file_name() } else { real.file_stem() };
    let mut name = name.filter(|name| *name != "-").unwrap_or("project".as_ref()).to_owned();
    name.push(".flowc");
    name.into()
}
