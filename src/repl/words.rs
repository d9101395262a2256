//! Values and types in the words of the language, as people would type them.

use crate::project::written::literal;
use crate::schema::{Field, Schema};
use crate::value::{ChoiceId, Type, Value};

/// A value as it would be written; a record is told by whoever can look it up.
pub(super) fn value(value: &Value, ty: &Type, schema: &Schema) -> String {
    match value {
        Value::Text(text) => literal(text),
        Value::Reference(record) => record.id.to_string(),
        other => schema.written(other, Some(ty), usize::MAX),
    }
}

/// A type as a field of it is declared, in short: `money`, `lookup account | contact`.
pub(super) fn ty(ty: &Type, schema: &Schema) -> String {
    let choice = |id: &ChoiceId| schema.choice(*id).map_or("choice", |choice| choice.name.as_str()).to_owned();
    match ty {
        Type::Boolean => "boolean".to_owned(),
        Type::Integer => "integer".to_owned(),
        Type::BigInt => "bigint".to_owned(),
        Type::Decimal(2) => "decimal".to_owned(),
        Type::Decimal(scale) => format!("decimal({scale})"),
        Type::Float => "float".to_owned(),
        Type::Money(4) => "money".to_owned(),
        Type::Money(scale) => format!("money({scale})"),
        Type::Text => "text".to_owned(),
        Type::Choice(id) => format!("choice {}", choice(id)),
        Type::Choices(id) => format!("choices {}", choice(id)),
        Type::Date => "date".to_owned(),
        Type::DateTime => "datetime".to_owned(),
        Type::LocalDateTime => "datetime local".to_owned(),
        Type::Duration => "duration".to_owned(),
        Type::Period => "duration in months".to_owned(),
        Type::Uuid => "uuid".to_owned(),
        Type::Lookup(entities) => {
            let name = |id: &_| schema.entity(*id).map_or("record", |entity| entity.name.as_str());
            format!("lookup {}", entities.iter().map(name).collect::<Vec<_>>().join(" | "))
        }
    }
}

/// The type of a field, with its bounds: `integer(0..100)`, `text(160)`.
pub(super) fn field(field: &Field, schema: &Schema) -> String {
    let natural = crate::schema::natural_range(&field.ty);
    match (&field.ty, field.max_length, field.range) {
        (Type::Text, Some(length), _) => format!("text({length})"),
        (Type::Integer | Type::BigInt, _, Some((low, high))) if natural != Some((low, high)) => {
            let (least, most) = natural.unwrap_or((low, high));
            let end = |bound, natural| if bound == natural { String::new() } else { format!("{bound}") };
            format!("{}({}..{})", ty(&field.ty, schema), end(low, least), end(high, most))
        }
        (Type::Choice(id) | Type::Choices(id), ..) => {
            let options = schema.choice(*id).map(|choice| choice.options.iter().map(|option| option.name.as_str()).collect::<Vec<_>>());
            format!("{} {{ {} }}", ty(&field.ty, schema), options.unwrap_or_default().join(", "))
        }
        _ => ty(&field.ty, schema),
    }
}
