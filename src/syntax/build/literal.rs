//! Numbers, dates and texts. Their form is checked by the tokens before; what is left to find here is a number
//! with too many digits and a text of several lines with a line that isn't indented.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use smol_str::{SmolStr, SmolStrBuilder};

use super::{Builder, Node, Rule};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{ExprKind, Number, TextLiteral, TextPart};
use crate::syntax::number::has_offset;
use crate::value::Decimal;

impl Builder<'_> {
    pub(super) fn number(&mut self, text: &str, span: Span) -> Option<Decimal> {
        let plain = text.replace('_', "");
        let value = Decimal::from_str_exact(&plain).ok();
        if value.is_none() {
            let message = "a number has at most 28 digits";
            self.problems.push(Diagnostic::new(Code::E0103, span, message));
        }
        value
    }

    pub(super) fn signed(&mut self, node: &Node) -> Option<Number> {
        let span = self.span(node);
        let value = self.number(node.as_str(), span)?;
        Some(Number { value, span })
    }

    pub(super) fn date(&mut self, node: &Node) -> Option<ExprKind> {
        let text = node.as_str();
        let kind = match node.as_rule() {
            Rule::date => text.parse::<Date>().ok().map(ExprKind::Date),
            _ if has_offset(text) => text.parse::<Timestamp>().ok().map(ExprKind::DateTime),
            _ => text.parse::<DateTime>().ok().map(ExprKind::LocalDateTime),
        };
        if kind.is_none() {
            let span = self.span(node);
            self.problems.push(Diagnostic::new(Code::E0104, span, format!("there is no day or time `{text}`")));
        }
        kind
    }

    /// A text and how high the highest expression in it is.
    pub(super) fn text(&mut self, node: Node) -> Option<(TextLiteral, usize)> {
        let span = self.span(&node);
        let (mut parts, mut height) = (Vec::new(), 0);
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::text_chunk => parts.push(TextPart::Text(unescape(part.as_str()))),
                Rule::block_text => return self.block_text(part, span),
                _ => {
                    let (expr, inner) = self.measured(part.into_inner().next()?)?;
                    height = height.max(inner);
                    parts.push(TextPart::Expr(expr));
                }
            }
        }
        Some((TextLiteral { parts, span }, height))
    }

    fn block_text(&mut self, node: Node, span: Span) -> Option<(TextLiteral, usize)> {
        let source = node.as_str();
        let last = source.strip_suffix("\"\"\"").and_then(|rest| rest.rsplit_once('\n')).map_or("", |(_, last)| last);
        let indent = if last.trim().is_empty() { last } else { "" };
        let (mut parts, mut height) = (Vec::new(), 0);
        let nodes: Vec<Node> = node.into_inner().collect();
        let count = nodes.len();
        for (index, part) in nodes.into_iter().enumerate() {
            if part.as_rule() == Rule::block_chunk {
                let (first, last) = (index == 0, index + 1 == count);
                let text = self.dedent(&part, indent, first, last)?;
                if !text.is_empty() {
                    parts.push(TextPart::Text(unescape(&text)));
                }
            } else {
                let (expr, inner) = self.measured(part.into_inner().next()?)?;
                height = height.max(inner);
                parts.push(TextPart::Expr(expr));
            }
        }
        Some((TextLiteral { parts, span }, height))
    }

    /// The text of a chunk without the indentation of its lines; the first chunk loses its line break, the last one its last.
    fn dedent(&mut self, part: &Node, indent: &str, first: bool, last: bool) -> Option<String> {
        let source = part.as_str().replace("\r\n", "\n");
        let mut lines: Vec<&str> = source.split('\n').collect();
        if last && lines.len() > 1 && lines.last().is_some_and(|line| line.trim().is_empty()) {
            lines.pop();
        }
        let mut text = String::with_capacity(source.len());
        for (index, line) in lines.into_iter().enumerate() {
            if index == 0 {
                // Behind the opening quotes there is nothing; behind an expression the line goes on.
                text.push_str(if first { "" } else { line });
                continue;
            }
            if !(first && index == 1) {
                text.push('\n');
            }
            match line.strip_prefix(indent) {
                Some(rest) => text.push_str(rest),
                None if line.trim().is_empty() => {}
                None => {
                    let span = self.span(part);
                    let message = "a line of this text is indented less than its closing quotes";
                    self.problems.push(
                        Diagnostic::new(Code::E0102, span, message).help("indent every line at least as far as the closing `\"\"\"`"),
                    );
                    return None;
                }
            }
        }
        Some(text)
    }
}

/// A text with its escapes read.
pub(super) fn unescape(text: &str) -> SmolStr {
    if !text.contains('\\') {
        return SmolStr::new(text);
    }
    let mut result = SmolStrBuilder::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        result.push_str(before);
        let mut chars = after.chars();
        match chars.next() {
            Some('n') => result.push('\n'),
            Some('t') => result.push('\t'),
            Some('u') => {
                let (digits, behind) = after.get(2..).and_then(|rest| rest.split_once('}')).unwrap_or_default();
                result.push(u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).unwrap_or('\u{fffd}'));
                chars = behind.chars();
            }
            Some(other) => result.push(other),
            None => {}
        }
        rest = chars.as_str();
    }
    result.push_str(rest);
    result.finish()
}
