//! What the grammar wants where it can't go on, said as a person would: what is missing and after what, or what
//! can't stand here.

mod habits;

pub(super) use habits::declarations::event_abroad;
pub(in crate::syntax) use habits::is_event;
pub(super) use habits::{is_this, loop_abroad};

use std::ops::Range;

use super::{bare_write, either, short, unknown};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::build::{Entry, Expected};
use crate::syntax::keywords::{CLAUSES, OPERATORS, STATEMENTS, is_reserved};
use crate::syntax::token::Token;
use crate::syntax::view::View;

/// Why a piece can't be read: reading stopped before the token `at`, which is the end of the piece where all of it was read.
pub(in crate::syntax) fn failure(view: &View, piece: Range<usize>, at: usize, expected: &[Expected], entry: Entry) -> Diagnostic {
    let stop = Stop { view, piece, at, expected, entry };
    let known = stop
        .comma()
        .or_else(|| stop.not_inside())
        .or_else(|| stop.habit())
        .or_else(|| stop.foreign_word())
        .or_else(|| stop.start())
        .or_else(|| stop.equals())
        .or_else(|| stop.reserved());
    let known = known.or_else(|| stop.foreign_path()).or_else(|| stop.used_elsewhere());
    known.or_else(|| stop.holes()).unwrap_or_else(|| stop.general())
}

struct Stop<'a> {
    view: &'a View<'a>,
    piece: Range<usize>,
    at: usize,
    expected: &'a [Expected],
    entry: Entry,
}

impl Stop<'_> {
    fn wants(&self, kind: &Expected) -> bool {
        self.expected.contains(kind)
    }

    fn at_end(&self) -> bool {
        self.at >= self.piece.end
    }

    fn word(&self) -> &str {
        if self.at_end() { "" } else { self.view.word(self.at) }
    }

    fn kind(&self) -> Option<Token> {
        if self.at_end() { None } else { self.view.kind(self.at) }
    }

    fn line_first(&self) -> bool {
        self.view.get(self.at).is_none_or(|token| token.line_first)
    }

    fn starter(&self) -> &str {
        self.view.word(self.piece.start)
    }

    /// `x not in (…)`, wherever a condition stands.
    fn not_inside(&self) -> Option<Diagnostic> {
        let inside = self.word() == "not" && self.wants(&Expected::Operator);
        inside.then(|| {
            Diagnostic::new(Code::E0101, self.view.span(self.at), "`not` can't stand here")
                .help("put `not` before the whole condition: `not x in (1, 2)`")
        })
    }

    fn foreign_word(&self) -> Option<Diagnostic> {
        let span = self.view.span(self.at);
        let meant = match self.word() {
            word @ ("elseif" | "elif" | "elsif") => {
                return Some(
                    Diagnostic::new(Code::E0106, span, format!("`{word}` is written `else if`"))
                        .help("write `else if`")
                        .fix(span, "else if"),
                );
            }
            "foreach" => return Some(loop_abroad(span).fix(span, "for each")),
            word @ ("then" | "do" | "begin") => {
                let problem = Diagnostic::new(Code::E0106, span, format!("`{word}` isn't needed: what follows stands in braces"));
                let braces = self.view.kind(self.at + 1) == Some(Token::BraceOpen);
                let problem = problem.help(if braces { "take it out" } else { "write `{` here, and `}` where the block ends" });
                let needed = self.at == self.piece.start || self.wants(&Expected::Brace) || self.wants(&Expected::Operator);
                return needed.then(|| problem.fix(span, if braces { "" } else { "{" }));
            }
            "unless" => ("`unless` is written `if not`", "write `if not (…) { … }`"),
            "while" => return Some(loop_abroad(span)),
            "return" => ("there is no `return`", "a flow ends with `finish`; `stop \"…\"` ends it and takes the whole operation back"),
            _ => return None,
        };
        let starts = self.at == self.piece.start || self.wants(&Expected::Brace) || self.wants(&Expected::Operator);
        let (message, help) = meant;
        starts.then(|| Diagnostic::new(Code::E0106, span, message).help(help))
    }

    /// The next line is a write without its `set`, and the lines before are complete.
    fn foreign_path(&self) -> Option<Diagnostic> {
        let ended = self.wants(&Expected::End) && self.line_first() && !self.at_end() && self.kind() == Some(Token::Word);
        (ended && matches!(self.entry, Entry::Statement | Entry::Clause)).then(|| bare_write(self.view, self.at))?
    }

    /// Signs and words of other languages inside of a statement.
    fn used_elsewhere(&self) -> Option<Diagnostic> {
        let span = self.view.span(self.at);
        let before = self.at.checked_sub(1).map(|before| self.view.word(before)).unwrap_or_default();
        let next = self.view.word(self.at + 1);
        let problem = |span: Span, message: &str, help: &str| Some(Diagnostic::new(Code::E0106, span, message).help(help));
        match (before, self.word()) {
            ("in", "[") => problem(span, "a list stands in parentheses", "write `in (1, 2)`"),
            (_, "in") if next == "[" => problem(self.view.span(self.at + 1), "a list stands in parentheses", "write `in (1, 2)`"),
            (_, "like") if self.wants(&Expected::Operator) => {
                problem(span, "there is no `like`", "write `contains`, `starts with` or `ends with`, and the text without `%`")
            }
            ("/", "*") => problem(span, "a comment starts with `//`", "write `//` before each of its lines"),
            (_, "/") if next == "*" => problem(span, "a comment starts with `//`", "write `//` before each of its lines"),
            (_, ":") if self.starter() == "let" && self.wants(&Expected::Assign) => {
                let problem = problem(span, "a `let` has no type of its own", "take it out; the type is that of the value");
                let removed = span.to(self.view.span(self.at + 1));
                let whole = self.view.kind(self.at + 2) == Some(Token::Assign);
                problem.map(|problem| if whole { problem.fix(removed, "") } else { problem })
            }
            (_, ":") if self.wants(&Expected::Assign) => {
                problem(span, "a value is given with `=`", "write `=`").map(|problem| problem.fix(span, " ="))
            }
            ("trigger" | "stage" | "mode" | "rank" | "when", ":" | "=") => {
                problem(span, &format!("no sign stands behind `{before}`"), "take it out").map(|problem| problem.fix(span, ""))
            }
            _ => None,
        }
    }

    /// The first word of the piece already is the wrong one.
    fn start(&self) -> Option<Diagnostic> {
        if self.at != self.piece.start {
            return None;
        }
        let statement = matches!(self.entry, Entry::Statement | Entry::Clause);
        if self.kind() == Some(Token::Word) && !is_reserved(self.word()) && self.entry != Entry::Member {
            let words: &[&str] = if statement { STATEMENTS } else { &["privilege"] };
            let clauses = if statement { CLAUSES } else { &[] };
            let what = if statement { "statement" } else { "line of a role" };
            return Some(unknown(self.view, self.at, what, words.iter().chain(clauses).copied()));
        }
        if let Some(problem) = bare_write(self.view, self.at).filter(|_| statement) {
            return Some(problem);
        }
        statement.then(|| {
            let message = format!("`{}` starts no statement", short(self.word()));
            let help = "a statement starts with a word such as `set`, `if` or `stop`";
            Diagnostic::new(Code::E0109, self.view.span(self.at), message).help(help)
        })
    }

    /// `=` where `==` is meant, and the other way round.
    fn equals(&self) -> Option<Diagnostic> {
        let span = self.view.span(self.at);
        if self.word() == "=" && self.wants(&Expected::Operator) {
            if let Some(problem) = self.performed() {
                return Some(problem);
            }
            let problem = Diagnostic::new(Code::E0106, span, "`=` sets a value; to compare, write `==`");
            return Some(problem.help("write `==`").fix(span, "=="));
        }
        if self.word() == "==" && !self.wants(&Expected::Operator) && self.at > self.piece.start {
            let problem = Diagnostic::new(Code::E0106, span, "`==` compares; to set a value, write `=`");
            return Some(problem.help("write `=`").fix(span, "="));
        }
        None
    }

    /// `let r = Approve(limit = 5)`: only what is performed or started takes its values by name.
    fn performed(&self) -> Option<Diagnostic> {
        let called = self.at.checked_sub(3).filter(|called| *called > self.piece.start)?;
        let opens = self.view.kind(called + 1) == Some(Token::ParenOpen) && self.view.kind(called) == Some(Token::Word);
        let word = self.view.word(called);
        if !opens || is_reserved(word) || !word.starts_with(|letter: char| letter.is_ascii_uppercase()) {
            return None;
        }
        let (span, word) = (self.view.span(called), short(word));
        let problem = Diagnostic::new(Code::E0101, span, format!("`perform` is missing before `{word}`"));
        let help = format!("what takes values by name is an action: `let r = perform {word}(…) on this`, then `r.good`");
        let whole = self.starter() == "let" && called == self.piece.start + 3;
        Some(if whole { problem.help(help).fix(Span { end: span.start, ..span }, "perform ") } else { problem.help(help) })
    }

    fn reserved(&self) -> Option<Diagnostic> {
        let word = self.word();
        let named = self.wants(&Expected::Value) || self.wants(&Expected::Name);
        if !named || !is_reserved(word) || OPERATORS.contains(&word) || (self.line_first() && STATEMENTS.contains(&word)) {
            return None;
        }
        if matches!(word, "else" | "each") && !self.wants(&Expected::Name) {
            return None;
        }
        if self.wants(&Expected::Value) && matches!(word, "if" | "match") {
            let problem = Diagnostic::new(Code::E0107, self.view.span(self.at), format!("`{word}` is a statement, not a value"));
            return Some(problem.help("`set` the field in each of its branches, or write `a ?? b` where it is about emptiness"));
        }
        if self.wants(&Expected::Value) && matches!(word, "perform" | "create") {
            let problem = Diagnostic::new(Code::E0107, self.view.span(self.at), format!("`{word}` is a statement, not a value"));
            return Some(problem.help(format!("give its result a name on a line before: `let r = {word} …`")));
        }
        let problem = Diagnostic::new(Code::E0107, self.view.span(self.at), format!("`{word}` is a word of the language, not a name"));
        let quoted = format!("`{word}`");
        Some(problem.help(format!("to use it as a name, write it in backticks: `` {quoted} ``")).fix(self.view.span(self.at), quoted))
    }

    /// A text with an expression in it where only a plain one can stand.
    fn holes(&self) -> Option<Diagnostic> {
        if !self.wants(&Expected::Plain) || self.kind() != Some(Token::TextOpen) {
            return None;
        }
        let inside = self.at + 1..self.piece.end;
        let hole = inside
            .clone()
            .take_while(|index| self.view.kind(*index) != Some(Token::TextClose))
            .find(|index| self.view.kind(*index) == Some(Token::HoleOpen));
        let Some(hole) = hole else {
            let message = "names, labels, titles and addresses stand on one line";
            return Some(Diagnostic::new(Code::E0114, self.view.span(self.at), message).help("write it between two `\"`"));
        };
        let span = self.view.span(hole);
        let message = "names, labels, titles and addresses can't hold expressions";
        Some(Diagnostic::new(Code::E0114, span, message).help("write `\\{` for the brace itself").fix(span, "\\{"))
    }

    fn general(&self) -> Diagnostic {
        let wanted = self.wanted();
        let before = self.at.checked_sub(1).filter(|before| *before >= self.piece.start);
        let closing = matches!(
            self.kind(),
            None | Some(
                Token::BraceClose
                    | Token::ParenClose
                    | Token::BracketClose
                    | Token::BraceOpen
                    | Token::Comma
                    | Token::HoleClose
                    | Token::Bar
            )
        );
        let joint = OPERATORS.contains(&self.word()) || matches!(self.kind(), Some(Token::Operator | Token::Assign));
        if let (Some(wanted), Some(before)) = (&wanted, before)
            && (closing || joint || self.line_first() || wanted.starts_with('`'))
        {
            if *wanted == format!("`{}`", self.view.word(before)) {
                let message = format!("a name is missing before {wanted}");
                return Diagnostic::new(Code::E0101, self.view.span(before), message);
            }
            let after = self.named(before);
            let code = if wanted.contains(['}', ')', ']', '{']) { Code::E0105 } else { Code::E0101 };
            let problem = Diagnostic::new(code, self.view.span(before).end_point(), format!("{wanted} is missing after {after}"));
            return match self.form(wanted) {
                Some(form) => problem.help(form),
                None => problem,
            };
        }
        let at = self.at.min(self.piece.end.saturating_sub(1));
        let problem = Diagnostic::new(Code::E0101, self.view.span(at), format!("`{}` can't stand here", short(self.view.word(at))));
        match wanted {
            Some(wanted) => problem.label(format!("{wanted} is expected")),
            None => problem.help(self.advice()),
        }
    }

    /// How the whole thing is written, where what is missing doesn't say it.
    fn form(&self, wanted: &str) -> Option<&'static str> {
        Some(match self.starter() {
            "if" if wanted.contains('{') => "what depends on a condition stands in braces, also one statement: `if … { … }`",
            "flow" if wanted == "`on`" => "a flow says which records it is about: `flow Review on account { … }`",
            "start" if wanted == "`on`" => "say on which record: `start Review on this`",
            "change" if wanted == "`of`" => "say of which record: `change status of this to won`",
            "assign" if wanted == "`to`" => "say to whom: `assign this to caller`",
            "choice" if wanted == "`=`" => "every option has a code: `choice Rating { hot = 1, cold = 2 }`",
            _ => return None,
        })
    }

    /// What should stand here, in words.
    fn wanted(&self) -> Option<String> {
        if let Some(sign) = self.sign() {
            return Some(sign);
        }
        for (kind, words) in [
            (Expected::Value, "a value"),
            (Expected::Outcome, "`succeeded`, `canceled`, `failed`, `waiting` or `ready`"),
            (Expected::Name, "a name"),
            (Expected::Word, "a name"),
            (Expected::Type, "a type"),
            (Expected::Number, "a number"),
        ] {
            if self.wants(&kind) {
                return Some(words.to_owned());
            }
        }
        let mut words: Vec<String> = Vec::new();
        for kind in self.expected {
            match kind {
                Expected::Text | Expected::Plain => words.push("a text in double quotes".to_owned()),
                Expected::Brace => words.push("`{`".to_owned()),
                Expected::Assign => words.push("`=`".to_owned()),
                Expected::Keyword(word) => words.push(format!("`{word}`")),
                _ => {}
            }
        }
        words.dedup();
        let could_end = self.wants(&Expected::End);
        (!words.is_empty() && words.len() <= 4 && !could_end).then(|| either(&words))
    }

    /// A closing bracket or comma, by what is open here.
    fn sign(&self) -> Option<String> {
        let lone = self.expected.iter().all(|kind| matches!(kind, Expected::Operator | Expected::Unit | Expected::Plain));
        let open = (self.piece.start..self.at).rev().find(|index| {
            let token = self.view.get(*index);
            let opening =
                matches!(self.view.kind(*index), Some(Token::BraceOpen | Token::ParenOpen | Token::BracketOpen | Token::HoleOpen));
            opening && token.is_some_and(|token| token.partner.is_none_or(|partner| partner as usize >= self.at))
        });
        let closing = match self.view.kind(open.filter(|_| lone)?)? {
            Token::BraceOpen => "`,` or `}`",
            Token::ParenOpen => "`,` or `)`",
            Token::BracketOpen => "`,` or `]`",
            _ => "`}`",
        };
        Some(closing.to_owned())
    }

    /// `,` between the writes of a `set` or of a new or changed record.
    fn comma(&self) -> Option<Diagnostic> {
        let next = self.kind() == Some(Token::Word) && self.view.kind(self.at + 1) == Some(Token::Assign) && self.at + 1 < self.piece.end;
        let set = self.starter() == "set" && self.wants(&Expected::End);
        if !next || !(set || self.in_fields()) {
            return None;
        }
        let before = self.view.span(self.at - 1).end_point();
        let message = format!("`,` is missing after {}", self.named(self.at - 1));
        Some(Diagnostic::new(Code::E0101, before, message).fix(before, ","))
    }

    /// Whether a value could have ended inside `{ field = …`.
    fn in_fields(&self) -> bool {
        let open = (self.piece.start..self.at).rev().find(|index| {
            let opening =
                matches!(self.view.kind(*index), Some(Token::BraceOpen | Token::ParenOpen | Token::BracketOpen | Token::HoleOpen));
            let partner = self.view.get(*index).and_then(|token| token.partner);
            opening && partner.is_none_or(|partner| partner as usize >= self.at)
        });
        let fields = |open| self.view.kind(open) == Some(Token::BraceOpen) && self.view.kind(open + 2) == Some(Token::Assign);
        self.wants(&Expected::Operator) && open.is_some_and(|open| open + 1 < self.at && fields(open))
    }

    /// What helps where nothing is missing.
    fn advice(&self) -> &'static str {
        let before = self.view.kind(self.at.saturating_sub(1));
        match (before, self.kind(), self.word()) {
            (Some(Token::Word), Some(Token::ParenOpen), _)
                if matches!(self.view.word(self.at - 1), "now" | "today" | "caller" | "this" | "old") =>
            {
                "it is a value already and takes no parentheses"
            }
            (Some(Token::Word), Some(Token::ParenOpen | Token::BracketOpen), _) => {
                "the bracket of a call or key touches the name before it"
            }
            (Some(Token::ParenClose | Token::BracketClose), Some(Token::Dot), _) => {
                "give what stands before the `.` a name with `let`, and use the name"
            }
            _ if self.is_length() => {
                "a wait has one length, in minutes, hours, days, weeks, months or years: `wait 3 days`, `wait n * 1 day`, `wait 1 day + 12 hours`"
            }
            _ => match self.entry {
                Entry::Member => "a line of an entity is a name, a type, then `required` or `=` and a default",
                Entry::Clause => "the clause could have ended before it",
                Entry::Statement => "the statement could have ended before it; a new one starts with a word such as `set` or `if`",
                Entry::Privilege if self.line_first() => "each line of a role starts with `privilege`: `privilege read, write on account`",
                Entry::Head | Entry::Privilege => "take it out",
            },
        }
    }

    /// Whether reading stopped in the length of a wait, behind its number: `wait 2 seconds`, `wait 1 day 12 hours`.
    fn is_length(&self) -> bool {
        let waits = |back| self.at.checked_sub(back).is_some_and(|at| matches!(self.view.word(at), "wait" | "after"));
        self.entry == Entry::Statement && !self.line_first() && (waits(2) || waits(3))
    }

    /// A token in words.
    fn named(&self, index: usize) -> String {
        named(self.view, index)
    }
}

/// A token in words, to be told that something is missing after it.
pub(super) fn named(view: &View, index: usize) -> String {
    let text = matches!(view.kind(index), Some(Token::TextOpen | Token::TextPart | Token::TextClose));
    if text { "this text".to_owned() } else { format!("`{}`", short(view.word(index))) }
}
