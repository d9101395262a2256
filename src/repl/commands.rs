//! The commands of the prompt: the one table that `:help`, completion and running read.

use super::answer::{Answer, Worst};
use super::place::LOOP;
use super::session::Session;
use super::{change, jobs, list, look, save};
use crate::diagnostic::nearest;

/// A command.
pub struct Command {
    /// As it is typed, without its colon.
    pub name: &'static str,
    /// What it takes, for people.
    pub takes: &'static str,
    /// What completion offers behind it.
    pub offers: Offers,
    /// What it does, in one line.
    pub help: &'static str,
    run: fn(&mut Session, &str, &mut Answer<'_>),
}

/// What completion offers behind a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offers {
    /// Nothing.
    Nothing,
    /// Flows, actions and plug-ins.
    Flows,
    /// Entities.
    Entities,
    /// An entity, and which of its records.
    Records,
    /// Users.
    Users,
    /// An entity, a message, fields.
    Order,
    /// A value.
    Value,
    /// Codes.
    Codes,
    /// Files.
    Files,
    /// Commands.
    Commands,
}

const fn command(
    name: &'static str,
    takes: &'static str,
    offers: Offers,
    help: &'static str,
    run: fn(&mut Session, &str, &mut Answer<'_>),
) -> Command {
    Command { name, takes, offers, help, run }
}

/// What stands before an entity and which of its records, where they are named without it.
pub(super) const LIST: &str = "list ";

/// All commands, in the order of `:help`.
pub const COMMANDS: &[Command] = &[
    command("help", "[COMMAND]", Offers::Commands, "this list, or a word about one command", help),
    command("commit", "", Offers::Nothing, "keep what was done since the transaction began", change::commit),
    command("rollback", "", Offers::Nothing, "undo everything since the last `:commit`", change::rollback),
    command("undo", "", Offers::Nothing, "go back over the last change", change::undo),
    command("as", "[USER]", Offers::Users, "act as a user; without one, as the administrator", change::acting),
    command("now", "[DATE]", Offers::Nothing, "tell the time, or set the clock, which stands then", change::now),
    command("advance", "DURATION", Offers::Nothing, "move the clock on: `:advance 3 days`", change::advance),
    command("trace", "", Offers::Nothing, "what the last operation considered, read and wrote", look::trace),
    command("why", "FLOW", Offers::Flows, "why it ran or didn't in the last operation", look::why),
    command("order", "ENTITY EVENT [FIELDS]", Offers::Order, "what an event would run, and what that may cause", look::order),
    command("dis", "FLOW", Offers::Flows, "the bytecode of a flow beside its lines", look::dis),
    command("type", "VALUE", Offers::Value, "the type of a value, which isn't worked out", look::ty),
    command("effects", "FLOW", Offers::Flows, "what a flow reads, does, and how it can fail", look::effects),
    command("entities", "", Offers::Nothing, "the entities, and how many records there are", look::entities),
    command("list", "ENTITY [WHICH]", Offers::Records, "its records: `:list account where onhold limit 5`", list::list),
    command("describe", "ENTITY", Offers::Entities, "its fields and keys, and the flows on it", look::describe),
    command("jobs", "[FLOW]", Offers::Flows, "the jobs that go on, or all those of a flow", jobs::jobs),
    command("load", "FILE", Offers::Files, "take in a file as if it were typed", change::load),
    command("reload", "", Offers::Nothing, "read the project again, below what was typed", change::reload),
    command("save", "FILE", Offers::Files, "write what was typed as a test that passes", save::save),
    command("explain", "CODE", Offers::Codes, "what a code means, a bad and a good example", look::explain),
    command("quit", "", Offers::Nothing, "leave; what isn't committed is rolled back", change::quit),
];

/// Runs a command.
pub(super) fn run(session: &mut Session, text: &str, answer: &mut Answer<'_>) {
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    session.warned &= name == "quit";
    match find(name) {
        Some(command) => (command.run)(session, rest.trim(), answer),
        None => {
            let near = nearest(name, COMMANDS.iter().map(|command| command.name));
            let meant = near.map_or_else(|| "`:help` lists them".to_owned(), |near| format!("did you mean `:{near}`?"));
            answer.error(Worst::Usage, format!("there is no command `:{}`; {meant}", name.escape_debug()));
        }
    }
}

/// The command that is meant by what other prompts take: `help`, `?`, `exit`, `quit`, unless it is the name of something; and by the name of an
/// entity alone, or with words about which of its records.
pub(super) fn meant(session: &Session, text: &str) -> Option<String> {
    let (word, rest) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
    let is_named = session.state.lines.named().any(|(name, ..)| *name == word);
    match word {
        _ if is_named => None,
        "help" | "?" if !rest.contains(char::is_whitespace) => Some(format!("help {rest}")),
        "exit" | "quit" if rest.is_empty() => Some("quit".to_owned()),
        _ if session.compiled.schema.entity_id(word).is_some() => {
            let next = rest.split_whitespace().next();
            next.is_none_or(|next| LOOP.contains(&next)).then(|| format!("{LIST}{text}"))
        }
        _ => None,
    }
}

/// A command by its name, or by as much of it as only it begins with.
pub(super) fn find(name: &str) -> Option<&'static Command> {
    let mut begun = COMMANDS.iter().filter(|command| !name.is_empty() && command.name.starts_with(name));
    match (COMMANDS.iter().find(|command| command.name == name), begun.next(), begun.next()) {
        (Some(exact), ..) => Some(exact),
        (None, Some(only), None) => Some(only),
        _ => None,
    }
}

fn help(session: &mut Session, name: &str, answer: &mut Answer<'_>) {
    let name = name.trim_start_matches(':');
    if name.is_empty() {
        let head = |command: &Command| format!(":{} {}", command.name, command.takes);
        let width = COMMANDS.iter().map(|command| head(command).chars().count()).max().unwrap_or(0);
        COMMANDS.iter().for_each(|command| answer.line(format!("{:width$}  {}", head(command), command.help)));
        answer.line("");
        answer.line("Anything else is the language: statements (`let acme = create account { … }`),");
        answer.line("values (`acme.name`, `count(account)`), and declarations (`entity`, `flow`, …),");
        answer.line("each of which takes the place of the one of its name.");
        return;
    }
    match find(name) {
        Some(command) => answer.line(format!(":{} {}\n  {}", command.name, command.takes, command.help)),
        None => run(session, name, answer),
    }
}
