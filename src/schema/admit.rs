//! Admission: a value held against the field that it is meant for. Everything that enters a Target comes
//! through here, and so does every constant that a flow writes.
//!
//! Who may write the field is not asked here, and whether a create may leave a required field empty until its core
//! operation isn't either: this says only whether the value can stand in the field.

use std::fmt;

use smol_str::SmolStr;

use super::{Field, Schema};
use crate::diagnostic::Code;
use crate::value::{ChoiceId, Decimal, EntityId, Type, Value};

/// Why a value can't stand in a field.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The field's name.
    pub field: SmolStr,
    /// What is wrong with the value.
    pub breach: Breach,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Breach {
    /// Empty, where the field is required.
    Empty,
    /// Of another type than the field.
    Type {
        /// What the field holds, in words.
        expected: &'static str,
        /// What came, in words.
        found: &'static str,
    },
    /// A number outside the field's range.
    Range {
        /// The number.
        value: Decimal,
        /// The smallest the field takes.
        low: Decimal,
        /// The largest the field takes.
        high: Decimal,
    },
    /// More decimals than the field keeps.
    Scale {
        /// The number.
        value: Decimal,
        /// How many decimals the field keeps.
        scale: u8,
    },
    /// A float that is no number, or infinite.
    NotFinite,
    /// A time with parts of a microsecond.
    Precision,
    /// A text that is too long.
    Length {
        /// Its length in Unicode scalar values.
        length: usize,
        /// The longest the field takes.
        limit: u32,
    },
    /// A code that is no option of the choice.
    Option {
        /// The code.
        code: i32,
        /// The options that there are, the first few by name and code.
        options: String,
    },
    /// A reference to a record of an entity that the lookup can't refer to.
    Target {
        /// The entity of the record.
        found: SmolStr,
        /// The entities that the lookup can refer to.
        expected: String,
    },
}

impl Violation {
    /// The fault that it is at run time.
    pub fn code(&self) -> Code {
        if self.breach == Breach::Empty { Code::F05 } else { Code::F04 }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = &self.field;
        match &self.breach {
            Breach::Empty => write!(f, "`{field}` may not be empty"),
            Breach::Type { expected, found } => write!(f, "`{field}` holds {expected}, not {found}"),
            Breach::Range { value, low, high } => {
                write!(f, "`{field}` takes {low} to {high}, not {}", value.normalize())
            }
            Breach::Scale { value, scale: 0 } => write!(f, "`{field}` keeps no decimals, and {} has some", value.normalize()),
            Breach::Scale { value, scale } => {
                let plural = if *scale == 1 { "" } else { "s" };
                write!(f, "`{field}` keeps {scale} decimal{plural}, and {} has {}", value.normalize(), value.normalize().scale())
            }
            Breach::NotFinite => write!(f, "`{field}` holds a finite number"),
            Breach::Precision => write!(f, "`{field}` keeps microseconds, and the time has parts of one"),
            Breach::Length { length, limit } => write!(f, "`{field}` takes {limit} characters at most, not {length}"),
            Breach::Option { code, options } => write!(f, "`{field}` has no option {code}; it has {options}"),
            Breach::Target { found, expected } => write!(f, "`{field}` refers to {expected}, not to `{found}`"),
        }
    }
}

impl std::error::Error for Violation {}

impl Field {
    /// The value as the field holds it, or why it can't. Nothing is rounded, cut or guessed: a number that
    /// merely has zeros behind its last decimal loses them, options of a set are put in order, and an empty set is an empty value.
    pub fn admit(&self, value: Value, schema: &Schema) -> Result<Value, Violation> {
        let admitted = match (&self.ty, value) {
            (_, Value::Empty) if self.required => Err(Breach::Empty),
            (_, Value::Empty) => Ok(Value::Empty),
            (Type::Boolean, value @ Value::Boolean(_)) | (Type::Uuid, value @ Value::Uuid(_)) | (Type::Date, value @ Value::Date(_)) => {
                Ok(value)
            }
            (Type::Integer | Type::BigInt, Value::Integer(number)) => self.in_range(Decimal::from(number)).map(|()| Value::Integer(number)),
            (Type::Decimal(scale) | Type::Money(scale), Value::Decimal(number)) => self.in_scale(number, *scale),
            (Type::Float, Value::Float(number)) if number.is_finite() => Ok(Value::Float(number)),
            (Type::Float, Value::Float(_)) => Err(Breach::NotFinite),
            (Type::Text, Value::Text(text)) => self.in_length(text),
            (Type::Choice(choice), Value::Choice(code)) => option(schema, *choice, code).map(|()| Value::Choice(code)),
            (Type::Choices(choice), Value::Choices(codes)) => options(schema, *choice, codes),
            (Type::DateTime, Value::DateTime(time)) => precise(time.subsec_nanosecond()).map(|()| Value::DateTime(time)),
            (Type::LocalDateTime, Value::LocalDateTime(time)) => precise(time.subsec_nanosecond()).map(|()| Value::LocalDateTime(time)),
            (Type::Lookup(targets), Value::Reference(reference)) if targets.binary_search(&reference.entity).is_ok() => {
                Ok(Value::Reference(reference))
            }
            (Type::Lookup(targets), Value::Reference(reference)) => Err(target(schema, targets, reference.entity)),
            (ty, value) => Err(Breach::Type { expected: type_in_words(ty), found: value_in_words(&value) }),
        };
        admitted.map_err(|breach| Violation { field: self.name.clone(), breach })
    }

    fn in_range(&self, value: Decimal) -> Result<(), Breach> {
        match self.range {
            Some((low, high)) if value < low || value > high => Err(Breach::Range { value, low, high }),
            _ => Ok(()),
        }
    }

    fn in_scale(&self, value: Decimal, scale: u8) -> Result<Value, Breach> {
        self.in_range(value)?;
        if value.scale() <= u32::from(scale) {
            return Ok(Value::Decimal(value));
        }
        let shorter = value.normalize();
        if shorter.scale() <= u32::from(scale) { Ok(Value::Decimal(shorter)) } else { Err(Breach::Scale { value, scale }) }
    }

    fn in_length(&self, text: SmolStr) -> Result<Value, Breach> {
        let Some(limit) = self.max_length else { return Ok(Value::Text(text)) };
        if text.len() > limit as usize {
            let length = text.chars().count();
            if length > limit as usize {
                return Err(Breach::Length { length, limit });
            }
        }
        Ok(Value::Text(text))
    }
}

fn precise(nanosecond: i32) -> Result<(), Breach> {
    if nanosecond % 1_000 == 0 { Ok(()) } else { Err(Breach::Precision) }
}

fn option(schema: &Schema, choice: ChoiceId, code: i32) -> Result<(), Breach> {
    let Some(choice) = schema.choice(choice) else { return Err(Breach::Option { code, options: "none".to_owned() }) };
    if choice.by_code(code).is_some() {
        return Ok(());
    }
    let named: Vec<String> = choice.options.iter().take(8).map(|option| format!("{} ({})", option.name, option.code)).collect();
    let more = if choice.options.len() > named.len() { ", …" } else { "" };
    Err(Breach::Option { code, options: format!("{}{more}", named.join(", ")) })
}

fn options(schema: &Schema, choice: ChoiceId, codes: std::sync::Arc<[i32]>) -> Result<Value, Breach> {
    codes.iter().try_for_each(|code| option(schema, choice, *code))?;
    if codes.is_empty() {
        return Ok(Value::Empty);
    }
    if codes.is_sorted_by(|one, next| one < next) {
        return Ok(Value::Choices(codes));
    }
    let mut ordered = codes.to_vec();
    ordered.sort_unstable();
    ordered.dedup();
    Ok(Value::Choices(ordered.into()))
}

fn target(schema: &Schema, targets: &[EntityId], found: EntityId) -> Breach {
    let name = |id: EntityId| schema.entity(id).map(|entity| entity.name.clone()).unwrap_or_default();
    let named: Vec<String> = targets.iter().take(8).map(|id| format!("`{}`", name(*id))).collect();
    let more = if targets.len() > named.len() { " or others" } else { "" };
    Breach::Target { found: name(found), expected: format!("{}{more}", named.join(" or ")) }
}

/// What a field of a type holds, for people: `a text`.
pub fn type_in_words(ty: &Type) -> &'static str {
    match ty {
        Type::Boolean => "true or false",
        Type::Integer | Type::BigInt => "a whole number",
        Type::Decimal(_) => "a number",
        Type::Float => "a float",
        Type::Money(_) => "an amount of money",
        Type::Text => "text",
        Type::Choice(_) => "an option",
        Type::Choices(_) => "a set of options",
        Type::Date => "a date",
        Type::DateTime => "a datetime",
        Type::LocalDateTime => "a local datetime",
        Type::Duration => "a duration",
        Type::Period => "a duration of months or years",
        Type::Lookup(_) => "a record",
        Type::Uuid => "a uuid",
    }
}

fn value_in_words(value: &Value) -> &'static str {
    match value {
        Value::Empty => "nothing",
        Value::Boolean(_) => "true or false",
        Value::Integer(_) => "a whole number",
        Value::Decimal(_) => "a number",
        Value::Float(_) => "a float",
        Value::Text(_) => "text",
        Value::Choice(_) => "an option",
        Value::Choices(_) => "a set of options",
        Value::Date(_) => "a date",
        Value::DateTime(_) => "a datetime",
        Value::LocalDateTime(_) => "a local datetime",
        Value::Duration(_) => "a duration",
        Value::Reference(_) => "a record",
        Value::Uuid(_) => "a uuid",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Choice, ChoiceOption, Default, DeleteBehaviour};
    use crate::value::{Reference, Uuid};

    fn field(ty: Type) -> Field {
        let range = crate::schema::natural_range(&ty);
        Field {
            name: "f".into(),
            label: "f".into(),
            ty,
            range,
            max_length: Some(3),
            required: false,
            read_only: false,
            default: Default::None,
            on_delete: DeleteBehaviour::RemoveLink,
            audited: false,
            column: None,
        }
    }

    fn schema() -> Schema {
        let option = |name: &str, code| ChoiceOption { name: name.into(), label: name.into(), code };
        let mut schema = Schema::default();
        schema.choices.insert(
            "Rating".into(),
            Choice { name: "Rating".into(), label: "Rating".into(), options: vec![option("hot", 1), option("cold", 3)] },
        );
        schema
    }

    fn refused(field: &Field, value: Value) -> String {
        field.admit(value, &schema()).expect_err("it was admitted").to_string()
    }

    #[test]
    fn numbers_keep_their_range_and_their_digits() {
        let money = field(Type::Money(2));
        let number = |text: &str| Value::Decimal(text.parse().unwrap());
        assert_eq!(money.admit(number("1.25"), &schema()), Ok(number("1.25")));
        assert_eq!(money.admit(number("1.2500"), &schema()).map(|value| format!("{value:?}")), Ok(format!("{:?}", number("1.25"))));
        assert_eq!(refused(&money, number("1.255")), "`f` keeps 2 decimals, and 1.255 has 3");
        assert_eq!(refused(&money, number("922337203685478")), "`f` takes -922337203685477 to 922337203685477, not 922337203685478");
        let bounded = Field { range: Some((Decimal::ZERO, Decimal::ONE_HUNDRED)), ..field(Type::Integer) };
        assert_eq!(bounded.admit(Value::Integer(100), &schema()), Ok(Value::Integer(100)));
        assert_eq!(refused(&bounded, Value::Integer(-1)), "`f` takes 0 to 100, not -1");
        assert_eq!(refused(&field(Type::Float), Value::Float(f64::NAN)), "`f` holds a finite number");
    }

    #[test]
    fn text_counts_characters() {
        assert!(field(Type::Text).admit(Value::Text("äöü".into()), &schema()).is_ok());
        assert_eq!(refused(&field(Type::Text), Value::Text("äöüß".into())), "`f` takes 3 characters at most, not 4");
    }

    #[test]
    fn options_are_members_and_sets_are_in_order() {
        let choices = field(Type::Choices(ChoiceId(0)));
        assert_eq!(choices.admit(Value::Choices([3, 1, 3].into()), &schema()), Ok(Value::Choices([1, 3].into())));
        assert_eq!(choices.admit(Value::Choices([].into()), &schema()), Ok(Value::Empty));
        assert_eq!(refused(&choices, Value::Choices([1, 2].into())), "`f` has no option 2; it has hot (1), cold (3)");
        assert_eq!(refused(&field(Type::Choice(ChoiceId(0))), Value::Integer(1)), "`f` holds an option, not a whole number");
    }

    #[test]
    fn emptiness_and_targets() {
        let required = Field { required: true, ..field(Type::Boolean) };
        let violation = required.admit(Value::Empty, &schema()).expect_err("it was admitted");
        assert_eq!((violation.code(), violation.to_string().as_str()), (Code::F05, "`f` may not be empty"));
        assert_eq!(field(Type::Boolean).admit(Value::Empty, &schema()), Ok(Value::Empty));
        let lookup = field(Type::Lookup([EntityId(1), EntityId(4)].into()));
        let reference = |entity| Value::Reference(Reference { entity: EntityId(entity), id: Uuid::nil() });
        assert_eq!(lookup.admit(reference(4), &schema()), Ok(reference(4)));
        assert!(matches!(lookup.admit(reference(2), &schema()), Err(Violation { breach: Breach::Target { .. }, .. })));
    }

    #[test]
    fn a_time_keeps_its_microseconds_or_is_refused() {
        let time = |text: &str| Value::DateTime(text.parse().unwrap());
        assert!(field(Type::DateTime).admit(time("2026-01-01T00:00:00.000001Z"), &schema()).is_ok());
        assert!(refused(&field(Type::DateTime), time("2026-01-01T00:00:00.0000001Z")).starts_with("`f` keeps microseconds"));
    }
}
