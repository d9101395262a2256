//! The answer to a question: the graph that grows out of what was asked about, and what stands beside it.

use smol_str::SmolStr;

use super::acts::Extent;
use super::ask::{Ask, Asked, Question};
use super::graph::{Graph, Key};
use super::{Act, Before, Kind, Order, Place, What, bounds};
use crate::bytecode;
use crate::pipeline::operation::Message;
use crate::pipeline::plan::sets_off;
use crate::schema::FieldSet;
use crate::value::EntityId;

impl Graph<'_> {
    /// The answer to a question.
    pub fn answer(mut self, ask: &Ask, question: &Question) -> Order {
        let acts = self.asked(question);
        self.grow();
        let bounds = bounds::of(&acts, &self.events, &self.parts, self.program, self.max_depth);
        let names = |names: &Vec<String>| names.iter().filter(|name| !name.is_empty()).map(SmolStr::new).collect();
        Order {
            entity: question.entity.map(|entity| self.entity(entity)),
            message: ask.message.as_str().into(),
            fields: ask.fields.as_ref().map(names),
            acts,
            drafts: self.drafts(question),
            events: self.events,
            parts: self.parts,
            bounds,
            complete: self.complete,
        }
    }

    /// What was asked about, as acts at depth 1.
    fn asked(&mut self, question: &Question) -> Vec<Act> {
        let act = |what, of: SmolStr, multiple: bool, events, part| Act {
            what,
            for_each: multiple.then(|| of.clone()),
            of,
            fields: Vec::new(),
            line: None,
            repeats: multiple.then_some(1),
            events,
            part,
        };
        match (&question.asked, question.entity) {
            (Asked::Create { multiple }, Some(entity)) => {
                let events = vec![self.event(Key::Create(entity), 1)];
                vec![act(What::Create, self.entity(entity), *multiple, events, None)]
            }
            (Asked::Update { fields, multiple }, Some(entity)) => {
                let events = self.asked_update(entity, fields.as_ref());
                vec![act(What::Update, self.entity(entity), *multiple, events, None)]
            }
            (Asked::Upsert(fields), Some(entity)) => {
                let name = self.entity(entity);
                let create = vec![self.event(Key::Create(entity), 1)];
                let update = self.asked_update(entity, fields.as_ref());
                vec![act(What::Create, name.clone(), false, create, None), act(What::Update, name, false, update, None)]
            }
            (Asked::Delete, Some(entity)) => {
                let events = vec![self.event(Key::Delete(entity), 1)];
                vec![act(What::Delete, self.entity(entity), false, events, None)]
            }
            (Asked::Action(index), _) => {
                let name = self.program.actions.get(*index).map(|action| action.head.name.clone());
                let events = vec![self.event(Key::Action(*index), 1)];
                vec![act(What::Perform, name.unwrap_or_default(), false, events, None)]
            }
            (Asked::Flow(index), _) => {
                let name = self.program.flows.get(*index).map(|flow| flow.head.name.clone());
                let part = self.part((Kind::Flow, *index, Before::No), 1);
                vec![act(What::Run, name.unwrap_or_default(), false, Vec::new(), Some(part))]
            }
            _ => Vec::new(),
        }
    }

    fn asked_update(&mut self, entity: EntityId, fields: Option<&FieldSet>) -> Vec<usize> {
        let all = self.layouts.get(entity.0 as usize).map(|layout| layout.all.clone()).unwrap_or_default();
        match fields {
            Some(fields) => self.update(entity, fields, Extent::All, 1),
            None => self.update(entity, &all, Extent::Some, 1),
        }
    }

    /// The drafts that would be among the steps.
    fn drafts(&self, question: &Question) -> Vec<Place> {
        let asked: &[Message] = match &question.asked {
            Asked::Create { .. } => &[Message::Create],
            Asked::Update { .. } => &[Message::Update],
            Asked::Delete => &[Message::Delete],
            Asked::Upsert(_) => &[Message::Create, Message::Update],
            Asked::Action(_) | Asked::Flow(_) => &[],
        };
        let submitted = match &question.asked {
            Asked::Update { fields, .. } | Asked::Upsert(fields) => fields.as_ref(),
            _ => None,
        };
        let runs = |event: &bytecode::Event| asked.iter().any(|message| sets_off(event, *message, submitted));
        let drafts = self.program.flows.iter().enumerate().filter(|(_, flow)| {
            flow.head.draft && Some(flow.head.entity) == question.entity && flow.head.triggers.iter().any(|trigger| runs(&trigger.event))
        });
        drafts.filter_map(|(index, _)| self.place(Kind::Flow, index)).collect()
    }
}
