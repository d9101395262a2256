//! A mail server for tests: takes what it is given over SMTP and remembers it, or refuses, or falls silent, as it is told to.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ServerConfig;

use crate::tls::{Stream, encrypted};

/// What it does with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Takes what comes.
    Takes,
    /// Answers this to the recipient.
    Refuses(&'static str),
    /// Answers this once it has the whole mail.
    Regrets(&'static str),
    /// Answers nothing at all.
    IsSilent,
    /// Talks on and on, and ends no line.
    Floods,
    /// Answers, a letter at a time and never to the end.
    Drips,
    /// Takes the mail, and doesn't say so.
    TakesSilently,
    /// Wants this user and password first.
    Asks(&'static str, &'static str),
}

/// How its conversations are encrypted.
#[derive(Clone)]
pub enum Encryption {
    /// Not at all.
    None,
    /// Once both sides have agreed to.
    StartTls(Arc<ServerConfig>),
    /// From the first byte.
    Tls(Arc<ServerConfig>),
}

/// A mail that it was given.
#[derive(Clone, Debug)]
pub struct Mail {
    pub from: String,
    pub to: String,
    /// The headers as they came, one a line.
    pub headers: Vec<String>,
    pub body: String,
}

impl Mail {
    /// A header, decoded.
    pub fn header(&self, name: &str) -> Option<String> {
        let start = format!("{name}: ");
        self.headers.iter().find_map(|line| line.strip_prefix(&start)).map(words)
    }
}

#[derive(Default)]
struct State {
    manners: VecDeque<Manner>,
    mails: Vec<Mail>,
    connections: usize,
}

pub struct Server {
    pub port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Server {
    /// Listens on a port of its own.
    pub fn start() -> Self {
        Server::encrypting(Encryption::None)
    }

    /// The same, with conversations that are encrypted.
    pub fn encrypting(how: Encryption) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state: Arc<(Mutex<State>, Condvar)> = Arc::default();
        let server = Server { port, state: Arc::clone(&state) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, how) = (Arc::clone(&state), how.clone());
                thread::spawn(move || {
                    let manner = {
                        let mut known = state.0.lock().unwrap();
                        known.connections += 1;
                        known.manners.pop_front().unwrap_or(Manner::Takes)
                    };
                    // Whoever goes away in the middle has seen enough.
                    let _ = match how {
                        Encryption::None => talk(Box::new(stream), true, &manner, &state),
                        Encryption::Tls(config) => talk(encrypted(stream, &config), true, &manner, &state),
                        Encryption::StartTls(config) => {
                            agree(&stream).and_then(|()| talk(encrypted(stream, &config), false, &manner, &state))
                        }
                    };
                });
            }
        });
        server
    }

    /// What it does with the next connections; after them it takes what comes.
    pub fn will(&self, manners: &[Manner]) {
        self.state.0.lock().unwrap().manners.extend(manners.iter().cloned());
    }

    /// What it was given so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.state.0.lock().unwrap().mails.clone()
    }

    /// How often somebody has connected.
    pub fn connections(&self) -> usize {
        self.state.0.lock().unwrap().connections
    }

    /// Waits until it was given so many mails.
    pub fn wait_for(&self, count: usize) {
        let (state, changed) = &*self.state;
        let known = state.lock().unwrap();
        let (known, late) = changed.wait_timeout_while(known, Duration::from_secs(60), |known| known.mails.len() < count).unwrap();
        assert!(!late.timed_out(), "{} of {count} mails came", known.mails.len());
    }
}

/// Comes to an agreement to encrypt what follows. Nothing else is taken before that.
fn agree(mut stream: &TcpStream) -> std::io::Result<()> {
    stream.write_all(b"220 mail.example.com ready\r\n")?;
    let (mut input, mut line) = (BufReader::new(stream), String::new());
    while input.read_line(&mut line)? > 0 && !line.starts_with("STARTTLS") {
        let answer = if line.starts_with("EHLO") { "250-mail.example.com\r\n250 STARTTLS" } else { "530 encrypt first" };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
        line.clear();
    }
    stream.write_all(b"220 go on\r\n")
}

fn talk(stream: Box<dyn Stream>, greets: bool, manner: &Manner, state: &(Mutex<State>, Condvar)) -> std::io::Result<()> {
    let mut input = BufReader::new(stream);
    if *manner == Manner::IsSilent {
        // Until the other side has had enough.
        return input.read_line(&mut String::new()).map(drop);
    }
    if *manner == Manner::Floods {
        input.get_mut().write_all(b"220 ")?;
        loop {
            input.get_mut().write_all(&[b'x'; 4096])?;
        }
    }
    if *manner == Manner::Drips {
        loop {
            input.get_mut().write_all(b"2")?;
            thread::sleep(Duration::from_millis(100));
        }
    }
    if greets {
        say(&mut input, "220 mail.example.com ready")?;
    }
    let (mut from, mut to, mut known) = (String::new(), String::new(), !matches!(manner, Manner::Asks(..)));
    let mut line = String::new();
    while input.read_line(&mut line)? > 0 {
        let command = line.trim_end().to_owned();
        line.clear();
        let address = || command.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let answer = match command.split(' ').next().unwrap_or_default() {
            "EHLO" if matches!(manner, Manner::Asks(..)) => "250-mail.example.com\r\n250 AUTH PLAIN",
            "EHLO" => "250-mail.example.com\r\n250 8BITMIME",
            "AUTH" => {
                let given = STANDARD.decode(command.rsplit(' ').next().unwrap_or_default()).unwrap_or_default();
                known = matches!(manner, Manner::Asks(user, password) if given == format!("\0{user}\0{password}").as_bytes());
                if known { "235 welcome" } else { "535 who are you, again" }
            }
            "MAIL" if !known => "530 log in first",
            "MAIL" => {
                from = address();
                "250 ok"
            }
            "RCPT" => match manner {
                Manner::Refuses(answer) => answer,
                _ => {
                    to = address();
                    "250 ok"
                }
            },
            "DATA" => {
                say(&mut input, "354 go on")?;
                let mail = read_mail(&mut input, &from, &to)?;
                state.0.lock().unwrap().mails.push(mail);
                state.1.notify_all();
                match manner {
                    Manner::Regrets(answer) => answer,
                    Manner::TakesSilently => return input.read_line(&mut line).map(drop),
                    _ => "250 taken",
                }
            }
            "QUIT" => return say(&mut input, "221 bye"),
            _ => "500 what",
        };
        say(&mut input, answer)?;
    }
    Ok(())
}

fn say(to: &mut BufReader<Box<dyn Stream>>, line: &str) -> std::io::Result<()> {
    to.get_mut().write_all(format!("{line}\r\n").as_bytes())?;
    to.get_mut().flush()
}

/// What comes until a dot stands alone on a line.
fn read_mail(input: &mut impl BufRead, from: &str, to: &str) -> std::io::Result<Mail> {
    let (mut headers, mut body, mut in_body) = (Vec::<String>::new(), String::new(), false);
    let mut line = String::new();
    while input.read_line(&mut line)? > 0 && line != ".\r\n" {
        // A bare line feed is no end of a line here, and none may come.
        assert!(line.ends_with("\r\n") && line.matches('\n').count() == 1, "{line:?}");
        let text = line.trim_end_matches("\r\n");
        if in_body {
            body.push_str(text.strip_prefix('.').unwrap_or(text));
            body.push('\n');
        } else if text.is_empty() {
            in_body = true;
        } else if let (Some(rest), Some(last)) = (text.strip_prefix(' '), headers.last_mut()) {
            last.push(' ');
            last.push_str(rest);
        } else {
            headers.push(text.to_owned());
        }
        line.clear();
    }
    let encoding = headers.iter().find_map(|line| line.strip_prefix("Content-Transfer-Encoding: ")).unwrap_or_default().to_owned();
    let body = decoded(&body, &encoding);
    Ok(Mail { from: from.to_owned(), to: to.to_owned(), headers, body })
}

fn decoded(body: &str, encoding: &str) -> String {
    match encoding {
        "base64" => {
            let text: String = body.split_whitespace().collect();
            String::from_utf8(STANDARD.decode(text).unwrap()).unwrap().replace("\r\n", "\n")
        }
        "quoted-printable" => {
            let mut bytes = Vec::new();
            let joined = body.replace("=\n", "");
            let mut rest = joined.bytes();
            while let Some(byte) = rest.next() {
                match byte {
                    b'=' => {
                        let digits: String = rest.by_ref().take(2).map(char::from).collect();
                        bytes.push(u8::from_str_radix(&digits, 16).unwrap());
                    }
                    byte => bytes.push(byte),
                }
            }
            String::from_utf8(bytes).unwrap()
        }
        _ => body.to_owned(),
    }
}

/// A header with its encoded words as they were before.
fn words(text: &str) -> String {
    let mut found = String::new();
    let mut after_word = false;
    for part in text.split(' ') {
        let encoded = part.strip_prefix("=?utf-8?b?").and_then(|part| part.strip_suffix("?="));
        if !(found.is_empty() || after_word && encoded.is_some()) {
            found.push(' ');
        }
        match encoded {
            Some(encoded) => found.push_str(&String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()),
            None => found.push_str(part),
        }
        after_word = encoded.is_some();
    }
    found
}
