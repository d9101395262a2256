//! How the values of each type are stored: one way in the tables of ours, and another in a table of somebody's own, whose
//! forms are those that people and SQLite's own functions use.

use smol_str::SmolStr;

use super::key::{Class, Key, Met};
use crate::schema::{Entity, Schema};
use crate::store::{StoreError, WIDEST_SCALED};
use crate::value::{EntityId, Type};

/// How values of a field are stored.
#[derive(Debug)]
pub(super) enum Kind {
    /// INTEGER 0 or 1.
    Boolean,
    /// INTEGER of 32 bits.
    Integer,
    /// INTEGER.
    BigInt,
    /// INTEGER, in units of the last digit.
    Scaled(u8),
    /// BLOB of 16 bytes, in units of the last digit, in the order of the numbers.
    Long(u8),
    /// REAL.
    Float,
    /// TEXT.
    Text,
    /// INTEGER, one of these codes.
    Choice(Vec<i32>),
    /// TEXT, codes of these in ascending order: `[1,3]`.
    Choices(Vec<i32>),
    /// INTEGER, days since 1970.
    Date,
    /// INTEGER, microseconds since 1970, UTC.
    DateTime,
    /// INTEGER, microseconds since 1970 on the clock.
    LocalDateTime,
    /// BLOB of 16 bytes, a foreign key.
    Reference(EntityId),
    /// BLOB of 16 bytes, beside the name of one of these entities as TEXT.
    AnyReference(Vec<(EntityId, SmolStr)>),
    /// BLOB of 16 bytes.
    Uuid,
    /// Only in somebody's own table: INTEGER or REAL, with so many decimals at most.
    Number(u8),
    /// TEXT, as in ISO 8601: `2026-11-28`.
    IsoDate,
    /// TEXT, as SQLite's own functions give it, UTC: `2026-11-28 09:30:00`, with a fraction of up to six digits.
    IsoDateTime,
    /// The same, on the clock.
    IsoLocal,
    /// TEXT, the label of one of these options.
    Label(Vec<(i32, SmolStr)>),
    /// What the key of this entity holds.
    Row(EntityId, Key),
}

/// How the rows of an entity are told apart, where its table is somebody's own.
pub(super) fn mapped(schema: &Schema, entity: &Entity, depth: usize) -> Result<Option<Key>, StoreError> {
    if entity.table.is_none() {
        return Ok(None);
    }
    let mut classes = Vec::new();
    for field in entity.identity().iter().filter_map(|slot| entity.field(*slot)) {
        match &field.ty {
            Type::Integer | Type::BigInt => classes.push(Class::Integer),
            Type::Text => classes.push(Class::Text),
            Type::Uuid => classes.push(Class::Uuid),
            Type::Lookup(targets) if depth < 10 => match targets.as_ref() {
                [target] => {
                    let target = schema.entity(*target).map(|target| mapped(schema, target, depth + 1)).transpose()?.flatten();
                    classes.extend(target.into_iter().flat_map(|target| target.classes));
                }
                _ => return unusable(format!("the key of `{}` can't be one of a table", entity.name)),
            },
            _ => return unusable(format!("the key of `{}` can't be one of a table", entity.name)),
        }
    }
    if classes.is_empty() || classes.len() != entity.identity().len() {
        return unusable(format!("the key of `{}` can't be one of a table", entity.name));
    }
    Ok(Some(Key { entity: entity.name.clone(), classes, met: Met::default() }))
}

/// How values of a type are stored in a table of ours, or in a mapped one.
pub(super) fn kind(schema: &Schema, ty: &Type, in_mapped: bool) -> Result<Option<Kind>, StoreError> {
    Ok(match ty {
        Type::Decimal(scale) | Type::Money(scale) if in_mapped => Some(Kind::Number(*scale)),
        Type::Date if in_mapped => Some(Kind::IsoDate),
        Type::DateTime if in_mapped => Some(Kind::IsoDateTime),
        Type::LocalDateTime if in_mapped => Some(Kind::IsoLocal),
        Type::Lookup(targets) => {
            let one = match targets.as_ref() {
                [target] => schema.entity(*target).map(|entity| (*target, entity)),
                _ => None,
            };
            match one.map(|(target, entity)| mapped(schema, entity, 0).map(|key| (target, key))).transpose()? {
                Some((target, Some(key))) if in_mapped => Some(Kind::Row(target, key)),
                Some((target, None)) if !in_mapped => Some(Kind::Reference(target)),
                _ if in_mapped => None,
                _ => {
                    let named = targets.iter().map(|target| Some((*target, schema.entity(*target)?.name.clone())));
                    named.collect::<Option<_>>().map(Kind::AnyReference)
                }
            }
        }
        other => own_kind(schema, other),
    })
}

fn own_kind(schema: &Schema, ty: &Type) -> Option<Kind> {
    let codes = |choice| schema.choice(choice).map(|choice| choice.options.iter().map(|option| option.code).collect());
    Some(match ty {
        Type::Boolean => Kind::Boolean,
        Type::Integer => Kind::Integer,
        Type::BigInt => Kind::BigInt,
        Type::Decimal(scale) | Type::Money(scale) if *scale <= WIDEST_SCALED => Kind::Scaled(*scale),
        Type::Decimal(scale) | Type::Money(scale) => Kind::Long(*scale),
        Type::Float => Kind::Float,
        Type::Text => Kind::Text,
        Type::Choice(choice) => Kind::Choice(codes(*choice)?),
        Type::Choices(choice) => Kind::Choices(codes(*choice)?),
        Type::Date => Kind::Date,
        Type::DateTime => Kind::DateTime,
        Type::LocalDateTime => Kind::LocalDateTime,
        Type::Uuid => Kind::Uuid,
        Type::Lookup(_) | Type::Duration | Type::Period => return None,
    })
}

fn unusable<T>(message: String) -> Result<T, StoreError> {
    Err(StoreError::Unusable(message))
}
