//! The inputs of a flow, which it takes on demand or as a child, and those of an action.

use rustc_hash::FxHashMap;

use super::super::declare::{Declare, Typed, twice};
use super::Clauses;
use super::events::Events;
use crate::bytecode::Input;
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::ast;
use crate::value::EntityId;

/// Reads the inputs in their order; one with an unknown type is left out.
pub(super) fn read(entity: EntityId, clauses: &Clauses, events: &Events, declare: &mut Declare) -> Vec<Input> {
    if let Some((_, span)) = clauses.inputs.first()
        && !events.on_demand
        && !events.child
        && clauses.triggers.is_some()
    {
        declare.report(
            Diagnostic::new(Code::E0315, *span, "nobody can give an input to a flow that only events start")
                .help("add `on demand` or `child` to its triggers, or take the input away"),
        );
    }
    list(Some(entity), clauses, !events.triggers.is_empty(), declare)
}

/// The inputs; `by_events` says whether the flow also runs where nobody gives any.
pub(super) fn list(entity: Option<EntityId>, clauses: &Clauses, by_events: bool, declare: &mut Declare) -> Vec<Input> {
    let mut inputs = Vec::with_capacity(clauses.inputs.len());
    let mut seen: FxHashMap<&str, &ast::Name> = FxHashMap::default();
    for (field, _) in &clauses.inputs {
        if let Some(first) = seen.insert(&field.name.text, &field.name) {
            declare.report(twice("input", &field.name, first));
            continue;
        }
        if let Some(input) = input(entity, field, by_events, declare) {
            inputs.push(input);
        }
    }
    inputs
}

fn input(entity: Option<EntityId>, field: &ast::Field, by_events: bool, declare: &mut Declare) -> Option<Input> {
    let name = &field.name;
    let shadowed = entity.and_then(|id| declare.schema.entity(id)).and_then(|entity| entity.slot(&name.text).map(|_| entity.name.clone()));
    if let Some(entity) = shadowed {
        declare.report(
            Diagnostic::new(Code::E0315, name.span, format!("`{}` is a field of `{entity}` already", name.text))
                .help("an input that hides a field would make both hard to tell apart: give it another name"),
        );
    }
    let required = field.modifiers.iter().find(|modifier| modifier.text == "required");
    if let (Some(modifier), true) = (required, by_events) {
        declare.report(
            Diagnostic::new(Code::E0315, modifier.span, format!("`{}` can't be required in a flow that events start too", name.text))
                .help("an event gives no inputs: take `required` away, or put what needs it into a flow of its own")
                .fix(modifier.span, ""),
        );
    }
    if let Some(other) = field.modifiers.iter().find(|modifier| modifier.text != "required") {
        declare.report(
            Diagnostic::new(Code::E0315, other.span, format!("an input can't be `{}`", other.text))
                .help("take the word away")
                .fix(other.span, ""),
        );
    }
    if let Some(column) = &field.column {
        declare.unmapped(column.span);
    }
    if let Some(default) = &field.default {
        declare.report(
            Diagnostic::new(Code::E0315, default.span, "an input has no default")
                .help(format!("write `{} ?? …` where it is used", name.text)),
        );
    }
    let Some(typed) = declare.input_type(&field.ty) else {
        declare.broken.insert(name.text.clone());
        return None;
    };
    let Typed { ty, range, max_length } = typed;
    Some(Input { name: name.text.clone(), ty, range, max_length, required: required.is_some() && !by_events })
}
