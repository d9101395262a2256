//! `weir doc`: a project as pages that are read without a server: one for each entity, and one that names them all.
//!
//! The pages say what the texts and the compiler say, and nothing is worked out here but where it stands. They load nothing from
//! elsewhere, and whatever comes from the project is escaped.

mod book;
mod diagram;
mod entity;
mod flow;
mod index;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Exit;
use super::files::write_whole;
use super::load;
use super::output::Output;
use crate::diagnostic::{render, render::counted};
use crate::exchange::html;

use book::Book;

const STYLE: &str = include_str!("page.css");

/// The folder of the entities' pages, within that of all.
const ENTITIES: &str = "entities";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file or a folder, `-` for standard input
    #[arg(default_value = ".", env = "WEIR_PATH")]
    path: PathBuf,
    /// The folder for the pages
    #[arg(short, long, value_name = "DIR", default_value = "doc", env = "WEIR_OUTPUT")]
    output: PathBuf,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    let (project, compiled) = match load::sound(&arguments.path, output) {
        Ok(sound) => sound,
        Err(exit) => return exit,
    };
    let book = Book::new(title(&arguments.path), &project, &compiled);
    let dir = &arguments.output;
    let name = render::visible(&dir.to_string_lossy()).into_owned();
    match write(&book, dir) {
        Ok(pages) => {
            output.line(format!("{} written: open {name}/index.html", counted(pages, "page")));
            Exit::Well
        }
        Err(error) => {
            output.error_line(format!("error: the pages can't be written to `{name}`: {error}"));
            Exit::Failed
        }
    }
}

/// What the project is called: the name of its folder or file.
fn title(path: &Path) -> String {
    let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = whole.file_stem().map(|name| name.to_string_lossy().into_owned());
    name.filter(|name| name != "-").unwrap_or_else(|| "rules".to_owned())
}

/// Writes the pages, and says how many.
fn write(book: &Book<'_>, dir: &Path) -> io::Result<usize> {
    let (entities, first) = (book.entities(), dir.join("index.html"));
    let place = |name: &str| dir.join(ENTITIES).join(format!("{name}.html"));
    spare(&first)?;
    entities.iter().try_for_each(|entity| spare(&place(&entity.name.text)))?;
    fs::create_dir_all(dir.join(ENTITIES))?;
    write_whole(&first, html::document(&book.title, STYLE, &index::page(book)).as_bytes())?;
    for entity in &entities {
        let title = format!("{} – {}", entity.name.text, book.title);
        let page = html::document(&title, STYLE, &entity::page(book, entity));
        write_whole(&place(&entity.name.text), page.as_bytes())?;
    }
    Ok(entities.len() + 1)
}

/// What isn't a page of an earlier run stays as it is: somebody else has written it, or it is a link to elsewhere.
fn spare(page: &Path) -> io::Result<()> {
    let Ok(there) = fs::symlink_metadata(page) else { return Ok(()) };
    let mut start = Vec::new();
    if there.is_file() {
        File::open(page)?.take(1024).read_to_end(&mut start)?;
    }
    if String::from_utf8_lossy(&start).contains(html::GENERATOR) {
        return Ok(());
    }
    let name = render::visible(&page.to_string_lossy()).into_owned();
    Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("`{name}` is there and no page of an earlier `weir doc`")))
}

/// A link to an entity's page, from another of them; just its name where there is no page of it.
fn entity_link(book: &Book<'_>, name: &str) -> String {
    let escaped = html::escaped(name);
    if book.has(name) { format!("<a href=\"{escaped}.html\">{escaped}</a>") } else { escaped }
}

/// A link to what is said of a flow, action or plug-in; just its name where the project doesn't declare it. `way` leads from the page to
/// those of the entities.
fn code_link(book: &Book<'_>, name: &str, way: &str) -> String {
    let escaped = html::escaped(name);
    match book.find(name).map(|coded| coded.entity()) {
        Some(Some(home)) => format!("<a href=\"{way}{}.html#{escaped}\">{escaped}</a>", html::escaped(home)),
        Some(None) if way.is_empty() => format!("<a href=\"../index.html#{escaped}\">{escaped}</a>"),
        Some(None) => format!("<a href=\"#{escaped}\">{escaped}</a>"),
        None => escaped,
    }
}
