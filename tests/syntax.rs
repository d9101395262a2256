//! The front end held from outside: every file of `cases/syntax` with its errors and its tree, hostile texts, and
//! generated ones.

#![cfg(test)]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use weir::source::Sources;
use weir::syntax::{Token, parse, tokens};

/// The errors of a text, a line each.
fn problems(text: &str) -> Vec<String> {
    let mut sources = Sources::default();
    let file = sources.add("case.flow", text);
    let (_, problems) = parse(&sources, file);
    let line = |problem: &weir::diagnostic::Diagnostic| {
        let at = sources.position(problem.span().unwrap());
        let mut line = format!("{}:{} {} {}", at.line, at.column, problem.code.name(), problem.message);
        for label in problem.labels.iter().filter(|label| !label.text.is_empty()) {
            let at = sources.position(label.span);
            let _ = write!(line, "\n    {}:{} {}", at.line, at.column, label.text);
        }
        for help in &problem.help {
            let _ = write!(line, "\n    help: {help}");
        }
        line
    };
    problems.iter().map(line).collect()
}

/// The tree of a text, without its places.
fn tree(text: &str) -> String {
    let mut sources = Sources::default();
    let file = sources.add("case.flow", text);
    let (file, _) = parse(&sources, file);
    let mut out = String::new();
    for item in &file.items {
        let mut rest = format!("{item:?}");
        while let Some(at) = rest.find("Span {") {
            let (before, after) = rest.split_at(at);
            let end = after.find('}').unwrap() + at + 1;
            let key = before.rfind(", ").filter(|key| !before.split_at(*key).1.contains(['(', '{'])).unwrap_or(at);
            rest.replace_range(key..end, "");
        }
        for line in ["Stmt {", "Field { doc", "Clause {", "Status(", "Key([", "OnDelete(", "OwnedBy(", "Privilege {", "Write {"] {
            rest = rest.replace(line, &format!("\n  {line}"));
        }
        let _ = writeln!(out, "{rest}");
    }
    out
}

#[test]
fn cases() {
    insta::glob!("cases/syntax/*.flow", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let found = problems(&text);
        let good = path.file_name().unwrap().to_str().unwrap().starts_with("good_");
        assert!(!good || found.is_empty(), "{found:#?}");
        let result = if good { tree(&text) } else { found.join("\n") };
        let source: Vec<_> = text.lines().enumerate().map(|(at, line)| format!("{:>3} | {line}", at + 1)).collect();
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "cases/syntax/snapshots" }, {
            insta::assert_snapshot!(format!("{}\n\n{result}", source.join("\n")));
        });
    });
}

#[test]
fn spans_are_the_words_of_their_nodes() {
    let text = "flow F on a {\n  trigger create // c\n  set a = b // c\n\n  // d\n  finish // e\n  if a is empty { } // f\n}\n";
    let mut sources = Sources::default();
    let id = sources.add("case.flow", text);
    let (file, _) = parse(&sources, id);
    let weir::syntax::ast::Item::Flow(flow) = &file.items[0] else { panic!("a flow") };
    let spans: Vec<_> =
        flow.clauses.iter().map(|clause| clause.span).chain(flow.body.statements.iter().map(|statement| statement.span)).collect();
    let texts: Vec<_> = spans.into_iter().map(|span| sources.slice(span)).collect();
    assert_eq!(texts, ["trigger create", "set a = b", "finish", "if a is empty { }"]);
}

#[test]
fn an_error_leaves_the_rest_in_the_tree() {
    let text = "flow F on a { trigger create\n set a = 1\n set b =\n if c { log 3\n stop \"x\" } }\nflow G on a { trigger update(b) }";
    assert_eq!(problems(text).len(), 2, "{:#?}", problems(text));
    let tree = tree(text);
    assert!(tree.contains("\"a\"") && tree.contains("Stop") && tree.contains("\"G\"") && !tree.contains("\"b\" }, operator"), "{tree}");
}

#[test]
fn words_of_declarations_and_statements_are_names_where_they_start_a_line() {
    let fields = "entity a {\n  role choice { x = 1 }\n  choice choices {\n    y = 1,\n  }\n  update boolean\n  set text(5)\n  key (\n    set,\n    update)\n}\n";
    let flow = "flow F on a {\n  trigger update(\n    set,\n    update\n  )\n  start G(\n    set // c\n    = 1) on this\n}\n";
    assert_eq!(problems(&format!("{fields}{flow}")), [] as [String; 0]);
}

/// Parses on a stack of 2 MiB and within a second, and gives what was found.
fn hostile(text: String) -> Vec<String> {
    let run = move || {
        let start = Instant::now();
        let found = problems(&text);
        (found, start.elapsed())
    };
    let (found, time) = std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
    // Well under a second by itself; a test that runs beside others on a busy machine needs some room.
    assert!(time < Duration::from_secs(4), "took {time:?}");
    found
}

/// One error, with this code.
fn one(text: String, code: &str) {
    let found = hostile(text);
    assert!(found.len() == 1 && found[0].contains(code), "{:#?}", &found[..found.len().min(5)]);
}

fn flow(body: &str) -> String {
    format!("flow F on a {{\ntrigger create\n{body}\n}}\n")
}

#[test]
fn hostile_texts() {
    assert!(hostile(String::new()).is_empty());
    assert!(hostile("  // nothing\n".into()).is_empty());
    one("(".repeat(10_000_000), "E0110");
    one(flow(&format!("set a = {}", "(".repeat(10_000_000))), "E0110");
    one(flow(&"if a {\n".repeat(100_000)), "E0110");
    one(flow(&"if a { ".repeat(100_000)), "E0110");
    one(flow(&format!("set a = {}", "a + ".repeat(200_000))), "E0110");
    one(flow(&format!("set a = {} a", "a + ".repeat(500))), "E0110");
    one(flow(&format!("set a = {} a", "not ".repeat(200_000))), "E0110");
    one(flow(&format!("set a = {} a", "- ".repeat(200_000))), "E0110");
    one(flow(&format!("set a = {} a", "- ".repeat(500))), "E0110");
    one(flow(&format!("set a = a{}", ".b".repeat(200_000))), "E0110");
    one(flow(&format!("set a = a{}", ".b".repeat(500))), "E0110");
    one(flow(&format!("stop \"{}", "{".repeat(100_000))), "E0110");
    one(flow(&format!("stop {}", "\"{".repeat(100_000))), "E0110");
    one("flow F on a {\ntrigger create\n set a = \"\"\"\n abc\n}".into(), "E0102");
    one("a".repeat((16 << 20) + 1), "E0111");
    assert!(hostile(flow(&format!("if a {{}}{}", "else if a {} ".repeat(10_000)))).is_empty());
}

#[test]
fn hostile_characters_and_numbers_of_errors() {
    assert!(!hostile("\0\0\0".into()).is_empty());
    one(flow("set a = \0\0"), "E0115");
    one(flow("stop \"abc"), "E0102");
    let many = hostile(flow(&"sett x = 1\n".repeat(100_000)));
    assert_eq!(many.len(), 101);
    assert!(many[100].contains("E0111"));
    assert!(hostile("x\n".repeat(100_000)).len() <= 101);
    assert!(hostile("flow\n".repeat(20_000)).len() <= 101);
    assert!(hostile("}".repeat(1_000_000)).len() <= 101);
    assert!(hostile("set a }\n".repeat(50_000)).len() <= 101);
    assert!(hostile(flow(&format!("if a {{ }}{}", "else if a { § } ".repeat(20_000)))).len() <= 101);
    let restarts = format!("entity\n\"\"\"\n{}\n", "(".repeat(65));
    assert!(hostile(restarts.repeat(20_000)).len() <= 102);
    assert!(hostile("\"\"\"\n\\\"\"\"".repeat(20_000)).len() <= 101);
}

#[test]
fn the_deepest_that_is_allowed_is_read() {
    let deep = format!("{}set a = 1{}", "if a { ".repeat(63), "}".repeat(63));
    assert!(hostile(flow(&deep)).is_empty());
    let parentheses = format!("set a = {}1{}", "(".repeat(63), ")".repeat(63));
    assert!(hostile(flow(&parentheses)).is_empty());
    let texts = format!("stop {}a{}", "\"{".repeat(63), "}\"".repeat(63));
    assert!(hostile(flow(&texts)).is_empty());
    let calls = format!("set a = {}1{}", "f(x or not -y and ".repeat(40), ")".repeat(40));
    assert!(hostile(flow(&calls)).is_empty());
    let mixed = format!("{}set a = {}1 {}", "step \"a\" { for each b { ".repeat(20), "f(g[".repeat(11), "])".repeat(11)) + &"}".repeat(40);
    assert!(hostile(flow(&mixed)).is_empty());
    let broken = format!("{}set a = {}", "if a { ".repeat(63), "}".repeat(63));
    one(flow(&broken), "E0101");
}

/// Words, signs and white space that come up in the language, in any order.
fn soup() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "flow",
        "entity",
        "test",
        "on",
        "trigger",
        "create",
        "update",
        "set",
        "if",
        "else",
        "match",
        "let",
        "wait",
        "a",
        "b",
        "name",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "=",
        "==",
        "+",
        "-",
        "\"",
        "\"\"\"",
        "`",
        ",",
        ".",
        "..",
        "1",
        "3 days",
        "2026-01-01",
        "\n",
        " ",
        "// c\n",
        "/// d\n",
        "é",
        "\\",
        "=>",
        "|",
        "?",
        "??",
        "and",
        "not",
        "is",
        "empty",
        "in",
        "between",
        "where",
        "for",
        "each",
        "\u{202e}",
    ]);
    prop::collection::vec(words, 0..60).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn tokens_tile_any_text(text in any::<String>(), soup in soup()) {
        for text in [text, soup] {
            let mut at = 0;
            for (_, range) in tokens(&text) {
                prop_assert_eq!(range.start, at);
                prop_assert!(range.end > at);
                prop_assert!(text.get(range.clone()).is_some());
                at = range.end;
            }
            prop_assert_eq!(at, text.len());
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), soup in soup()) {
        problems(&text);
        problems(&soup);
        problems(&flow(&soup));
        problems(&format!("entity a {{ {soup} }}"));
    }

    #[test]
    fn what_is_accepted_has_good_tokens(soup in soup()) {
        let text = flow(&soup);
        if problems(&text).is_empty() {
            let kinds: Vec<Token> = tokens(&text).map(|(token, _)| token).collect();
            prop_assert!(!kinds.iter().any(|token| matches!(token, Token::Bad(_))));
            let count = |wanted: Token| kinds.iter().filter(|token| **token == wanted).count();
            prop_assert_eq!(count(Token::BraceOpen), count(Token::BraceClose));
            prop_assert_eq!(count(Token::ParenOpen), count(Token::ParenClose));
        }
    }
}

#[test]
fn line_breaks_in_heads_and_fields_are_no_mistakes() {
    let text = "entity account { name\n text(160) }\naction Rate\n\n// rated by whom\n on account\n{\n input limit money required\n}\nflow\n Review\n on account\n{ trigger create }\n";
    let mut sources = weir::source::Sources::default();
    let file = sources.add("a.flow", text);
    let (tree, problems) = weir::syntax::parse(&sources, file);
    assert_eq!(problems, []);
    assert_eq!(tree.items.len(), 3);
}
