//! Values that are handed over: to a field, or to an input. Here kinds, scales, constants and emptiness are held
//! against what the place can take.

use crate::check::context::Context;
use crate::check::ir::{Expr, ExprKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{Breach, Field};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::{EntityId, Slot, Type, Value};

use super::conversion::{Number, convert, float_constant, number, scale};
use super::{choices, constant, constant_of, names, otherwise};

/// What takes a value.
#[derive(Clone, Copy)]
struct Target<'a> {
    ty: &'a Type,
    optional: bool,
    field: Option<&'a Field>,
}

impl Context<'_> {
    /// Checks an expression that is written into a field, as a value of the field's type.
    pub fn value_for(&mut self, e: &ast::Expr, entity: EntityId, slot: Slot) -> Option<Expr> {
        let field = self.schema.field(entity, slot)?;
        self.handed(e, Target { ty: &field.ty, optional: !field.required, field: Some(field) })
    }

    /// Checks an expression that is given to an input, which takes what a field like it would.
    pub fn value_given(&mut self, e: &ast::Expr, input: &Field) -> Option<Expr> {
        self.handed(e, Target { ty: &input.ty, optional: !input.required, field: Some(input) })
    }

    /// Checks an expression that has to be of a type.
    pub fn value_of(&mut self, e: &ast::Expr, ty: &Type, optional: bool) -> Option<Expr> {
        self.handed(e, Target { ty, optional, field: None })
    }

    /// Checks an expression that a record is found by: a value of the field's type, which in a flow is never empty.
    pub(super) fn key_value(&mut self, e: &ast::Expr, entity: EntityId, slot: Slot) -> Option<Expr> {
        let field = self.schema.field(entity, slot)?;
        let value = self.handed(e, Target { ty: &field.ty, optional: true, field: Some(field) })?;
        if self.in_scenario() { Some(value) } else { self.needed(value, e, false) }
    }

    fn handed(&mut self, e: &ast::Expr, target: Target<'_>) -> Option<Expr> {
        let value = self.expression(e, Some(target.ty))?;
        if matches!(value.kind, ExprKind::Constant(Value::Empty)) {
            return self.handed_empty(value, target);
        }
        let value = self.fitted(value, target)?;
        if !value.optional || target.optional {
            return Some(value);
        }
        if self.in_scenario() {
            // The operation itself refuses to empty a required field, and says which.
            return Some(if target.field.is_some() { value } else { self.looked_at(value) });
        }
        self.refuse_empty(e, &value, target);
        None
    }

    fn handed_empty(&mut self, value: Expr, target: Target<'_>) -> Option<Expr> {
        if target.optional || self.in_scenario() && target.field.is_some() {
            return Some(value);
        }
        let message = match target.field {
            Some(field) => format!("`{}` is required, so it can't be empty", field.name),
            None => "a value is needed here".to_owned(),
        };
        self.report(Diagnostic::new(Code::E0502, value.span, message).help("give it a value"));
        None
    }

    fn refuse_empty(&mut self, e: &ast::Expr, value: &Expr, target: Target<'_>) {
        let name = names::written(e);
        let shown = name.as_deref().unwrap_or("this");
        let quoted = name.as_ref().map_or_else(|| "this".to_owned(), |name| format!("`{name}`"));
        let message = match target.field {
            Some(field) => format!("{quoted} may be empty, and `{}` is required", field.name),
            None => format!("{quoted} may be empty, and a value is needed here"),
        };
        let mut diagnostic = Diagnostic::new(Code::E0502, value.span, message)
            .help(format!("say what counts instead: `{shown} ?? …`, or test it first with `is not empty`"));
        if name.is_some()
            && let Some(zero) = otherwise(target.ty)
        {
            diagnostic = diagnostic.fix(value.span.end_point(), format!(" ?? {zero}"));
        }
        self.report(diagnostic);
    }

    /// The value as one of the target's type.
    fn fitted(&mut self, value: Expr, target: Target<'_>) -> Option<Expr> {
        let value = if *target.ty == Type::Float { float_constant(value) } else { value };
        let value = match (&value.ty, target.ty) {
            (Type::Choice(of), Type::Choices(choice)) if of == choice => choices::set_of_one(value, *choice),
            _ => value,
        };
        let fits = match (number(&value.ty), number(target.ty)) {
            (Some(Number::Whole), Some(Number::Whole)) => target.field.is_some() || *target.ty != Type::Integer || value.ty != Type::BigInt,
            (Some(from), Some(to)) => from <= to,
            _ => match (&value.ty, target.ty) {
                (Type::Lookup(from), Type::Lookup(to)) => from.iter().all(|entity| to.contains(entity)),
                (from, to) => from == to,
            },
        };
        if !fits {
            return self.refuse_type(&value, target);
        }
        let value = match number(target.ty) {
            Some(kind) => convert(value, kind),
            None => value,
        };
        match constant_of(&value) {
            Some(value_now) => {
                let admitted = self.admitted(value_now.clone(), value.span, target)?;
                Some(constant(admitted, target.ty.clone(), value.span))
            }
            None => self.scaled(value, target),
        }
    }

    /// A constant held against the field's range, scale and length, or an input's scale.
    fn admitted(&mut self, value: Value, span: Span, target: Target<'_>) -> Option<Value> {
        let Some(field) = target.field else {
            let decimals = match &value {
                Value::Decimal(number) => number.normalize().scale(),
                _ => 0,
            };
            if decimals > u32::from(scale(target.ty)) {
                self.refuse_scale(span, None, scale(target.ty), decimals);
                return None;
            }
            return Some(value);
        };
        match field.admit(value, self.schema) {
            Ok(value) => Some(value),
            Err(violation) => {
                if let Breach::Scale { value, scale } = &violation.breach {
                    self.refuse_scale(span, Some(field), *scale, value.normalize().scale());
                } else {
                    let help = "a constant that the field can't hold would fail every time";
                    self.report(Diagnostic::new(Code::E0418, span, violation.to_string()).help(help));
                }
                None
            }
        }
    }

    /// A computed number, which may have no more decimals than the target keeps.
    fn scaled(&mut self, value: Expr, target: Target<'_>) -> Option<Expr> {
        let (has, keeps) = (scale(&value.ty), scale(target.ty));
        if has > keeps && number(&value.ty).is_some() {
            self.refuse_scale(value.span, target.field, keeps, u32::from(has));
            return None;
        }
        Some(value)
    }

    fn refuse_scale(&mut self, span: Span, field: Option<&Field>, keeps: u8, has: u32) {
        let plural = if keeps == 1 { "" } else { "s" };
        let place = field.map_or_else(|| "this input".to_owned(), |field| format!("`{}`", field.name));
        let message = format!("{place} keeps {keeps} decimal{plural}, and this has {has}");
        let start = Span { end: span.start, ..span };
        self.report(
            Diagnostic::new(Code::E0416, span, message)
                .help(format!("say that it is rounded: `round(…, {keeps})`"))
                .fix(start, "round(")
                .fix(span.end_point(), format!(", {keeps})")),
        );
    }

    fn refuse_type<T>(&mut self, value: &Expr, target: Target<'_>) -> Option<T> {
        let (what, wanted) = (self.describe(&value.ty), self.describe(target.ty));
        let message = match target.field {
            Some(field) => format!("`{}` takes {wanted}, and this is {what}", field.name),
            None => format!("{wanted} is needed here, and this is {what}"),
        };
        let diagnostic = Diagnostic::new(Code::E0417, value.span, message);
        let diagnostic = match hint(&value.ty, target.ty) {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        };
        self.report(diagnostic);
        None
    }
}

fn hint(from: &Type, to: &Type) -> Option<&'static str> {
    Some(match (from, to) {
        (Type::Decimal(_) | Type::Money(_), Type::Integer | Type::BigInt) => {
            "`round(…)`, `floor(…)` and `ceil(…)` make a whole number of it"
        }
        (Type::BigInt, Type::Integer) => "declare the input as `bigint`",
        (Type::Money(_), Type::Decimal(_)) => "money becomes no plain number; divide it by money, or declare `money`",
        (Type::Text, Type::Choice(_) | Type::Choices(_)) => "name the option without quotes",
        (Type::Integer, Type::Choice(_)) => "name the option: a choice is written by its name, not by its code",
        (Type::Text, Type::Integer | Type::BigInt | Type::Decimal(_) | Type::Money(_)) => "write a number without quotes: `12`",
        (Type::Integer, Type::Boolean) => "write `true` or `false`",
        (Type::Text, Type::Boolean) => "write `true` or `false`, without quotes",
        (Type::Text, Type::Date) => "write a date without quotes: `2026-01-31`",
        (Type::Text, Type::DateTime) => "write a time without quotes: `2026-01-31T09:30:00Z`",
        (Type::DateTime, Type::Date) => "the date of `now` is `today`",
        (Type::Choice(_), Type::Text) => "write `label(…)`: the words that people see",
        (_, Type::Text) => "`text(…)`, or braces in a text, make text of a value",
        (Type::Date, Type::DateTime) => "a datetime has a time and a zone: `2026-01-31T09:30:00Z`",
        (Type::Float, _) | (_, Type::Float) => "a float is for interchange; it never mixes with exact numbers",
        (_, Type::Lookup(_)) => "give it a record: a lookup, `this`, or a `let` that holds a record",
        _ => return None,
    })
}
