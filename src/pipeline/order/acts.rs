//! What code does, in the order in which it does it.
//!
//! Jumps go forward but for the end of a loop's turn, so the order of the operations is the order in which a run meets them.
//! Which of them a run leaves out isn't looked at: an act is what may be done.

use smol_str::SmolStr;

use crate::bytecode::{Code, Effects, FieldIx, In, Op, Operand, Target};
use crate::schema::{FieldSet, Schema};
use crate::source::Span;
use crate::value::{EntityId, Type};

/// Something that code does.
#[derive(Clone, Debug)]
pub(super) struct Doing {
    pub deed: Deed,
    /// Where it stands; code outside the language has no place.
    pub span: Option<Span>,
    /// The outermost loop that it stands in, counted from 1, and the entity whose records that goes through.
    pub within: Option<(u32, EntityId)>,
}

#[derive(Clone, Debug)]
pub(super) enum Deed {
    /// Fields of its own record; all of them, or only some.
    Set(FieldSet, Extent),
    Create(EntityId, FieldSet),
    /// Fields of a named record.
    Update(EntityId, FieldSet, Extent),
    Delete(EntityId),
    /// A child flow, and whether it is on the record of the flow itself for sure.
    Start(SmolStr, bool),
    Perform(SmolStr),
    Anything,
}

/// Whether the fields of a deed are written together, or some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    All,
    Some,
}

/// What the statements of a flow or action do, whose record is of an entity.
pub(super) fn of_code(schema: &Schema, code: &Code, own: Option<EntityId>, effects: &Effects) -> Vec<Doing> {
    let mut doings = Vec::new();
    let mut loops = Loops::default();
    for at in 0..code.ops.len() {
        loops.meet(code, at);
        for deed in deeds(schema, code, at, (own, effects)) {
            doings.push(Doing { deed, span: code.span(at), within: loops.within() });
        }
    }
    doings
}

/// What code outside the language says that it does. Nobody knows in which order.
pub(super) fn of_effects(effects: &Effects, own: Option<EntityId>) -> Vec<Doing> {
    let Effects { sets, creates, updates, deletes, performs, unknown, .. } = effects;
    let mut deeds = Vec::new();
    if own.is_some() && !sets.is_empty() {
        deeds.push(Deed::Set(sets.clone(), Extent::Some));
    }
    deeds.extend(creates.iter().map(|entity| Deed::Create(*entity, FieldSet::default())));
    deeds.extend(updates.iter().map(|(entity, fields)| Deed::Update(*entity, fields.clone(), Extent::Some)));
    deeds.extend(deletes.iter().map(|entity| Deed::Delete(*entity)));
    deeds.extend(performs.iter().map(|action| Deed::Perform(action.clone())));
    deeds.extend(unknown.then_some(Deed::Anything));
    deeds.into_iter().map(|deed| Doing { deed, span: None, within: None }).collect()
}

/// What one operation does: nothing, one thing, or one of several.
fn deeds(schema: &Schema, code: &Code, at: usize, (own, effects): (Option<EntityId>, &Effects)) -> Vec<Deed> {
    let Some(op) = code.ops.get(at) else { return Vec::new() };
    let written = |index: u16| {
        let write = code.writes.get(index as usize);
        write.map(|write| (write.entity, write.slots.iter().copied().collect::<FieldSet>()))
    };
    let deed = match *op {
        Op::Set { fields, .. } => written(fields.0).map(|(_, fields)| Deed::Set(fields, Extent::All)),
        Op::Create { fields, .. } => written(fields.0).map(|(entity, fields)| Deed::Create(entity, fields)),
        Op::Update { fields, .. } => written(fields.0).map(|(entity, fields)| Deed::Update(entity, fields, Extent::All)),
        Op::Delete { record } => {
            let known = entities_of(schema, code, at, record, own);
            let may_be = |entity: &&EntityId| known.as_ref().is_none_or(|known| known.contains(entity));
            return effects.deletes.iter().filter(may_be).map(|entity| Deed::Delete(*entity)).collect();
        }
        Op::Start { record, flow, .. } => {
            let this = matches!(writer(code, at, record), Some(Op::This { .. }));
            code.starts.get(flow.0 as usize).map(|start| Deed::Start(start.flow.clone(), this))
        }
        Op::Perform { action, .. } => code.performs.get(action.0 as usize).map(|perform| Deed::Perform(perform.action.clone())),
        _ => None,
    };
    deed.into_iter().collect()
}

/// The operation before another that gave a register what it holds there: the last one that writes it, since expressions have no
/// jumps in them that could bring another value, and what `let` names is written once.
fn writer(code: &Code, at: usize, register: In) -> Option<&Op> {
    let writes = |op: &&Op| {
        let mut writes = false;
        op.visit(|_, operand| {
            if let Operand::Out(out, _) = operand {
                let count = u16::try_from(code.gives(op).unwrap_or(1)).unwrap_or(u16::MAX);
                writes = (out.0..out.0.saturating_add(count)).contains(&register.0);
            }
        });
        writes
    };
    code.ops.get(..at)?.iter().rev().find(writes)
}

/// The entities that the record in a register may be of; none where that isn't plain to see.
fn entities_of(schema: &Schema, code: &Code, at: usize, register: In, own: Option<EntityId>) -> Option<Vec<EntityId>> {
    let of_field = |field: FieldIx| {
        let field = code.fields.get(field.0 as usize)?;
        match &schema.field(field.entity, field.slot)?.ty {
            Type::Lookup(targets) => Some(targets.to_vec()),
            _ => None,
        }
    };
    match *writer(code, at, register)? {
        Op::This { .. } => own.map(|own| vec![own]),
        Op::Field { field, .. } | Op::RequireField { field, .. } | Op::Related { field, .. } => of_field(field),
        Op::Create { fields, .. } | Op::Find { fields, .. } => code.writes.get(fields.0 as usize).map(|write| vec![write.entity]),
        Op::NextRecord { .. } => {
            let head = code.ops.get(..at)?.iter().rposition(|op| matches!(op, Op::NextRecord { out, .. } if In::from(*out) == register))?;
            code.looked_at(head).map(|entity| vec![entity])
        }
        _ => None,
    }
}

/// The loops over records that a place stands in.
#[derive(Default)]
struct Loops {
    /// The end of the outermost one, and the entity whose records it goes through.
    open: Option<(usize, EntityId)>,
    count: u32,
}

impl Loops {
    /// Comes to an operation.
    fn meet(&mut self, code: &Code, at: usize) {
        if self.open.is_some_and(|(end, _)| at >= end) {
            self.open = None;
        }
        if let (None, Some(Op::NextRecord { to: Target(end), .. })) = (self.open, code.ops.get(at)) {
            self.count += 1;
            self.open = code.looked_at(at).map(|entity| (*end as usize, entity));
        }
    }

    fn within(&self) -> Option<(u32, EntityId)> {
        self.open.map(|(_, entity)| (self.count, entity))
    }
}
