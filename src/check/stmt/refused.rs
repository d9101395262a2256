//! Statements that have no place in a flow: a wait inside the transaction, a delay, and those of tests.

use crate::bytecode::Mode;
use crate::check::context::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast;

impl Context<'_> {
    /// Reports a statement that can't stand in this flow, and the waits and delays within it.
    pub(super) fn refuse(&mut self, statement: &ast::Stmt) {
        use ast::StmtKind as S;
        let span = statement.span;
        match &statement.kind {
            S::WaitFor(_) | S::WaitUntil(_) => self.refuse_wait(span),
            S::WaitBranches(branches) => {
                self.refuse_wait(span);
                branches.iter().for_each(|branch| self.refuse_within(&branch.body));
            }
            S::Delay => self.report(
                Diagnostic::new(Code::E0619, first_word(span, "delay"), "there is no `delay`")
                    .help("the word is `wait`: `wait 3 days` or `wait until …`, in a flow with `mode background`"),
            ),
            S::User { .. } => self.only_in_tests(span, "user"),
            S::As { .. } => self.only_in_tests(span, "as"),
            S::InTransaction(_) => self.only_in_tests(span, "in transaction"),
            S::Run { .. } | S::RunJobs => self.only_in_tests(span, "run"),
            S::Advance(_) => self.only_in_tests(span, "advance"),
            S::Show(_) | S::ShowAudit(_) => self.only_in_tests(span, "show"),
            S::Expect(_) => self.only_in_tests(span, "expect"),
            S::Upsert { .. } => self.not_in_flows(
                first_word(span, "upsert"),
                "`upsert` stands only in tests and scenarios",
                "ask whether the record is there (`exists(…)`, or a `for each` over the records with its key), and write `update` or `create`",
            ),
            S::CreateMultiple { .. } => self.not_in_flows(
                first_word(span, "create"),
                "only a test or scenario creates several records at once",
                "write a `create` for each of them: all that a flow does is one transaction anyway",
            ),
            S::UpdateMultiple { .. } => self.not_in_flows(
                first_word(span, "update"),
                "only a test or scenario updates several records at once",
                "write an `update` for each of them, or a `for each`: all that a flow does is one transaction anyway",
            ),
            S::Table { .. } => self.only_in_tests(span, "table"),
            S::Given(_) => self.only_in_tests(span, "given"),
            S::Tags(_) => self.only_in_tests(span, "tags"),
            S::Skip(_) => self.only_in_tests(span, "skip"),
            S::Fake { .. } => self.only_in_tests(span, "fake"),
            // These stand in flows; the block that asks has no more to say about them.
            S::Set { .. }
            | S::Perform { .. }
            | S::Stop(_)
            | S::Finish(_)
            | S::Start { .. }
            | S::Create { .. }
            | S::Update { .. }
            | S::Delete { .. } => {}
            S::Assign { .. } | S::ChangeStatus { .. } | S::SendEmail { .. } => {}
            S::If { .. } | S::Match { .. } | S::ForEach { .. } | S::Let { .. } | S::LetResult { .. } | S::Log(_) | S::Step { .. } => {}
        }
    }

    /// Looks for delays, and in a real-time flow for waits, in statements that are not checked themselves.
    fn refuse_within(&mut self, block: &ast::Block) {
        use ast::StmtKind as S;
        for statement in &block.statements {
            match &statement.kind {
                S::WaitFor(_) | S::WaitUntil(_) | S::WaitBranches(_) if self.in_background() => {}
                S::WaitFor(_) | S::WaitUntil(_) | S::WaitBranches(_) | S::Delay => self.refuse(statement),
                S::If { arms, otherwise } => {
                    arms.iter().for_each(|(_, block)| self.refuse_within(block));
                    otherwise.iter().for_each(|block| self.refuse_within(block));
                }
                S::Match { arms, .. } => arms.iter().for_each(|arm| self.refuse_within(&arm.body)),
                S::ForEach { body, .. } | S::Step { body, .. } => self.refuse_within(body),
                _ => {}
            }
        }
    }

    fn refuse_wait(&mut self, span: Span) {
        if self.in_background() {
            return;
        }
        if let Some(action) = self.action() {
            let problem = Diagnostic::new(Code::E0301, first_word(span, "wait"), "an action can't wait")
                .label("the transaction would stay open, and everybody else would wait with it");
            let help = format!("let a flow with `mode background` do what comes after the wait, and `start` it in `{}`", action.name);
            return self.report(problem.help(help));
        }
        let name = self.flow().map_or("Flow", |head| head.name.as_str());
        self.report(
            Diagnostic::new(Code::E0301, first_word(span, "wait"), "a real-time flow can't wait")
                .label("the transaction would stay open, and everybody else would wait with it")
                .help(format!("let a flow with `mode background` do what comes after the wait, and `start` it here, or give `{name}` itself `mode background`"))
                .help("or write the moment into a field of the record, and act on it later"),
        );
    }

    fn only_in_tests(&mut self, span: Span, word: &str) {
        let message = format!("`{word}` stands only in tests and scenarios");
        self.not_in_flows(span, &message, "move it into a `test \"…\" { … }` beside the flow");
    }

    fn not_in_flows(&mut self, span: Span, message: &str, help: &str) {
        self.report(Diagnostic::new(Code::E0617, span, message).help(help));
    }

    pub(super) fn in_background(&self) -> bool {
        self.flow().is_some_and(|head| head.mode == Mode::Background)
    }
}

/// The keyword at the start of a statement.
fn first_word(span: Span, word: &str) -> Span {
    Span { end: span.end.min(span.start + word.len() as u32), ..span }
}
