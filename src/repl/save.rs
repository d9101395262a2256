//! `:save`: what was typed, as a test that passes. It is run before it is written, in a fresh store as every test is, and a value that
//! is another one there (it may hang on the clock, or on records of the store) isn't expected.

use std::collections::BTreeSet;
use std::path::Path;

use super::answer::{Answer, Worst};
use super::session::{Session, counted};
use super::tape::{Test, TestLine};
use crate::diagnostic::render;
use crate::pipeline::Settings;
use crate::project::Project;
use crate::project::written::literal;
use crate::scenario::{self, Report};
use crate::source::Sources;
use crate::syntax;

/// The name of the text that is tried.
const NAME: &str = "<saved>";

/// How many values may be taken out until it passes.
const MOST_TAKEN_OUT: usize = 50;

/// Writes what was typed into a file.
pub(super) fn save(session: &mut Session, file: &str, answer: &mut Answer<'_>) {
    let path = Path::new(file);
    if file.is_empty() {
        return answer.error(Worst::Usage, "`:save` takes the name of a file: `:save credit_test.flow`");
    }
    if path.exists() {
        return answer.error(Worst::Usage, format!("`{file}` is there already: name another file"));
    }
    if session.tape.len() == 0 {
        return answer.error(Worst::Usage, "nothing was typed yet that a test could do");
    }
    let title = literal(&path.file_stem().map_or_else(|| "saved".into(), |stem| stem.to_string_lossy()));
    match passing(session, &title) {
        Err(words) => answer.error(Worst::Problems, format!("not saved: {words}")),
        Ok((test, left_out)) => {
            let text = laid_out(&whole(session, &test.lines));
            if let Err(error) = std::fs::write(path, text) {
                return answer.error(Worst::Failed, format!("error: `{file}` can't be written: {error}"));
            }
            let left_out = if left_out == 0 {
                String::new()
            } else {
                format!(", without {} on this session", counted(left_out, "value that hangs", "values that hang"))
            };
            answer.line(format!("saved      {file}{left_out}: `weir test` runs it"));
            test.notes.iter().for_each(|note| answer.line(format!("           {note}")));
            for (kind, name) in session.texts.shadowed() {
                answer.line(format!("           {kind} {name} also stands in the project: keep one of them"));
            }
        }
    }
}

/// A test that passes, and how many values it does without.
fn passing(session: &Session, title: &str) -> Result<(Test, usize), String> {
    let mut without = BTreeSet::new();
    loop {
        let test = session.tape.test(title, &without);
        let (project, report) = tried(session, &test.lines)?;
        let Some(failure) = report.failure else { return Ok((test, without.len())) };
        let at = project.sources.position(failure.span).line;
        let mut line = 1;
        let found = test.lines.iter().find(|one| {
            let first = line;
            line += one.text.lines().count();
            (first..line).contains(&at)
        });
        match found {
            Some(TestLine { optional: Some(number), .. }) if without.len() < MOST_TAKEN_OUT => without.insert(*number),
            found => {
                let statement = found.map_or("", |line| line.text.trim());
                return Err(format!(
                    "in a fresh store `{}` goes another way: {}",
                    render::visible(statement),
                    render::visible(&failure.message)
                ));
            }
        };
    }
}

/// Runs the test.
fn tried(session: &Session, lines: &[TestLine]) -> Result<(Project, Report), String> {
    let text = lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n");
    let project = session.texts.project_with(NAME, &text);
    let settings = Settings { queues_mail: false, ..project.config.apply(Settings::fixed()) };
    let report = scenario::tried(&project, NAME, settings)?;
    Ok((project, report))
}

/// The declarations that were typed, and the test.
fn whole(session: &Session, lines: &[TestLine]) -> String {
    let declared = session.texts.typed().map(ToOwned::to_owned);
    let test = lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n");
    declared.chain([test]).collect::<Vec<_>>().join("\n\n") + "\n"
}

fn laid_out(text: &str) -> String {
    let mut sources = Sources::default();
    let file = sources.add(NAME, text);
    syntax::format(&sources, file).unwrap_or_else(|_| text.to_owned())
}
