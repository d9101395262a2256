//! Expressions: from the tree as written to typed IR, one file a family. Names no statement and no clause.
//!
//! Every function that gives an `Option` gives `None` only after it has reported why, or after something below it has:
//! one diagnostic a cause. The trees are at most [`ast::MAX_HEIGHT`] high, so the walk may recurse.

mod arithmetic;
mod calls;
mod choices;
mod comparison;
mod conversion;
mod dates;
mod literals;
mod names;
mod queries;
mod records;
mod text;
mod writes;

pub(super) use calls::{alike, widest};
pub use queries::{QUERIES, SOMETIMES_QUERIES};

use crate::check::context::{Context, Site};
use crate::check::ir::{Expr, ExprKind};
use crate::check::narrow::{Facts, Place};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOperator as Binary, UnaryOperator as Unary};
use crate::value::{Type, Value};

impl Context<'_> {
    /// Checks an expression of any type. `expected` gives names of options and `empty` their type; it demands nothing.
    pub fn expression(&mut self, e: &ast::Expr, expected: Option<&Type>) -> Option<Expr> {
        use ast::ExprKind as Kind;
        match &e.kind {
            Kind::Number(_)
            | Kind::Boolean(_)
            | Kind::Date(_)
            | Kind::DateTime(_)
            | Kind::LocalDateTime(_)
            | Kind::Duration(..)
            | Kind::Empty => self.literal(e, expected),
            Kind::Text(literal) => Some(self.text(literal)),
            Kind::Name(name) => self.name(name, e.span, expected),
            Kind::This | Kind::Old | Kind::Now | Kind::Today | Kind::Caller => self.word(e),
            Kind::Field { base, name } => self.field_of(base, name, e.span),
            Kind::Call { function, arguments } => self.call(function, arguments, e.span),
            Kind::Query { function, entity, field, filter } => self.query(function, entity, field.as_ref(), Some(filter), e.span),
            Kind::Key { entity, keys } => self.by_key(entity, keys, e.span),
            Kind::Unary { operator: Unary::Not, .. } | Kind::Binary { operator: Binary::And | Binary::Or, .. } => {
                self.condition(e).map(|(expr, ..)| expr)
            }
            Kind::Unary { operator: Unary::Negate, operand } => self.negate(operand, e.span),
            Kind::Binary { operator, operator_span, left, right } => self.binary(*operator, *operator_span, left, right, e.span, expected),
            Kind::In { value, list } => self.in_list(value, list, e.span),
            Kind::IsEmpty { value, negated } => self.is_empty(value, *negated, e.span),
            Kind::Between { value, low, high } => self.between(value, low, high, e.span),
        }
    }

    /// Checks a condition. Also gives all that is known not to be empty where it is true, and where it is false.
    pub fn condition(&mut self, e: &ast::Expr) -> Option<(Expr, Facts, Facts)> {
        match &e.kind {
            ast::ExprKind::Unary { operator: Unary::Not, operand } => {
                let (inner, if_true, if_false) = self.condition(operand)?;
                Some((boolean(ExprKind::Not(Box::new(inner)), e.span), if_false, if_true))
            }
            ast::ExprKind::Binary { operator: Binary::And, left, right, .. } => self.and(left, right, e.span),
            ast::ExprKind::Binary { operator: Binary::Or, left, right, .. } => self.or(left, right, e.span),
            _ => {
                let expr = self.expression(e, Some(&Type::Boolean))?;
                if expr.ty != Type::Boolean {
                    return self.not_a_condition(&expr);
                }
                let (if_true, if_false) = match self.site {
                    Site::Flow(_) | Site::Action(_) => self.facts.split(&expr),
                    Site::Scenario => (self.facts.clone(), self.facts.clone()),
                };
                Some((expr, if_true, if_false))
            }
        }
    }

    fn and(&mut self, left: &ast::Expr, right: &ast::Expr, span: Span) -> Option<(Expr, Facts, Facts)> {
        let left = self.condition(left);
        let known = left.as_ref().map(|(_, if_true, _)| if_true.clone());
        let right = self.knowing(known, |context| context.condition(right));
        let ((left, _, left_false), (right, if_true, right_false)) = left.zip(right)?;
        let expr = boolean(ExprKind::And(Box::new(left), Box::new(right)), span);
        Some((expr, if_true, left_false.join(&right_false)))
    }

    fn or(&mut self, left: &ast::Expr, right: &ast::Expr, span: Span) -> Option<(Expr, Facts, Facts)> {
        let left = self.condition(left);
        let known = left.as_ref().map(|(_, _, if_false)| if_false.clone());
        let right = self.knowing(known, |context| context.condition(right));
        let ((left, left_true, _), (right, right_true, if_false)) = left.zip(right)?;
        let expr = boolean(ExprKind::Or(Box::new(left), Box::new(right)), span);
        Some((expr, left_true.join(&right_true), if_false))
    }

    /// Runs a check under other facts; the own ones are back afterwards.
    fn knowing<T>(&mut self, facts: Option<Facts>, check: impl FnOnce(&mut Self) -> T) -> T {
        let Some(facts) = facts else { return check(self) };
        let before = std::mem::replace(&mut self.facts, facts);
        let result = check(self);
        self.facts = before;
        result
    }

    fn binary(
        &mut self,
        operator: Binary,
        operator_span: Span,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
        expected: Option<&Type>,
    ) -> Option<Expr> {
        match operator {
            Binary::Or => self.or(left, right, span).map(|(expr, ..)| expr),
            Binary::And => self.and(left, right, span).map(|(expr, ..)| expr),
            Binary::Coalesce => self.coalesce(left, right, operator_span, span, expected),
            Binary::Contains | Binary::StartsWith | Binary::EndsWith => self.contains(operator, left, right, span),
            Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Remainder => {
                match self.set_beside(operator, left, expected) {
                    Some(choice) => self.with_option(operator, choice, left, right, span),
                    None => self.arithmetic(operator, operator_span, left, right, span),
                }
            }
            Binary::Equal | Binary::NotEqual | Binary::Less | Binary::LessOrEqual | Binary::Greater | Binary::GreaterOrEqual => {
                self.compare(operator, left, right, span)
            }
        }
    }

    fn not_a_condition<T>(&mut self, expr: &Expr) -> Option<T> {
        let what = self.describe(&expr.ty);
        let help = match expr.ty {
            Type::Text => "compare it: `… == \"…\"`, or test it with `is not empty`",
            Type::Choice(_) => "compare it with one of its options: `… == option`",
            _ => "compare it, or test it with `is not empty`",
        };
        self.report(Diagnostic::new(Code::E0420, expr.span, format!("this is {what}, not a condition")).help(help));
        None
    }

    /// The expression with the emptiness that is known of its place.
    pub(in crate::check) fn narrowed(&self, mut expr: Expr) -> Expr {
        if expr.optional && Place::of(&expr).is_some_and(|place| self.facts.knows(&place)) {
            expr.optional = false;
        }
        expr
    }

    /// A value that an operator or a function needs: in a flow a `T?` is refused, elsewhere it is looked at when it runs.
    /// In arithmetic a `??` needs parentheses of its own.
    pub(in crate::check) fn needed(&mut self, expr: Expr, written: &ast::Expr, parentheses: bool) -> Option<Expr> {
        if !expr.optional {
            return Some(expr);
        }
        if matches!(self.site, Site::Scenario) {
            return Some(required(expr));
        }
        let name = names::written(written);
        let message = match &name {
            Some(name) => format!("`{name}` may be empty here"),
            None => "this may be empty here".to_owned(),
        };
        let mut diagnostic = Diagnostic::new(Code::E0501, expr.span, message);
        if self.missing_before_create(&expr) {
            diagnostic = diagnostic.label("it is `required`, but that is checked only when the record is written");
        }
        let shown = name.unwrap_or_else(|| "…".into());
        diagnostic = match otherwise(&expr.ty) {
            Some(value) => {
                let (open, close) = if parentheses { ("(", ")") } else { ("", "") };
                let start = Span { end: expr.span.start, ..expr.span };
                diagnostic = diagnostic.help(format!(
                    "say what counts instead: `{open}{shown} ?? {value}{close}`, or test first: `if {shown} is not empty {{ … }}`"
                ));
                if parentheses {
                    diagnostic = diagnostic.fix(start, "(");
                }
                diagnostic.fix(expr.span.end_point(), format!(" ?? {value}{close}"))
            }
            None => diagnostic.help(format!("test it first: `if {shown} is not empty {{ … }}`, or say what counts instead with `??`")),
        };
        self.report(diagnostic);
        None
    }

    /// Whether a value is a required field of the flow's own record, which may be empty only because the record isn't written yet.
    fn missing_before_create(&self, expr: &Expr) -> bool {
        let ExprKind::Field(slot) = expr.kind else { return false };
        self.entity().and_then(|(_, entity)| entity.field(slot)).is_some_and(|field| field.required)
    }

    /// A type in plain words: `money`, `a date`, `an option of Rating`.
    pub fn describe(&self, ty: &Type) -> String {
        let words = match ty {
            Type::Boolean => "true or false",
            Type::Integer | Type::BigInt => "a whole number",
            Type::Decimal(_) => "a decimal",
            Type::Float => "a float",
            Type::Money(_) => "money",
            Type::Text => "text",
            Type::Date => "a date",
            Type::DateTime => "a datetime",
            Type::LocalDateTime => "a local datetime",
            Type::Duration | Type::Period => "a duration",
            Type::Uuid => "an id",
            Type::Choice(id) => return format!("an option of `{}`", self.choice_name(*id)),
            Type::Choices(id) => return format!("a set of options of `{}`", self.choice_name(*id)),
            Type::Lookup(entities) if entities.len() > 4 => "a record",
            Type::Lookup(entities) => return format!("a record of {}", self.entity_names(entities)),
        };
        words.to_owned()
    }
}

/// An expression that is never empty.
fn typed(kind: ExprKind, ty: Type, span: Span) -> Expr {
    Expr { kind, ty, optional: false, span }
}

/// An expression that is true or false.
fn boolean(kind: ExprKind, span: Span) -> Expr {
    typed(kind, Type::Boolean, span)
}

/// A constant.
fn constant(value: Value, ty: Type, span: Span) -> Expr {
    let optional = value.is_empty();
    Expr { kind: ExprKind::Constant(value), ty, optional, span }
}

/// The value of a constant that isn't `empty`.
fn constant_of(expr: &Expr) -> Option<&Value> {
    match &expr.kind {
        ExprKind::Constant(value) if !value.is_empty() => Some(value),
        _ => None,
    }
}

/// The value, looked at when it runs.
fn required(expr: Expr) -> Expr {
    let (ty, span) = (expr.ty.clone(), expr.span);
    typed(ExprKind::Require(Box::new(expr)), ty, span)
}

/// What is commonly meant where there is no value.
fn otherwise(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Integer | Type::BigInt | Type::Decimal(_) | Type::Money(_) | Type::Float => Some("0"),
        Type::Text => Some("\"\""),
        Type::Boolean => Some("false"),
        _ => None,
    }
}
