//! What is typed, taken apart: declarations first, which make another project of the session's, then statements one by one.

use smol_str::SmolStr;

use super::answer::{Answer, Colour, Worst};
use super::session::{Origin, Session, counted};
use super::texts::{Text, Texts, key};
use super::{retype, statement};
use crate::diagnostic::{Diagnostic, Severity};
use crate::project::Project;
use crate::source::{FileId, Sources};
use crate::syntax::{self, ast};

/// Takes in declarations, statements and values.
pub(super) fn take(session: &mut Session, text: &str, origin: Origin, answer: &mut Answer<'_>) {
    let file = session.sources.add_from(origin.name.as_str(), text, origin.line);
    let (typed, said) = syntax::parse_typed(&session.sources, file);
    if said.iter().any(|problem| problem.severity() == Severity::Error) {
        return answer.diagnostics(&said, &session.sources, session.setup.colours);
    }
    answer.diagnostics(&said, &session.sources, session.setup.colours);
    let mut statements = typed.statements;
    if !typed.file.items.is_empty() {
        let declared = declared(text, &typed.file, &statements, &origin);
        if !declare(session, declared, &typed.file, answer) {
            return;
        }
        // The project has texts of its own now: what was typed is read once more behind them.
        let file = session.sources.add_from(origin.name.as_str(), text, origin.line);
        statements = syntax::parse_typed(&session.sources, file).0.statements;
    }
    for statement in &statements {
        if !statement::take(session, statement, answer) {
            break;
        }
    }
}

/// The text without its statements: what is kept of it.
fn declared(text: &str, file: &ast::File, statements: &[ast::Stmt], origin: &Origin) -> Text {
    let mut kept = text.to_owned();
    for statement in statements {
        kept = super::texts::blanked(&kept, statement.span.range());
    }
    let start = file.items.first().map_or(0, |item| key(item).1.start as usize);
    let blanks = kept.get(..start).map_or(0, |before| before.len() - before.trim_start().len());
    let from = kept.get(..blanks).and_then(|blank| blank.rfind('\n')).map_or(0, |at| at + 1);
    let line = origin.line + kept.get(..from).map_or(0, |before| before.matches('\n').count());
    Text { name: origin.name.clone(), text: kept.get(from..).unwrap_or_default().trim_end().to_owned() + "\n", line }
}

/// Makes another project with declarations more. Where that has errors, everything stays as it was.
fn declare(session: &mut Session, text: Text, file: &ast::File, answer: &mut Answer<'_>) -> bool {
    let (texts, replaced) = session.texts.with(text.clone(), file);
    let project = texts.project();
    if !adopt(session, texts, project, &text.name, answer) {
        return false;
    }
    let told = file.items.iter().map(|item| {
        let key = key(item).0;
        let again = if replaced.contains(&key) { "again" } else { "" };
        format!("{} {} {again}", key.0, key.1).trim_end().to_owned()
    });
    let told = told.collect::<Vec<_>>().join(", ");
    answer.line(format!("{} {told}", Colour::Good.paint("declared", session.setup.colours)));
    true
}

/// Goes on with another project. The records stay; where they can't, those in memory are given up, and a store on disk keeps them and
/// refuses. Tells what is wrong with the project, and which warnings the texts of a name have.
pub(super) fn adopt(session: &mut Session, texts: Texts, project: Project, name: &str, answer: &mut Answer<'_>) -> bool {
    let colours = session.setup.colours;
    let compiled = match project.compile() {
        Ok(compiled) => compiled,
        Err(errors) => {
            answer.diagnostics(errors.0.get(..errors.0.len().min(10)).unwrap_or_default(), &project.sources, colours);
            answer.error(Worst::Problems, format!("nothing was declared: {}", counted(errors.0.len(), "error", "errors")));
            return false;
        }
    };
    let of_name = |file: FileId| project.sources.get(file).is_some_and(|source| &*source.name == name);
    let said: Vec<Diagnostic> =
        project.diagnostics.iter().filter(|one| one.span().is_some_and(|span| of_name(span.file))).cloned().collect();
    answer.diagnostics(&said, &project.sources, colours);
    let before = std::sync::Arc::clone(&session.compiled.schema);
    let changed = *before != *compiled.schema;
    if changed && let Err(error) = session.open() {
        answer.error(Worst::Failed, format!("error: {error}"));
        return false;
    }
    let (schema, program, sources) = (compiled.schema.clone(), compiled.program.clone(), compiled.sources.clone());
    if let Err(error) = session.pipeline.redefine(schema, program, sources) {
        if !session.is_in_memory() {
            answer.error(Worst::Failed, format!("error: the store can't take that: {error}"));
            return false;
        }
        session.compiled = compiled;
        if !start_afresh(session, &error.to_string(), answer) {
            return false;
        }
    } else {
        session.compiled = compiled;
        if changed {
            session.migrated = true;
            keep_names(session, &before, answer);
        }
    }
    let settings = session.settings();
    session.pipeline.reconfigure(settings);
    session.texts = texts;
    session.sources = project.sources.clone();
    session.project = project;
    statement::fake_again(session, answer);
    true
}

/// After another schema: the `let`s mean the same records by other numbers. There is no way back over it but `:rollback`.
fn keep_names(session: &mut Session, before: &crate::schema::Schema, answer: &mut Answer<'_>) {
    session.marks.clear();
    let after = &session.compiled.schema;
    let mut gone: Vec<SmolStr> = retype::state(&mut session.state, before, after);
    if let Some(base) = &mut session.base {
        gone.extend(retype::state(base, before, after));
    }
    gone.sort();
    gone.dedup();
    if !gone.is_empty() {
        answer.line(format!("forgotten  {}: what they were is no longer declared", gone.join(", ")));
    }
}

/// Another store in memory, since the records of this one don't fit any more.
fn start_afresh(session: &mut Session, why: &str, answer: &mut Answer<'_>) -> bool {
    match session.compiled.open(&session.url, session.settings()) {
        Ok(pipeline) => session.pipeline = pipeline,
        Err(error) => {
            answer.error(Worst::Failed, format!("error: {error}"));
            return false;
        }
    }
    session.state = super::session::State::default();
    session.tape.truncate(0, 0);
    session.uncommitted = 0;
    (session.base, session.migrated, session.last) = (None, false, None);
    session.marks.clear();
    let words = format!("reset      the records in memory are gone: {why}");
    answer.line(Colour::Warning.paint(&words, session.setup.colours));
    true
}

/// The sources of a project with the names that they have seen from here.
pub(super) fn openable(session: &Session) -> Sources {
    let path = session.setup.path.clone().unwrap_or_default();
    let folder = if path.is_dir() { path } else { path.parent().map(ToOwned::to_owned).unwrap_or_default() };
    session.sources.clone().beneath(&folder)
}
