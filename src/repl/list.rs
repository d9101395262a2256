//! `:list`: records as a table, those that a `for each` of these words would go through.
//!
//! Invariants: nothing is written; who acts sees what a flow of theirs would see; no more is read than is shown.

use smol_str::SmolStr;

use super::answer::{Answer, Colour, Worst};
use super::session::{Session, counted};
use super::{grid, statement, words};
use crate::bytecode::Code;
use crate::check::ir::{Expr, ExprKind, Query, Stmt, StmtKind};
use crate::compile;
use crate::schema::select::Aggregate;
use crate::schema::{Entity, Field, PRIMARY_KEY, Row, system};
use crate::source::Span;
use crate::syntax::{self, Token};
use crate::value::{Reference, Slot, Type, Value};
use crate::vm::Fault;

/// How many records are shown where nobody says, and where somebody does.
const FEW: i64 = 20;
const MOST: i64 = 1_000;

/// How many characters of a text are kept: more than any column shows.
const LONGEST: usize = 200;

/// What stands before the words to make a statement of them, and behind. They stay on lines of their own.
pub(super) const BEFORE: &str = "for each\n";
const BEHIND: &str = "\n{ }";

/// What is said of anything else.
const NOTHING_ELSE: &str = "`:list` takes an entity, and which of its records: `where …`, `order by …`, `limit …`";

/// `:list`
pub(super) fn list(session: &mut Session, text: &str, answer: &mut Answer<'_>) {
    if text.is_empty() {
        return answer.error(Worst::Usage, "`:list` takes an entity: `:list account where revenue > 1_000 order by name limit 5`");
    }
    if syntax::tokens(text).any(|(token, _)| matches!(token, Token::BraceOpen | Token::BraceClose)) {
        return answer.error(Worst::Usage, NOTHING_ELSE);
    }
    let file = session.sources.add("<list>", format!("{BEFORE}{text}{BEHIND}"));
    let (typed, said) = syntax::parse_typed(&session.sources, file);
    let statement = typed.statements.first().filter(|_| said.is_empty() && typed.statements.len() == 1);
    let (checked, said) = statement.map_or((None, said), |statement| session.state.lines.records(&session.project.checked, statement));
    answer.diagnostics(&said, &session.sources, session.setup.colours);
    match checked {
        Some((Stmt { kind: StmtKind::ForEach { query, order, limit, local, body }, span }, locals)) => {
            let limit = limit.as_ref();
            let each =
                |limit| StmtKind::ForEach { query: query.clone(), order: order.clone(), limit: Some(limit), local, body: body.clone() };
            match found(session, (&query, limit, span), |limit| compile::statement(&Stmt { kind: each(limit), span }, &locals)) {
                Ok((records, all)) => show(session, &query, &records, all, answer),
                Err(fault) => statement::tell_fault(session, &fault, answer),
            }
            session.recover(answer);
        }
        _ if said.is_empty() => answer.error(Worst::Usage, NOTHING_ELSE),
        _ => {}
    }
}

/// The records that are shown, and how many there are. `code` is what goes through so many of them.
fn found(
    session: &mut Session,
    (query, limit, span): (&Query, Option<&Expr>, Span),
    code: impl FnOnce(Expr) -> Code,
) -> Result<(Vec<Reference>, i64), Fault> {
    let most = match limit {
        Some(limit) => statement::value(session, limit)?,
        None => Value::Integer(FEW),
    };
    let most = if let Value::Integer(most) = most { most.clamp(1, MOST) } else { FEW };
    let number = |kind| Expr { kind, ty: Type::BigInt, optional: false, span };
    let count = number(ExprKind::Query { aggregate: Aggregate::Count, field: None, query: Box::new(query.clone()) });
    let all = if let Value::Integer(all) = statement::value(session, &count)? { all } else { 0 };
    let code = code(number(ExprKind::Constant(Value::Integer(most))));
    let mut values = session.state.line.locals.clone();
    values.resize(code.inputs.into(), Value::Empty);
    let acting = session.state.line.acting.as_ref().map(|(_, user)| *user);
    Ok((session.pipeline.visited(&code, &values, acting)?, all))
}

fn show(session: &mut Session, query: &Query, records: &[Reference], all: i64, answer: &mut Answer<'_>) {
    let schema = std::sync::Arc::clone(&session.compiled.schema);
    let Some(entity) = schema.entity(query.entity) else { return };
    let shown = shown(entity);
    let mut rows = Vec::new();
    for record in records {
        match session.pipeline.read(*record, &shown.iter().map(|(slot, _)| *slot).collect()) {
            Ok(row) => rows.extend(row.map(|row| cells(session, &shown, &row))),
            Err(fault) => return statement::tell_fault(session, &fault, answer),
        }
    }
    let columns: Vec<grid::Column> = shown.iter().map(|(_, field)| column(field)).collect();
    let width = (session.setup.width)();
    let table = grid::laid_out(&columns, &rows, width);
    let colours = session.setup.colours;
    if let Some((head, rows)) = table.lines.split_first() {
        answer.line(Colour::Strong.paint(head, colours));
        rows.iter().for_each(|row| answer.line(row));
    }
    let dim = |words: &str| Colour::Dim.paint(words, colours);
    if !table.left_out.is_empty() {
        let mut lines = Vec::new();
        crate::exchange::wrap(&format!("no room for {}", table.left_out.join(", ")), 0, width, &mut lines);
        lines.iter().for_each(|line| answer.line(dim(line)));
    }
    let shown = records.len() as i64;
    answer.line(dim(&match all {
        _ if shown < all.min(MOST) => {
            format!("{shown} of {}: `limit {}` shows {}", counted_wide(all), all.min(MOST), if all > MOST { "more" } else { "all" })
        }
        _ if shown < all => format!("{shown} of {}", counted_wide(all)),
        0 => "no record".to_owned(),
        all => counted_wide(all),
    }));
}

fn counted_wide(count: i64) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), "record", "records")
}

/// The fields that are worth a column, the primary name first; the id only where there is no name.
fn shown(entity: &Entity) -> Vec<(Slot, &Field)> {
    let own = entity.fields().filter(|(slot, field)| *slot != PRIMARY_KEY && !system::ALL.contains(&field.name.as_str()));
    let (mut first, rest): (Vec<_>, Vec<_>) = own.partition(|(slot, _)| entity.primary_name == Some(*slot));
    if first.is_empty() {
        first.extend(entity.field(PRIMARY_KEY).map(|field| (PRIMARY_KEY, field)));
    }
    first.into_iter().chain(rest).collect()
}

fn column(field: &Field) -> grid::Column {
    let is_number = matches!(field.ty, Type::Integer | Type::BigInt | Type::Decimal(_) | Type::Money(_) | Type::Float);
    grid::Column { name: field.name.to_string(), to_the_right: is_number }
}

/// The values of a record in words: a text as it is, another record by its primary name, nothing for what is empty.
fn cells(session: &mut Session, shown: &[(Slot, &Field)], row: &Row) -> Vec<String> {
    let cell = |(slot, field): &(Slot, &Field)| match row.get(*slot) {
        None | Some(Value::Empty) => String::new(),
        Some(Value::Text(text)) => text.chars().take(LONGEST).collect(),
        Some(value @ Value::Reference(_)) => {
            session.pipeline.text(value, &field.ty, None).unwrap_or_else(|_| SmolStr::default()).to_string()
        }
        Some(value) => words::value(value, &field.ty, &session.compiled.schema),
    };
    shown.iter().map(cell).collect()
}
