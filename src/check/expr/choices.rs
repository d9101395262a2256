//! Choices: options without a prefix where the other side fixes the choice, and the long forms `Rating.hot` and
//! `account.industry.banking`.

use smol_str::SmolStr;

use crate::check::context::Context;
use crate::check::ir::Expr;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind as Kind};
use crate::value::{ChoiceId, Type, Value};

use super::constant;
use super::names::suggest;

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
