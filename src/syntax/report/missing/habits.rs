//! What people bring from other languages, told in their own words, with a fix where it is safe: into statements and
//! expressions here, into declarations in `declarations`.

pub(super) mod declarations;

use super::super::short;
use super::Stop;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::Span;
use crate::syntax::build::{Entry, Expected};
use crate::syntax::keywords::OPERATORS;
use crate::syntax::token::Token;

/// A word or sign of another language.
fn foreign(span: Span, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::E0106, span, message).help(help)
}

impl Stop<'_> {
    /// What is said of a habit, where reading stopped because of one.
    pub(super) fn habit(&self) -> Option<Diagnostic> {
        let known = self.loops().or_else(|| self.operator_word()).or_else(|| self.operator_sign()).or_else(|| self.number());
        let known = known.or_else(|| self.method()).or_else(|| self.text_only()).or_else(|| self.set()).or_else(|| self.arm());
        let known = known.or_else(|| self.is_something()).or_else(|| self.values()).or_else(|| self.trigger());
        known.or_else(|| self.member()).or_else(|| self.head()).or_else(|| self.other())
    }

    fn before(&self, back: usize) -> &str {
        self.at.checked_sub(back).map(|index| self.view.word(index)).unwrap_or_default()
    }

    fn span_before(&self, back: usize) -> Span {
        self.view.span(self.at.saturating_sub(back))
    }

    /// From behind the token before another one to that one's end.
    fn with_blank(&self, index: usize) -> Span {
        let span = self.view.span(index);
        Span { start: index.checked_sub(1).map_or(span.start, |before| self.view.span(before).end), ..span }
    }

    fn touches_next(&self) -> bool {
        self.view.span(self.at).end == self.view.span(self.at + 1).start
    }

    /// `for (…)`, `for x in …`.
    fn loops(&self) -> Option<Diagnostic> {
        let (first, after) = (self.piece.start + 2, self.view.word(self.piece.start + 4));
        if self.starter() == "for" && self.word() == "in" && self.at == first + 1 && self.view.word(first - 1) == "each" {
            let (alias, whole) = (short(self.before(1)), self.view.span(first).to(self.view.span(self.at + 1)));
            let problem = foreign(
                self.view.span(self.at),
                "a loop names the entity first, then a name for its record",
                format!("write `for each {} {alias} {{ … }}`", short(after)),
            );
            let named = self.view.kind(self.at + 1) == Some(Token::Word);
            return Some(if named { problem.fix(whole, format!("{after} {}", self.before(1))) } else { problem });
        }
        (self.starter() == "for" && self.at == self.piece.start + 1).then(|| loop_abroad(self.view.span(self.piece.start)))
    }

    /// `AND`, `equals`, `greater than`, and operators that are misspelt.
    fn operator_word(&self) -> Option<Diagnostic> {
        if self.at > self.piece.start && matches!(self.before(1), "NOT" | "Not") {
            let span = self.span_before(1);
            return Some(foreign(span, "words of the language are written in small letters", "write `not`").fix(span, "not"));
        }
        if !self.wants(&Expected::Operator) || self.kind() != Some(Token::Word) || self.line_first() {
            return None;
        }
        let (word, span) = (self.word(), self.view.span(self.at));
        let lower = word.to_lowercase();
        if word != lower && OPERATORS.contains(&lower.as_str()) {
            let problem = foreign(span, "words of the language are written in small letters", format!("write `{lower}`"));
            return Some(problem.fix(span, lower));
        }
        let (sign, span) = match (lower.as_str(), self.view.word(self.at + 1)) {
            ("equals" | "eq" | "equal", next) => ("==", if next == "to" { span.to(self.view.span(self.at + 1)) } else { span }),
            ("ne" | "neq" | "unequal", _) => ("!=", span),
            ("gt", _) => (">", span),
            ("lt", _) => ("<", span),
            ("gte" | "ge", _) => (">=", span),
            ("lte" | "le", _) => ("<=", span),
            ("greater" | "more" | "larger" | "above", "than") => (">", span.to(self.view.span(self.at + 1))),
            ("less" | "smaller" | "fewer" | "below", "than") => ("<", span.to(self.view.span(self.at + 1))),
            ("mod", _) => ("%", span),
            ("xor", _) => return Some(foreign(span, "there is no `xor`", "of two conditions, `a != b` is true where one of them holds")),
            _ => {
                let meant = nearest(word, OPERATORS.iter().copied().filter(|operator| operator.len() > 2 || word.len() > 2))?;
                let ends_soon = self.at + 1 >= self.piece.end || meant == "with";
                let problem = Diagnostic::new(Code::E0101, span, format!("`{}` can't stand here", short(word)));
                return (!ends_soon).then(|| problem.help(format!("did you mean `{meant}`?")).fix(span, meant));
            }
        };
        Some(foreign(span, format!("`{}` is written `{sign}` here", short(word)), format!("write `{sign}`")).fix(span, sign))
    }

    /// `=>`, `=<`, `++`, `? :` and a percent sign.
    fn operator_sign(&self) -> Option<Diagnostic> {
        let (span, next) = (self.view.span(self.at), self.view.word(self.at + 1));
        let both = span.to(self.view.span(self.at + 1));
        let value = self.wants(&Expected::Operator);
        match (self.word(), next) {
            ("=>", _) if value && self.starter() != "match" => {
                Some(foreign(span, "`=>` is written `>=` here", "write `>=`").fix(span, ">="))
            }
            ("=", "<") if value && self.touches_next() => Some(foreign(span, "`=<` is written `<=` here", "write `<=`").fix(both, "<=")),
            ("+", "+") | ("-", "-") if self.wants(&Expected::Assign) && self.touches_next() => {
                let sign = self.word();
                let write = format!("{sign}= 1");
                Some(
                    foreign(span, format!("`{sign}{sign}` is written `{write}` here"), format!("write `{write}`"))
                        .fix(both, format!(" {write}")),
                )
            }
            ("-", "-") if self.line_first() && self.touches_next() => {
                Some(foreign(span, "a comment starts with `//`", "write `//`").fix(both, "//"))
            }
            ("?", _) if value => {
                let help = "write `if … { … } else { … }` with a statement in each branch; where it is about emptiness, `a ?? b`";
                Some(foreign(span, "no value is chosen with `? :`", help))
            }
            _ if self.before(1) == "%" && self.wants(&Expected::Value) && (self.at_end() || self.line_first()) => {
                let help = "for 5 percent of something, multiply with `0.05`";
                Some(foreign(self.span_before(1), "`%` is what a division of whole numbers leaves over, not percent", help))
            }
            _ => None,
        }
    }

    /// `1,000`
    fn number(&self) -> Option<Diagnostic> {
        let comma = if self.word() == "," { self.at } else { self.at.checked_sub(1)? };
        let whole = comma.checked_sub(1)?;
        let number = |index: usize| self.view.kind(index) == Some(Token::Number);
        let (first, rest) = (self.view.span(whole), self.view.span(comma + 1));
        let thousands = self.view.word(comma + 1).split('.').next().is_some_and(|digits| digits.len() == 3);
        if self.entry == Entry::Member
            || self.view.word(comma) != ","
            || !number(whole)
            || !number(comma + 1)
            || !thousands
            || first.end + 1 != rest.start
        {
            return None;
        }
        let good = format!("{}_{}", self.view.word(whole), self.view.word(comma + 1));
        let problem = Diagnostic::new(Code::E0103, first.to(rest), "no comma stands in a number");
        Some(problem.help(format!("write `{good}`")).fix(first.to(rest), good))
    }

    /// `name.startswith("A")`
    fn method(&self) -> Option<Diagnostic> {
        if self.word() != "(" || self.before(2) != "." {
            return None;
        }
        let (word, value) = (self.before(1), short(self.before(3)));
        let help = match word.to_lowercase().as_str() {
            "contains" | "includes" => format!("write it between the two: `{value} contains \"word\"`"),
            "startswith" | "starts" => format!("write it between the two: `{value} starts with \"A\"`"),
            "endswith" | "ends" => format!("write it between the two: `{value} ends with \"Z\"`"),
            "isempty" | "isnull" | "isblank" => format!("write `{value} is empty`"),
            "length" | "len" | "size" | "count" => format!("write `length({value})`"),
            "toupper" | "upper" | "touppercase" => format!("write `upper({value})`"),
            "tolower" | "lower" | "tolowercase" => format!("write `lower({value})`"),
            "trim" => format!("write `trim({value})`"),
            "equals" => format!("write `{value} == …`"),
            "tostring" => format!("write `text({value})`, or put it into a text: `\"{{{value}}}\"`"),
            "adddays" => format!("add a duration: `{value} + 3 days`"),
            _ => format!("a function stands before its value: `length({value})`"),
        };
        Some(foreign(self.span_before(1), "a value has no functions of its own", help))
    }

    /// `stop("reason")` and `log name`: these take a text as it stands.
    fn text_only(&self) -> Option<Diagnostic> {
        let (starter, span) = (self.starter(), self.view.span(self.at));
        if !matches!(starter, "stop" | "log" | "finish" | "step") || self.at != self.piece.start + 1 {
            return None;
        }
        if self.word() == "(" && self.view.kind(self.at + 1) == Some(Token::TextOpen) {
            let close = self.view.get(self.at).and_then(|open| open.partner)? as usize;
            let problem = foreign(span, format!("no parentheses stand around the text of `{starter}`"), format!("write `{starter} \"…\"`"));
            return Some(problem.fix(self.with_blank(self.at), " ").fix(self.view.span(close), ""));
        }
        if self.kind() != Some(Token::Word) || self.line_first() {
            return None;
        }
        let path = (self.at..self.piece.end).take_while(|index| {
            let dot = (*index - self.at) % 2 == 1;
            self.view.kind(*index) == Some(if dot { Token::Dot } else { Token::Word })
        });
        let last = path.last()?;
        let whole = self.view.range(self.at, last + 1);
        let text = self.view.text.get(whole.range()).unwrap_or_default();
        let problem =
            foreign(span, format!("`{starter}` takes a text"), format!("put the value into one: `{starter} \"{{{}}}\"`", short(text)));
        Some(if last + 1 == self.piece.end { problem.fix(whole, format!("\"{{{text}}}\"")) } else { problem })
    }

    /// `set a to 1`, `set this.a = 1`, `set a = 1 and b = 2`.
    fn set(&self) -> Option<Diagnostic> {
        if self.starter() != "set" {
            return None;
        }
        let span = self.view.span(self.at);
        if self.word() == "to" && self.wants(&Expected::Assign) {
            return Some(foreign(span, "a value is given with `=`", "write `=`").fix(span, "="));
        }
        if self.word() == "=" && self.before(2) == "and" {
            let problem = foreign(self.span_before(2), "between the fields of a `set` stands `,`", "write `,`");
            return Some(problem.fix(self.with_blank(self.at - 2), ","));
        }
        if self.word() != "." || self.at != self.piece.start + 2 {
            return None;
        }
        let (first, field, place) = (self.before(1), self.view.word(self.at + 1), self.span_before(1));
        if is_this(first) {
            let problem =
                foreign(place, "a field of the flow's own record is written by its bare name", format!("write `set {} = …`", short(field)));
            return Some(problem.fix(place.to(span), ""));
        }
        let problem = Diagnostic::new(Code::E0101, place, "`set` writes fields of the flow's own record only");
        Some(problem.help(format!("to write another record: `update {} {{ {} = … }}`", short(first), short(field))))
    }

    /// `case x:`, `1..5 =>`, `> 5 =>` in a `match`.
    fn arm(&self) -> Option<Diagnostic> {
        if self.starter() != "match" {
            return None;
        }
        let (span, arrow) = (self.view.span(self.at), self.wants(&Expected::Keyword("=>".to_owned())));
        match self.word() {
            _ if self.before(1) == "case" && arrow => {
                let case = self.span_before(1);
                let problem = foreign(case, "an arm starts with its value", "take the `case` out");
                Some(problem.fix(Span { end: span.start, ..case }, ""))
            }
            ":" if arrow => Some(foreign(span, "behind the values of an arm stands `=>`", "write `=>`").fix(span, " =>")),
            ".." if arrow => Some(foreign(span, "an arm takes single values, no ranges", "write `if x between 1 and 5 { … } else if …`")),
            "if" | "when" if arrow => Some(foreign(span, "an arm has no condition", "write `if … {} else if … {}`")),
            "-" if arrow && self.view.word(self.at + 1) == ">" => {
                Some(foreign(span, "`->` is written `=>` here", "write `=>`").fix(span.to(self.view.span(self.at + 1)), "=>"))
            }
            _ if self.kind() == Some(Token::Operator) && matches!(self.before(1), "{" | "}") => {
                let problem = Diagnostic::new(Code::E0101, span, "an arm starts with a value, not with a comparison");
                Some(problem.help("write `if … {} else if … {}` to compare"))
            }
            _ => None,
        }
    }

    /// `is null`, `is not 5`, `is emtpy`.
    fn is_something(&self) -> Option<Diagnostic> {
        let (back, sign) = match (self.before(1), self.before(2)) {
            ("is", _) => (1, "=="),
            ("not", "is") => (2, "!="),
            _ => return None,
        };
        let (word, span) = (self.word(), self.view.span(self.at));
        if self.at_end() || self.line_first() || self.kind() == Some(Token::BraceOpen) {
            return None;
        }
        if matches!(word.to_lowercase().as_str(), "null" | "nil" | "blank" | "none" | "missing" | "undefined" | "empty") {
            return Some(foreign(span, format!("`{word}` is written `empty` here"), "write `empty`").fix(span, "empty"));
        }
        if nearest(word, ["empty"]).is_some() {
            return Some(
                Diagnostic::new(Code::E0101, span, format!("`{}` can't stand here", short(word)))
                    .help("did you mean `empty`?")
                    .fix(span, "empty"),
            );
        }
        let is = self.span_before(back);
        let problem = foreign(is, "`is` asks for `empty` only", format!("to compare, write `{sign}`"));
        Some(problem.fix(is.to(self.span_before(1)), sign))
    }

    /// `update x set a = 1`, `create x with {…}`, `create x(a = 1)`.
    fn values(&self) -> Option<Diagnostic> {
        let activity =
            matches!(self.starter(), "create" | "update") || (self.starter() == "let" && self.view.word(self.piece.start + 3) == "create");
        if !activity || !self.wants(&Expected::Brace) {
            return None;
        }
        let (span, word) = (self.view.span(self.at), self.view.word(self.at));
        let example = "write the fields in braces: `{ name = \"…\" }`";
        match word {
            "set" | "with" if self.view.get(self.at).is_some_and(|token| !token.line_first) => {
                let problem = foreign(span, format!("no `{word}` stands before the fields"), example);
                let next = self.view.kind(self.at + 1) == Some(Token::BraceOpen);
                Some(if next { problem.fix(self.with_blank(self.at), "") } else { problem })
            }
            "(" => {
                let close = self.view.get(self.at).and_then(|open| open.partner)? as usize;
                let problem = foreign(span, "the fields of a record stand in braces", example);
                Some(problem.fix(span, " { ").fix(self.view.span(close), " }"))
            }
            _ => None,
        }
    }

    /// An `else` that is misspelt, or that no `if` is before.
    fn other(&self) -> Option<Diagnostic> {
        let span = self.view.span(self.at);
        if self.wants(&Expected::Keyword("else".to_owned()))
            && self.kind() == Some(Token::Word)
            && !self.word().starts_with("els")
            && nearest(self.word(), ["else"]).is_some()
        {
            let problem = Diagnostic::new(Code::E0101, span, format!("`{}` can't stand here", short(self.word())));
            return Some(problem.help("did you mean `else`?").fix(span, "else"));
        }
        (self.word() == "else" && self.entry == Entry::Statement && self.at > self.piece.start).then(|| {
            let problem = Diagnostic::new(Code::E0101, span, "this `else` belongs to no `if`");
            problem.help("an `else` stands right behind the `}` of an `if`, or of an `else if`")
        })
    }
}

/// A loop as other languages write it.
pub(in crate::syntax::report) fn loop_abroad(span: Span) -> Diagnostic {
    let help = "over records it is `for each contact c where account == this { … }`; there is no other loop";
    foreign(span, "a loop goes over the records of an entity, with `for each`", help)
}

/// What other languages call the record that a rule is about.
pub(in crate::syntax::report) fn is_this(word: &str) -> bool {
    matches!(word, "this" | "current" | "self" | "me" | "record" | "target" | "new" | "entity" | "Target" | "Me")
}

/// Whether a word is an event of a record.
pub(in crate::syntax) fn is_event(word: &str) -> bool {
    matches!(word, "create" | "update" | "delete" | "assign" | "status" | "insert" | "save")
}
