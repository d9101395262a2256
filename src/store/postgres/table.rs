//! An entity as PostgreSQL sees it: its table, its columns, and the SQL of everything that is done with them. Identifiers are checked
//! and quoted here; values never come into this file.

use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use super::identifier::{identifier, name, quoted, short};
use crate::schema::{Entity, Field, PRIMARY_KEY, Schema, system};
use crate::store::StoreError;
use crate::value::{EntityId, Slot, Type};

/// The digits of a number: all that fit 96 bits, whatever its scale.
const PRECISION: u8 = 38;

#[derive(Debug)]
pub(super) struct Table {
    /// The entity's name.
    pub name: SmolStr,
    /// The table's name in the catalogue.
    pub table: String,
    /// The same with its schema, quoted for SQL.
    pub quoted: String,
    /// By slot.
    pub columns: Vec<Column>,
    /// The column of the primary key, quoted.
    pub key: String,
    /// Lookups that PostgreSQL can't check by itself.
    pub wide_lookups: Vec<Slot>,
    /// Lookups to the entity itself: of them one row of a statement may refer to another.
    pub self_lookups: Vec<Slot>,
    /// The fields of keys: rows are written one by one where they change.
    pub keyed: FxHashSet<Slot>,
    /// The column that counts writes, quoted.
    version: Option<String>,
}

#[derive(Debug)]
pub(super) struct Column {
    /// The field's name.
    pub field: SmolStr,
    /// The column's name, quoted for SQL.
    pub quoted: String,
    /// The second column of a lookup to several entities, which holds the entity's name.
    pub entity: Option<String>,
    /// How its values are stored.
    pub kind: Kind,
}

/// How values of a field are stored.
#[derive(Debug)]
pub(super) enum Kind {
    Boolean,
    Integer,
    BigInt,
    /// `numeric` with so many decimals.
    Number(u8),
    Float,
    /// `text`, compared by code point.
    Text,
    /// `integer`, one of these codes.
    Choice(Vec<i32>),
    /// `integer[]`, codes of these in ascending order.
    Choices(Vec<i32>),
    Date,
    /// `timestamptz`.
    DateTime,
    /// `timestamp`.
    LocalDateTime,
    Uuid,
    /// `uuid`, a foreign key.
    Reference(EntityId),
    /// `uuid`, beside the name of one of these entities.
    AnyReference(Vec<(EntityId, SmolStr)>),
}

/// What a constraint of the database is about: the entity and the fields that it holds together.
pub(super) type Constraints = FxHashMap<String, (EntityId, Vec<Slot>)>;

/// The tables of a schema, and the names of their keys and links.
pub(super) fn tables(schema: &Schema, space: &str) -> Result<(Vec<Table>, Constraints), StoreError> {
    let tables = schema.entities().map(|(id, entity)| Table::new(schema, space, id, entity)).collect::<Result<Vec<_>, _>>()?;
    let mut constraints = Constraints::default();
    for (id, entity) in schema.entities() {
        for key in &entity.keys {
            let fields: Vec<SmolStr> = key.fields.iter().filter_map(|slot| entity.field(*slot)).map(|field| field.name.clone()).collect();
            constraints.insert(key_name(&entity.name, &fields), (id, key.fields.to_vec()));
        }
        for (index, field) in entity.fields.values().enumerate() {
            constraints.insert(link_name(&entity.name, &field.name), (id, vec![Slot(index as u16)]));
        }
        constraints.insert(short(format!("{}$pk", entity.name)), (id, vec![PRIMARY_KEY]));
    }
    Ok((tables, constraints))
}

impl Table {
    fn new(schema: &Schema, space: &str, id: EntityId, entity: &Entity) -> Result<Self, StoreError> {
        if entity.table.is_some() {
            return unusable(format!(
                "`{}` is mapped to a table of somebody's own, which only a SQLite store can be asked for",
                entity.name
            ));
        }
        if entity.name.starts_with("weir_") {
            return unusable(format!("an entity can't be called `{}`: tables of such names are the store's own", entity.name));
        }
        let columns = entity.fields.values().map(|field| Column::new(schema, entity, field)).collect::<Result<Vec<_>, _>>()?;
        let slots = |is: &dyn Fn(&Column) -> bool| {
            columns.iter().enumerate().filter(|(_, column)| is(column)).map(|(slot, _)| Slot(slot as u16)).collect()
        };
        Ok(Table {
            table: name(&entity.name, "")?,
            quoted: format!("{}.{}", quoted(space), identifier(&entity.name, "")?),
            key: columns.first().map(|column| column.quoted.clone()).unwrap_or_default(),
            wide_lookups: slots(&|column| matches!(column.kind, Kind::AnyReference(_))),
            self_lookups: slots(&|column| matches!(column.kind, Kind::Reference(target) if target == id)),
            keyed: entity.keys.iter().flat_map(|key| key.fields.iter().copied()).collect(),
            version: columns.iter().find(|column| column.field == system::VERSION).map(|column| column.quoted.clone()),
            name: entity.name.clone(),
            columns,
        })
    }

    pub(super) fn column(&self, slot: Slot) -> Result<&Column, StoreError> {
        self.columns.get(usize::from(slot.0)).ok_or_else(|| StoreError::Failed(format!("`{}` has no field number {}", self.name, slot.0)))
    }

    /// The columns of some fields, those of entities' names included, each with the type of its values.
    pub(super) fn written(&self, slots: impl Iterator<Item = Slot>) -> Result<Vec<Written<'_>>, StoreError> {
        let mut written = Vec::new();
        for slot in slots {
            let column = self.column(slot)?;
            let list = matches!(column.kind, Kind::Choices(_));
            written.push(Written { name: &column.quoted, ty: column.kind.parameter(), list });
            written.extend(column.entity.as_deref().map(|name| Written { name, ty: "text", list: false }));
        }
        Ok(written)
    }

    /// Inserts one row, or as many as its arrays hold.
    pub(super) fn insert(&self, columns: &[Written<'_>], many: bool) -> String {
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        let values: Vec<String> = (1..).zip(columns).map(|(place, column)| column.value(place, many)).collect();
        let from =
            if many { format!("SELECT {} FROM {}", values.join(", "), unnest(columns)) } else { format!("VALUES ({})", values.join(", ")) };
        format!("INSERT INTO {} ({}) {from}", self.quoted, names.join(", "))
    }

    /// Updates the row whose id is the first parameter, or the rows whose ids are the first array.
    pub(super) fn update(&self, columns: &[Written<'_>], many: bool) -> String {
        let (_, rest) = columns.split_at_checked(1).unwrap_or_default();
        let mut sets: Vec<String> =
            (2..).zip(rest).map(|(place, column)| format!("{} = {}", column.name, column.value(place, many))).collect();
        if let Some(version) = self.version.as_ref().filter(|version| !rest.iter().any(|column| column.name == version.as_str())) {
            sets.push(format!("{version} = t.{version} + 1"));
        }
        if sets.is_empty() {
            sets.push(format!("{0} = t.{0}", self.key));
        }
        let (table, key, sets) = (&self.quoted, &self.key, sets.join(", "));
        match many {
            true => format!("UPDATE {table} AS t SET {sets} FROM {} WHERE t.{key} = n.c1", unnest(columns)),
            false => format!("UPDATE {table} AS t SET {sets} WHERE t.{key} = $1::uuid"),
        }
    }

    /// What a query gives of some fields, behind the id.
    pub(super) fn selected(&self, slots: impl Iterator<Item = Slot>) -> Result<String, StoreError> {
        let mut names = vec![self.key.as_str()];
        for slot in slots.filter(|slot| *slot != PRIMARY_KEY) {
            let column = self.column(slot)?;
            names.push(&column.quoted);
            names.extend(column.entity.as_deref());
        }
        Ok(names.join(", "))
    }

    /// The statements that make the table; links to others come later, when all tables are there.
    pub(super) fn create(&self) -> Vec<String> {
        let primary = format!("CONSTRAINT {} PRIMARY KEY ({})", quoted(&short(format!("{}$pk", self.name))), self.key);
        let parts: Vec<String> = self.columns.iter().flat_map(Column::definitions).chain([primary]).collect();
        let indexes = self.columns.iter().skip(1).filter_map(|column| self.index(column));
        std::iter::once(format!("CREATE TABLE {} ({})", self.quoted, parts.join(", "))).chain(indexes).collect()
    }

    /// The statements that add a column.
    pub(super) fn add(&self, column: &Column) -> Vec<String> {
        let columns = column.definitions().into_iter().map(|definition| format!("ALTER TABLE {} ADD COLUMN {definition}", self.quoted));
        columns.chain(self.index(column)).collect()
    }

    /// The statement that has PostgreSQL hold a lookup to one entity.
    pub(super) fn link(&self, column: &Column, tables: &[Table]) -> Option<String> {
        let Kind::Reference(target) = &column.kind else { return None };
        let target = tables.get(usize::from(target.0))?;
        let name = quoted(&link_name(&self.name, &column.field));
        Some(format!(
            "ALTER TABLE {} ADD CONSTRAINT {name} FOREIGN KEY ({}) REFERENCES {} ({})",
            self.quoted, column.quoted, target.quoted, target.key
        ))
    }

    /// The index by which a lookup is followed backwards. The platform's own lookups have none: every record has them and
    /// every insert would pay, while a user is deleted once in years.
    fn index(&self, column: &Column) -> Option<String> {
        let lookup = matches!(column.kind, Kind::Reference(_) | Kind::AnyReference(_));
        let own = ![system::CREATED_BY, system::MODIFIED_BY, system::OWNER].contains(&column.field.as_str());
        (lookup && own).then(|| {
            let name = quoted(&short(format!("{}$by${}", self.name, column.field)));
            format!("CREATE INDEX {name} ON {} ({}) WHERE {} IS NOT NULL", self.quoted, column.quoted, column.quoted)
        })
    }

    /// The statement that makes the index of a key. Empty values never agree.
    pub(super) fn create_key(&self, fields: &[SmolStr]) -> String {
        let columns = fields.iter().filter_map(|field| self.columns.iter().find(|column| column.field == *field));
        let names: Vec<_> = columns.flat_map(|column| [Some(column.quoted.as_str()), column.entity.as_deref()]).flatten().collect();
        format!("CREATE UNIQUE INDEX {} ON {} ({})", quoted(&key_name(&self.name, fields)), self.quoted, names.join(", "))
    }
}

/// A column that is written, and the parameter that its values are in.
pub(super) struct Written<'t> {
    pub name: &'t str,
    /// The type of a parameter with one value.
    pub ty: &'static str,
    /// Whether a value is a list, which has to be read from a text.
    pub list: bool,
}

impl Written<'_> {
    fn value(&self, place: usize, many: bool) -> String {
        let cast = if self.list { "::integer[]" } else { "" };
        if many { format!("n.c{place}{cast}") } else { format!("${place}::{}{cast}", self.ty) }
    }
}

/// The rows whose columns are the arrays of the parameters.
fn unnest(columns: &[Written<'_>]) -> String {
    let arrays: Vec<String> = (1..).zip(columns).map(|(place, column): (usize, _)| format!("${place}::{}[]", column.ty)).collect();
    let names: Vec<String> = (1..=columns.len()).map(|place| format!("c{place}")).collect();
    format!("UNNEST({}) AS n ({})", arrays.join(", "), names.join(", "))
}

impl Column {
    fn new(schema: &Schema, entity: &Entity, field: &Field) -> Result<Self, StoreError> {
        let kind = kind(schema, &field.ty);
        let kind = kind
            .ok_or_else(|| StoreError::Unusable(format!("the field `{}.{}` has a type that can't be stored", entity.name, field.name)))?;
        let entity = matches!(kind, Kind::AnyReference(_)).then(|| identifier(&field.name, "$entity")).transpose()?;
        Ok(Column { field: field.name.clone(), quoted: identifier(&field.name, "")?, entity, kind })
    }

    fn definitions(&self) -> Vec<String> {
        let entity = self.entity.as_ref().map(|name| format!("{name} text COLLATE \"C\""));
        std::iter::once(format!("{} {}", self.quoted, self.kind.column())).chain(entity).collect()
    }
}

impl Kind {
    /// The type of a column.
    pub(super) fn column(&self) -> String {
        match self {
            Kind::Number(scale) => format!("numeric({PRECISION}, {scale})"),
            Kind::Text => "text COLLATE \"C\"".to_owned(),
            Kind::Choices(_) => "integer[]".to_owned(),
            other => other.parameter().to_owned(),
        }
    }

    /// The type of a parameter with one value of it.
    pub(super) fn parameter(&self) -> &'static str {
        match self {
            Kind::Boolean => "boolean",
            Kind::Integer | Kind::Choice(_) => "integer",
            Kind::BigInt => "bigint",
            Kind::Number(_) => "numeric",
            Kind::Float => "double precision",
            Kind::Text | Kind::Choices(_) => "text",
            Kind::Date => "date",
            Kind::DateTime => "timestamptz",
            Kind::LocalDateTime => "timestamp",
            Kind::Uuid | Kind::Reference(_) | Kind::AnyReference(_) => "uuid",
        }
    }
}

fn kind(schema: &Schema, ty: &Type) -> Option<Kind> {
    let codes = |choice| schema.choice(choice).map(|choice| choice.options.iter().map(|option| option.code).collect());
    Some(match ty {
        Type::Boolean => Kind::Boolean,
        Type::Integer => Kind::Integer,
        Type::BigInt => Kind::BigInt,
        Type::Decimal(scale) | Type::Money(scale) => Kind::Number(*scale),
        Type::Float => Kind::Float,
        Type::Text => Kind::Text,
        Type::Choice(choice) => Kind::Choice(codes(*choice)?),
        Type::Choices(choice) => Kind::Choices(codes(*choice)?),
        Type::Date => Kind::Date,
        Type::DateTime => Kind::DateTime,
        Type::LocalDateTime => Kind::LocalDateTime,
        Type::Uuid => Kind::Uuid,
        Type::Lookup(targets) => match targets.as_ref() {
            [target] => Kind::Reference(*target),
            several => {
                let named = several.iter().map(|target| Some((*target, schema.entity(*target)?.name.clone())));
                Kind::AnyReference(named.collect::<Option<_>>()?)
            }
        },
        Type::Duration | Type::Period => return None,
    })
}

/// The name of a key's index.
pub(super) fn key_name(entity: &str, fields: &[SmolStr]) -> String {
    short(format!("{entity}$key${}", fields.join("$")))
}

fn link_name(entity: &str, field: &str) -> String {
    short(format!("{entity}$to${field}"))
}

fn unusable<T>(message: String) -> Result<T, StoreError> {
    Err(StoreError::Unusable(message))
}
