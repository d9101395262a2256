//! The lcov format, which editors and services of others read: a record a file, with its functions (flows and actions), branches and lines.

use std::fmt::Write as _;

use super::lines::{View, decisions};

/// The records of all files.
pub(super) fn document(views: &[View<'_>]) -> String {
    let mut text = String::new();
    views.iter().for_each(|view| record(view, &mut text));
    text
}

fn record(view: &View<'_>, text: &mut String) {
    let name: String = view.file.name.chars().filter(|letter| !letter.is_control()).collect();
    let _ = writeln!(text, "TN:\nSF:{name}");
    let line = |start: u32| view.file.position(start).line;
    for unit in &view.units {
        let _ = writeln!(text, "FN:{},{}", line(unit.span.start), unit.name);
    }
    for unit in &view.units {
        let _ = writeln!(text, "FNDA:{},{}", unit.runs, unit.name);
    }
    let _ = writeln!(text, "FNF:{}\nFNH:{}", view.units.len(), view.units.iter().filter(|unit| unit.runs > 0).count());
    let all: Vec<_> = view.units.iter().flat_map(|unit| decisions(unit)).collect();
    for (block, ways) in all.iter().enumerate() {
        let asked = ways.iter().any(|way| way.count > 0);
        for (place, way) in ways.iter().enumerate() {
            // What was never asked has no count at all.
            let taken = if asked { way.count.to_string() } else { "-".to_owned() };
            let _ = writeln!(text, "BRDA:{},{block},{place},{taken}", line(way.span.start));
        }
    }
    let ways = || all.iter().flat_map(|ways| ways.iter());
    let _ = writeln!(text, "BRF:{}\nBRH:{}", ways().count(), ways().filter(|way| way.count > 0).count());
    for (number, line) in &view.lines {
        let _ = writeln!(text, "DA:{number},{}", line.count);
    }
    let reached = view.lines.values().filter(|line| line.count > 0).count();
    let _ = writeln!(text, "LF:{}\nLH:{reached}\nend_of_record", view.lines.len());
}
