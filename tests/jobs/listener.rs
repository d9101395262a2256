//! A real HTTP server that keeps what it is told.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustls::ServerConfig;
use serde_json::Value;

use crate::tls::{Stream, encrypted};

/// A request as it came.
pub struct Told {
    pub path: String,
    pub headers: Vec<String>,
    pub body: Value,
}

impl Told {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.unwrap_or_else(|| panic!("{name} is not among {:?}", self.headers))
    }
}

/// The server: its port, and what it was told.
pub struct Listener {
    pub port: u16,
    told: Receiver<Told>,
}

impl Listener {
    /// Answers with each of these in turn, and with the last of them from then on; never where there is none, or an empty one.
    pub fn answering(answers: &'static [&'static str]) -> Self {
        Listener::start(answers, None)
    }

    /// The same, encrypted.
    pub fn encrypted(answers: &'static [&'static str], config: Arc<ServerConfig>) -> Self {
        Listener::start(answers, Some(config))
    }

    fn start(answers: &'static [&'static str], config: Option<Arc<ServerConfig>>) -> Self {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let (send, told) = channel();
        std::thread::spawn(move || {
            let mut open: Vec<Box<dyn Stream>> = Vec::new();
            let mut count = 0;
            for stream in server.incoming().flatten() {
                let mut stream: Box<dyn Stream> = match &config {
                    Some(config) => encrypted(stream, config),
                    None => Box::new(stream),
                };
                // Whoever goes away before a request has seen enough.
                let Some(request) = read(&mut stream) else { continue };
                let _ = send.send(request);
                match answers.get(count).or(answers.last()).filter(|answer| !answer.is_empty()) {
                    Some(answer) => {
                        let _ = stream.write_all(format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes());
                        let _ = stream.flush();
                    }
                    None => open.push(stream),
                }
                count += 1;
            }
        });
        Listener { port, told }
    }

    /// What it is told next.
    pub fn next(&self) -> Told {
        self.told.recv_timeout(Duration::from_secs(60)).expect("nothing was told")
    }

    /// Whether it was told nothing more.
    pub fn is_quiet(&self) -> bool {
        self.told.try_recv().is_err()
    }
}

fn read(stream: &mut impl Read) -> Option<Told> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) <= 2 {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let path = lines.first()?.split(' ').nth(1).unwrap_or_default().to_owned();
    let headers: Vec<String> = lines.iter().skip(1).map(|line| line.replacen(": ", ":", 1).replacen(':', ": ", 1)).collect();
    let length = headers.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = String::new();
    reader.take(length).read_to_string(&mut body).ok()?;
    Some(Told { path, headers, body: serde_json::from_str(&body).unwrap_or(Value::Null) })
}
