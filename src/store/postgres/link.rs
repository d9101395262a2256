//! The connection to a server: opened when it is first needed and anew after it was lost, but never within a transaction. Everything
//! that is sent waits for its answer no longer than the store has patience.
//!
//! What only marks a place (`BEGIN`, `SAVEPOINT`, `RELEASE`, `ROLLBACK TO`) is not sent alone: it goes ahead of the next statement, in
//! the same packet, and costs no time of its own. So a transaction in which nothing was done never meets the server.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use rustc_hash::FxHashMap;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, NoTls, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::cell::Cell;
use super::failure::{failure, is_lost};
use super::select::parameters;
use super::url::{Target, certificates};
use crate::store::StoreError;
use crate::value::Uuid;

/// Prepared statements that are kept: the shapes of a project that is at work.
const STATEMENTS: usize = 512;

/// How much longer changes of tables may take than other statements.
const FOR_TABLES: u32 = 20;

/// How long is waited after a first conflict, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// What a statement is given.
pub(super) type Parameters<'p> = [&'p (dyn ToSql + Sync)];

/// The connection of a store.
pub(super) struct Link {
    pub target: Target,
    runtime: Runtime,
    session: Option<Session>,
    /// What is to be sent ahead of the next statement.
    pending: Vec<String>,
    state: State,
    /// How many savepoints are set.
    depth: usize,
    /// How many times something was sent that an answer was waited for.
    trips: u64,
}

struct Session {
    client: Client,
    statements: FxHashMap<String, Statement>,
}

/// How far the transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// There is none.
    None,
    /// It is open.
    Open,
    /// A statement failed in it: the server takes nothing more before it is undone, or a savepoint of it.
    Failed,
    /// The connection was lost in it, and with it all that it did.
    Lost,
}

/// Why something that was asked failed.
pub(super) enum Trouble {
    /// The server said no.
    Server(Error),
    /// There was no answer, or nobody to ask.
    Store(StoreError),
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Server(error) => failure(&error),
            Trouble::Store(error) => error,
        }
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("place", &self.target.place()).field("state", &self.state).finish_non_exhaustive()
    }
}

impl Link {
    /// A connection to a server, which is reached at once, so that a wrong URL is told at the beginning.
    pub fn to(target: Target) -> Result<Self, StoreError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| StoreError::Failed(format!("the connection can't be made: {error}")))?;
        let mut link = Link { target, runtime, session: None, pending: Vec::new(), state: State::None, depth: 0, trips: 0 };
        link.reach()?;
        Ok(link)
    }

    /// Whether a transaction is open.
    pub fn is_open(&self) -> bool {
        self.state != State::None
    }

    /// How many times an answer was waited for since this was last asked.
    pub fn trips(&mut self) -> u64 {
        std::mem::take(&mut self.trips)
    }

    pub fn begin(&mut self) -> Result<(), StoreError> {
        // As if transactions ran one after the other, which is what rules rely on.
        self.begin_with("BEGIN ISOLATION LEVEL SERIALIZABLE")
    }

    /// Begins a transaction that only reads, all of it as it is at one moment: it meets nobody.
    pub fn begin_reading(&mut self) -> Result<(), StoreError> {
        self.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }

    fn begin_with(&mut self, text: &str) -> Result<(), StoreError> {
        self.reach()?;
        self.pending = vec![text.to_owned()];
        self.state = State::Open;
        self.depth = 0;
        Ok(())
    }

    pub fn commit(&mut self) -> Result<(), StoreError> {
        self.writable()?;
        if self.pending.first().is_some_and(|first| first.starts_with("BEGIN")) {
            return self.rollback();
        }
        self.pending.push("COMMIT".to_owned());
        self.flush().inspect_err(|_| self.state = State::Failed).map_err(|trouble| match trouble {
            Trouble::Server(error) if is_lost(&error) => StoreError::Failed(
                "the connection to the database server was lost in a commit: whether it was made to last has to be looked up".to_owned(),
            ),
            other => other.into(),
        })?;
        self.state = State::None;
        Ok(())
    }

    /// Undoes the transaction. Harmless where none is open, or where it is gone.
    pub fn rollback(&mut self) -> Result<(), StoreError> {
        let sent = !self.pending.first().is_some_and(|first| first.starts_with("BEGIN"));
        let goes = matches!(self.state, State::Open | State::Failed) && sent && self.session.is_some();
        self.pending.clear();
        self.state = State::None;
        if goes {
            self.pending.push("ROLLBACK".to_owned());
            // A connection that is lost has undone it.
            if self.flush().is_err() {
                self.session = None;
            }
        }
        Ok(())
    }

    pub fn savepoint(&mut self) -> Result<(), StoreError> {
        self.writable()?;
        self.depth += 1;
        self.pending.push(format!("SAVEPOINT weir_{}", self.depth));
        Ok(())
    }

    pub fn release(&mut self) -> Result<(), StoreError> {
        self.writable()?;
        self.marked()?;
        self.end_savepoint();
        Ok(())
    }

    pub fn rollback_to_savepoint(&mut self) -> Result<(), StoreError> {
        match self.state {
            State::Lost | State::None => return self.writable(),
            State::Failed | State::Open => self.marked()?,
        }
        self.state = State::Open;
        let (depth, before) = (self.depth, self.pending.len());
        self.end_savepoint();
        // Where it was never sent, nothing was done since.
        if self.pending.len() >= before {
            self.pending.insert(before, format!("ROLLBACK TO SAVEPOINT weir_{depth}"));
        }
        Ok(())
    }

    fn marked(&self) -> Result<(), StoreError> {
        if self.depth > 0 { Ok(()) } else { Err(StoreError::Failed("no savepoint is set".to_owned())) }
    }

    /// Ends the innermost savepoint; one that was never sent is forgotten.
    fn end_savepoint(&mut self) {
        let name = format!("SAVEPOINT weir_{}", self.depth);
        match self.pending.iter().rposition(|text| *text == name) {
            Some(place) => self.pending.truncate(place),
            None => self.pending.push(format!("RELEASE {name}")),
        }
        self.depth = self.depth.saturating_sub(1);
    }

    /// Whether something may be written: nothing is written alone.
    pub fn writable(&self) -> Result<(), StoreError> {
        let why = match self.state {
            State::Open => return Ok(()),
            State::None => "no transaction is open",
            State::Failed => "a statement failed in the transaction, which has to be undone first",
            State::Lost => "the connection to the database server was lost, and the transaction with it",
        };
        Err(StoreError::Failed(why.to_owned()))
    }

    /// Waits before a transaction is run again: twice as long each time, up to a fifth of a second, and never as long as another program.
    pub fn give_way(&mut self, conflicts: u32) {
        let most = FIRST_PAUSE.saturating_mul(1 << conflicts.min(8)).min(LONGEST_PAUSE);
        let part = Uuid::now_v7().as_u128() & 0xFF;
        std::thread::sleep(most.mul_f64(0.5 + part as f64 / 512.0));
    }

    /// The rows that a statement gives.
    pub fn query(&mut self, text: &str, parameters: &Parameters<'_>) -> Result<Vec<Row>, Trouble> {
        self.ask(text, async |client, statement| client.query(statement, parameters).await)
    }

    /// How many rows a statement changes.
    pub fn execute(&mut self, text: &str, parameters: &Parameters<'_>) -> Result<u64, Trouble> {
        self.ask(text, async |client, statement| client.execute(statement, parameters).await)
    }

    /// Runs a statement for each of these rows of parameters, in their order, all of them on their way before the first answer is there;
    /// gives how many rows each changed, or which one failed first.
    pub fn execute_each(&mut self, text: &str, rows: &[Vec<Cell<'_>>]) -> Result<Vec<u64>, (usize, Trouble)> {
        let answers = self.ask(text, async |client, statement| {
            let answers = join_all(rows.iter().map(async |row| client.execute(statement, &parameters(row)).await)).await;
            // Only the first error says something: those behind it say that there was one.
            let failed = answers.iter().position(Result::is_err).unwrap_or_default();
            answers
                .into_iter()
                .collect::<Result<Vec<u64>, Error>>()
                .map(Ok)
                .or_else(|error| if is_lost(&error) { Err(error) } else { Ok(Err((failed, error))) })
        });
        match answers {
            Ok(Ok(counts)) => Ok(counts),
            Ok(Err((failed, error))) => {
                self.fail();
                Err((failed, Trouble::Server(error)))
            }
            Err(trouble) => Err((0, trouble)),
        }
    }

    /// Runs a statement that changes tables, or several; they may take their time.
    pub fn change_tables(&mut self, text: &str) -> Result<(), Trouble> {
        self.ready()?;
        let patience = self.target.patience.saturating_mul(FOR_TABLES);
        // The server has to have as much of it.
        let text = self.ahead_of(&format!("SET LOCAL statement_timeout = {}; {text}", patience.as_millis()));
        self.wait(patience, async |session| session.client.batch_execute(&text).await)
    }

    /// Has a statement prepared and answered, behind what is pending.
    pub fn ask<T>(&mut self, text: &str, answer: impl AsyncFnOnce(&Client, &Statement) -> Result<T, Error>) -> Result<T, Trouble> {
        self.ready()?;
        let mut pending = self.ahead_of("");
        let patience = self.target.patience;
        self.wait(patience, async |session| {
            let statement = match session.statements.get(text) {
                Some(known) => known.clone(),
                None => {
                    // A statement can't be made ready in a transaction that has to be undone first.
                    let new = ahead(&session.client, &std::mem::take(&mut pending), session.client.prepare(text)).await?;
                    if session.statements.len() >= STATEMENTS {
                        session.statements.clear();
                    }
                    session.statements.entry(text.to_owned()).insert_entry(new).get().clone()
                }
            };
            let client = &session.client;
            ahead(client, &pending, answer(client, &statement)).await
        })
    }

    /// Sends what is pending.
    fn flush(&mut self) -> Result<(), Trouble> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let text = self.ahead_of("");
        let patience = self.target.patience;
        self.wait(patience, async |session| session.client.batch_execute(&text).await)
    }

    /// What is pending, and a text behind it.
    fn ahead_of(&mut self, text: &str) -> String {
        self.pending.push(text.to_owned());
        let whole = self.pending.join("; ");
        self.pending.clear();
        if text.is_empty() { whole.trim_end_matches("; ").to_owned() } else { whole }
    }

    /// Within a transaction nothing may be asked that it doesn't see; outside of one, a connection that was lost is made anew.
    fn ready(&mut self) -> Result<(), Trouble> {
        if self.state == State::None { self.reach() } else { self.writable() }.map_err(Trouble::Store)
    }

    /// Waits for an answer, as long as there is patience. A connection without one is of no use any more.
    fn wait<T>(&mut self, patience: Duration, ask: impl AsyncFnOnce(&mut Session) -> Result<T, Error>) -> Result<T, Trouble> {
        let Some(session) = &mut self.session else { return Err(Trouble::Store(lost())) };
        self.trips += 1;
        let answer = self.runtime.block_on(async { tokio::time::timeout(patience, ask(session)).await });
        let Ok(answer) = answer else {
            self.lose();
            let words = format!("the database server hasn't answered within {} s", patience.as_secs());
            return Err(Trouble::Store(StoreError::Failed(words)));
        };
        answer.map_err(|error| {
            if is_lost(&error) {
                self.lose()
            } else {
                self.fail()
            }
            Trouble::Server(error)
        })
    }

    fn fail(&mut self) {
        if self.state == State::Open {
            self.state = State::Failed;
        }
    }

    fn lose(&mut self) {
        self.session = None;
        self.pending.clear();
        if self.state != State::None {
            self.state = State::Lost;
        }
    }

    /// Makes the connection, where there is none that works.
    fn reach(&mut self) -> Result<(), StoreError> {
        if self.session.as_ref().is_some_and(|session| !session.client.is_closed()) {
            return Ok(());
        }
        self.session = None;
        // Each host has its own time; the whole mustn't take for ever either.
        let target = &self.target;
        let hosts = u32::try_from(target.config.get_hosts().len()).unwrap_or(1).max(1);
        let patience =
            target.patience.saturating_add(target.config.get_connect_timeout().copied().unwrap_or_default().saturating_mul(hosts));
        let made = self.runtime.block_on(async {
            let tls = connector(target)?;
            let reached = tokio::time::timeout(patience, async {
                match tls {
                    Some(tls) => {
                        let (client, connection) = target.config.connect(tls).await?;
                        tokio::spawn(connection);
                        Ok(client)
                    }
                    None => {
                        let (client, connection) = target.config.connect(NoTls).await?;
                        tokio::spawn(connection);
                        Ok(client)
                    }
                }
            });
            match reached.await {
                Ok(made) => made.map_err(|error: Error| failure(&error)),
                Err(_) => Err(StoreError::Failed("the database server doesn't answer".to_owned())),
            }
        });
        let client = made.map_err(|error| match error {
            StoreError::Failed(words) => StoreError::Failed(format!("`{}`: {words}", self.target.place())),
            StoreError::Unusable(words) => StoreError::Unusable(format!("`{}`: {words}", self.target.place())),
            other => other,
        })?;
        self.session = Some(Session { client, statements: FxHashMap::default() });
        self.set_up().inspect_err(|_| self.session = None)
    }

    /// What every connection is told: the server stops what nobody waits for any more.
    fn set_up(&mut self) -> Result<(), StoreError> {
        let patience = self.target.patience.as_millis();
        let text = format!("SET statement_timeout = {patience}");
        self.wait(self.target.patience, async |session| session.client.batch_execute(&text).await).map_err(StoreError::from)
    }
}

/// Sends a text ahead of something else; both are on their way before the first answer is there.
async fn ahead<T>(client: &Client, text: &str, then: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    if text.is_empty() {
        return then.await;
    }
    let (before, answer) = join(client.batch_execute(text), then).await;
    before.and(answer)
}

fn lost() -> StoreError {
    StoreError::Failed("the connection to the database server was lost".to_owned())
}

/// What speaks TLS to a server; none where it is spoken to without.
fn connector(target: &Target) -> Result<Option<MakeRustlsConnect>, StoreError> {
    if target.config.get_ssl_mode() == tokio_postgres::config::SslMode::Disable {
        return Ok(None);
    }
    let mut authorities = rustls::RootCertStore::empty();
    match &target.authorities {
        None => authorities.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => drop(authorities.add_parsable_certificates(certificates(path)?)),
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| StoreError::Failed(format!("TLS can't be used: {error}")))?;
    Ok(Some(MakeRustlsConnect::new(config.with_root_certificates(authorities).with_no_client_auth())))
}
