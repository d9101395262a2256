//! `weir fmt`: gives the files of a project their one layout. What can't be read is left alone and told.

use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Exit;
use super::output::Output;
use super::{diff, files, load};
use crate::diagnostic::render::{counted, visible};
use crate::project::Layouts;
use crate::source::Sources;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file or a folder; `-` is standard input, whose layout goes to standard output
    #[arg(default_value = ".", env = "WEIR_PATH")]
    path: PathBuf,
    /// Write nothing; name the files that aren't laid out, and end with 1 if there are any
    #[arg(long, env = "WEIR_CHECK")]
    check: bool,
    /// Write nothing; show what would change, and end with 1 if anything would
    #[arg(long, env = "WEIR_DIFF")]
    diff: bool,
}

/// How many files came out in which way.
#[derive(Default)]
struct Tally {
    laid_out: usize,
    changed: usize,
    left: usize,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    let loaded = load::text(&arguments.path).and_then(|text| match text {
        Some(text) => Ok(Layouts::from_text("<stdin>", text)),
        None => Layouts::load(&arguments.path),
    });
    let layouts = match loaded {
        Ok(layouts) => layouts,
        Err(error) => {
            load::tell(&[error.diagnostic()], &Sources::default(), output);
            return load::exit(&error);
        }
    };
    let openable = load::openable(&arguments.path, &layouts.sources);
    let (mut exit, mut tally) = (Exit::Well, Tally::default());
    for (file, layout) in &layouts.files {
        let (Some(source), Some(named)) = (layouts.sources.get(*file), openable.get(*file)) else { continue };
        match layout {
            Err(problems) => {
                load::tell(problems, &openable, output);
                tally.left += 1;
                exit = exit.and(Exit::Problems);
            }
            Ok(layout) => exit = exit.and(one(arguments, (&source.name, &named.name), (&source.text, layout), &mut tally, output)),
        }
    }
    if arguments.path.as_os_str() != "-" {
        output.line(summary(arguments, &tally));
    }
    exit
}

/// Writes the layout of one file, or says that it would be written. Its names: in the project, and from where we are.
fn one(arguments: &Arguments, (own, name): (&str, &str), (text, layout): (&str, &str), tally: &mut Tally, output: &mut Output) -> Exit {
    let shows = arguments.check || arguments.diff;
    if arguments.path.as_os_str() == "-" && !shows {
        output.write(layout);
        return Exit::Well;
    }
    if text == layout {
        tally.laid_out += 1;
        return Exit::Well;
    }
    tally.changed += 1;
    if arguments.diff {
        diff::write((name, text), (name, layout), output);
    } else {
        output.line(visible(name));
    }
    if shows {
        return Exit::Problems;
    }
    match files::write_over(&place(&arguments.path, own), layout.as_bytes()) {
        Ok(()) => Exit::Well,
        Err(error) => {
            output.error_line(format!("error: `{}` can't be written: {error}", visible(name)));
            Exit::Failed
        }
    }
}

/// Where the file of a project lies.
fn place(path: &Path, name: &str) -> PathBuf {
    if path.is_dir() { path.join(name) } else { path.to_owned() }
}

fn summary(arguments: &Arguments, tally: &Tally) -> String {
    let changed = counted(tally.changed, "file");
    let mut parts = vec![match (arguments.check || arguments.diff, tally.changed) {
        (_, 0) => format!("{} laid out already", counted(tally.laid_out, "file")),
        (true, _) => format!("{changed} would change, {} laid out already", tally.laid_out),
        (false, _) => format!("{changed} laid out, {} already", tally.laid_out),
    }];
    parts.extend((tally.left > 0).then(|| format!("{} left alone", tally.left)));
    parts.join(", ")
}
