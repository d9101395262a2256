//! `weir test --watch`: runs the tests, and again those that a change affects, until it is interrupted.
//!
//! What is looked at is when the files of the project were written, a few times a second. A change of an entity, a choice, a role, a setting
//! or a `given` affects every test; one of a flow, an action or a plug-in those tests that it had a part in, or that did something with records of its entity; one of
//! a test that test. A project that can't be compiled is told and waited for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use smol_str::SmolStr;

use super::runner::Ending;
use super::{Arguments, Format, Job, wanted};
use crate::check::ir::Scenario;
use crate::cli::exit::Exit;
use crate::cli::interrupt::interrupted;
use crate::cli::load;
use crate::cli::output::Output;
use crate::diagnostic::render::{counted, visible};
use crate::project::{Compiled, Project, Seen};
use crate::syntax::{self, ast};

/// How often the files are looked at.
const PAUSE: Duration = Duration::from_millis(100);

/// The entities whose records a test may write without a statement about them.
const SILENT: [&str; 3] = ["systemuser", "team", "businessunit"];

/// The parts of a project as they were when the tests last ran, and how those ended.
#[derive(Default)]
struct Known {
    /// What every test depends on.
    all: String,
    /// The texts of flows, actions and plug-ins by name, each with its entity.
    code: BTreeMap<SmolStr, (SmolStr, String)>,
    /// The texts of the tests by name.
    tests: BTreeMap<SmolStr, String>,
    /// What each test came to, and what had a part in it.
    ended: BTreeMap<SmolStr, (BTreeMap<SmolStr, Ending>, BTreeSet<SmolStr>)>,
}

/// Runs the tests until it is interrupted; the answer is that of the last run.
pub(super) fn watch(arguments: &Arguments, output: &mut Output) -> Exit {
    if arguments.path.as_os_str() == "-" || arguments.format != Format::Human {
        output.error_line("error: --watch is for people and for files: it goes with neither `-` nor another --format");
        return Exit::Usage;
    }
    let stop = match interrupted() {
        Ok(stop) => stop,
        Err(error) => {
            output.error_line(format!("error: Ctrl-C can't be waited for: {error}"));
            return Exit::Failed;
        }
    };
    let mut known = None;
    let mut seen = Seen::of(&arguments.path);
    loop {
        let last = match load::sound_with_places(&arguments.path, output) {
            Ok((project, compiled)) => once(arguments, &project, &compiled, &mut known, &stop, output),
            Err(Exit::Failed) if known.is_none() => return Exit::Failed,
            Err(exit) => exit,
        };
        if stop.load(Ordering::Relaxed) {
            return last;
        }
        output.line(format!("\nwatching {}, Ctrl-C ends", counted(seen.count(), "file")));
        output.flush();
        let Some(now) = changed(&arguments.path, &seen, &stop) else { return last };
        let names: Vec<String> = seen.differing(&now).map(|path| visible(&path.to_string_lossy()).into_owned()).collect();
        output.line(format!("\nchanged: {}\n", crate::diagnostic::render::several(&names, 5)));
        seen = now;
    }
}

/// Runs what is new or affected.
fn once(
    arguments: &Arguments,
    project: &Project,
    compiled: &Compiled,
    known: &mut Option<Known>,
    stop: &AtomicBool,
    output: &mut Output,
) -> Exit {
    let tests = match wanted(arguments, project) {
        Ok(tests) => tests,
        Err(words) => {
            output.error_line(format!("error: {words}"));
            return Exit::Usage;
        }
    };
    let mut now = Known::of(project, compiled);
    let affected: Vec<&Scenario> = match known.as_mut() {
        None => tests.clone(),
        Some(before) => {
            now.ended = std::mem::take(&mut before.ended);
            let changed = before.changed(&now);
            let affected: Vec<&Scenario> = tests.iter().filter(|test| before.affects(&now, &changed, test)).copied().collect();
            output.line(format!("{} of {} affected", affected.len(), counted(tests.len(), "test")));
            affected
        }
    };
    let partial = affected.len() < tests.len();
    let job = Job { arguments, project, compiled, stop };
    let exit = if affected.is_empty() {
        Exit::Well
    } else {
        affected.iter().for_each(|test| drop(now.ended.remove(&test.name)));
        let mut note = |test: SmolStr, row: SmolStr, ending: Ending, touched: BTreeSet<SmolStr>| {
            let (endings, all) = now.ended.entry(test).or_default();
            endings.insert(row, ending);
            all.extend(touched);
        };
        match job.run(&affected, &mut note, output) {
            Ok(exit) | Err(exit) => exit,
        }
    };
    let names: BTreeSet<&SmolStr> = tests.iter().map(|test| &test.name).collect();
    now.ended.retain(|name, _| names.contains(name));
    let of = |ending: Ending| now.ended.values().flat_map(|(endings, _)| endings.values()).filter(|it| **it == ending).count();
    let (passed, failed) = (of(Ending::Passed), of(Ending::Failed));
    if partial {
        output.line(format!("all together: {passed} passed, {failed} failed"));
    }
    *known = Some(now);
    match exit {
        Exit::Well if failed > 0 => Exit::Problems,
        exit => exit,
    }
}

impl Known {
    fn of(project: &Project, compiled: &Compiled) -> Self {
        let mut known = Known { all: format!("{:?}", compiled.config), ..Known::default() };
        for (id, _) in project.sources.iter() {
            for item in syntax::parse(&project.sources, id).0.items {
                known.take(&item, project);
            }
        }
        known
    }

    fn take(&mut self, item: &ast::Item, project: &Project) {
        let text = |span| project.sources.slice(span).to_owned();
        let (name, entity, span) = match item {
            ast::Item::Flow(flow) => (&flow.name, Some(&flow.entity), flow.span),
            ast::Item::Action(action) => (&action.name, action.entity.as_ref(), action.span),
            ast::Item::Plugin(plugin) => (&plugin.name, Some(&plugin.entity), plugin.span),
            ast::Item::Test(test) => {
                self.tests.insert(test.name.text.clone(), text(test.span));
                return;
            }
            ast::Item::Scenario(_) => return,
            ast::Item::Entity(ast::Entity { span, .. })
            | ast::Item::Choice(ast::Choice { span, .. })
            | ast::Item::Role(ast::Role { span, .. })
            | ast::Item::Given(ast::Scenario { span, .. }) => {
                self.all += &text(*span);
                return;
            }
        };
        let entity = entity.map(|entity| entity.text.clone()).unwrap_or_default();
        self.code.insert(name.text.clone(), (entity, text(span)));
    }

    /// The names of what has changed since, and of the entities that it is on.
    fn changed(&self, now: &Known) -> BTreeSet<SmolStr> {
        let names: BTreeSet<&SmolStr> = self.code.keys().chain(now.code.keys()).collect();
        let mut changed = BTreeSet::new();
        for name in names.into_iter().filter(|name| self.code.get(*name) != now.code.get(*name)) {
            changed.insert(name.clone());
            let both = [self, now].into_iter().filter_map(|known| known.code.get(name));
            changed.extend(both.map(|(entity, _)| entity.clone()));
        }
        changed
    }

    /// Whether that may give a test another end.
    fn affects(&self, now: &Known, changed: &BTreeSet<SmolStr>, test: &Scenario) -> bool {
        let Some((_, touched)) = now.ended.get(&test.name) else { return true };
        let same = self.all == now.all && self.tests.get(&test.name) == now.tests.get(&test.name);
        !same || changed.iter().any(|name| touched.contains(name) || SILENT.contains(&name.as_str()))
    }
}

/// The files as they are once something has changed and nothing changes any more; nothing where it is interrupted before that.
fn changed(path: &Path, seen: &Seen, stop: &AtomicBool) -> Option<Seen> {
    let mut before = seen.clone();
    loop {
        thread::sleep(PAUSE);
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        let now = Seen::of(path);
        if now != *seen && now == before {
            return Some(now);
        }
        before = now;
    }
}
