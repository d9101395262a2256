//! The layout of what can be read is a fixed point with the same tokens, comments and tree.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weir::source::Sources;
use weir::syntax::{Token, format, parse, tokens};

fuzz_target!(|text: &str| {
    let Some(once) = layout(text) else { return };
    let twice = layout(&once).expect("the layout can be read");
    assert_eq!(once, twice, "the layout of the layout is another one");
    assert_eq!(words(text), words(&once), "tokens or comments");
    assert_eq!(tree(text), tree(&once), "the tree");
});

fn layout(text: &str) -> Option<String> {
    let mut sources = Sources::default();
    let file = sources.add("fuzz.flow", text);
    format(&sources, file).ok()
}

/// The tree without its places.
fn tree(text: &str) -> String {
    let mut sources = Sources::default();
    let file = sources.add("fuzz.flow", text);
    let tree = format!("{:?}", parse(&sources, file).0);
    let mut parts = tree.split("Span {");
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        all += part.split_once('}').map_or("", |(_, rest)| rest);
    }
    all
}

/// The tokens without commas, and the comments: those behind last elements may come and go.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (token, range) in tokens(text) {
        let word = text.get(range).unwrap_or_default();
        match token {
            Token::Space | Token::Comma => {}
            Token::TextPart if word.contains('\n') => {
                words.extend(word.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()));
            }
            _ => words.push(word.trim().to_owned()),
        }
    }
    words.sort();
    words
}
