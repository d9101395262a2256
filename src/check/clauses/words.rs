//! The words that a clause takes: one list each, with what people are used to from elsewhere.

use super::super::declare::{Declare, suggest};
use super::events::{ACTION_EVENT, EVENTS};
use crate::bytecode::{Mode, RunAs};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::Level;
use crate::syntax::ast::Name;

/// A word, what it means, and what else it is called; a word without other names is known but not offered.
struct Word<T> {
    word: &'static str,
    means: T,
    habits: &'static [&'static str],
}

const LEVELS: &[Word<Level>] = &[
    Word { word: "organization", means: Level::Organization, habits: &["organisation", "global", "all", "everyone"] },
    Word { word: "user", means: Level::User, habits: &["owner"] },
    Word { word: "business unit", means: Level::BusinessUnit, habits: &["businessunit", "business-unit", "unit"] },
    Word { word: "parent and child business units", means: Level::ParentAndChildBusinessUnits, habits: &["parent and child", "deep"] },
];

/// A stage as it can be written, those that a flow can't have included.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StageWord {
    PreValidation,
    PreOperation,
    CoreOperation,
    PostOperation,
}

const MODES: &[Word<Mode>] = &[
    Word { word: "real-time", means: Mode::RealTime, habits: &["realtime", "real time", "sync", "synchronous", "live"] },
    Word { word: "background", means: Mode::Background, habits: &["async", "asynchronous", "queued", "deferred"] },
];

const ACTORS: &[Word<RunAs>] = &[
    Word { word: "caller", means: RunAs::Caller, habits: &["user", "calling-user", "initiator"] },
    Word { word: "owner", means: RunAs::Owner, habits: &["admin", "system", "administrator"] },
];

const STAGES: &[Word<StageWord>] = &[
    Word { word: "pre-operation", means: StageWord::PreOperation, habits: &["before", "pre", "preoperation", "20"] },
    Word { word: "post-operation", means: StageWord::PostOperation, habits: &["after", "post", "postoperation", "40"] },
    Word { word: "pre-validation", means: StageWord::PreValidation, habits: &[] },
    Word { word: "core-operation", means: StageWord::CoreOperation, habits: &[] },
];

/// The words that may stand behind the word that a clause of a flow starts with, those that a flow can't have left out; nothing where that
/// isn't one of a few.
pub fn clause_words(clause: &str) -> Vec<&'static str> {
    fn offered<T>(words: &[Word<T>]) -> Vec<&'static str> {
        words.iter().filter(|word| !word.habits.is_empty()).map(|word| word.word).collect()
    }
    match clause {
        "mode" => offered(MODES),
        "stage" => offered(STAGES),
        "scope" => offered(LEVELS),
        "as" => offered(ACTORS),
        "trigger" => EVENTS.iter().map(|(event, _)| *event).filter(|event| *event != ACTION_EVENT).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn mode(name: &Name, declare: &mut Declare) -> Option<Mode> {
    read("mode", name, MODES, declare)
}

pub(super) fn run_as(name: &Name, declare: &mut Declare) -> Option<RunAs> {
    read("run as", name, ACTORS, declare)
}

/// Whose records a flow or a privilege reaches; `clause` is where the word stands.
pub(super) fn level(clause: &str, name: &Name, declare: &mut Declare) -> Option<Level> {
    read(clause, name, LEVELS, declare)
}

pub(super) fn stage(name: &Name, declare: &mut Declare) -> Option<StageWord> {
    read("stage", name, STAGES, declare)
}

/// `on` or `off`.
pub(super) fn rollback(name: &Name, declare: &mut Declare) -> Option<bool> {
    const WORDS: &[Word<bool>] = &[
        Word { word: "on", means: true, habits: &["true", "yes", "always"] },
        Word { word: "off", means: false, habits: &["false", "no", "none", "never"] },
    ];
    read("rollback", name, WORDS, declare)
}

/// What `via` leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ViaWord {
    Host,
    Command,
    Webhook,
}

pub(super) fn via(name: &Name, declare: &mut Declare) -> Option<ViaWord> {
    const WORDS: &[Word<ViaWord>] = &[
        Word { word: "host", means: ViaWord::Host, habits: &["rust", "function", "native"] },
        Word { word: "command", means: ViaWord::Command, habits: &["process", "exec", "shell", "script"] },
        Word { word: "webhook", means: ViaWord::Webhook, habits: &["http", "https", "url", "rest"] },
    ];
    read("via", name, WORDS, declare)
}

/// What a word means; where it isn't known, says which it could be and takes it for that.
fn read<T: Copy>(clause: &str, name: &Name, words: &[Word<T>], declare: &mut Declare) -> Option<T> {
    if let Some(word) = words.iter().find(|word| word.word == name.text) {
        return Some(word.means);
    }
    let lower = name.text.to_lowercase();
    let problem = Diagnostic::new(Code::E0307, name.span, format!("`{clause}` can't be `{}`", name.text));
    let habit = words.iter().find(|word| word.word == lower || word.habits.contains(&lower.as_str())).map(|word| word.word);
    let meant = habit.or_else(|| declare.nearest(&name.text, words.iter().map(|word| word.word)));
    let offered = words.iter().filter(|word| !word.habits.is_empty());
    let known: Vec<String> = offered.map(|word| format!("`{}`", word.word)).collect();
    declare.report(match meant {
        Some(meant) => suggest(problem, name.span, meant),
        None => problem.help(format!("write {}", known.join(" or "))),
    });
    words.iter().find(|word| Some(word.word) == meant).map(|word| word.means)
}
