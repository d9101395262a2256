//! The clock of a session: the one that it was given, until somebody sets it and it stands.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::pipeline::Settings;

/// A clock that can be set; its copies are the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    stands_at: Arc<Mutex<Option<Timestamp>>>,
}

impl Clock {
    /// Settings whose clock is this one.
    pub fn applied(&self, mut settings: Settings) -> Settings {
        let stands_at = Arc::clone(&self.stands_at);
        let mut running = settings.clock;
        settings.clock = Box::new(move || stands_at.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_else(&mut running));
        settings
    }

    /// Where it stands, if it does.
    pub fn stands_at(&self) -> Option<Timestamp> {
        *self.stands_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets it, and lets it stand there; without a moment it runs again.
    pub fn set(&self, moment: Option<Timestamp>) {
        *self.stands_at.lock().unwrap_or_else(PoisonError::into_inner) = moment;
    }
}
