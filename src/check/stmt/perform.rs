//! `perform` and its result, and `set output`.
//!
//! What an action gives lies in one `let` for each of its outputs, one behind the other; `r.approved` is such a `let`, so
//! that everything that is known of `let`s is known of outputs.

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use crate::bytecode::ActionHead;
use crate::check::context::Context;
use crate::check::ir;
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::Entity;
use crate::source::Span;
use crate::syntax::ast::{self, WriteOperator};
use crate::value::Type;

use super::names::{MOST_LETS, unknown};

impl Context<'_> {
    /// Checks a `perform`; what it gives goes into a `let` where there is a name for it.
    pub(in crate::check) fn perform(
        &mut self,
        action: &ast::Name,
        arguments: &[ast::Write],
        record: Option<&ast::RecordExpr>,
        into: Option<&ast::Name>,
    ) -> Option<ir::StmtKind> {
        let performed = self.performed(action, arguments, record, into);
        if performed.is_none() {
            self.broken.extend(into.map(|into| into.text.clone()));
        }
        performed
    }

    fn performed(
        &mut self,
        action: &ast::Name,
        arguments: &[ast::Write],
        record: Option<&ast::RecordExpr>,
        into: Option<&ast::Name>,
    ) -> Option<ir::StmtKind> {
        let target = record.map(|record| self.record(record));
        let actions = &self.named.actions;
        let Some(found) = actions.get(&action.text) else {
            self.unknown_action(action);
            return None;
        };
        let (head, place) = found.as_ref()?;
        let arguments = self.inputs_given(action, &head.inputs, arguments);
        self.facts.reread();
        let record = match target {
            Some(target) => self.on_record(action, head, *place, record?, target),
            None => self.on_nothing(action, head, *place),
        };
        let into = match into {
            Some(into) => Some(self.introduce_result(into, action, head, *place)?),
            None => None,
        };
        Some(ir::StmtKind::Perform { action: action.text.clone(), arguments: arguments?, record: record?, into })
    }

    fn unknown_action(&mut self, action: &ast::Name) {
        if let Some(Some((_, place))) = self.heads.get(&action.text) {
            let message = format!("`{}` is a flow, not an action", action.text);
            self.report(
                Diagnostic::new(Code::E0631, action.span, message)
                    .also(*place, "its declaration")
                    .help(format!("a flow with `trigger child` is started: `start {} on …`", action.text)),
            );
            return;
        }
        let known = self.named.actions.keys().map(SmolStr::as_str);
        let diagnostic = unknown(Code::E0401, action, format!("there is no action `{}`", action.text), known);
        self.report_unknown(&action.text, diagnostic);
    }

    /// The record that stands after `on`, held against the entity of the action.
    fn on_record(
        &mut self,
        action: &ast::Name,
        head: &ActionHead,
        place: Span,
        written: &ast::RecordExpr,
        target: Option<ir::Record>,
    ) -> Option<Option<ir::Record>> {
        let span = written.expr.span;
        let Some(entity) = head.entity else {
            self.report(
                Diagnostic::new(Code::E0631, span, format!("`{}` is a global action, so it is performed on no record", action.text))
                    .also(place, "its declaration")
                    .help("leave `on …` out, or declare the action `on` an entity"),
            );
            return None;
        };
        let target = target?;
        if target.entity != entity {
            let name = |id| self.schema.entity(id).map_or("", |entity: &Entity| entity.name.as_str());
            let message =
                format!("`{}` is performed on `{}`, and this is a record of `{}`", action.text, name(entity), name(target.entity));
            self.report(Diagnostic::new(Code::E0631, span, message).also(place, "its declaration"));
            return None;
        }
        if self.needs_unborn(&target.reference) {
            self.report_unborn(span, "no action can be performed on `this`");
            return None;
        }
        Some(Some(target))
    }

    fn on_nothing(&mut self, action: &ast::Name, head: &ActionHead, place: Span) -> Option<Option<ir::Record>> {
        let Some(entity) = head.entity.and_then(|id| self.schema.entity(id)) else { return Some(None) };
        let own = self.entity().is_some_and(|(id, _)| head.entity == Some(id));
        let shown = if own { "this" } else { "…" };
        let problem = Diagnostic::new(Code::E0631, action.span, format!("`{}` needs a record of `{}`", action.text, entity.name));
        self.report(problem.also(place, "its declaration").help(format!("say which: `perform {} on {shown}`", action.text)));
        None
    }

    /// Takes the name of a result into sight: a `let` for each output.
    fn introduce_result(&mut self, name: &ast::Name, action: &ast::Name, head: &ActionHead, place: Span) -> Option<ir::LocalId> {
        let Some(first) = head.outputs.first() else {
            self.report(
                Diagnostic::new(Code::E0632, name.span, format!("`{}` gives nothing that could be named", action.text))
                    .also(place, "it has no `output`")
                    .help(format!("write `perform {}` alone", action.text)),
            );
            return None;
        };
        if self.locals.len() + head.outputs.len() > MOST_LETS {
            let message = format!("more than {MOST_LETS} `let`s in one place");
            self.report(Diagnostic::new(Code::E0618, name.span, message).help("divide it into several"));
            return None;
        }
        let local = self.introduce(name, first.ty.clone(), true)?;
        self.results.insert(local, action.text.clone());
        let called = |output: &SmolStr| SmolStr::from(format!("{}.{output}", name.text));
        if let Some(named) = self.locals.get_mut(local.0 as usize) {
            named.name = called(&first.name);
        }
        let others = head.outputs.iter().skip(1);
        self.locals.extend(others.map(|output| ir::Local { name: called(&output.name), ty: output.ty.clone(), optional: true }));
        Some(local)
    }

    /// `set output a = e, b = e`
    pub(super) fn set_output(&mut self, writes: &[ast::Write], span: Span) -> Option<ir::StmtKind> {
        let Some(head) = self.action() else {
            self.report(
                Diagnostic::new(Code::E0633, span, "a flow has no outputs")
                    .help("an `action` has them; a flow `set`s fields of its record"),
            );
            return None;
        };
        let mut checked = Some(Vec::with_capacity(writes.len()));
        let mut named: FxHashMap<u16, Span> = FxHashMap::default();
        for write in writes {
            let one = self.output_written(head, write, &mut named);
            checked = checked.zip(one).map(|(mut all, one)| {
                all.push(one);
                all
            });
        }
        Some(ir::StmtKind::SetOutput(checked?))
    }

    fn output_written(&mut self, head: &ActionHead, write: &ast::Write, named: &mut FxHashMap<u16, Span>) -> Option<(u16, ir::Expr)> {
        let name = &write.name;
        let Some((position, output)) = head.output(&name.text) else {
            let outputs = head.outputs.iter().map(|output| output.name.as_str());
            let message = format!("`{}` has no output `{}`", head.name, name.text);
            self.report_unknown(&name.text, unknown(Code::E0401, name, message, outputs));
            return None;
        };
        if let Some(first) = named.insert(position, name.span) {
            let problem = Diagnostic::new(Code::E0610, name.span, format!("`{}` is written twice", name.text));
            self.report(problem.also(first, "here first").help("one write gives each output one value"));
            return None;
        }
        if write.operator != WriteOperator::Set {
            let problem =
                Diagnostic::new(Code::E0633, name.span, format!("the output `{}` can't be read, so nothing can be added to it", name.text));
            self.report(problem.help(format!("compute it in a `let`, and write `set output {} = …` at the end", name.text)));
            return None;
        }
        Some((position, self.value_of(&write.value, &output.ty, true)?))
    }
}

/// What stands behind the name of a result.
impl Context<'_> {
    /// The first `let` of a result in sight, and its action.
    pub(in crate::check) fn result_named(&self, name: &str) -> Option<(ir::LocalId, &ActionHead)> {
        if self.entity().is_some_and(|(_, entity)| entity.slot(name).is_some()) {
            return None;
        }
        let (_, local, _) = self.visible.iter().rev().find(|(visible, ..)| visible == name)?;
        let (head, _) = self.named.actions.get(self.results.get(local)?)?.as_ref()?;
        Some((*local, head))
    }

    /// `r.approved`
    pub(in crate::check) fn output_of(&mut self, result: &str, name: &ast::Name, span: Span) -> Option<ir::Expr> {
        let (first, head) = self.result_named(result)?;
        if let Some((position, output)) = head.output(&name.text) {
            let local = ir::LocalId(first.0.saturating_add(position));
            let expr = ir::Expr { kind: ir::ExprKind::Local(local), ty: output.ty.clone(), optional: true, span };
            self.reads.push((span, local));
            return Some(self.narrowed(expr));
        }
        let message = format!("`{}` has no output `{}`", head.name, name.text);
        let mut diagnostic = unknown(Code::E0402, name, message, head.outputs.iter().map(|output| output.name.as_str()));
        if let (true, Some(output)) = (diagnostic.help.is_empty(), head.outputs.first()) {
            diagnostic = diagnostic.help(format!("what it gives is declared with `output`, as `{result}.{}` is", output.name));
        }
        self.report_unknown(&name.text, diagnostic);
        None
    }

    /// The type of an output of a result.
    pub(in crate::check) fn output_type(&self, result: &str, name: &ast::Name) -> Option<Type> {
        let (_, head) = self.result_named(result)?;
        head.output(&name.text).map(|(_, output)| output.ty.clone())
    }

    /// Says that the result of an action is no value by itself.
    pub(in crate::check) fn whole_result<T>(&mut self, name: &str, local: ir::LocalId, span: Span) -> Option<T> {
        let action = self.results.get(&local)?.clone();
        let head = self.named.actions.get(&action)?.as_ref().map(|(head, _)| head);
        let outputs: Vec<String> =
            head.into_iter().flat_map(|head| &head.outputs).map(|output| format!("`{name}.{}`", output.name)).collect();
        let diagnostic = Diagnostic::new(Code::E0632, span, format!("`{name}` is all that `{action}` gave, not one value"));
        self.report(diagnostic.help(format!("name an output: {}", outputs.join(", "))));
        None
    }

    /// In an action nothing was before an operation, and nothing is changed by one.
    pub(in crate::check) fn nothing_before(&self, word: &str, span: Span) -> Option<Diagnostic> {
        self.action()?;
        let help = "an action is no change of its record; keep what you need in a `let` before you change it";
        Some(Diagnostic::new(Code::E0423, span, format!("`{word}` says nothing in an action")).help(help))
    }
}
