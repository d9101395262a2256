//! Queries over the records of an entity, and records by key.
//!
//! What a filter says is divided here: comparisons of a field with a value that doesn't depend on the record are for the
//! store, the rest is asked record by record. Both engines run what this division gives, so they can't differ in it.

use smol_str::SmolStr;

use crate::check::context::Context;
use crate::check::ir::{Comparison, Condition, Expr, ExprKind, Query};
use crate::check::narrow::{Facts, Place};
use crate::check::stmt::unknown;
use crate::check::unborn::runs_before_create;
use crate::check::walk;
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::select::{Aggregate, Order, Test, has_order};
use crate::schema::{Entity, PRIMARY_KEY};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind as Kind};
use crate::value::{EntityId, Slot, Type, Value};

use super::{boolean, constant};

/// So many conditions of one filter go to the store; the rest is asked here.
const MOST_CONDITIONS: usize = 32;

/// The functions that are always about the records of an entity.
pub const QUERIES: [&str; 4] = ["count", "exists", "sum", "average"];

/// Those that are where a field of one stands in them.
pub const SOMETIMES_QUERIES: [&str; 2] = ["min", "max"];

impl Context<'_> {
    /// Whether a call without a `where` is a query; gives what stands in it.
    pub(super) fn query_of<'e>(&self, function: &str, arguments: &'e [ast::Expr]) -> Option<Option<(ast::Name, Option<&'e ast::Name>)>> {
        let named = match arguments {
            [ast::Expr { kind: Kind::Name(entity), span }] => Some((ast::Name { text: entity.clone(), span: *span }, None)),
            [ast::Expr { kind: Kind::Field { base, name }, .. }] => match &base.kind {
                Kind::Name(entity) => Some((ast::Name { text: entity.clone(), span: base.span }, Some(name))),
                _ => None,
            },
            _ => None,
        };
        let extreme = || matches!(&named, Some((entity, Some(_))) if self.schema.entity_id(&entity.text).is_some());
        (QUERIES.contains(&function) || SOMETIMES_QUERIES.contains(&function) && extreme()).then_some(named)
    }

    /// A query whose words say nothing that can be asked.
    pub(super) fn no_query<T>(&mut self, function: &ast::Name, span: Span) -> Option<T> {
        let message = format!("`{}` is about the records of an entity, and this names none", function.text);
        self.report(Diagnostic::new(Code::E0432, span, message).help(usage(&function.text)));
        None
    }

    /// `count(contact where …)`, `sum(opportunity.amount)`
    pub(super) fn query(
        &mut self,
        function: &ast::Name,
        entity: &ast::Name,
        field: Option<&ast::Name>,
        filter: Option<&ast::Expr>,
        span: Span,
    ) -> Option<Expr> {
        if self.row.is_some() {
            self.report(
                Diagnostic::new(Code::E0431, span, "a query can't stand in the condition of another one")
                    .help("give its result a name before: `let total = …`, and compare with that"),
            );
            return None;
        }
        if !QUERIES.iter().chain(&SOMETIMES_QUERIES).any(|query| *query == function.text) {
            self.unknown_function(function);
            return None;
        }
        if field.is_none()
            && let Some(holder) = self.only_holder(&entity.text)
        {
            let message = format!("there is no entity `{}`", entity.text);
            let meant = format!("{holder}.{}", entity.text);
            let problem = Diagnostic::new(Code::E0401, entity.span, message);
            self.report(problem.help(format!("a query names the entity before the field: `{meant}`")).fix(entity.span, meant));
            return None;
        }
        let id = self.queried(entity)?;
        let aggregate = self.aggregate(function, id, entity, field);
        let query = self.filtered(id, filter);
        let (aggregate, field) = aggregate?;
        let (ty, optional) = aggregate.result(field.as_ref())?;
        let query = Box::new(query?);
        Some(Expr { kind: ExprKind::Query { aggregate, field, query }, ty, optional, span })
    }

    /// Of a name that is no entity: the only entity that has a field of that name.
    fn only_holder(&self, name: &str) -> Option<SmolStr> {
        if self.schema.entity_id(name).is_some() {
            return None;
        }
        let mut holders = self.schema.entities.values().filter(|entity| entity.slot(name).is_some());
        let holder = holders.next()?.name.clone();
        holders.next().is_none().then_some(holder)
    }

    /// The entity that a query is about.
    pub(in crate::check) fn queried(&mut self, entity: &ast::Name) -> Option<EntityId> {
        if let Some(id) = self.schema.entity_id(&entity.text) {
            return Some(id);
        }
        let entities = self.schema.entities.keys().map(SmolStr::as_str);
        let message = format!("there is no entity `{}`", entity.text);
        self.report_unknown(&entity.text, unknown(Code::E0401, entity, message, entities));
        None
    }

    fn aggregate(
        &mut self,
        function: &ast::Name,
        id: EntityId,
        entity: &ast::Name,
        field: Option<&ast::Name>,
    ) -> Option<(Aggregate, Option<Type>)> {
        let of = PRIMARY_KEY;
        let aggregate = match function.text.as_str() {
            "count" => Aggregate::Count,
            "exists" => Aggregate::Exists,
            "sum" => Aggregate::Sum(of),
            "min" => Aggregate::Min(of),
            "max" => Aggregate::Max(of),
            _ => Aggregate::Average(of),
        };
        let (aggregate, ty) = match (aggregate.slot(), field) {
            (None, None) => (aggregate, None),
            (None, Some(field)) => {
                let message = format!("`{}` is about whole records, not about their `{}`", function.text, field.text);
                let end = Span { start: entity.span.end, ..field.span };
                let help = format!("write `{0}({1} where {2} is not empty)`, or `{0}({1})`", function.text, entity.text, field.text);
                self.report(Diagnostic::new(Code::E0432, field.span, message).help(help).fix(end, ""));
                return None;
            }
            (Some(_), None) => {
                let message = format!("`{}` needs a field of `{}`", function.text, entity.text);
                let help = format!("write `{}({}.field where …)`", function.text, entity.text);
                self.report(Diagnostic::new(Code::E0432, entity.span, message).help(help));
                return None;
            }
            (Some(_), Some(field)) => {
                let slot = self.slot_of(id, field)?;
                (aggregate.over(slot), Some(self.schema.field(id, slot)?.ty.clone()))
            }
        };
        if aggregate.result(ty.as_ref()).is_none() {
            let what = ty.map_or_else(|| "this".to_owned(), |ty| self.describe(&ty));
            let takes = if matches!(aggregate, Aggregate::Min(_) | Aggregate::Max(_)) { "values with an order" } else { "numbers" };
            let message = format!("`{}` is for {takes}, and this is {what}", function.text);
            let place = field.map_or(entity.span, |field| field.span);
            self.report(Diagnostic::new(Code::E0433, place, message).help("ask `count(… where …)` or `exists(… where …)` for the rest"));
            return None;
        }
        Some((aggregate, ty))
    }

    /// The records of an entity of which a condition is true, or all of them.
    pub(in crate::check) fn filtered(&mut self, entity: EntityId, filter: Option<&ast::Expr>) -> Option<Query> {
        let mut query = Query { entity, conditions: Vec::new(), filter: None };
        let Some(filter) = filter else { return Some(query) };
        let outer = self.row.replace(entity);
        let before = self.facts.clone();
        let checked = self.condition(filter);
        self.facts = before;
        self.row = outer;
        let (condition, gained, _) = checked?;
        if self.flow().is_some_and(runs_before_create) && walk::mentions(&condition, &|kind| *kind == ExprKind::This) {
            self.report_unborn(filter.span, "no record can point at `this`");
            return None;
        }
        Divide { query: &mut query, before: &self.facts, gained: &gained }.conjunct(condition);
        Some(query)
    }

    /// What records are ordered by.
    pub(in crate::check) fn order(&mut self, entity: EntityId, written: &[(ast::Expr, bool)]) -> Option<Vec<Order>> {
        let outer = self.row.replace(entity);
        let checked: Vec<Option<Order>> = written.iter().map(|(e, descending)| self.ordered_by(e, *descending)).collect();
        self.row = outer;
        checked.into_iter().collect()
    }

    fn ordered_by(&mut self, e: &ast::Expr, descending: bool) -> Option<Order> {
        let checked = self.expression(e, None)?;
        let ExprKind::Row { slot, .. } = checked.kind else {
            let message = "records are ordered by their own fields";
            let help = "write the names of fields: `order by createdon descending, name`";
            self.report(Diagnostic::new(Code::E0434, e.span, message).help(help));
            return None;
        };
        if !has_order(&checked.ty) {
            let what = self.describe(&checked.ty);
            let help = "order by numbers, dates, times or text";
            self.report(Diagnostic::new(Code::E0434, e.span, format!("{what} has no order")).help(help));
            return None;
        }
        Some(Order { slot, descending })
    }

    /// `team["Sales"]`, `price["A-17", 3]`
    pub(super) fn by_key(&mut self, entity: &ast::Name, keys: &[ast::Expr], span: Span) -> Option<Expr> {
        let id = self.queried(entity)?;
        let declared = self.schema.entity(id)?;
        let Some(slots) = key_of(declared, keys.len()) else {
            let message = format!("`{}` has no key of {}", declared.name, fields(keys.len()));
            let diagnostic = Diagnostic::new(Code::E0435, span, message).help(keys_of(declared));
            self.report(diagnostic);
            return None;
        };
        let values: Vec<Option<(Slot, Expr)>> =
            slots.into_iter().zip(keys).map(|(slot, e)| Some((slot, self.key_value(e, id, slot)?))).collect();
        let values = values.into_iter().collect::<Option<Vec<_>>>()?;
        Some(Expr { kind: ExprKind::ByKey { entity: id, values }, ty: Type::Lookup([id].into()), optional: false, span })
    }
}

/// The fields that so many values of a key are about: the first key with that many, else the primary name.
fn key_of(entity: &Entity, count: usize) -> Option<Vec<Slot>> {
    let key = entity.keys.iter().find(|key| key.fields.len() == count).map(|key| key.fields.clone());
    key.or_else(|| entity.primary_name.filter(|_| count == 1).map(|name| vec![name]))
}

fn fields(count: usize) -> String {
    if count == 1 { "one field, and no primary name".to_owned() } else { format!("{count} fields") }
}

fn keys_of(entity: &Entity) -> String {
    let name = |slot: &Slot| entity.field(*slot).map_or("", |field| field.name.as_str());
    let form = |slots: &[Slot]| format!("`{}[{}]`", entity.name, slots.iter().map(name).collect::<Vec<_>>().join(", "));
    let mut forms: Vec<String> = entity.keys.iter().map(|key| form(&key.fields)).collect();
    if !entity.keys.iter().any(|key| key.fields.len() == 1) {
        forms.extend(entity.primary_name.map(|name| form(&[name])));
    }
    if forms.is_empty() { "declare one: `key (field)`".to_owned() } else { format!("its records are found by {}", forms.join(" or ")) }
}

fn usage(function: &str) -> String {
    match function {
        "count" | "exists" => format!("write `{function}(contact)`, or `{function}(contact where …)`"),
        _ => format!("write `{function}(opportunity.amount)`, or `{function}(opportunity.amount where …)`"),
    }
}

/// A filter on its way into the two parts of a query.
struct Divide<'a> {
    query: &'a mut Query,
    /// What is known not to be empty outside of the filter, and what is where it is true.
    before: &'a Facts,
    gained: &'a Facts,
}

impl Divide<'_> {
    fn conjunct(&mut self, condition: Expr) {
        if let ExprKind::And(left, right) = condition.kind {
            self.conjunct(*left);
            self.conjunct(*right);
            return;
        }
        match told(&condition) {
            Some(told) if self.query.conditions.len() < MOST_CONDITIONS && self.stands_alone(&told.value) => {
                self.query.conditions.push(told)
            }
            _ => {
                self.query.filter = Some(match self.query.filter.take() {
                    Some(filter) => {
                        let span = filter.span.to(condition.span);
                        boolean(ExprKind::And(Box::new(filter), Box::new(condition)), span)
                    }
                    None => condition,
                });
            }
        }
    }

    /// Whether a value can be computed before any record is looked at: it reads none, and nothing that only the filter
    /// itself makes sure is there.
    fn stands_alone(&self, value: &Expr) -> bool {
        let fresh = |place: Place| self.gained.knows(&place) && !self.before.knows(&place);
        if matches!(value.kind, ExprKind::Row { .. }) || !value.optional && Place::of(value).is_some_and(fresh) {
            return false;
        }
        let mut alone = true;
        walk::each_part(value, &mut |part| alone = alone && self.stands_alone(part));
        alone
    }
}

/// The condition as one that a store can tell.
fn told(condition: &Expr) -> Option<Condition> {
    let is = |slot: &Slot, test, value: Value, ty: &Type| {
        Some(Condition { slot: *slot, test, value: constant(value, ty.clone(), condition.span) })
    };
    match &condition.kind {
        ExprKind::Compare { comparison, left, right } => match (&left.kind, &right.kind) {
            (ExprKind::Row { slot, .. }, _) => Some(Condition { slot: *slot, test: test(*comparison), value: *right.clone() }),
            (_, ExprKind::Row { slot, .. }) => Some(Condition { slot: *slot, test: mirrored(test(*comparison)), value: *left.clone() }),
            _ => None,
        },
        ExprKind::Row { slot, .. } => is(slot, Test::Equal, Value::Boolean(true), &Type::Boolean),
        ExprKind::IsEmpty(value) => match &value.kind {
            ExprKind::Row { slot, .. } => is(slot, Test::Equal, Value::Empty, &value.ty),
            _ => None,
        },
        ExprKind::Not(inner) => match &inner.kind {
            ExprKind::Row { .. } | ExprKind::IsEmpty(_) => told(inner).map(|told| Condition { test: Test::NotEqual, ..told }),
            _ => None,
        },
        _ => None,
    }
}

fn test(comparison: Comparison) -> Test {
    match comparison {
        Comparison::Equal => Test::Equal,
        Comparison::NotEqual => Test::NotEqual,
        Comparison::Less => Test::Less,
        Comparison::LessOrEqual => Test::AtMost,
        Comparison::Greater => Test::Greater,
        Comparison::GreaterOrEqual => Test::AtLeast,
    }
}

fn mirrored(test: Test) -> Test {
    match test {
        Test::Less => Test::Greater,
        Test::AtMost => Test::AtLeast,
        Test::Greater => Test::Less,
        Test::AtLeast => Test::AtMost,
        same => same,
    }
}
