//! Warnings that a text allows, with the reason: `//! allow W0612: …` in the whole file, `// allow W0612: …` at the end of the line
//! or on the line above it. Errors can't be allowed.
//!
//! A comment that starts so but says no reason, or names no warning, allows nothing and is told; so is one that nothing needs.

use rustc_hash::FxHashSet;

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::source::{FileId, SourceFile, Sources, Span};
use crate::syntax::{Token, tokens};

/// Takes out the warnings that the texts allow, and says which allowances are wrong or aren't needed. In a text that can't be read as
/// a whole (`unread`) nobody knows yet what is needed.
pub(super) fn apply(sources: &Sources, unread: &FxHashSet<FileId>, diagnostics: &mut Vec<Diagnostic>) {
    let mut allowances = Vec::new();
    for (id, file) in sources.iter().filter(|(_, file)| file.text.contains("allow ")) {
        read(id, file, &mut allowances, diagnostics);
    }
    if allowances.is_empty() {
        return;
    }
    diagnostics.retain(|diagnostic| {
        let span = diagnostic.span().filter(|_| diagnostic.severity() == Severity::Warning);
        let Some(span) = span else { return true };
        let line = sources.position(span).line;
        let fits = |one: &&mut Allowance| {
            one.code == diagnostic.code && one.span.file == span.file && one.line.is_none_or(|allowed| allowed == line)
        };
        let mut fitting = allowances.iter_mut().filter(fits).peekable();
        let kept = fitting.peek().is_none();
        fitting.for_each(|allowance| allowance.needed = true);
        kept
    });
    let needless = allowances.iter().filter(|allowance| !allowance.needed && !unread.contains(&allowance.span.file));
    diagnostics.extend(needless.map(Allowance::told));
}

/// A warning that is allowed.
struct Allowance {
    code: Code,
    /// The comment.
    span: Span,
    /// The line that it is about; none for the whole file.
    line: Option<usize>,
    /// What goes with it where it is taken out.
    removed: Span,
    needed: bool,
}

impl Allowance {
    fn told(&self) -> Diagnostic {
        let place = if self.line.is_some() { "line" } else { "file" };
        let message = format!("there is no warning {} in this {place} to allow", self.code.name());
        Diagnostic::new(Code::W0103, self.span, message).help("take the comment out").fix(self.removed, "")
    }
}

/// Reads the allowances of a file, and says what is wrong with them.
fn read(id: FileId, file: &SourceFile, allowances: &mut Vec<Allowance>, said: &mut Vec<Diagnostic>) {
    let mut found = Vec::new();
    let mut code_lines = Vec::new();
    for (token, range) in tokens(&file.text) {
        let span = Span::new(id, range.start as u32, range.end as u32);
        match token {
            Token::Space => {}
            Token::Comment | Token::FileDoc => found.push((token == Token::FileDoc, span)),
            _ => code_lines.push(file.position(span.start).line),
        }
    }
    for (whole, span) in found {
        let text = file.text.get(span.range()).unwrap_or_default().trim_end();
        let span = Span { end: span.start + text.len() as u32, ..span };
        let Some(written) = text.trim_start_matches(['/', '!']).trim_start().strip_prefix("allow ") else { continue };
        let (names, reason) = written.split_once(':').unwrap_or((written, ""));
        let names: Vec<&str> = names.split(',').map(str::trim).collect();
        if !names.iter().all(|name| looks_like_a_code(name)) {
            continue;
        }
        let own = file.position(span.start).line;
        let alone = code_lines.binary_search(&own).is_err();
        // A comment on a line of its own is about the next line that has more than comments.
        let next = code_lines.get(code_lines.partition_point(|line| *line <= own)).copied();
        let line = (!whole).then_some(if alone { next.unwrap_or(own) } else { own });
        let removed = removal(file, span, alone);
        for name in names {
            match wrong(name, reason, span) {
                Ok(code) => allowances.push(Allowance { code, span, line, removed, needed: false }),
                Err(problem) => said.push(*problem),
            }
        }
    }
}

/// A letter and digits: other comments that begin with the word are no allowances.
fn looks_like_a_code(name: &str) -> bool {
    let digits = name.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    digits.len() + 1 == name.len() && digits.len() > 1 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The warning that a name and a reason allow, or what is wrong with them.
fn wrong(name: &str, reason: &str, span: Span) -> Result<Code, Box<Diagnostic>> {
    let problem = |message: String, help: &str| Err(Box::new(Diagnostic::new(Code::W0104, span, message).help(help)));
    match Code::find(name) {
        None => problem(format!("there is no code `{name}`"), "the code of a warning stands in brackets behind the word `warning`"),
        Some(code) if code.severity() != Severity::Warning || !name.starts_with(['W', 'w']) => problem(
            format!("`{}` is no warning, and only warnings can be allowed", code.name()),
            "mend what it says, and take the comment out",
        ),
        Some(Code::W0103 | Code::W0104) => {
            problem(format!("`{}` is about comments like this one, and can't be allowed", name.to_uppercase()), "take the comment out")
        }
        Some(code) if reason.trim().is_empty() => problem(
            format!("the reason is missing why {} is allowed here", code.name()),
            "whoever reads it next has to know: `// allow W0503: the old import leaves it empty`",
        ),
        Some(code) => Ok(code),
    }
}

/// What goes with a comment: the blanks before it, and its line where it is alone.
fn removal(file: &SourceFile, span: Span, alone: bool) -> Span {
    let before = file.text.get(..span.start as usize).unwrap_or_default();
    let start = before.trim_end_matches([' ', '\t']).len() as u32;
    let behind = file.text.get(span.end as usize..).unwrap_or_default();
    let line_break = behind.len() - behind.trim_start_matches([' ', '\t', '\r']).len();
    let end = if alone && behind.get(line_break..).is_some_and(|rest| rest.starts_with('\n')) {
        span.end + line_break as u32 + 1
    } else {
        span.end
    };
    Span { start, end, ..span }
}

#[cfg(test)]
mod tests {
    use crate::project::Project;

    /// The codes of what is said of a text.
    fn said(text: &str) -> Vec<&'static str> {
        Project::from_text("a.flow", text).diagnostics.iter().map(|one| one.code.name()).collect()
    }

    fn flow(above: &str, end: &str) -> String {
        format!("{above}entity a {{ name text(9) required }}\nflow F on a {{\n  trigger update(name)\n  {end}\n}}\n")
    }

    const NEEDLESS: &str = "if name is empty { log \"x\" }";

    #[test]
    fn a_warning_is_allowed_where_the_comment_is() {
        assert_eq!(said(&flow("", NEEDLESS)), ["W0503"]);
        assert_eq!(said(&flow("//! allow W0503: imports\n", NEEDLESS)), [""; 0]);
        assert_eq!(said(&flow("", &format!("{NEEDLESS} // allow W0503: imports"))), [""; 0]);
        assert_eq!(said(&flow("", &format!("// allow w0503: imports\n\n  // and more\n  {NEEDLESS}"))), [""; 0]);
        assert_eq!(said(&flow("", &format!("{NEEDLESS}\n  // allow W0503: too late\n  log \"x\""))), ["W0503", "W0103"]);
        assert_eq!(said(&flow("", &format!("// allow W0503, W0501: one too many\n  {NEEDLESS}"))), ["W0103"]);
    }

    #[test]
    fn what_is_wrong_with_an_allowance_is_told() {
        let with = |comment: &str| said(&flow("", &format!("{NEEDLESS} // {comment}")));
        assert_eq!(with("allow W0503"), ["W0503", "W0104"]);
        assert_eq!(with("allow W0503:  "), ["W0503", "W0104"]);
        assert_eq!(with("allow W9999: x"), ["W0503", "W0104"]);
        assert_eq!(with("allow E0401: x"), ["W0503", "W0104"]);
        assert_eq!(with("allow O0109: x"), ["W0503", "W0104"]);
        assert_eq!(with("allow W0103: x"), ["W0503", "W0104"]);
        assert_eq!(with("allow negative totals: they happen"), ["W0503"]);
        assert_eq!(with("allow 3 days: they happen"), ["W0503"]);
    }

    #[test]
    fn a_text_with_errors_needs_its_allowances_perhaps() {
        assert_eq!(said(&flow("", &format!("{NEEDLESS} // allow W0503: imports\n  set name ="))), ["E0101"]);
    }
}
