//! The entities of a project as a drawing: a box for each with its lookups as rows, and an arrow from each lookup to what it refers to.
//! What is referred to stands to the left of what refers to it, as far as that goes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::ENTITIES;
use super::book::Book;
use crate::exchange::html::escaped;
use crate::syntax::ast::{self, Member, TypeKind};

/// Sizes, in the units of the drawing.
const HEAD: usize = 30;
const ROW: usize = 20;
const GAP: usize = 24;
const BETWEEN: usize = 90;
const LETTER: usize = 8;
const MARGIN: usize = 12;

/// A box.
struct Node<'a> {
    name: &'a str,
    /// The lookups, each with the boxes that it refers to.
    rows: Vec<(&'a str, Vec<usize>)>,
    column: usize,
    x: usize,
    y: usize,
    width: usize,
}

impl Node<'_> {
    fn height(&self) -> usize {
        HEAD + self.rows.len() * ROW + if self.rows.is_empty() { 0 } else { 6 }
    }

    /// The middle of a row.
    fn row(&self, row: usize) -> usize {
        self.y + HEAD + row * ROW + ROW / 2 + 2
    }
}

/// The drawing.
pub(super) fn svg(book: &Book<'_>, entities: &[&ast::Entity]) -> String {
    let mut nodes = nodes(entities);
    place(&mut nodes);
    let width = nodes.iter().map(|node| node.x + node.width).max().unwrap_or(0) + MARGIN + 30;
    let height = nodes.iter().map(|node| node.y + node.height()).max().unwrap_or(0) + MARGIN;
    let mut svg = format!(
        "<svg role=\"img\" aria-label=\"The entities of {0} and their lookups\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
        <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">\
        <path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n",
        escaped(&book.title)
    );
    for node in &nodes {
        for (row, (field, targets)) in node.rows.iter().enumerate() {
            for target in targets.iter().filter_map(|target| nodes.get(*target)) {
                let path = arrow(node, row, target);
                let title = format!("{}.{field} → {}", node.name, target.name);
                let _ = writeln!(svg, "<path d=\"{path}\" marker-end=\"url(#tip)\"><title>{}</title></path>", escaped(&title));
            }
        }
    }
    nodes.iter().for_each(|node| svg += &boxed(node));
    svg + "</svg>\n"
}

fn nodes<'a>(entities: &[&'a ast::Entity]) -> Vec<Node<'a>> {
    let places: BTreeMap<&str, usize> = entities.iter().enumerate().map(|(place, entity)| (entity.name.text.as_str(), place)).collect();
    let lookups = |entity: &'a ast::Entity| {
        let fields = entity.members.iter().filter_map(|member| match member {
            Member::Field(field) => Some(field),
            _ => None,
        });
        let rows = fields.filter_map(|field| match &field.ty.kind {
            TypeKind::Lookup(targets) => {
                let known: Vec<usize> = targets.iter().filter_map(|target| places.get(target.text.as_str()).copied()).collect();
                Some((field.name.text.as_str(), known)).filter(|(_, known)| !known.is_empty())
            }
            _ => None,
        });
        rows.collect::<Vec<_>>()
    };
    let node = |entity: &&'a ast::Entity| {
        let rows = lookups(entity);
        let longest = rows.iter().map(|(field, _)| field.chars().count()).chain([entity.name.text.chars().count() + 1]).max().unwrap_or(0);
        Node { name: &entity.name.text, rows, column: 0, x: 0, y: 0, width: longest * LETTER + 2 * MARGIN }
    };
    entities.iter().map(node).collect()
}

/// Gives each box its column, one to the right of what it refers to, and its place in it. In a circle somebody has to stand to the
/// left of what they refer to: after as many rounds as there are boxes, all stay where they are.
fn place(nodes: &mut [Node<'_>]) {
    let count = nodes.len();
    let most = count.min(8);
    for _ in 0..most {
        let columns: Vec<usize> = nodes.iter().map(|node| node.column).collect();
        for (own, node) in nodes.iter_mut().enumerate() {
            let targets = node.rows.iter().flat_map(|(_, targets)| targets).filter(|target| **target != own);
            let column = targets.filter_map(|target| columns.get(*target)).map(|column| column + 1).max().unwrap_or(0);
            node.column = column.max(node.column).min(most.saturating_sub(1));
        }
    }
    let mut x = MARGIN;
    // A column that a circle has passed over takes no room.
    for column in 0..most {
        let wide = nodes.iter().filter(|node| node.column == column).map(|node| node.width).max();
        let Some(wide) = wide else { continue };
        let mut y = MARGIN;
        for node in nodes.iter_mut().filter(|node| node.column == column) {
            (node.x, node.y, node.width) = (x, y, wide);
            y += node.height() + GAP;
        }
        x += wide + BETWEEN;
    }
}

/// From a row to the head of a box: to the left where that is, else around the right side.
fn arrow(node: &Node<'_>, row: usize, target: &Node<'_>) -> String {
    let (y, end) = (node.row(row), target.y + HEAD / 2);
    let right = target.x + target.width;
    if right < node.x {
        let bend = (node.x - right) / 2;
        format!("M{} {y}C{} {y} {} {end} {right} {end}", node.x, node.x - bend, right + bend)
    } else {
        let start = node.x + node.width;
        let out = start.max(right) + 34;
        format!("M{start} {y}C{out} {y} {out} {end} {right} {end}")
    }
}

fn boxed(node: &Node<'_>) -> String {
    let Node { x, y, width, .. } = *node;
    let name = escaped(node.name);
    let mut text = format!(
        "<a href=\"{ENTITIES}/{name}.html\"><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{}\" rx=\"4\"/>\
        <rect class=\"head\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HEAD}\" rx=\"4\"/>\
        <text x=\"{}\" y=\"{}\">{name}</text>",
        node.height(),
        x + MARGIN,
        y + 20
    );
    for (row, (field, _)) in node.rows.iter().enumerate() {
        let _ = write!(text, "<text class=\"small\" x=\"{}\" y=\"{}\">{}</text>", x + MARGIN, node.row(row) + 4, escaped(field));
    }
    text + "</a>\n"
}
