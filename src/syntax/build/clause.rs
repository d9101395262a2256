//! Clauses and types.

use super::{Builder, Node, Rule, next, parts, take};
use crate::syntax::ast::{Clause, ClauseKind, Name, Number, Trigger, TypeExpr, TypeKind};
use smol_str::SmolStr;

impl Builder<'_> {
    pub(super) fn clause(&mut self, node: Node) -> Option<Clause> {
        let span = self.span(&node);
        let rule = node.as_rule();
        let mut inner = node.into_inner();
        let kind = match rule {
            Rule::log_errors_clause => ClauseKind::LogErrors,
            Rule::serial_clause => ClauseKind::Serial(next(&mut inner).map(|node| self.name(&node))),
            Rule::allow_cycle_clause => ClauseKind::AllowCycle,
            Rule::draft_clause => ClauseKind::Draft,
            Rule::effects_unknown_clause => ClauseKind::EffectsUnknown,
            Rule::trigger_clause => {
                let mut events = Vec::new();
                while let Some(event) = take(&mut inner, Rule::event) {
                    events.push(self.trigger(event)?);
                }
                ClauseKind::Trigger(events)
            }
            Rule::effects_clause => {
                let word = self.name(&next(&mut inner)?);
                let mut names = Vec::new();
                while let Some(name) = next(&mut inner) {
                    names.push(self.name(&name));
                }
                ClauseKind::Effects(word, names)
            }
            Rule::via_clause => {
                let word = self.name(&next(&mut inner)?);
                ClauseKind::Via(word, next(&mut inner).map(|node| self.name(&node)))
            }
            Rule::rank_clause => ClauseKind::Rank(self.signed(&next(&mut inner)?)?),
            Rule::when_clause => ClauseKind::When(self.expr(next(&mut inner)?)?),
            Rule::input_clause => ClauseKind::Input(self.field(next(&mut inner)?)?),
            Rule::output_clause => ClauseKind::Output(self.field(next(&mut inner)?)?),
            _ => word_clause(rule, self.name(&next(&mut inner)?)),
        };
        Some(Clause { kind, span })
    }

    fn trigger(&mut self, node: Node) -> Option<Trigger> {
        let span = self.span(&node);
        let mut inner = node.into_inner();
        let event = self.name(&next(&mut inner)?);
        let fields = take(&mut inner, Rule::field_list).map(|list| parts(list).map(|name| self.name(&name)).collect());
        let stage = next(&mut inner).map(|node| self.name(&node));
        Some(Trigger { event, fields, stage, span })
    }

    pub(super) fn type_expr(&mut self, node: Node) -> Option<TypeExpr> {
        let span = self.span(&node);
        let node = node.into_inner().next()?;
        let rule = node.as_rule();
        if rule == Rule::type_word {
            return Some(TypeExpr { kind: TypeKind::Word(SmolStr::new(node.as_str())), span });
        }
        if rule == Rule::datetime_type {
            let local = node.into_inner().any(|part| part.as_rule() == Rule::kw_local);
            return Some(TypeExpr { kind: TypeKind::DateTime { local }, span });
        }
        if rule == Rule::lookup_type {
            return Some(TypeExpr { kind: TypeKind::Lookup(parts(node).map(|name| self.name(&name)).collect()), span });
        }
        let mut inner = node.into_inner();
        let word = next(&mut inner)?;
        let kind = match (rule, word.as_str()) {
            (Rule::choice_type, word) => self.choice_type(word == "choices", next(&mut inner)?),
            (Rule::integer_type, word) => {
                let low = self.bound(take(&mut inner, Rule::low))?;
                let high = self.bound(take(&mut inner, Rule::high))?;
                TypeKind::Integer { big: word == "bigint", low, high }
            }
            (_, word) => {
                let size = match next(&mut inner) {
                    Some(node) => Some(self.signed(&node)?),
                    None => None,
                };
                match word {
                    "decimal" => TypeKind::Decimal(size),
                    "money" => TypeKind::Money(size),
                    "text" => TypeKind::Text(size),
                    _ => TypeKind::Memo(size),
                }
            }
        };
        Some(TypeExpr { kind, span })
    }

    fn choice_type(&mut self, many: bool, node: Node) -> TypeKind {
        if node.as_rule() == Rule::options {
            TypeKind::InlineChoice { many, options: self.options(node) }
        } else {
            TypeKind::Choice { many, name: self.name(&node) }
        }
    }

    /// A side of a range, which may be missing; `None` where its number can't be held.
    fn bound(&mut self, node: Option<Node>) -> Option<Option<Number>> {
        match node {
            Some(node) => Some(Some(self.signed(&node.into_inner().next()?)?)),
            None => Some(None),
        }
    }
}

fn word_clause(rule: Rule, word: Name) -> ClauseKind {
    match rule {
        Rule::mode_clause => ClauseKind::Mode(word),
        Rule::stage_clause => ClauseKind::Stage(word),
        Rule::run_as_clause => ClauseKind::RunAs(word),
        Rule::owner_clause => ClauseKind::Owner(word),
        Rule::scope_clause => ClauseKind::Scope(word),
        _ => ClauseKind::Rollback(word),
    }
}
