//! The front for a terminal: rustyline with colours, completion, hints, statements of several lines, a history that stays.
//!
//! While a line is edited Ctrl-C drops it. While an operation runs it ends that operation (a flag that the pipeline looks at), and
//! only that: the session, its transaction and its names stay.

use std::borrow::Cow;
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Cmd, CompletionType, ConditionalEventHandler, Config, Context, Editor, Event, EventContext, EventHandler, Helper, KeyEvent, RepeatCount,
};

use super::answer::{Answer, Colour, Told, Worst};
use super::commands::{self, Offers};
use super::history::History;
use super::session::Session;
use super::{complete, highlight, simple};

/// How many inputs are remembered.
const HISTORY: usize = 2_000;

/// Up to how many bytes what is typed has colours and hints: it is looked at as a whole with each key.
const LONG: usize = 1_000;

/// Runs a session at a terminal. Gives how it ended: only a terminal or a store that fails is bad, what was tried out isn't.
pub fn run(session: Session, history: Option<&Path>, tell: &mut dyn FnMut(&Told)) -> Worst {
    let interrupt = Arc::clone(&session.setup.interrupt);
    #[cfg(unix)]
    if let Err(error) = signal_hook::flag::register(signal_hook::consts::SIGINT, interrupt) {
        tell(&Told::Error(format!("note: Ctrl-C can't be caught: {error}")));
    }
    session.greeting().into_iter().for_each(|line| tell(&Told::Line(line)));
    let colours = session.setup.colours;
    let session = Rc::new(RefCell::new(session));
    let Ok(mut editor) = editor(&session, colours) else {
        tell(&Told::Error("error: the terminal can't be used".to_owned()));
        return Worst::Failed;
    };
    let (history, refused) = History::open(history, &mut editor);
    refused.into_iter().for_each(|note| tell(&Told::Error(note)));
    let worst = converse(&mut editor, &session, history, tell);
    session.borrow_mut().end(&mut Answer::new(tell));
    worst
}

fn editor(session: &Rc<RefCell<Session>>, colours: bool) -> rustyline::Result<Editor<Front, DefaultHistory>> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .max_history_size(HISTORY)?
        .history_ignore_dups(true)?
        .completion_prompt_limit(80)
        .auto_add_history(false)
        .build();
    let mut editor = Editor::with_config(config)?;
    editor.set_helper(Some(Front { session: Rc::clone(session), files: FilenameCompleter::new(), colours }));
    Ok(editor)
}

/// Ctrl-C while a line is edited: it is taken as it stands, without its hint, and dropped.
#[derive(Clone, Default)]
struct Dropped(Arc<AtomicBool>);

impl ConditionalEventHandler for Dropped {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        self.0.store(true, Ordering::Relaxed);
        Some(Cmd::AcceptLine)
    }
}

/// Line after line, until somebody leaves.
fn converse(
    editor: &mut Editor<Front, DefaultHistory>,
    session: &Rc<RefCell<Session>>,
    mut history: History,
    tell: &mut dyn FnMut(&Told),
) -> Worst {
    let (mut inputs, dropped) = (0, Dropped::default());
    editor.bind_sequence(KeyEvent::ctrl('C'), EventHandler::Conditional(Box::new(dropped.clone())));
    loop {
        let (news, prompt, colours) = {
            let mut session = session.borrow_mut();
            (session.news(), session.prompt(), session.setup.colours)
        };
        news.into_iter().for_each(|news| tell(&Told::Line(news)));
        let styled = Colour::Prompt.paint(&prompt, colours);
        let (text, left) = match editor.readline(&(prompt, styled)) {
            Ok(_) if dropped.0.swap(false, Ordering::Relaxed) => continue,
            Ok(text) => (text, false),
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => (":quit".to_owned(), true),
            Err(error) if is_unreadable(&error) => {
                tell(&Told::Error("dropped    a byte came that is no UTF-8: nothing of its line was taken in".to_owned()));
                continue;
            }
            Err(error) => {
                tell(&Told::Error(format!("error: the terminal can't be read: {error}")));
                return Worst::Failed;
            }
        };
        if text.trim().is_empty() {
            continue;
        }
        if !left {
            let refused = history.remember(editor, text.trim_end());
            refused.into_iter().for_each(|note| tell(&Told::Error(note)));
        }
        inputs += 1;
        let mut answer = Answer::new(tell);
        // Several lines may be pasted at once: they run as if they were typed one by one.
        simple::feed(&mut session.borrow_mut(), text.trim_end(), &format!("<input {inputs}>"), &mut answer);
        if answer.over {
            return if answer.worst == Worst::Failed { Worst::Failed } else { Worst::Well };
        }
    }
}

/// Whether what came is no text, while the terminal itself is well.
fn is_unreadable(error: &ReadlineError) -> bool {
    match error {
        ReadlineError::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
        #[cfg(windows)]
        ReadlineError::Decode(_) => true,
        _ => false,
    }
}

/// What rustyline asks while a line is edited.
struct Front {
    session: Rc<RefCell<Session>>,
    files: FilenameCompleter,
    colours: bool,
}

/// What is shown behind the cursor.
struct Shown {
    text: String,
    /// Whether the right arrow takes it over.
    taken: bool,
}

impl Hint for Shown {
    fn display(&self) -> &str {
        &self.text
    }

    fn completion(&self) -> Option<&str> {
        self.taken.then_some(self.text.as_str())
    }
}

impl Helper for Front {}

impl Completer for Front {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, context: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = line.get(..at).unwrap_or_default();
        let command = before.strip_prefix(':').and_then(|command| command.split_once(' '));
        if command.and_then(|(name, _)| commands::find(name)).is_some_and(|command| command.offers == Offers::Files) {
            return self.files.complete(line, at, context);
        }
        let (start, offers) = complete::offers(&self.session.borrow(), before);
        let pair = |offer: complete::Offer| {
            let kind = offer.about.split(' ').next().unwrap_or_default();
            let told = kind.chars().next().is_some_and(char::is_lowercase);
            let display = if told { format!("{}: {kind}", offer.text) } else { offer.text.clone() };
            Pair { display, replacement: offer.text }
        };
        Ok((start, offers.into_iter().map(pair).collect()))
    }
}

impl Hinter for Front {
    type Hint = Shown;

    fn hint(&self, line: &str, at: usize, _: &Context<'_>) -> Option<Shown> {
        if at < line.len() || line.len() > LONG {
            return None;
        }
        complete::hint(&self.session.borrow(), line).map(|(text, taken)| Shown { text, taken })
    }
}

impl Validator for Front {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if simple::is_complete(context.input()) { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Highlighter for Front {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        let colours = self.colours && line.len() <= LONG;
        if colours { highlight::highlighted(&self.session.borrow(), line).into() } else { line.into() }
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        prompt.into()
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.colours { Colour::Dim.paint(hint, true).into() } else { hint.into() }
    }

    fn highlight_char(&self, line: &str, _: usize, kind: CmdKind) -> bool {
        self.colours && line.len() <= LONG && kind != CmdKind::MoveCursor
    }
}
