//! The steps of a flow: its statements that write or wait. A job in the background stands between two of them, and is known there
//! by the number of a step in the order of the text, which doesn't change with the compiler as the place of an operation does.

use smol_str::{SmolStr, format_smolstr};

use super::operand::WriteIx;
use super::{Code, FlowCode, Op, Operand};
use crate::schema::Schema;
use crate::value::{EntityId, Slot};

impl Op {
    /// Whether it is a step: a statement that writes or waits comes down to one such operation.
    pub fn is_step(&self) -> bool {
        matches!(
            self,
            Op::Set { .. }
                | Op::Create { .. }
                | Op::Update { .. }
                | Op::Delete { .. }
                | Op::Start { .. }
                | Op::Perform { .. }
                | Op::Wait { .. }
        )
    }
}

impl Code {
    /// The number of the step at a place, from 0.
    pub fn step_number(&self, at: usize) -> u16 {
        let before = self.ops.iter().take(at).filter(|op| op.is_step()).count();
        u16::try_from(before).unwrap_or(u16::MAX)
    }

    /// The place of a step; none where there are fewer.
    pub fn step_place(&self, number: u16) -> Option<usize> {
        self.ops.iter().enumerate().filter(|(_, op)| op.is_step()).map(|(at, _)| at).nth(usize::from(number))
    }

    /// The place of the step in whose statement an operation stands; none outside of one.
    pub fn step_around(&self, at: usize) -> Option<usize> {
        let own = self.span(at)?;
        let holds = |at: usize| self.span(at).is_some_and(|span| span.file == own.file && span.start <= own.start && own.end <= span.end);
        self.ops.iter().enumerate().skip(at).find(|(at, op)| op.is_step() && holds(*at)).map(|(at, _)| at)
    }

    /// What a step does, by its place, for people: `create note`, `set size`; none where there is no step.
    pub fn activity(&self, at: usize, schema: &Schema) -> Option<SmolStr> {
        let op = self.ops.get(at).filter(|op| op.is_step())?;
        let list = |fields: WriteIx| self.writes.get(usize::from(fields.0));
        let entity = |fields| list(fields).and_then(|list| schema.entity(list.entity)).map_or("", |entity| entity.name.as_str());
        Some(match op {
            Op::Set { fields, .. } => {
                let names =
                    list(*fields).into_iter().flat_map(|list| list.slots.iter().filter_map(|slot| schema.field(list.entity, *slot)));
                format_smolstr!("set {}", names.map(|field| field.name.as_str()).collect::<Vec<_>>().join(", "))
            }
            Op::Create { fields, .. } => format_smolstr!("create {}", entity(*fields)),
            Op::Update { fields, .. } => format_smolstr!("update {}", entity(*fields)),
            Op::Start { flow, .. } => format_smolstr!("start {}", self.starts.get(usize::from(flow.0)).map_or("", |start| &start.flow)),
            Op::Perform { action, .. } => {
                format_smolstr!("perform {}", self.performs.get(usize::from(action.0)).map_or("", |perform| &perform.action))
            }
            Op::Delete { .. } => "delete".into(),
            _ => "wait".into(),
        })
    }

    /// Where the statement begins that ends with the operation at a place: its operations stand together and come from within its text.
    pub fn statement_start(&self, at: usize) -> usize {
        let Some(whole) = self.span(at) else { return at };
        let within = |at: &usize| self.span(*at).is_some_and(|span| whole.start <= span.start && span.end <= whole.end);
        (0..at).rev().take_while(within).last().unwrap_or(at)
    }
}

impl FlowCode {
    /// The fields that its waits look at, of whichever record: a change of none of them moves a job of this flow.
    pub fn awaited(&self) -> Vec<(EntityId, Slot)> {
        let mut awaited: Vec<_> =
            self.conditions.iter().flat_map(|condition| &condition.fields).map(|field| (field.entity, field.slot)).collect();
        let waits = self.body.ops.iter().enumerate().filter(|(_, op)| matches!(op, Op::Wait { .. }));
        for (at, _) in waits {
            for op in self.body.ops.get(self.body.statement_start(at)..at).unwrap_or_default() {
                op.visit(|_, operand| {
                    if let Operand::Field(index) = operand
                        && let Some(field) = self.body.fields.get(usize::from(index.0))
                    {
                        awaited.push((field.entity, field.slot));
                    }
                });
            }
        }
        awaited.sort_unstable();
        awaited.dedup();
        awaited
    }
}
