//! Code outside the program: processes and HTTP endpoints, called with the operation as JSON, answering as JSON.
//!
//! The operator permits, the project only names: without a permission of the settings nothing is called. How a process is started
//! or an endpoint is reached is not in here ([`Outside`]); so the core asks neither the machine nor the network by itself.

mod address;
mod answer;
mod request;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::bytecode::{Via, WebAddress, command_words};
use crate::diagnostic::Code;

pub use address::is_public;

use super::context::PluginContext;
use super::engine::Engine;
use super::fault::fault;
use super::happening::Happening;
use super::plugin::Refusal;

/// What the operator permits projects to call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permission {
    /// Commands: a program as projects name it, with any arguments, or a whole command line.
    pub commands: Vec<String>,
    /// Hosts of webhooks, with or without a port.
    pub hosts: Vec<String>,
}

impl Permission {
    fn covers_command(&self, line: &str, program: &str) -> bool {
        self.commands.iter().any(|permitted| permitted == line || permitted == program)
    }

    fn covers_host(&self, address: &WebAddress<'_>) -> bool {
        self.hosts.iter().any(|permitted| address.is_meant_by(permitted))
    }
}

/// Who may be told that a background operation has ended; nobody where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Callbacks {
    /// Hosts that lie in the public network, with or without a port.
    pub hosts: Vec<String>,
    /// Hosts that may lie anywhere, this machine and private networks included.
    pub private_hosts: Vec<String>,
    /// A file of certificates: only who shows one that these vouch for is told. The public authorities where none is named.
    pub ca: Option<String>,
}

/// What tells somebody that a background operation has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Where it is posted to.
    pub url: String,
    /// What is posted, as JSON.
    pub body: String,
    /// What it is known by, the same whenever it is posted: the header `idempotency-key`.
    pub key: String,
    /// Whether the host may lie anywhere; else only at an address that [`is_public`].
    pub anywhere: bool,
    /// The file of the certificates that have to vouch for the host; the public authorities where there is none.
    pub ca: Option<String>,
}

/// What one call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long it may take; two minutes where nobody says.
    pub time: Duration,
    /// How many bytes it may answer; a mebibyte where nobody says.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { time: Duration::from_secs(120), bytes: 1024 * 1024 }
    }
}

/// Why a call gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallError {
    /// It took longer than it may.
    OutOfTime,
    /// Something else, in words that follow the name of what was called.
    Failed(String),
}

/// Calls code outside. Whoever implements it keeps to the limits; the error is told in a fault, after the name of what was called.
pub trait Outside: Send {
    /// Runs a program with arguments, gives it the request on its standard input, and gives back what it wrote to its standard output.
    fn command(&mut self, words: &[String], request: &str, limits: Limits) -> Result<String, CallError>;

    /// Posts the request to an address, and gives back the body of the answer. A call with a `key` may come again with the same one.
    fn webhook(&mut self, address: &str, request: &str, key: Option<&str>, limits: Limits) -> Result<String, CallError>;

    /// Posts a notice within so much time.
    fn notify(&mut self, _notice: &Notice, _time: Duration) -> Result<(), CallError> {
        Err(CallError::Failed("can't be made here".to_owned()))
    }
}

/// Calls the code of a plug-in or an action, and does what it answers.
pub(super) fn call(context: &mut PluginContext<'_>, via: &Via) -> Result<(), Refusal> {
    let called = match via {
        Via::Host => return Ok(()),
        Via::Command(line) => command(context, line),
        Via::Webhook(address) => webhook(context, address),
    }?;
    answer::apply(context, &called)
}

fn command(context: &mut PluginContext<'_>, line: &str) -> Result<String, Refusal> {
    let words = command_words(line).unwrap_or_default();
    let program = words.first().map_or("", String::as_str);
    let settings = &context.engine.settings;
    if settings.outside.is_none() || !settings.permission.covers_command(line, program) {
        // What allows this command and no other, as a shell takes it.
        let allowed = if line == program { line.to_owned() } else { format!("'{}'", line.replace('\'', r"'\''")) };
        let how = format!("whoever runs it can allow it with `--allow-command {allowed}`");
        return Err(not_allowed(context, &format!("the command `{line}`"), &how));
    }
    context.engine.tell(|_| Happening::Call { via: "command", to: line.into() });
    let key = key(context);
    let (request, limits) = (request::of(context, key.as_deref())?, context.engine.call_limits());
    let answer = context.engine.settings.outside.as_mut().map(|outside| outside.command(&words, &request, limits));
    answer.unwrap_or_else(|| Ok(String::new())).map_err(|error| unanswered(context, &format!("the command `{line}`"), error))
}

fn webhook(context: &mut PluginContext<'_>, address: &str) -> Result<String, Refusal> {
    let parsed = WebAddress::parse(address).map_err(|wrong| failed(context, &wrong.to_string()))?;
    let settings = &context.engine.settings;
    if settings.outside.is_none() || !settings.permission.covers_host(&parsed) {
        let how = format!("whoever runs it can allow it with `--allow-webhook {}`", parsed.host);
        return Err(not_allowed(context, &format!("the webhook `{address}`"), &how));
    }
    context.engine.tell(|_| Happening::Call { via: "webhook", to: address.into() });
    let key = key(context);
    let (request, limits) = (request::of(context, key.as_deref())?, context.engine.call_limits());
    let answer = context.engine.settings.outside.as_mut().map(|outside| outside.webhook(address, &request, key.as_deref(), limits));
    answer.unwrap_or_else(|| Ok(String::new())).map_err(|error| unanswered(context, &format!("the webhook `{address}`"), error))
}

/// What a call is known by where a job makes it, which may have to make it again.
fn key(context: &mut PluginContext<'_>) -> Option<String> {
    let record = context.scene.record;
    context.engine.calls.as_mut().map(|calls| calls.next(context.part.name, record))
}

fn not_allowed(context: &PluginContext<'_>, what: &str, how: &str) -> Refusal {
    let part = context.part;
    fault(Code::F20, format!("the {} `{}` would call {what}, which is not allowed here: {how}", part.what, part.name)).into()
}

impl Engine {
    /// What a call may take now: never more time than the operation still has.
    fn call_limits(&mut self) -> Limits {
        let limits = self.settings.limits;
        Limits { time: limits.time.min(self.left()), ..limits }
    }
}

/// A call without an answer: for lack of its own time or of the whole operation's, or for another reason.
fn unanswered(context: &mut PluginContext<'_>, what: &str, error: CallError) -> Refusal {
    match error {
        CallError::Failed(words) => failed(context, &format!("{what} {words}")),
        CallError::OutOfTime => match context.engine.on_time() {
            Err(used_up) => used_up.into(),
            Ok(()) => {
                let most = context.engine.settings.limits.time.as_secs_f64();
                failed(context, &format!("{what} took longer than {most} seconds (the limit `plugin_time`)"))
            }
        },
    }
}

/// Code outside that failed.
fn failed(context: &PluginContext<'_>, what: &str) -> Refusal {
    let part = context.part;
    fault(Code::F21, format!("in the {} `{}`, {what}", part.what, part.name)).into()
}
