//! Habits in the heads, clauses and fields of declarations.

use super::super::super::short;
use super::super::Stop;
use super::{foreign, is_event};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::Span;
use crate::syntax::build::{Entry, Expected};
use crate::syntax::keywords::{TYPES, type_meant};
use crate::syntax::token::Token;

impl Stop<'_> {
    /// `trigger on create`, `trigger update name`, `trigger create or delete`.
    pub(super) fn trigger(&self) -> Option<Diagnostic> {
        if self.starter() == "when" && self.at == self.piece.start + 1 && is_event(self.word()) {
            return Some(event_abroad(self.starter(), self.word(), self.span_before(1)));
        }
        if self.starter() != "trigger" || self.at_end() || self.at < self.piece.start + 2 {
            return None;
        }
        let (before, span) = (self.before(1), self.view.span(self.at));
        match (before, self.word()) {
            ("on" | "after" | "before" | "when", word) if is_event(word) => {
                let help = match before {
                    "before" => "take `before` out; `stage pre-operation` runs the flow before the record is written",
                    "after" => "take `after` out; `stage post-operation` runs the flow after the record is written",
                    _ => "take it out",
                };
                let problem = foreign(self.span_before(1), "an event stands by itself", help);
                Some(problem.fix(Span { end: span.start, ..self.span_before(1) }, ""))
            }
            (_, word @ ("or" | "and")) => {
                let problem = foreign(span, format!("between events stands `,`, not `{word}`"), "write `,`");
                Some(problem.fix(self.with_blank(self.at), ","))
            }
            ("update", "of" | "on") => Some(foreign(span, "the fields of an update stand in parentheses", "write `update(name)`")),
            ("update", field) if self.kind() == Some(Token::Word) && !is_event(field) => {
                let problem = foreign(span, "the fields of an update stand in parentheses", format!("write `update({})`", short(field)));
                Some(problem.fix(self.with_blank(self.at), format!("({field})")))
            }
            (_, word) if is_event(word) => {
                let before = self.span_before(1).end_point();
                let message = format!("`,` is missing after {}", self.named(self.at - 1));
                Some(Diagnostic::new(Code::E0101, before, message).fix(before, ","))
            }
            _ => None,
        }
    }

    /// `name: text`, `name text(10),`, `name text not null`, `varchar(10)`, `"hot" = 1`.
    pub(super) fn member(&self) -> Option<Diagnostic> {
        let (word, span, second) = (self.word(), self.view.span(self.at), self.at == self.piece.start + 2);
        let options = matches!(self.before(1), "{" | ",") && self.kind() == Some(Token::TextOpen);
        if options && (self.entry == Entry::Member || self.starter() == "choice") {
            let problem = foreign(span, "an option is a bare name with a code", "write `hot = 1`, or `hot = 1 \"Very hot\"` with a label");
            let (inner, close) = (self.view.word(self.at + 1), self.view.span(self.at + 2));
            let name = inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            return Some(if name { problem.fix(span.to(close), inner) } else { problem });
        }
        if self.entry != Entry::Member || self.at_end() {
            return None;
        }
        match word {
            "(" if second => {
                let ty = self.before(1);
                if let "lookup" | "choice" | "choices" = ty {
                    return Some(foreign(span, format!("no type is written `{ty}(…)`"), format!("write `{ty} name`, without parentheses")));
                }
                let problem = Diagnostic::new(Code::E0204, self.span_before(1), format!("there is no type `{}(…)`", short(ty)));
                Some(match type_meant(ty) {
                    Some(meant) if matches!(meant, "text" | "memo" | "decimal" | "money" | "integer") => {
                        let problem = problem.help(format!("it is called `{meant}` here"));
                        let alone = self.view.after(self.at) == self.at + 3 && matches!(meant, "text" | "memo");
                        if alone { problem.fix(self.span_before(1), meant) } else { problem }
                    }
                    Some(meant) => problem.help(format!("it is called `{meant}` here, without parentheses")),
                    None => {
                        problem.help("those with parentheses are `text(100)`, `memo(2000)`, `integer(0..100)`, `decimal(2)` and `money(4)`")
                    }
                })
            }
            _ if !second && self.is_inside() => None,
            ":" if self.at == self.piece.start + 1 => {
                Some(foreign(span, "no sign stands between a field and its type", "take it out").fix(span, ""))
            }
            "," => Some(foreign(span, "no sign stands between fields", "take it out").fix(span, "")),
            "?" => Some(foreign(span, "a field may be empty unless it is `required`", "take the `?` out").fix(span, "")),
            "[" => Some(foreign(span, "options stand in braces", "write `choice { hot = 1, cold = 2 }`")),
            _ if self.kind() == Some(Token::Word)
                && !self.line_first()
                && self.at > self.piece.start + 1
                && !TYPES.contains(&word)
                && !self.has_default() =>
            {
                self.modifier(word, span)
            }
            _ => None,
        }
    }

    fn has_default(&self) -> bool {
        (self.piece.start..self.at).any(|index| self.view.kind(index) == Some(Token::Assign))
    }

    /// Whether something that was opened in the piece isn't closed yet, or the piece is no field.
    fn is_inside(&self) -> bool {
        let depth = (self.piece.start..self.at).filter(|index| self.view.after(*index) > self.at).count();
        depth > 0
            || matches!(self.starter(), "key" | "status")
            || (self.starter() == "on" && self.view.word(self.piece.start + 1) == "delete")
    }

    /// A word behind the type of a field.
    fn modifier(&self, word: &str, span: Span) -> Option<Diagnostic> {
        let problem = Diagnostic::new(Code::E0213, span, format!("a field can't be `{}`", short(word)));
        let removed = self.with_blank(self.at);
        Some(match word.to_lowercase().as_str() {
            "nullable" | "optional" | "null" => {
                problem.help("a field may be empty unless it is `required`; take the word out").fix(removed, "")
            }
            "mandatory" | "notnull" | "needed" => problem.help("it is called `required` here").fix(span, "required"),
            "unique" => problem.help(format!("write `key ({})` on a line of its own", short(self.starter()))),
            "indexed" | "index" => problem.help("stores index what they need by themselves; take the word out").fix(removed, ""),
            "default" => {
                foreign(span, "a default stands behind `=`", format!("write `= {}`", short(self.view.word(self.at + 1)))).fix(span, "=")
            }
            "not" if self.view.word(self.at + 1) == "null" => foreign(span, "`not null` is written `required` here", "write `required`")
                .fix(span.to(self.view.span(self.at + 1)), "required"),
            "audit" => {
                let next = self.view.word(self.at + 1);
                let whole = if matches!(next, "on" | "off") { span.to(self.view.span(self.at + 1)) } else { span };
                let meant = if next == "off" { "unaudited" } else { "audited" };
                problem.help(format!("behind a type it is called `{meant}`")).fix(whole, meant)
            }
            _ => match nearest(word, ["required", "primary", "audited", "unaudited"]) {
                Some(meant) => problem.help(format!("did you mean `{meant}`?")).fix(span, meant),
                None => problem.help("behind the type stand `required`, `primary`, `audited`, `unaudited`, or `=` and a default"),
            },
        })
    }

    /// `flow Review for account`, `flow Review()`.
    pub(super) fn head(&self) -> Option<Diagnostic> {
        if self.entry != Entry::Head || !self.wants(&Expected::Keyword("on".to_owned())) {
            return None;
        }
        let span = self.view.span(self.at);
        match self.word() {
            word @ ("for" | "of" | "in" | "over" | "to" | ":") => {
                let message = format!("the entity of a flow stands behind `on`, not behind `{word}`");
                Some(foreign(span, message, "write `on`").fix(span, if word == ":" { " on" } else { "on" }))
            }
            "(" => {
                let problem =
                    foreign(span, "a flow has no list of parameters", "take the parentheses out; an `input` is a clause of its own");
                let close = self.view.get(self.at).and_then(|open| open.partner)? as usize;
                Some(if close == self.at + 1 { problem.fix(span.to(self.view.span(close)), "") } else { problem })
            }
            _ => None,
        }
    }
}

/// `on create`, `before update`: an event without its `trigger`.
pub(in crate::syntax::report) fn event_abroad(word: &str, event: &str, span: Span) -> Diagnostic {
    let help = match word {
        "before" => format!("write `trigger {event}`, and `stage pre-operation` on a line of its own"),
        "after" => format!("write `trigger {event}`; `stage post-operation` is the default"),
        _ => format!("write `trigger {event}`"),
    };
    foreign(span, "what starts a flow stands behind `trigger`", help).fix(span, "trigger")
}
