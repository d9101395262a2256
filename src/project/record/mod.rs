//! Runs that are written down, so that they can be run again, without the store and to the last bit.
//!
//! A record holds the compiled project, its settings and, of each outermost operation, everything that it got from elsewhere: what it was asked to
//! do, as whom and when, the ids it gave, what the stopwatch showed, every answer of the store and of code outside; then its outcome. That is
//! enough, because the core is a pure function of what it gets. A record is written as things happen, and read operation by operation.
//!
//! A recorded run is a traced one, so that its trace is there as soon as it is replayed. What code does that an embedding program binds isn't
//! recorded, only what it asks the store for: bind it for the replay too.

mod file;
mod play;
mod wire;
mod write;

pub use file::{RecordError, Wrong};
pub use play::{Played, Player, Record, Taken};
pub use write::Recorder;
