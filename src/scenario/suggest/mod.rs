//! Tests for what no test reaches: records made from the conditions on the way there.
//!
//! The way: `paths.rs` reads off a flow what has to be true on the way to each of its places; `goals.rs` says which of them were not reached;
//! `tasks.rs` takes conditions apart, `solve.rs` and `reverse.rs` turn them into what fields have to be like (`sketch.rs`, `domain.rs`);
//! `trial.rs` chooses values and runs them, `search.rs` goes on from what that came to, and `write.rs` writes it as a test.
//!
//! Invariant: every test in here was run as it stands, as a part of the project, has passed, and has reached what it is for. The same project
//! and the same counts give the same tests.

mod chain;
mod domain;
mod goals;
mod paths;
mod reverse;
mod search;
mod sketch;
mod solve;
mod tasks;
mod trial;
mod write;

use std::collections::BTreeSet;

use crate::pipeline::Settings;
use crate::project::{Compiled, Project};
use crate::source::Sources;
use crate::syntax;

use super::coverage::{self, Collector, Unit};
use super::{Verdict, run};
use search::{Part, Search};

pub use goals::Goal;

/// How many trials are run for a whole project, and how many tests are found. Once those are pasted, it goes on from there.
const TRIALS: usize = 600;
const TESTS: usize = 60;

/// The name of the text that holds a test while it is tried.
const NAME: &str = "<suggested>";

/// What there is to suggest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suggestions {
    /// The tests, in the order of what they reach.
    pub tests: Vec<Suggested>,
    /// What no test was found for, and why not.
    pub missed: Vec<(Goal, String)>,
    /// How many places more there are, for which none was looked for any more.
    pub left: usize,
}

/// A test that passes.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggested {
    /// Its title, which no other test has.
    pub title: String,
    /// What it reaches that nothing before it does.
    pub reaches: Vec<Goal>,
    /// Its text, laid out.
    pub text: String,
}

/// Looks for a test for each thing that was not reached in what was counted.
pub fn suggest(project: &Project, compiled: &Compiled, collector: &Collector) -> Suggestions {
    let mut found = Suggestions::default();
    let parts = search::parts(project);
    let Some(folder) = trial::open(project, compiled, None) else { return found };
    let mut search = Search { project, compiled, parts: &parts, folder, left: TRIALS };
    let mut titles: BTreeSet<String> = project.checked.scenarios.iter().map(|scenario| scenario.name.to_string()).collect();
    // What is found counts from then on, and what was counted before stays as it is.
    let counted = Collector::default();
    counted.absorb(collector);
    let mut goals = missing(project, compiled, &counted, &parts);
    while !goals.is_empty() {
        if search.left == 0 || found.tests.len() >= TESTS {
            found.left = goals.len();
            break;
        }
        let goal = goals.remove(0);
        let Some(unit) = coverage::unit_of(project, compiled, &counted, &goal.unit, goal.action) else { continue };
        let tried = search.reach(&goal, &unit).and_then(|(trial, ran)| {
            let title = title(&goal, &titles);
            let text = laid_out(&write::test(&title, &trial, &ran, compiled)?)?;
            Ok((passed(project, &text, &goal)?, title, text))
        });
        match tried {
            Err(why) => found.missed.push((goal, why)),
            Ok((own, title, text)) => {
                counted.absorb(&own);
                titles.insert(title.clone());
                let left = missing(project, compiled, &counted, &parts);
                goals.retain(|other| !left.contains(other));
                let also = std::mem::replace(&mut goals, left.into_iter().filter(|other| !is_missed(&found, other)).collect());
                found.tests.push(Suggested { title, reaches: [vec![goal], also].concat(), text });
            }
        }
    }
    found
}

fn is_missed(found: &Suggestions, goal: &Goal) -> bool {
    found.missed.iter().any(|(missed, _)| missed == goal)
}

fn missing(project: &Project, compiled: &Compiled, counted: &Collector, parts: &[Part<'_>]) -> Vec<Goal> {
    let bodies = |unit: &Unit| {
        let part = parts.iter().find(|part| *part.name == unit.name && part.action == unit.action);
        part.map(|part| part.ways.bodies.iter().map(|(span, _)| *span).collect()).unwrap_or_default()
    };
    goals::missing(&coverage::measure(project, compiled, counted), &project.sources, &bodies)
}

/// A title that no test has yet.
fn title(goal: &Goal, taken: &BTreeSet<String>) -> String {
    let plain = format!("{}: {}", goal.unit, goal.words.replace('`', ""));
    let numbered = (2u32..).map(|number| format!("{plain} ({number})"));
    std::iter::once(plain.clone()).chain(numbered).find(|title| !taken.contains(title)).unwrap_or(plain)
}

fn laid_out(text: &str) -> Result<String, String> {
    let mut sources = Sources::default();
    let file = sources.add(NAME, text);
    syntax::format(&sources, file).map_err(|_| "it can't be written as a test".to_owned())
}

/// What a test counts as a part of the project, where it passes and reaches its goal.
fn passed(project: &Project, text: &str, goal: &Goal) -> Result<Collector, String> {
    let with = Project::of_sources(&project.sources, NAME, text);
    let refused = |words: &str| format!("the test that leads there is refused: {words}");
    let compiled = with.compile().map_err(|errors| refused(&errors.to_string()))?;
    let own = |scenario: &&crate::check::ir::Scenario| with.sources.get(scenario.span.file).is_some_and(|file| &*file.name == NAME);
    let test = with.checked.scenarios.iter().find(own).ok_or_else(|| refused("it isn't there"))?;
    let collector = Collector::default();
    let settings = Settings { counter: Some(collector.counter()), ..project.config.apply(Settings::fixed()) };
    let mut pipeline = compiled.open("sqlite::memory:", settings).map_err(|error| error.to_string())?;
    let report = run::run(test.into(), &mut pipeline);
    if report.verdict() != Verdict::Passed {
        let words = report.failure.map(|failure| failure.message).unwrap_or_default();
        return Err(format!("the test that leads there doesn't pass: {words}"));
    }
    let unit = coverage::unit_of(&with, &compiled, &collector, &goal.unit, goal.action);
    let reached = unit.is_some_and(|unit| goal.is_reached(&unit));
    reached.then_some(collector).ok_or_else(|| "the test that leads there goes another way".to_owned())
}
