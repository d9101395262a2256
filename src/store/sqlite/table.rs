//! An entity as SQLite sees it: its table, its columns, and the SQL of everything that is done with them, written once.
//! Identifiers are checked and quoted here, and nowhere else. Values never come into this file.

use std::fmt::Write;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use super::key::{Class, Key, Met};
use super::kind::{Kind, kind, mapped};
use crate::schema::{Entity, Field, FieldSet, PRIMARY_KEY, Schema, system};
use crate::store::StoreError;
use crate::value::Slot;

/// How many shapes of one kind a table remembers.
const MOST_SHAPES: usize = 1024;

#[derive(Debug)]
pub(super) struct Table {
    /// The entity's name.
    pub name: SmolStr,
    /// The table's name.
    pub table: SmolStr,
    /// The same, quoted for SQL.
    pub quoted: String,
    /// By slot.
    pub columns: Vec<Column>,
    /// What says which row is meant, where the table is somebody's own.
    pub mapped: Option<Key>,
    /// The slots of the columns that say so.
    pub identity: Vec<Slot>,
    /// The same columns: `"a", "b"`.
    pub key: String,
    /// A row with this key: `"a" = ? AND "b" = ?`.
    pub is_key: String,
    /// Lookups that SQLite can't check by itself.
    pub wide_lookups: Vec<Slot>,
    pub exists: String,
    pub delete: String,
    shapes: [FxHashMap<FieldSet, Arc<str>>; 4],
}

#[derive(Debug)]
pub(super) struct Column {
    pub field: SmolStr,
    /// The column's name.
    pub name: SmolStr,
    /// The column's name, quoted for SQL.
    pub quoted: String,
    /// What it is compared and ordered by.
    pub compared: String,
    /// What stands for a value that it is compared with.
    pub operand: &'static str,
    /// The second column of a lookup to several entities, which holds the entity's name.
    pub entity: Option<String>,
    pub kind: Kind,
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
        let mapped = mapped(schema, entity, 0)?;
        for (_, field) in entity.fields() {
            if !names.insert(field.name.to_ascii_lowercase()) {
                let name = &entity.name;
                return unusable(format!(
                    "the field `{name}.{}` differs from another only in case, which SQLite can't tell apart",
                    field.name
                ));
            }
            let kind = kind(schema, &field.ty, mapped.is_some())?.ok_or_else(|| {
                StoreError::Unusable(format!("the field `{}.{}` has a type that can't be stored", entity.name, field.name))
            })?;
            columns.push(Column::new(field, kind, mapped.is_some())?);
        }
        let (identity, quoted) = match &entity.table {
            Some(table) => (entity.identity().to_vec(), quoted(table)?),
            None => (vec![PRIMARY_KEY], identifier(&entity.name, "")?),
        };
        let keys: Vec<&Column> = identity.iter().filter_map(|slot| columns.get(usize::from(slot.0))).collect();
        let key = keys.iter().map(|column| column.quoted.as_str()).collect::<Vec<_>>().join(", ");
        let is_key = keys.iter().map(|column| format!("{} = ?", column.compared)).collect::<Vec<_>>().join(" AND ");
        // SQLite holds a lookup to one of our tables by itself. Whether somebody's own table has a foreign key, nobody knows.
        let wide = |column: &Column| matches!(column.kind, Kind::AnyReference(_) | Kind::Row(..));
        let wide_lookups = columns.iter().enumerate().filter(|(_, column)| wide(column)).map(|(slot, _)| Slot(slot as u16)).collect();
        Ok(Table {
            name: entity.name.clone(),
            table: entity.table.as_ref().unwrap_or(&entity.name).clone(),
            columns,
            mapped,
            wide_lookups,
            exists: format!("SELECT 1 FROM {quoted} WHERE {is_key}"),
            delete: format!("DELETE FROM {quoted} WHERE {is_key}"),
            identity,
            key,
            is_key,
            quoted,
            shapes: Default::default(),
        })
    }

    /// Has its keys, and those that it refers to, keep what they meet together.
    pub(super) fn meets(&mut self, met: &Met) {
        let links = self.columns.iter_mut().filter_map(|column| if let Kind::Row(_, key) = &mut column.kind { Some(key) } else { None });
        links.chain(&mut self.mapped).for_each(|key| key.met = met.clone());
    }

    pub(super) fn column(&self, slot: Slot) -> Result<&Column, StoreError> {
        self.columns.get(usize::from(slot.0)).ok_or_else(|| StoreError::Failed(format!("`{}` has no field number {}", self.name, slot.0)))
    }

    /// The slots of columns that SQLite names.
    pub(super) fn slots(&self, columns: Vec<String>) -> Vec<Slot> {
        let is = |column: &Column, name: &str| column.name.eq_ignore_ascii_case(name.trim_end_matches("$entity"));
        let own = usize::from(self.mapped.is_some());
        let named = |name: &String| self.columns.iter().skip(own).position(|column| is(column, name)).map(|index| index + own);
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
        format!("SELECT {} FROM {} WHERE {} = ?1{entity}", self.key, self.quoted, column.compared)
    }

    fn write(&self, verb: Verb, fields: &FieldSet) -> Result<String, StoreError> {
        let mut names = Vec::with_capacity(fields.len() + 1);
        let mut tests = Vec::new();
        let nowhere = |slot: Slot| slot == PRIMARY_KEY && (self.mapped.is_some() || matches!(verb, Verb::Update));
        for slot in fields.iter().filter(|slot| !nowhere(*slot)) {
            let column = self.column(slot)?;
            names.push(column.quoted.as_str());
            names.extend(column.entity.as_deref());
            tests.push(format!("{} IS {}", column.compared, column.operand));
            tests.extend(column.entity.as_ref().map(|entity| format!("{entity} IS ?")));
        }
        if self.mapped.is_some() && fields.contains(PRIMARY_KEY) {
            tests.insert(0, self.is_key.clone());
        }
        let (table, key, is_key) = (&self.quoted, &self.key, &self.is_key);
        Ok(match verb {
            Verb::Read if names.is_empty() => self.exists.clone(),
            Verb::Read => format!("SELECT {} FROM {table} WHERE {is_key}", names.join(", ")),
            Verb::Insert => format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), vec!["?"; names.len()].join(", ")),
            Verb::Update => format!("UPDATE {table} SET {} WHERE {is_key}", self.assignments(&names).join(", ")),
            Verb::Find if tests.is_empty() => format!("SELECT {key} FROM {table} ORDER BY {key} LIMIT ?"),
            Verb::Find => format!("SELECT {key} FROM {table} WHERE {} ORDER BY {key} LIMIT ?", tests.join(" AND ")),
        })
    }

    /// What an update of these columns sets: with them, the count of writes, which needs no reading before.
    fn assignments(&self, names: &[&str]) -> Vec<String> {
        let mut assignments: Vec<String> = names.iter().map(|name| format!("{name} = ?")).collect();
        let version = self.columns.iter().find(|column| column.field == system::VERSION && self.mapped.is_none());
        if let Some(Column { quoted, .. }) = version.filter(|column| !names.contains(&column.quoted.as_str())) {
            assignments.push(format!("{quoted} = {quoted} + 1"));
        }
        if assignments.is_empty() {
            assignments.push(format!("{0} = {0}", self.first()));
        }
        assignments
    }

    /// The first column of the key.
    fn first(&self) -> &str {
        self.identity.first().and_then(|slot| self.columns.get(usize::from(slot.0))).map_or("", |column| &column.quoted)
    }

    /// The statements that make the table.
    pub(super) fn create(&self, tables: &[Table]) -> Vec<String> {
        let mut text = format!("CREATE TABLE {} ({} BLOB NOT NULL PRIMARY KEY", self.quoted, self.key);
        for definition in self.columns.iter().skip(1).flat_map(|column| column.definitions(tables)) {
            let _ = write!(text, ", {definition}");
        }
        text.push_str(") STRICT, WITHOUT ROWID");
        let indexes = self.columns.iter().skip(1).filter_map(|column| self.index(column));
        std::iter::once(text).chain(indexes).collect()
    }

    /// The statement that makes the table of a mapped entity as it is declared, for a store that has nobody's tables.
    pub(super) fn create_as_declared(&self, entity: &Entity) -> String {
        let mut parts: Vec<String> = self.columns.iter().skip(1).flat_map(|column| column.definitions(&[])).collect();
        parts.push(format!("PRIMARY KEY ({})", self.key));
        for key in entity.keys.iter().skip(1) {
            let names: Vec<&str> =
                key.fields.iter().filter_map(|slot| self.column(*slot).ok()).map(|column| column.quoted.as_str()).collect();
            parts.push(format!("UNIQUE ({})", names.join(", ")));
        }
        format!("CREATE TABLE {} ({})", self.quoted, parts.join(", "))
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
    fn new(field: &Field, kind: Kind, mapped: bool) -> Result<Self, StoreError> {
        let name = field.column.clone().unwrap_or_else(|| field.name.clone());
        let entity = matches!(kind, Kind::AnyReference(_)).then(|| identifier(&name, "$entity")).transpose()?;
        let quoted = if mapped { quoted(&name)? } else { identifier(&name, "")? };
        let compared = match &kind {
            // Somebody's own column may have been told to ignore case.
            Kind::Text | Kind::Label(_) | Kind::Row(..) if mapped => format!("{quoted} COLLATE BINARY"),
            // Whatever the form: with or without a `T`, a `Z` and zeros at the end.
            Kind::IsoDateTime | Kind::IsoLocal => format!("rtrim(replace(replace({quoted}, 'T', ' '), 'Z', ''), '0.')"),
            _ => quoted.clone(),
        };
        let operand = if matches!(kind, Kind::IsoDateTime | Kind::IsoLocal) { "rtrim(?, '0.')" } else { "?" };
        Ok(Column { field: field.name.clone(), name, quoted, compared, operand, entity, kind })
    }

    fn definitions(&self, tables: &[Table]) -> Vec<String> {
        let class = match &self.kind {
            Kind::Float => "REAL",
            Kind::Text | Kind::Choices(_) => "TEXT",
            Kind::IsoDate | Kind::IsoDateTime | Kind::IsoLocal | Kind::Label(_) => "TEXT",
            Kind::Number(_) => "NUMERIC",
            Kind::Row(_, Key { classes, .. }) if classes == &[Class::Text] => "TEXT",
            Kind::Row(_, Key { classes, .. }) if classes == &[Class::Integer] => "INTEGER",
            Kind::Long(_) | Kind::Uuid | Kind::Reference(_) | Kind::AnyReference(_) | Kind::Row(..) => "BLOB",
            _ => "INTEGER",
        };
        let target = match &self.kind {
            Kind::Reference(target) => tables.get(usize::from(target.0)),
            _ => None,
        };
        let references = target.map(|target| format!(" REFERENCES {} ({})", target.quoted, target.key)).unwrap_or_default();
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

/// A name of somebody's own as an identifier of SQL.
pub(super) fn quoted(name: &str) -> Result<String, StoreError> {
    if name.is_empty() || name.contains('\0') {
        return unusable(format!("{} can't be the name of a table or column", crate::value::text::quoted(name)));
    }
    Ok(format!("\"{}\"", name.replace('"', "\"\"")))
}

fn unusable<T>(message: String) -> Result<T, StoreError> {
    Err(StoreError::Unusable(message))
}
