//! `table { | a | b | … }` at the end of a test: a run of the test for each row, which the header's names stand for.
//!
//! The names are in sight in the whole test, and the cells are computed before its first statement. A column has one
//! type: that of its cells together, of which some may be `empty`.

use super::context::Context;
use super::expr::{alike, widest};
use super::ir;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::Type;

/// A table as it is written, and the statements before it.
pub(super) struct Written<'a> {
    pub before: &'a [ast::Stmt],
    pub header: &'a [ast::Name],
    rows: &'a [ast::TableRow],
    span: Span,
}

/// The table in which a body ends.
pub(super) fn at_the_end(statements: &[ast::Stmt]) -> Option<Written<'_>> {
    let (last, before) = statements.split_last()?;
    match &last.kind {
        ast::StmtKind::Table { header, rows } => Some(Written { before, header, rows, span: last.span }),
        _ => None,
    }
}

impl Context<'_> {
    /// Checks a table, and takes the names of its header into sight.
    pub(super) fn table(&mut self, written: &Written) -> ir::Table {
        let Written { header, rows, span, .. } = *written;
        if rows.is_empty() {
            let message = "this table has no row, so the test never runs";
            self.report(Diagnostic::new(Code::E0722, span, message).help("write a row of values below the header: `| 5 | true |`"));
        }
        let whole: Vec<&ast::TableRow> = rows.iter().filter(|row| self.is_whole(row, header)).collect();
        let columns: Vec<Option<(ir::LocalId, Vec<ir::Expr>)>> = header
            .iter()
            .enumerate()
            .map(|(position, name)| self.column(name, whole.iter().filter_map(|row| row.cells.get(position))))
            .collect();
        let mut columns = columns.into_iter().flatten().collect::<Vec<_>>();
        let names = columns.iter().map(|(local, _)| *local).collect();
        let mut cells = columns.iter_mut().map(|(_, cells)| cells.drain(..)).collect::<Vec<_>>();
        let row = |row: &&ast::TableRow| ir::TableRow { cells: cells.iter_mut().filter_map(Iterator::next).collect(), span: row.span };
        ir::Table { names, rows: whole.iter().map(row).collect() }
    }

    /// Whether a row has a cell for every name of the header, and no more.
    fn is_whole(&mut self, row: &ast::TableRow, header: &[ast::Name]) -> bool {
        let (has, wanted) = (row.cells.len(), header.len());
        if has != wanted {
            let cells = |count| if count == 1 { "1 cell".to_owned() } else { format!("{count} cells") };
            let diagnostic =
                Diagnostic::new(Code::E0721, row.span, format!("this row has {}, and the header {}", cells(has), cells(wanted)));
            let header = header.first().zip(header.last()).map(|(first, last)| first.span.to(last.span));
            let diagnostic = header.into_iter().fold(diagnostic, |diagnostic, header| diagnostic.also(header, "the header"));
            self.report(diagnostic.help("every row has a cell for every name of the header; `empty` is a cell too"));
        }
        has == wanted
    }

    /// The cells below a name of the header, as values of one type.
    fn column<'c>(&mut self, name: &ast::Name, written: impl Iterator<Item = &'c ast::Expr>) -> Option<(ir::LocalId, Vec<ir::Expr>)> {
        let cells = self.cells(written).and_then(|cells| match alike(cells) {
            Ok(cells) => Some(cells),
            Err(sides) => self.unlike(name, &sides.0, &sides.1),
        });
        let Some(cells) = cells.filter(|cells| !cells.is_empty()) else {
            self.broken.insert(name.text.clone());
            return None;
        };
        let ty = widest(&cells);
        let local = self.introduce(name, ty, cells.iter().any(|cell| cell.optional))?;
        Some((local, cells))
    }

    fn unlike<T>(&mut self, name: &ast::Name, one: &ir::Expr, other: &ir::Expr) -> Option<T> {
        let (first, second) = (self.describe(&one.ty), self.describe(&other.ty));
        let message = format!("the cells of `{}` are not of one type", name.text);
        let diagnostic = Diagnostic::new(Code::E0723, other.span, message).label(second).also(one.span, first);
        self.report(diagnostic.help("every row says the same kind of thing; make a table of its own for the other kind"));
        None
    }

    /// Cells one by one. The first that is not `empty` gives its type to the others.
    fn cells<'c>(&mut self, written: impl Iterator<Item = &'c ast::Expr>) -> Option<Vec<ir::Expr>> {
        let written: Vec<&ast::Expr> = written.collect();
        let (values, empty): (Vec<usize>, Vec<usize>) =
            (0..written.len()).partition(|at| written.get(*at).is_some_and(|cell| !matches!(cell.kind, ast::ExprKind::Empty)));
        let mut ty = None;
        let mut cells = vec![None; written.len()];
        for at in values.iter().chain(&empty) {
            let (Some(cell), Some(place)) = (written.get(*at), cells.get_mut(*at)) else { continue };
            *place = self.cell(cell, ty.as_ref());
            ty = ty.or_else(|| place.as_ref().map(|cell: &ir::Expr| cell.ty.clone()));
            if ty.is_none() && empty.contains(at) {
                return None;
            }
        }
        cells.into_iter().collect()
    }

    /// A cell, which sees nothing of the test.
    fn cell(&mut self, cell: &ast::Expr, expected: Option<&Type>) -> Option<ir::Expr> {
        let said = self.diagnostics.len();
        let checked = self.expression(cell, expected);
        for diagnostic in self.diagnostics.iter_mut().skip(said).filter(|diagnostic| diagnostic.code == Code::E0401) {
            diagnostic.help.push("the cells of a table are computed before the first statement of the test".into());
        }
        checked
    }

    /// Says which names of a header nothing in the test reads.
    pub(super) fn unread_columns(&mut self, header: &[ast::Name]) {
        for name in header {
            let local = self.locals.iter().position(|local| local.name == name.text && !self.broken.contains(&name.text));
            if local.is_some_and(|local| self.reads.iter().all(|(_, read)| usize::from(read.0) != local)) {
                let message = format!("nothing in this test reads `{}`", name.text);
                self.report(Diagnostic::new(Code::W0721, name.span, message).help("use it in the test, or take its column out"));
            }
        }
    }
}
