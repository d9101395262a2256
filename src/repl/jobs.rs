//! `:jobs`, and what is said of jobs that are due while the transaction is open that they wait for.
//!
//! What a job does outside the database can't be taken back, so none runs before what queued it is kept: not at the prompt either.

use super::answer::{Answer, Colour};
use super::session::{Session, counted};
use super::{look, statement};
use crate::exchange;
use crate::pipeline::{JobStage, WantedJobs};

/// How many jobs are listed.
const MOST: u64 = 50;

/// `:jobs`: those that go on, or all of a flow or plug-in.
pub(super) fn jobs(session: &mut Session, name: &str, answer: &mut Answer<'_>) {
    if !name.is_empty() && !look::known(session, name, answer) {
        return;
    }
    let named = Some(name).filter(|name| !name.is_empty());
    let stage = if named.is_some() { JobStage::Any } else { JobStage::GoesOn };
    let wanted = WantedJobs { stage, name: named, record: None, owner: None };
    let mut jobs = match session.pipeline.jobs(&wanted, None, MOST + 1) {
        Ok(jobs) => jobs,
        Err(fault) => return statement::tell_fault(session, &fault, answer),
    };
    if jobs.is_empty() {
        let none =
            named.map_or("no job goes on; `:jobs FLOW` lists those that have ended too".to_owned(), |name| format!("{name} has no job"));
        return answer.line(none);
    }
    let more = jobs.len() as u64 > MOST;
    jobs.truncate(MOST as usize);
    match session.pipeline.around(&jobs) {
        Ok(around) => exchange::job_lines(&jobs, &around).into_iter().for_each(|line| answer.line(line)),
        Err(fault) => return statement::tell_fault(session, &fault, answer),
    }
    let dim = |words: &str| Colour::Dim.paint(words, session.setup.colours);
    if more {
        answer.line(dim("and more, which `weir jobs` lists"));
    }
    if let Some(words) = due(session) {
        answer.line(Colour::Dim.paint(&words, session.setup.colours));
    }
}

/// What to do about jobs that are due and can't run, since the transaction that may hold them is open.
pub(super) fn due(session: &mut Session) -> Option<String> {
    if !session.pipeline.is_open() {
        return None;
    }
    let now = session.pipeline.now();
    let jobs = session.pipeline.jobs(&WantedJobs { stage: JobStage::GoesOn, name: None, record: None, owner: None }, None, MOST).ok()?;
    let due = jobs.iter().filter(|job| job.due.is_some_and(|due| due <= now)).count();
    let is = if due == 1 { "is" } else { "are" };
    (due > 0).then(|| format!("{} {is} due: `:commit` first, then `run jobs`", counted(due, "job", "jobs")))
}
