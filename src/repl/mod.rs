//! The prompt: the language line by line, over an open transaction.
//!
//! A session (`session.rs`) takes in what was typed and answers in lines; it knows nothing of a terminal. Around it stand a front for
//! terminals (`terminal.rs`, with `complete.rs`, `place.rs`, `highlight.rs` and `history.rs`) and one for pipes and files (`simple.rs`).
//! What is typed is a command out of one table (`commands.rs`), or declarations, statements and values (`define.rs`, `statement.rs`).

mod answer;
mod around;
mod change;
mod clock;
mod commands;
mod complete;
mod define;
mod grid;
mod highlight;
mod history;
mod jobs;
mod list;
mod look;
mod outcome;
mod place;
mod retype;
mod save;
mod session;
pub mod simple;
mod statement;
mod tape;
pub mod terminal;
mod texts;
mod view;
mod words;

pub use answer::{Answer, Told, Worst};
pub use commands::{COMMANDS, Command, Offers};
pub use session::{MEMORY, Origin, Refused, Session, Setup};
