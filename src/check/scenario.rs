//! Tests and scenarios: from trees to typed steps.
//!
//! The operations are checked like those of a flow; only what may be empty isn't held against anything here, since
//! tests exist to try that out. Every step is checked, also behind one that has an error.

mod common;
mod fakes;
mod jobs;
mod messages;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::context::Context;
use super::ir::{self, StepKind};
use super::stmt::unknown;
use super::table;
use crate::diagnostic::{Code, Diagnostic, Severity, nearest};
use crate::source::Span;
use crate::syntax::ast::{self, Expectation};
use crate::value::Type;

pub(super) use common::Givens;

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A test.
    Test,
    /// A scenario.
    Scenario,
    /// What several of them have in common: checked like a test, and by itself nothing that could run.
    Given,
}

/// Checks a test or a scenario; gives none where it is only what others have in common.
pub(super) fn scenario<'a>(
    cx: Context<'a>,
    source: &'a ast::Scenario,
    kind: Kind,
    givens: &'a mut Givens<'_>,
) -> (Option<ir::Scenario>, Vec<Diagnostic>) {
    let used = if kind == Kind::Given { vec![source.name.text.clone()] } else { Vec::new() };
    let mut checker = Checker { cx, kind, givens, used, users: FxHashMap::default(), operation: false, transaction: None };
    let (tags, skip, statements) = checker.first(&source.body.statements);
    let (statements, table) = match table::at_the_end(statements).filter(|_| kind == Kind::Test) {
        Some(table) => (table.before, Some((table.header, checker.cx.table(&table)))),
        None => (statements, None),
    };
    let steps = checker.all(statements);
    let table = table.map(|(header, table)| {
        checker.cx.unread_columns(header);
        table
    });
    let name = source.name.text.clone();
    let test = kind == Kind::Test;
    let scenario = ir::Scenario { name, test, span: source.name.span, steps, locals: checker.cx.locals, table, tags, skip };
    ((kind != Kind::Given).then_some(scenario), checker.cx.diagnostics)
}

pub(super) struct Checker<'a, 'g> {
    pub(super) cx: Context<'a>,
    pub(super) kind: Kind,
    pub(super) givens: &'a mut Givens<'g>,
    /// The names of the `given`s that stand in it so far.
    pub(super) used: Vec<SmolStr>,
    /// The users so far, with the places of their names.
    pub(super) users: FxHashMap<SmolStr, Span>,
    /// Whether an operation stands before.
    pub(super) operation: bool,
    /// The `in transaction` around the statement, if there is one.
    pub(super) transaction: Option<Span>,
}

impl Checker<'_, '_> {
    /// Statements in braces that run once, where they stand: what they name stays in sight behind them, and may be named anew.
    fn once(&mut self, statements: &[ast::Stmt]) -> Vec<ir::Step> {
        let before = self.cx.visible.len();
        let steps = self.all(statements);
        self.cx.faded.extend(self.cx.visible.iter().skip(before).map(|(_, id, _)| *id));
        steps
    }

    /// Statements whose names stay in sight.
    fn all(&mut self, statements: &[ast::Stmt]) -> Vec<ir::Step> {
        let mut steps = Vec::with_capacity(statements.len());
        for statement in statements {
            if let ast::StmtKind::Given(name) = &statement.kind {
                steps.extend(self.given(name));
            } else if let Some(kind) = self.step(statement) {
                steps.push(ir::Step { kind, span: statement.span });
            }
        }
        steps
    }

    pub(super) fn step(&mut self, statement: &ast::Stmt) -> Option<StepKind> {
        use ast::StmtKind as S;
        match &statement.kind {
            S::Let { name, value } => self.cx.let_value(name, value).map(StepKind::Do),
            S::LetResult { name, activity } => match &activity.kind {
                S::Create { entity, values } => self.create(entity, values, Some(name)),
                S::Perform { action, arguments, record } => self.perform(action, arguments, record.as_ref(), Some(name)),
                S::Upsert { entity, values } => self.upsert(entity, values, Some(name)),
                S::CreateMultiple { .. } => self.named_several(name),
                _ => {
                    self.cx.broken.insert(name.text.clone());
                    self.refuse(activity)
                }
            },
            S::Create { entity, values } => self.create(entity, values, None),
            S::Perform { action, arguments, record } => self.perform(action, arguments, record.as_ref(), None),
            S::Update { record, values } => {
                self.operation = true;
                self.cx.update(record, values).map(StepKind::Do)
            }
            S::CreateMultiple { entity, targets } => self.create_multiple(entity, targets),
            S::UpdateMultiple { targets } => self.update_multiple(targets),
            S::Upsert { entity, values } => self.upsert(entity, values, None),
            S::Delete { record } => {
                self.operation = true;
                self.cx.delete(record).map(StepKind::Do)
            }
            S::Assign { record, owner } => {
                self.operation = true;
                self.cx.assign(record, owner).map(StepKind::Do)
            }
            S::ChangeStatus { record, status } => {
                self.operation = true;
                self.cx.change_status(record, status).map(StepKind::Do)
            }
            S::SendEmail { values } => {
                self.operation = true;
                self.cx.send_email(values, statement.span).map(StepKind::Do)
            }
            S::Start { flow, arguments, record } => {
                self.operation = true;
                self.cx.start(flow, arguments, record).map(StepKind::Do)
            }
            S::Run { flow, arguments, record } => {
                self.operation = true;
                let (flow, arguments, record) = self.cx.run(flow, arguments, record)?;
                Some(StepKind::Run { flow, arguments, record })
            }
            S::User { name, roles, business_unit, teams } => self.user(name, roles, business_unit.as_ref(), teams),
            S::As { user, body } => self.acting(user, body),
            S::InTransaction(body) => self.in_transaction(body, statement.span),
            S::RunJobs => self.run_jobs(statement.span),
            S::Advance(duration) => self.advance(duration, statement.span),
            S::Show(value) => self.cx.expression(value, None).map(StepKind::Show),
            S::ShowAudit(record) => self.cx.record(record).map(StepKind::ShowAudit),
            S::Expect(expectation) => self.expect(expectation, statement.span),
            S::Fake { name, body } => self.fake(name, body),
            _ => self.refuse(statement),
        }
    }

    fn create(&mut self, entity: &ast::Name, values: &[ast::Write], into: Option<&ast::Name>) -> Option<StepKind> {
        self.operation = true;
        self.cx.create(entity, values, into).map(StepKind::Do)
    }

    fn perform(
        &mut self,
        action: &ast::Name,
        arguments: &[ast::Write],
        record: Option<&ast::RecordExpr>,
        into: Option<&ast::Name>,
    ) -> Option<StepKind> {
        self.operation = true;
        self.cx.perform(action, arguments, record, into).map(StepKind::Do)
    }

    fn user(&mut self, name: &ast::Name, roles: &[ast::Name], business_unit: Option<&ast::Name>, teams: &[ast::Name]) -> Option<StepKind> {
        if let Some(first) = self.users.insert(name.text.clone(), name.span) {
            self.cx.report(
                Diagnostic::new(Code::E0704, name.span, format!("there is a user `{}` already", name.text))
                    .also(first, "here")
                    .help("take one of them out, or give it another name"),
            );
        }
        let schema = self.cx.schema;
        for role in roles.iter().filter(|role| !schema.roles.contains_key(&role.text)) {
            let message = format!("there is no role `{}`", role.text);
            let problem = unknown(Code::E0711, role, message, schema.roles.keys().map(SmolStr::as_str));
            let declare = format!("declare it: `role {} {{ privilege read on account }}`", role.text);
            self.cx.report(if problem.help.is_empty() { problem.help(declare) } else { problem });
        }
        let texts = |names: &[ast::Name]| names.iter().map(|name| name.text.clone()).collect();
        let business_unit = business_unit.map(|unit| unit.text.clone());
        Some(StepKind::User { name: name.text.clone(), roles: texts(roles), business_unit, teams: texts(teams) })
    }

    fn in_transaction(&mut self, body: &ast::Block, span: Span) -> Option<StepKind> {
        self.outside(span, "in transaction", "its operations are part of the one around it: take this one away");
        let around = self.transaction.replace(span);
        let steps = self.once(&body.statements);
        self.transaction = around;
        Some(StepKind::InTransaction(steps))
    }

    /// Moves the clock on by a duration: to the moment that lies so far ahead.
    fn advance(&mut self, duration: &ast::Expr, span: Span) -> Option<StepKind> {
        self.outside(span, "advance", "a transaction lasts no days: move the clock before it or after it");
        let length = self.cx.expression(duration, None)?;
        let length = if length.ty == Type::Period { length } else { self.cx.value_of(duration, &Type::Duration, false)? };
        let moment = |kind| ir::Expr { kind, ty: Type::DateTime, optional: false, span: duration.span };
        let now = Box::new(moment(ir::ExprKind::Now));
        Some(StepKind::Advance(moment(ir::ExprKind::Shift { operator: ir::Operator::Add, left: now, right: Box::new(length) })))
    }

    /// Reports a statement that can't stand in a transaction, where it does.
    fn outside(&mut self, span: Span, word: &str, help: &str) {
        if let Some(around) = self.transaction {
            let (around, place) = (first_words(around, "in transaction"), first_words(span, word));
            self.cx.report(
                Diagnostic::new(Code::E0710, place, format!("`{word}` can't stand in a transaction"))
                    .also(around, "the transaction begins here")
                    .help(help),
            );
        }
    }

    fn acting(&mut self, user: &ast::Name, body: &ast::Block) -> Option<StepKind> {
        if !self.users.contains_key(&user.text) {
            let diagnostic = Diagnostic::new(Code::E0703, user.span, format!("there is no user `{}` yet", user.text));
            let near = nearest(&user.text, self.users.keys().map(SmolStr::as_str));
            self.cx.report(match near {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")).fix(user.span, format!("\"{near}\"")),
                None => diagnostic.help(format!("write `user \"{}\" {{}}` before it", user.text)),
            });
        }
        let steps = self.once(&body.statements);
        Some(StepKind::As { user: user.text.clone(), steps })
    }

    fn expect(&mut self, expectation: &Expectation, span: Span) -> Option<StepKind> {
        if !self.operation && !matches!(expectation, Expectation::That(_) | Expectation::Job { .. }) {
            self.cx.report(
                Diagnostic::new(Code::E0701, span, "no operation stands before this `expect`")
                    .help("it is about the last `create`, `update` or `delete`"),
            );
        }
        match expectation {
            Expectation::That(condition) => self.cx.condition(condition).map(|(condition, _, _)| StepKind::Expect(condition)),
            Expectation::Stopped(reason) => Some(StepKind::ExpectStopped(reason.as_ref().map(|reason| self.cx.text(reason)))),
            Expectation::Fault(None) => Some(StepKind::ExpectFault(None)),
            Expectation::Fault(Some(code)) => self.fault(code).map(|code| StepKind::ExpectFault(Some(code))),
            Expectation::Ran(flows) => self.flows(flows).map(StepKind::ExpectRan),
            Expectation::NotRan(flows) => self.flows(flows).map(StepKind::ExpectNotRan),
            Expectation::Job { flow, outcome, reason } => self.expect_job(flow, outcome, reason.as_ref()),
        }
    }

    fn fault(&mut self, name: &ast::Name) -> Option<Code> {
        let faults = || Code::ALL.iter().filter(|code| code.severity() == Severity::Fault);
        let found = Code::find(&name.text).filter(|code| code.severity() == Severity::Fault);
        if found.is_none() {
            let message = format!("there is no fault `{}`", name.text);
            let known: Vec<&str> = faults().map(|code| code.name()).collect();
            let help = format!("the faults are {}", known.join(", "));
            self.cx.report(Diagnostic::new(Code::E0705, name.span, message).help(help));
        }
        found
    }

    fn flows(&mut self, names: &[ast::Name]) -> Option<Vec<SmolStr>> {
        let (heads, named) = (self.cx.heads, self.cx.named);
        let known = |name: &SmolStr| heads.contains_key(name) || named.actions.contains_key(name) || named.elsewhere.contains_key(name);
        let mut sound = true;
        for name in names.iter().filter(|name| !known(&name.text)) {
            sound = false;
            let message = format!("there is no flow `{}`", name.text);
            self.cx.report_unknown(&name.text, unknown(Code::E0401, name, message, heads.keys().map(SmolStr::as_str)));
        }
        sound.then(|| names.iter().map(|name| name.text.clone()).collect())
    }

    /// Reports a statement that can't stand in a test.
    fn refuse(&mut self, statement: &ast::Stmt) -> Option<StepKind> {
        use ast::StmtKind as S;
        let span = statement.span;
        let word = match &statement.kind {
            S::Table { .. } => return self.misplaced_table(span),
            S::Tags(_) => return self.misplaced(span, "tags"),
            S::Skip(_) => return self.misplaced(span, "skip"),
            S::Set { .. } => "set",
            S::Stop(_) => "stop",
            S::Finish(_) => "finish",
            S::If { .. } => "if",
            S::Match { .. } => "match",
            S::ForEach { .. } => "for each",
            S::WaitFor(_) | S::WaitUntil(_) | S::WaitBranches(_) => "wait",
            S::Delay => "delay",
            S::Log(_) => "log",
            S::Step { .. } => "step",
            _ => "this",
        };
        let help = match &statement.kind {
            S::Set { .. } => "here a record is changed by `update record { field = … }`, and a value is named by `let name = …`",
            _ => "a test creates, updates and deletes records, and says what it expects of that",
        };
        self.cx.report(Diagnostic::new(Code::E0702, span, format!("`{word}` stands only in flows")).help(help));
        None
    }

    fn misplaced_table(&mut self, span: Span) -> Option<StepKind> {
        let (message, help) = match self.kind != Kind::Scenario {
            true => ("a table stands last in a test, on its own", "put it behind the last statement of the test"),
            false => ("a scenario has no table", "a table repeats a test, each row in a fresh store: make a test of it"),
        };
        self.cx.report(Diagnostic::new(Code::E0720, span, message).help(help));
        None
    }
}

/// The words at the start of a statement.
fn first_words(span: Span, words: &str) -> Span {
    Span { end: span.end.min(span.start + words.len() as u32), ..span }
}
