//! The one place where the machine's clock and random numbers, its processes and the network come in; everything below takes
//! them from [`Settings`].

mod callback;
mod command;
mod relay;
mod smtp;
mod tls;
mod webhook;

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Smtp;
use crate::pipeline::{CallError, Limits, Mailer, Notice, Outside, Permission, Settings};
use crate::value::Uuid;

impl Settings {
    /// For production: the system's clock and a stopwatch, ids of version 7, the zone UTC.
    pub fn system() -> Self {
        let start = Instant::now();
        let settings = Settings::with(Box::new(Timestamp::now), Box::new(Uuid::now_v7));
        Settings { stopwatch: Box::new(move || start.elapsed()), ..settings }
    }

    /// The same, with commands and webhooks that may be called. No project can say this for itself.
    pub fn allowing(self, permission: Permission) -> Self {
        Settings { permission, outside: Some(Box::new(World)), ..self }
    }
}

impl Settings {
    /// The same, with a mail server, if the operator allows it: among what is `allowed` is its host, or that with the port.
    pub fn mailing(self, smtp: Option<&Smtp>, allowed: &[String]) -> Self {
        let mailer = smtp.map(|smtp| -> Box<dyn Mailer> { Box::new(smtp::Server::new(smtp.clone(), allowed)) });
        Settings { mailer, ..self }
    }
}

/// Processes of this machine, and the network.
struct World;

impl Outside for World {
    fn command(&mut self, words: &[String], request: &str, limits: Limits) -> Result<String, CallError> {
        command::run(words, request, limits)
    }

    fn webhook(&mut self, address: &str, request: &str, key: Option<&str>, limits: Limits) -> Result<String, CallError> {
        webhook::post(address, request, key, limits)
    }

    fn notify(&mut self, notice: &Notice, time: Duration) -> Result<(), CallError> {
        callback::post(notice, time)
    }
}
