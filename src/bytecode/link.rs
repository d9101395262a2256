//! Carries a program over to another schema: its numbers stand for names of the schema that it was compiled with, and get
//! the numbers that those names have in the other. So a schema that grew doesn't disturb what was compiled before.
//!
//! Only heads, effects and tables speak of the schema; operations speak of the tables and are never touched. What comes out is
//! verified like anything else: a field of another type is found there.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smol_str::SmolStr;
use thiserror::Error;

use super::{ActionCode, Cause, Code, Effects, Event, FlowCode, Input, PluginCode, Program, QueryRef, Serial, Trigger};
use crate::schema::{FieldSet, Schema};
use crate::value::{ChoiceId, EntityId, Slot, Type};

/// A name that the other schema doesn't have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{name}` is not in the schema")]
pub struct LinkError {
    /// An entity or a choice; `entity.field` for a field.
    pub name: SmolStr,
}

type Linked<T> = Result<T, LinkError>;

struct Link<'a> {
    from: &'a Schema,
    to: &'a Schema,
    /// What was asked for so far.
    named: RefCell<Named>,
}

/// What a program names of the schema that it was compiled with.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Named {
    /// Entities, with their fields.
    pub entities: BTreeMap<EntityId, FieldSet>,
    /// Choices.
    pub choices: BTreeSet<ChoiceId>,
}

/// The program with the numbers of another schema. It has to be verified before it runs.
pub fn link(program: &Program, from: &Schema, to: &Schema) -> Result<Program, LinkError> {
    Link { from, to, named: RefCell::default() }.program(program)
}

/// What a program names: all that linking it asks for.
pub(super) fn named(program: &Program, schema: &Schema) -> Result<Named, LinkError> {
    let link = Link { from: schema, to: schema, named: RefCell::default() };
    link.program(program)?;
    Ok(link.named.into_inner())
}

impl Link<'_> {
    fn program(&self, program: &Program) -> Linked<Program> {
        let flows = program.flows.iter().map(|flow| self.flow(flow)).collect::<Linked<_>>()?;
        let actions = program.actions.iter().map(|action| self.action(action)).collect::<Linked<_>>()?;
        let plugins = program.plugins.iter().map(|plugin| self.plugin(plugin)).collect::<Linked<_>>()?;
        Ok(Program { flows, actions, plugins })
    }

    fn flow(&self, flow: &FlowCode) -> Linked<FlowCode> {
        let mut linked = flow.clone();
        linked.head.entity = self.entity(flow.head.entity)?;
        self.triggers(flow.head.entity, &mut linked.head.triggers)?;
        self.inputs(&mut linked.head.inputs)?;
        if let Some(Serial::Field(slot)) = &mut linked.head.serial {
            *slot = self.slot(flow.head.entity, *slot)?;
        }
        linked.effects = self.effects(&flow.effects, Some(flow.head.entity))?;
        linked.when.iter_mut().try_for_each(|when| self.code(when))?;
        self.code(&mut linked.body)?;
        linked.conditions.iter_mut().try_for_each(|condition| self.code(condition))?;
        Ok(linked)
    }

    fn action(&self, action: &ActionCode) -> Linked<ActionCode> {
        let mut linked = action.clone();
        linked.head.entity = action.head.entity.map(|entity| self.entity(entity)).transpose()?;
        self.inputs(&mut linked.head.inputs)?;
        self.inputs(&mut linked.head.outputs)?;
        linked.effects = self.effects(&action.effects, action.head.entity)?;
        linked.body.iter_mut().try_for_each(|body| self.code(body))?;
        Ok(linked)
    }

    fn plugin(&self, plugin: &PluginCode) -> Linked<PluginCode> {
        let mut linked = plugin.clone();
        linked.head.entity = self.entity(plugin.head.entity)?;
        self.triggers(plugin.head.entity, &mut linked.head.triggers)?;
        linked.effects = self.effects(&plugin.effects, Some(plugin.head.entity))?;
        Ok(linked)
    }

    fn triggers(&self, entity: EntityId, triggers: &mut [Trigger]) -> Linked<()> {
        for trigger in triggers {
            if let Event::Update(Some(fields)) = &mut trigger.event {
                *fields = self.fields(entity, fields)?;
            }
        }
        Ok(())
    }

    fn inputs(&self, inputs: &mut [Input]) -> Linked<()> {
        for input in inputs {
            input.ty = self.ty(&input.ty)?;
        }
        Ok(())
    }

    fn code(&self, code: &mut Code) -> Linked<()> {
        for field in &mut code.fields {
            field.slot = self.slot(field.entity, field.slot)?;
            field.entity = self.entity(field.entity)?;
        }
        for list in &mut code.writes {
            for slot in &mut list.slots {
                *slot = self.slot(list.entity, *slot)?;
            }
            list.entity = self.entity(list.entity)?;
        }
        code.queries.iter_mut().try_for_each(|query| self.query(query))?;
        code.types.iter_mut().try_for_each(|ty| {
            *ty = self.ty(ty)?;
            Ok(())
        })
    }

    fn query(&self, query: &mut QueryRef) -> Linked<()> {
        let entity = query.entity;
        for (slot, _) in &mut query.conditions {
            *slot = self.slot(entity, *slot)?;
        }
        for order in &mut query.order {
            order.slot = self.slot(entity, order.slot)?;
        }
        if let Some((aggregate, ty)) = &mut query.aggregate {
            if let Some(slot) = aggregate.slot() {
                *aggregate = aggregate.over(self.slot(entity, slot)?);
            }
            *ty = ty.as_ref().map(|ty| self.ty(ty)).transpose()?;
        }
        query.columns = self.fields(entity, &query.columns)?;
        query.entity = self.entity(entity)?;
        Ok(())
    }

    fn effects(&self, effects: &Effects, own: Option<EntityId>) -> Linked<Effects> {
        let entities = |set: &BTreeSet<EntityId>| set.iter().map(|entity| self.entity(*entity)).collect::<Linked<BTreeSet<_>>>();
        let fields = |fields: &BTreeMap<EntityId, FieldSet>| {
            let linked = fields.iter().map(|(entity, fields)| Ok((self.entity(*entity)?, self.fields(*entity, fields)?)));
            linked.collect::<Linked<BTreeMap<_, _>>>()
        };
        let of_record = |fields: &FieldSet| own.map_or(Ok(FieldSet::default()), |own| self.fields(own, fields));
        Ok(Effects {
            reads: of_record(&effects.reads)?,
            old: of_record(&effects.old)?,
            related: fields(&effects.related)?,
            queries: fields(&effects.queries)?,
            sets: of_record(&effects.sets)?,
            creates: entities(&effects.creates)?,
            updates: fields(&effects.updates)?,
            deletes: entities(&effects.deletes)?,
            causes: effects.causes.iter().map(|cause| self.cause(cause)).collect::<Linked<_>>()?,
            ..effects.clone()
        })
    }

    fn cause(&self, cause: &Cause) -> Linked<Cause> {
        Ok(match cause {
            Cause::Column(entity, slot) => Cause::Column(self.entity(*entity)?, self.slot(*entity, *slot)?),
            Cause::Empty(entity, slot) => Cause::Empty(self.entity(*entity)?, self.slot(*entity, *slot)?),
            Cause::Gone(entity) => Cause::Gone(self.entity(*entity)?),
            Cause::Restricted(entity) => Cause::Restricted(self.entity(*entity)?),
            Cause::Duplicate(entity) => Cause::Duplicate(self.entity(*entity)?),
            Cause::Key(entity) => Cause::Key(self.entity(*entity)?),
            Cause::Records(entity) => Cause::Records(self.entity(*entity)?),
            Cause::DivisionByZero | Cause::Inexact | Cause::TooLarge | Cause::OutOfTime => cause.clone(),
            Cause::Kept(entity) => Cause::Kept(self.entity(*entity)?),
            Cause::Privilege(right, entity) => Cause::Privilege(*right, self.entity(*entity)?),
            Cause::Input(..) | Cause::Output(..) | Cause::Missing(..) => cause.clone(),
            Cause::Depth | Cause::Instructions | Cause::Text => cause.clone(),
            Cause::Undeclared(_) | Cause::NotAllowed(_) | Cause::Outside(_) | Cause::Broken(_) | Cause::Misused(_) => cause.clone(),
        })
    }

    fn entity(&self, id: EntityId) -> Linked<EntityId> {
        self.named.borrow_mut().entities.entry(id).or_default();
        let name = self.from.entity(id).map(|entity| entity.name.clone()).unwrap_or_default();
        self.to.entity_id(&name).ok_or(LinkError { name })
    }

    fn slot(&self, entity: EntityId, slot: Slot) -> Linked<Slot> {
        self.named.borrow_mut().entities.entry(entity).or_default().insert(slot);
        let name = self.from.field(entity, slot).map(|field| field.name.clone()).unwrap_or_default();
        let there = self.to.entity(self.entity(entity)?).and_then(|entity| entity.slot(&name));
        there.ok_or_else(|| {
            let entity = self.from.entity(entity).map_or("", |entity| entity.name.as_str());
            LinkError { name: format!("{entity}.{name}").into() }
        })
    }

    fn fields(&self, entity: EntityId, fields: &FieldSet) -> Linked<FieldSet> {
        fields.iter().map(|slot| self.slot(entity, slot)).collect()
    }

    fn choice(&self, id: ChoiceId) -> Linked<ChoiceId> {
        self.named.borrow_mut().choices.insert(id);
        let name = self.from.choice(id).map(|choice| choice.name.clone()).unwrap_or_default();
        self.to.choice_id(&name).ok_or(LinkError { name })
    }

    fn ty(&self, ty: &Type) -> Linked<Type> {
        Ok(match ty {
            Type::Choice(choice) => Type::Choice(self.choice(*choice)?),
            Type::Choices(choice) => Type::Choices(self.choice(*choice)?),
            Type::Lookup(entities) => {
                let mut linked = entities.iter().map(|entity| self.entity(*entity)).collect::<Linked<Vec<_>>>()?;
                linked.sort_unstable();
                Type::Lookup(Arc::from(linked))
            }
            other => other.clone(),
        })
    }
}
