//! A page that is looked at without a server: the table, and beneath it every flow with its counts and what is missing. One file, which asks
//! for no other.

use std::fmt::Write as _;

use super::lines::{Line, View, shares};
use super::source::{first, last};
use crate::exchange::html::{self, escaped};
use crate::scenario::coverage::{Share, Shares, Unit};

const STYLE: &str = include_str!("page.css");

/// The page.
pub(super) fn document(views: &[View<'_>]) -> String {
    let all = shares(views);
    let mut page = String::new();
    let _ = writeln!(page, "<h1>Coverage <span class=\"figure\">{:.1} %</span></h1>", all.total().percent());
    let _ = writeln!(
        page,
        "<p>{} of {} flows, triggers, statements, branches and outcomes of conditions were reached by the tests.</p>",
        all.total().reached,
        all.total().all
    );
    overview(views, all, &mut page);
    for (place, view) in views.iter().enumerate() {
        let _ = writeln!(page, "<h2>{}</h2>", escaped(&view.file.name));
        view.units.iter().for_each(|unit| flow(view, unit, place, &mut page));
    }
    html::document(&format!("Coverage {:.1} %", all.total().percent()), STYLE, &page)
}

fn overview(views: &[View<'_>], all: Shares, page: &mut String) {
    page.push_str("<table>\n<thead><tr><th>Flow</th><th>Ran</th><th>Triggers</th><th>Statements</th><th>Branches</th><th>Conditions</th>");
    page.push_str("<th colspan=\"2\">In all</th></tr></thead>\n<tbody>\n");
    for (place, view) in views.iter().enumerate() {
        let _ = writeln!(page, "<tr class=\"file\"><td colspan=\"8\">{}</td></tr>", escaped(&view.file.name));
        for unit in &view.units {
            let name = format!("<a href=\"#{}\">{}</a>", anchor(place, unit), escaped(&unit.name));
            let ran = if unit.runs == 0 { "never".to_owned() } else { format!("{} ×", unit.runs) };
            row(&name, &ran, unit.shares(), page);
        }
    }
    page.push_str("</tbody>\n<tfoot>\n");
    row("In all", &format!("{}/{}", all.units.reached, all.units.all), all, page);
    page.push_str("</tfoot>\n</table>\n");
}

fn row(name: &str, ran: &str, shares: Shares, page: &mut String) {
    let cell = |share: Share| match share {
        Share { all: 0, .. } => "<td class=\"none\">–</td>".to_owned(),
        share if share.is_whole() => format!("<td>{}/{}</td>", share.reached, share.all),
        share => format!("<td class=\"short\">{}/{}</td>", share.reached, share.all),
    };
    let Shares { starts, statements, branches, conditions, .. } = shares;
    let _ = write!(page, "<tr><td>{name}</td><td>{ran}</td>");
    [starts, statements, branches, conditions].into_iter().for_each(|share| page.push_str(&cell(share)));
    let percent = shares.total().percent();
    let _ = writeln!(page, "<td>{percent:.1} %</td><td><span class=\"bar\"><span style=\"width:{percent:.1}%\"></span></span></td></tr>");
}

fn flow(view: &View<'_>, unit: &Unit, place: usize, page: &mut String) {
    let _ = writeln!(
        page,
        "<section id=\"{}\">\n<h3>{} <span class=\"figure\">{:.1} %</span></h3>",
        anchor(place, unit),
        escaped(&unit.name),
        unit.shares().total().percent()
    );
    page.push_str("<ul class=\"starts\">");
    for start in &unit.starts {
        let class = if start.count == 0 { " class=\"miss\"" } else { "" };
        let _ = write!(page, "<li{class}>{} <b>{}</b></li>", escaped(&start.words), counted(start.count));
    }
    page.push_str("</ul>\n<div class=\"code\"><table>\n");
    for number in first(view, unit)..=last(view, unit) {
        let (line, source) = (view.lines.get(&number), view.file.line(number).unwrap_or(""));
        let count = line.map_or(String::new(), |line| counted(line.count));
        let _ = writeln!(page, "<tr class=\"{}\"><td>{number}</td><td>{count}</td><td>{}</td></tr>", class(line), escaped(source));
        for note in line.into_iter().flat_map(|line| &line.notes) {
            let _ = writeln!(page, "<tr class=\"note\"><td></td><td></td><td>{}</td></tr>", escaped(note));
        }
    }
    page.push_str("</table></div>\n</section>\n");
}

fn counted(count: u64) -> String {
    if count == 0 { "never".to_owned() } else { format!("{count} ×") }
}

fn class(line: Option<&Line>) -> &'static str {
    match line {
        Some(line) if line.count == 0 => "miss",
        Some(line) if line.is_missing() => "part",
        Some(_) => "hit",
        None => "",
    }
}

/// A name is a word of letters in every script; with its file's place before it, it is nobody else's.
fn anchor(place: usize, unit: &Unit) -> String {
    format!("f{place}-{}", escaped(&unit.name))
}
