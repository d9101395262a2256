//! The shape of a file by its tokens alone: which brackets belong together, where declarations begin and end, and
//! what the grammar needn't even be asked about because no sentence could hold it.
//!
//! Invariant: what passes here without a [`Flaw`] nests at most [`MAX_NESTING`] deep and holds no chain of more than
//! [`MAX_CHAIN`] operators, so parsing and building it may recurse and takes bounded time.

use super::ast::MAX_NESTING;
use super::keywords::{DECLARATIONS, OPERATORS, STATEMENTS, is_reserved};
use super::token::{Bad, Token, tokens};

/// How many operators may stand in one expression outside of brackets.
const MAX_CHAIN: u32 = 1000;

/// After how many places with too many brackets the rest of a file isn't looked at.
const MAX_DEEP: usize = 100;

/// A token that is neither white space nor a comment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lexed {
    pub(super) token: Token,
    pub(super) start: u32,
    pub(super) end: u32,
    /// Whether it is the first on its line.
    pub(super) line_first: bool,
    /// For an opening bracket: the index of its closing one. For a brace that is never closed: the end of its piece.
    pub(super) partner: Option<u32>,
}

/// A `///` or `//!` line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doc {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// What is wrong at a token, whatever the grammar says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlawKind {
    Bad(Bad),
    /// An opening bracket without its closing one.
    Unclosed,
    /// A text that runs to the end of the file.
    OpenText,
    /// A closing bracket without its opening one.
    Unopened,
    /// One bracket too deep.
    TooDeep,
    /// One operator too many.
    TooLong,
}

/// A flaw and the token that it is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flaw {
    pub(super) kind: FlawKind,
    pub(super) token: usize,
}

/// A run of tokens from one head of a declaration to the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Segment {
    /// Its first token.
    pub(super) first: usize,
    /// The token after its last.
    pub(super) end: usize,
    /// The brace that closes its first brace.
    pub(super) close: Option<usize>,
    /// Whether it starts with the head of a declaration.
    pub(super) declared: bool,
    /// What is wrong in it, in order of tokens once the scan is over.
    pub(super) flaws: Vec<Flaw>,
}

/// The shape of a file.
#[derive(Debug, Default)]
pub(super) struct Shape {
    pub(super) tokens: Vec<Lexed>,
    pub(super) docs: Vec<Doc>,
    pub(super) file_docs: Vec<Doc>,
    pub(super) segments: Vec<Segment>,
}

/// Looks at a file's tokens.
pub(super) fn scan(text: &str) -> Shape {
    let mut scan =
        Scan { text, shape: Shape::default(), segment: Segment::default(), open: Vec::new(), texts: Vec::new(), chain: 0, deep: false };
    let (mut from, mut depths) = (0, 0);
    while let Some(rest) = text.get(from..) {
        let mut line_first = true;
        for (token, range) in tokens(rest) {
            let until = from + range.end;
            let (start, end) = ((from + range.start) as u32, (from + range.end) as u32);
            match token {
                Token::Space => line_first |= rest.get(range).is_some_and(|space| space.contains('\n')),
                Token::Comment => {}
                Token::Doc => scan.shape.docs.push(Doc { start, end }),
                Token::FileDoc => scan.shape.file_docs.push(Doc { start, end }),
                _ => {
                    scan.token(Lexed { token, start, end, line_first, partner: None });
                    line_first = token == Token::Bad(Bad::OpenText);
                }
            }
            if scan.deep {
                from = until;
                break;
            }
        }
        depths += 1;
        if !scan.deep || depths > MAX_DEEP {
            break;
        }
        scan.deep = false;
        let Some(next) = next_head(text, from) else { break };
        from = next;
    }
    let end = scan.shape.tokens.len();
    scan.close_segment(end);
    scan.shape
}

/// The start of the next line that begins with the word of a declaration.
fn next_head(text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += text.get(at..)?.find('\n')? + 1;
        let line = text.get(at..)?;
        let length = line.bytes().take(16).take_while(u8::is_ascii_lowercase).count();
        if DECLARATIONS.contains(&line.get(..length)?) {
            return Some(at);
        }
    }
}

/// A text from its first token on.
fn without_blanks(text: &str) -> &str {
    let mut text = text.trim_start();
    while let Some(comment) = text.strip_prefix("//") {
        text = comment.split_once('\n').map_or("", |(_, rest)| rest.trim_start());
    }
    text
}

struct Scan<'a> {
    text: &'a str,
    shape: Shape,
    segment: Segment,
    /// The open brackets: their tokens, and how long the chain before them was.
    open: Vec<(usize, u32)>,
    /// The open texts: their tokens, and how many brackets were open.
    texts: Vec<(usize, usize)>,
    chain: u32,
    deep: bool,
}

impl Scan<'_> {
    fn token(&mut self, lexed: Lexed) {
        let index = self.shape.tokens.len();
        let word =
            if lexed.token == Token::Word { self.text.get(lexed.start as usize..lexed.end as usize).unwrap_or_default() } else { "" };
        if self.open.is_empty() && DECLARATIONS.contains(&word) && (lexed.line_first || self.segment.close.is_some() || index == 0) {
            self.start_segment(index);
        }
        if lexed.line_first && !self.open.is_empty() && STATEMENTS.contains(&word) {
            self.statement_in_parentheses(word, lexed);
        }
        self.count(word, lexed, index);
        self.shape.tokens.push(lexed);
        match lexed.token {
            Token::BraceOpen => {
                if !self.open.is_empty()
                    && let Some(head) = self.head_before(index)
                {
                    self.start_segment(head);
                }
                self.open(index);
            }
            Token::ParenOpen | Token::BracketOpen | Token::HoleOpen => self.open(index),
            Token::BraceClose | Token::ParenClose | Token::BracketClose | Token::HoleClose => self.close(lexed.token, index),
            Token::TextOpen => self.texts.push((index, self.open.len())),
            Token::TextClose => drop(self.texts.pop()),
            Token::Bad(bad) => self.bad(bad, index),
            _ => {}
        }
    }

    fn bad(&mut self, bad: Bad, index: usize) {
        let mut at = index;
        match bad {
            Bad::BlockStart => self.texts.push((index, self.open.len())),
            Bad::OpenText => {
                let line = |(token, _): &(usize, usize)| self.shape.tokens.get(*token).is_some_and(|token| token.end - token.start == 1);
                if let Some(outermost) = self.texts.iter().position(line) {
                    let (text, open) = self.texts.get(outermost).copied().unwrap_or_default();
                    self.texts.truncate(outermost);
                    self.open.truncate(open);
                    at = text;
                }
            }
            _ => {}
        }
        self.flaw(FlawKind::Bad(bad), at);
    }

    fn flaw(&mut self, kind: FlawKind, token: usize) {
        self.segment.flaws.push(Flaw { kind, token });
    }

    fn open(&mut self, index: usize) {
        if self.open.len() >= MAX_NESTING {
            self.flaw(FlawKind::TooDeep, index);
            self.open.clear();
            self.texts.clear();
            self.deep = true;
            return;
        }
        self.open.push((index, self.chain));
        self.chain = 0;
    }

    fn close(&mut self, token: Token, index: usize) {
        let opening = match token {
            Token::BraceClose => Token::BraceOpen,
            Token::ParenClose => Token::ParenOpen,
            Token::BracketClose => Token::BracketOpen,
            _ => Token::HoleOpen,
        };
        // A brace closes what is open inside of it; another bracket has to be the innermost one.
        let braces = matches!(token, Token::BraceClose | Token::HoleClose);
        let depth = if braces { self.open.len() } else { self.open.len().min(1) };
        let found = self.open.iter().rev().take(depth).position(|(open, _)| self.kind(*open) == Some(opening));
        let Some(inner) = found else { return self.flaw(FlawKind::Unopened, index) };
        for _ in 0..inner {
            if let Some((unclosed, _)) = self.open.pop() {
                self.flaw(FlawKind::Unclosed, unclosed);
            }
        }
        let Some((open, chain)) = self.open.pop() else { return };
        self.chain = if braces { 0 } else { chain };
        if let Some(open) = self.shape.tokens.get_mut(open) {
            open.partner = Some(index as u32);
        }
        if self.open.is_empty() && token == Token::BraceClose && self.segment.close.is_none() {
            self.segment.close = Some(index);
        }
    }

    fn kind(&self, index: usize) -> Option<Token> {
        self.shape.tokens.get(index).map(|token| token.token)
    }

    /// A statement can't stand in parentheses: the ones that are open here were never closed. In a list the word is a name.
    fn statement_in_parentheses(&mut self, word: &str, lexed: Lexed) {
        let behind = without_blanks(self.text.get(lexed.end as usize..).unwrap_or_default());
        let named = behind.starts_with([',', ')']) || (behind.starts_with('=') && !behind.starts_with("=="));
        if !is_reserved(word) || word == "in" || named {
            return;
        }
        while let Some((open, _)) = self.open.pop_if(|(open, _)| {
            let token = self.shape.tokens.get(*open).map(|token| token.token);
            matches!(token, Some(Token::ParenOpen | Token::BracketOpen))
        }) {
            self.segment.flaws.push(Flaw { kind: FlawKind::Unclosed, token: open });
        }
    }

    /// Counts the operators of an expression.
    fn count(&mut self, word: &str, lexed: Lexed, index: usize) {
        let operator = matches!(lexed.token, Token::Operator | Token::Dot) || OPERATORS.contains(&word);
        let reset = match lexed.token {
            Token::Comma | Token::Assign | Token::Arrow | Token::Bar => true,
            Token::Word | Token::Quoted | Token::Number | Token::Date | Token::TextOpen => !operator && self.ends_operand(index),
            _ => false,
        };
        if reset {
            self.chain = 0;
        } else if operator {
            self.chain += 1;
            if self.chain == MAX_CHAIN {
                self.flaw(FlawKind::TooLong, index);
            }
        }
    }

    /// Whether the token before could be the last one of an expression.
    fn ends_operand(&self, index: usize) -> bool {
        let Some(before) = index.checked_sub(1).and_then(|index| self.shape.tokens.get(index)) else { return true };
        match before.token {
            Token::Word => !OPERATORS.contains(&self.text.get(before.start as usize..before.end as usize).unwrap_or_default()),
            Token::Quoted
            | Token::Number
            | Token::Date
            | Token::TextClose
            | Token::ParenClose
            | Token::BracketClose
            | Token::BraceClose => true,
            _ => false,
        }
    }

    /// The head of a declaration that ends with this brace and starts its line, although something is still open.
    fn head_before(&self, brace: usize) -> Option<usize> {
        let first = (brace.saturating_sub(8).max(self.segment.first)..brace)
            .rev()
            .find(|index| self.shape.tokens.get(*index).is_some_and(|token| token.line_first))?;
        let head = self.shape.tokens.get(first..brace)?;
        let text = |token: &Lexed| self.text.get(token.start as usize..token.end as usize).unwrap_or_default();
        let (word, rest) = head.split_first()?;
        if rest.len() == 1 && rest.iter().any(|token| matches!(text(token), "choice" | "choices")) {
            // A field whose name is the word of a declaration: `role choice { … }`.
            return None;
        }
        let mut kinds = rest
            .iter()
            .filter(|token| token.token != Token::TextPart)
            .map(|token| match token.token {
                Token::Word if text(token) == "on" => 'o',
                Token::Word | Token::Quoted => 'n',
                Token::TextOpen => 't',
                Token::TextClose => ' ',
                _ => '?',
            })
            .filter(|kind| *kind != ' ');
        let kinds: String = kinds.by_ref().take(5).collect();
        let fits = match (word.token, text(word)) {
            (Token::Word, "flow" | "plugin") => matches!(kinds.as_str(), "non" | "ton"),
            (Token::Word, "action") => matches!(kinds.as_str(), "n" | "t" | "non" | "ton"),
            (Token::Word, "entity" | "choice") => matches!(kinds.as_str(), "n" | "nt"),
            (Token::Word, "role" | "test" | "scenario" | "given") => matches!(kinds.as_str(), "n" | "t"),
            _ => false,
        };
        fits.then_some(first)
    }

    fn start_segment(&mut self, first: usize) {
        self.close_segment(first);
        self.segment = Segment { first, declared: true, ..Segment::default() };
    }

    fn close_segment(&mut self, end: usize) {
        for (open, _) in std::mem::take(&mut self.open) {
            if self.kind(open) == Some(Token::BraceOpen)
                && let Some(token) = self.shape.tokens.get_mut(open)
            {
                token.partner = Some(end as u32);
            }
            self.flaw(FlawKind::Unclosed, open);
        }
        for (text, _) in std::mem::take(&mut self.texts) {
            self.flaw(FlawKind::OpenText, text);
        }
        self.chain = 0;
        self.segment.end = end;
        self.segment.flaws.sort_by_key(|flaw| flaw.token);
        let segment = std::mem::take(&mut self.segment);
        if segment.end > segment.first {
            self.shape.segments.push(segment);
        }
        self.segment.first = end;
    }
}
