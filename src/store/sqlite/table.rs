//! An entity as SQLite sees it: its table, its columns, and the SQL of everything that is done with them, written once.
//! Identifiers are checked and quoted here, and nowhere else. Values never come into this file.

use std::fmt::Write;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::schema::{Entity, FieldSet, PRIMARY_KEY, Schema, system};
use crate::store::StoreError;
use crate::value::{EntityId, Slot, Type};

/// The scale above which a number no longer fits a 64-bit integer.
const WIDEST_SCALED: u8 = 7;

/// How many shapes of one kind a table remembers.
const MOST_SHAPES: usize = 1024;

#[derive(Debug)]
pub(super) struct Table {
    /// The entity's name.
    pub name: SmolStr,
    /// The name, quoted for SQL.
    pub quoted: String,
    /// By slot.
    pub columns: Vec<Column>,
    /// Lookups that SQLite can't check by itself.
    pub wide_lookups: Vec<Slot>,
    pub exists: String,
    pub delete: String,
    shapes: [FxHashMap<FieldSet, Arc<str>>; 4],
}

#[derive(Debug)]
pub(super) struct Column {
    pub field: SmolStr,
    /// The field's name, quoted for SQL.
    pub quoted: String,
    /// The second column of a lookup to several entities, which holds the entity's name.
    pub entity: Option<String>,
    pub kind: Kind,
}

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
}

/// What is done to some fields of an entity.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verb {
    Read,
    Insert,
    Update,
    Find,
}

/// The tables of a schema.
pub(super) fn tables(schema: &Schema) -> Result<Vec<Table>, StoreError> {
    let mut names = FxHashSet::default();
    schema
        .entities()
        .map(|(_, entity)| {
            let lower = entity.name.to_ascii_lowercase();
            if lower.starts_with("sqlite_") || lower.starts_with("weir_") {
                return unusable(format!(
                    "an entity can't be called `{}` in a SQLite store, which has tables of such names itself",
                    entity.name
                ));
            }
            if !names.insert(lower) {
                return unusable(format!("the entity `{}` differs from another only in case, which SQLite can't tell apart", entity.name));
            }
            Table::new(schema, entity)
        })
        .collect()
}

impl Table {
    fn new(schema: &Schema, entity: &Entity) -> Result<Self, StoreError> {
        let mut names = FxHashSet::default();
        let mut columns = Vec::with_capacity(entity.fields.len());
        for (_, field) in entity.fields() {
            if !names.insert(field.name.to_ascii_lowercase()) {
                let name = &entity.name;
                return unusable(format!(
                    "the field `{name}.{}` differs from another only in case, which SQLite can't tell apart",
                    field.name
                ));
            }
            let kind = kind(schema, &field.ty).ok_or_else(|| {
                StoreError::Unusable(format!("the field `{}.{}` has a type that can't be stored", entity.name, field.name))
            })?;
            let entity = matches!(kind, Kind::AnyReference(_)).then(|| identifier(&field.name, "$entity")).transpose()?;
            columns.push(Column { field: field.name.clone(), quoted: identifier(&field.name, "")?, entity, kind });
        }
        let quoted = identifier(&entity.name, "")?;
        let key = columns.first().map(|column| column.quoted.clone()).unwrap_or_default();
        let wide = columns.iter().enumerate().filter(|(_, column)| column.entity.is_some()).map(|(slot, _)| Slot(slot as u16)).collect();
        Ok(Table {
            name: entity.name.clone(),
            columns,
            wide_lookups: wide,
            exists: format!("SELECT 1 FROM {quoted} WHERE {key} = ?1"),
            delete: format!("DELETE FROM {quoted} WHERE {key} = ?1"),
            quoted,
            shapes: Default::default(),
        })
    }

    pub(super) fn column(&self, slot: Slot) -> Result<&Column, StoreError> {
        self.columns.get(usize::from(slot.0)).ok_or_else(|| StoreError::Failed(format!("`{}` has no field number {}", self.name, slot.0)))
    }

    /// The slots of columns that SQLite names.
    pub(super) fn slots(&self, columns: Vec<String>) -> Vec<Slot> {
        let named =
            |name: &String| self.columns.iter().position(|column| column.field.eq_ignore_ascii_case(name.trim_end_matches("$entity")));
        let mut slots: Vec<_> = columns.iter().filter_map(named).map(|index| Slot(index as u16)).collect();
        slots.dedup();
        slots
    }

    /// The SQL of a shape.
    pub(super) fn text(&mut self, verb: Verb, fields: &FieldSet) -> Result<Arc<str>, StoreError> {
        if let Some(text) = self.shapes.get(verb as usize).and_then(|shapes| shapes.get(fields)) {
            return Ok(Arc::clone(text));
        }
        let text: Arc<str> = self.write(verb, fields)?.into();
        if let Some(shapes) = self.shapes.get_mut(verb as usize) {
            if shapes.len() >= MOST_SHAPES {
                shapes.clear();
            }
            shapes.insert(fields.clone(), Arc::clone(&text));
        }
        Ok(text)
    }

    /// The ids of the records that refer to one by this column.
    pub(super) fn referring(&self, column: &Column) -> String {
        let entity = column.entity.as_ref().map(|name| format!(" AND {name} = ?2")).unwrap_or_default();
        format!("SELECT {} FROM {} WHERE {} = ?1{entity}", self.key(), self.quoted, column.quoted)
    }

    fn write(&self, verb: Verb, fields: &FieldSet) -> Result<String, StoreError> {
        let mut names = Vec::with_capacity(fields.len() + 1);
        for slot in fields.iter().filter(|slot| !(matches!(verb, Verb::Update) && *slot == PRIMARY_KEY)) {
            let column = self.column(slot)?;
            names.push(column.quoted.as_str());
            names.extend(column.entity.as_deref());
        }
        let (table, key) = (&self.quoted, self.key());
        Ok(match verb {
            Verb::Read if names.is_empty() => self.exists.clone(),
            Verb::Read => format!("SELECT {} FROM {table} WHERE {key} = ?1", names.join(", ")),
            Verb::Insert => format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), vec!["?"; names.len()].join(", ")),
            Verb::Update => format!("UPDATE {table} SET {} WHERE {key} = ?", self.assignments(&names).join(", ")),
            Verb::Find if names.is_empty() => format!("SELECT {key} FROM {table} ORDER BY {key} LIMIT ?"),
            Verb::Find => format!("SELECT {key} FROM {table} WHERE {} IS ? ORDER BY {key} LIMIT ?", names.join(" IS ? AND ")),
        })
    }

    /// What an update of these columns sets: with them, the count of writes, which needs no reading before.
    fn assignments(&self, names: &[&str]) -> Vec<String> {
        let mut assignments: Vec<String> = names.iter().map(|name| format!("{name} = ?")).collect();
        let version = self.columns.iter().find(|column| column.field == system::VERSION);
        if let Some(Column { quoted, .. }) = version.filter(|column| !names.contains(&column.quoted.as_str())) {
            assignments.push(format!("{quoted} = {quoted} + 1"));
        }
        if assignments.is_empty() {
            assignments.push(format!("{0} = {0}", self.key()));
        }
        assignments
    }

    pub(super) fn key(&self) -> &str {
        self.columns.first().map_or("", |column| &column.quoted)
    }

    /// The statements that make the table.
    pub(super) fn create(&self, tables: &[Table]) -> Vec<String> {
        let mut text = format!("CREATE TABLE {} ({} BLOB NOT NULL PRIMARY KEY", self.quoted, self.key());
        for definition in self.columns.iter().skip(1).flat_map(|column| column.definitions(tables)) {
            let _ = write!(text, ", {definition}");
        }
        text.push_str(") STRICT, WITHOUT ROWID");
        let indexes = self.columns.iter().skip(1).filter_map(|column| self.index(column));
        std::iter::once(text).chain(indexes).collect()
    }

    /// The statements that add a column.
    pub(super) fn add(&self, column: &Column, tables: &[Table]) -> Vec<String> {
        let columns =
            column.definitions(tables).into_iter().map(|definition| format!("ALTER TABLE {} ADD COLUMN {definition}", self.quoted));
        columns.chain(self.index(column)).collect()
    }

    /// The index by which a lookup is followed backwards. The platform's own lookups have none: every record has them and
    /// every insert would pay, while a user is deleted once in years.
    fn index(&self, column: &Column) -> Option<String> {
        let lookup = matches!(column.kind, Kind::Reference(_) | Kind::AnyReference(_));
        let own = ![system::CREATED_BY, system::MODIFIED_BY, system::OWNER].contains(&column.field.as_str());
        (lookup && own).then(|| {
            let name = format!("\"{}$by${}\"", self.name, column.field);
            format!("CREATE INDEX {name} ON {} ({}) WHERE {} IS NOT NULL", self.quoted, column.quoted, column.quoted)
        })
    }

    /// The statement that makes the index of a key. Empty values never agree.
    pub(super) fn create_key(&self, fields: &[SmolStr]) -> String {
        let columns = fields.iter().filter_map(|field| self.columns.iter().find(|column| column.field == *field));
        let names: Vec<_> = columns.flat_map(|column| [Some(column.quoted.as_str()), column.entity.as_deref()]).flatten().collect();
        format!("CREATE UNIQUE INDEX {} ON {} ({})", key_name(&self.name, fields), self.quoted, names.join(", "))
    }
}

impl Column {
    fn definitions(&self, tables: &[Table]) -> Vec<String> {
        let class = match &self.kind {
            Kind::Float => "REAL",
            Kind::Text | Kind::Choices(_) => "TEXT",
            Kind::Long(_) | Kind::Uuid | Kind::Reference(_) | Kind::AnyReference(_) => "BLOB",
            _ => "INTEGER",
        };
        let target = match &self.kind {
            Kind::Reference(target) => tables.get(usize::from(target.0)),
            _ => None,
        };
        let references = target.map(|target| format!(" REFERENCES {} ({})", target.quoted, target.key())).unwrap_or_default();
        let mut definitions = vec![format!("{} {class}{references}", self.quoted)];
        definitions.extend(self.entity.as_ref().map(|name| format!("{name} TEXT")));
        definitions
    }
}

/// The quoted name of a key's index.
pub(super) fn key_name(entity: &str, fields: &[SmolStr]) -> String {
    format!("\"{entity}$key${}\"", fields.join("$"))
}

/// A name of the schema as an identifier of SQL, with an ending that no name of the schema can have.
pub(super) fn identifier(name: &str, ending: &str) -> Result<String, StoreError> {
    let fine = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && !name.is_empty() && name.len() <= 128;
    if fine {
        Ok(format!("\"{name}{ending}\""))
    } else {
        unusable(format!("{} can't be the name of a table or column", crate::value::text::quoted(name)))
    }
}

fn kind(schema: &Schema, ty: &Type) -> Option<Kind> {
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
        Type::Lookup(targets) => match targets.as_ref() {
            [target] => Kind::Reference(*target),
            several => Kind::AnyReference(
                several.iter().map(|target| Some((*target, schema.entity(*target)?.name.clone()))).collect::<Option<_>>()?,
            ),
        },
        Type::Uuid => Kind::Uuid,
        Type::Duration | Type::Period => return None,
    })
}

fn unusable<T>(message: String) -> Result<T, StoreError> {
    Err(StoreError::Unusable(message))
}
