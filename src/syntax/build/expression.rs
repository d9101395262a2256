//! Expressions: operands, names, calls, queries, keys.

use smol_str::SmolStr;

use super::operators::{self, Assembly};
use super::{Builder, Node, Nodes, Rule, next, parts, take};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind, Name, UnaryOperator};

/// An expression and how high its tree is.
type Measured = (Expr, usize);

impl Builder<'_> {
    /// An expression; `None` where something in it means nothing.
    pub(super) fn expr(&mut self, node: Node) -> Option<Expr> {
        self.measured(node).map(|(expr, _)| expr)
    }

    pub(super) fn measured(&mut self, node: Node) -> Option<Measured> {
        let mut inner = node.into_inner();
        if inner.len() == 1 {
            return self.operand(inner.next()?);
        }
        let mut assembly = Assembly::default();
        for part in inner {
            let result = self.part(&mut assembly, part)?;
            self.accept(result)?;
        }
        self.accept(assembly.finish())?
    }

    fn part(&mut self, assembly: &mut Assembly, part: Node) -> Option<Result<(), Diagnostic>> {
        let span = self.span(&part);
        Some(match part.as_rule() {
            Rule::kw_not => assembly.prefix(UnaryOperator::Not, span),
            Rule::minus => assembly.prefix(UnaryOperator::Negate, span),
            Rule::operator => assembly.infix(operators::operator(part.as_str()), span),
            Rule::is_empty => {
                let negated = part.into_inner().any(|word| word.as_rule() == Rule::kw_not);
                assembly.test(span, 0, |value| ExprKind::IsEmpty { value, negated })
            }
            Rule::in_list => {
                let (list, height) = self.list(part.into_inner())?;
                assembly.test(span, height, |value| ExprKind::In { value, list })
            }
            _ => {
                let (expr, height) = self.operand(part)?;
                assembly.operand(expr, height);
                Ok(())
            }
        })
    }

    fn accept<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|problem| self.problems.push(problem)).ok()
    }

    fn list(&mut self, nodes: Nodes) -> Option<(Vec<Expr>, usize)> {
        let (mut list, mut height) = (Vec::new(), 0);
        for node in nodes.filter(|node| node.as_rule() == Rule::expr) {
            let (expr, inner) = self.measured(node)?;
            height = height.max(inner);
            list.push(expr);
        }
        Some((list, height))
    }

    /// An operand or a default.
    fn operand(&mut self, node: Node) -> Option<Measured> {
        let span = self.span(&node);
        let kind = match node.as_rule() {
            Rule::reference | Rule::option_path => return self.reference(node),
            Rule::number => ExprKind::Number(self.number(node.as_str(), span)?),
            Rule::quantity => {
                let mut inner = node.into_inner();
                let number = inner.next()?;
                let number_span = self.span(&number);
                let value = self.number(number.as_str(), number_span)?;
                match inner.next() {
                    Some(unit) => ExprKind::Duration(value, SmolStr::new(unit.as_str().trim_end_matches('s'))),
                    None => ExprKind::Number(value),
                }
            }
            Rule::text => {
                let (text, inner) = self.text(node)?;
                return self.high_enough(Expr { kind: ExprKind::Text(text), span }, inner + 1);
            }
            Rule::group => {
                let (expr, height) = self.measured(node.into_inner().next()?)?;
                return Some((Expr { span, ..expr }, height));
            }
            Rule::literal => match node.as_str() {
                "true" => ExprKind::Boolean(true),
                "false" => ExprKind::Boolean(false),
                "empty" => ExprKind::Empty,
                "now" => ExprKind::Now,
                _ => ExprKind::Today,
            },
            _ => self.date(&node)?,
        };
        Some((Expr { kind, span }, 1))
    }

    fn reference(&mut self, node: Node) -> Option<Measured> {
        let whole = self.span(&node);
        let mut inner = node.into_inner();
        let root = inner.next()?;
        let root_span = self.span(&root);
        if let Some(call) = take(&mut inner, Rule::call) {
            let function = self.name(&root);
            return self.call(function, call, whole);
        }
        if let Some(key) = take(&mut inner, Rule::key) {
            let entity = self.name(&root);
            let (keys, height) = self.list(key.into_inner())?;
            return self.high_enough(Expr { kind: ExprKind::Key { entity, keys }, span: whole }, height + 1);
        }
        let kind = match (root.as_rule(), root.as_str()) {
            (Rule::record_root, "this") => ExprKind::This,
            (Rule::record_root, "old") => ExprKind::Old,
            (Rule::record_root, _) => ExprKind::Caller,
            (_, text) => ExprKind::Name(SmolStr::new(text.trim_matches('`'))),
        };
        let (mut expr, mut height) = (Expr { kind, span: root_span }, 1);
        for word in inner {
            let name = self.name(&word);
            let span = expr.span.to(name.span);
            let base = Box::new(expr);
            (expr, height) = self.high_enough(Expr { kind: ExprKind::Field { base, name }, span }, height + 1)?;
        }
        Some((expr, height))
    }

    fn call(&mut self, function: Name, node: Node, span: Span) -> Option<Measured> {
        let mut inner = node.into_inner();
        let Some(query) = take(&mut inner, Rule::query) else {
            let (arguments, height) = self.list(inner)?;
            return self.high_enough(Expr { kind: ExprKind::Call { function, arguments }, span }, height + 1);
        };
        let mut inner = query.into_inner();
        let entity = self.name(&next(&mut inner)?);
        let field = take(&mut inner, Rule::word).map(|word| self.name(&word));
        let (filter, height) = self.measured(next(&mut inner)?)?;
        let kind = ExprKind::Query { function, entity, field, filter: Box::new(filter) };
        self.high_enough(Expr { kind, span }, height + 1)
    }

    fn high_enough(&mut self, expr: Expr, height: usize) -> Option<Measured> {
        let span = expr.span.end_point();
        self.accept(operators::checked(height, span))?;
        Some((expr, height))
    }

    /// A literal, option or path in a default.
    pub(super) fn constant(&mut self, node: Node) -> Option<Expr> {
        let mut inner = node.into_inner();
        let minus = take(&mut inner, Rule::minus).map(|minus| self.span(&minus));
        let (expr, _) = self.operand(next(&mut inner)?)?;
        Some(match minus {
            Some(minus) => {
                let span = minus.to(expr.span);
                Expr { kind: ExprKind::Unary { operator: UnaryOperator::Negate, operand: Box::new(expr) }, span }
            }
            None => expr,
        })
    }

    /// The names of a list of words.
    pub(super) fn names(&mut self, node: Node) -> Vec<Name> {
        parts(node).map(|part| self.name(&part)).collect()
    }
}
