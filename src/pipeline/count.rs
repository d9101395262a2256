//! What the runs of flows and actions did, counted for whoever holds it against what they could have done. Nothing here is asked of an
//! operation that nobody counts.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::bytecode::{self, Event, FlowCode, Mode, Stage};
use crate::vm::Hits;

use super::engine::Engine;
use super::happening::StepKind;
use super::plan::sets_off;
use super::target::Scene;

/// Takes what is counted; told after each run, in the order in which runs end.
pub type Counter = Box<dyn FnMut(Counted<'_>) + Send>;

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Counted<'a> {
    /// A flow or action ran.
    Began {
        /// Its name.
        name: &'a SmolStr,
        /// What began it.
        by: Began,
    },
    /// Code of a flow or action was run.
    Ran {
        /// Its name.
        name: &'a SmolStr,
        /// Which of its codes.
        part: Part,
        /// For each operation of the code, how often it was done; behind them for each branch of its waits ([`Hits::of_branch`]).
        hits: &'a [Hits],
    },
}

/// What begins a flow or an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Began {
    /// An event that fits the trigger at this position; one event may fit several.
    Trigger(usize),
    /// A user, on demand.
    OnDemand,
    /// Another flow, or a test in its place.
    Child,
    /// A `perform`.
    Performed,
}

/// A code of a flow or action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Its `when`.
    When,
    /// Its statements.
    Body,
    /// A condition that it waits for, by its position.
    Condition(usize),
}

impl Engine {
    /// Whether somebody counts what the step does that runs now. Outside any step nothing is counted: that is a question, and no part of a flow.
    pub(super) fn counts(&self) -> bool {
        self.settings.counter.is_some() && !self.chain.is_empty()
    }

    /// A flow begins to run.
    pub(super) fn count_flow(&mut self, flow: &FlowCode, kind: StepKind, scene: &Scene) {
        let Some(counter) = &mut self.settings.counter else { return };
        let name = &flow.head.name;
        match kind {
            StepKind::OnDemand => counter(Counted::Began { name, by: Began::OnDemand }),
            StepKind::Child => counter(Counted::Began { name, by: Began::Child }),
            _ => triggers(flow, scene).for_each(|place| counter(Counted::Began { name, by: Began::Trigger(place) })),
        }
    }

    /// A flow begins to run in the background. Who began one that no event started is not kept: where both a user and a flow may have,
    /// both are counted. Nor is which fields an update submitted, but for those that the flow asks for: where none of these fits a trigger, every
    /// update does.
    pub(super) fn count_job(&mut self, flow: &FlowCode, scene: &Scene) {
        if let Some(message) = scene.message {
            let told = triggers(flow, scene).next().is_some();
            let any = flow.head.triggers.iter().map(|trigger| !told && sets_off(&trigger.event, message, None));
            let Some(counter) = &mut self.settings.counter else { return };
            let name = &flow.head.name;
            any.enumerate().filter(|(_, fits)| *fits).for_each(|(place, _)| counter(Counted::Began { name, by: Began::Trigger(place) }));
            return self.count_flow(flow, StepKind::Flow, scene);
        }
        let ways = [(flow.head.on_demand, StepKind::OnDemand), (flow.head.child, StepKind::Child)];
        ways.into_iter().filter(|(may, _)| *may).for_each(|(_, kind)| self.count_flow(flow, kind, scene));
    }

    /// An action begins to run.
    pub(super) fn count_action(&mut self, name: &SmolStr) {
        if let Some(counter) = &mut self.settings.counter {
            counter(Counted::Began { name, by: Began::Performed });
        }
    }

    /// Code of the step that is running was run.
    pub(super) fn count_run(&mut self, code: &bytecode::Code, hits: &[Hits]) {
        let Some(link) = self.chain.last() else { return };
        let part = part(&self.program, &link.name, code);
        let name = link.name.clone();
        if let Some(counter) = &mut self.settings.counter {
            counter(Counted::Ran { name: &name, part, hits });
        }
    }
}

/// Which of its codes this is. A job has a copy of its own, so it is known by what it is; its places in the source are part of that.
fn part(program: &Arc<bytecode::Program>, name: &str, code: &bytecode::Code) -> Part {
    let Some(flow) = program.flow(name) else { return Part::Body };
    if flow.when.as_ref().is_some_and(|when| when == code) {
        return Part::When;
    }
    flow.conditions.iter().position(|condition| condition == code).map_or(Part::Body, Part::Condition)
}

/// The triggers of a flow that the operation of a scene fits.
fn triggers<'a>(flow: &'a FlowCode, scene: &'a Scene) -> impl Iterator<Item = usize> + 'a {
    let fits = |event: &Event| scene.message.is_some_and(|message| sets_off(event, message, Some(scene.target.present())));
    let at = |stage: Stage| stage == scene.stage || flow.head.mode == Mode::Background;
    let placed = flow.head.triggers.iter().enumerate();
    placed.filter(move |(_, trigger)| at(trigger.stage) && fits(&trigger.event)).map(|(place, _)| place)
}
