//! What stands between two tokens: line breaks and comments.

/// What stands between two tokens.
#[derive(Debug, Default)]
pub(super) struct Gap<'a> {
    /// A comment on the line of the token before.
    pub(super) behind: Option<&'a str>,
    /// Comments on lines of their own, each with whether an empty line is before it.
    pub(super) own: Vec<(&'a str, bool)>,
    /// Whether an empty line is right before the token that follows.
    pub(super) empty: bool,
}

impl<'a> Gap<'a> {
    /// Reads the text between two tokens. What documents the next declaration has a line of its own, wherever it was put.
    pub(super) fn of(text: &'a str, first: bool) -> Gap<'a> {
        let mut gap = Gap::default();
        let mut lines = text.trim_start_matches('\u{feff}').split('\n').map(str::trim).enumerate().peekable();
        while let Some((index, line)) = lines.next() {
            if line.is_empty() {
                // The first line is that of the token before, the last one that of the token that follows.
                gap.empty |= index > 0 && lines.peek().is_some();
            } else if index == 0 && !first && !documents(line) {
                gap.behind = Some(line);
            } else {
                gap.own.push((line, gap.empty));
                gap.empty = false;
            }
        }
        gap
    }

    /// This gap, with that behind a comma in it.
    pub(super) fn and(mut self, behind_comma: Gap<'a>) -> Gap<'a> {
        match self.behind {
            None if self.own.is_empty() => self.behind = behind_comma.behind,
            _ => self.own.extend(behind_comma.behind.map(|comment| (comment, false))),
        }
        self.own.extend(behind_comma.own);
        self.empty = behind_comma.empty;
        self
    }

    /// Whether there is a comment in it.
    pub(super) fn has_comment(&self) -> bool {
        self.behind.is_some() || !self.own.is_empty()
    }

    /// Makes sure that an empty line is in it, or that none is before all else.
    pub(super) fn begin(&mut self, empty: bool) {
        let any = self.empty || self.own.iter().any(|(_, empty)| *empty);
        match self.own.first_mut() {
            Some(first) if !empty => first.1 = false,
            Some(first) if !any => first.1 = true,
            None => self.empty = empty,
            _ => {}
        }
    }
}

/// Whether a comment is one that documents a declaration or the file.
fn documents(comment: &str) -> bool {
    comment.starts_with("//!") || (comment.starts_with("///") && !comment.starts_with("////"))
}
