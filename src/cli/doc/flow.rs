//! What is said of a flow, an action or a plug-in: its comment, its clauses, what it does at most, its text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::book::{Book, Coded};
use super::code_link;
use crate::bytecode::Signature;
use crate::exchange::html::{escaped, paragraphs};
use crate::syntax::ast::ClauseKind;

/// The section; `entities` is the way from the page to those of the entities.
pub(super) fn section(book: &Book<'_>, coded: Coded<'_>, entities: &str) -> String {
    let name = escaped(coded.name());
    let place = escaped(&book.place(coded.span()));
    let mut section = format!(
        "<section class=\"flow\" id=\"{name}\">\n<h3>{name}<span class=\"badge\">{}</span><span class=\"soft\">{place}</span></h3>\n{}<dl>\n",
        coded.kind(),
        paragraphs(coded.doc())
    );
    for clause in coded.clauses() {
        // The words of a clause begin with its name.
        let text = book.text(clause.span).split_whitespace().collect::<Vec<_>>().join(" ");
        let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
        if !matches!(clause.kind, ClauseKind::Unread(_)) {
            let _ = writeln!(section, "<dt>{}</dt><dd><code>{}</code></dd>", escaped(word), escaped(rest));
        }
    }
    if let Some(signature) = book.signature(coded.name()).filter(|_| matches!(coded, Coded::Flow(_))) {
        section += &does(book, signature, entities);
    }
    let text = escaped(book.text(coded.span()));
    section + &format!("</dl>\n<details><summary>Source</summary>\n<pre>{text}</pre>\n</details>\n</section>\n")
}

/// What a flow does at most.
fn does(book: &Book<'_>, signature: &Signature, entities: &str) -> String {
    let codes = |names: &[String]| names.iter().map(|name| format!("<code>{}</code>", escaped(name))).collect::<Vec<_>>().join(", ");
    let entity = |name: &str| {
        let text = escaped(name);
        if book.has(name) { format!("<a href=\"{entities}{text}.html\">{text}</a>") } else { text }
    };
    let by = |lists: &BTreeMap<String, Vec<String>>| {
        lists.iter().map(|(of, fields)| format!("{} ({})", entity(of), codes(fields))).collect::<Vec<_>>().join(", ")
    };
    let list = |names: &[String]| names.iter().map(|name| entity(name)).collect::<Vec<_>>().join(", ");
    let flows = |names: &[String]| names.iter().map(|name| code_link(book, name, entities)).collect::<Vec<_>>().join(", ");
    let may = [(signature.may_stop, "stop the operation"), (signature.may_wait, "wait"), (signature.unknown, "do anything")];
    let may: Vec<&str> = may.into_iter().filter(|(may, _)| *may).map(|(_, words)| words).collect();
    let rows = [
        ("reads", codes(&signature.reads)),
        ("of others", by(&signature.related)),
        ("asks", by(&signature.queries)),
        ("sets", codes(&signature.sets)),
        ("creates", list(&signature.creates)),
        ("updates", by(&signature.updates)),
        ("deletes", list(&signature.deletes)),
        ("starts", flows(&signature.starts)),
        ("performs", flows(&signature.performs)),
        ("sets off", flows(&signature.sets_off)),
        ("may", may.join(", ")),
    ];
    let written = rows.iter().filter(|(_, value)| !value.is_empty());
    written.map(|(what, value)| format!("<dt>{what}</dt><dd>{value}</dd>\n")).collect()
}
