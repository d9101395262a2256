//! Statements of flows, tests and scenarios.

use super::{Builder, Node, Nodes, Rule, next, parts, take};
use crate::syntax::ast::{
    Arm, Block, Expectation, Pattern, RecordExpr, Stmt, StmtKind, TableRow, TextLiteral, WaitBranch, Write, WriteOperator,
};

impl Builder<'_> {
    pub(super) fn block(&mut self, node: Node) -> Block {
        let span = self.span(&node);
        let statements = parts(node).filter_map(|part| self.statement(part)).collect();
        Block { statements, span }
    }

    pub(super) fn statement(&mut self, node: Node) -> Option<Stmt> {
        let span = self.span(&node);
        let rule = node.as_rule();
        let mut inner = node.into_inner();
        let kind = match rule {
            Rule::set_statement => self.set(inner),
            Rule::if_statement => self.if_statement(inner),
            Rule::let_statement => self.let_statement(inner),
            Rule::match_statement => self.match_statement(inner),
            Rule::for_statement => self.for_statement(inner),
            Rule::wait_statement => self.wait(inner),
            Rule::table_statement => self.table(inner),
            Rule::user_statement => self.user(inner),
            Rule::expect_statement => self.expect(next(&mut inner)?).map(StmtKind::Expect),
            Rule::run_jobs_statement => Some(StmtKind::RunJobs),
            Rule::delay_statement => Some(StmtKind::Delay),
            Rule::stop_statement => self.literal(inner).map(StmtKind::Stop),
            Rule::log_statement => self.literal(inner).map(StmtKind::Log),
            Rule::advance_statement => self.expr(next(&mut inner)?).map(StmtKind::Advance),
            Rule::show_statement => self.show(next(&mut inner)?),
            Rule::finish_statement => match next(&mut inner) {
                Some(text) => self.text(text).map(|(text, _)| StmtKind::Finish(Some(text))),
                None => Some(StmtKind::Finish(None)),
            },
            Rule::step_statement => {
                let (title, _) = self.text(next(&mut inner)?)?;
                Some(StmtKind::Step { title, body: self.block(next(&mut inner)?) })
            }
            Rule::as_statement => {
                let user = self.name(&next(&mut inner)?);
                Some(StmtKind::As { user, body: self.block(next(&mut inner)?) })
            }
            Rule::fake_statement => {
                let name = self.name(&next(&mut inner)?);
                Some(StmtKind::Fake { name, body: self.block(next(&mut inner)?) })
            }
            Rule::given_statement => Some(StmtKind::Given(self.name(&next(&mut inner)?))),
            Rule::skip_statement => Some(StmtKind::Skip(self.name(&next(&mut inner)?))),
            Rule::tags_statement => Some(StmtKind::Tags(inner.filter_map(|part| self.title(part)).collect())),
            Rule::transaction_statement => Some(StmtKind::InTransaction(self.block(next(&mut inner)?))),
            _ => self.activity(rule, inner),
        };
        kind.map(|kind| Stmt { kind, span })
    }

    fn show(&mut self, node: Node) -> Option<StmtKind> {
        match node.as_rule() {
            Rule::show_audit => self.record(parts(node).next()?).map(StmtKind::ShowAudit),
            _ => self.expr(node).map(StmtKind::Show),
        }
    }

    /// What works on a record.
    fn activity(&mut self, rule: Rule, mut inner: Nodes) -> Option<StmtKind> {
        match rule {
            Rule::create_statement => {
                let entity = self.name(&next(&mut inner)?);
                let mut targets = Vec::new();
                while let Some(values) = next(&mut inner) {
                    targets.push(self.writes(values)?);
                }
                Some(match targets.len() {
                    1 => StmtKind::Create { entity, values: targets.pop()? },
                    _ => StmtKind::CreateMultiple { entity, targets },
                })
            }
            Rule::update_statement => {
                let mut targets = Vec::new();
                while let Some(record) = next(&mut inner) {
                    targets.push((self.record(record)?, self.writes(next(&mut inner)?)?));
                }
                Some(match targets.len() {
                    1 => targets.pop().map(|(record, values)| StmtKind::Update { record, values })?,
                    _ => StmtKind::UpdateMultiple { targets },
                })
            }
            Rule::upsert_statement => {
                let entity = self.name(&next(&mut inner)?);
                Some(StmtKind::Upsert { entity, values: self.writes(next(&mut inner)?)? })
            }
            Rule::send_statement => Some(StmtKind::SendEmail { values: self.writes(next(&mut inner)?)? }),
            Rule::delete_statement => Some(StmtKind::Delete { record: self.record(next(&mut inner)?)? }),
            Rule::assign_statement => {
                let record = self.record(next(&mut inner)?)?;
                Some(StmtKind::Assign { record, owner: self.expr(next(&mut inner)?)? })
            }
            Rule::change_statement => {
                let record = self.record(next(&mut inner)?)?;
                Some(StmtKind::ChangeStatus { record, status: self.expr(next(&mut inner)?)? })
            }
            _ => self.call_out(rule, inner),
        }
    }

    /// `start`, `run`, `perform`: a name, arguments, a record.
    fn call_out(&mut self, rule: Rule, mut inner: Nodes) -> Option<StmtKind> {
        let name = self.name(&next(&mut inner)?);
        let arguments = match take(&mut inner, Rule::arguments) {
            Some(node) => self.writes(node)?,
            None => Vec::new(),
        };
        let record = match next(&mut inner) {
            Some(node) => Some(self.record(node)?),
            None => None,
        };
        Some(match rule {
            Rule::start_statement => StmtKind::Start { flow: name, arguments, record: record? },
            Rule::run_statement => StmtKind::Run { flow: name, arguments, record: record? },
            _ => StmtKind::Perform { action: name, arguments, record },
        })
    }

    fn set(&mut self, inner: Nodes) -> Option<StmtKind> {
        let mut output = false;
        let mut writes = Vec::new();
        for part in inner {
            match part.as_rule() {
                Rule::kw_output => output = true,
                Rule::write => writes.push(self.write(part)?),
                _ => {}
            }
        }
        Some(StmtKind::Set { output, writes })
    }

    fn writes(&mut self, node: Node) -> Option<Vec<Write>> {
        parts(node).map(|part| self.write(part)).collect()
    }

    fn write(&mut self, node: Node) -> Option<Write> {
        let mut inner = node.into_inner();
        let name = self.name(&next(&mut inner)?);
        let operator = match take(&mut inner, Rule::write_operator).map(|sign| sign.as_str()) {
            Some("+=") => WriteOperator::Add,
            Some("-=") => WriteOperator::Subtract,
            Some("*=") => WriteOperator::Multiply,
            _ => WriteOperator::Set,
        };
        Some(Write { name, operator, value: self.expr(next(&mut inner)?)? })
    }

    fn record(&mut self, node: Node) -> Option<RecordExpr> {
        let mut inner = node.into_inner();
        let expr = self.expr(next(&mut inner)?)?;
        Some(RecordExpr { expr, skip_if_empty: next(&mut inner).map(|mark| self.span(&mark)) })
    }

    fn if_statement(&mut self, mut inner: Nodes) -> Option<StmtKind> {
        let mut arms = Vec::new();
        while let Some(condition) = take(&mut inner, Rule::expr) {
            let condition = self.expr(condition)?;
            arms.push((condition, self.block(next(&mut inner)?)));
        }
        let otherwise = next(&mut inner).map(|node| self.block(node));
        Some(StmtKind::If { arms, otherwise })
    }

    fn let_statement(&mut self, mut inner: Nodes) -> Option<StmtKind> {
        let name = self.name(&next(&mut inner)?);
        let value = next(&mut inner)?;
        Some(if value.as_rule() == Rule::expr {
            StmtKind::Let { name, value: self.expr(value)? }
        } else {
            StmtKind::LetResult { name, activity: Box::new(self.statement(value)?) }
        })
    }

    fn match_statement(&mut self, mut inner: Nodes) -> Option<StmtKind> {
        let subject = self.expr(next(&mut inner)?)?;
        let arms = inner.filter_map(|arm| self.arm(arm)).collect();
        Some(StmtKind::Match { subject, arms })
    }

    fn arm(&mut self, node: Node) -> Option<Arm> {
        let span = self.span(&node);
        let mut arm = Arm { patterns: Vec::new(), body: Block::default(), span };
        for part in parts(node) {
            match part.as_rule() {
                Rule::else_pattern => arm.patterns.push(Pattern::Else(self.span(&part))),
                Rule::block => arm.body = self.block(part),
                _ => arm.patterns.push(Pattern::Value(self.expr(part)?)),
            }
        }
        Some(arm)
    }

    fn for_statement(&mut self, mut inner: Nodes) -> Option<StmtKind> {
        let entity = self.name(&next(&mut inner)?);
        let (mut alias, mut filter, mut order, mut limit, mut body) = (None, None, Vec::new(), None, Block::default());
        for part in inner {
            match part.as_rule() {
                Rule::alias => alias = parts(part).next().map(|name| self.name(&name)),
                Rule::where_part => filter = Some(self.expr(parts(part).next()?)?),
                Rule::limit_part => limit = Some(self.expr(parts(part).next()?)?),
                Rule::order_part => {
                    for key in parts(part) {
                        let mut inner = key.into_inner();
                        let key = self.expr(next(&mut inner)?)?;
                        order.push((key, next(&mut inner).is_some_and(|direction| direction.as_str() == "descending")));
                    }
                }
                Rule::block => body = self.block(part),
                _ => {}
            }
        }
        Some(StmtKind::ForEach { entity, alias, filter, order, limit, body })
    }

    fn wait(&mut self, mut inner: Nodes) -> Option<StmtKind> {
        let part = next(&mut inner)?;
        match part.as_rule() {
            Rule::wait_until => self.expr(parts(part).next()?).map(StmtKind::WaitUntil),
            Rule::wait_branches => Some(StmtKind::WaitBranches(parts(part).filter_map(|branch| self.branch(branch)).collect())),
            _ => self.expr(part).map(StmtKind::WaitFor),
        }
    }

    fn branch(&mut self, node: Node) -> Option<WaitBranch> {
        let span = self.span(&node);
        let after = node.as_rule() == Rule::after_branch;
        let mut inner = node.into_inner();
        let value = self.expr(next(&mut inner)?)?;
        Some(WaitBranch { after, value, body: self.block(next(&mut inner)?), span })
    }

    fn user(&mut self, mut inner: Nodes) -> Option<StmtKind> {
        let name = self.name(&next(&mut inner)?);
        let (mut roles, mut business_unit, mut teams) = (Vec::new(), None, Vec::new());
        for part in inner {
            match part.as_rule() {
                Rule::user_role => roles.extend(self.names(part)),
                Rule::user_unit => business_unit = parts(part).next().map(|name| self.name(&name)),
                Rule::user_team => teams.extend(self.names(part)),
                _ => {}
            }
        }
        Some(StmtKind::User { name, roles, business_unit, teams })
    }

    fn table(&mut self, mut inner: Nodes) -> Option<StmtKind> {
        let header = self.names(next(&mut inner)?);
        let mut rows = Vec::new();
        while let Some(row) = next(&mut inner) {
            let span = self.span(&row);
            let cells: Option<Vec<_>> = parts(row).map(|cell| self.expr(cell)).collect();
            rows.push(TableRow { cells: cells?, span });
        }
        Some(StmtKind::Table { header, rows })
    }

    fn expect(&mut self, node: Node) -> Option<Expectation> {
        let rule = node.as_rule();
        if rule == Rule::expr {
            return self.expr(node).map(Expectation::That);
        }
        let mut inner = node.into_inner();
        Some(match rule {
            Rule::expect_stopped => Expectation::Stopped(self.optional_text(next(&mut inner))?),
            Rule::expect_fault => Expectation::Fault(next(&mut inner).map(|code| self.name(&code))),
            Rule::expect_ran => Expectation::Ran(inner.filter_map(|part| self.title(part)).collect()),
            Rule::expect_not_ran => Expectation::NotRan(inner.filter_map(|part| self.title(part)).collect()),
            _ => {
                let flow = self.name(&next(&mut inner)?);
                let outcome = self.name(&next(&mut inner)?);
                Expectation::Job { flow, outcome, reason: self.optional_text(next(&mut inner))? }
            }
        })
    }

    fn title(&mut self, node: Node) -> Option<crate::syntax::ast::Name> {
        matches!(node.as_rule(), Rule::name | Rule::plain).then(|| self.name(&node))
    }

    fn literal(&mut self, mut inner: Nodes) -> Option<TextLiteral> {
        self.text(next(&mut inner)?).map(|(text, _)| text)
    }

    /// A text that may be missing; `None` where it is there and means nothing.
    fn optional_text(&mut self, node: Option<Node>) -> Option<Option<TextLiteral>> {
        match node {
            Some(node) => self.text(node).map(|(text, _)| Some(text)),
            None => Some(None),
        }
    }
}
