//! `let`: names for values and for created records; and what to say about a name that isn't there.

use crate::check::context::Context;
use crate::check::ir;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::Type;

/// So many `let`s may stand in one flow, test or scenario.
pub(super) const MOST_LETS: usize = 1_000;

/// A name that isn't there, with the nearest of those that are.
pub(in crate::check) fn unknown<'a>(
    code: Code,
    name: &ast::Name,
    message: String,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    let diagnostic = Diagnostic::new(code, name.span, message);
    match nearest(&name.text, candidates) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")).fix(name.span, spelt(near)),
        None => diagnostic,
    }
}

/// A name as it is written in a source: quoted where it is no plain word.
fn spelt(name: &str) -> String {
    let plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if plain { name.to_owned() } else { format!("\"{name}\"") }
}

impl Context<'_> {
    pub(in crate::check) fn let_value(&mut self, name: &ast::Name, value: &ast::Expr) -> Option<ir::StmtKind> {
        let checked = self.expression(value, None);
        if checked.as_ref().is_some_and(|value| self.needs_unborn(value)) {
            self.report_unborn(value.span, "`this` can't be named");
            self.broken.insert(name.text.clone());
            return None;
        }
        let Some(value) = checked else {
            self.broken.insert(name.text.clone());
            return None;
        };
        let local = self.introduce(name, value.ty.clone(), value.optional)?;
        Some(ir::StmtKind::Let { local, value })
    }

    pub(super) fn let_result(&mut self, name: &ast::Name, activity: &ast::Stmt) -> Option<ir::StmtKind> {
        match &activity.kind {
            ast::StmtKind::Create { entity, values } => self.create(entity, values, Some(name)),
            ast::StmtKind::Perform { action, arguments, record } => self.perform(action, arguments, record.as_ref(), Some(name)),
            _ => {
                self.refuse(activity);
                self.broken.insert(name.text.clone());
                None
            }
        }
    }

    /// Takes a name into sight, unless it is taken.
    pub(in crate::check) fn introduce(&mut self, name: &ast::Name, ty: Type, optional: bool) -> Option<ir::LocalId> {
        if let Some((what, place)) = self.taken(name) {
            let diagnostic = Diagnostic::new(Code::E0606, name.span, format!("`{}` is already the name of {what}", name.text))
                .help("a `let` can't be changed and hides nothing; choose another name");
            self.report(match place {
                Some(place) => diagnostic.also(place, "here"),
                None => diagnostic,
            });
            return None;
        }
        if self.locals.len() >= MOST_LETS {
            if self.locals.len() == MOST_LETS {
                let message = format!("more than {MOST_LETS} `let`s in one place");
                self.report(Diagnostic::new(Code::E0618, name.span, message).help("divide it into several"));
                // One more, so that the next one isn't reported too.
                self.locals.push(ir::Local { name: name.text.clone(), ty, optional });
            }
            self.broken.insert(name.text.clone());
            return None;
        }
        let local = ir::LocalId(self.locals.len() as u16);
        self.locals.push(ir::Local { name: name.text.clone(), ty, optional });
        self.visible.push((name.text.clone(), local, name.span));
        Some(local)
    }

    /// What a name already stands for.
    pub(super) fn taken(&self, name: &ast::Name) -> Option<(&'static str, Option<Span>)> {
        let mut lets = self.visible.iter().rev().filter(|(_, id, _)| !self.anew && !self.faded.contains(id));
        if let Some((_, _, place)) = lets.find(|(taken, ..)| *taken == name.text) {
            return Some(("another `let`", Some(*place)));
        }
        if self.entity().is_some_and(|(_, entity)| entity.slot(&name.text).is_some()) {
            return Some(("a field of the record", None));
        }
        self.inputs().iter().any(|input| input.name == name.text).then_some(("an input", None))
    }
}
