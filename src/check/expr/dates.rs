//! Times: what is added to a moment or a length of time, or how often a length is taken.

use crate::check::context::Context;
use crate::check::ir::{Expr, ExprKind, Operator};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::value::{Duration, Failure, Type, Value, time};

use super::{constant, constant_of, typed};

impl Context<'_> {
    /// A moment or length of time plus or minus a length, or a length so many times; lengths of constants are computed here.
    pub(super) fn shift(&mut self, operator: Operator, left: Expr, right: Expr, ty: Type, span: Span) -> Option<Expr> {
        if let (Type::Date, Some(Value::Duration(length))) = (&ty, constant_of(&right))
            && length.micros != 0
        {
            let help = "add whole days, or keep a `datetime`";
            self.report(
                Diagnostic::new(Code::E0414, right.span, "a date has no hours that could change").also(left.span, "a date").help(help),
            );
            return None;
        }
        let folded = match (constant_of(&left), constant_of(&right)) {
            (Some(Value::Duration(one)), Some(Value::Duration(other))) => Some(together(operator, *one, *other)),
            (Some(Value::Duration(one)), Some(Value::Integer(times))) => Some(time::multiply(*one, *times)),
            _ => None,
        };
        match folded {
            Some(Ok(length)) => Some(constant(Value::Duration(length), ty, span)),
            Some(Err(_)) => {
                self.report(Diagnostic::new(Code::E0418, span, "this is longer than a duration can be").help("write a shorter one"));
                None
            }
            None => Some(typed(ExprKind::Shift { operator, left: Box::new(left), right: Box::new(right) }, ty, span)),
        }
    }
}

fn together(operator: Operator, one: Duration, other: Duration) -> Result<Duration, Failure> {
    match operator {
        Operator::Subtract => time::add(one, time::multiply(other, -1)?),
        _ => time::add(one, other),
    }
}
