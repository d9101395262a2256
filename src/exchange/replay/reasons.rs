//! Why flows ran that didn't or the other way round, and what those did otherwise that ran both times.

use std::time::Duration;

use super::Reason;
use crate::exchange::trace::{Step, apart, lines_of, steps};
use crate::pipeline::{Happening, Outcome, TraceEntry};
use crate::project::Compiled;

/// How many conditions of a flow are told that ran, or didn't.
const MOST_CONDITIONS: usize = 6;

/// How much is told of two runs from where they part.
const MOST_PARTS: usize = 3;

/// The flows that ran in one outcome and not in the other, by the steps that were considered; `runs` asks for those as well that ran in both
/// as often, and did something else: each from where its first two runs part that do. In the order of the steps.
pub(super) fn reasons((old, before): (&Outcome, &Compiled), (new, after): (&Outcome, &Compiled), runs: bool) -> Vec<Reason> {
    let (was, now) = (steps(&old.trace), steps(&new.trace));
    let otherwise = names(&was, &now).into_iter().filter_map(|flow| {
        let (was, now) = (of(&was, flow), of(&now, flow));
        let (ran, now_runs) = (verdicts(&was), verdicts(&now));
        let (was, now) = if ran != now_runs {
            (ran.contains(&true) || now_runs.contains(&true)).then(|| (considered(&was, before), considered(&now, after)))?
        } else {
            parted((&was, before), (&now, after)).filter(|_| runs)?
        };
        Some(Reason { flow: flow.into(), was, now })
    });
    otherwise.collect()
}

/// The first step of some, with its conditions; nothing where there is none.
fn considered(steps: &[&Step<'_>], compiled: &Compiled) -> Vec<String> {
    let told = steps.first().map(|step| {
        let conditions = step.own.iter().filter(|part| is_own_condition(step, part)).take(MOST_CONDITIONS);
        lines(step, conditions.copied().cloned(), compiled)
    });
    told.unwrap_or_default()
}

/// The first two runs that come to something else, from there on.
fn parted((was, before): (&[&Step<'_>], &Compiled), (now, after): (&[&Step<'_>], &Compiled)) -> Option<(Vec<String>, Vec<String>)> {
    was.iter().zip(now).filter(|(was, _)| was.ran).find_map(|(was, now)| {
        let (from, to) = apart((&was.own, before), (&now.own, after))?;
        Some((rest(was, from, before), rest(now, to, after)))
    })
}

fn of<'s, 'a>(steps: &'s [Step<'a>], name: &str) -> Vec<&'s Step<'a>> {
    steps.iter().filter(|step| step.name == name).collect()
}

fn verdicts(steps: &[&Step<'_>]) -> Vec<bool> {
    steps.iter().map(|step| step.ran).collect()
}

/// The names of steps, each once, in their order.
fn names<'a>(was: &[Step<'a>], now: &[Step<'a>]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for step in was.iter().chain(now) {
        if !names.contains(&step.name) {
            names.push(step.name);
        }
    }
    names
}

fn is_own_condition(step: &Step<'_>, part: &TraceEntry) -> bool {
    part.level == step.entry.level + 1 && matches!(part.what, Happening::Condition { .. })
}

/// What a step did from a place on.
fn rest(step: &Step<'_>, from: usize, compiled: &Compiled) -> Vec<String> {
    let parts: Vec<TraceEntry> = step.own.iter().skip(from).take(MOST_PARTS).copied().cloned().collect();
    let end = TraceEntry { level: step.entry.level + 1, what: Happening::Note("nothing more".to_owned()), took: Duration::ZERO };
    let end = parts.is_empty().then_some(end);
    lines(step, parts.into_iter().chain(end), compiled)
}

/// A step and some of what it did, a line each.
fn lines(step: &Step<'_>, parts: impl Iterator<Item = TraceEntry>, compiled: &Compiled) -> Vec<String> {
    let all = std::iter::once(step.entry.clone()).chain(parts);
    let outermost = |part: TraceEntry| TraceEntry { level: part.level - step.entry.level, took: Duration::ZERO, ..part };
    lines_of(&all.map(outermost).collect::<Vec<_>>(), &compiled.schema, &compiled.sources, usize::MAX)
}
