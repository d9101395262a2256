//! The layout held from outside: a fixed point that keeps every token, every comment and the meaning, whatever the text was
//! laid out like before. `WEIR_FORMAT_CASES=20000 cargo test --release --test format` is a longer run.

#![cfg(test)]

#[path = "engines/generate.rs"]
mod generate;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use generate::{Generator, SCHEMA};
use weir::diagnostic::Code;
use weir::project::Project;
use weir::source::Sources;
use weir::syntax::{Token, format, parse, tokens};

fn formatted(text: &str) -> Option<String> {
    let mut sources = Sources::default();
    let file = sources.add("case.flow", text);
    format(&sources, file).ok()
}

/// The tree of a text, documentation included, without its places.
fn tree(text: &str) -> String {
    let mut sources = Sources::default();
    let file = sources.add("case.flow", text);
    let (tree, _) = parse(&sources, file);
    without_places(&format!("{tree:?}"))
}

fn without_places(text: &str) -> String {
    let mut parts = text.split("Span {");
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        all += part.split_once('}').unwrap().1;
    }
    all
}

/// What a text compiles to, without places; what is said about it where it doesn't compile.
fn meaning(text: &str) -> String {
    let project = Project::from_text("case.flow", text);
    match project.compile() {
        Ok(compiled) => without_places(&format!("{:?}", compiled.program)),
        Err(_) => project.diagnostics.iter().map(|problem| format!("{} {}\n", problem.code.name(), problem.message)).collect(),
    }
}

/// The tokens of a text without the commas behind last elements, and its comments.
fn words(text: &str) -> (Vec<&str>, Vec<&str>) {
    let (mut words, mut comments, mut before_comma) = (Vec::new(), Vec::new(), None);
    for (token, range) in tokens(text) {
        let word = text.get(range).unwrap();
        match token {
            Token::Space => {}
            Token::Comment | Token::Doc | Token::FileDoc => comments.push(word.trim_end()),
            Token::TextPart if word.contains('\n') => words.extend(word.lines().map(str::trim).filter(|line| !line.is_empty())),
            Token::Comma => before_comma = Some(words.len()),
            _ => {
                let dropped = matches!(token, Token::ParenClose | Token::BraceClose | Token::BracketClose) || words.last() == Some(&"}");
                if before_comma.take().is_some() && !dropped {
                    words.push(",");
                }
                words.push(word);
            }
        }
    }
    (words, comments)
}

/// Holds a text that can be read against its layout, and gives the layout.
fn hold(place: &str, text: &str) -> String {
    let once = formatted(text).unwrap();
    let twice = formatted(&once).unwrap_or_else(|| panic!("{place}: the layout can't be read:\n{once}"));
    assert_eq!(once, twice, "{place}: the layout of the layout is another one");
    assert_eq!(words(text), words(&once), "{place}: tokens or comments");
    assert_eq!(tree(text), tree(&once), "{place}: the tree");
    assert!(once.is_empty() || once.ends_with('\n'), "{place}: ends with a line break");
    assert!(!once.contains("\n\n\n") || text.contains("\"\"\""), "{place}: two empty lines");
    once
}

/// Every text of the project that can be read, with its name.
fn corpus() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<PathBuf> =
        ["examples", "tests/cases", "docs", "README.md", "src/diagnostic/explain"].map(|name| root.join(name)).to_vec();
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let name = path.strip_prefix(root).unwrap().display().to_string();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("flow") => found.push((name, fs::read_to_string(&path).unwrap())),
            Some("md") => {
                let page = fs::read_to_string(&path).unwrap();
                let blocks = page.split("\n```flow").skip(1).filter_map(|block| block.split_once('\n')?.1.split_once("```"));
                found.extend(blocks.enumerate().map(|(index, (block, _))| (format!("{name}, block {index}"), block.to_owned())));
            }
            _ => {}
        }
    }
    found.retain(|(_, text)| formatted(text).is_some());
    found.sort();
    found
}

/// Other white space and more comments where there is white space in a text, outside of texts.
fn disturbed(text: &str, generator: &mut Generator) -> String {
    let (mut result, mut depth) = (String::new(), 0);
    for (index, (token, range)) in tokens(text).enumerate() {
        match token {
            Token::TextOpen => depth += 1,
            Token::TextClose => depth -= 1,
            _ => {}
        }
        let word = text.get(range).unwrap();
        let needed = if result.trim_end_matches([' ', '\t']).ends_with('\n') || !word.contains('\n') { " " } else { "\n" };
        match (token, generator.below(12)) {
            (Token::Space, way) if depth == 0 => match way {
                0 => result += &format!(" // c{index}\n"),
                1 => result += &format!("\n\n  // d{index}\r\n// e{index} \n\n\n"),
                2 => result += "\n",
                3 => result += "\r\n\t\n \n  ",
                4 => result += &format!("{needed}   "),
                _ => result += word,
            },
            _ => result += word,
        }
    }
    result
}

#[test]
fn what_is_laid_out_means_the_same() {
    let corpus = corpus();
    assert!(corpus.len() > 200, "the texts are found: {}", corpus.len());
    for (place, text) in &corpus {
        let layout = hold(place, text);
        assert_eq!(meaning(text), meaning(&layout), "{place}");
    }
    println!("{} texts", corpus.len());
}

#[test]
fn generated_flows_mean_the_same() {
    let wanted: u64 = std::env::var("WEIR_FORMAT_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(80);
    for seed in 0..wanted {
        let text = format!("{SCHEMA}\n{}", Generator::new(seed).flow());
        let layout = hold(&format!("seed {seed}"), &text);
        assert_eq!(meaning(&text), meaning(&layout), "seed {seed}:\n{text}\n{layout}");
        assert!(!layout.lines().any(|line| line.ends_with(' ')), "seed {seed}: blanks at the end of a line");
    }
}

#[test]
fn comments_and_line_breaks_anywhere_are_kept_and_change_nothing() {
    let wanted: u64 = std::env::var("WEIR_FORMAT_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    let mut corpus = corpus();
    corpus.extend((0..20).map(|seed| (format!("seed {seed}"), Generator::new(seed).flow())));
    let (mut held, mut unread) = (0, 0);
    for seed in 0..wanted {
        let mut generator = Generator::new(seed);
        let (place, text) = &corpus[generator.below(corpus.len() as u64) as usize];
        let text = disturbed(text, &mut generator);
        if formatted(&text).is_none() {
            unread += 1;
            continue;
        }
        hold(&format!("{place} disturbed by {seed}:\n{text}\n"), &text);
        held += 1;
    }
    println!("{held} texts held, {unread} can't be read once they are disturbed");
    assert!(unread * 20 < held, "{held} {unread}");
}

/// A text with a single blank for all white space outside of texts.
fn squeezed(text: &str) -> String {
    let (mut result, mut depth) = (String::new(), 0);
    for (token, range) in tokens(text) {
        match token {
            Token::TextOpen => depth += 1,
            Token::TextClose => depth -= 1,
            _ => {}
        }
        result += if token == Token::Space && depth == 0 { " " } else { text.get(range).unwrap() };
    }
    result
}

#[test]
fn the_layout_does_not_depend_on_that_before() {
    let lines = |text: &str| text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let generated = (0..100).map(|seed| (format!("seed {seed}"), format!("{SCHEMA}\n{}", Generator::new(seed).flow())));
    let mut held = 0;
    for (place, text) in corpus().into_iter().chain(generated).filter(|(_, text)| words(text).1.is_empty()) {
        let Some(layout) = formatted(&squeezed(&text)) else { continue };
        assert_eq!(lines(&hold(&place, &text)), lines(&layout), "{place}");
        held += 1;
    }
    assert!(held > 200, "{held}");
}

/// A page with its flow blocks laid out, those that can be read.
fn laid_out_page(page: &str) -> String {
    let mut result = String::new();
    let mut block: Option<String> = None;
    for line in page.split_inclusive('\n') {
        match &mut block {
            Some(text) if line.trim_end() != "```" => text.push_str(line),
            open => {
                let text = open.take();
                result += &text.map(|text| formatted(&text).unwrap_or(text)).unwrap_or_default();
                result += line;
                block = line.starts_with("```flow").then(String::new);
            }
        }
    }
    result
}

/// `WEIR_LAY_OUT=1 cargo test --test format` lays them out.
#[test]
fn examples_and_pages_are_laid_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<PathBuf> = ["examples", "docs", "README.md"].map(|name| root.join(name)).to_vec();
    let (mut seen, mut wrong) = (0, Vec::new());
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = match path.extension().and_then(|extension| extension.to_str()) {
            Some("flow" | "md") => fs::read_to_string(&path).unwrap(),
            _ => continue,
        };
        let flow = path.extension().is_some_and(|extension| extension == "flow");
        let layout = if flow { formatted(&text).unwrap() } else { laid_out_page(&text) };
        seen += 1;
        if layout != text && std::env::var_os("WEIR_LAY_OUT").is_some() {
            fs::write(&path, layout).unwrap();
        } else if layout != text {
            wrong.push(path);
        }
    }
    assert!(seen > 6, "the texts are found: {seen}");
    assert!(wrong.is_empty(), "WEIR_LAY_OUT=1 cargo test --test format lays these out: {wrong:#?}");
}

#[test]
fn cases() {
    insta::glob!("cases/format/*.flow", |path| {
        let text = fs::read_to_string(path).unwrap();
        let layout = hold(&path.display().to_string(), &text);
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "cases/format/snapshots" }, {
            insta::assert_snapshot!(format!("{text}\n---------------------------------------- is laid out as\n{layout}"));
        });
    });
}

#[test]
fn what_can_not_be_read_has_no_layout() {
    for text in ["flow F on a { set a = }", "x", "entity a {", "flow F on a { set a = b < c < d }", "stop \"abc"] {
        assert_eq!(formatted(text), None, "{text}");
    }
    assert_eq!(formatted("\u{feff}// c\r\n\r\n").as_deref(), Some("// c\n"));
    assert_eq!(formatted("").as_deref(), Some(""));
    assert_eq!(formatted("\n \n").as_deref(), Some(""));
}

/// The layout of a hostile text, on a stack of 2 MiB and in time.
fn hostile(text: String) -> Option<String> {
    let run = move || {
        let start = Instant::now();
        (formatted(&text), start.elapsed())
    };
    let (layout, time) = std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
    assert!(time < Duration::from_secs(20), "took {time:?}");
    layout
}

#[test]
fn hostile_texts_take_time_in_proportion() {
    let flow = |body: &str| format!("flow F on a {{ trigger create {body} }}");
    let deep = format!("{}set a = 1{}", "if a { ".repeat(63), "}".repeat(63));
    assert!(hostile(flow(&deep)).unwrap().len() < 20_000);
    let calls = format!("set a = {}1{}", "f(x or not -y and ".repeat(40), ")".repeat(40));
    assert!(hostile(flow(&calls)).unwrap().len() < 20_000);
    let texts = format!("stop {}a{}", "\"{".repeat(63), "}\"".repeat(63));
    assert_eq!(hostile(flow(&texts)).unwrap().lines().count(), 5);
    let chain = hostile(flow(&format!("if a {{}}{}", "else if a {} ".repeat(10_000)))).unwrap();
    assert_eq!(chain.lines().count(), 5);
    let long = "x".repeat(50_000);
    let fields =
        hostile(format!("entity a {{ {long} text(1) {} }}", (0..5_000).map(|at| format!("f{at} text(1) ")).collect::<String>())).unwrap();
    assert!(fields.len() < 200_000, "{}", fields.len());
    let comments = hostile("// c\n".repeat(100_000)).unwrap();
    assert_eq!(comments.len(), 500_000);
    assert!(hostile(flow(&"set a = 1 // c\n".repeat(20_000))).unwrap().len() < 1_000_000);
}

#[test]
fn a_layout_that_would_be_larger_than_a_file_is_refused() {
    let text = |count: usize| format!("flow F on a {{trigger create {}{}}}", "if a{".repeat(60), "//\n".repeat(count) + &"}".repeat(60));
    let mut sources = Sources::default();
    let file = sources.add("case.flow", text(1_000));
    let larger = sources.add("larger.flow", text(270_000));
    assert!(format(&sources, file).is_ok());
    assert_eq!(format(&sources, larger).unwrap_err()[0].code, Code::E0010);
}
