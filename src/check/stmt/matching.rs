//! `match`: which values its arms take, whether they take all of them, and which arm can never run.

use rustc_hash::FxHashMap;

use crate::check::context::Context;
use crate::check::ir;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::{Type, Value};

use super::Outcome;
use super::branch::Joined;

/// The arms of one `match` so far.
struct Arms<'s> {
    subject: Option<&'s ir::Expr>,
    /// The values taken so far, in a form that equal values share, each with its place.
    taken: FxHashMap<String, Span>,
    checked: Vec<ir::Arm>,
    otherwise: Option<(ir::Block, Span)>,
    sound: bool,
}

impl Context<'_> {
    pub(super) fn matching(&mut self, statement: &ast::Stmt, subject: &ast::Expr, arms: &[ast::Arm]) -> Outcome {
        let subject = self.subject(subject);
        let before = self.facts.clone();
        let mut joined = Joined::default();
        let mut state = Arms {
            subject: subject.as_ref(),
            taken: FxHashMap::default(),
            checked: Vec::with_capacity(arms.len()),
            otherwise: None,
            sound: subject.is_some(),
        };
        for arm in arms {
            self.facts.clone_from(&before);
            self.arm(arm, &mut state, &mut joined);
        }
        self.facts = before;
        self.complete(statement, arms, &mut state);
        let Arms { checked, otherwise, sound, .. } = state;
        let otherwise = otherwise.map(|(block, _)| block).unwrap_or_default();
        let kind = subject.filter(|_| sound).map(|subject| ir::StmtKind::Match { subject, arms: checked, otherwise });
        self.come_together(joined, kind)
    }

    /// What is matched on, where its type has values that can be written down.
    fn subject(&mut self, subject: &ast::Expr) -> Option<ir::Expr> {
        let checked = self.expression(subject, None)?;
        let what = match checked.ty {
            Type::Lookup(_) => "a record",
            Type::Choices(_) => "a set of options",
            Type::Uuid => "an id",
            Type::Float => "a float",
            Type::Duration | Type::Period => "a duration",
            _ => return Some(checked),
        };
        self.report(
            Diagnostic::new(Code::E0604, subject.span, format!("`match` doesn't take {what}"))
                .help("it compares with constants; write `if … {} else if … {}`"),
        );
        None
    }

    fn arm(&mut self, arm: &ast::Arm, state: &mut Arms, joined: &mut Joined) {
        let mut values = Vec::with_capacity(arm.patterns.len());
        let mut otherwise = None;
        let behind = state.otherwise.as_ref().map(|(_, span)| *span);
        for pattern in &arm.patterns {
            match pattern {
                ast::Pattern::Else(span) => otherwise = Some(*span),
                ast::Pattern::Value(pattern) => values.extend(self.pattern(pattern, state)),
            }
        }
        if let Some(first) = behind {
            state.sound = false;
            self.report(
                Diagnostic::new(Code::E0603, arm.span, "an arm behind `else`")
                    .also(first, "takes all that is left")
                    .help("write `else` last"),
            );
        } else if let (Some(span), true) = (otherwise, arm.patterns.len() > 1) {
            state.sound = false;
            self.report(
                Diagnostic::new(Code::E0603, span, "`else` beside other values").help("`else` takes all that is left; let it stand alone"),
            );
        }
        let holds_empty = match otherwise {
            Some(_) => !state.taken.contains_key(&form(&Value::Empty)),
            None => values.is_empty() || values.iter().any(Value::is_empty),
        };
        if let (Some(subject), false) = (state.subject, holds_empty) {
            self.learn(subject);
        }
        let body = self.branch(&arm.body, joined);
        match otherwise {
            Some(span) => state.otherwise = Some((body, span)),
            None => state.checked.push(ir::Arm { values, body }),
        }
    }

    /// The constant of a pattern, unless an arm before has it.
    fn pattern(&mut self, pattern: &ast::Expr, state: &mut Arms) -> Option<Value> {
        let subject = state.subject?;
        let value = self.arm_constant(pattern, subject);
        let Some(value) = value else {
            state.sound = false;
            return None;
        };
        if let Some(first) = state.taken.insert(form(&value), pattern.span) {
            state.sound = false;
            self.report(
                Diagnostic::new(Code::E0602, pattern.span, "an arm above already takes this value")
                    .also(first, "here")
                    .help("take it out of one of them"),
            );
            return None;
        }
        Some(value)
    }

    fn arm_constant(&mut self, pattern: &ast::Expr, subject: &ir::Expr) -> Option<Value> {
        if matches!(pattern.kind, ast::ExprKind::Empty) {
            if !subject.optional {
                self.report(
                    Diagnostic::new(Code::W0602, pattern.span, "this arm never runs")
                        .also(subject.span, "this is never empty here")
                        .help("take the arm out"),
                );
            }
            return Some(Value::Empty);
        }
        if let ast::ExprKind::Name(name) = &pattern.kind
            && matches!(name.as_str(), "default" | "_" | "otherwise" | "others" | "any")
            && !self.is_an_option(&subject.ty, name)
        {
            let message = format!("what is left is taken by `else`, not by `{name}`");
            self.report(Diagnostic::new(Code::E0421, pattern.span, message).help("write `else`").fix(pattern.span, "else"));
            return None;
        }
        let value = self.value_of(pattern, &subject.ty, true)?;
        let constant = folded(&value);
        if constant.is_none() {
            self.report(
                Diagnostic::new(Code::E0608, pattern.span, "an arm takes only constants")
                    .help("write `if … {} else if … {}` to compare with it"),
            );
        }
        constant
    }

    fn is_an_option(&self, ty: &Type, name: &str) -> bool {
        matches!(ty, Type::Choice(id) if self.schema.choice(*id).is_some_and(|choice| choice.option(name).is_some()))
    }

    /// Reports what the arms leave out, and an `else` for which they leave nothing.
    fn complete(&mut self, statement: &ast::Stmt, arms: &[ast::Arm], state: &mut Arms) {
        let Some(subject) = state.subject.filter(|_| state.sound) else { return };
        let Some(all) = self.all_values(subject) else {
            if state.otherwise.is_none() {
                state.sound = false;
                self.report(
                    Diagnostic::new(Code::E0601, subject.span, "this `match` has no `else`")
                        .help("the arms can't name every value; say what happens with the others")
                        .fix(end_of(statement, arms), "\n    else => {}"),
                );
            }
            return;
        };
        let missing: Vec<&str> =
            all.iter().filter(|(_, value)| !state.taken.contains_key(&form(value))).map(|(name, _)| name.as_str()).collect();
        match &state.otherwise {
            None if !missing.is_empty() => {
                state.sound = false;
                let names: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
                self.report(
                    Diagnostic::new(Code::E0601, subject.span, format!("this `match` leaves out {}", names.join(", ")))
                        .help("add an arm for what it leaves out, or `else => {}`")
                        .fix(
                            end_of(statement, arms),
                            format!("\n    {} => {{}}{}", missing.join(", "), if arms.is_empty() { "\n  " } else { "" }),
                        ),
                );
            }
            Some((_, place)) if missing.is_empty() => {
                let diagnostic =
                    Diagnostic::new(Code::W0602, *place, "this `else` never runs").help("the arms above take every value; take it out");
                self.report(diagnostic);
            }
            _ => {}
        }
    }

    /// Every value that the subject can have, as it is written; none where there are too many to name.
    fn all_values(&self, subject: &ir::Expr) -> Option<Vec<(String, Value)>> {
        let mut all: Vec<(String, Value)> = match subject.ty {
            Type::Boolean => vec![("true".into(), Value::Boolean(true)), ("false".into(), Value::Boolean(false))],
            Type::Choice(id) => {
                let options = self.schema.choice(id)?.options.iter();
                options.map(|option| (option.name.to_string(), Value::Choice(option.code))).collect()
            }
            _ => return None,
        };
        if subject.optional {
            all.push(("empty".into(), Value::Empty));
        }
        Some(all)
    }
}

/// Where another arm can be put in: behind the last one, or before the closing brace.
fn end_of(statement: &ast::Stmt, arms: &[ast::Arm]) -> Span {
    match arms.last() {
        Some(arm) => arm.span.end_point(),
        None => Span { start: statement.span.end.saturating_sub(1), end: statement.span.end.saturating_sub(1), ..statement.span },
    }
}

/// A text that only equal values share.
fn form(value: &Value) -> String {
    match value {
        Value::Decimal(number) => format!("{}", number.normalize()),
        value => format!("{value:?}"),
    }
}

/// The value of an expression that is a constant, a converted one, or a negative one.
fn folded(value: &ir::Expr) -> Option<Value> {
    match &value.kind {
        ir::ExprKind::Constant(constant) => Some(constant.clone()),
        ir::ExprKind::Convert(inner) => match (folded(inner)?, &value.ty) {
            (Value::Integer(number), Type::Decimal(_) | Type::Money(_)) => Some(Value::Decimal(number.into())),
            (constant, _) => Some(constant),
        },
        ir::ExprKind::Negate(inner) => match folded(inner)? {
            Value::Integer(number) => number.checked_neg().map(Value::Integer),
            Value::Decimal(number) => Some(Value::Decimal(-number)),
            _ => None,
        },
        _ => None,
    }
}
