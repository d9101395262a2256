//! What tests and scenarios say of jobs: `run jobs`, and how a job of a flow stands.

use smol_str::SmolStr;

use super::{Checker, unknown};
use crate::bytecode::Mode;
use crate::check::context::Elsewhere;
use crate::check::ir::StepKind;
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::jobs::EXPECTED;
use crate::source::Span;
use crate::syntax::ast;

impl Checker<'_, '_> {
    pub(super) fn run_jobs(&mut self, span: Span) -> Option<StepKind> {
        self.outside(span, "run jobs", "jobs run once the transaction is kept: run them behind it");
        Some(StepKind::RunJobs)
    }

    pub(super) fn expect_job(&mut self, flow: &ast::Name, word: &ast::Name, reason: Option<&ast::TextLiteral>) -> Option<StepKind> {
        let name = self.job(flow);
        // The grammar has these words and no others.
        let status = EXPECTED.iter().find(|(known, _)| *known == word.text).map(|(_, status)| *status);
        let message = reason.map(|reason| self.cx.text(reason));
        Some(StepKind::ExpectJob { name: name?, status: status?, message })
    }

    /// A flow or plug-in that runs in the background.
    fn job(&mut self, name: &ast::Name) -> Option<SmolStr> {
        let (heads, named) = (self.cx.heads, self.cx.named);
        match heads.get(&name.text) {
            Some(Some((head, _))) if head.mode == Mode::RealTime => {
                let message = format!("`{}` runs inside its operation, so it has no job", name.text);
                let help = format!("write `expect ran {}`, or give the flow `mode background`", name.text);
                self.cx.report(Diagnostic::new(Code::E0706, name.span, message).help(help));
                None
            }
            None if !matches!(named.elsewhere.get(&name.text), Some((Elsewhere::Plugin(_), _))) => {
                let message = format!("there is no flow `{}`", name.text);
                self.cx.report_unknown(&name.text, unknown(Code::E0401, name, message, heads.keys().map(SmolStr::as_str)));
                None
            }
            _ => Some(name.text.clone()),
        }
    }
}
