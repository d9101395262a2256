//! Queries and the loops over their records: which are open at a place, and how far each of them is.

use super::Problem;
use super::flow::Walk;
use super::held::Held;
use crate::bytecode::operand::{Kind, Operand, Rule};
use crate::bytecode::{FieldIx, Op, QueryIx, QueryRef};
use crate::schema::Schema;
use crate::schema::select::{Test, has_order};

/// How many queries may be open at once.
const MAX_OPEN: usize = 64;

/// A query that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Open {
    query: QueryIx,
    at: Place,
}

/// How far a query is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// No record is looked at: not yet, or not any more.
    Between,
    /// A record is looked at.
    Row,
    /// The records to visit are fixed.
    Fixed,
    /// One of them is visited.
    Record,
}

impl Walk<'_> {
    /// What the head of a loop knows: nothing of what the loop itself writes.
    pub(super) fn forget_in_loop(&mut self, at: usize) {
        let Some(end) = self.ends.get(at).copied().flatten() else { return };
        let Some(state) = self.state.as_mut() else { return };
        for op in self.code.ops.get(at..=end).into_iter().flatten() {
            op.visit(|_, operand| {
                if let Operand::Out(register, _) = operand
                    && let Some(place) = state.registers.get_mut(register.0 as usize)
                {
                    *place = Held::Nothing;
                }
            });
        }
    }

    /// Takes the open queries through an operation. The head of a loop goes on in the loop; what is open at its end is in [`Walk::left`].
    pub(super) fn queries(&mut self, op: &Op, at: usize) -> Result<(), Problem> {
        let Some(state) = self.state.as_mut() else { return Ok(()) };
        let queries = &mut state.queries;
        if matches!(op, Op::Wait { .. }) && !queries.is_empty() {
            return Err(Problem::Query);
        }
        if let Op::Open { query, .. } = *op {
            queries.push(Open { query, at: Place::Between });
            return if queries.len() <= MAX_OPEN { Ok(()) } else { Err(Problem::Query) };
        }
        let Some(top) = queries.last_mut() else {
            return match op {
                Op::NextRow { .. } | Op::KeepRow {} | Op::Loop { .. } | Op::Gather { .. } | Op::Visit {} | Op::NextRecord { .. } => {
                    Err(Problem::Query)
                }
                Op::RowField { .. } => Err(Problem::Query),
                _ => Ok(()),
            };
        };
        let query = self.code.queries.get(top.query.0 as usize).ok_or(Problem::Query)?;
        let visits = query.aggregate.is_none();
        match (*op, top.at) {
            (Op::NextRow { .. }, Place::Between) => top.at = Place::Row,
            (Op::RowField { field, .. }, Place::Row) => {
                let row = self.code.fields.get(field.0 as usize).ok_or(Problem::Query)?;
                if row.entity != query.entity || !query.columns.contains(row.slot) {
                    return Err(Problem::Query);
                }
            }
            (Op::KeepRow {}, Place::Row) => {
                let about = query.aggregate.as_ref().and_then(|(aggregate, _)| aggregate.slot());
                if about.is_some_and(|slot| !query.columns.contains(slot)) {
                    return Err(Problem::Query);
                }
            }
            (Op::Loop { to }, Place::Row | Place::Record) => {
                // The head found the same queries open, with this one in the same loop.
                let same = self.heads.get(&(to.0 as usize)).is_some_and(|head| head.0 == *queries && head.1 == state.steps);
                return if same { Ok(()) } else { Err(Problem::Query) };
            }
            (Op::Gather { query, .. }, Place::Between) if !visits && query == top.query => {
                queries.pop();
            }
            (Op::Visit {}, Place::Between) if visits => top.at = Place::Fixed,
            (Op::NextRecord { .. }, Place::Fixed) => top.at = Place::Record,
            (
                Op::NextRow { .. }
                | Op::RowField { .. }
                | Op::KeepRow {}
                | Op::Loop { .. }
                | Op::Gather { .. }
                | Op::Visit {}
                | Op::NextRecord { .. },
                _,
            ) => return Err(Problem::Query),
            _ => {}
        }
        if matches!(op, Op::NextRow { .. } | Op::NextRecord { .. }) {
            self.heads.insert(at, (queries.clone(), state.steps));
        }
        Ok(())
    }

    /// The open queries where the loop of a head has ended.
    pub(super) fn left(op: &Op, mut queries: Vec<Open>) -> Vec<Open> {
        match op {
            Op::NextRow { .. } => queries.iter_mut().last().into_iter().for_each(|top| top.at = Place::Between),
            Op::NextRecord { .. } => drop(queries.pop()),
            _ => {}
        }
        queries
    }

    /// What a field of the record that is looked at holds.
    pub(super) fn row_field(&self, field: FieldIx) -> Result<Held, Problem> {
        self.field(field, true)
    }

    /// What the result of a query is.
    pub(super) fn gathered(&self, query: QueryIx) -> Result<Held, Problem> {
        let query = self.code.queries.get(query.0 as usize).ok_or(Problem::Query)?;
        let (aggregate, ty) = query.aggregate.as_ref().ok_or(Problem::Query)?;
        let (ty, optional) = aggregate.result(ty.as_ref()).ok_or(Problem::Query)?;
        Ok(Held::typed(&ty, optional))
    }

    /// What the values of a query have to be.
    pub(super) fn asked(&self, query: QueryIx) -> Result<Vec<Rule>, Problem> {
        let query = self.code.queries.get(query.0 as usize).ok_or(Problem::Query)?;
        let mut rules = Vec::with_capacity(query.values());
        for (slot, _) in &query.conditions {
            let field = self.site.schema.field(query.entity, *slot).ok_or(Problem::Schema)?;
            rules.push(Rule::Maybe(Kind::of_type(&field.ty)));
        }
        rules.extend(query.limited.then_some(Rule::Full(Kind::Integer)));
        Ok(rules)
    }
}

/// Whether a query asks what its entity can answer.
pub(super) fn possible(query: &QueryRef, schema: &Schema) -> Result<(), Problem> {
    let entity = schema.entity(query.entity).ok_or(Problem::Schema)?;
    let ty = |slot| entity.field(slot).map(|field| &field.ty).ok_or(Problem::Schema);
    for slot in query.fields().iter() {
        ty(slot)?;
    }
    for (slot, test) in &query.conditions {
        let equality = matches!(test, Test::Equal | Test::NotEqual);
        if !equality && !has_order(ty(*slot)?) {
            return Err(Problem::Query);
        }
    }
    for order in &query.order {
        if !has_order(ty(order.slot)?) || !query.columns.contains(order.slot) {
            return Err(Problem::Query);
        }
    }
    match &query.aggregate {
        None => Ok(()),
        Some((aggregate, of)) => {
            let known = match aggregate.slot() {
                Some(slot) => of.as_ref() == Some(ty(slot)?),
                None => of.is_none(),
            };
            let fits = known && query.order.is_empty() && !query.limited && aggregate.result(of.as_ref()).is_some();
            if fits { Ok(()) } else { Err(Problem::Query) }
        }
    }
}
