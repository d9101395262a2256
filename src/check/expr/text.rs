//! Text: literals with what they interpolate, and the tests `contains`, `starts with` and `ends with`.

use smol_str::SmolStr;

use crate::check::context::Context;
use crate::check::ir::{Containment, Expr, ExprKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOperator as Binary, TextPart};
use crate::value::{Type, Value};

use super::{boolean, constant, constant_of, typed};

impl Context<'_> {
    /// A text with its interpolated values as text. A part with an error is left out; it has been reported.
    pub fn text(&mut self, literal: &ast::TextLiteral) -> Expr {
        let mut parts: Vec<Expr> = Vec::with_capacity(literal.parts.len());
        let mut words = String::new();
        for part in &literal.parts {
            match part {
                TextPart::Text(text) => words.push_str(text),
                TextPart::Expr(e) => {
                    let Some(value) = self.expression(e, Some(&Type::Text)) else { continue };
                    match constant_of(&value) {
                        Some(Value::Text(text)) => words.push_str(text),
                        _ => {
                            flush(&mut words, &mut parts, literal.span);
                            parts.extend(self.as_text(value));
                        }
                    }
                }
            }
        }
        if parts.is_empty() {
            return text_constant(&words, literal.span);
        }
        flush(&mut words, &mut parts, literal.span);
        match <[Expr; 1]>::try_from(parts) {
            Ok([only]) => Expr { span: literal.span, ..only },
            Err(parts) => typed(ExprKind::Concat(parts), Type::Text, literal.span),
        }
    }

    /// A value as text. A record is told by its primary name, so it has to be there.
    pub(super) fn as_text(&mut self, value: Expr) -> Option<Expr> {
        if self.needs_unborn(&value) {
            self.report_unborn(value.span, "`this` has no name");
            return None;
        }
        if value.ty == Type::Text && !value.optional {
            return Some(value);
        }
        let span = value.span;
        Some(typed(ExprKind::ToText(Box::new(value)), Type::Text, span))
    }

    /// `contains` on text and on sets of options; `starts with` and `ends with` on text.
    pub(super) fn contains(&mut self, operator: Binary, left: &ast::Expr, right: &ast::Expr, span: Span) -> Option<Expr> {
        let test = match operator {
            Binary::StartsWith => Containment::StartsWith,
            Binary::EndsWith => Containment::EndsWith,
            _ => Containment::Contains,
        };
        let left = self.expression(left, Some(&Type::Text))?;
        let expected = match &left.ty {
            Type::Choices(id) => Type::Choice(*id),
            _ => Type::Text,
        };
        if expected != Type::Text && test != Containment::Contains || expected == Type::Text && left.ty != Type::Text {
            let what = self.describe(&left.ty);
            let help = match left.ty {
                Type::Choice(_) => "compare an option with `==` or `in (…)`, or its label: `label(…) contains \"…\"`",
                Type::Choices(_) => "a set of options is asked with `contains`",
                _ => "this asks text; `text(…)` makes text of a value",
            };
            self.report(Diagnostic::new(Code::E0410, left.span, format!("{what} is no text that could be searched")).help(help));
            return None;
        }
        let right = self.expression(right, Some(&expected))?;
        if right.ty != expected {
            let (wanted, what) = (self.describe(&expected), self.describe(&right.ty));
            self.report(Diagnostic::new(Code::E0410, right.span, format!("this is {what}; {wanted} is looked for here")));
            return None;
        }
        Some(boolean(ExprKind::Contains { test, left: Box::new(left), right: Box::new(right) }, span))
    }
}

fn flush(words: &mut String, parts: &mut Vec<Expr>, span: Span) {
    if !words.is_empty() {
        parts.push(text_constant(words, span));
        words.clear();
    }
}

fn text_constant(text: &str, span: Span) -> Expr {
    constant(Value::Text(SmolStr::new(text)), Type::Text, span)
}
