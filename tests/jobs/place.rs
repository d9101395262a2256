//! A folder with a project and a store, the command that works with them, and workers that stay.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

pub struct Place {
    pub dir: TempDir,
    /// The store's URL: a file of the folder, or a schema of a PostgreSQL server.
    pub store: String,
}

impl Place {
    /// A place that nothing is in yet.
    pub fn new() -> Self {
        Place { dir: tempfile::tempdir().unwrap(), store: "sqlite:s.db".to_owned() }
    }

    /// A place with the project deployed.
    pub fn deployed(text: &str) -> Self {
        Place::deployed_in("sqlite:s.db", text)
    }

    /// A place with the project deployed in a store.
    pub fn deployed_in(store: &str, text: &str) -> Self {
        let place = Place { store: store.to_owned(), ..Place::new() };
        place.deploy(text);
        place
    }

    /// A place with a project and its `weir.toml` deployed.
    pub fn configured(text: &str, config: &str) -> Self {
        let place = Place::new();
        place.deploy_with(text, config);
        place
    }

    pub fn deploy_with(&self, text: &str, config: &str) {
        fs::write(self.dir.path().join("rules.flow"), text).unwrap();
        fs::write(self.dir.path().join("weir.toml"), config).unwrap();
        self.well(&["deploy", ".", "--store", &self.store]);
    }

    pub fn deploy(&self, text: &str) {
        fs::write(self.dir.path().join("rules.flow"), text).unwrap();
        self.well(&["deploy", "rules.flow", "--store", &self.store]);
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        command.args(arguments).current_dir(self.dir.path()).stdin(Stdio::null());
        command
    }

    /// The command with nothing said of its input.
    pub fn command_at_a_terminal(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        command.args(arguments).current_dir(self.dir.path()).env("TERM", "xterm");
        command
    }

    /// Runs the command, which has to end well; gives what it wrote.
    pub fn well(&self, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        assert!(status.success(), "{arguments:?}: {status}\n{}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    }

    /// Runs operations against the store.
    pub fn operate(&self, lines: &str) -> String {
        fs::write(self.dir.path().join("ops.jsonl"), lines).unwrap();
        self.well(&["run", &self.store, "--ops", "ops.jsonl", "--store", &self.store, "--format", "json"])
    }

    /// A new account; gives its id.
    pub fn account(&self, name: &str) -> String {
        let told = self.operate(&format!("{{\"message\":\"Create\",\"entity\":\"account\",\"attributes\":{{\"name\":\"{name}\"}}}}\n"));
        let line: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
        assert_eq!(line["outcome"], "committed", "{told}");
        line["id"].as_str().unwrap().to_owned()
    }

    /// Changes an account.
    pub fn change(&self, id: &str, attributes: &str) {
        let told =
            self.operate(&format!("{{\"message\":\"Update\",\"entity\":\"account\",\"id\":\"{id}\",\"attributes\":{attributes}}}\n"));
        assert!(told.starts_with("{\"line\":1,\"outcome\":\"committed\""), "{told}");
    }

    /// Works until nothing is due; gives the jobs as they were left.
    pub fn work(&self) -> Vec<Value> {
        jobs(&self.well(&["work", "--store", &self.store, "--once", "--format", "json"]))
    }

    /// The jobs of the store, those that have ended included.
    pub fn jobs(&self) -> Vec<Value> {
        jobs(&self.well(&["jobs", "list", "--all", "--store", &self.store, "--format", "json"]))
    }

    /// A number that a query gives.
    pub fn number(&self, query: &str) -> i64 {
        if let Some((server, schema)) = self.store.split_once("?schema=") {
            let mut command = Command::new("psql");
            let output = command.args(["-Atc", query, server]).env("PGOPTIONS", format!("-c search_path={schema}")).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            return String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        }
        Connection::open(self.dir.path().join("s.db")).unwrap().query_row(query, [], |row| row.get(0)).unwrap()
    }
}

fn jobs(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Names and status codes of jobs.
pub fn told(jobs: &[Value]) -> Vec<(&str, i64)> {
    jobs.iter().map(|job| (job["name"].as_str().unwrap(), job["status"].as_i64().unwrap())).collect()
}

/// A worker that stays, and what it has said so far.
pub struct Worker {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Worker {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let streams: [Box<dyn std::io::Read + Send>; 2] = [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for stream in streams {
            let said = Arc::clone(&said);
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    *said.lock().unwrap() += &format!("{line}\n");
                }
            });
        }
        Worker { child, said }
    }

    /// At a place, with a lease that is soon over.
    pub fn at(place: &Place) -> Self {
        Worker::start(place.command(&["work", "--store", &place.store, "--lease", "1"]))
    }

    /// Waits until it has said so.
    pub fn says(&self, words: &str) {
        wait_for(|| self.said.lock().unwrap().contains(words), words);
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, whatever it is doing.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it to stop, which it has to do well; gives what it said.
    pub fn stop(mut self) -> String {
        assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        let said = self.said.lock().unwrap();
        said.clone()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// Waits until something holds.
pub fn wait_for(mut holds: impl FnMut() -> bool, what: &str) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(120), "waited in vain: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
