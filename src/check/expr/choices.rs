//! Choices: options without a prefix where the other side fixes the choice, and the long forms `Rating.hot` and
//! `account.industry.banking`; and sets of options, which grow and shrink by one.

use smol_str::SmolStr;

use crate::check::context::Context;
use crate::check::ir::{Expr, ExprKind, Operator};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOperator as Binary, ExprKind as Kind};
use crate::value::{ChoiceId, Type, Value, options};

use super::names::suggest;
use super::{constant, typed};

/// So many options are named in a message.
const SHOWN: usize = 8;

impl Context<'_> {
    /// The option of that name, where an option of a choice is expected that has it.
    pub(super) fn expected_option(&self, name: &str, span: Span, expected: Option<&Type>) -> Option<Expr> {
        let Some(Type::Choice(id) | Type::Choices(id)) = expected else { return None };
        let option = self.schema.choice(*id)?.option(name)?;
        Some(constant(Value::Choice(option.code), Type::Choice(*id), span))
    }

    /// The choice that stands before the last dot of a long form.
    pub(super) fn named_choice(&self, base: &ast::Expr) -> Option<ChoiceId> {
        match &base.kind {
            Kind::Name(name) if !self.is_known(name) => self.schema.choice_id(name),
            Kind::Field { base: entity, name: field } => {
                if let Some(Type::Choice(id) | Type::Choices(id)) = self.natural(base) {
                    return Some(id);
                }
                let Kind::Name(entity) = &entity.kind else { return None };
                if self.is_known(entity) {
                    return None;
                }
                let entity = self.schema.entity(self.schema.entity_id(entity)?)?;
                match entity.field(entity.slot(&field.text)?)?.ty {
                    Type::Choice(id) | Type::Choices(id) => Some(id),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// An option of a choice by its long form.
    pub(super) fn option_of(&mut self, id: ChoiceId, name: &ast::Name, span: Span) -> Option<Expr> {
        if let Some(option) = self.schema.choice(id)?.option(&name.text) {
            return Some(constant(Value::Choice(option.code), Type::Choice(id), span));
        }
        let message = format!("`{}` has no option `{}`", self.choice_name(id), name.text);
        let near = self.near_option(id, &name.text);
        let options = self.option_names(id);
        let diagnostic =
            suggest(Diagnostic::new(Code::E0421, name.span, message), name.span, near).help(format!("its options are {options}"));
        self.report(diagnostic);
        None
    }

    /// The choice of a set of options that `+` or `-` is about: that of the left side, or of what the value is for.
    pub(super) fn set_beside(&self, operator: Binary, left: &ast::Expr, expected: Option<&Type>) -> Option<ChoiceId> {
        let own = || self.natural(left);
        match (operator, expected) {
            (Binary::Add | Binary::Subtract, Some(Type::Choices(id))) => Some(*id),
            (Binary::Add | Binary::Subtract, _) => own().and_then(|ty| if let Type::Choices(id) = ty { Some(id) } else { None }),
            _ => None,
        }
    }

    /// `tags + key`, `tags - key`: a set with an option put in or taken out.
    pub(super) fn with_option(&mut self, operator: Binary, id: ChoiceId, left: &ast::Expr, right: &ast::Expr, span: Span) -> Option<Expr> {
        let (set, option) = (self.expression(left, Some(&Type::Choices(id))), self.expression(right, Some(&Type::Choices(id))));
        let (set, option) = set.zip(option)?;
        let set = if set.ty == Type::Choice(id) { set_of_one(set, id) } else { set };
        for (side, wanted) in [(&set, Type::Choices(id)), (&option, Type::Choice(id))] {
            if side.ty != wanted {
                let (what, wanted) = (self.describe(&side.ty), self.describe(&wanted));
                let help = "a set takes one option after the other: `tags + first + second`";
                self.report(Diagnostic::new(Code::E0417, side.span, format!("{wanted} is needed here, and this is {what}")).help(help));
                return None;
            }
        }
        let option = self.needed(option, right, true)?;
        Some(combined(if operator == Binary::Subtract { Operator::Subtract } else { Operator::Add }, set, option, span))
    }

    pub(super) fn near_option(&self, id: ChoiceId, name: &str) -> Option<&str> {
        let options = &self.schema.choice(id)?.options;
        nearest(name, options.iter().map(|option| option.name.as_str()))
    }

    /// The options in words, the first few of many.
    pub(super) fn option_names(&self, id: ChoiceId) -> String {
        let Some(choice) = self.schema.choice(id) else { return String::new() };
        let names: Vec<String> = choice.options.iter().take(SHOWN).map(|option| format!("`{}`", option.name)).collect();
        let more = if choice.options.len() > SHOWN { ", …" } else { "" };
        names.join(", ") + more
    }

    pub(super) fn choice_name(&self, id: ChoiceId) -> SmolStr {
        self.schema.choice(id).map(|choice| choice.name.clone()).unwrap_or_default()
    }

    /// A choice that has an option of this name, for a hint.
    pub(super) fn choice_with(&self, option: &str) -> Option<&str> {
        self.schema.choices.values().find(|choice| choice.option(option).is_some()).map(|choice| choice.name.as_str())
    }
}

/// An option as the set of it alone.
pub(super) fn set_of_one(option: Expr, id: ChoiceId) -> Expr {
    let span = option.span;
    combined(Operator::Add, constant(Value::Empty, Type::Choices(id), span), option, span)
}

fn combined(operator: Operator, set: Expr, option: Expr, span: Span) -> Expr {
    let ty = set.ty.clone();
    if let (ExprKind::Constant(set), ExprKind::Constant(option)) = (&set.kind, &option.kind) {
        let folded = if operator == Operator::Add { options::with(set, option) } else { options::without(set, option) };
        return constant(folded, ty, span);
    }
    let optional = operator == Operator::Subtract || (set.optional && option.optional);
    Expr { optional, ..typed(ExprKind::WithOption { operator, set: Box::new(set), option: Box::new(option) }, ty, span) }
}
