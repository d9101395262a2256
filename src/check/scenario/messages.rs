//! The messages that only tests and scenarios have: an upsert, and several records created or updated at once.
//!
//! Each of their records is checked as by a `create` or `update` of its own.

use super::Checker;
use crate::check::ir::{self, StepKind, StmtKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::Entity;
use crate::syntax::ast;
use crate::value::EntityId;

impl Checker<'_, '_> {
    /// An upsert finds its record by the first key all of whose fields are given.
    pub(super) fn upsert(&mut self, name: &ast::Name, values: &[ast::Write], into: Option<&ast::Name>) -> Option<StepKind> {
        self.operation = true;
        let StmtKind::Create { entity: id, values, into } = self.cx.create(name, values, into)? else { return None };
        let entity = self.cx.schema.entity(id)?;
        let given = |slot| values.iter().any(|write: &ir::Write| write.slot == slot);
        let Some(key) = entity.key_of(given) else {
            self.without_key(name, entity);
            return None;
        };
        Some(StepKind::Upsert { entity: id, key: key.fields.iter().copied().collect(), values, into })
    }

    fn without_key(&mut self, name: &ast::Name, entity: &Entity) {
        let keys = entity.written_keys();
        let (message, help) = match keys.as_slice() {
            [] => (format!("`{}` has no key", entity.name), "declare one in the entity: `key (field)`".to_owned()),
            [key] => (format!("the fields of the key {key} are not all given"), "they say which record is meant".to_owned()),
            keys => {
                let message = format!("of no key of `{}` are all fields given", entity.name);
                (message, format!("its keys are {}; the first that is given whole says which record is meant", keys.join(", ")))
            }
        };
        self.cx.report(Diagnostic::new(Code::E0713, name.span, message).help(help));
    }

    pub(super) fn create_multiple(&mut self, name: &ast::Name, targets: &[Vec<ast::Write>]) -> Option<StepKind> {
        self.operation = true;
        // Of an entity that isn't there, the first record tells.
        let count = if self.cx.schema.entity_id(&name.text).is_some() { targets.len() } else { 1 };
        let checked: Vec<_> = targets.iter().take(count).map(|values| self.cx.create(name, values, None)).collect();
        let mut entity = None;
        let mut rows = Vec::with_capacity(count);
        for kind in checked {
            let StmtKind::Create { entity: id, values, .. } = kind? else { return None };
            entity = Some(id);
            rows.push(values);
        }
        Some(StepKind::CreateMultiple { entity: entity?, targets: rows })
    }

    pub(super) fn update_multiple(&mut self, targets: &[(ast::RecordExpr, Vec<ast::Write>)]) -> Option<StepKind> {
        self.operation = true;
        let checked: Vec<_> = targets.iter().map(|(record, values)| self.cx.update(record, values)).collect();
        let mut rows: Vec<(ir::Record, Vec<ir::Write>)> = Vec::with_capacity(targets.len());
        for kind in checked {
            let StmtKind::Update { record, values } = kind? else { return None };
            rows.push((record, values));
        }
        let entity = rows.first()?.0.entity;
        if let Some((record, _)) = rows.iter().find(|(record, _)| record.entity != entity) {
            self.several_entities(entity, record);
            return None;
        }
        Some(StepKind::UpdateMultiple { entity, targets: rows })
    }

    fn several_entities(&mut self, first: EntityId, record: &ir::Record) {
        let name = |id| self.cx.schema.entity(id).map_or("", |entity: &Entity| entity.name.as_str());
        let message = format!("this is a record of `{}`, and the first is one of `{}`", name(record.entity), name(first));
        let problem = Diagnostic::new(Code::E0714, record.reference.span, message);
        self.cx.report(problem.help("write an `update` for each entity, within `in transaction { … }` where they belong together"));
    }

    pub(super) fn named_several(&mut self, name: &ast::Name) -> Option<StepKind> {
        self.operation = true;
        self.cx.broken.insert(name.text.clone());
        let message = format!("`{}` can't be the name of several records", name.text);
        let help = "write a `let` with a `create` for each, or leave the name out and find them by a key: `let acme = account[\"Acme\"]`";
        self.cx.report(Diagnostic::new(Code::E0715, name.span, message).help(help));
        None
    }
}
