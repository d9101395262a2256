//! Tokens: what the edges need (cuts, recovery, highlighting, completion of lines), many times faster than parsing.
//!
//! Tokens tile the text: every byte is in exactly one of them, white space and comments included. What no
//! grammar rule could accept is a [`Token::Bad`]. Tokens know no syntax beyond text and the expressions in it.

use std::ops::Range;

use logos::{Lexer, Logos};

use super::number;

/// One kind of token.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// Blanks, tabs and line breaks.
    #[regex(r"[ \t\r\n]+")]
    Space,
    /// `// …`
    #[regex(r"//[^\n]*", comment, allow_greedy = true)]
    Comment,
    /// `/// …`, about the next declaration.
    Doc,
    /// `//! …`, about the file.
    FileDoc,
    /// A word, reserved or not.
    #[regex(r"[A-Za-z_][A-Za-z0-9_]*")]
    #[regex(r"`[A-Za-z_][A-Za-z0-9_]*`", |_| Token::Quoted)]
    Word,
    /// A word in backticks.
    Quoted,
    /// `42`, `0.05`
    #[regex(r"[0-9]", number)]
    Number,
    /// `2026-11-20`, with or without a time.
    Date,
    /// The `"` or `"""` that opens a text.
    #[token("\"", |_| Token::TextOpen)]
    #[token("\"\"\"", |_| Token::TextOpen)]
    TextOpen,
    /// A run of a text, escapes included.
    TextPart,
    /// The `"` or `"""` that closes a text.
    TextClose,
    /// The `{` of an expression in a text.
    HoleOpen,
    /// The `}` of an expression in a text.
    HoleClose,
    /// `{`
    #[token("{")]
    BraceOpen,
    /// `}`
    #[token("}")]
    BraceClose,
    /// `(`
    #[token("(")]
    ParenOpen,
    /// `)`
    #[token(")")]
    ParenClose,
    /// `[`
    #[token("[")]
    BracketOpen,
    /// `]`
    #[token("]")]
    BracketClose,
    /// `,`
    #[token(",")]
    Comma,
    /// `.`
    #[token(".")]
    Dot,
    /// `..`
    #[token("..")]
    Range,
    /// `:`
    #[token(":")]
    Colon,
    /// `|`
    #[token("|")]
    Bar,
    /// `?`
    #[token("?")]
    Question,
    /// `=>`
    #[token("=>")]
    Arrow,
    /// `=`, `+=`, `-=`, `*=`
    #[token("=")]
    #[token("+=")]
    #[token("-=")]
    #[token("*=")]
    Assign,
    /// An operator between two values; `-` as well before one.
    #[token("==")]
    #[token("!=")]
    #[token("<")]
    #[token("<=")]
    #[token(">")]
    #[token(">=")]
    #[token("??")]
    #[token("+")]
    #[token("-")]
    #[token("*")]
    #[token("/")]
    #[token("%")]
    Operator,
    /// What stands in no sentence of the language.
    #[regex(r"\.[0-9][0-9A-Za-z_]*", |_| Bad::Number)]
    #[regex(r"`", |_| Bad::Backtick)]
    #[regex(r"'[^'\n]*'?", |_| Bad::SingleQuote)]
    #[regex(r"&&|\|\||!|;|<>|===|!==|:=", |_| Bad::Foreign)]
    Bad(Bad),
}

/// What is wrong with a [`Token::Bad`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// `1.`, `.5`, `1e5`, `1_`, `3days`
    Number,
    /// `2026-1-5`
    DateForm,
    /// `2026-02-30`
    DateValue,
    /// The line break, or the rest of the line after a `"""`, that shows that a text doesn't end.
    OpenText,
    /// A `"""` with something behind it on its line.
    BlockStart,
    /// `\q`
    Escape,
    /// `'text'`
    SingleQuote,
    /// `&&`, `||`, `!`, `;`: signs of other languages.
    Foreign,
    /// A backtick without its partner.
    Backtick,
    /// Any other character.
    Character,
}

/// The tokens of a text with their places. They tile it.
pub fn tokens(text: &str) -> impl Iterator<Item = (Token, Range<usize>)> {
    Tokens { lexer: Token::lexer(text), modes: Vec::new(), no_block_end: false }
}

enum Mode {
    /// In a text: which closing it waits for.
    Line,
    Block,
    /// In an expression in a text: how many braces are open in it.
    Hole(u32),
}

struct Tokens<'a> {
    lexer: Lexer<'a, Token>,
    modes: Vec<Mode>,
    no_block_end: bool,
}

impl Iterator for Tokens<'_> {
    type Item = (Token, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.lexer.span().end;
        let token = match self.modes.last() {
            Some(Mode::Line) => self.in_line_text(),
            Some(Mode::Block) => self.in_block_text(),
            _ => self.in_code(),
        }?;
        Some((token, start..self.lexer.span().end))
    }
}

impl Tokens<'_> {
    fn in_code(&mut self) -> Option<Token> {
        let token = match self.lexer.next()? {
            Ok(token) => token,
            Err(()) if self.lexer.slice() == "\u{feff}" && self.lexer.span().start == 0 => Token::Space,
            Err(()) => Token::Bad(Bad::Character),
        };
        match (token, self.modes.last_mut()) {
            (Token::TextOpen, _) => return Some(self.open_text()),
            (Token::BraceOpen, Some(Mode::Hole(open))) => *open += 1,
            (Token::BraceClose, Some(Mode::Hole(0))) => {
                self.modes.pop();
                return Some(Token::HoleClose);
            }
            (Token::BraceClose, Some(Mode::Hole(open))) => *open -= 1,
            (Token::Space, Some(_)) if self.lexer.slice().contains('\n') => {
                if let Some(outermost) = self.modes.iter().position(|mode| matches!(mode, Mode::Line)) {
                    self.modes.truncate(outermost);
                    return Some(Token::Bad(Bad::OpenText));
                }
            }
            _ => {}
        }
        Some(token)
    }

    fn open_text(&mut self) -> Token {
        if self.lexer.slice().len() < 3 {
            self.modes.push(Mode::Line);
            return Token::TextOpen;
        }
        let rest = self.lexer.remainder();
        let line = rest.find('\n').unwrap_or(rest.len());
        self.no_block_end = self.no_block_end || !rest.contains("\"\"\"");
        let blank = rest.get(..line).is_some_and(|line| line.trim_end_matches([' ', '\t', '\r']).is_empty());
        if self.no_block_end {
            self.lexer.bump(line);
            return Token::Bad(Bad::OpenText);
        }
        self.modes.push(Mode::Block);
        if blank { Token::TextOpen } else { Token::Bad(Bad::BlockStart) }
    }

    fn in_line_text(&mut self) -> Option<Token> {
        let rest = self.lexer.remainder();
        let (token, length) = match rest.bytes().next()? {
            b'"' => (Token::TextClose, 1),
            b'{' => (Token::HoleOpen, 1),
            b'\n' | b'\r' => (Token::Bad(Bad::OpenText), 1),
            b'\\' => escape(rest),
            _ => (Token::TextPart, rest.find(['"', '{', '\\', '\n', '\r']).unwrap_or(rest.len())),
        };
        self.finish_part(token, length)
    }

    fn in_block_text(&mut self) -> Option<Token> {
        let rest = self.lexer.remainder();
        let (token, length) = match rest.bytes().next()? {
            b'"' if rest.starts_with("\"\"\"") => (Token::TextClose, 3),
            b'{' => (Token::HoleOpen, 1),
            b'\\' => escape(rest),
            _ => {
                (Token::TextPart, rest.bytes().skip(1).position(|byte| matches!(byte, b'"' | b'{' | b'\\')).map_or(rest.len(), |at| at + 1))
            }
        };
        self.finish_part(token, length)
    }

    fn finish_part(&mut self, token: Token, length: usize) -> Option<Token> {
        self.lexer.bump(length);
        match token {
            Token::TextClose => drop(self.modes.pop()),
            Token::HoleOpen => self.modes.push(Mode::Hole(0)),
            Token::Bad(Bad::OpenText) => {
                let outermost = self.modes.iter().position(|mode| matches!(mode, Mode::Line)).unwrap_or(0);
                self.modes.truncate(outermost);
            }
            _ => {}
        }
        Some(token)
    }
}

/// The token and length of what a `\` starts.
fn escape(rest: &str) -> (Token, usize) {
    let bad = |length| (Token::Bad(Bad::Escape), length);
    match rest.chars().nth(1) {
        Some('"' | '\\' | 'n' | 't' | '{' | '}') => (Token::TextPart, 2),
        Some('u') => {
            let inner = rest.strip_prefix("\\u{").unwrap_or_default();
            let length = inner.bytes().take(7).take_while(u8::is_ascii_hexdigit).count();
            let digits = inner.get(..length).unwrap_or_default();
            let hex = (1..=6).contains(&length) && inner.as_bytes().get(length) == Some(&b'}');
            match u32::from_str_radix(digits, 16).ok().and_then(char::from_u32) {
                Some(_) if hex => (Token::TextPart, digits.len() + 4),
                _ if hex => bad(digits.len() + 4),
                _ => bad(2),
            }
        }
        None | Some('\n' | '\r') => bad(1),
        Some(other) => bad(1 + other.len_utf8()),
    }
}

fn comment(lexer: &mut Lexer<Token>) -> Token {
    match lexer.slice().as_bytes() {
        [_, _, b'!', ..] => Token::FileDoc,
        [_, _, b'/', b'/', ..] => Token::Comment,
        [_, _, b'/', ..] => Token::Doc,
        _ => Token::Comment,
    }
}

fn number(lexer: &mut Lexer<Token>) -> Token {
    let rest = lexer.span().start;
    let (token, length) = number::scan(lexer.source().get(rest..).unwrap_or_default());
    lexer.bump(length.saturating_sub(1));
    token
}
