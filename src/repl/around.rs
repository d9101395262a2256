//! Which bracket is open before a cursor, and what it is about: what `place.rs` goes by.

use super::place::{Before, Owner, of_type};
use crate::check::{QUERIES, SOMETIMES_QUERIES};
use crate::syntax::Token;
use crate::value::EntityId;

/// A bracket that is open.
pub(super) struct Around {
    pub open: usize,
    pub kind: Inside,
    pub entity: Option<EntityId>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Inside {
    /// A list of fields with values.
    Values,
    /// The fields of an `update(…)` trigger.
    Updated,
    /// `count(…)`
    Query,
    /// The body of a flow, or a block in it.
    Flow,
    Other,
}

impl Before<'_> {
    /// The innermost bracket that is open, and what it is about.
    pub(super) fn around(&self) -> Option<Around> {
        let mut open: Vec<usize> = Vec::new();
        for (index, one) in self.seen.iter().enumerate() {
            match one.token {
                Token::BraceOpen | Token::ParenOpen | Token::BracketOpen => open.push(index),
                Token::BraceClose | Token::ParenClose | Token::BracketClose => drop(open.pop()),
                _ => {}
            }
        }
        let innermost = open.last().copied()?;
        let flow = open.iter().rev().find_map(|at| self.flow_before(*at));
        let around = |kind, entity| Some(Around { open: innermost, kind, entity });
        match self.kind(innermost + 1, 1) {
            Some(Token::ParenOpen) if QUERIES.iter().chain(&SOMETIMES_QUERIES).any(|query| *query == self.word(innermost, 1)) => {
                let named = self.seen.get(innermost + 1).and_then(|one| self.entity(one.text)).map(|(id, _)| id);
                around(Inside::Query, named)
            }
            Some(Token::ParenOpen) if self.word(innermost, 1) == "update" => around(Inside::Updated, flow.flatten()),
            Some(Token::BraceOpen) => match self.values_before(innermost, flow.flatten()) {
                Some(entity) => around(Inside::Values, Some(entity)),
                None if flow.is_some() => around(Inside::Flow, flow.flatten()),
                None => around(Inside::Other, None),
            },
            _ => around(Inside::Other, flow.flatten()),
        }
    }

    /// The entity of a flow whose brace this is; the outer one is none where the brace is another's.
    fn flow_before(&self, brace: usize) -> Option<Option<EntityId>> {
        let on = self.word(brace, 2) == "on" && self.kind(brace + 1, 1) == Some(Token::BraceOpen);
        let head = (3..8).any(|back| matches!(self.word(brace, back), "flow" | "action" | "plugin"));
        (on && head).then(|| self.entity(self.word(brace, 1)).map(|(id, _)| id))
    }

    /// The entity whose fields are listed behind a brace.
    fn values_before(&self, brace: usize, flow: Option<EntityId>) -> Option<EntityId> {
        if matches!(self.word(brace, 2), "create" | "upsert") {
            return self.entity(self.word(brace, 1)).map(|(id, _)| id);
        }
        let mut start = brace;
        while self.kind(start, 2) == Some(Token::Dot) {
            start = start.checked_sub(2)?;
        }
        if self.word(start, 2) != "update" {
            return None;
        }
        let name = self.word(brace, 1);
        let ty = if start == brace {
            self.named(name, flow)
        } else {
            match self.owner(brace - 2, flow) {
                Owner::Record(entity) => self.field(entity, name),
                _ => None,
            }
        };
        match ty.as_ref().map(of_type) {
            Some(Owner::Record(entity)) => Some(entity),
            _ => None,
        }
    }

    /// The fields that are in a list already.
    pub(super) fn fields_in(&self, open: usize) -> Vec<String> {
        let inside = self.seen.get(open..).unwrap_or_default();
        let pairs = inside.iter().zip(inside.iter().skip(1));
        pairs.filter(|(_, next)| next.token == Token::Assign).map(|(name, _)| name.text.to_owned()).collect()
    }
}
