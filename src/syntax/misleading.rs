//! Characters that make a text look like what it isn't: marks that turn the direction of writing, characters without
//! width, and letters of other scripts that look like Latin ones in the middle of a Latin word.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// How many of them are told.
const MAX_WARNINGS: usize = 20;

/// Letters that look like a Latin one, each before the one that it looks like.
const LOOKALIKES: &[(char, char)] = &[
    ('а', 'a'),
    ('е', 'e'),
    ('о', 'o'),
    ('р', 'p'),
    ('с', 'c'),
    ('у', 'y'),
    ('х', 'x'),
    ('і', 'i'),
    ('ј', 'j'),
    ('ѕ', 's'),
    ('ԁ', 'd'),
    ('һ', 'h'),
    ('ԛ', 'q'),
    ('ԝ', 'w'),
    ('А', 'A'),
    ('В', 'B'),
    ('Е', 'E'),
    ('К', 'K'),
    ('М', 'M'),
    ('Н', 'H'),
    ('О', 'O'),
    ('Р', 'P'),
    ('С', 'C'),
    ('Т', 'T'),
    ('Х', 'X'),
    ('І', 'I'),
    ('Ѕ', 'S'),
    ('Ј', 'J'),
    ('ο', 'o'),
    ('α', 'a'),
    ('ν', 'v'),
    ('ι', 'i'),
    ('Α', 'A'),
    ('Β', 'B'),
    ('Ε', 'E'),
    ('Ζ', 'Z'),
    ('Η', 'H'),
    ('Ι', 'I'),
    ('Κ', 'K'),
    ('Μ', 'M'),
    ('Ν', 'N'),
    ('Ο', 'O'),
    ('Ρ', 'P'),
    ('Τ', 'T'),
    ('Υ', 'Y'),
    ('Χ', 'X'),
];

/// The Latin letter that a letter looks like.
pub(super) fn lookalike(letter: char) -> Option<char> {
    LOOKALIKES.iter().find(|(other, _)| *other == letter).map(|(_, latin)| *latin)
}

/// Warnings about the misleading characters of a text.
pub(super) fn characters(text: &str, file: FileId) -> Vec<Diagnostic> {
    if text.is_ascii() {
        return Vec::new();
    }
    let mut problems = Vec::new();
    let mut word_start = 0;
    let mut last = ' ';
    for (at, character) in text.char_indices() {
        if problems.len() >= MAX_WARNINGS {
            break;
        }
        let span = Span::new(file, at as u32, (at + character.len_utf8()) as u32);
        if !last.is_alphabetic() {
            word_start = at;
        }
        if let Some(what) = invisible(character).filter(|_| at > 0 || character != '\u{feff}') {
            let message = format!("{what} (U+{:04X}) makes this line look different from what it says", character as u32);
            problems.push(Diagnostic::new(Code::W0101, span, message).help("take it out, or write it as an escape in a text: `\\u{…}`"));
        } else if let Some(latin) = lookalike(character).filter(|_| mixed(text, word_start)) {
            let message = format!("`{character}` (U+{:04X}) looks like `{latin}` but is another letter", character as u32);
            problems.push(Diagnostic::new(Code::W0101, span, message).help(format!("write the Latin letter `{latin}`")));
        }
        last = character;
    }
    problems
}

fn invisible(character: char) -> Option<&'static str> {
    Some(match character {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}' => {
            "a mark that turns the direction of writing"
        }
        '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{00ad}' => "a character without width",
        '\u{2028}' | '\u{2029}' | '\u{0085}' => "a line break of another kind",
        _ => return None,
    })
}

/// Whether the word that starts here has a Latin letter in it.
fn mixed(text: &str, start: usize) -> bool {
    let word = text.get(start..).unwrap_or_default();
    word.chars().take(64).take_while(|character| character.is_alphabetic()).any(|character| character.is_ascii_alphabetic())
}
