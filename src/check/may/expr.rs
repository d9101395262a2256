//! What expressions may give, and how computing them can fail.

use crate::bytecode::{Cause, Event, RunAs};
use crate::check::ir::{Expr, ExprKind};
use crate::check::narrow::Place;
use crate::check::walk;
use crate::schema::select::Aggregate;
use crate::schema::{PRIMARY_KEY, Right};
use crate::value::{EntityId, Slot, Type, Value};

use super::Run;
use super::value::{Full, May};

impl Run<'_> {
    /// What an expression may give here.
    pub(super) fn value(&mut self, e: &Expr) -> May {
        let mut may = self.computed(e);
        if let Some(known) = Place::of(e).and_then(|place| self.state.known(&place).cloned()) {
            may = may.meet(&known);
        }
        if !e.optional {
            may.empty = false;
        }
        may
    }

    fn computed(&mut self, e: &Expr) -> May {
        match &e.kind {
            ExprKind::Constant(value) => May::constant(value),
            ExprKind::Field(slot) => {
                self.reads_this(*slot);
                self.field(self.flow.head.entity, *slot, e)
            }
            ExprKind::Old(slot) => {
                if self.flow.stages.before && !self.flow.stages.before_create {
                    self.cause(Cause::Gone(self.flow.head.entity));
                }
                self.field(self.flow.head.entity, *slot, e)
            }
            ExprKind::Related { record, entity, slot } => {
                let found = self.value(record);
                if self.may_be_gone(record) && found.full != Full::Never {
                    self.cause(Cause::Gone(*entity));
                }
                if found.full != Full::Never {
                    self.reads(*entity);
                }
                self.field(*entity, *slot, e)
            }
            ExprKind::Input(position) => match self.flow.head.inputs.get(*position as usize) {
                Some(input) => May::of_field(&input.field(), !input.required, self.world.schema),
                None => May::ANYTHING,
            },
            ExprKind::Local(local) => self.locals.get(local).map_or_else(|| self.typed(e), |(may, _)| may.clone()),
            ExprKind::Require(inner) => {
                let inner = self.value(inner);
                inner.needed()
            }
            ExprKind::Convert(inner) => self.value(inner),
            ExprKind::Coalesce(left, right) => {
                let one = self.value(left);
                if one.empty { one.needed().join(&self.value(right)) } else { one }
            }
            ExprKind::Arithmetic { operator, left, right } => {
                let (one, other) = (self.value(left), self.value(right));
                self.arithmetic(*operator, (left, &one), (right, &other), &e.ty)
            }
            ExprKind::Negate(inner) => {
                let inner = self.value(inner);
                self.negated(&inner, &e.ty)
            }
            ExprKind::Shift { left, right, .. } => {
                self.value(left);
                self.value(right);
                if !near_today(left, right) {
                    self.cause(Cause::OutOfTime);
                }
                self.typed(e)
            }
            ExprKind::Call { function, arguments } => {
                let given: Vec<May> = arguments.iter().map(|argument| self.value(argument)).collect();
                let may = self.called(function.name, arguments, &given).unwrap_or_else(|| self.typed(e));
                self.built(&may, &e.ty);
                may
            }
            ExprKind::Concat(parts) => {
                let lengths = parts.iter().map(|part| self.value(part).full.length());
                let most = lengths.fold(0, u64::saturating_add);
                let may = May { empty: false, full: Full::Text { most } };
                self.built(&may, &e.ty);
                may
            }
            ExprKind::ToText(inner) => {
                let may = self.value(inner);
                let may = self.as_text(inner, &may);
                self.built(&may, &e.ty);
                may
            }
            ExprKind::Not(_) | ExprKind::And(..) | ExprKind::Or(..) | ExprKind::Compare { .. } => self.truth(e),
            ExprKind::In { .. } | ExprKind::Between { .. } | ExprKind::IsEmpty(_) | ExprKind::Changed(_) => self.truth(e),
            ExprKind::Contains { .. } => self.truth(e),
            ExprKind::Query { aggregate, field, query } => {
                self.query(query);
                self.aggregated(*aggregate, field.as_ref());
                self.typed(e)
            }
            ExprKind::ByKey { entity, values } => {
                values.iter().for_each(|(_, value)| drop(self.value(value)));
                self.reads(*entity);
                self.cause(Cause::Key(*entity));
                self.typed(e)
            }
            ExprKind::Row { entity, slot } => self.field(*entity, *slot, e),
            ExprKind::This | ExprKind::Now | ExprKind::Today | ExprKind::Caller => self.typed(e),
            ExprKind::Elapsed { .. } | ExprKind::WithOption { .. } => {
                walk::each_part(e, &mut |part| drop(self.value(part)));
                self.typed(e)
            }
        }
    }

    /// How working out a number of many can fail.
    fn aggregated(&mut self, aggregate: Aggregate, field: Option<&Type>) {
        if matches!(aggregate, Aggregate::Sum(_) | Aggregate::Average(_)) {
            self.cause(Cause::TooLarge);
            if matches!(field, Some(Type::Decimal(_) | Type::Money(_))) || matches!(aggregate, Aggregate::Average(_)) {
                self.cause(Cause::Inexact);
            }
        }
    }

    /// A record of an entity is looked at that isn't the flow's own.
    pub(super) fn reads(&mut self, entity: EntityId) {
        self.right(Right::Read, entity);
    }

    /// Its user needs a privilege.
    pub(super) fn right(&mut self, right: Right, entity: EntityId) {
        let head = self.flow.head;
        let administrator = head.run_as == RunAs::Owner && head.owner.is_none() && !head.child && !head.on_demand;
        if !administrator && !self.world.schema.roles.is_empty() {
            self.cause(Cause::Privilege(right, entity));
        }
    }

    /// A condition as a value.
    fn truth(&mut self, e: &Expr) -> May {
        let (yes, no) = self.split(e);
        May::truth(!yes.dead, !no.dead)
    }

    /// What the type says.
    fn typed(&self, e: &Expr) -> May {
        May::typed(&e.ty, e.optional, self.world.schema)
    }

    fn field(&self, entity: EntityId, slot: Slot, e: &Expr) -> May {
        match self.world.schema.field(entity, slot) {
            Some(field) => May::of_field(field, e.optional, self.world.schema),
            None => May::ANYTHING,
        }
    }

    /// A read of the triggering record can find that it isn't there: before the operation nobody has looked yet, and
    /// later a flow may have deleted it.
    fn reads_this(&mut self, slot: Slot) {
        let head = self.flow.head;
        let submitted = |event: &Event| matches!(event, Event::Update(Some(fields)) if fields.len() == 1 && fields.contains(slot));
        let only_submitted = !head.child && head.triggers.iter().all(|trigger| submitted(&trigger.event));
        let early = self.flow.stages.before && !only_submitted;
        let late = self.flow.stages.apart || (self.flow.stages.after && self.world.deletable.contains(&head.entity));
        if slot != PRIMARY_KEY && (early || late) {
            self.cause(Cause::Gone(head.entity));
        }
    }

    /// Whether a reference may be to a record that isn't there (any more).
    pub(super) fn may_be_gone(&self, e: &Expr) -> bool {
        let deletable = || match &e.ty {
            Type::Lookup(entities) => entities.iter().any(|entity| self.world.deletable.contains(entity)),
            _ => true,
        };
        match &e.kind {
            ExprKind::This => self.flow.stages.apart || self.flow.stages.before || deletable(),
            ExprKind::Field(_) => self.flow.stages.before || self.flow.stages.before_create,
            ExprKind::Related { record, .. } => !self.flow.stages.fresh() && matches!(record.kind, ExprKind::Local(_)) && deletable(),
            ExprKind::Old(_) => self.flow.stages.apart || deletable(),
            ExprKind::Local(local) => self.locals.get(local).is_none_or(|(_, gone)| *gone) || deletable(),
            ExprKind::Caller => deletable(),
            ExprKind::Constant(_) | ExprKind::Row { .. } | ExprKind::ByKey { .. } => false,
            ExprKind::Convert(inner) | ExprKind::Require(inner) => self.may_be_gone(inner),
            ExprKind::Coalesce(left, right) => self.may_be_gone(left) || self.may_be_gone(right),
            _ => true,
        }
    }

    /// A value as text.
    fn as_text(&mut self, inner: &Expr, may: &May) -> May {
        let most = match &inner.ty {
            Type::Text => may.full.length(),
            Type::Lookup(entities) => {
                if self.may_be_gone(inner) && may.full != Full::Never {
                    entities.iter().for_each(|entity| self.cause(Cause::Gone(*entity)));
                }
                if may.full != Full::Never && inner.kind != ExprKind::This {
                    entities.iter().for_each(|entity| self.reads(*entity));
                }
                let names = entities.iter().filter_map(|entity| {
                    let entity = self.world.schema.entity(*entity)?;
                    entity.primary_name.and_then(|slot| entity.field(slot)).map(|field| field.max_length.map_or(u64::MAX, u64::from))
                });
                names.max().unwrap_or(0).max(36)
            }
            Type::Choice(choice) => self.labels(*choice).max().unwrap_or(0).max(11),
            Type::Choices(choice) => self.labels(*choice).fold(0, |sum, length| sum + length + 2).max(11),
            // The longest of the rest is a float, written out.
            _ => 400,
        };
        May { empty: false, full: if may.full == Full::Never { Full::Among(vec![Value::Text("".into())]) } else { Full::Text { most } } }
    }

    fn labels(&self, choice: crate::value::ChoiceId) -> impl Iterator<Item = u64> {
        let choice = self.world.schema.choice(choice);
        choice.into_iter().flat_map(|choice| choice.options.iter().map(|option| option.label.chars().count() as u64))
    }
}

/// Whether a date is today, or so near to it that it can't leave the years 1 to 9999.
fn near_today(moment: &Expr, by: &Expr) -> bool {
    const YEARS: i64 = 1_000;
    let today = matches!(moment.kind, ExprKind::Now | ExprKind::Today);
    match &by.kind {
        ExprKind::Constant(Value::Duration(by)) if today => {
            let hours = by.micros.unsigned_abs() / 3_600_000_000;
            i64::from(by.months).abs() <= YEARS * 12 && i64::from(by.days).abs() <= YEARS * 365 && hours <= YEARS as u64 * 8_760
        }
        _ => false,
    }
}
