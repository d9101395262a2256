//! Schemas and rows for the cases, by hand: the store needs no language.

use weir::schema::{Choice, ChoiceOption, Default as FieldDefault, DeleteBehaviour, Entity, Field, Key, Ownership, Row, Schema};
use weir::value::{ChoiceId, EntityId, Reference, Slot, Type, Uuid, Value};

pub const ACCOUNT: EntityId = EntityId(0);
pub const CONTACT: EntityId = EntityId(1);

/// Slots of `account`.
pub mod account {
    use super::Slot;
    pub const NAME: Slot = Slot(1);
    pub const COUNT: Slot = Slot(3);
    pub const RATE: Slot = Slot(6);
    pub const PARENT: Slot = Slot(14);
    pub const CUSTOMER: Slot = Slot(15);
    pub const NUMBER: Slot = Slot(17);
}

/// The slot of `contact.account`.
pub const CONTACT_ACCOUNT: Slot = Slot(2);

/// A field of every type, two kinds of lookup, a key of one field and one of two.
pub fn account_fields() -> Vec<(&'static str, Type)> {
    vec![
        ("name", Type::Text),
        ("flag", Type::Boolean),
        ("count", Type::Integer),
        ("big", Type::BigInt),
        ("price", Type::Money(4)),
        ("rate", Type::Decimal(10)),
        ("share", Type::Decimal(7)),
        ("ratio", Type::Float),
        ("rating", Type::Choice(ChoiceId(0))),
        ("tags", Type::Choices(ChoiceId(0))),
        ("day", Type::Date),
        ("at", Type::DateTime),
        ("clock", Type::LocalDateTime),
        ("parent", Type::Lookup([ACCOUNT].into())),
        ("customer", Type::Lookup([ACCOUNT, CONTACT].into())),
        ("token", Type::Uuid),
        ("number", Type::Text),
    ]
}

pub fn company() -> Schema {
    let mut account = entity("account", account_fields());
    account.keys = vec![Key { fields: vec![account::NUMBER] }, Key { fields: vec![account::NAME, account::CUSTOMER] }];
    let contact = entity("contact", vec![("fullname", Type::Text), ("account", Type::Lookup([ACCOUNT].into()))]);
    schema(vec![account, contact])
}

/// A schema of these entities, with one choice of the codes -5, 1 and 7.
pub fn schema(entities: Vec<Entity>) -> Schema {
    let option = |code: i32| ChoiceOption { name: format!("o{}", code.unsigned_abs()).into(), label: "".into(), code };
    let choice = Choice { name: "Rating".into(), label: "Rating".into(), options: [-5, 1, 7].map(option).into() };
    Schema {
        entities: entities.into_iter().map(|entity| (entity.name.clone(), entity)).collect(),
        choices: [(choice.name.clone(), choice)].into_iter().collect(),
        roles: Default::default(),
    }
}

pub fn entity(name: &str, fields: Vec<(&str, Type)>) -> Entity {
    let key = format!("{name}id");
    let all = std::iter::once((key.as_str(), Type::Uuid)).chain(fields);
    Entity {
        name: name.into(),
        label: name.into(),
        fields: all.map(|(name, ty)| (name.into(), field(name, ty))).collect(),
        primary_name: None,
        keys: Vec::new(),
        owned_by: Ownership::Organization,
        statuses: Vec::new(),
        read_only: false,
        table: None,
    }
}

fn field(name: &str, ty: Type) -> Field {
    Field {
        name: name.into(),
        label: name.into(),
        ty,
        range: None,
        max_length: None,
        required: false,
        read_only: false,
        default: FieldDefault::None,
        on_delete: DeleteBehaviour::RemoveLink,
        audited: false,
        column: None,
    }
}

/// An id of a case's own.
pub fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub fn row(number: u128, values: impl IntoIterator<Item = (Slot, Value)>) -> Row {
    let mut row = Row::new(18);
    row.set(Slot(0), Value::Uuid(id(number)));
    values.into_iter().for_each(|(slot, value)| row.set(slot, value));
    row
}

pub fn reference(entity: EntityId, number: u128) -> Value {
    Value::Reference(Reference { entity, id: id(number) })
}

pub fn text(text: &str) -> Value {
    Value::Text(text.into())
}
