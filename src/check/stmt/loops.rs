//! `for each`: which records, in which order, how many, and what is done for each of them.

use crate::check::context::Context;
use crate::check::ir;
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::ast;
use crate::value::{EntityId, Type, Value};

use super::Outcome;

/// The parts of a `for each`.
pub(super) struct ForEach<'a> {
    pub entity: &'a ast::Name,
    pub alias: Option<&'a ast::Name>,
    pub filter: Option<&'a ast::Expr>,
    pub order: &'a [(ast::Expr, bool)],
    pub limit: Option<&'a ast::Expr>,
    pub body: &'a ast::Block,
}

impl Context<'_> {
    pub(super) fn for_each(&mut self, written: &ForEach) -> Outcome {
        let entity = self.queried(written.entity);
        let outer = std::mem::replace(&mut self.row_name, written.alias.map(|alias| alias.text.clone()));
        let query = entity.and_then(|entity| self.filtered(entity, written.filter));
        let order = entity.and_then(|entity| self.order(entity, written.order));
        self.row_name = outer;
        let limit = written.limit.map(|limit| self.limit(limit));
        let in_sight = self.visible.len();
        let local = self.alias(written, entity);
        let body = self.repeated(written.body);
        self.visible.truncate(in_sight);
        let complete = || {
            let limit = match limit {
                Some(limit) => Some(limit?),
                None => None,
            };
            Some(ir::StmtKind::ForEach { query: query?, order: order?, limit, local: local?, body })
        };
        Outcome::goes_on(complete())
    }

    /// At most so many records: a whole number.
    fn limit(&mut self, written: &ast::Expr) -> Option<ir::Expr> {
        let limit = self.value_of(written, &Type::BigInt, false)?;
        if let ir::ExprKind::Constant(Value::Integer(count)) = limit.kind
            && count < 1
        {
            let message = format!("a limit of {count} takes no record at all");
            self.report(Diagnostic::new(Code::E0620, written.span, message).help("write how many records are taken at most: `limit 100`"));
            return None;
        }
        Some(limit)
    }

    /// The name of the record whose turn it is: the alias, or the entity's own.
    fn alias(&mut self, written: &ForEach, entity: Option<EntityId>) -> Option<ir::LocalId> {
        let name = written.alias.unwrap_or(written.entity);
        let Some(entity) = entity else {
            self.broken.insert(name.text.clone());
            return None;
        };
        let local = match (self.taken(name), written.alias) {
            (Some((what, _)), None) => {
                let message = format!("`{}` is already the name of {what}", name.text);
                let short: String = name.text.chars().take(1).collect();
                let help = format!("give the record another name: `for each {} {short} …`", name.text);
                self.report(Diagnostic::new(Code::E0606, name.span, message).help(help));
                None
            }
            _ => self.introduce(name, Type::Lookup([entity].into()), false),
        };
        if local.is_none() {
            self.broken.insert(name.text.clone());
        }
        local
    }

    /// Statements that run any number of times: at their beginning only that is known which every time leaves alone.
    fn repeated(&mut self, body: &ast::Block) -> ir::Block {
        if may_write(body) {
            self.facts.reread();
        }
        let before = self.facts.clone();
        self.loops += 1;
        let (body, ends) = self.block(body);
        self.loops -= 1;
        let after = std::mem::replace(&mut self.facts, before);
        if !ends {
            self.facts = self.facts.join(&after);
        }
        body
    }
}

/// Whether statements may change what was read before them.
fn may_write(block: &ast::Block) -> bool {
    use ast::StmtKind as S;
    block.statements.iter().any(|statement| match &statement.kind {
        S::Stop(_) | S::Finish(_) | S::Let { .. } | S::Log(_) => false,
        S::If { arms, otherwise } => arms.iter().any(|(_, body)| may_write(body)) || otherwise.as_ref().is_some_and(may_write),
        S::Match { arms, .. } => arms.iter().any(|arm| may_write(&arm.body)),
        S::ForEach { body, .. } | S::Step { body, .. } => may_write(body),
        _ => true,
    })
}
