//! A real HTTP server that keeps what it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

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
    /// Answers with each of these in turn, and with the last of them from then on; never where there is none.
    pub fn answering(answers: &'static [&'static str]) -> Self {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let (send, told) = channel();
        std::thread::spawn(move || {
            let mut open: Vec<TcpStream> = Vec::new();
            for (count, mut stream) in server.incoming().flatten().enumerate() {
                let _ = send.send(read(&stream));
                match answers.get(count).or(answers.last()) {
                    Some(answer) => {
                        let _ = stream.write_all(format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes());
                    }
                    None => open.push(stream),
                }
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

fn read(stream: &TcpStream) -> Told {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) <= 2 {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let path = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let headers: Vec<String> = lines.iter().skip(1).map(|line| line.replacen(": ", ":", 1).replacen(':', ": ", 1)).collect();
    let length = headers.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = String::new();
    reader.take(length).read_to_string(&mut body).unwrap();
    Told { path, headers, body: serde_json::from_str(&body).unwrap_or(Value::Null) }
}
