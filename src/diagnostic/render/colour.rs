//! The colours of what people read, all in one place. Whether they are wanted is the caller's to say.

/// What a text in a colour is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// It went well, or is new.
    Good,
    /// Somebody should look at it.
    Warning,
    /// It failed, or is gone.
    Bad,
    /// It is less important than what stands beside it.
    Dim,
    /// It is a heading.
    Strong,
    /// It says where something is.
    Place,
    /// What waits for somebody's input.
    Prompt,
    /// Anything else.
    Plain,
}

impl Colour {
    /// A text in this colour, where that is wanted.
    pub fn paint(self, text: &str, wanted: bool) -> String {
        let code = match self {
            Colour::Good => "32",
            Colour::Warning => "33",
            Colour::Bad => "31",
            Colour::Dim => "2",
            Colour::Strong => "1",
            Colour::Place => "36",
            Colour::Prompt => "1;34",
            Colour::Plain => return text.to_owned(),
        };
        if wanted { painted(text, code) } else { text.to_owned() }
    }
}

/// A text between the sequences of a code.
pub fn painted(text: &str, code: &str) -> String {
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}
