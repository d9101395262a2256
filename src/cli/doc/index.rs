//! The first page: the diagram, all entities, the named choices, the roles and the actions on no entity.

use std::fmt::Write as _;

use super::book::Book;
use super::{ENTITIES, diagram, flow};
use crate::diagnostic::render::counted;
use crate::exchange::html::{escaped, paragraphs};
use crate::syntax::ast;

/// The page without its head.
pub(super) fn page(book: &Book<'_>) -> String {
    let entities = book.entities();
    let mut page = format!("<h1>{}</h1>\n", escaped(&book.title));
    for (_, text) in book.introductions() {
        page += &paragraphs(text);
    }
    if entities.is_empty() {
        page += "<p class=\"soft\">No entity is declared here.</p>\n";
    } else {
        page += &format!("<h2>Entities</h2>\n{}", diagram::svg(book, None, &format!("{ENTITIES}/")));
        page += &table(book, &entities);
    }
    let actions = book.coded(None);
    if !actions.is_empty() {
        page += "<h2>Actions on no record</h2>\n";
        actions.iter().for_each(|action| page += &flow::section(book, *action, &format!("{ENTITIES}/")));
    }
    choices(book, &mut page);
    roles(book, &mut page);
    page
}

fn table(book: &Book<'_>, entities: &[&ast::Entity]) -> String {
    let mut table = "<div class=\"wide\"><table>\n<tr><th>Entity</th><th></th><th>Fields</th><th>Runs on it</th></tr>\n".to_owned();
    for entity in entities {
        let name = escaped(&entity.name.text);
        let badge = if book.is_built_in(&entity.name.text) { "<span class=\"badge\">built in</span>" } else { "" };
        let doc = entity.doc.as_deref().map(first).unwrap_or_default();
        let fields = entity.members.iter().filter(|member| matches!(member, ast::Member::Field(_))).count();
        let coded = book.coded(Some(&entity.name.text));
        let links: Vec<String> =
            coded.iter().map(|coded| format!("<a href=\"{ENTITIES}/{name}.html#{0}\">{0}</a>", escaped(coded.name()))).collect();
        let _ = writeln!(
            table,
            "<tr><td><a href=\"{ENTITIES}/{name}.html\">{name}</a>{badge}</td><td>{}</td><td>{fields}</td><td>{}</td></tr>",
            paragraphs(doc),
            links.join(", ")
        );
    }
    table + "</table></div>\n"
}

/// The first paragraph of a comment.
fn first(doc: &str) -> &str {
    doc.split("\n\n").next().unwrap_or(doc)
}

fn choices(book: &Book<'_>, page: &mut String) {
    let mut heading = Some("<h2>Choices</h2>\n");
    for choice in book.choices() {
        *page += heading.take().unwrap_or_default();
        let count = counted(choice.options.len(), "option");
        let _ = writeln!(page, "<h3 id=\"choice-{0}\">{0}<span class=\"soft\">{count}</span></h3>", escaped(&choice.name.text));
        *page += &paragraphs(choice.doc.as_deref().unwrap_or(""));
        *page += "<div class=\"wide\"><table>\n<tr><th>Option</th><th>Label</th><th>Code</th></tr>\n";
        for option in &choice.options {
            let label = option.label.as_ref().map(|label| escaped(&label.text)).unwrap_or_default();
            let _ = writeln!(
                page,
                "<tr><td><code>{}</code></td><td>{label}</td><td>{}</td></tr>",
                escaped(&option.name.text),
                option.code.value
            );
        }
        *page += "</table></div>\n";
    }
}

fn roles(book: &Book<'_>, page: &mut String) {
    let mut heading = Some("<h2>Roles</h2>\n");
    for role in book.roles() {
        *page += heading.take().unwrap_or_default();
        let _ = writeln!(page, "<h3>{}</h3>\n{}<ul>", escaped(&role.name.text), paragraphs(role.doc.as_deref().unwrap_or("")));
        for privilege in &role.privileges {
            let _ = writeln!(page, "<li><code>{}</code></li>", escaped(book.text(privilege.span).trim()));
        }
        *page += "</ul>\n";
    }
}
