//! The steps of an event, in their order, with the reason for the place of each.
//!
//! Which steps a stage has depends on the fields in the Target when it begins: those that are submitted, and those that a step of
//! an earlier stage sets. The plan of a run knows them; here they are known for sure or only as possible.

use smol_str::SmolStr;

use super::graph::{Graph, Key};
use super::{Before, Kind, OnlyIf, Sets, Step};
use crate::bytecode::{self, Code, Mode, RunAs, Stage, Via};
use crate::pipeline::layout::Layout;
use crate::pipeline::operation::Message;
use crate::pipeline::plan::{Candidate, sets_off};
use crate::schema::{FieldSet, Level};
use crate::syntax::{Token, tokens};
use crate::value::EntityId;

/// What steps are on.
#[derive(Clone, PartialEq)]
enum Of {
    Message(Message),
    /// An action's own message.
    Action(SmolStr),
}

/// The fields of a Target as a stage begins. Around an action there are none: what a plug-in sets there is an update.
struct Target {
    of: Of,
    entity: EntityId,
    /// Those that are submitted.
    certain: FieldSet,
    /// Those that may be submitted beside them.
    more: FieldSet,
    /// Those that steps of earlier stages may set.
    added: Vec<(SmolStr, FieldSet)>,
}

impl Graph<'_> {
    /// The steps of an event that is at a depth.
    pub(super) fn steps_of(&mut self, key: &Key, depth: u32) -> Vec<Step> {
        let nothing = FieldSet::default();
        let (of, entity, certain, more) = match key {
            Key::Create(entity) => (Of::Message(Message::Create), *entity, &nothing, &nothing),
            Key::Delete(entity) => (Of::Message(Message::Delete), *entity, &nothing, &nothing),
            Key::Update(entity, certain, more) => (Of::Message(Message::Update), *entity, certain, more),
            Key::Action(index) => {
                let head = self.program.actions.get(*index).map(|action| &action.head);
                // A global action has nothing around it that a project declares.
                let entity = head.and_then(|head| head.entity).unwrap_or(EntityId(0));
                (Of::Action(head.map(|head| head.name.clone()).unwrap_or_default()), entity, &nothing, &nothing)
            }
        };
        let mut target = Target { of, entity, certain: certain.clone(), more: more.clone(), added: Vec::new() };
        let mut steps = self.stage(&mut target, Stage::PreValidation, false, depth);
        steps.extend(self.stage(&mut target, Stage::PreOperation, false, depth));
        if let Key::Action(index) = key {
            steps.extend(self.body(*index, depth));
        }
        if let Some(layout) = self.layouts.get(entity.0 as usize).filter(|_| target.of == Of::Message(Message::Update)) {
            target.settle(layout);
        }
        steps.extend(self.stage(&mut target, Stage::PostOperation, false, depth));
        steps.extend(self.stage(&mut target, Stage::PostOperation, true, depth));
        steps
    }

    /// The body of an action, which is its core operation.
    fn body(&mut self, index: usize, depth: u32) -> Option<Step> {
        let place = self.place(Kind::Action, index)?;
        let via = self.program.actions.get(index).and_then(|action| action.head.via.as_ref()).map(via);
        Some(Step {
            stage: Some(30),
            place,
            rank: 0,
            why: "the action's own body".to_owned(),
            triggers: Vec::new(),
            only_if: None,
            when: None,
            run_as: "caller",
            owner: None,
            scope: Level::Organization.name(),
            via,
            part: Some(self.part((Kind::Action, index, Before::No), depth)),
        })
    }

    /// The steps of a stage, or those that are queued behind it. What they set is in the Target afterwards.
    fn stage(&mut self, target: &mut Target, stage: Stage, queued: bool, depth: u32) -> Vec<Step> {
        let runs = |candidate: &&Candidate| candidate.background == queued && target.may_run(candidate, stage);
        let candidates = match &target.of {
            Of::Message(_) => self.plans.candidates(target.entity),
            Of::Action(name) => self.plans.candidates_around(name),
        };
        let found: Vec<_> = candidates.iter().filter(runs).map(|found| self.step(target, found, stage)).collect();
        let mut steps: Vec<Step> = Vec::with_capacity(found.len());
        let mut added = Vec::new();
        for ((kind, index), mut step) in found {
            step.why = why(steps.last(), &step);
            if queued {
                step.stage = None;
            } else {
                let before = if stage.is_before() && matches!(target.of, Of::Message(_)) { Before::Yes } else { Before::No };
                step.part = Some(self.part((kind, index, before), depth));
            }
            if stage.is_before() && target.of == Of::Message(Message::Update) {
                added.push((step.place.name.clone(), self.sets(kind, index)));
            }
            steps.push(step);
        }
        target.added.extend(added.into_iter().filter(|(_, fields)| !fields.is_empty()));
        steps
    }

    /// A step without its reason and without what it does, which needs the graph.
    fn step(&self, target: &Target, candidate: &Candidate, stage: Stage) -> ((Kind, usize), Step) {
        let (kind, index) = Self::planned(candidate.step);
        let flow = self.program.flows.get(index).filter(|_| kind == Kind::Flow);
        let head = flow.map(|flow| &flow.head);
        let plugin = self.program.plugins.get(index).filter(|_| kind == Kind::Plugin);
        let triggers = candidate.triggers.iter().filter(|trigger| trigger.stage == stage && target.may_set_off(&trigger.event));
        let (rank, _, name) = &candidate.order;
        // A background flow is started by an event as its owner, whatever it says.
        let owner = head.is_some_and(|head| head.run_as == RunAs::Owner || head.mode == Mode::Background);
        let place = self.place(kind, index);
        let step = Step {
            stage: Some(stage as u8),
            place: place.unwrap_or_else(|| super::Place { name: name.clone(), kind, file: String::new(), line: 0 }),
            rank: *rank,
            why: String::new(),
            triggers: triggers.map(|trigger| trigger.event.written(target.entity, self.schema)).collect(),
            only_if: self.only_if(target, candidate, stage),
            when: flow.and_then(|flow| flow.when.as_ref()).map(|when| self.condition(when)),
            run_as: if owner { "owner" } else { "caller" },
            owner: head.and_then(|head| head.owner.clone()),
            scope: head.map_or(Level::Organization, |head| head.scope).name(),
            via: plugin.map(|plugin| via(&plugin.head.via)),
            part: None,
        };
        ((kind, index), step)
    }

    /// What it takes for a step to run that doesn't run for sure.
    fn only_if(&self, target: &Target, candidate: &Candidate, stage: Stage) -> Option<OnlyIf> {
        if target.of != Of::Message(Message::Update) || candidate.runs(Message::Update, stage, &target.certain) {
            return None;
        }
        let mut wanted = candidate.fields(stage);
        // After the core operation a state is there with its status, whichever was submitted.
        if let Some(layout) = self.layouts.get(target.entity.0 as usize).filter(|_| stage == Stage::PostOperation) {
            let both: FieldSet = [layout.state, layout.status].into_iter().flatten().collect();
            if wanted.intersects(&both) {
                wanted.extend(&both);
            }
        }
        let of = |fields: &FieldSet| fields.iter().filter(|slot| wanted.contains(*slot)).collect::<FieldSet>();
        let sets = target.added.iter().map(|(step, fields)| (step, of(fields))).filter(|(_, fields)| !fields.is_empty());
        Some(OnlyIf {
            submits: self.fields(target.entity, &of(&target.more)),
            sets: sets.map(|(step, fields)| Sets { step: step.clone(), fields: self.fields(target.entity, &fields) }).collect(),
        })
    }

    /// The fields that a step before the core operation may add to the Target.
    fn sets(&self, kind: Kind, index: usize) -> FieldSet {
        if kind == Kind::Plugin {
            let Some(plugin) = self.program.plugins.get(index) else { return FieldSet::default() };
            let all = || self.layouts.get(plugin.head.entity.0 as usize).map(|layout| layout.all.clone()).unwrap_or_default();
            return if plugin.effects.unknown { all() } else { plugin.effects.sets.clone() };
        }
        let Some(flow) = self.program.flows.get(index) else { return FieldSet::default() };
        let (effects, own) = (&flow.effects, flow.head.entity);
        let mut sets = effects.sets.clone();
        // A child on another record of the entity counts as an update of that one; it may turn out to be on this one.
        let same = |name: &SmolStr| self.program.flow(name).is_some_and(|child| child.head.entity == own);
        if let Some(fields) = effects.updates.get(&own).filter(|_| effects.starts.iter().any(same)) {
            sets.extend(fields);
        }
        sets
    }

    /// A condition as it is written, in one line.
    fn condition(&self, when: &Code) -> String {
        let span = when.spans.iter().copied().reduce(|one, other| one.to(other));
        let text = span.map(|span| self.sources.slice(span)).unwrap_or_default();
        let mut line = String::new();
        for (token, place) in tokens(text) {
            match token {
                Token::Space | Token::Comment | Token::Doc | Token::FileDoc if line.ends_with(' ') => {}
                Token::Space | Token::Comment | Token::Doc | Token::FileDoc => line.push(' '),
                _ => line.push_str(text.get(place).unwrap_or_default()),
            }
        }
        line
    }
}

impl Target {
    /// A state goes with a status: from the core operation on, where one of them is there, so is the other.
    fn settle(&mut self, layout: &Layout) {
        let both: FieldSet = [layout.state, layout.status].into_iter().flatten().collect();
        let added = self.added.iter_mut().map(|(_, fields)| fields);
        for fields in [&mut self.certain, &mut self.more].into_iter().chain(added) {
            if fields.intersects(&both) {
                fields.extend(&both);
            }
        }
    }

    fn may_run(&self, candidate: &Candidate, stage: Stage) -> bool {
        candidate.triggers.iter().any(|trigger| trigger.stage == stage && self.may_set_off(&trigger.event))
    }

    fn may_set_off(&self, event: &bytecode::Event) -> bool {
        match (event, &self.of) {
            (bytecode::Event::Update(Some(fields)), Of::Message(Message::Update)) => {
                let mut present = [&self.certain, &self.more].into_iter().chain(self.added.iter().map(|(_, fields)| fields));
                present.any(|present| present.intersects(fields))
            }
            (bytecode::Event::Perform(name), Of::Action(action)) => name == action,
            (event, Of::Message(message)) => sets_off(event, *message, None),
            _ => false,
        }
    }
}

/// Why a step is where it is, after the one before it in its stage.
fn why(before: Option<&Step>, step: &Step) -> String {
    let rank = step.rank;
    match before {
        None => format!("rank {rank} comes first"),
        Some(before) if before.rank < rank => format!("rank {rank} after {}", before.rank),
        Some(before) if before.place.kind != step.place.kind => format!("rank {rank} too: plug-ins before flows"),
        Some(before) => format!("rank {rank} too: `{}` before it by name", before.place.name),
    }
}

fn via(via: &Via) -> &'static str {
    match via {
        Via::Host => "host",
        Via::Command(_) => "command",
        Via::Webhook(_) => "webhook",
    }
}
