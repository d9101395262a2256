//! Choices, options and status blocks.

use rustc_hash::FxHashMap;

use super::{Declare, twice};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{self, ChoiceOption, Status, jobs, system};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::{ChoiceId, Decimal};

impl Declare<'_> {
    /// Declares `choice Rating { … }`.
    pub(super) fn choice(&mut self, declared: &ast::Choice) {
        let options = self.options(&[&declared.options], declared.name.span);
        let label = declared.label.as_ref().unwrap_or(&declared.name).text.clone();
        self.add_choice(schema::Choice { name: declared.name.text.clone(), label, options }, declared.name.span);
    }

    /// Declares the options of `choice { … }` in a field.
    pub(super) fn inline_choice(&mut self, entity: &str, field: &ast::Field, options: &[ast::ChoiceOption], span: Span) -> ChoiceId {
        let options = self.options(&[options], span);
        let label = field.label.as_ref().unwrap_or(&field.name).text.clone();
        self.add_choice(schema::Choice { name: format!("{entity}.{}", field.name.text).into(), label, options }, span)
    }

    /// The status reasons of an entity, with the choices of its state and of them.
    pub(super) fn statuses(&mut self, entity: &ast::Entity) -> (Vec<Status>, ChoiceId, ChoiceId) {
        let mut block = None;
        for member in &entity.members {
            if let ast::Member::Status(status) = member {
                self.once(&mut block, status, status.span, "the status block");
            }
        }
        let span = entity.name.span;
        if entity.name.text == jobs::ENTITY {
            return self.job_statuses(span);
        }
        let (options, active) = match block {
            Some((status, at)) => (self.status_options(status, at), status.active.len()),
            None => (vec![option("active", 1), option("inactive", 2)], 1),
        };
        let state = |index| i32::from(index >= active);
        let statuses = options.iter().enumerate().map(|(index, option)| Status { code: option.code, state: state(index) }).collect();
        let (states, reasons) = self.status_choices(&entity.name.text, vec![option("active", 0), option("inactive", 1)], options, span);
        (statuses, states, reasons)
    }

    /// Those of system jobs, which are the platform's.
    fn job_statuses(&mut self, span: Span) -> (Vec<Status>, ChoiceId, ChoiceId) {
        let statuses = jobs::Status::ALL.iter().map(|status| Status { code: *status as i32, state: status.state() as i32 }).collect();
        let reason =
            |status: &jobs::Status| ChoiceOption { name: status.name().into(), label: status.label().into(), code: *status as i32 };
        let states = jobs::State::ALL.iter().map(|state| option(state.name(), *state as i32)).collect();
        let (states, reasons) = self.status_choices(jobs::ENTITY, states, jobs::Status::ALL.iter().map(reason).collect(), span);
        (statuses, states, reasons)
    }

    fn status_choices(&mut self, entity: &str, states: Vec<ChoiceOption>, reasons: Vec<ChoiceOption>, span: Span) -> (ChoiceId, ChoiceId) {
        let mut choice = |field: &str, label: &str, options| {
            self.add_choice(schema::Choice { name: format!("{entity}.{field}").into(), label: label.into(), options }, span)
        };
        (choice(system::STATE, "State", states), choice(system::STATUS, "Status reason", reasons))
    }

    /// The options of both states; where one is bad, all of them are kept so that their places still tell the state.
    fn status_options(&mut self, status: &ast::StatusBlock, span: Span) -> Vec<ChoiceOption> {
        if status.active.is_empty() {
            self.report(
                Diagnostic::new(Code::E0217, span, "the status has no active reason, and a new record needs one")
                    .help("name at least one: `active { open = 1 }`"),
            );
        }
        if status.inactive.is_empty() {
            self.report(
                Diagnostic::new(Code::E0217, span, "the status has no inactive reason")
                    .help("name at least one: `inactive { closed = 2 }`"),
            );
        }
        self.options(&[&status.active, &status.inactive], span)
    }

    /// Reads lists of options as one; every option is kept, the bad ones with what could be read.
    fn options(&mut self, lists: &[&[ast::ChoiceOption]], span: Span) -> Vec<ChoiceOption> {
        let (mut names, mut codes) = (FxHashMap::default(), FxHashMap::default());
        let mut options = Vec::new();
        for declared in lists.iter().flat_map(|list| list.iter()) {
            let code = self.option_code(&declared.code);
            if let Some(first) = names.insert(declared.name.text.clone(), &declared.name) {
                self.report(twice("option", &declared.name, first));
            }
            if let Some(first) = code.and_then(|code| codes.insert(code, declared.code.span)) {
                self.report(
                    Diagnostic::new(Code::E0202, declared.code.span, format!("two options have the code {}", declared.code.value))
                        .also(first, "the first one is here")
                        .help("the code is what a record stores, so every option needs its own"),
                );
            }
            let label = declared.label.as_ref().unwrap_or(&declared.name).text.clone();
            options.push(ChoiceOption { name: declared.name.text.clone(), label, code: code.unwrap_or_default() });
        }
        if options.is_empty() && lists.len() == 1 {
            self.report(Diagnostic::new(Code::E0216, span, "a choice without options").help("name at least one: `{ standard = 1 }`"));
        }
        options
    }

    fn option_code(&mut self, code: &ast::Number) -> Option<i32> {
        let whole = if code.value.fract() == Decimal::ZERO { i32::try_from(code.value).ok() } else { None };
        if whole.is_none() {
            self.report(
                Diagnostic::new(Code::E0218, code.span, format!("the code of an option is a whole number of 32 bits, not {}", code.value))
                    .help("codes go from -2147483648 to 2147483647"),
            );
        }
        whole
    }
}

fn option(name: &str, code: i32) -> ChoiceOption {
    let mut label = name.to_owned();
    if let Some(first) = label.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    ChoiceOption { name: name.into(), label: label.into(), code }
}
