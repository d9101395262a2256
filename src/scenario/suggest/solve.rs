//! From tasks to a sketch: each comparison is turned about until it says something of a field or an input.
//!
//! No solver of equations: a value that is known is carried over to the other side, and of two that are not known one is chosen. What comes of
//! it is run for real, so a mistake in here costs a suggestion and never makes a wrong one.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::bytecode::Input;
use crate::check::ir::{Comparison, Containment, Expr, ExprKind, LocalId, Until};
use crate::check::walk::each_part;
use crate::compile;
use crate::pipeline::Pipeline;
use crate::schema::{Field, FieldSet, Schema};
use crate::source::Sources;
use crate::value::{EntityId, Slot, Type, Value};

use super::domain::{Bound, Need, plain, scaled};
use super::paths::Scope;
use super::sketch::{Entry, Place, Sketch, Time};
use super::tasks::{At, Kind, Task, condition_ways};

/// How deep one value may hang on others.
const DEEPEST: u32 = 32;

/// Why there is no sketch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Both sides are open: to be looked at again once more is known.
    Later,
    /// In words.
    Said(String),
}

pub(super) type Solved<T = ()> = Result<T, Why>;

/// Makes a sketch.
pub(super) struct Solver<'s> {
    pub schema: &'s Schema,
    pub sources: &'s Sources,
    /// Works out constants.
    pub folder: &'s mut Pipeline,
    pub entry: &'s Entry,
    pub inputs: &'s [Input],
    /// The fields that an update has to submit; what is asked of others stands in the create before it. None: all are submitted.
    pub submitted: Option<FieldSet>,
    pub sketch: Sketch,
    pub rows: BTreeMap<LocalId, usize>,
    /// The record that a query looks at.
    pub row: Option<usize>,
    pub depth: u32,
}

impl Solver<'_> {
    /// Sees to all tasks.
    pub fn all(&mut self, tasks: &[Task<'_>]) -> Solved {
        let mut later = Vec::new();
        for task in tasks {
            match self.task(task, false) {
                Err(Why::Later) => later.push(task),
                done => done?,
            }
        }
        later.into_iter().try_for_each(|task| self.task(task, true))
    }

    fn task(&mut self, task: &Task<'_>, settle: bool) -> Solved {
        let at = &task.at;
        match &task.kind {
            Kind::Holds(condition, holds) => self.condition(condition, *holds, at),
            Kind::Compare(left, comparison, right) => self.compare(left, *comparison, right, at, settle),
            Kind::Need(value, need) => self.need(value, need.clone(), at),
            Kind::There(record, true) => self.record(record, at).map(|_| ()),
            Kind::There(record, false) => self.need(record, Need::Is(Value::Empty), at),
            Kind::Row(query, local) => {
                let row = self.row_of(query, at)?;
                self.rows.insert(*local, row);
                Ok(())
            }
            Kind::Waited(until) => self.wait(until, at),
        }
    }

    /// Because of something that can't be turned about.
    pub fn because(&self, e: &Expr) -> Why {
        let text = self.sources.slice(e.span).split_whitespace().collect::<Vec<_>>().join(" ");
        Why::Said(format!("it depends on `{text}`"))
    }

    /// A condition that isn't made of others.
    fn condition(&mut self, e: &Expr, holds: bool, at: &At<'_>) -> Solved {
        match &e.kind {
            ExprKind::IsEmpty(value) => self.need(value, if holds { Need::Is(Value::Empty) } else { Need::Filled }, at),
            ExprKind::Contains { test, left, right } => {
                let part = self.known_or_settled(right, at)?;
                let need = match (part, test, holds) {
                    (Value::Choice(code), _, true) => Need::Has(code),
                    (Value::Choice(code), _, false) => Need::Lacks(code),
                    (Value::Text(text), Containment::Contains, true) => Need::Within(text),
                    (Value::Text(text), Containment::StartsWith, true) => Need::Starts(text),
                    (Value::Text(text), Containment::EndsWith, true) => Need::Ends(text),
                    (Value::Text(text), _, false) => Need::Without(text),
                    _ => return Err(self.because(e)),
                };
                self.need(left, need, at)
            }
            ExprKind::Changed(slot) => self.changed(*slot, holds, at),
            _ => self.need(e, Need::Is(Value::Boolean(holds)), at),
        }
    }

    fn changed(&mut self, slot: Slot, holds: bool, at: &At<'_>) -> Solved {
        let said = |words: &str| Err(Why::Said(words.to_owned()));
        match (self.entry, holds) {
            (Entry::Create, _) => {
                let need = if holds { Need::Filled } else { Need::Is(Value::Empty) };
                self.put(Place::Field(at.about.record, Time::Now, slot), need)
            }
            (Entry::Update(_), true) => {
                self.sketch.changed.push(slot);
                self.put(Place::Field(0, Time::Now, slot), Need::Filled)
            }
            (Entry::Update(_), false) => {
                self.sketch.kept.push(slot);
                Ok(())
            }
            (_, true) => said("it depends on a field that changes, and what begins it changes none"),
            (_, false) => Ok(()),
        }
    }

    fn compare(&mut self, left: &Expr, comparison: Comparison, right: &Expr, at: &At<'_>, settle: bool) -> Solved {
        if matches!(left.ty, Type::Lookup(_)) && !is_empty(left) && !is_empty(right) {
            return self.same_record(left, comparison, right, at);
        }
        if let Some(value) = self.known(right, at) {
            let need = self.relation(comparison, &value, left)?;
            return self.need(left, need, at);
        }
        if let Some(value) = self.known(left, at) {
            let need = self.relation(mirrored(comparison), &value, right)?;
            return self.need(right, need, at);
        }
        if !settle {
            return Err(Why::Later);
        }
        let settled = self.settle(right, at);
        if settled.is_err() || self.known(right, at).is_none() {
            self.settle(left, at)?;
        }
        match (self.known(left, at), self.known(right, at)) {
            (None, None) => Err(self.because(right)),
            _ => self.compare(left, comparison, right, at, false).map_err(|_| self.because(left)),
        }
    }

    fn relation(&self, comparison: Comparison, value: &Value, other: &Expr) -> Solved<Need> {
        let bound = scaled(value);
        match (comparison, bound) {
            (Comparison::Equal, _) => Ok(Need::Is(value.clone())),
            (Comparison::NotEqual, _) => Ok(Need::Not(value.clone())),
            (Comparison::Less, Some(bound)) => Ok(Need::Below(bound, Bound::Excluded)),
            (Comparison::LessOrEqual, Some(bound)) => Ok(Need::Below(bound, Bound::Included)),
            (Comparison::Greater, Some(bound)) => Ok(Need::Above(bound, Bound::Excluded)),
            (Comparison::GreaterOrEqual, Some(bound)) => Ok(Need::Above(bound, Bound::Included)),
            (Comparison::Less | Comparison::LessOrEqual, None) => beside(Ordering::Less, value).ok_or_else(|| self.because(other)),
            (_, None) => beside(Ordering::Greater, value).ok_or_else(|| self.because(other)),
        }
    }

    /// Two lookups that refer to the same record, or to two.
    fn same_record(&mut self, left: &Expr, comparison: Comparison, right: &Expr, at: &At<'_>) -> Solved {
        let (record, place) = match (self.place(left, at), self.place(right, at)) {
            (Ok(place), _) => (self.record(right, at)?, place),
            (_, Ok(place)) => (self.record(left, at)?, place),
            _ => return Err(self.because(left)),
        };
        match comparison {
            Comparison::Equal => self.put(place, Need::Record(record)),
            _ => self.filled(place).map(|_| ()),
        }
    }

    /// The value, where it follows from what is known.
    pub fn known(&mut self, e: &Expr, at: &At<'_>) -> Option<Value> {
        if let ExprKind::Constant(value) = &e.kind {
            return Some(value.clone());
        }
        let constant = self.constant(e, at, 0)?;
        self.folder.evaluate(&compile::expression(&constant, &[]), &[], None).ok()
    }

    /// The expression with what is known in the place of fields and names; none where something isn't.
    fn constant(&mut self, e: &Expr, at: &At<'_>, depth: u32) -> Option<Expr> {
        if depth > DEEPEST || !at.goes_on() {
            return None;
        }
        if let Some((inner, scope)) = looked_through(e, at) {
            return self.constant(inner, &scope, depth + 1);
        }
        let value = match &e.kind {
            ExprKind::Field(_) | ExprKind::Old(_) | ExprKind::Related { .. } | ExprKind::Row { .. } | ExprKind::Input(_) => {
                let place = self.seen(e, at)?;
                self.sketch.domain(place)?.fixed().cloned()?
            }
            ExprKind::This | ExprKind::Query { .. } | ExprKind::ByKey { .. } | ExprKind::Local(_) | ExprKind::Caller => return None,
            ExprKind::Changed(_) => return None,
            _ => return self.rebuilt(e, at, depth),
        };
        Some(Expr { kind: ExprKind::Constant(value), ..e.clone() })
    }

    fn rebuilt(&mut self, e: &Expr, at: &At<'_>, depth: u32) -> Option<Expr> {
        let mut parts = Vec::new();
        each_part(e, &mut |part| parts.push(part.clone()));
        let parts: Option<Vec<Expr>> = parts.iter().map(|part| self.constant(part, at, depth + 1)).collect();
        super::reverse::with_parts(e, parts?)
    }

    /// The value, chosen where it isn't known.
    pub fn known_or_settled(&mut self, e: &Expr, at: &At<'_>) -> Solved<Value> {
        if let Some(value) = self.known(e, at) {
            return Ok(value);
        }
        self.settle(e, at)?;
        self.known(e, at).ok_or_else(|| self.because(e))
    }

    /// Chooses values for whatever a value is worked out of.
    pub fn settle(&mut self, e: &Expr, at: &At<'_>) -> Solved {
        if !at.goes_on() {
            return Err(self.because(e));
        }
        self.deeper(|solver| {
            if let Some((inner, scope)) = looked_through(e, at) {
                return solver.settle(inner, &scope);
            }
            match &e.kind {
                ExprKind::Field(_) | ExprKind::Old(_) | ExprKind::Related { .. } | ExprKind::Row { .. } | ExprKind::Input(_) => {
                    let place = solver.place(e, at)?;
                    solver.choose(place, e)
                }
                ExprKind::This | ExprKind::Query { .. } | ExprKind::ByKey { .. } | ExprKind::Local(_) | ExprKind::Caller => {
                    Err(solver.because(e))
                }
                _ => {
                    let mut parts = Vec::new();
                    each_part(e, &mut |part| parts.push(part.clone()));
                    parts.iter().try_for_each(|part| solver.settle(part, at))
                }
            }
        })
    }

    fn choose(&mut self, place: Place, e: &Expr) -> Solved {
        let field = self.field(place).ok_or_else(|| self.because(e))?;
        let mut domain = self.sketch.domain(place).cloned().unwrap_or_default();
        if domain.fixed().is_none() {
            domain.add(Need::Filled);
        }
        let value = domain.value(&field, self.schema, 1).ok_or_else(|| self.because(e))?;
        self.put(place, Need::Is(value))
    }

    /// Goes one step deeper, not without end.
    pub fn deeper<T>(&mut self, go: impl FnOnce(&mut Self) -> Solved<T>) -> Solved<T> {
        if self.depth > DEEPEST {
            return Err(Why::Said("it hangs on too many others".to_owned()));
        }
        self.depth += 1;
        let done = go(self);
        self.depth -= 1;
        done
    }

    /// The field of a place; of an input, the field that it is like.
    pub fn field(&self, place: Place) -> Option<Field> {
        match place {
            Place::Field(record, _, slot) => self.schema.field(self.entity(record)?, slot).cloned(),
            Place::Input(input) => self.inputs.get(usize::from(input)).map(Input::field),
        }
    }

    fn entity(&self, record: usize) -> Option<EntityId> {
        self.sketch.records.get(record).map(|draft| draft.entity)
    }

    /// Asks something of a place.
    pub fn put(&mut self, place: Place, need: Need) -> Solved {
        let Some(field) = self.field(place) else { return Err(Why::Said("there is no such field".to_owned())) };
        if field.read_only {
            return Err(Why::Said(format!("only the platform writes `{}`", field.name)));
        }
        if matches!(field.ty, Type::Lookup(_)) && (need == Need::Filled || need == Need::Not(Value::Empty)) {
            return self.filled(place).map(|_| ());
        }
        if let Some(domain) = self.sketch.domain_mut(place) {
            domain.add(need);
        }
        Ok(())
    }

    fn wait(&mut self, until: &Until, at: &At<'_>) -> Solved {
        match until {
            Until::After(length) => {
                let Value::Duration(length) = self.known_or_settled(length, at)? else { return Err(self.because(until.value())) };
                self.sketch.waits.push(length);
                Ok(())
            }
            // It has come where it isn't later than the moment at which tests begin.
            Until::Moment(moment) => self.need(moment, Need::Below(plain(&Type::DateTime), Bound::Included), at),
            Until::Condition(condition) => {
                let ways = condition_ways(condition, true, &at.within(&Scope::default()));
                ways.first().map_or(Ok(()), |tasks| self.all(tasks))
            }
        }
    }
}

/// What a name or a field holds where the same text says so, and what names mean there.
pub(super) fn looked_through<'a>(e: &Expr, at: &At<'a>) -> Option<(&'a Expr, At<'a>)> {
    at.known(e).map(|known| (known.value, at.within(&known.scope)))
}

fn is_empty(e: &Expr) -> bool {
    matches!(e.kind, ExprKind::Constant(Value::Empty))
}

fn beside(order: Ordering, value: &Value) -> Option<Need> {
    value.as_text().map(|text| Need::Beside(order, text.into()))
}

/// The comparison from the other side.
fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        same => same,
    }
}
