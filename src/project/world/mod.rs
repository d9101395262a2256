//! The one place where the machine's clock and random numbers, its processes and the network come in; everything below takes
//! them from [`Settings`].

mod callback;
mod command;
mod webhook;

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::pipeline::{CallError, Limits, Notice, Outside, Permission, Settings};
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

/// Processes of this machine, and the network.
struct World;

impl Outside for World {
    fn command(&mut self, words: &[String], request: &str, limits: Limits) -> Result<String, CallError> {
        command::run(words, request, limits)
    }

    fn webhook(&mut self, address: &str, request: &str, limits: Limits) -> Result<String, CallError> {
        webhook::post(address, request, limits)
    }

    fn notify(&mut self, notice: &Notice, time: Duration) -> Result<(), CallError> {
        callback::post(notice, time)
    }
}
