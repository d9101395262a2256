//! One statement: checked, run inside the open transaction, told in a line.

use super::answer::{Answer, Colour, Worst};
use super::session::{Last, Mark, Session, State};
use super::{define, jobs, outcome, view};
use crate::check::ir::{self, StepKind, StmtKind};
use crate::diagnostic::{Code, render};
use crate::exchange;
use crate::pipeline::Ending;
use crate::scenario::{self, Event, EventKind, Failure};
use crate::syntax::{self, ast};
use crate::value::Value;
use crate::vm::Fault;

/// How many statements `:undo` can go back over.
const MOST_MARKS: usize = 100;

/// Takes in a statement; says whether the next one may follow.
pub(super) fn take(session: &mut Session, statement: &ast::Stmt, answer: &mut Answer<'_>) -> bool {
    if let ast::StmtKind::Given(name) = &statement.kind {
        let words = format!("a `given` stands in tests: type what `{}` does, or `:load` it from a file", name.text.escape_debug());
        answer.error(Worst::Problems, words);
        return false;
    }
    let before = session.snapshot();
    let (step, said) = session.state.lines.next(&session.project.checked, statement);
    answer.diagnostics(&said, &session.sources, session.setup.colours);
    let Some(step) = step else { return false };
    if let StepKind::Show(value) = &step.kind {
        return view::show(session, value, answer);
    }
    let writes = writes(&step.kind);
    if writes {
        settle(session, answer);
        if let Err(error) = session.open().and_then(|()| session.pipeline.mark()) {
            session.state = before;
            answer.error(Worst::Failed, format!("error: {error}"));
            return false;
        }
    }
    let (events, failure) = session.state.line.run(&step, session.state.lines.locals(), &mut session.pipeline);
    let (sound, ahead) = (failure.is_none(), session.pipeline.ahead());
    let changes = changes(&step.kind, &events, sound);
    tell(session, &step, (&events, sound), answer);
    if let Some(failure) = failure {
        tell_failure(session, &failure, answer);
    }
    if sound {
        let (tape, seen, typed) = session.taped(step.span);
        match step.kind {
            StepKind::Advance(_) => tape.advance(&typed, ahead - before.time.1, &events, &seen),
            _ => tape.statement(&typed, &events, &seen),
        }
    }
    keep(session, before, &step, (writes, changes), answer);
    session.recover(answer);
    sound
}

/// Fakes once more, after other declarations, what is faked; what doesn't fit them any more is forgotten.
pub(super) fn fake_again(session: &mut Session, answer: &mut Answer<'_>) {
    for (name, text) in std::mem::take(&mut session.fakes) {
        let file = session.sources.add("<fake>", text.as_str());
        let (typed, _) = syntax::parse_typed(&session.sources, file);
        let step = typed.statements.first().and_then(|statement| session.state.lines.next(&session.project.checked, statement).0);
        match step {
            Some(step) => {
                session.state.line.run(&step, session.state.lines.locals(), &mut session.pipeline);
                session.fakes.insert(name, text);
            }
            None => {
                session.pipeline.unfake(&name);
                answer.line(format!("forgotten  the fake of {name}: it no longer fits what is declared"));
            }
        }
    }
}

/// Counts the last operation where it ended in a way that no `expect` was about, before the next one takes its place.
pub(super) fn settle(session: &mut Session, answer: &mut Answer<'_>) {
    let Some(Event { kind: EventKind::Operation { outcome, .. }, .. }) =
        session.state.line.last().filter(|_| session.state.line.unexpected())
    else {
        return;
    };
    answer.worst = answer.worst.max(match &outcome.ending {
        Ending::Committed => Worst::Well,
        Ending::Stopped { .. } => Worst::Stopped,
        Ending::Fault(fault) if fault.code == Code::F11 => Worst::Failed,
        Ending::Fault(_) => Worst::Problems,
    });
    session.state.line.accept();
}

/// Whether a statement may write records.
fn writes(kind: &StepKind) -> bool {
    !matches!(
        kind,
        StepKind::Do(StmtKind::Let { .. })
            | StepKind::Show(_)
            | StepKind::ShowAudit(_)
            | StepKind::Advance(_)
            | StepKind::RunJobs
            | StepKind::Fake(_)
            | StepKind::ExpectJob { .. }
            | StepKind::Expect(_)
            | StepKind::ExpectStopped(_)
            | StepKind::ExpectFault(_)
            | StepKind::ExpectRan(_)
            | StepKind::ExpectNotRan(_)
    )
}

/// Whether a statement has changed something that one would want to go back over.
fn changes(kind: &StepKind, events: &[Event], sound: bool) -> bool {
    let committed = |event: &Event| matches!(&event.kind, EventKind::Operation { outcome, .. } if outcome.ending == Ending::Committed || outcome.kept > 0);
    match kind {
        StepKind::Do(StmtKind::Let { .. }) | StepKind::User { .. } => sound,
        // There is no way back over a job that has run.
        StepKind::Advance(_) => sound && events.is_empty(),
        _ => events.iter().any(committed),
    }
}

/// Makes a place to go back to, or forgets the one in the store where nothing has changed.
fn keep(session: &mut Session, before: State, step: &ir::Step, (writes, changes): (bool, bool), answer: &mut Answer<'_>) {
    if changes {
        let what = outcome::statement(session.sources.slice(step.span));
        session.marks.push_back(Mark { state: before, stored: writes, what });
        session.uncommitted += usize::from(writes);
        if session.marks.len() > MOST_MARKS {
            session.marks.pop_front();
        }
    } else if writes
        && !session.pipeline.is_broken()
        && let Err(error) = session.pipeline.forget_mark()
    {
        answer.error(Worst::Failed, format!("error: {error}"));
    }
}

/// Tells what a statement came to.
fn tell(session: &mut Session, step: &ir::Step, (events, sound): (&[Event], bool), answer: &mut Answer<'_>) {
    let several = events.len() > 1;
    let mut headed = None;
    for event in events {
        // What runs jobs stands once before all of them.
        let anew = !matches!(event.kind, EventKind::Job(_)) || headed != Some(event.span);
        headed = Some(event.span);
        if several && anew {
            let statement = outcome::statement(session.sources.slice(event.span));
            answer.line(Colour::Dim.paint(&statement, session.setup.colours));
        }
        match &event.kind {
            EventKind::Operation { outcome, user, .. } => {
                answer.line(outcome::told(session, outcome, user.as_deref()));
                session.last = Some(Last {
                    what: outcome::statement(session.sources.slice(event.span)),
                    outcome: outcome.clone(),
                    sources: std::sync::Arc::new(define::openable(session)),
                    schema: session.compiled.schema.clone(),
                });
            }
            EventKind::Show(value) => answer.line(render::visible(value).into_owned()),
            EventKind::Job(job) => answer.line(exchange::job_line(job)),
            EventKind::History(lines) if lines.is_empty() => answer.line("the audit has nothing of it"),
            EventKind::History(lines) => lines.iter().for_each(|line| answer.line(render::visible(line).into_owned())),
        }
    }
    match &step.kind {
        StepKind::Do(StmtKind::Let { local, value }) => {
            if let Some(given) = session.state.line.locals.get(local.0 as usize).cloned() {
                let name = session.state.lines.locals().get(local.0 as usize).map(|local| local.name.clone()).unwrap_or_default();
                let words = view::brief(session, &given, value);
                answer.line(format!("{name} = {words}"));
            }
        }
        StepKind::User { name, .. } => answer.line(format!("user       {}", render::visible(name))),
        StepKind::Advance(_) => {
            answer.line(format!("now        {}", view::moment(session.pipeline.now())));
            if let Some(words) = jobs::due(session) {
                answer.line(format!("           {words}"));
            }
        }
        StepKind::RunJobs if events.is_empty() && !session.pipeline.is_open() => answer.line("no job is due"),
        StepKind::Fake(fake) => {
            session.fakes.insert(fake.name().clone(), session.sources.slice(step.span).to_owned());
            answer.line(format!("fakes      {}", render::visible(fake.name())));
        }
        StepKind::Expect(_)
        | StepKind::ExpectStopped(_)
        | StepKind::ExpectFault(_)
        | StepKind::ExpectRan(_)
        | StepKind::ExpectNotRan(_)
        | StepKind::ExpectJob { .. }
            if sound =>
        {
            answer.line(Colour::Good.paint("as expected", session.setup.colours));
        }
        _ => {}
    }
    if !matches!(step.kind, StepKind::Do(_)) || !events.is_empty() {
        return;
    }
    if let StepKind::Do(StmtKind::Update { .. } | StmtKind::Delete { .. }) = step.kind {
        answer.line("left out: there is no record");
    }
}

/// Tells why a statement ended before its end.
fn tell_failure(session: &mut Session, failure: &Failure, answer: &mut Answer<'_>) {
    if let Some(fault) = &failure.fault {
        return tell_fault(session, &Fault { span: Some(failure.span), ..(**fault).clone() }, answer);
    }
    let place = session.sources.place(failure.span).unwrap_or_default();
    let mut lines = vec![format!("{place}: {}", failure.message)];
    match failure.condition.as_deref() {
        Some((span, parts)) => lines.extend(scenario::diagram(*span, parts, &session.sources, (session.setup.width)())),
        None => lines.push(outcome::statement(session.sources.slice(failure.span))),
    }
    lines.extend(failure.notes.iter().cloned());
    let lines: Vec<_> = lines.iter().map(|line| render::visible(line).into_owned()).collect();
    answer.error(Worst::Problems, Colour::Bad.paint(&lines.join("\n    "), session.setup.colours));
}

/// A fault of a value, told with carets into what was typed.
pub(super) fn tell_fault(session: &Session, fault: &Fault, answer: &mut Answer<'_>) {
    let problem = exchange::fault_told(fault, &session.sources);
    answer.diagnostics(&[problem], &session.sources, session.setup.colours);
}

/// A value that is worked out at the prompt.
pub(super) fn value(session: &mut Session, value: &ir::Expr) -> Result<Value, Fault> {
    let Session { state, pipeline, .. } = session;
    state.line.value(value, state.lines.locals(), pipeline)
}
