//! Input that comes from a pipe or a file: line by line, put together to whole statements, without prompt and colours.

use std::io::BufRead;

use super::answer::{Answer, Told, Worst};
use super::session::{LONGEST, Origin, Session};
use crate::syntax::{Token, Wholeness, tokens, wholeness};

/// How many bytes may be looked at until a statement is whole: it is looked at from its beginning with each of its lines.
const MOST_LOOKED_AT: usize = 16 << 20;

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
    /// How many bytes were looked at.
    looked_at: usize,
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
        if self.text.len() > LONGEST {
            return self.rest();
        }
        if self.depth > 0 && !ends {
            return None;
        }
        self.looked_at += self.text.len();
        if self.looked_at > MOST_LOOKED_AT || is_whole(&self.text) { self.rest() } else { None }
    }

    /// What is left at the end, whole or not.
    pub fn rest(&mut self) -> Option<(String, usize)> {
        (self.depth, self.looked_at) = (0, 0);
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

/// Whether the lines that were typed are taken in as they stand.
pub(super) fn is_complete(text: &str) -> bool {
    let mut gather = Gather::default();
    // The last line ends too, also an empty one.
    text.split('\n').for_each(|line| drop(gather.line(line)));
    gather.rest().is_none()
}

/// Whether a text is whole, or an empty line ends it where no bracket is open.
fn is_whole(text: &str) -> bool {
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
            let mut answer = Answer::new(tell);
            session.take(&text, Origin { name: "<stdin>".to_owned(), line }, &mut answer);
            worst = worst.max(answer.worst);
            over |= answer.over;
        }
    }
    let mut answer = Answer::new(tell);
    session.end(&mut answer);
    worst.max(answer.worst)
}

/// A line; of one that is too long to be taken in, only so much that this shows.
fn read_line(input: &mut impl BufRead, bytes: &mut Vec<u8>) -> std::io::Result<usize> {
    let most = LONGEST as u64 + 2;
    let read = std::io::Read::take(&mut *input, most).read_until(b'\n', bytes)?;
    if read as u64 == most && !bytes.ends_with(b"\n") {
        input.skip_until(b'\n')?;
    }
    Ok(read)
}

/// Takes in lines as if they were typed one by one, until something fails.
pub(super) fn feed(session: &mut Session, text: &str, name: &str, answer: &mut Answer<'_>) {
    let (mut gather, mut first, mut broken) = (Gather::default(), true, false);
    let lines = text.lines().map(Some).chain([None]);
    for line in lines {
        let whole = match line {
            Some(line) => gather.line(line),
            None => gather.rest(),
        };
        let Some((text, line)) = whole else { continue };
        // What follows may hang on an operation that failed; what says that it was to fail doesn't.
        if broken || !first && session.failed() && !text.trim_start().starts_with("expect") {
            answer.error(Worst::Problems, format!("not run    line {line} and what follows"));
            break;
        }
        let mut part = answer.part();
        session.take(&text, Origin { name: name.to_owned(), line }, &mut part);
        let (worst, over) = (part.worst, part.over);
        answer.worst = answer.worst.max(worst);
        answer.over |= over;
        if over {
            break;
        }
        (first, broken) = (false, worst > Worst::Stopped);
    }
}
