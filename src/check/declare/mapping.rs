//! Entities whose records are the rows of somebody's own table: what such an entity can't say, and what its key must be.
//! Whether a database has that table is no concern of this; the store holds the two against each other when it is opened.

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::Declare;
use super::entity::declared;
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{Default, Entity, MAX_NAME, Schema};
use crate::source::Span;
use crate::syntax::ast::{self, Member};
use crate::value::text::quoted;
use crate::value::{EntityId, Type};

impl Declare<'_> {
    /// Holds what an entity says against whether it has a table, and finishes its key.
    pub(super) fn mapping(&mut self, entity: &ast::Entity, built: &mut Entity) {
        let Some(table) = &entity.table else {
            for column in declared(entity).filter_map(|field| field.column.as_ref()) {
                self.unmapped(column.span);
            }
            return;
        };
        self.named(table);
        for member in &entity.members {
            let (what, span) = match member {
                Member::Status(status) => ("status reasons", status.span),
                Member::OwnedBy(_, span) => ("owner", *span),
                _ => continue,
            };
            let problem = format!("the rows of a table have no {what} but its columns");
            self.wrong(span, problem, "take it away: an entity with `table` has what its table has, and belongs to the organization");
        }
        let mut columns: FxHashMap<String, Span> = FxHashMap::default();
        for field in declared(entity) {
            let column = field.column.as_ref().unwrap_or(&field.name);
            self.named(column);
            if let Some(first) = columns.insert(column.text.to_ascii_lowercase(), column.span) {
                let problem =
                    Diagnostic::new(Code::E0223, column.span, format!("the column {} is held by two fields", quoted(&column.text)));
                self.report(problem.also(first, "the first one is here").help("keep one of them"));
            }
        }
        self.identity(entity, table.span, built);
    }

    /// The key of a mapped entity is there and complete; a lone integer is given by the table.
    fn identity(&mut self, entity: &ast::Entity, table: Span, built: &mut Entity) {
        let identity = built.identity().to_vec();
        if identity.is_empty() {
            if !entity.members.iter().any(|member| matches!(member, Member::Key(..) | Member::Unread(_))) {
                let problem = "an entity with `table` needs a `key`, which says which row a record is";
                self.wrong(table, problem, "name the columns of the table's primary key: `key (id)`");
            }
            return;
        }
        for field in identity.iter().filter_map(|slot| built.field(*slot)).filter(|field| !field.required) {
            let Some(written) = declared(entity).find(|written| written.name.text == field.name) else { continue };
            let problem = format!("`{}` says which row a record is, so it is never empty", field.name);
            self.wrong(written.name.span, problem, "write `required` behind its type");
        }
        if let [slot] = identity.as_slice()
            && let Some((_, field)) = built.fields.get_index_mut(usize::from(slot.0))
            && matches!(field.ty, Type::Integer | Type::BigInt)
            && field.default == Default::None
        {
            field.default = Default::Next;
        }
    }

    /// Once all entities are known: what lookups and keys of mapped ones refer to.
    pub(super) fn mappings(&mut self, entities: &[&ast::Entity]) {
        let mut tables: FxHashMap<String, Span> = FxHashMap::default();
        let mut problems = Vec::new();
        for entity in entities {
            let (Some(table), Some((id, _))) = (&entity.table, self.entities.get(&entity.name.text)) else { continue };
            if let Some(first) = tables.insert(table.text.to_ascii_lowercase(), table.span) {
                let problem = Diagnostic::new(Code::E0223, table.span, format!("the table {} has two entities", quoted(&table.text)));
                problems.push(problem.also(first, "the first one is here").help("keep one of them"));
            }
            let Some(built) = self.schema.entity(*id) else { continue };
            for field in declared(entity) {
                let Some((slot, _, known)) = built.fields.get_full(&field.name.text) else { continue };
                let key = built.identity().iter().any(|part| usize::from(part.0) == slot);
                if let Some((problem, help)) = unmappable(&self.schema, &known.ty, key) {
                    problems.push(Diagnostic::new(Code::E0223, field.ty.span, problem).help(help));
                }
            }
        }
        problems.into_iter().for_each(|problem| self.report(problem));
    }

    /// A `column` where there is no table.
    pub(in crate::check) fn unmapped(&mut self, span: Span) {
        self.wrong(span, "a `column` needs the table that it is in", "write `table \"…\"` behind the entity's name, or take `column` away");
    }

    /// The name of a table or column.
    fn named(&mut self, name: &ast::Name) {
        let lower = name.text.to_ascii_lowercase();
        if name.text.is_empty() || name.text.len() > MAX_NAME || name.text.contains('\0') {
            let problem = format!("{} can't be the name of a table or column", quoted(&name.text));
            self.wrong(name.span, problem, format!("a name has 1 to {MAX_NAME} characters"));
        } else if ["sqlite_", "weir_"].iter().any(|start| lower.starts_with(start)) {
            let problem = format!("{} is a name that stores have for their own tables", quoted(&name.text));
            self.wrong(name.span, problem, "name a table of your own");
        }
    }

    fn wrong(&mut self, span: Span, problem: impl Into<String>, help: impl Into<String>) {
        self.report(Diagnostic::new(Code::E0223, span, problem).help(help));
    }
}

/// Why a field of a mapped entity can't have a type, and what to do.
fn unmappable(schema: &Schema, ty: &Type, key: bool) -> Option<(String, &'static str)> {
    match ty {
        Type::Lookup(targets) => match targets.as_ref() {
            [target] if names_by_one(schema, *target, 0) => None,
            [target] => {
                let name = schema.entity(*target).map_or(SmolStr::default(), |entity| entity.name.clone());
                Some((
                    format!("a column can't say which `{name}` is meant"),
                    "a lookup in a table is one column, and refers to an entity with `table` whose `key` is one field",
                ))
            }
            _ => Some(("a column can't say of which entity the record is".to_owned(), "name one entity with `table`")),
        },
        Type::Choices(_) => {
            Some(("a column has no form for a set of options".to_owned(), "declare the column as what it holds, as `text`"))
        }
        Type::Integer | Type::BigInt | Type::Text | Type::Uuid => None,
        _ if key => Some(("a key of a table can't be this".to_owned(), "a key is made of `integer`, `bigint`, `text`, `uuid` and lookups")),
        _ => None,
    }
}

/// Whether the records of an entity are told apart by one column.
fn names_by_one(schema: &Schema, entity: EntityId, depth: usize) -> bool {
    let Some(entity) = schema.entity(entity) else { return false };
    let [slot] = entity.identity() else { return false };
    match entity.field(*slot).map(|field| &field.ty) {
        // A key that is a lookup is that of another table, and so on; one that comes back to itself names nothing.
        Some(Type::Lookup(targets)) => matches!(targets.as_ref(), [target] if depth < 8 && names_by_one(schema, *target, depth + 1)),
        Some(_) => true,
        None => false,
    }
}
