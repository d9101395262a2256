//! `weir explain`: the page of a code.

use clap::Args;

use super::exit::Exit;
use super::output::Output;
use crate::diagnostic::{Code, nearest, render};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A code such as `E0301`; without one, all codes are listed
    code: Option<String>,
}

/// What the first letters of a code say.
const FAMILIES: &[(&str, &str)] = &[
    ("E00", "files"),
    ("E01", "syntax"),
    ("E02", "entities and choices"),
    ("E03", "clauses of a flow"),
    ("E04", "names and types"),
    ("E05", "emptiness"),
    ("E06", "statements"),
    ("E07", "tests and scenarios"),
    ("E08", "compiled files"),
    ("E09", "what this release can't carry yet"),
    ("E10", "flows together"),
    ("W", "warnings"),
    ("O", "operations given to `weir run --ops`"),
    ("S", "stores"),
    ("F", "faults while a flow runs"),
];

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    let Some(asked) = arguments.code.as_deref() else {
        list().iter().for_each(|line| output.line(line));
        return Exit::Well;
    };
    if let Some(code) = Code::find(asked) {
        render::page(code, output.colours()).iter().for_each(|line| output.line(line));
        return Exit::Well;
    }
    let near = if asked.len() > 100 { None } else { nearest(asked, Code::ALL.iter().map(|code| code.name())) };
    let meant = near.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    output.error_line(format!("error: there is no code `{}`{meant}", asked.escape_debug()));
    output.error_line("`weir explain` without a code lists them all");
    Exit::Usage
}

/// All codes by family.
fn list() -> Vec<String> {
    let mut lines = Vec::new();
    for (start, family) in FAMILIES {
        let mut codes = Code::ALL.iter().filter(|code| code.name().starts_with(start)).peekable();
        if codes.peek().is_some() {
            lines.push(format!("{start}  {family}"));
            lines.extend(codes.map(|code| format!("  {:<5}  {}", code.name(), code.title())));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_family() {
        let homeless = |code: &&Code| FAMILIES.iter().filter(|(start, _)| code.name().starts_with(start)).count() != 1;
        assert_eq!(Code::ALL.iter().find(homeless), None);
    }
}
