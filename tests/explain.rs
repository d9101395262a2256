//! The pages of `weir explain` are true: each has its code's title, a bad example yields its code, a good one has no error.

#![cfg(test)]

use weir::diagnostic::{Code, Diagnostic, Severity};
use weir::project::Project;

/// The codes of errors and warnings that have no examples, beside those of files: hostile texts, and numbers that no example shows well.
const WITHOUT_EXAMPLES: &[&str] = &["E0111", "E0219", "E0618"];

fn problems(text: &str) -> Vec<Diagnostic> {
    Project::from_text("example.flow", text).diagnostics
}

/// The examples of a page whose fence says `flow` and this word.
fn examples(code: Code, word: &str) -> Vec<String> {
    let fence = format!("```flow {word}");
    let mut found = Vec::new();
    let mut lines = code.explanation().lines();
    while let Some(line) = lines.next() {
        if line == fence {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            found.push(text.join("\n") + "\n");
        }
    }
    found
}

fn in_words(problems: &[Diagnostic]) -> String {
    problems.iter().map(|problem| format!("  {}: {}\n", problem.code.name(), problem.message)).collect()
}

#[test]
fn every_page_has_its_title_and_says_something() {
    for code in Code::ALL {
        let page = code.explanation();
        assert_eq!(page.lines().next(), Some(format!("# {}", code.title()).as_str()), "the title of {}", code.name());
        assert!(page.len() > 120 + code.title().len(), "the page of {} says next to nothing", code.name());
        assert_eq!(page.matches("```").count() % 2, 0, "a fence of {} is left open", code.name());
    }
}

#[test]
fn errors_and_warnings_have_examples() {
    for code in Code::ALL.iter().filter(|code| code.name().starts_with(['E', 'W'])) {
        let of_files = code.name().starts_with("E00") || code.name().starts_with("E08");
        let wanted = !of_files && !WITHOUT_EXAMPLES.contains(&code.name());
        for word in ["bad", "good"] {
            assert_eq!(!examples(*code, word).is_empty(), wanted, "examples `flow {word}` of {}", code.name());
        }
    }
}

#[test]
fn a_bad_example_yields_its_code() {
    let mut wrong = String::new();
    for code in Code::ALL {
        for text in examples(*code, "bad") {
            let problems = problems(&text);
            if !problems.iter().any(|problem| problem.code == *code) {
                wrong += &format!("{} isn't yielded by\n{text}what is:\n{}\n", code.name(), in_words(&problems));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_good_example_has_no_error() {
    let mut wrong = String::new();
    for code in Code::ALL {
        for text in examples(*code, "good") {
            let problems = problems(&text);
            let is_bad = |problem: &Diagnostic| problem.severity() != Severity::Warning || problem.code == *code;
            if problems.iter().any(is_bad) {
                wrong += &format!("the good example of {}\n{text}has:\n{}\n", code.name(), in_words(&problems));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
