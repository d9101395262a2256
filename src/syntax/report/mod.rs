//! What is said about a piece of text that can't be read: the words of all syntax errors.
//!
//! `flaw` tells what the tokens show, `missing` what the grammar wants. Neither names a rule of the grammar.

mod flaw;
mod missing;

pub(super) use flaw::flaw;
pub(super) use missing::{failure, is_event};

use std::ops::Range;

use super::keywords::{CLAUSES, DECLARATIONS, STATEMENTS, is_reserved};
use super::token::Token;
use super::view::View;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::Span;

/// A clause that stands where only statements can.
pub(super) fn misplaced_clause(view: &View, index: usize, in_body: bool) -> Diagnostic {
    let message = format!("`{}` is a clause, and clauses stand before the first statement", view.word(index));
    let help = if in_body {
        "move it up, to the other clauses"
    } else {
        "clauses stand right behind the first brace of a flow, an action or a plug-in"
    };
    Diagnostic::new(Code::E0116, view.span(index), message).help(help)
}

/// What stands outside of every declaration.
pub(super) fn stray(view: &View, piece: Range<usize>) -> Diagnostic {
    let word = view.word(piece.start);
    let span = view.span(piece.start);
    if view.kind(piece.start) != Some(Token::Word) {
        let message = format!("`{}` can't stand outside of a declaration", short(word));
        return Diagnostic::new(Code::E0109, span, message).help(format!("a declaration starts with {}", list(DECLARATIONS)));
    }
    let declared = view.kind(piece.start + 1) == Some(Token::Word) && view.kind(piece.start + 2) == Some(Token::BraceOpen);
    let abroad = declared && habit(word).is_some_and(|meant| DECLARATIONS.contains(&meant));
    if matches!(word, "import" | "include" | "using" | "use" | "require" | "package" | "module" | "namespace") {
        let message = format!("there is no `{word}`");
        return Diagnostic::new(Code::E0109, span, message).help("all files of a folder belong together by themselves; take the line out");
    }
    if !abroad && (STATEMENTS.contains(&word) || CLAUSES.contains(&word)) {
        let message = format!("`{word}` stands outside of every declaration");
        return Diagnostic::new(Code::E0109, span, message)
            .help("put it into a flow, an action, a test or a scenario; is there a `}` too many above?");
    }
    unknown(view, piece.start, "declaration", DECLARATIONS.iter().copied())
}

/// The brace that ends a declaration before its last statements.
pub(super) fn early_brace(view: &View, first: usize, close: usize, behind: usize) -> Diagnostic {
    let message = format!("this `}}` ends the {} too early", short(view.word(first)));
    Diagnostic::new(Code::E0105, view.span(close), message)
        .also(view.span(behind), "this stands outside of it")
        .help("take it out, or put what follows into a block of its own")
}

/// Events without the `trigger` before them.
pub(super) fn bare_event(view: &View, index: usize) -> Diagnostic {
    let (event, span) = (view.word(index), view.span(index));
    if view.word(index + 1) == "trigger" {
        let message = format!("`trigger` stands before `{event}`");
        let both = span.to(view.span(index + 1));
        return Diagnostic::new(Code::E0106, span, message).help(format!("write `trigger {event}`")).fix(both, format!("trigger {event}"));
    }
    let start = Span { end: span.start, ..span };
    let message = format!("`trigger` is missing before `{event}`");
    Diagnostic::new(Code::E0109, span, message).help(format!("what starts a flow is said by `trigger {event}`")).fix(start, "trigger ")
}

/// Whether a statement that starts so gives a name to a value, here or elsewhere.
pub(super) fn names_a_value(word: &str) -> bool {
    word == "let" || habit(word) == Some("let") || (!STATEMENTS.contains(&word) && nearest(word, ["let"]).is_some())
}

/// A word that starts nothing, with the one that may be meant.
fn unknown<'a>(view: &View, index: usize, what: &str, candidates: impl Iterator<Item = &'a str>) -> Diagnostic {
    let (word, span) = (view.word(index), view.span(index));
    let candidates: Vec<&str> = candidates.collect();
    if what == "statement"
        && let Some(problem) = closer(view, index).or_else(|| bare_write(view, index)).or_else(|| bare_call(view, index))
    {
        return problem;
    }
    if what == "statement" && matches!(word, "on" | "before" | "after") && missing::is_event(view.word(index + 1)) {
        return missing::event_abroad(word, view.word(index + 1), span);
    }
    let problem = Diagnostic::new(Code::E0109, span, format!("no {what} starts with `{}`", short(word)));
    if let Some(meant) = habit(word).filter(|meant| candidates.contains(meant)) {
        let problem = problem.help(format!("it is called `{meant}` here"));
        return translated(view, index, meant).into_iter().fold(problem, |problem, (span, text)| problem.fix(span, text));
    }
    if word == "table" && candidates.contains(&word) {
        let problem = Diagnostic::new(Code::E0105, span.end_point(), "`{` is missing after `table`");
        return problem.help("a table stands in braces, each row on a line of its own: `table { | total | … }`");
    }
    match nearest(word, candidates.iter().copied().filter(|candidate| *candidate != word)) {
        Some(meant) => problem.help(format!("did you mean `{meant}`?")).fix(span, meant),
        None if what == "declaration" || candidates.len() < 3 => problem.help(format!("a {what} starts with {}", list(&candidates))),
        None => problem.help(format!("a {what} starts with a word such as {}", list(candidates.get(..3).unwrap_or_default()))),
    }
}

/// The edits that put the right word in the place of a habit, where what stands behind it fits.
fn translated(view: &View, index: usize, meant: &'static str) -> Vec<(Span, &'static str)> {
    let kind = |ahead: usize| view.kind(index + ahead);
    let span = view.span(index);
    let fits = match meant {
        "stop" | "log" | "finish" => kind(1) == Some(Token::TextOpen),
        "let" => kind(1) == Some(Token::Word) && kind(2) == Some(Token::Assign),
        "create" => kind(1) == Some(Token::Word) && kind(2) == Some(Token::BraceOpen),
        "rank" => kind(1) == Some(Token::Number),
        "flow" => view.word(index + 2) == "on",
        "entity" | "choice" => kind(1) == Some(Token::Word) && kind(2) == Some(Token::BraceOpen),
        _ => false,
    };
    if fits {
        return vec![(span, meant)];
    }
    let called = kind(1) == Some(Token::ParenOpen) && kind(2) == Some(Token::TextOpen) && matches!(meant, "stop" | "log");
    match view.get(index + 1).and_then(|open| open.partner).filter(|_| called) {
        Some(close) if meant == "stop" => vec![(span.to(view.span(index + 1)), "stop "), (view.span(close as usize), "")],
        Some(close) => vec![(span.to(view.span(index + 1)), "log "), (view.span(close as usize), "")],
        None => Vec::new(),
    }
}

/// `endif`, `end if`, `fi`: words that close a block elsewhere.
fn closer(view: &View, index: usize) -> Option<Diagnostic> {
    let next = view.get(index + 1).is_some_and(|next| !next.line_first) && matches!(view.word(index + 1), "if" | "for" | "while" | "match");
    let span = match view.word(index).to_ascii_lowercase().as_str() {
        "end" if next => view.span(index).to(view.span(index + 1)),
        "fi" | "done" if view.get(index + 1).is_some_and(|next| !next.line_first && next.token != Token::BraceClose) => return None,
        "end" | "endif" | "fi" | "done" | "endfor" | "endwhile" | "endforeach" | "wend" => view.span(index),
        _ => return None,
    };
    let closed = index > 0 && view.kind(index - 1) == Some(Token::BraceClose);
    let shown = view.text.get(span.range()).unwrap_or_default();
    let problem = Diagnostic::new(Code::E0106, span, format!("a block ends with `}}`, not with `{shown}`"));
    Some(if closed { problem.help("take it out").fix(span, "") } else { problem.help("write `}`").fix(span, "}") })
}

/// `current.update()`, `console.log("x")`: a call of a thing's function.
fn bare_call(view: &View, index: usize) -> Option<Diagnostic> {
    if view.kind(index + 1) != Some(Token::Dot) || view.kind(index + 3) != Some(Token::ParenOpen) {
        return None;
    }
    let help = match view.word(index + 2).to_ascii_lowercase().as_str() {
        "update" | "save" | "setvalue" | "set" => "`set name = …` writes fields of the record, and nothing has to be saved behind it",
        "log" | "print" | "println" | "writeline" | "write" | "info" | "trace" => "it is called `log` here: `log \"…\"`",
        "delete" | "remove" => "it is called `delete` here: `delete this`",
        "insert" | "create" | "add" => "it is called `create` here: `create account { name = \"…\" }`",
        "setabortaction" | "adderrormessage" | "throw" | "error" => "it is called `stop` here: `stop \"…\"`",
        _ => "a record has no functions; a statement starts with a word such as `set`, `update` or `stop`",
    };
    let message = format!("no statement starts with `{}`", short(view.word(index)));
    Some(Diagnostic::new(Code::E0109, view.span(index), message).help(help))
}

/// `name = value` without the word before it.
fn bare_write(view: &View, index: usize) -> Option<Diagnostic> {
    let word = view.word(index);
    let assign = |index: usize| view.kind(index) == Some(Token::Assign) || matches!(view.word(index), "+=" | "-=" | "*=" | ":=");
    let span = view.span(index);
    let start = Span { end: span.start, ..span };
    if assign(index + 1) {
        let starter = if view.word(index + 2) == "create" { "let" } else { "set" };
        let message = format!("`{starter}` is missing before `{}`", short(word));
        return Some(
            Diagnostic::new(Code::E0109, span, message)
                .help(format!("write `{starter} {} = …`", short(word)))
                .fix(start, format!("{starter} ")),
        );
    }
    if matches!((view.word(index + 1), view.word(index + 2)), ("+", "+") | ("-", "-")) {
        let write = format!("set {} {}= 1", short(word), view.word(index + 1));
        let message = format!("no statement starts with `{}`", short(word));
        let whole = span.to(view.span(index + 2));
        return Some(Diagnostic::new(Code::E0109, span, message).help(format!("write `{write}`")).fix(whole, write));
    }
    if view.kind(index + 1) == Some(Token::Dot) && assign(index + 3) {
        if missing::is_this(word) {
            let message = format!("`set` is missing before `{}`", short(view.word(index + 2)));
            let help = format!("write `set {} = …`; the record's own fields are written by their bare names", short(view.word(index + 2)));
            return Some(Diagnostic::new(Code::E0109, span, message).help(help).fix(span.to(view.span(index + 1)), "set "));
        }
        let message = format!("no statement starts with `{}`", short(word));
        let help = format!("to write another record: `update {} {{ {} = … }}`", short(word), short(view.word(index + 2)));
        return Some(Diagnostic::new(Code::E0109, span, message).help(help));
    }
    None
}

/// `name = value`, or `record.field = value`, as it is typed where no flow is around: a `let` names a value, an `update` changes a record.
pub(super) fn typed_write(view: &View, range: &Range<usize>) -> Option<Diagnostic> {
    let path = (range.start..range.end).step_by(2).find(|at| view.kind(at + 1) != Some(Token::Dot))?;
    let (name, assign) = (view.word(path), view.text.get(view.span(path + 1).range()).unwrap_or_default());
    let is_name = (range.start..=path).step_by(2).all(|at| view.kind(at) == Some(Token::Word) && !is_reserved(view.word(at)));
    if !is_name || !matches!(assign, "=" | ":=" | "+=" | "-=" | "*=") {
        return None;
    }
    let (first, whole) = (view.span(range.start), view.span(range.start).to(view.span(path + 1)));
    let shown = short(name);
    let is_plain = matches!(assign, "=" | ":=");
    if path == range.start {
        let problem = Diagnostic::new(Code::E0109, first, format!("`let` is missing before `{shown}`"));
        let help = if is_plain {
            format!("`let {shown} = …` names a value, a new one too")
        } else {
            let operator = assign.trim_end_matches('=');
            format!("a name can't be changed, but given again: `let {shown} = {shown} {operator} …`")
        };
        let problem = problem.help(help).help(format!("a field of a record is changed by `update record {{ {shown} {assign} … }}`"));
        return Some(if is_plain { problem.fix(whole, format!("let {name} =")) } else { problem });
    }
    let record = view.text.get(first.start as usize..view.span(path - 2).end as usize).unwrap_or_default();
    let assign = if assign == ":=" { "=" } else { assign };
    let problem = Diagnostic::new(Code::E0109, first, format!("`update` is missing before `{}`", short(record)))
        .help(format!("`update {} {{ {shown} {assign} … }}` changes a field of a record", short(record)));
    let problem = if is_plain { problem.help("to compare, write `==`") } else { problem };
    let end = view.span(range.end.checked_sub(1)?).end;
    let behind = Span { start: end, end, ..first };
    let on_a_line = view.text.get(first.start as usize..end as usize).is_some_and(|text| !text.contains('\n'));
    Some(if on_a_line { problem.fix(whole, format!("update {record} {{ {name} {assign}")).fix(behind, " }") } else { problem })
}

/// What people are used to from elsewhere, and what it is here.
fn habit(word: &str) -> Option<&'static str> {
    Some(match word {
        "throw" | "raise" | "error" | "fail" | "abort" | "reject" | "cancel" | "block" => "stop",
        "var" | "const" | "def" | "dim" | "declare" => "let",
        "print" | "println" | "trace" | "echo" | "alert" | "debug" | "msgbox" => "log",
        "switch" | "case" => "match",
        "exit" | "quit" | "break" | "end" => "finish",
        "insert" | "add" | "new" => "create",
        "foreach" => "for",
        "assert" | "check" | "verify" => "expect",
        "call" | "execute" | "invoke" => "start",
        "put" => "set",
        "order" | "priority" | "sequence" => "rank",
        "event" | "events" | "triggers" => "trigger",
        "condition" | "where" | "filter" => "when",
        "rule" | "workflow" | "process" | "function" | "trigger" | "procedure" => "flow",
        "table" | "record" | "class" | "struct" | "type" => "entity",
        "enum" | "optionset" | "picklist" => "choice",
        _ => return None,
    })
}

/// Words in backticks, the last one after an `or`.
fn list(words: &[&str]) -> String {
    either(&words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>())
}

fn either(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [word] => word.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// A user's text, cut where it is long.
pub(super) fn short(text: &str) -> String {
    let text: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    if text.chars().count() <= 30 { text } else { text.chars().take(29).chain(['…']).collect() }
}
