//! `weir.toml` in the folder of a project: its store and settings. What only the operator of a machine may grant (which
//! commands and hosts code outside the language may reach) has no key in it: a project can't permit itself anything. Whom the
//! store's own background operations may call back is a setting: flows can't ask for one, only whoever hands in operations.

mod smtp;

use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub use self::smtp::{Password, Security, Smtp};
use super::files::LoadError;
use crate::bytecode::WebAddress;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::pipeline::{Callbacks, Keep, Settings};
use crate::schema::select::MAX_VISITED;
use crate::source::{FileId, Sources, Span};
use crate::value::{self, time};

/// The name of the file.
pub const CONFIG: &str = "weir.toml";

/// What a project says of how it runs; what it doesn't say stays as the command or the embedding program has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The URL of its store; a relative file is seen from the project's folder.
    pub store: Option<String>,
    /// The organisation's time zone, by its IANA name.
    pub zone: Option<TimeZone>,
    /// Where people see records: what the function `url` begins with.
    pub url: Option<String>,
    /// How deep operations may nest: 1 to 8.
    pub depth: Option<u32>,
    /// How many instructions the flows of one outermost operation may run.
    pub instructions: Option<u64>,
    /// How often a flow may run on one record because of itself.
    pub runs: Option<u32>,
    /// How many seconds an outermost operation may take.
    pub time: Option<u64>,
    /// How many seconds a plug-in may take.
    pub plugin_time: Option<u64>,
    /// How many bytes a run may hold.
    pub memory: Option<u64>,
    /// How many records a `for each` without a limit may go through.
    pub loop_records: Option<u64>,
    /// How long a worker keeps jobs that have ended.
    pub keep: Keep,
    /// Who may be told that a background operation has ended.
    pub callbacks: Callbacks,
    /// The mail server that takes its e-mails.
    pub smtp: Option<Smtp>,
}

/// The keys at the top, and those of the tables.
const KEYS: [&str; 7] = ["store", "timezone", "url", "limits", "jobs", "callbacks", "smtp"];
const CALLBACKS: [&str; 3] = ["hosts", "private_hosts", "ca"];
const LIMITS: [&str; 7] = ["depth", "runs", "instructions", "time", "plugin_time", "memory", "loop_records"];
const JOBS: [&str; 2] = ["keep", "keep_failed"];

/// The word for no time at all.
const NONE: &str = "none";

impl Config {
    /// Settings with what the project says of them.
    pub fn apply(&self, mut settings: Settings) -> Settings {
        if let Some(zone) = &self.zone {
            settings.zone = zone.clone();
        }
        if let Some(url) = &self.url {
            settings.url = url.trim_end_matches('/').to_owned();
        }
        settings.max_depth = self.depth.unwrap_or(settings.max_depth);
        settings.max_runs = self.runs.unwrap_or(settings.max_runs);
        settings.max_time = self.time.map_or(settings.max_time, Duration::from_secs);
        settings.limits.time = self.plugin_time.map_or(settings.limits.time, Duration::from_secs);
        settings.max_memory = self.memory.unwrap_or(settings.max_memory);
        settings.max_loop_records = self.loop_records.unwrap_or(settings.max_loop_records);
        settings.callbacks.clone_from(&self.callbacks);
        settings.max_instructions = self.instructions.unwrap_or(settings.max_instructions);
        settings.queues_mail = self.smtp.is_some();
        settings
    }

    /// What stands in the folder's `weir.toml`, if there is one. Its text is a source only where there is something to say about it.
    pub(super) fn read(folder: &Path, sources: &mut Sources, said: &mut Vec<Diagnostic>) -> Result<Config, LoadError> {
        let path = folder.join(CONFIG);
        // Whatever has the name is read, so that a broken link or a folder is told and not passed over.
        if path.symlink_metadata().is_err() {
            return Ok(Config::default());
        }
        let bytes = super::files::read_file(&path)?;
        let text = String::from_utf8_lossy(&bytes);
        let (mut config, problems) = parse(&text);
        if !problems.is_empty() {
            let file = sources.add(CONFIG, text.as_ref());
            said.extend(problems.into_iter().map(|problem| problem.placed(file)));
        }
        config.store = config.store.map(|url| beneath(folder, url));
        Ok(config)
    }

    /// The settings as a store keeps them: all but the store itself.
    pub(super) fn for_store(&self) -> String {
        // A text of JSON is one of TOML, but for one sign that JSON lets stand.
        let text = |key: &str, value: &str| format!("{key} = {}\n", serde_json::json!(value)).replace('\u{7f}', "\\u007f");
        let number = |key: &str, number: Option<u64>| number.map_or(String::new(), |number| format!("{key} = {number}\n"));
        let Config { store: _, zone, url, depth, instructions, runs, time, plugin_time, memory, loop_records, keep, callbacks, smtp } =
            self;
        let zone = zone.as_ref().and_then(TimeZone::iana_name).map_or(String::new(), |zone| text("timezone", zone));
        let url = url.as_ref().map_or(String::new(), |url| text("url", url));
        let (depth, runs) = (depth.map(u64::from), runs.map(u64::from));
        let limits = LIMITS.into_iter().zip([&depth, &runs, instructions, time, plugin_time, memory, loop_records]);
        let limits = limits.map(|(key, value)| number(key, *value)).collect::<String>();
        let kept = JOBS.into_iter().zip([keep.ended, keep.failed]).filter_map(|(key, length)| Some((key, length?)));
        let kept = kept.map(|(key, length)| {
            let words = if length == value::Duration::default() { NONE.to_owned() } else { time::duration_text(length) };
            text(key, &words)
        });
        let kept = kept.collect::<String>();
        let jobs = if kept.is_empty() { String::new() } else { format!("[jobs]\n{kept}") };
        let hosts = CALLBACKS.into_iter().zip([&callbacks.hosts, &callbacks.private_hosts]).filter(|(_, hosts)| !hosts.is_empty());
        let hosts = hosts.map(|(key, hosts)| format!("{key} = {}\n", serde_json::json!(hosts))).collect::<String>();
        let ca = callbacks.ca.as_ref().map_or(String::new(), |ca| text("ca", ca));
        let callbacks = if hosts.is_empty() && ca.is_empty() { hosts } else { format!("[callbacks]\n{hosts}{ca}") };
        let smtp = smtp.as_ref().map_or(String::new(), |smtp| smtp.written(&text));
        format!("{zone}{url}[limits]\n{limits}{jobs}{callbacks}{smtp}")
    }

    /// The settings that a store keeps; none where it can't be.
    pub(super) fn of_store(text: &str) -> Option<Config> {
        let (config, problems) = parse(text);
        problems.is_empty().then_some(config)
    }
}

/// The settings in a text, and what is wrong with them.
fn parse(text: &str) -> (Config, Vec<Problem>) {
    let mut reader = Reader { problems: Vec::new() };
    let config = match DeTable::parse(text) {
        Ok(table) => reader.config(table.get_ref()),
        Err(error) => {
            let span = error.span().unwrap_or_default();
            let help = "the file is TOML: `key = value`, and `[limits]` before the limits";
            reader.problem(span, error.message().to_lowercase(), help.to_owned());
            Config::default()
        }
    };
    (config, reader.problems)
}

/// A URL of a file, seen from the project's folder.
fn beneath(folder: &Path, url: String) -> String {
    match url.strip_prefix("sqlite:") {
        Some(file) if file != ":memory:" && !file.is_empty() => format!("sqlite:{}", folder.join(file).display()),
        _ => url,
    }
}

/// Something wrong, by bytes of the text.
struct Problem {
    bytes: std::ops::Range<usize>,
    message: String,
    help: String,
    fix: Option<String>,
}

impl Problem {
    fn placed(self, file: FileId) -> Diagnostic {
        let place = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        let span = Span::new(file, place(self.bytes.start), place(self.bytes.end));
        let diagnostic = Diagnostic::new(Code::E0008, span, self.message).help(self.help);
        self.fix.into_iter().fold(diagnostic, |diagnostic, fix| diagnostic.fix(span, fix))
    }
}

struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    fn problem(&mut self, bytes: std::ops::Range<usize>, message: String, help: String) {
        self.problems.push(Problem { bytes, message, help, fix: None });
    }

    fn config(&mut self, table: &DeTable<'_>) -> Config {
        let mut config = Config::default();
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "store" => config.store = self.text(value, "`store` is the URL of a store in quotes: `store = \"sqlite:data.db\"`"),
                "timezone" => config.zone = self.zone(value),
                "url" => config.url = self.text(value, "`url` is an address in quotes: `url = \"https://crm.example.com\"`"),
                "limits" => match value.get_ref() {
                    DeValue::Table(limits) => self.limits(limits, &mut config),
                    _ => {
                        self.problem(value.span(), "`limits` is a table".to_owned(), "write `[limits]`, and the limits below it".to_owned())
                    }
                },
                "jobs" => match value.get_ref() {
                    DeValue::Table(jobs) => self.jobs(jobs, &mut config),
                    _ => self.problem(
                        value.span(),
                        "`jobs` is a table".to_owned(),
                        "write `[jobs]`, and what holds of jobs below it".to_owned(),
                    ),
                },
                "callbacks" => match value.get_ref() {
                    DeValue::Table(callbacks) => self.callbacks(callbacks, &mut config.callbacks),
                    _ => {
                        let help = "write `[callbacks]`, and `hosts = [\"crm.example.com\"]` below it".to_owned();
                        self.problem(value.span(), "`callbacks` is a table".to_owned(), help);
                    }
                },
                "smtp" => match value.get_ref() {
                    DeValue::Table(smtp) => config.smtp = self.smtp(smtp, key.span()),
                    _ => self.problem(
                        value.span(),
                        "`smtp` is a table".to_owned(),
                        "write `[smtp]`, and the mail server below it".to_owned(),
                    ),
                },
                _ => self.unknown(key, &KEYS),
            }
        }
        config
    }

    fn limits(&mut self, table: &DeTable<'_>, config: &mut Config) {
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "depth" => config.depth = self.number(value, "depth", (8, 8)).and_then(|depth| u32::try_from(depth).ok()),
                "runs" => config.runs = self.number(value, "runs", (16, 1_000)).and_then(|runs| u32::try_from(runs).ok()),
                "time" => config.time = self.number(value, "time", (120, 86_400)),
                "plugin_time" => config.plugin_time = self.number(value, "plugin_time", (120, 86_400)),
                "memory" => config.memory = self.number(value, "memory", (64 << 20, 1 << 30)),
                "instructions" => config.instructions = self.number(value, "instructions", (10_000_000, 1_000_000_000)),
                "loop_records" => config.loop_records = self.number(value, "loop_records", (5_000, MAX_VISITED)),
                _ => self.unknown(key, &LIMITS),
            }
        }
    }

    fn jobs(&mut self, table: &DeTable<'_>, config: &mut Config) {
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "keep" => config.keep.ended = self.length(value, "keep"),
                "keep_failed" => config.keep.failed = self.length(value, "keep_failed"),
                _ => self.unknown(key, &JOBS),
            }
        }
    }

    fn callbacks(&mut self, table: &DeTable<'_>, callbacks: &mut Callbacks) {
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "hosts" => callbacks.hosts = self.hosts(value),
                "private_hosts" => callbacks.private_hosts = self.hosts(value),
                "ca" => callbacks.ca = self.text(value, "`ca` is the path of a file in quotes: `ca = \"/etc/crm/ca.pem\"`"),
                _ => self.unknown(key, &CALLBACKS),
            }
        }
    }

    /// How long something is kept: a length of time, or none at all.
    fn length(&mut self, value: &Spanned<DeValue<'_>>, what: &str) -> Option<value::Duration> {
        let help = format!("write `{what} = \"30 days\"`, or `{what} = \"none\"`; where nothing is said, they are kept for ever");
        let text = self.text(value, &help)?;
        if text == NONE {
            return Some(value::Duration::default());
        }
        let length = time::parse_duration(&text).map_err(|malformed| malformed.message);
        let none = value::Duration::default();
        let behind = |length: &value::Duration| length.months >= 0 && length.days >= 0 && length.micros >= 0 && *length != none;
        match length {
            Ok(length) if behind(&length) => return Some(length),
            Ok(_) => self.problem(value.span(), format!("`{what}` is a length of time from now back"), help),
            Err(message) => self.problem(value.span(), message, help),
        }
        None
    }

    /// A list of hosts, with or without ports.
    fn hosts(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<String> {
        let help = "write hosts without anything around them: `[\"crm.example.com\", \"hooks.example.com:8443\"]`";
        let DeValue::Array(hosts) = value.get_ref() else {
            self.problem(value.span(), "this is no list".to_owned(), help.to_owned());
            return Vec::new();
        };
        let host = |host: &Spanned<DeValue<'_>>| {
            let text = self.text(host, help)?;
            if WebAddress::is_permission(&text) {
                return Some(text);
            }
            self.problem(host.span(), "this is no host".to_owned(), help.to_owned());
            None
        };
        hosts.iter().filter_map(host).collect()
    }

    fn text(&mut self, value: &Spanned<DeValue<'_>>, help: &str) -> Option<String> {
        if let DeValue::String(text) = value.get_ref() {
            return Some(text.to_string());
        }
        self.problem(value.span(), "this is no text".to_owned(), help.to_owned());
        None
    }

    fn zone(&mut self, value: &Spanned<DeValue<'_>>) -> Option<TimeZone> {
        let help = "name it as the time zone database does: `timezone = \"Europe/Vienna\"`";
        let name = self.text(value, help)?;
        match TimeZone::get(&name) {
            Ok(zone) => Some(zone),
            Err(_) => {
                self.problem(value.span(), format!("there is no time zone `{name}`"), help.to_owned());
                None
            }
        }
    }

    /// A whole number from 1; `usual` is what holds where nothing is said.
    fn number(&mut self, value: &Spanned<DeValue<'_>>, what: &str, (usual, most): (u64, u64)) -> Option<u64> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        let found = number.filter(|number| (1..=most).contains(number));
        if found.is_none() {
            self.problem(
                value.span(),
                format!("`{what}` is a whole number from 1 to {most}"),
                format!("`{what} = {usual}` is what holds where nothing is said"),
            );
        }
        found
    }

    fn unknown(&mut self, key: &Spanned<std::borrow::Cow<'_, str>>, known: &[&str]) {
        let name = key.get_ref();
        let listed = known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
        let near = nearest(name, known.iter().copied());
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if name.starts_with("allow") => {
                "a project can't permit itself anything: whoever runs it does, on the command line or in the embedding program".to_owned()
            }
            None => format!("the keys here are {listed}"),
        };
        let fix = near.map(str::to_owned);
        self.problems.push(Problem { bytes: key.span(), message: format!("`{name}` is no setting"), help, fix });
    }
}
