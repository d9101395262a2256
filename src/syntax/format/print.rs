//! From marks to lines: a text is a run of [`Mark`]s, and each group of them is printed on one line where it fits and broken
//! at all of its breaks where it doesn't. Linear in the number of marks; nothing in here knows the language.

/// How long a line may be, in characters, where it can be broken.
pub(super) const WIDTH: usize = 120;

/// Beyond this column nothing is indented and no comment is aligned: the deepest nest stays readable and short.
const FARTHEST: usize = 60;

/// A piece of a layout.
#[derive(Clone, Debug)]
pub(super) enum Mark<'a> {
    /// Goes out as it stands.
    Text(&'a str),
    /// A run of a text of several lines. Its lines lose this indentation and get the one that they stand at; without, they stay.
    Lines { text: &'a str, indent: Option<&'a str> },
    /// Blanks; nothing at the end of a line.
    Space(usize),
    /// A line break where the group is broken; elsewhere a blank, or nothing. The number is added to the indentation.
    Break { blank: bool, shift: isize },
    /// A line break, with an empty line before it or without.
    Line { empty: bool, shift: isize },
    /// A comment behind something: it ends the line and counts for no width.
    Comment(&'a str),
    /// A comma where the group is broken.
    Comma,
    /// Opens a group that is indented so much further.
    Open(usize),
    /// Closes a group.
    Close,
}

/// The text of a layout.
pub(super) fn print(marks: &[Mark]) -> String {
    let measures = Measures::of(marks);
    let mut printer = Printer::default();
    for (at, mark) in marks.iter().enumerate() {
        printer.mark(at, mark, &measures);
    }
    printer.finish()
}

/// How much room the groups of a layout take.
struct Measures {
    /// For each mark: the width of all marks before it on one endless line.
    before: Vec<usize>,
    /// For each mark: the place of the next one, itself included, at which a line can end.
    ends: Vec<usize>,
    /// For an [`Mark::Open`]: the place of its [`Mark::Close`], and whether a line break is between them.
    groups: Vec<(usize, bool)>,
}

impl Measures {
    fn of(marks: &[Mark]) -> Measures {
        let count = marks.len();
        let mut measures =
            Measures { before: Vec::with_capacity(count + 1), ends: vec![count; count + 1], groups: vec![(count, false); count] };
        let (mut width, mut lines, mut open) = (0, 0_usize, Vec::new());
        for (at, mark) in marks.iter().enumerate() {
            measures.before.push(width);
            match mark {
                Mark::Text(text) => width += text.chars().count(),
                Mark::Space(count) => width += count,
                Mark::Break { blank, .. } => width += usize::from(*blank),
                Mark::Lines { text, .. } => {
                    width += text.chars().count();
                    lines += usize::from(text.contains('\n'));
                }
                Mark::Line { .. } | Mark::Comment(_) => lines += 1,
                Mark::Open(_) => open.push((at, lines)),
                Mark::Close => {
                    if let Some((open, before)) = open.pop()
                        && let Some(group) = measures.groups.get_mut(open)
                    {
                        *group = (at, lines > before);
                    }
                }
                Mark::Comma => {}
            }
        }
        measures.before.push(width);
        let mut end = count;
        for (at, mark) in marks.iter().enumerate().rev() {
            if matches!(mark, Mark::Break { .. } | Mark::Line { .. } | Mark::Comment(_)) {
                end = at;
            }
            if let Some(slot) = measures.ends.get_mut(at) {
                *slot = end;
            }
        }
        measures
    }

    /// The width of a group and of what stands right behind it; none where it can't be on one line.
    fn width(&self, open: usize) -> Option<usize> {
        let (close, broken) = self.groups.get(open).copied()?;
        let end = self.ends.get(close).copied()?;
        let width = self.before.get(end)?.checked_sub(*self.before.get(open)?)?;
        (!broken).then_some(width)
    }
}

/// A group that is being printed.
#[derive(Clone, Copy, Default)]
struct Level {
    indent: usize,
    broken: bool,
}

/// What stands between the last thing printed and the next.
#[derive(Clone, Copy)]
enum Pending {
    Space(usize),
    Line { empty: bool, indent: usize },
}

/// A comment behind something.
struct Behind<'a> {
    text: &'a str,
    /// How much was printed before it, in bytes.
    at: usize,
    line: usize,
    indent: usize,
    /// Where its line ends without it.
    column: usize,
}

impl Behind<'_> {
    /// Whether it stands in one column with the comment on the line before.
    fn follows(&self, before: &Behind) -> bool {
        self.line == before.line + 1 && self.indent == before.indent && self.column.max(before.column) <= FARTHEST
    }
}

struct Printer<'a> {
    out: String,
    column: usize,
    line: usize,
    levels: Vec<Level>,
    level: Level,
    pending: Pending,
    /// How far the line is indented.
    indent: usize,
    comments: Vec<Behind<'a>>,
}

impl Default for Printer<'_> {
    fn default() -> Self {
        Printer {
            out: String::new(),
            column: 0,
            line: 0,
            levels: Vec::new(),
            level: Level::default(),
            pending: Pending::Space(0),
            indent: 0,
            comments: Vec::new(),
        }
    }
}

impl<'a> Printer<'a> {
    fn mark(&mut self, at: usize, mark: &Mark<'a>, measures: &Measures) {
        match *mark {
            Mark::Text(text) => self.text(text),
            Mark::Lines { text, indent } => self.lines(text, indent),
            Mark::Space(count) => self.space(count),
            Mark::Break { shift, .. } if self.level.broken => self.end_line(false, shift),
            Mark::Break { blank, .. } => self.space(usize::from(blank)),
            Mark::Line { empty, shift } => self.end_line(empty, shift),
            Mark::Comment(text) => {
                let Printer { line, indent, column, .. } = *self;
                self.comments.push(Behind { text, at: self.out.len(), line, indent, column });
            }
            Mark::Comma if self.level.broken => self.text(","),
            Mark::Comma => {}
            Mark::Open(indent) => {
                let room = self.start().checked_add(measures.width(at).unwrap_or(usize::MAX));
                let broken = room.is_none_or(|room| room > WIDTH);
                self.levels.push(self.level);
                self.level = Level { indent: self.level.indent + indent, broken };
            }
            Mark::Close => self.level = self.levels.pop().unwrap_or_default(),
        }
    }

    fn space(&mut self, count: usize) {
        if let Pending::Space(space) = &mut self.pending {
            *space += count;
        }
    }

    fn end_line(&mut self, empty: bool, shift: isize) {
        let indent = self.level.indent.saturating_add_signed(shift).min(FARTHEST);
        let before = matches!(self.pending, Pending::Line { empty: true, .. });
        self.pending = Pending::Line { empty: empty || before, indent };
    }

    /// The column at which the next text starts.
    fn start(&self) -> usize {
        match self.pending {
            Pending::Space(count) => self.column + count,
            Pending::Line { indent, .. } => indent,
        }
    }

    fn text(&mut self, text: &str) {
        let start = self.start();
        match self.pending {
            Pending::Space(count) => self.blanks(count),
            // Nothing goes before the first line.
            Pending::Line { .. } if self.out.is_empty() => self.blanks(start),
            Pending::Line { empty, indent } => {
                self.out.push_str(if empty { "\n\n" } else { "\n" });
                self.line += 1 + usize::from(empty);
                self.indent = indent;
                self.blanks(indent);
            }
        }
        self.pending = Pending::Space(0);
        self.out.push_str(text);
        self.column = start + text.chars().count();
    }

    fn blanks(&mut self, count: usize) {
        self.out.extend(std::iter::repeat_n(' ', count));
    }

    /// A run of a text of several lines: its content may not change, its indentation does.
    fn lines(&mut self, text: &str, indent: Option<&str>) {
        let deeper = if indent.is_some() { (self.level.indent + 2).min(FARTHEST) } else { 0 };
        let mut lines = text.split('\n');
        self.text(lines.next().map_or("", |first| first.strip_suffix('\r').unwrap_or(first)));
        let mut lines = lines.peekable();
        while let Some(line) = lines.next() {
            let last = lines.peek().is_none();
            let line = if last { line } else { line.strip_suffix('\r').unwrap_or(line) };
            let line = line.strip_prefix(indent.unwrap_or_default()).unwrap_or_default();
            self.out.push('\n');
            self.line += 1;
            self.column = 0;
            if last || !line.is_empty() {
                self.blanks(deeper);
                self.out.push_str(line);
                self.column = deeper + line.chars().count();
            }
        }
    }

    /// Puts the comments behind lines into their columns: on lines that follow one another into the same one.
    fn finish(self) -> String {
        let mut text = String::with_capacity(self.out.len() + 1);
        let mut from = 0;
        for run in self.comments.chunk_by(|one, other| other.follows(one)) {
            let column = run.iter().map(|comment| comment.column).max().unwrap_or_default();
            for comment in run {
                text.push_str(self.out.get(from..comment.at).unwrap_or_default());
                text.extend(std::iter::repeat_n(' ', column - comment.column + 2));
                text.push_str(comment.text);
                from = comment.at;
            }
        }
        text.push_str(self.out.get(from..).unwrap_or_default());
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }
}
