//! Code outside the language: what it declares to do is all that is known of it, and decides how it can fail.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::bytecode::{ActionHead, Cause, Effects, Input, Via};
use crate::schema::{FieldSet, Right, Schema, system};
use crate::source::Span;
use crate::value::{EntityId, Slot, Type};

use super::site::{Operation, Site, cascade, restricted, unfilled};
use super::value::May;
use super::{Found, World};

/// An action or a plug-in whose code is elsewhere.
#[derive(Clone, Copy)]
pub(in crate::check) struct Outside<'a> {
    /// Its name.
    pub name: &'a SmolStr,
    /// Where that stands.
    pub span: Span,
    /// The entity of its record; a global action has none.
    pub entity: Option<EntityId>,
    /// Where its code is.
    pub via: &'a Via,
    /// What it gives.
    pub outputs: &'a [Input],
    /// What it declares to do.
    pub effects: &'a Effects,
}

/// What such code may do and how it can fail. With `effects unknown` that is not all.
pub(in crate::check) fn outside(world: &World<'_>, part: Outside<'_>) -> Found {
    let mut found = Found { runs: true, ..Found::default() };
    found.causes.extend([Cause::Instructions, Cause::Depth]);
    found.causes.extend(by_itself(part));
    found.causes.extend(by_effects(world, part));
    found.sites = sites(world.schema, part);
    found
}

fn by_itself(part: Outside<'_>) -> Vec<Cause> {
    let mut causes = vec![Cause::Broken(part.name.clone())];
    if *part.via != Via::Host {
        causes.extend([Cause::NotAllowed(part.name.clone()), Cause::Outside(part.name.clone())]);
    }
    if !part.effects.unknown {
        causes.push(Cause::Undeclared(part.name.clone()));
    }
    for output in part.outputs {
        causes.push(Cause::Output(part.name.clone(), output.name.clone()));
    }
    causes
}

fn by_effects(world: &World<'_>, part: Outside<'_>) -> BTreeSet<Cause> {
    let Effects { creates, updates, deletes, queries, performs, sets, .. } = part.effects;
    let schema = world.schema;
    let mut causes = BTreeSet::new();
    causes.extend(part.entity.map(Cause::Gone));
    for entity in creates {
        causes.extend(written(schema, *entity, &all_fields(schema, *entity)));
        let given = FieldSet::default();
        let empty = schema.entity(*entity).into_iter().flat_map(|of| unfilled(of, &given));
        causes.extend(empty.map(|slot| Cause::Empty(*entity, slot)));
        causes.insert(Cause::Privilege(Right::Create, *entity));
    }
    for (entity, fields) in
        part.entity.filter(|_| !sets.is_empty()).map(|own| (own, sets)).into_iter().chain(updates.iter().map(|(id, fields)| (*id, fields)))
    {
        causes.extend(written(schema, entity, fields));
        causes.extend([Cause::Gone(entity), Cause::Privilege(Right::Write, entity)]);
    }
    for entity in deletes {
        causes.extend(cascade(schema, *entity).into_iter().filter(|gone| restricted(schema, *gone)).map(Cause::Restricted));
        causes.extend([Cause::Gone(*entity), Cause::Privilege(Right::Delete, *entity)]);
    }
    for entity in queries.keys() {
        causes.extend([Cause::Gone(*entity), Cause::Privilege(Right::Read, *entity)]);
    }
    for name in performs {
        causes.insert(Cause::Misused(name.clone()));
        let head: Option<&&ActionHead> = world.actions.get(name.as_str());
        causes.extend(head.iter().flat_map(|head| &head.inputs).flat_map(|input| {
            let missing = input.required.then(|| Cause::Missing(name.clone(), input.name.clone()));
            [Some(Cause::Input(name.clone(), input.name.clone())), missing].into_iter().flatten()
        }));
        causes.extend(head.and_then(|head| head.entity).into_iter().flat_map(|on| [Cause::Gone(on), Cause::Privilege(Right::Read, on)]));
    }
    if schema.roles.is_empty() {
        causes.retain(|cause| !matches!(cause, Cause::Privilege(..)));
    }
    causes
}

/// How a write of fields can fail whose values nobody has looked at.
fn written(schema: &Schema, id: EntityId, fields: &FieldSet) -> Vec<Cause> {
    let Some(entity) = schema.entity(id) else { return Vec::new() };
    let mut causes = vec![Cause::Kept(id)];
    for (slot, field) in
        fields.iter().filter_map(|slot| entity.field(slot).map(|field| (slot, field))).filter(|(_, field)| !field.read_only)
    {
        causes.push(Cause::Column(id, slot));
        if field.name == system::OWNER {
            causes.push(Cause::Privilege(Right::Assign, id));
        }
        causes.extend(field.required.then_some(Cause::Empty(id, slot)));
        if let Type::Lookup(targets) = &field.ty {
            causes.push(Cause::Privilege(Right::Append, id));
            causes.extend(targets.iter().flat_map(|target| [Cause::Gone(*target), Cause::Privilege(Right::AppendTo, *target)]));
        }
    }
    let key = entity.keys.iter().any(|key| key.fields.iter().any(|slot| fields.contains(*slot)));
    causes.extend(key.then_some(Cause::Duplicate(id)));
    causes
}

/// Its operations, none of which is sure, with any values.
fn sites(schema: &Schema, part: Outside<'_>) -> Vec<Site> {
    let any = |fields: &FieldSet| -> Vec<(Slot, May)> { fields.iter().map(|slot| (slot, May::ANYTHING)).collect() };
    let site = |operation, writes| Site { operation, span: part.span, sure: false, on_this: false, writes };
    let Effects { creates, updates, deletes, performs, sets, .. } = part.effects;
    let mut sites = Vec::new();
    if !sets.is_empty() {
        sites.push(Site { on_this: true, ..site(Operation::Set, any(sets)) });
    }
    sites.extend(creates.iter().map(|entity| site(Operation::Create(*entity), any(&all_fields(schema, *entity)))));
    sites.extend(updates.iter().map(|(entity, fields)| site(Operation::Update(*entity), any(fields))));
    sites.extend(deletes.iter().map(|entity| site(Operation::Delete(*entity), Vec::new())));
    sites.extend(performs.iter().map(|name| site(Operation::Perform(name.clone()), Vec::new())));
    sites
}

fn all_fields(schema: &Schema, entity: EntityId) -> FieldSet {
    schema
        .entity(entity)
        .into_iter()
        .flat_map(|entity| entity.fields())
        .filter(|(_, field)| !field.read_only)
        .map(|(slot, _)| slot)
        .collect()
}
