//! The file that operations come from, or standard input, and how it is written.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::super::exit::Exit;
use super::super::output::Output;
use super::super::run::Arguments;
use super::usage;
use crate::diagnostic::{Code, render};
use crate::exchange::{self, RowMessage};

/// Where the operations come from.
pub(super) struct Input<'a> {
    pub path: &'a Path,
    /// As it is shown to people.
    pub name: String,
    /// In bytes, of a file.
    pub size: Option<u64>,
}

impl Input<'_> {
    pub fn is_stdin(&self) -> bool {
        self.path.as_os_str() == "-"
    }
}

/// How the file is written.
pub(super) fn format(file: &Path, arguments: &Arguments, output: &mut Output) -> Result<exchange::Format, Exit> {
    match &arguments.entity {
        Some(entity) => Ok(exchange::Format::Csv { entity: entity.into(), message: RowMessage::from(arguments.message) }),
        None if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) => {
            Err(usage("a CSV needs --entity, the entity of its records", output))
        }
        None => Ok(exchange::Format::JsonLines),
    }
}

/// The file, and what is in it.
pub(super) fn open<'a>(path: &'a Path, output: &mut Output) -> Result<(Input<'a>, Box<dyn BufRead>), Exit> {
    if path.as_os_str() == "-" {
        return Ok((Input { path, name: "<stdin>".to_owned(), size: None }, Box::new(io::stdin().lock())));
    }
    let name = render::visible(&path.to_string_lossy()).into_owned();
    let opened = File::open(path).and_then(|opened| {
        let meta = opened.metadata()?;
        if meta.is_dir() { Err(io::Error::from(io::ErrorKind::IsADirectory)) } else { Ok((opened, meta)) }
    });
    match opened {
        Ok((opened, meta)) => {
            let input = Input { path, name, size: meta.is_file().then_some(meta.len()) };
            Ok((input, Box::new(BufReader::with_capacity(256 * 1024, opened))))
        }
        Err(error) => {
            output.error_line(format!("error[{}]: `{name}` can't be read: {error}", Code::O0101.name()));
            Err(Exit::Failed)
        }
    }
}
