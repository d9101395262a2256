//! Input that comes from a pipe or a file: line by line, put together to whole statements, without prompt and colours.

use std::io::BufRead;

use super::answer::{Answer, Told, Worst};
use super::session::{Origin, Session};
use super::statement;
use crate::syntax::{Token, Wholeness, tokens, wholeness};

/// The longest input that is put together.
const LONGEST: usize = 16 << 20;

/// Puts lines together until they are whole.
#[derive(Debug, Default)]
pub struct Gather {
    text: String,
    /// The line that it begins on.
    first: usize,
    /// The last line.
    line: usize,
    /// How many braces its lines open that they don't close, about: while some are open there is no need to look at it whole.
    depth: isize,
}

impl Gather {
    /// Takes in a line; gives what is whole now, with the line that it began on.
    pub fn line(&mut self, line: &str) -> Option<(String, usize)> {
        self.line += 1;
        if self.text.is_empty() {
            self.first = self.line;
            if line.trim().is_empty() {
                return None;
            }
            if line.trim_start().starts_with(':') {
                return Some((line.to_owned(), self.line));
            }
        }
        self.text.push_str(line);
        self.text.push('\n');
        let (depth, ends) = look(line);
        self.depth += depth;
        if self.depth > 0 && !ends && self.text.len() <= LONGEST {
            return None;
        }
        if is_complete(&self.text) || self.text.len() > LONGEST { self.rest() } else { None }
    }

    /// What is left at the end, whole or not.
    pub fn rest(&mut self) -> Option<(String, usize)> {
        self.depth = 0;
        (!self.text.trim().is_empty()).then(|| (std::mem::take(&mut self.text), self.first))
    }
}

/// How many braces a line opens more than it closes, and whether a text may be open at its end, which no other line would close.
fn look(line: &str) -> (isize, bool) {
    let (mut depth, mut texts) = (0, 0);
    for (token, _) in tokens(line) {
        match token {
            Token::BraceOpen => depth += 1,
            Token::BraceClose => depth -= 1,
            Token::TextOpen => texts += 1,
            Token::TextClose => texts -= 1,
            _ => {}
        }
    }
    (depth, texts > 0)
}

/// Whether what was typed is taken in as it stands: it is whole, or an empty line ends it where no bracket is open.
pub fn is_complete(text: &str) -> bool {
    if text.trim_start().starts_with(':') {
        return true;
    }
    match wholeness(text) {
        Wholeness::Whole => true,
        Wholeness::Open => false,
        Wholeness::Lacking => text.trim_end_matches([' ', '\t', '\r']).ends_with("\n\n"),
    }
}

/// Takes in everything from a reader; tells answers as they come. Gives the worst of all.
pub fn run(session: &mut Session, mut input: impl BufRead, tell: &mut dyn FnMut(&Told)) -> Worst {
    let (mut gather, mut worst, mut over) = (Gather::default(), Worst::Well, false);
    let mut bytes = Vec::new();
    while !over {
        bytes.clear();
        let whole = match read_line(&mut input, &mut bytes) {
            Ok(0) => {
                over = true;
                gather.rest()
            }
            Ok(_) => gather.line(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r'])),
            Err(error) => {
                tell(&Told::Error(format!("error: standard input can't be read: {error}")));
                return Worst::Failed;
            }
        };
        if let Some((text, line)) = whole {
            let answer = session.take(&text, Some(Origin { name: "<stdin>".to_owned(), line }));
            answer.told.iter().for_each(&mut *tell);
            worst = worst.max(answer.worst);
            over |= answer.over;
        }
    }
    let end = session.end();
    end.told.iter().for_each(tell);
    worst.max(end.worst)
}

/// A line, as far as one may be long.
fn read_line(input: &mut impl BufRead, bytes: &mut Vec<u8>) -> std::io::Result<usize> {
    std::io::Read::take(input, LONGEST as u64).read_until(b'\n', bytes)
}

/// Takes in the text of a file as if it were typed.
pub(super) fn feed(session: &mut Session, text: &str, name: &str, answer: &mut Answer) {
    // What was typed before the file doesn't end it.
    statement::settle(session, answer);
    let mut gather = Gather::default();
    let lines = text.lines().map(Some).chain([None]);
    for line in lines {
        let whole = match line {
            Some(line) => gather.line(line),
            None => gather.rest(),
        };
        let Some((text, line)) = whole else { continue };
        // What follows may hang on an operation that failed; what says that it was to fail doesn't.
        if session.failed() && !text.trim_start().starts_with("expect") {
            answer.worst = answer.worst.max(Worst::Problems);
            break;
        }
        let one = session.take(&text, Some(Origin { name: name.to_owned(), line }));
        answer.told.extend(one.told);
        answer.worst = answer.worst.max(one.worst);
        answer.over |= one.over;
        if answer.over || one.worst > Worst::Stopped {
            break;
        }
    }
}
