//! The one place where the machine's clock and random numbers come in; everything below takes them from [`Settings`].

use jiff::Timestamp;

use crate::pipeline::Settings;
use crate::value::Uuid;

impl Settings {
    /// For production: the system's clock, ids of version 7, the zone UTC.
    pub fn system() -> Self {
        Settings::with(Box::new(Timestamp::now), Box::new(Uuid::now_v7))
    }
}
