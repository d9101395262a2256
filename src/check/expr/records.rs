//! The records of activities.

use crate::check::context::Context;
use crate::check::ir::Record;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::Type;

use super::names::written;

impl Context<'_> {
    /// The record of an activity: of one entity, and never empty unless it says `?`.
    pub fn record(&mut self, record: &ast::RecordExpr) -> Option<Record> {
        let mut reference = self.expression(&record.expr, None)?;
        let Type::Lookup(entities) = &reference.ty else {
            let what = self.describe(&reference.ty);
            let help = "name a lookup of the record, `this`, or a `let` that holds a record";
            self.report(Diagnostic::new(Code::E0428, reference.span, format!("this is {what}, not a record")).help(help));
            return None;
        };
        let [entity] = entities[..] else {
            let names = self.entity_names(entities);
            let message = format!("this may be a record of {names}; an activity needs one entity");
            self.report(
                Diagnostic::new(Code::E0429, reference.span, message).help("keep a lookup to each entity, and test which is not empty"),
            );
            return None;
        };
        let skip_if_empty = match record.skip_if_empty {
            Some(mark) if !reference.optional && !self.in_scenario() => {
                self.report(
                    Diagnostic::new(Code::W0502, mark, "this `?` has no effect")
                        .also(reference.span, "this is never empty here")
                        .help("take the `?` out")
                        .fix(mark, ""),
                );
                false
            }
            Some(_) => reference.optional,
            None if self.in_scenario() => {
                reference = self.looked_at(reference);
                false
            }
            None if reference.optional => return self.may_be_nobody(&record.expr, reference.span),
            None => false,
        };
        Some(Record { reference, entity, skip_if_empty })
    }

    fn may_be_nobody<T>(&mut self, e: &ast::Expr, span: Span) -> Option<T> {
        let name = written(e);
        let message = match &name {
            Some(name) => format!("`{name}` may be empty here"),
            None => "this record may be empty here".to_owned(),
        };
        let shown = name.unwrap_or_else(|| "…".to_owned());
        let help = format!("write `{shown}?` to leave this out where it is empty, or test it first: `if {shown} is not empty {{ … }}`");
        self.report(Diagnostic::new(Code::E0503, span, message).help(help).fix(span.end_point(), "?"));
        None
    }
}
