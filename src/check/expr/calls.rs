//! Calls: of the built-in functions by their table, and of `changed`; a query without a condition looks like one.

use crate::check::context::Context;
use crate::check::ir::{Expr, ExprKind};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::{Decimal, Evaluation, Function, Takes, Type, Value};

use super::conversion::{convert, number, unify};
use super::names::suggest;
use super::queries::QUERIES;
use super::{constant_of, typed};

impl Context<'_> {
    /// `function(a, b)`.
    pub(super) fn call(&mut self, name: &ast::Name, written: &[ast::Expr], span: Span) -> Option<Expr> {
        if name.text == "changed" {
            return self.changed(written, span);
        }
        match self.query_of(&name.text, written) {
            Some(Some((entity, field))) => return self.query(name, &entity, field, None, span),
            Some(None) => return self.no_query(name, span),
            None => {}
        }
        let Some(function) = Function::find(&name.text) else {
            self.unknown_function(name);
            return None;
        };
        self.counted(function, name, written.len(), span)?;
        let arguments: Vec<Option<Expr>> =
            written.iter().enumerate().map(|(position, argument)| self.argument(function, position, argument)).collect();
        let arguments = self.of_one_type(function, arguments.into_iter().collect::<Option<Vec<Expr>>>()?)?;
        let first = arguments.first()?;
        if let Evaluation::AsText = function.evaluation {
            return self.as_text(first.clone()).map(|text| Expr { span, ..text });
        }
        let decimals = match arguments.get(1) {
            Some(decimals) if name.text == "round" => self.decimals(decimals)?,
            _ => None,
        };
        let ty = function.result(&widest(&arguments), arguments.len(), decimals);
        Some(typed(ExprKind::Call { function, arguments }, ty, span))
    }

    fn counted(&mut self, function: &Function, name: &ast::Name, given: usize, span: Span) -> Option<()> {
        let (fewest, most) = function.counts();
        if given >= fewest && most.is_none_or(|most| given <= most) {
            return Some(());
        }
        let takes = match most {
            Some(most) if most == fewest => format!("{most}"),
            Some(most) => format!("{fewest} or {most}"),
            None => format!("{fewest} or more"),
        };
        let plural = if takes == "1" { "" } else { "s" };
        let message = format!("`{}` takes {takes} value{plural}, not {given}", name.text);
        self.report(Diagnostic::new(Code::E0406, span, message).help(usage(function)));
        None
    }

    fn argument(&mut self, function: &Function, position: usize, written: &ast::Expr) -> Option<Expr> {
        let parameter = function.parameter(position)?;
        let argument = self.expression(written, None)?;
        if !parameter.takes.admits(&argument.ty) {
            let what = self.describe(&argument.ty);
            let message = format!("`{}` takes {} here, not {what}", function.name, parameter.takes.words());
            self.report(Diagnostic::new(Code::E0407, argument.span, message).help(usage(function)));
            return None;
        }
        if function.takes_empty { Some(argument) } else { self.needed(argument, written, false) }
    }

    /// The arguments of `min` and `max` as values of one type.
    fn of_one_type(&mut self, function: &Function, arguments: Vec<Expr>) -> Option<Vec<Expr>> {
        if function.parameter(0)?.takes != Takes::Ordered {
            return Some(arguments);
        }
        match alike(arguments) {
            Ok(arguments) => Some(arguments),
            Err(sides) => self.incomparable(&sides.0, &sides.1),
        }
    }

    /// The number of decimals that `round` is told, where it is a constant.
    fn decimals(&mut self, argument: &Expr) -> Option<Option<u8>> {
        let Some(Value::Integer(decimals)) = constant_of(argument) else { return Some(None) };
        match u8::try_from(*decimals) {
            Ok(decimals) if u32::from(decimals) <= Decimal::MAX_SCALE => Some(Some(decimals)),
            _ => {
                let message = format!("a number has 0 to {} decimals", Decimal::MAX_SCALE);
                self.report(Diagnostic::new(Code::E0418, argument.span, message).help("write how many decimals are kept: `round(x, 2)`"));
                None
            }
        }
    }

    pub(super) fn unknown_function(&mut self, name: &ast::Name) {
        let names = Function::ALL.iter().map(|function| function.name).chain(QUERIES).chain(["changed"]);
        let near = nearest(&name.text, names);
        let message = if self.is_known(&name.text) {
            format!("`{}` is a value, not a function", name.text)
        } else {
            format!("there is no function `{}`", name.text)
        };
        let problem = Diagnostic::new(Code::E0405, name.span, message);
        self.report(match habit(&name.text) {
            Some(meant) => problem.help(meant),
            None if self.named.actions.contains_key(&name.text) => {
                problem.help(format!("it is an action, and a statement performs it: `let r = perform {}(…)`", name.text))
            }
            None => suggest(problem, name.span, near),
        });
    }
}

/// Values as values of one type, or two of them for which there is none.
pub(in crate::check) fn alike(values: Vec<Expr>) -> Result<Vec<Expr>, Box<(Expr, Expr)>> {
    let Some((first, others)) = values.split_first() else { return Ok(values) };
    let mut first = first.clone();
    for other in others {
        first = unify(first, other.clone())?.0;
    }
    Ok(match number(&first.ty) {
        Some(kind) => values.into_iter().map(|value| convert(value, kind)).collect(),
        None if first.ty == Type::Float => values.into_iter().map(super::conversion::float_constant).collect(),
        None => values,
    })
}

/// The type that holds each of the values that are of the first one's kind.
pub(in crate::check) fn widest(values: &[Expr]) -> Type {
    let mut types = values.iter().map(|value| &value.ty);
    let Some(first) = types.next() else { return Type::Boolean };
    let same = |ty: &&Type| std::mem::discriminant(*ty) == std::mem::discriminant(first) || number(ty) == number(first);
    types.filter(same).fold(first.clone(), |wide, ty| super::comparison::together(&wide, ty))
}

/// What people are used to from elsewhere, and what it is here.
fn habit(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "contains" => "write it between the two: `title contains \"word\"`",
        "startswith" | "starts_with" => "write it between the two: `title starts with \"A\"`",
        "endswith" | "ends_with" => "write it between the two: `title ends with \"Z\"`",
        "concat" | "concatenate" | "format" => "put values into a text with braces: `\"{first} {last}\"`",
        "uppercase" | "toupper" | "ucase" => "it is called `upper` here",
        "lowercase" | "tolower" | "lcase" => "it is called `lower` here",
        "len" | "strlen" => "it is called `length` here",
        "substring" | "substr" | "mid" => "`left(text, n)` and `right(text, n)` take a part of a text",
        "isnull" | "isempty" | "is_empty" | "isblank" | "containsdata" => "write `title is empty`, or `title is not empty`",
        "coalesce" | "ifnull" | "nvl" => "write `a ?? b`: where `a` is empty, `b` counts",
        "iif" | "iff" => "write the statement `if condition { … } else { … }`",
        "getdate" | "utcnow" | "currenttime" => "the start of the operation is `now`, its date `today`",
        "adddays" | "dateadd" | "addmonths" | "addhours" => "add a duration: `today + 3 days`",
        "datediff" => "it is called `days_between` here",
        "tostring" | "str" | "string" => "braces in a text, or `text(…)`, make text of a value",
        _ => return None,
    })
}

/// How a function is called: `round(x, decimals)`.
fn usage(function: &Function) -> String {
    let names: Vec<&str> = function.parameters.iter().map(|parameter| parameter.name).collect();
    let more = if function.repeats { ", …" } else { "" };
    format!("`{}({}{more})`: {}", function.name, names.join(", "), function.doc)
}
