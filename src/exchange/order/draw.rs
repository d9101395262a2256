//! The little that a picture needs of SVG: texts that fit their room, and what stands where. Knows nothing of orders.
//!
//! Nobody can say how wide a text will be before it is drawn, for fonts differ: widths are taken from a wide one, so that what fits here fits
//! everywhere. Whatever a text holds, the picture stays well-formed.

use std::fmt::Write;

use crate::diagnostic::render::visible;

/// How a text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The heading of the picture.
    Title,
    /// The heading of a box.
    Head,
    /// The heading of a stage.
    Stage,
    /// The name of a step.
    Name,
    /// What is said beside it.
    Plain,
    /// What leads elsewhere.
    Link,
}

impl Look {
    /// The class in the picture.
    pub fn class(self) -> &'static str {
        match self {
            Look::Title => "title",
            Look::Head => "head",
            Look::Stage => "stage",
            Look::Name => "name",
            Look::Plain => "plain",
            Look::Link => "link",
        }
    }

    /// The size of the letters.
    fn size(self) -> f64 {
        match self {
            Look::Title => 18.0,
            Look::Head => 14.0,
            Look::Name => 13.0,
            Look::Stage | Look::Plain | Look::Link => 12.0,
        }
    }

    /// From one line to the next.
    pub fn height(self) -> f64 {
        (self.size() * 1.35).ceil()
    }

    fn is_bold(self) -> bool {
        matches!(self, Look::Title | Look::Head | Look::Stage | Look::Name)
    }
}

/// What the styles of a picture are.
pub(super) const STYLE: &str = "text{font-family:Helvetica,Arial,'Liberation Sans','DejaVu Sans',sans-serif;fill:#1f2933}\
.title{font-size:18px;font-weight:bold}.head{font-size:14px;font-weight:bold}.name{font-size:13px;font-weight:bold}\
.stage{font-size:12px;font-weight:bold;fill:#7b5e00}.plain{font-size:12px;fill:#52606d}.link{font-size:12px;fill:#0b5394}";

/// How wide a text is at most.
pub(super) fn width(text: &str, look: Look) -> f64 {
    let ems: f64 = text.chars().map(letter_width).sum();
    ems * look.size() * if look.is_bold() { 1.1 } else { 1.0 }
}

/// In parts of the size of the letters, as wide fonts have it.
fn letter_width(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | '\'' | '|' | '.' | ',' | ':' | ';' | ' ' | '!' => 0.36,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '/' | '"' => 0.46,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '…' | '→' => 1.0,
        'A'..='Z' => 0.78,
        ' '..='~' => 0.65,
        '\u{80}'..='\u{24f}' => 0.8,
        _ => 1.2,
    }
}

/// The lines of a text, each no wider than `room`: broken between words, and within one where it must be.
pub(super) fn wrapped(text: &str, look: Look, room: f64) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in visible(text).split_whitespace() {
        let fits = |line: &str, word: &str| width(line, look) + width(" ", look) + width(word, look) <= room;
        if !line.is_empty() && !fits(&line, word) {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        let (mut used, limit) = (width(&line, look), room);
        for letter in word.chars() {
            let wide = width(letter.encode_utf8(&mut [0; 4]), look);
            if used + wide > limit && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
                used = 0.0;
            }
            line.push(letter);
            used += wide;
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// A text as it stands between tags and in attributes.
pub(super) fn escaped(text: &str) -> String {
    visible(text).chars().fold(String::with_capacity(text.len()), |mut all, letter| {
        match letter {
            '&' => all.push_str("&amp;"),
            '<' => all.push_str("&lt;"),
            '>' => all.push_str("&gt;"),
            '"' => all.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => all.push('\u{fffd}'),
            _ => all.push(letter),
        }
        all
    })
}

/// A line of text with its left end and its foot.
pub(super) fn text(picture: &mut String, (x, y): (f64, f64), look: Look, words: &str) {
    let _ = writeln!(picture, r#"<text class="{}" x="{x:.0}" y="{y:.0}">{}</text>"#, look.class(), escaped(words));
}

/// Lanes for lines that run from one height to another: each gets the innermost one in which nothing is in its way; none beyond `most`.
pub(super) fn lanes(lines: &[(f64, f64)], most: usize) -> Vec<Option<usize>> {
    let mut by_length: Vec<usize> = (0..lines.len()).collect();
    let length = |index: &usize| lines.get(*index).map_or(0.0, |(top, foot)| foot - top);
    by_length.sort_by(|one, other| length(one).total_cmp(&length(other)).then(one.cmp(other)));
    let (mut taken, mut lanes): (Vec<Vec<(f64, f64)>>, _) = (vec![Vec::new(); most], vec![None; lines.len()]);
    for index in by_length {
        let Some((top, foot)) = lines.get(index).copied() else { continue };
        let free = |lane: &Vec<(f64, f64)>| lane.iter().all(|(other_top, other_foot)| foot + 8.0 < *other_top || top - 8.0 > *other_foot);
        let found = taken.iter().position(free);
        if let (Some(lane), Some(place)) = (found.and_then(|found| taken.get_mut(found)), lanes.get_mut(index)) {
            lane.push((top, foot));
            *place = found;
        }
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_to_its_room_and_loses_nothing() {
        for text in ["a short one", "words of different lengths that go on for a while", &"unbroken".repeat(40), "", "äöü 漢字漢字漢字漢字"]
        {
            let lines = wrapped(text, Look::Plain, 120.0);
            assert!(lines.iter().all(|line| width(line, Look::Plain) <= 120.0), "{lines:?}");
            let without = |text: &str| text.chars().filter(|letter| *letter != ' ').collect::<String>();
            assert_eq!(without(&lines.concat()), without(text));
        }
    }

    #[test]
    fn lines_in_one_lane_do_not_meet() {
        let lines = [(0.0, 100.0), (10.0, 20.0), (40.0, 50.0), (15.0, 60.0), (0.0, 100.0)];
        assert_eq!(lanes(&lines, 3), [Some(2), Some(0), Some(0), Some(1), None]);
    }
}
