//! Values as a person at the prompt wants to see them: as they would be typed, and a record with its fields.

use super::answer::{Answer, Colour};
use super::session::Session;
use super::{statement, words};
use crate::check::ir;
use crate::diagnostic::render;
use crate::project::written::literal;
use crate::schema::{FieldSet, PRIMARY_KEY, system};
use crate::source::Span;
use crate::value::{Reference, Type, Value};

/// Shows the value of an expression; says whether there is one.
pub(super) fn show(session: &mut Session, value: &ir::Expr, answer: &mut Answer<'_>) -> bool {
    let given = match statement::value(session, value) {
        Ok(given) => given,
        Err(fault) => {
            statement::tell_fault(session, &fault, answer);
            session.recover(answer);
            return false;
        }
    };
    match given {
        Value::Reference(record) => self::record(session, record, value.span, answer),
        given => {
            let (tape, seen, typed) = session.taped(value.span);
            tape.value(&typed, &given, &value.ty, &seen);
            answer.line(brief(session, &given, value));
        }
    }
    true
}

/// A value in a few words; a record by its entity and name.
pub(super) fn brief(session: &mut Session, given: &Value, value: &ir::Expr) -> String {
    of_type(session, given, &value.ty)
}

fn of_type(session: &mut Session, given: &Value, ty: &Type) -> String {
    let words = match given {
        Value::Reference(record) => session.record_name(*record).unwrap_or_else(|| record.id.to_string()),
        other => words::value(other, ty, &session.compiled.schema),
    };
    render::visible(&words).into_owned()
}

/// A moment, to the second.
pub(super) fn moment(moment: jiff::Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A record with the fields that aren't empty. Who acts as somebody sees its name alone, since the fields may not be theirs to read.
fn record(session: &mut Session, record: Reference, at: Span, answer: &mut Answer<'_>) {
    let name = session.record_name(record).unwrap_or_default();
    answer.line(Colour::Strong.paint(&name, session.setup.colours));
    if session.state.line.acting.is_some() {
        return;
    }
    let Some(entity) = session.compiled.schema.entity(record.entity).cloned() else { return };
    let shown: FieldSet = entity
        .fields()
        .filter(|(slot, field)| *slot != PRIMARY_KEY && !system::ALL.contains(&field.name.as_str()))
        .map(|(slot, _)| slot)
        .collect();
    match session.pipeline.read(record, &shown) {
        Ok(Some(row)) => {
            let values: Vec<_> = row.iter().filter(|(_, value)| !value.is_empty()).map(|(slot, value)| (slot, value.clone())).collect();
            let width = values.iter().filter_map(|(slot, _)| entity.field(*slot)).map(|field| field.name.len()).max().unwrap_or(0);
            let (tape, seen, typed) = session.taped(at);
            let fields = values.iter().filter_map(|(slot, value)| Some((entity.field(*slot)?, value)));
            tape.record(&typed, record.entity, fields, &seen);
            for (slot, value) in values {
                if let Some(field) = entity.field(slot) {
                    let words = of_type(session, &value, &field.ty);
                    answer.line(format!("  {:width$}  {words}", field.name));
                }
            }
        }
        Ok(None) => answer.line("  is gone"),
        Err(fault) => statement::tell_fault(session, &fault, answer),
    }
}

impl Session {
    /// A record by its entity and its primary name: `account "Acme"`.
    pub(super) fn record_name(&mut self, record: Reference) -> Option<String> {
        let schema = std::sync::Arc::clone(&self.compiled.schema);
        let entity = schema.entity(record.entity)?;
        let slot = entity.primary_name?;
        let row = self.pipeline.read(record, &[slot].into_iter().collect()).ok().flatten()?;
        match row.get(slot) {
            Some(Value::Text(name)) => Some(render::visible(&format!("{} {}", entity.name, literal(name))).into_owned()),
            _ => Some(format!("{} {}", entity.name, record.id)),
        }
    }
}
