//! One flow, action or plug-in by itself: with a schema cut down to what it names, and with places in its own text. What comes
//! out depends on nothing else in the project, so a definition that means what it meant gives the same bytes again, whatever is
//! declared beside it; and it can be carried over to any schema that has these names ([`link`](super::link())).
//!
//! Of a field the cut schema keeps the name and the type, of a choice the options whose codes stand in the code. Where two choices
//! have the same codes, it keeps those of both: an operation on a code doesn't say which choice it means.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use smol_str::SmolStr;

use super::link::{LinkError, Named, link, named};
use super::{Code, Kind, Program};
use crate::schema::{Choice, ChoiceOption, Default, DeleteBehaviour, Entity, Field, FieldSet, Ownership, PRIMARY_KEY, Schema};
use crate::source::{FileId, Span};
use crate::value::{ChoiceId, EntityId, Type, Value};

/// A program by itself: the schema of what it names, and the program with the numbers of that schema. Its places are counted from the
/// start of `text`, in the only file that there is.
pub fn excerpt(program: &Program, schema: &Schema, text: Span) -> Result<(Schema, Program), LinkError> {
    let mut named = named(program, schema)?;
    let mut program = program.clone();
    let cut = cut(schema, &mut named, &codes_of_options(&mut program));
    let mut linked = link(&program, schema, &cut)?;
    place(&mut linked, |span| Span {
        file: FileId(0),
        start: span.start.saturating_sub(text.start),
        end: span.end.saturating_sub(text.start),
    });
    Ok((cut, linked))
}

/// Moves every place of a program.
pub fn place(program: &mut Program, to: impl Fn(Span) -> Span) {
    let own = program.flows.iter_mut().map(|flow| &mut flow.span);
    let own = own.chain(program.actions.iter_mut().map(|action| &mut action.span));
    own.chain(program.plugins.iter_mut().map(|plugin| &mut plugin.span)).for_each(|span| *span = to(*span));
    codes(program).flat_map(|code| &mut code.spans).for_each(|span| *span = to(*span));
}

/// What a cut schema names and another schema lacks or has otherwise, in words.
pub fn missing(named: &Schema, present: &Schema) -> Vec<String> {
    let mut found = Vec::new();
    for entity in named.entities.values() {
        let Some(there) = present.entities.get(&entity.name) else {
            found.push(format!("the entity `{}`", entity.name));
            continue;
        };
        for field in entity.fields.values().skip(1) {
            let name = format!("`{}.{}`", entity.name, field.name);
            match there.fields.get(&field.name) {
                None => found.push(name),
                Some(now) if Kind::of_type(&now.ty) != Kind::of_type(&field.ty) => {
                    found.push(format!("{name} as {}, which is {} now", field.ty, now.ty));
                }
                Some(now) => {
                    found.extend(options(named, &field.ty, present, &now.ty).map(|option| format!("the option `{option}` of {name}")))
                }
            }
        }
    }
    found
}

/// The options that a type names and that its present form lacks.
fn options<'a>(named: &'a Schema, ty: &Type, present: &'a Schema, now: &Type) -> impl Iterator<Item = &'a SmolStr> {
    let of = |schema: &'a Schema, ty: &Type| match ty {
        Type::Choice(choice) | Type::Choices(choice) => schema.choice(*choice),
        _ => None,
    };
    let now = of(present, now);
    let wanted = of(named, ty).into_iter().flat_map(|choice| &choice.options);
    wanted.filter(move |option| now.is_none_or(|now| now.by_code(option.code).is_none())).map(|option| &option.name)
}

/// Every piece of code.
fn codes(program: &mut Program) -> impl Iterator<Item = &mut Code> {
    let flows = program.flows.iter_mut().flat_map(|flow| flow.when.iter_mut().chain([&mut flow.body]).chain(&mut flow.conditions));
    flows.chain(program.actions.iter_mut().flat_map(|action| &mut action.body))
}

fn codes_of_options(program: &mut Program) -> BTreeSet<i32> {
    let mut found = BTreeSet::new();
    for value in codes(program).flat_map(|code| &code.constants) {
        match value {
            Value::Choice(code) => drop(found.insert(*code)),
            Value::Choices(codes) => found.extend(codes.iter()),
            _ => {}
        }
    }
    found
}

/// The schema of what is named, each list in the order of its names.
fn cut(schema: &Schema, named: &mut Named, codes: &BTreeSet<i32>) -> Schema {
    for (entity, fields) in &named.entities {
        for field in fields.iter().filter_map(|slot| schema.field(*entity, slot)) {
            if let Type::Choice(choice) | Type::Choices(choice) = field.ty {
                named.choices.insert(choice);
            }
        }
    }
    let mut entities: Vec<(EntityId, &Entity)> = named.entities.keys().filter_map(|id| Some((*id, schema.entity(*id)?))).collect();
    entities.sort_by(|(_, one), (_, other)| one.name.cmp(&other.name));
    let mut choices: Vec<(ChoiceId, &Choice)> = named.choices.iter().filter_map(|id| Some((*id, schema.choice(*id)?))).collect();
    choices.sort_by(|(_, one), (_, other)| one.name.cmp(&other.name));
    let nothing = FieldSet::default();
    let place = |id: EntityId| entities.iter().position(|(other, _)| *other == id).map(|at| EntityId(at as u16));
    let choice = |id: ChoiceId| choices.iter().position(|(other, _)| *other == id).map_or(id, |at| ChoiceId(at as u16));
    let ty = |ty: &Type| match ty {
        Type::Choice(id) => Type::Choice(choice(*id)),
        Type::Choices(id) => Type::Choices(choice(*id)),
        Type::Lookup(targets) => {
            let mut targets: Vec<EntityId> = targets.iter().filter_map(|target| place(*target)).collect();
            targets.sort_unstable();
            Type::Lookup(targets.into())
        }
        other => other.clone(),
    };
    Schema {
        entities: entities
            .iter()
            .map(|(id, entity)| (entity.name.clone(), cut_entity(entity, named.entities.get(id).unwrap_or(&nothing), ty)))
            .collect(),
        choices: choices.iter().map(|(_, choice)| (choice.name.clone(), cut_choice(choice, codes))).collect(),
        roles: IndexMap::new(),
    }
}

fn cut_entity(entity: &Entity, named: &FieldSet, ty: impl Fn(&Type) -> Type) -> Entity {
    let mut fields: Vec<&Field> = named.iter().filter(|slot| *slot != PRIMARY_KEY).filter_map(|slot| entity.field(slot)).collect();
    fields.sort_by(|one, other| one.name.cmp(&other.name));
    let field = |field: &Field| Field {
        name: field.name.clone(),
        label: field.name.clone(),
        ty: ty(&field.ty),
        range: None,
        max_length: None,
        required: false,
        read_only: false,
        default: Default::None,
        on_delete: DeleteBehaviour::RemoveLink,
        audited: false,
        column: None,
    };
    Entity {
        name: entity.name.clone(),
        label: entity.name.clone(),
        fields: entity.field(PRIMARY_KEY).into_iter().chain(fields).map(|one| (one.name.clone(), field(one))).collect(),
        primary_name: None,
        keys: Vec::new(),
        owned_by: Ownership::Organization,
        statuses: Vec::new(),
        read_only: false,
        table: None,
    }
}

fn cut_choice(choice: &Choice, codes: &BTreeSet<i32>) -> Choice {
    let option = |option: &ChoiceOption| ChoiceOption { label: option.name.clone(), ..option.clone() };
    let mut options: Vec<ChoiceOption> = choice.options.iter().filter(|option| codes.contains(&option.code)).map(option).collect();
    options.sort_by_key(|option| option.code);
    Choice { name: choice.name.clone(), label: choice.name.clone(), options }
}
