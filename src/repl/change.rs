//! The commands that change something: the transaction, who acts, the clock, the project.

use std::path::Path;

use super::answer::{Answer, Worst};
use super::session::{MEMORY, Origin, Session, operations};
use super::texts::Texts;
use super::{define, simple, statement, view};
use crate::schema::Row;
use crate::value::{Reference, Value, time};

/// How deep files may load files.
const MOST_LOADING: usize = 8;

/// How large a file may be.
const MAX_FILE: u64 = 16 << 20;

/// `:commit`
pub(super) fn commit(session: &mut Session, _: &str, answer: &mut Answer<'_>) {
    if !session.pipeline.is_open() {
        return answer.line("nothing to commit");
    }
    match session.pipeline.commit() {
        Ok(()) => {
            answer.line(format!("committed  {} in {}", operations(session.uncommitted), place(session)));
            session.marks.clear();
            (session.base, session.migrated, session.uncommitted) = (None, false, 0);
        }
        Err(error) => answer.error(Worst::Failed, format!("error: {error}")),
    }
}

fn place(session: &Session) -> &str {
    if session.url == MEMORY { "memory" } else { &session.url }
}

/// `:rollback`
pub(super) fn rollback(session: &mut Session, _: &str, answer: &mut Answer<'_>) {
    if session.base.is_none() {
        return answer.line("nothing to roll back");
    }
    statement::settle(session, answer);
    let undone = operations(session.uncommitted);
    match session.roll_back() {
        Ok(()) => answer.line(format!("rolled back {undone}")),
        Err(error) => answer.error(Worst::Failed, format!("error: {error}")),
    }
}

/// `:undo`
pub(super) fn undo(session: &mut Session, _: &str, answer: &mut Answer<'_>) {
    let Some(mark) = session.marks.pop_back() else {
        return answer.line("nothing to undo since the transaction began, or the schema changed");
    };
    statement::settle(session, answer);
    if mark.stored {
        if let Err(error) = session.pipeline.back() {
            return answer.error(Worst::Failed, format!("error: {error}"));
        }
        session.uncommitted = session.uncommitted.saturating_sub(1);
    }
    let acting = session.state.line.acting.take();
    session.restore(mark.state);
    answer.line(format!("undone     {}", mark.what));
    // Who acts stays, as long as that user is there.
    session.state.line.acting = None;
    if let Some((name, _)) = acting
        && !act_as(session, &name)
    {
        answer.line(format!("as         {}", crate::pipeline::ADMINISTRATOR_NAME));
    }
}

/// `:as`
pub(super) fn acting(session: &mut Session, name: &str, answer: &mut Answer<'_>) {
    let name = name.trim_matches('"');
    if name.is_empty() {
        session.state.line.acting = None;
        return answer.line(format!("as         {}", crate::pipeline::ADMINISTRATOR_NAME));
    }
    if act_as(session, name) {
        answer.line(format!("as         {name}"));
    } else {
        answer.error(Worst::Usage, format!("there is no user `{}`: `user \"{0}\" {{}}` makes one", name.escape_debug()));
    }
}

/// Acts as a user; says no where there is none.
fn act_as(session: &mut Session, name: &str) -> bool {
    let Some(user) = user(session, name) else { return false };
    session.state.line.users.insert(name.into(), user);
    session.state.line.acting = Some((name.into(), user));
    true
}

/// A user who is there.
fn user(session: &mut Session, name: &str) -> Option<Reference> {
    if let Some(user) = session.state.line.users.get(name) {
        return Some(*user);
    }
    let schema = session.compiled.schema.clone();
    let entity = schema.entity_id("systemuser")?;
    let values = Row::of(schema.entity(entity)?, [("fullname", Value::Text(name.into()))]).ok()?;
    let id = session.pipeline.find(entity, &values, 1).ok()?.first().copied()?;
    Some(Reference { entity, id })
}

/// `:now`
pub(super) fn now(session: &mut Session, text: &str, answer: &mut Answer<'_>) {
    if !text.is_empty() {
        let day = time::parse_date(text).ok();
        let zone = session.settings().zone;
        let moment = match day {
            Some(day) => {
                let beyond = |_| format!("`{text}` is too far away for a clock");
                day.to_zoned(zone).map(|day| day.timestamp()).map_err(beyond)
            }
            None => time::parse_datetime(text).map_err(|error| error.to_string()),
        };
        match moment {
            Ok(moment) => {
                session.clock.set(Some(moment));
                session.pipeline.set_ahead(jiff::SignedDuration::ZERO);
                session.tape.now(moment, &session.state.line);
            }
            Err(words) => return answer.error(Worst::Usage, format!("{words}; a date like `2026-01-31` does too")),
        }
    }
    let stands = if session.clock.stands_at().is_some() { ", and stands" } else { "" };
    answer.line(format!("now        {}{stands}", view::moment(session.pipeline.now())));
}

/// `:advance`
pub(super) fn advance(session: &mut Session, text: &str, answer: &mut Answer<'_>) {
    if text.is_empty() {
        return answer.error(Worst::Usage, "`:advance` takes a length of time: `:advance 3 days`");
    }
    define::take(session, &format!("advance {text}"), Origin { name: "<advance>".to_owned(), line: 1 }, answer);
}

/// `:load`
pub(super) fn load(session: &mut Session, file: &str, answer: &mut Answer<'_>) {
    if file.is_empty() || session.loading >= MOST_LOADING {
        let words = if file.is_empty() { "`:load` takes the name of a file" } else { "files may load files no deeper than that" };
        return answer.error(Worst::Usage, words);
    }
    let path = Path::new(file);
    let read = path.metadata().and_then(|metadata| match metadata.len() {
        0..=MAX_FILE if metadata.is_file() => std::fs::read_to_string(path),
        _ => Err(std::io::Error::other("it is no file of at most 16 MiB")),
    });
    match read {
        Ok(text) => {
            // What was typed before the file doesn't end it.
            statement::settle(session, answer);
            session.loading += 1;
            simple::feed(session, &text, file, answer);
            session.loading -= 1;
        }
        Err(error) => answer.error(Worst::Failed, format!("error: `{file}` can't be read: {error}")),
    }
}

/// `:reload`
pub(super) fn reload(session: &mut Session, _: &str, answer: &mut Answer<'_>) {
    let loaded = Texts::load(session.setup.path.as_deref(), session.setup.guessed);
    match loaded {
        Ok((texts, _)) => {
            let texts = texts.with_typed_of(&session.texts);
            let project = texts.project();
            if define::adopt(session, texts, project, "", answer) {
                let flows = session.compiled.program.flows.len();
                answer.line(format!("reloaded   {}", super::session::counted(flows, "flow", "flows")));
            }
        }
        Err(error) => answer.diagnostics(&[error.diagnostic()], &session.sources, session.setup.colours),
    }
}

/// `:quit`
pub(super) fn quit(session: &mut Session, _: &str, answer: &mut Answer<'_>) {
    if session.uncommitted > 0 && !session.is_in_memory() && !session.warned && session.setup.asks {
        session.warned = true;
        let open = operations(session.uncommitted);
        return answer.line(format!("not yet    {open} not committed: `:commit` keeps them, `:quit` once more drops them"));
    }
    answer.over = true;
}
