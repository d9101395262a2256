//! `--coverage`, `--min-coverage`: what the tests covered, as a table, beside the source, as lcov and as HTML.
//!
//! What was covered is worked out in `scenario::coverage`; in here it is only written.

mod html;
mod lcov;
mod lines;
mod source;
mod table;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Exit;
use super::files;
use super::output::Output;
use crate::project::{Compiled, Project};
use crate::scenario::coverage::{self, Collector};
use lines::View;

#[derive(Debug, Args)]
#[group(id = "covering", multiple = true)]
pub(super) struct Arguments {
    /// Tell what the tests cover: `table`, beside the `source`, or into a file: `lcov FILE`, `html FILE`
    #[arg(
        long,
        value_name = "HOW",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "table",
        env = "WEIR_COVERAGE",
        conflicts_with_all = ["watch", "fail_fast"],
        value_parser = Form::parse
    )]
    coverage: Vec<Form>,
    /// Fail where less than this is covered, in percent of all flows, triggers, statements, branches and outcomes of conditions
    #[arg(long, value_name = "PERCENT", env = "WEIR_MIN_COVERAGE", conflicts_with_all = ["watch", "fail_fast"], value_parser = percent)]
    min_coverage: Option<f64>,
}

/// How it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Table,
    Source,
    Lcov(PathBuf),
    Html(PathBuf),
}

impl Form {
    fn parse(text: &str) -> Result<Form, String> {
        match (text, text.split_once(' ')) {
            ("table", _) => Ok(Form::Table),
            ("source", _) => Ok(Form::Source),
            (_, Some(("lcov", file))) => Ok(Form::Lcov(file.into())),
            (_, Some(("html", file))) => Ok(Form::Html(file.into())),
            ("lcov" | "html", _) => Err(format!("a file has to follow: `--coverage={text} FILE`")),
            _ => Err("it is `table`, `source`, `lcov FILE` or `html FILE`".to_owned()),
        }
    }
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').parse::<f64>().ok().filter(|number| (0.0..=100.0).contains(number));
    number.ok_or_else(|| "it is a number from 0 to 100".to_owned())
}

/// The words of the command line, with the file of `--coverage=lcov FILE` as a part of the word that it belongs to. Else it would be
/// taken for the PATH.
pub(super) fn joined(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    for word in words {
        let is_file = !word.as_encoded_bytes().starts_with(b"-");
        match joined.last_mut() {
            Some(last) if is_file && (last == "--coverage=lcov" || last == "--coverage=html") => {
                last.push(" ");
                last.push(word);
            }
            _ => joined.push(word),
        }
    }
    joined
}

impl Arguments {
    /// Whether anybody asks what the tests do.
    pub fn is_asked(&self) -> bool {
        !self.coverage.is_empty() || self.min_coverage.is_some()
    }

    /// Tells what was covered: in percent, and how the run ends because of it. What is for people goes to standard error where standard output
    /// is for programs (`aside`).
    pub fn tell(&self, tested: &Tested<'_>, aside: bool, output: &mut Output) -> (f64, Exit) {
        let covered = coverage::measure(tested.project, tested.compiled, tested.collector);
        let (views, mut exit) = (lines::views(&covered, &tested.project.sources), Exit::Well);
        for form in &self.coverage {
            exit = exit.and(tell_as(form, &views, aside, output));
        }
        let share = covered.shares().total();
        if let Some(least) = self.min_coverage.filter(|least| share.percent() < *least) {
            output.error_line(format!(
                "error: {} % is covered ({} of {}), and {least} % has to be (`--min-coverage`)",
                share.percent(),
                share.reached,
                share.all
            ));
            exit = exit.and(Exit::Problems);
        }
        (share.percent(), exit)
    }
}

/// What the tests ran, and what was counted.
pub(super) struct Tested<'a> {
    pub project: &'a Project,
    pub compiled: &'a Compiled,
    pub collector: &'a Collector,
}

fn tell_as(form: &Form, views: &[View<'_>], aside: bool, output: &mut Output) -> Exit {
    let screen = if aside { output.error_screen() } else { output.screen() };
    let text = match form {
        Form::Table => table::table(views, screen),
        Form::Source => source::annotated(views, screen.colours),
        Form::Lcov(file) => return write(file, &lcov::document(views), output),
        Form::Html(file) => return write(file, &html::document(views), output),
    };
    for line in text.lines() {
        if aside { output.error_line(line) } else { output.line(line) }
    }
    Exit::Well
}

fn write(file: &Path, text: &str, output: &mut Output) -> Exit {
    match files::write_result(file, text.as_bytes()) {
        Ok(()) => Exit::Well,
        Err(error) => {
            output
                .error_line(format!("error: `{}` can't be written: {error}", crate::diagnostic::render::visible(&file.to_string_lossy())));
            Exit::Failed
        }
    }
}
