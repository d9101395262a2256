//! Writes of fields: `set`, and the lists of values of `create` and `update`.

use rustc_hash::FxHashMap;

use crate::bytecode::{Event, FlowHead, Stage};
use crate::check::context::Context;
use crate::check::ir;
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{Entity, Field, PRIMARY_KEY};
use crate::source::Span;
use crate::syntax::ast::{self, WriteOperator};
use crate::value::{EntityId, Slot, Type, Value};

use super::names::unknown;

impl Context<'_> {
    pub(super) fn set(&mut self, writes: &[ast::Write], span: Span) -> Option<ir::StmtKind> {
        let Some((entity, _)) = self.entity() else {
            self.report(
                Diagnostic::new(Code::E0634, span, "a global action has no record to `set`")
                    .help("declare it `on` an entity, `update` a record that it is given, or write `set output`"),
            );
            return None;
        };
        if self.flow().is_some_and(only_on_delete) {
            self.report(
                Diagnostic::new(Code::E0607, span, "a `set` in a flow that runs only on delete")
                    .help("the record is about to go; `update` another record, or `stop` to keep this one"),
            );
            return None;
        }
        let (checked, named) = self.writes(writes, entity);
        let new = |head: &FlowHead| head.triggers.iter().all(|trigger| trigger.event == Event::Create && trigger.stage.is_before());
        if !self.flow().is_some_and(new) && !self.keeps_identity(entity, &named) {
            return None;
        }
        let checked = checked?;
        if let Some(early) = checked.iter().find(|write| self.needs_unborn(&write.value)) {
            self.report_unborn(early.value.span, "no field can point at `this`");
            return None;
        }
        self.facts_after(&checked);
        Some(ir::StmtKind::Set(checked))
    }

    /// Whether a write of an existing record leaves alone what says which row of its table it is; says so where it doesn't.
    pub(super) fn keeps_identity(&mut self, entity: EntityId, named: &FxHashMap<Slot, Span>) -> bool {
        let identity = self.schema.entity(entity).map_or(&[][..], crate::schema::Entity::identity);
        let Some((slot, place)) = identity.iter().find_map(|slot| Some((*slot, *named.get(slot)?))) else { return true };
        let name = self.schema.field(entity, slot).map(|field| field.name.clone()).unwrap_or_default();
        self.report(
            Diagnostic::new(Code::E0611, place, format!("`{name}` can't be changed"))
                .help("it says which row of its table the record is; create another record and delete this one"),
        );
        false
    }

    /// Whether records of an entity can be written; says so where only the platform does.
    pub(super) fn may_write(&mut self, entity: EntityId, place: Span) -> bool {
        let Some(entity) = self.schema.entity(entity).filter(|entity| entity.read_only) else { return true };
        self.report(
            Diagnostic::new(Code::E0611, place, format!("a record of `{}` can't be written", entity.name))
                .help("the platform writes these records by itself; they can be read"),
        );
        false
    }

    /// The record of a write.
    pub(super) fn written(&mut self, record: &ast::RecordExpr) -> Option<ir::Record> {
        let target = self.record(record)?;
        self.may_write(target.entity, record.expr.span).then_some(target)
    }

    /// Before the operation a `set` changes just these fields; after it, any flow may have changed any field.
    fn facts_after(&mut self, writes: &[ir::Write]) {
        if !self.flow().is_some_and(only_before) {
            self.facts.reread();
            return;
        }
        for write in writes {
            self.facts.assigned(write.slot);
        }
        for write in writes.iter().filter(|write| !write.value.optional) {
            let field = ir::Expr { kind: ir::ExprKind::Field(write.slot), ..write.value.clone() };
            self.learn(&field);
        }
    }

    /// Checks writes of fields of an entity: each field once, and only those that a flow may write. (`+=` and its like can
    /// be written only in a `set`.) Gives the writes, unless one has an error, and the fields that were named.
    pub(in crate::check) fn writes(&mut self, writes: &[ast::Write], entity: EntityId) -> (Option<Vec<ir::Write>>, FxHashMap<Slot, Span>) {
        let mut checked = Some(Vec::with_capacity(writes.len()));
        let mut named = FxHashMap::default();
        for write in writes {
            let one = self.write(write, entity, &mut named);
            checked = checked.zip(one).map(|(mut all, one)| {
                all.push(one);
                all
            });
        }
        (checked, named)
    }

    fn write(&mut self, write: &ast::Write, id: EntityId, named: &mut FxHashMap<Slot, Span>) -> Option<ir::Write> {
        let entity = self.schema.entity(id)?;
        let Some((slot, field)) = entity.slot(&write.name.text).and_then(|slot| Some((slot, entity.field(slot)?))) else {
            if self.entity().is_some_and(|(own, _)| own == id)
                && let Some((_, _, place)) = self.visible.iter().find(|(name, ..)| *name == write.name.text)
            {
                let message = format!("`{}` is the name of a `let`, which can't be changed", write.name.text);
                let problem = Diagnostic::new(Code::E0402, write.name.span, message).also(*place, "here it gets its value");
                self.report(problem.help("give the new value a name of its own, or write a field of the record"));
                return None;
            }
            let message = format!("`{}` has no field `{}`", entity.name, write.name.text);
            if self.action().is_some_and(|head| head.output(&write.name.text).is_some()) {
                let help = format!("it is an output of the action: `set output {} = …`", write.name.text);
                self.report(Diagnostic::new(Code::E0402, write.name.span, message).help(help));
                return None;
            }
            self.report_unknown(&write.name.text, unknown(Code::E0402, &write.name, message, writable(entity)));
            return None;
        };
        if let Some(first) = named.insert(slot, write.name.span) {
            self.report(
                Diagnostic::new(Code::E0610, write.name.span, format!("`{}` is written twice", field.name))
                    .also(first, "here first")
                    .help("one write gives each field one value"),
            );
            return None;
        }
        if slot == PRIMARY_KEY || field.read_only {
            self.report(
                Diagnostic::new(Code::E0611, write.name.span, format!("`{}` can't be written", field.name))
                    .help("the platform fills this field by itself"),
            );
            return None;
        }
        let value = match write.operator {
            WriteOperator::Set => self.value_for(&write.value, id, slot),
            _ => self.computed(write, id, slot, field),
        }?;
        Some(ir::Write { slot, value })
    }

    /// The value of `a += e`, `a -= e`, `a *= e`: that of `(a ?? 0) + e`; of a text, its end.
    fn computed(&mut self, write: &ast::Write, entity: EntityId, slot: Slot, field: &Field) -> Option<ir::Expr> {
        let current = ast::Expr { kind: ast::ExprKind::Name(write.name.text.clone()), span: write.name.span };
        let before = self.expression(&current, None)?;
        if field.ty == Type::Text && write.operator == WriteOperator::Add {
            return self.appended(before, write);
        }
        let number = matches!(field.ty, Type::Integer | Type::BigInt | Type::Decimal(_) | Type::Money(_) | Type::Float);
        let span = write.name.span.to(write.value.span);
        let left = if number && before.optional { or_zero(current) } else { current };
        let sum = ast::ExprKind::Binary {
            operator: match write.operator {
                WriteOperator::Subtract => ast::BinaryOperator::Subtract,
                WriteOperator::Multiply => ast::BinaryOperator::Multiply,
                WriteOperator::Add | WriteOperator::Set => ast::BinaryOperator::Add,
            },
            operator_span: span,
            left: Box::new(left),
            right: Box::new(write.value.clone()),
        };
        let said = self.diagnostics.len();
        let value = self.value_for(&ast::Expr { kind: sum, span }, entity, slot);
        // A fix would put its words around an expression that doesn't stand in the text.
        let misplaced = |diagnostic: &&mut Diagnostic| diagnostic.span() == Some(span);
        self.diagnostics.iter_mut().skip(said).filter(misplaced).for_each(|diagnostic| diagnostic.fix.clear());
        value
    }

    fn appended(&mut self, before: ir::Expr, write: &ast::Write) -> Option<ir::Expr> {
        let more = self.value_of(&write.value, &Type::Text, false)?;
        let text = |kind, span| ir::Expr { kind, ty: Type::Text, optional: false, span };
        let start = if before.optional {
            let nothing = text(ir::ExprKind::Constant(Value::Text("".into())), before.span);
            let span = before.span;
            text(ir::ExprKind::Coalesce(Box::new(before), Box::new(nothing)), span)
        } else {
            before
        };
        Some(text(ir::ExprKind::Concat(vec![start, more]), write.name.span.to(write.value.span)))
    }
}

/// `e ?? 0`
fn or_zero(value: ast::Expr) -> ast::Expr {
    let span = value.span;
    let zero = ast::Expr { kind: ast::ExprKind::Number(0.into()), span };
    let kind = ast::ExprKind::Binary {
        operator: ast::BinaryOperator::Coalesce,
        operator_span: span,
        left: Box::new(value),
        right: Box::new(zero),
    };
    ast::Expr { kind, span }
}

/// The fields that a flow may write.
fn writable(entity: &Entity) -> impl Iterator<Item = &str> {
    entity.fields().filter(|(slot, field)| *slot != PRIMARY_KEY && !field.read_only).map(|(_, field)| field.name.as_str())
}

fn only_on_delete(head: &FlowHead) -> bool {
    let started_otherwise = head.child || head.on_demand;
    !started_otherwise && !head.triggers.is_empty() && head.triggers.iter().all(|trigger| trigger.event == Event::Delete)
}

fn only_before(head: &FlowHead) -> bool {
    let started_otherwise = head.child || head.on_demand;
    !started_otherwise && head.triggers.iter().all(|trigger| trigger.stage == Stage::PreOperation)
}
