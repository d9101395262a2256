//! Entities as a drawing: a box for each with its lookups as rows, and an arrow from each lookup to what it refers to. What is referred
//! to stands to the left of what refers to it, as far as that goes, and an arrow that passes a column has a way of its own there, so that
//! none lies on a box.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::book::{Book, lookups};
use crate::exchange::html::escaped;
use crate::syntax::ast;

/// Sizes, in the units of the drawing.
const HEAD: usize = 30;
const ROW: usize = 20;
const GAP: usize = 24;
const BETWEEN: usize = 90;
const LETTER: usize = 9;
const MARGIN: usize = 12;

/// How many columns there are at most.
const COLUMNS: usize = 8;

/// How often the columns are put in order, each by those beside it.
const ROUNDS: usize = 6;

/// A box; or, without a name, the way of arrows through a column.
#[derive(Default)]
struct Spot<'a> {
    name: Option<&'a str>,
    /// The lookups.
    rows: Vec<&'a str>,
    column: usize,
    x: usize,
    y: usize,
    width: usize,
}

/// An arrow from a row of a box, by what it passes, to another box.
struct Arrow {
    from: usize,
    row: usize,
    stops: Vec<usize>,
}

impl Spot<'_> {
    fn height(&self) -> usize {
        match (self.name, self.rows.len()) {
            (None, _) => 0,
            (_, 0) => HEAD,
            (_, rows) => HEAD + rows * ROW + 6,
        }
    }

    /// The middle of a row.
    fn row(&self, row: usize) -> usize {
        self.y + HEAD + row * ROW + ROW / 2 + 2
    }

    /// Where arrows come to it.
    fn middle(&self) -> usize {
        if self.name.is_some() { self.y + HEAD / 2 } else { self.y }
    }

    fn right(&self) -> usize {
        self.x + self.width
    }
}

/// The drawing of all entities that lookups join; of one of them only what it has to do with. Nothing where there is nothing to draw.
/// `way` leads from the page to those of the entities.
pub(super) fn svg(book: &Book<'_>, about: Option<&str>, way: &str) -> String {
    let (mut spots, ends) = boxes(book, about);
    if ends.is_empty() {
        return String::new();
    }
    columns(&mut spots, &ends);
    let arrows = arrows(&mut spots, &ends);
    place(&mut spots, &arrows);
    let width = spots.iter().map(Spot::right).max().unwrap_or(0) + MARGIN + 40;
    let height = spots.iter().map(|spot| spot.y + spot.height()).max().unwrap_or(0) + MARGIN;
    let what =
        about.map_or_else(|| format!("The entities of {} and their lookups", book.title), |name| format!("The lookups of and to {name}"));
    let mut svg = format!(
        "<svg role=\"img\" aria-label=\"{}\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
        <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">\
        <path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n",
        escaped(&what)
    );
    arrows.iter().for_each(|arrow| svg += &drawn(&spots, arrow).unwrap_or_default());
    spots.iter().for_each(|spot| svg += &boxed(spot, about, way).unwrap_or_default());
    format!("<div class=\"wide\">\n{svg}</svg>\n</div>\n")
}

/// The boxes, and which row of which refers to which.
fn boxes<'a>(book: &'a Book<'_>, about: Option<&str>) -> (Vec<Spot<'a>>, Vec<(usize, usize, usize)>) {
    let entities = book.entities();
    let is_part = |entity: &ast::Entity, target: &str| about.is_none_or(|about| entity.name.text == about || target == about);
    // Field by field, what it refers to that has a page.
    let joined = entities.iter().map(|entity| {
        let named = lookups(entity).map(|(field, targets)| {
            let targets = targets.iter().map(|target| target.text.as_str()).filter(|target| is_part(entity, target) && book.has(target));
            (field.name.text.as_str(), targets.collect::<Vec<_>>())
        });
        (entity.name.text.as_str(), named.filter(|(_, targets)| !targets.is_empty()).collect::<Vec<_>>())
    });
    let joined: Vec<_> = joined.collect();
    let is_joined = |name: &str| joined.iter().any(|(own, rows)| rows.iter().any(|(_, targets)| *own == name || targets.contains(&name)));
    let shown: Vec<_> = joined.iter().filter(|(name, _)| is_joined(name)).collect();
    let places: BTreeMap<&str, usize> = shown.iter().enumerate().map(|(place, (name, _))| (*name, place)).collect();
    let mut ends = Vec::new();
    let mut spots = Vec::new();
    for (place, (name, fields)) in shown.iter().enumerate() {
        let rows: Vec<&str> = fields.iter().map(|(field, _)| *field).collect();
        for (row, (_, targets)) in fields.iter().enumerate() {
            ends.extend(targets.iter().filter_map(|target| Some((place, row, *places.get(target)?))));
        }
        let longest = rows.iter().chain([name]).map(|name| name.chars().count()).max().unwrap_or(0);
        spots.push(Spot { name: Some(name), rows, width: longest * LETTER + 2 * MARGIN, ..Spot::default() });
    }
    (spots, ends)
}

/// Gives each box its column, one to the right of what it refers to. In a circle somebody has to stand to the left of what they refer to:
/// after some rounds all stay where they are. A column that a circle has passed over is none.
fn columns(spots: &mut [Spot<'_>], ends: &[(usize, usize, usize)]) {
    for _ in 1..COLUMNS {
        let before: Vec<usize> = spots.iter().map(|spot| spot.column).collect();
        for (from, _, to) in ends.iter().filter(|(from, _, to)| from != to) {
            if let (Some(spot), Some(target)) = (spots.get_mut(*from), before.get(*to)) {
                spot.column = spot.column.max(target + 1).min(COLUMNS - 1);
            }
        }
    }
    let mut used: Vec<usize> = spots.iter().map(|spot| spot.column).collect();
    used.sort_unstable();
    used.dedup();
    spots.iter_mut().for_each(|spot| spot.column = used.binary_search(&spot.column).unwrap_or(0));
}

/// The arrows; those to one box share their ways through the columns between.
fn arrows(spots: &mut Vec<Spot<'_>>, ends: &[(usize, usize, usize)]) -> Vec<Arrow> {
    let mut ways: BTreeMap<(usize, usize, bool), usize> = BTreeMap::new();
    let mut arrows = Vec::new();
    for &(from, row, to) in ends {
        let column = |spot: usize| spots.get(spot).map_or(0, |spot| spot.column);
        let (own, other) = (column(from), column(to));
        let between: Vec<usize> = if other < own { (other + 1..own).rev().collect() } else { (own + 1..other).collect() };
        let mut stops = Vec::new();
        for column in between {
            stops.push(*ways.entry((to, column, other < own)).or_insert_with(|| {
                spots.push(Spot { column, ..Spot::default() });
                spots.len() - 1
            }));
        }
        stops.push(to);
        arrows.push(Arrow { from, row, stops });
    }
    arrows
}

/// Gives everything its place: a column after the other, each in the order of what it has to do with beside it.
fn place(spots: &mut [Spot<'_>], arrows: &[Arrow]) {
    let mut columns: Vec<Vec<usize>> = vec![Vec::new(); COLUMNS];
    for (index, spot) in spots.iter().enumerate() {
        columns.get_mut(spot.column).into_iter().for_each(|column| column.push(index));
    }
    let mut beside: Vec<Vec<usize>> = vec![Vec::new(); spots.len()];
    for Arrow { from, stops, .. } in arrows {
        for (one, other) in std::iter::once(from).chain(stops).zip(stops).filter(|(one, other)| one != other) {
            beside.get_mut(*one).into_iter().for_each(|list| list.push(*other));
            beside.get_mut(*other).into_iter().for_each(|list| list.push(*one));
        }
    }
    for round in 0..ROUNDS {
        stack(spots, &columns);
        for turn in 0..COLUMNS {
            let Some(column) = columns.get_mut(if round % 2 == 0 { turn } else { COLUMNS - 1 - turn }) else { continue };
            column.sort_by_key(|spot| {
                let heights = beside.get(*spot).into_iter().flatten().filter_map(|other| spots.get(*other)).map(Spot::middle);
                let (sum, count) = heights.fold((0, 0), |(sum, count), height| (sum + height, count + 1));
                (sum * 16).checked_div(count).unwrap_or(usize::MAX)
            });
            stack(spots, &columns);
        }
    }
}

/// Puts the columns beside one another, and what is in them beneath one another; the middle of each is at one height.
fn stack(spots: &mut [Spot<'_>], columns: &[Vec<usize>]) {
    let height = |spots: &[Spot<'_>], column: &[usize]| {
        column.iter().filter_map(|spot| spots.get(*spot)).map(|spot| spot.height() + GAP).sum::<usize>()
    };
    let highest = columns.iter().map(|column| height(spots, column)).max().unwrap_or(0);
    let mut x = MARGIN;
    for column in columns.iter().filter(|column| !column.is_empty()) {
        let wide = column.iter().filter_map(|spot| spots.get(*spot)).map(|spot| spot.width).max().unwrap_or(0);
        let mut y = MARGIN + (highest - height(spots, column)) / 2;
        for index in column {
            let Some(spot) = spots.get_mut(*index) else { continue };
            (spot.x, spot.y, spot.width) = (x, y, wide);
            y += spot.height() + GAP;
        }
        x += wide + BETWEEN;
    }
}

/// An arrow from a row to the head of a box, straight through the columns on its way; to a box of its own column it goes around the right side.
fn drawn(spots: &[Spot<'_>], Arrow { from, row, stops }: &Arrow) -> Option<String> {
    let (node, target) = (spots.get(*from)?, spots.get(*stops.last()?)?);
    let (mut y, to_left) = (node.row(*row), target.x < node.x);
    let mut path = format!("M{} {y}", if to_left { node.x } else { node.right() });
    let mut x = if to_left { node.x } else { node.right() };
    for stop in stops.iter().filter_map(|stop| spots.get(*stop)) {
        let (near, far, end) = if to_left { (stop.right(), stop.x, stop.middle()) } else { (stop.x, stop.right(), stop.middle()) };
        if target.x == node.x {
            let _ = write!(path, "C{0} {y} {0} {end} {1} {end}", x + 34, stop.right());
            continue;
        }
        let bend = x.midpoint(near);
        let _ = write!(path, "C{bend} {y} {bend} {end} {near} {end}");
        if stop.name.is_none() {
            let _ = write!(path, "H{far}");
        }
        (x, y) = (far, end);
    }
    let title = format!("{}.{} → {}", node.name?, node.rows.get(*row)?, target.name?);
    Some(format!("<path d=\"{path}\" marker-end=\"url(#tip)\"><title>{}</title></path>\n", escaped(&title)))
}

/// A box, as a link to the page of its entity.
fn boxed(spot: &Spot<'_>, about: Option<&str>, way: &str) -> Option<String> {
    let Spot { x, y, width, .. } = *spot;
    let name = escaped(spot.name?);
    let own = if spot.name == about { " own" } else { "" };
    let mut text = format!(
        "<a href=\"{way}{name}.html\"><rect class=\"box\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{}\" rx=\"4\"/>\
        <rect class=\"head{own}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HEAD}\" rx=\"4\"/>\
        <text x=\"{}\" y=\"{}\">{name}</text>",
        spot.height(),
        x + MARGIN,
        y + 20
    );
    for (row, field) in spot.rows.iter().enumerate() {
        let _ = write!(text, "<text class=\"small\" x=\"{}\" y=\"{}\">{}</text>", x + MARGIN, spot.row(row) + 4, escaped(field));
    }
    Some(text + "</a>\n")
}
