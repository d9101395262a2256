//! Defaults: a literal, an option, `now` or `today`, held against the field's type and range.

use super::{Declare, suggest};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{Default, Field};
use crate::syntax::ast::{Expr, ExprKind, TextPart, UnaryOperator};
use crate::value::{ChoiceId, Decimal, Type, Value};

impl Declare<'_> {
    /// The default of a field; none where it doesn't fit.
    pub(super) fn default(&mut self, field: &Field, written: &Expr) -> Default {
        match (&field.ty, &written.kind) {
            (Type::DateTime, ExprKind::Now) => return Default::Now,
            (Type::Date, ExprKind::Today) => return Default::Today,
            (Type::Choice(choice) | Type::Choices(choice), ExprKind::Name(_) | ExprKind::Field { .. }) => {
                return self.option_default(field, *choice, written);
            }
            _ => {}
        }
        let Some(value) = literal(&field.ty, written) else {
            self.report(unfit(field, written));
            return Default::None;
        };
        match field.admit(value, &self.schema) {
            Ok(value) => Default::Value(value),
            Err(violation) => {
                self.report(
                    Diagnostic::new(Code::E0214, written.span, violation.to_string()).help("write a default that the field can hold"),
                );
                Default::None
            }
        }
    }

    /// `banking`, or `Rating.hot` in the long form.
    fn option_default(&mut self, field: &Field, choice: ChoiceId, written: &Expr) -> Default {
        let Some(choice) = self.schema.choice(choice) else { return Default::None };
        let (name, span) = match &written.kind {
            ExprKind::Name(name) => (name, written.span),
            ExprKind::Field { base, name } if matches!(&base.kind, ExprKind::Name(base) if *base == choice.name) => (&name.text, name.span),
            _ => {
                let example = choice.options.first().map_or("first", |option| option.name.as_str());
                let problem = Diagnostic::new(Code::E0214, written.span, format!("this is no option of `{}`", choice.name));
                let problem = problem.help(format!("name the option alone: `{example}`"));
                self.report(problem);
                return Default::None;
            }
        };
        if let Some(option) = choice.option(name) {
            let value =
                if matches!(field.ty, Type::Choices(_)) { Value::Choices([option.code].into()) } else { Value::Choice(option.code) };
            return Default::Value(value);
        }
        let problem = Diagnostic::new(Code::E0214, span, format!("`{}` has no option `{name}`", choice.name));
        let names = choice.options.iter().map(|option| option.name.as_str());
        let problem = match self.nearest(name, names.clone()) {
            Some(near) => suggest(problem, span, near),
            None => problem.help(format!("its options are {}", names.take(12).collect::<Vec<_>>().join(", "))),
        };
        self.report(problem);
        Default::None
    }
}

/// The value of a literal in a field of that type, where the two go together at all.
fn literal(ty: &Type, written: &Expr) -> Option<Value> {
    match (ty, &written.kind) {
        (_, ExprKind::Number(number)) => number_value(ty, *number),
        (_, ExprKind::Unary { operator: UnaryOperator::Negate, operand }) => match &operand.kind {
            ExprKind::Number(number) => number_value(ty, -*number),
            _ => None,
        },
        (Type::Boolean, ExprKind::Boolean(value)) => Some(Value::Boolean(*value)),
        (Type::Text, ExprKind::Text(text)) => match text.parts.as_slice() {
            [] => Some(Value::Text("".into())),
            [TextPart::Text(text)] => Some(Value::Text(text.clone())),
            _ => None,
        },
        (Type::Date, ExprKind::Date(date)) => Some(Value::Date(*date)),
        (Type::DateTime, ExprKind::DateTime(time)) => Some(Value::DateTime(*time)),
        (Type::LocalDateTime, ExprKind::LocalDateTime(time)) => Some(Value::LocalDateTime(*time)),
        _ => None,
    }
}

fn number_value(ty: &Type, number: Decimal) -> Option<Value> {
    match ty {
        Type::Integer | Type::BigInt if number.fract() == Decimal::ZERO => i64::try_from(number).ok().map(Value::Integer),
        Type::Decimal(_) | Type::Money(_) => Some(Value::Decimal(number)),
        Type::Float => f64::try_from(number).ok().map(Value::Float),
        _ => None,
    }
}

/// What to say about a default that doesn't go with the type of its field.
fn unfit(field: &Field, written: &Expr) -> Diagnostic {
    let problem = |message: String| Diagnostic::new(Code::E0214, written.span, message);
    let wanted = match &field.ty {
        Type::Boolean => "`true` or `false`",
        Type::Integer | Type::BigInt => "a whole number",
        Type::Decimal(_) | Type::Money(_) | Type::Float => "a number",
        Type::Text => "a text in quotes",
        Type::Choice(_) | Type::Choices(_) => "the name of an option",
        Type::Date => "a date such as `2026-11-20`, or `today`",
        Type::DateTime => "a datetime such as `2026-11-20T09:30:00Z`, or `now`",
        Type::LocalDateTime => "a datetime without a zone, such as `2026-11-20T09:30`",
        Type::Lookup(_) | Type::Uuid | Type::Duration | Type::Period => {
            return problem(format!("`{}` can't have a default", field.name))
                .help("a flow can `set` it before the operation, `trigger create at pre-operation`");
        }
    };
    match &written.kind {
        ExprKind::Empty => problem("a field without a default is empty anyway".to_owned()).help("take the default away"),
        ExprKind::Text(text) if text.parts.iter().any(|part| matches!(part, TextPart::Expr(_))) => {
            problem("a default can't be computed".to_owned()).help("write the text as it is; a flow can `set` what has to be computed")
        }
        ExprKind::Binary { .. } | ExprKind::Call { .. } | ExprKind::Query { .. } => {
            problem("a default can't be computed".to_owned()).help(format!("write {wanted}; a flow can `set` what has to be computed"))
        }
        _ => problem(format!("this is no default for `{}`", field.name)).help(format!("it takes {wanted}")),
    }
}
