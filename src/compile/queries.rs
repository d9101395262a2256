//! Queries and loops over records.
//!
//! What a store can tell goes into the query itself; what is left of a filter is a loop that looks at the records one by
//! one and keeps those of which it is true. A `for each` is a loop over the records that were kept, or over all.

use crate::bytecode::{Op, Out, QueryIx, QueryRef, Run};
use crate::check::ir::{Block, Expr, LocalId, Query};
use crate::schema::FieldSet;
use crate::schema::select::{Aggregate, Order};
use crate::value::{EntityId, Slot, Type};

use super::body::Body;

/// The parts of a `for each`.
pub(super) struct ForEach<'a> {
    pub query: &'a Query,
    pub order: &'a [Order],
    pub limit: Option<&'a Expr>,
    pub local: LocalId,
    pub body: &'a Block,
}

impl Body<'_> {
    /// What is worked out of the records of a query. `ty` is the type of the field that it is about.
    pub(super) fn query(&mut self, aggregate: Aggregate, ty: Option<Type>, query: &Query, out: Out) {
        let columns = aggregate.slot().into_iter().collect();
        let table = QueryRef { aggregate: Some((aggregate, ty)), columns, ..self.asked(query) };
        let index = self.open(query, table, None);
        self.b.op(Op::Gather { query: index, out });
    }

    pub(super) fn for_each(&mut self, each: &ForEach) {
        let columns = each.order.iter().map(|order| order.slot).collect();
        let table = QueryRef { order: each.order.to_vec(), limited: each.limit.is_some(), columns, ..self.asked(each.query) };
        self.open(each.query, table, each.limit);
        self.b.op(Op::Visit {});
        let out = self.b.local(each.local.0);
        let (head, end) = (self.b.here(), self.b.label());
        self.b.jump(end, |to| Op::NextRecord { to, out });
        self.block(each.body);
        self.b.same_place(|b| b.op(Op::Loop { to: head }));
        self.b.bind(end);
    }

    /// The one record whose fields have these values.
    pub(super) fn by_key(&mut self, entity: EntityId, values: &[(Slot, Expr)], out: Out) {
        let run = self.run(values.iter().map(|(_, value)| value));
        let fields = self.b.write(entity, values.iter().map(|(slot, _)| *slot).collect());
        self.b.op(Op::Find { fields, values: run, out });
    }

    /// A field of the record that a filter looks at.
    pub(super) fn row_field(&mut self, e: &Expr, (entity, slot): (EntityId, Slot), out: Out) {
        let field = self.b.field(entity, slot);
        self.b.looked_at.insert(slot);
        self.b.op(Op::RowField { field, out });
        self.require(e, out);
    }

    /// The query as it stands in its table, without what it is for.
    fn asked(&self, query: &Query) -> QueryRef {
        QueryRef {
            entity: query.entity,
            conditions: query.conditions.iter().map(|condition| (condition.slot, condition.test)).collect(),
            aggregate: None,
            order: Vec::new(),
            limited: false,
            columns: FieldSet::default(),
        }
    }

    /// Begins a query, and keeps the records of which its filter is true, where it has one.
    fn open(&mut self, query: &Query, mut table: QueryRef, limit: Option<&Expr>) -> QueryIx {
        let values: Vec<&Expr> = query.conditions.iter().map(|condition| &condition.value).chain(limit).collect();
        let values: Run = self.run(values.into_iter());
        let Some(filter) = &query.filter else {
            table.columns = table.order.iter().map(|order| order.slot).collect();
            let index = self.b.query(table);
            self.b.op(Op::Open { query: index, values });
            return index;
        };
        let index = self.b.next_query();
        self.b.op(Op::Open { query: index, values });
        let (head, again, end) = (self.b.here(), self.b.label(), self.b.label());
        self.b.jump(end, |to| Op::NextRow { to });
        self.b.looked_at = std::mem::take(&mut table.columns);
        let outer = std::mem::replace(&mut self.b.filters, true);
        self.branch(filter, false, again);
        self.b.filters = outer;
        self.b.op(Op::KeepRow {});
        self.b.bind(again);
        self.b.op(Op::Loop { to: head });
        self.b.bind(end);
        table.columns = std::mem::take(&mut self.b.looked_at);
        self.b.query(table)
    }
}
