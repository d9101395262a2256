//! Precedence: from a flat list of operands and operators to a tree, without recursion along chains.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{BinaryOperator as B, Expr, ExprKind, MAX_HEIGHT, UnaryOperator};

/// How tightly an operator binds; the looser the smaller.
type Strength = u8;
const NOT: Strength = 3;
const COMPARE: Strength = 4;
const NEGATE: Strength = 8;

fn strength(operator: B) -> Strength {
    match operator {
        B::Or => 1,
        B::And => 2,
        B::Coalesce => 5,
        B::Add | B::Subtract => 6,
        B::Multiply | B::Divide | B::Remainder => 7,
        _ => COMPARE,
    }
}

/// An operator as written; `None` is `between`.
pub(super) fn operator(text: &str) -> Option<B> {
    Some(match text {
        "or" => B::Or,
        "and" => B::And,
        "==" => B::Equal,
        "!=" => B::NotEqual,
        "<" => B::Less,
        "<=" => B::LessOrEqual,
        ">" => B::Greater,
        ">=" => B::GreaterOrEqual,
        "contains" => B::Contains,
        "??" => B::Coalesce,
        "+" => B::Add,
        "-" => B::Subtract,
        "*" => B::Multiply,
        "/" => B::Divide,
        "%" => B::Remainder,
        "between" => return None,
        other if other.starts_with("starts") => B::StartsWith,
        _ => B::EndsWith,
    })
}

enum Pending {
    Prefix(UnaryOperator),
    Binary(B),
    /// `between`, before its `and`.
    Between,
    /// `between … and`.
    BetweenAnd,
}

struct Operator {
    pending: Pending,
    strength: Strength,
    span: Span,
}

/// An operand with the height of its tree.
struct Operand {
    expr: Expr,
    height: usize,
    /// Whether it is a sum or product without parentheses around it.
    arithmetic: bool,
}

/// Puts one expression together.
#[derive(Default)]
pub(super) struct Assembly {
    operands: Vec<Operand>,
    operators: Vec<Operator>,
    /// Whether the comparison being read already has its operator, and the place of a test without a right side.
    compared: bool,
    tested: bool,
}

type Result<T = ()> = std::result::Result<T, Diagnostic>;

impl Assembly {
    /// Takes in an operand.
    pub(super) fn operand(&mut self, expr: Expr, height: usize) {
        self.operands.push(Operand { expr, height, arithmetic: false });
    }

    /// Takes in `not` or `-` before an operand.
    pub(super) fn prefix(&mut self, operator: UnaryOperator, span: Span) -> Result {
        let strength = if operator == UnaryOperator::Not { NOT } else { NEGATE };
        if operator == UnaryOperator::Not && self.operators.last().is_some_and(|last| last.strength > NOT) {
            let message = "`not` is about a whole condition and can't stand in the middle of one";
            return Err(Diagnostic::new(Code::E0112, span, message).help("put the `not` and what it is about in parentheses"));
        }
        self.push(Pending::Prefix(operator), strength, span);
        self.long_enough(span)
    }

    /// Takes in an operator between two operands; `None` is `between`.
    pub(super) fn infix(&mut self, operator: Option<B>, span: Span) -> Result {
        let strength = operator.map_or(COMPARE, strength);
        if operator == Some(B::And) && self.reaches_between()? {
            return Ok(());
        }
        if strength == COMPARE {
            self.compare(span)?;
        } else if strength > COMPARE && self.tested {
            return Err(chained(span));
        }
        self.reduce(strength)?;
        if strength < COMPARE {
            self.compared = false;
            self.tested = false;
            self.no_open_between()?;
        }
        self.push(operator.map_or(Pending::Between, Pending::Binary), strength, span);
        Ok(())
    }

    /// Takes in `in (…)`, `is empty`: what `make` gives from the operand before it.
    pub(super) fn test(&mut self, span: Span, height: usize, make: impl FnOnce(Box<Expr>) -> ExprKind) -> Result {
        self.compare(span)?;
        self.tested = true;
        self.reduce(COMPARE + 1)?;
        if let Some(Operand { expr, height: inner, .. }) = self.operands.pop() {
            let height = 1 + inner.max(height);
            let whole = expr.span.to(span);
            self.operands.push(Operand { expr: Expr { kind: make(Box::new(expr)), span: whole }, height, arithmetic: false });
            return checked(height, span);
        }
        Ok(())
    }

    /// The whole expression and its height; `None` if there was none.
    pub(super) fn finish(mut self) -> Result<Option<(Expr, usize)>> {
        self.reduce(0)?;
        self.no_open_between()?;
        Ok(self.operands.pop().map(|operand| (operand.expr, operand.height)))
    }

    fn push(&mut self, pending: Pending, strength: Strength, span: Span) {
        self.operators.push(Operator { pending, strength, span });
    }

    fn long_enough(&self, span: Span) -> Result {
        checked(self.operators.len(), span)
    }

    /// A comparison begins; only one may.
    fn compare(&mut self, span: Span) -> Result {
        if self.compared {
            return Err(chained(span));
        }
        self.compared = true;
        Ok(())
    }

    /// Whether an `and` is the one of a `between`, which then waits for its second bound.
    fn reaches_between(&mut self) -> Result<bool> {
        if !self.operators.iter().rev().take_while(|open| open.strength >= COMPARE).any(|open| matches!(open.pending, Pending::Between)) {
            return Ok(false);
        }
        self.reduce(COMPARE + 1)?;
        if let Some(open) = self.operators.last_mut() {
            open.pending = Pending::BetweenAnd;
        }
        Ok(true)
    }

    fn no_open_between(&self) -> Result {
        let open = self.operators.last().filter(|last| matches!(last.pending, Pending::Between));
        open.map_or(Ok(()), |open| {
            let message = "`between` needs two bounds with `and` between them";
            Err(Diagnostic::new(Code::E0112, open.span, message).help("write `x between 1 and 10`"))
        })
    }

    /// Applies all operators that bind at least as tightly, down to a `between` that still waits.
    fn reduce(&mut self, strength: Strength) -> Result {
        while let Some(last) = self.operators.pop_if(|last| last.strength >= strength && !matches!(last.pending, Pending::Between)) {
            let Some(right) = self.operands.pop() else { return Ok(()) };
            let operand = match last.pending {
                Pending::Prefix(operator) => unary(operator, last.span, right),
                Pending::Binary(operator) => {
                    let Some(left) = self.operands.pop() else { return Ok(()) };
                    binary(operator, last.span, left, right)?
                }
                Pending::Between | Pending::BetweenAnd => {
                    let (Some(low), Some(value)) = (self.operands.pop(), self.operands.pop()) else { return Ok(()) };
                    between(value, low, right)
                }
            };
            checked(operand.height, last.span)?;
            self.operands.push(operand);
        }
        Ok(())
    }
}

fn unary(operator: UnaryOperator, span: Span, operand: Operand) -> Operand {
    let span = span.to(operand.expr.span);
    let kind = ExprKind::Unary { operator, operand: Box::new(operand.expr) };
    Operand { expr: Expr { kind, span }, height: operand.height + 1, arithmetic: false }
}

fn binary(operator: B, operator_span: Span, left: Operand, right: Operand) -> Result<Operand> {
    if operator == B::Coalesce && (left.arithmetic || right.arithmetic) {
        let side = if left.arithmetic { left.expr.span } else { right.expr.span };
        let message = "`??` mixed with arithmetic needs parentheses";
        let help = "write `(a ?? 0) + b` or `a ?? (0 + b)`, whichever is meant";
        return Err(Diagnostic::new(Code::E0113, operator_span, message).also(side, "this is computed first").help(help));
    }
    let span = left.expr.span.to(right.expr.span);
    let height = 1 + left.height.max(right.height);
    let kind = ExprKind::Binary { operator, operator_span, left: Box::new(left.expr), right: Box::new(right.expr) };
    Ok(Operand { expr: Expr { kind, span }, height, arithmetic: strength(operator) > strength(B::Coalesce) })
}

fn between(value: Operand, low: Operand, high: Operand) -> Operand {
    let span = value.expr.span.to(high.expr.span);
    let height = 1 + value.height.max(low.height).max(high.height);
    let kind = ExprKind::Between { value: Box::new(value.expr), low: Box::new(low.expr), high: Box::new(high.expr) };
    Operand { expr: Expr { kind, span }, height, arithmetic: false }
}

fn chained(span: Span) -> Diagnostic {
    let message = "one comparison can't follow another";
    Diagnostic::new(Code::E0112, span, message).help("join two comparisons with `and`, or put one of them in parentheses")
}

/// Refuses a tree that is too high.
pub(super) fn checked(height: usize, span: Span) -> Result {
    if height <= MAX_HEIGHT {
        return Ok(());
    }
    Err(too_long(span))
}

/// An expression that is too long or too deep.
pub(in crate::syntax) fn too_long(span: Span) -> Diagnostic {
    let message = "this expression is too long or too deep";
    Diagnostic::new(Code::E0110, span, message).help("give parts of it a name with `let`, and use the names")
}
