//! The triggering record before it exists: a flow that can run before a create may change the values that are about to be
//! written, and do nothing that needs the record itself.

use crate::bytecode::{Event, FlowHead};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

use super::context::Context;
use super::ir::{Expr, ExprKind};

/// Whether a flow can run before its record is created.
pub(super) fn runs_before_create(head: &FlowHead) -> bool {
    head.triggers.iter().any(|trigger| trigger.event == Event::Create && trigger.stage.is_before())
}

impl Context<'_> {
    /// Whether a value is the triggering record in a flow that can run before that record exists.
    pub fn needs_unborn(&self, value: &Expr) -> bool {
        self.flow().is_some_and(runs_before_create) && may_be_this(value)
    }

    /// Says what can't be done with the record yet.
    pub fn report_unborn(&mut self, span: Span, what: &str) {
        self.report(self.unborn(span, what));
    }

    /// The same, where there is more to say.
    pub fn unborn(&self, span: Span, what: &str) -> Diagnostic {
        let name = self.entity().map_or("record", |(_, entity)| entity.name.as_str());
        let message = format!("{what} before the {name} exists");
        Diagnostic::new(Code::E0609, span, message).help("this flow can run before the create; write `stage post-operation` in it")
    }
}

fn may_be_this(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::This => true,
        ExprKind::Convert(inner) | ExprKind::Require(inner) => may_be_this(inner),
        ExprKind::Coalesce(left, right) => may_be_this(left) || may_be_this(right),
        _ => false,
    }
}
