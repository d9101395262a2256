//! The page of a code: its Markdown as it is, or for a terminal with bold headings and the examples dim and indented.

use super::Colour;
use crate::diagnostic::Code;

/// The lines of a page; its title carries the code.
pub fn page(code: Code, colours: bool) -> Vec<String> {
    let text = code.explanation().trim_end();
    let (title, rest) = text.split_once('\n').unwrap_or((text, ""));
    let title = format!("# {}: {}", code.name(), title.trim_start_matches(['#', ' ']));
    let lines = std::iter::once(title.as_str()).chain(rest.lines());
    if !colours {
        return lines.map(str::to_owned).collect();
    }
    let (mut shown, mut example) = (Vec::new(), false);
    for line in lines {
        match line.trim_start_matches('#') {
            _ if line.starts_with("```") => example = !example,
            "" if example => shown.push(String::new()),
            _ if example => shown.push(format!("    {}", Colour::Dim.paint(line, true))),
            heading if heading.len() < line.len() => shown.push(Colour::Strong.paint(heading.trim_start(), true)),
            _ => shown.push(line.to_owned()),
        }
    }
    shown
}
