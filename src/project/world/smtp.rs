//! A mail server that is handed letters by SMTP: verified TLS, no step down to an unencrypted connection, a limit of time for each
//! exchange and for all of them, and a bound for what it says. Nothing that a record holds can become a header of its own.

use std::env;
use std::error::Error as _;
use std::fs;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::str::FromStr;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::{ContentType, MIME_VERSION_1_0};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{Address, SmtpTransport, Transport};

use super::relay::{self, Cut};
use super::tls::{authorities, distrust};
use crate::pipeline::{self, Letter, Mailer, Undelivered};
use crate::project::{Password, Security, Smtp};
use crate::value::text::quoted;

/// How many times the limit of one exchange a whole sending may take: it has about so many, from the connection to the answer to the mail.
const EXCHANGES: u32 = 10;

/// The mail server of a project.
pub(super) struct Server {
    smtp: Smtp,
    allowed: bool,
}

impl Server {
    pub fn new(smtp: Smtp, allowed: &[String]) -> Self {
        let with_port = format!("{}:{}", smtp.host, smtp.port);
        let allowed = allowed.iter().any(|host| *host == smtp.host || *host == with_port);
        Server { smtp, allowed }
    }

    fn credentials(&self) -> Result<Option<Credentials>, Undelivered> {
        let Some((user, password)) = &self.smtp.login else { return Ok(None) };
        let read = match password {
            Password::Env(name) => env::var(name).map_err(|_| format!("there is no variable {} in the environment", quoted(name))),
            Password::File(path) => fs::read_to_string(path).map_err(|error| format!("{}: {error}", quoted(path))),
        };
        let password = read.map_err(|why| Undelivered::NotHere(format!("the password of the mail server can't be read: {why}")))?;
        Ok(Some(Credentials::new(user.clone(), password.trim_end_matches(['\r', '\n']).to_owned())))
    }

    /// A client that finds the server behind a port of this machine.
    fn transport(&self, port: u16, limit: Duration) -> Result<SmtpTransport, Undelivered> {
        let Smtp { security, .. } = &self.smtp;
        let tls = match security {
            Security::StartTls => Tls::Required(self.tls()?),
            Security::Tls => Tls::Wrapper(self.tls()?),
            Security::None => Tls::None,
        };
        let builder = SmtpTransport::builder_dangerous(Ipv4Addr::LOCALHOST.to_string()).port(port).tls(tls).timeout(Some(limit));
        Ok(match self.credentials()? {
            Some(credentials) => builder.credentials(credentials).build(),
            None => builder.build(),
        })
    }

    /// Who has to vouch for the server.
    fn tls(&self) -> Result<TlsParameters, Undelivered> {
        let mut builder = TlsParameters::builder(self.smtp.host.clone());
        let unusable = |error: Error| Undelivered::NotHere(format!("{} is no mail server: {error}", quoted(&self.smtp.host)));
        if let Some(path) = &self.smtp.ca {
            builder = builder.certificate_store(CertificateStore::None);
            for der in authorities(path).map_err(Undelivered::NotHere)? {
                builder = builder.add_root_certificate(Certificate::from_der(der.to_vec()).map_err(unusable)?);
            }
        }
        builder.build().map_err(unusable)
    }

    fn message(&self, letter: &Letter) -> Result<Message, Undelivered> {
        let own = Mailbox::from_str(&self.smtp.from).map_err(|_| no_address(&self.smtp.from))?;
        let to = mailbox(&letter.to, &own)?;
        let from = mailbox(&letter.from, &own)?;
        let envelope = Envelope::new(Some(own.email.clone()), vec![to.email.clone()]);
        let envelope = envelope.map_err(|error| Undelivered::Never(error.to_string()))?;
        let builder = Message::builder()
            .message_id(Some(format!("<{}@{}>", letter.id, own.email.domain())))
            .envelope(envelope)
            .subject(in_header("the subject", &letter.subject)?)
            .to(to)
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN);
        // Who hands it over, where that is another address than the one of whoever wrote it.
        let builder = if from.email == own.email { builder } else { builder.sender(own) };
        builder.from(from).body(letter.body.clone()).map_err(|error| Undelivered::Never(error.to_string()))
    }

    fn in_words(&self, error: &Error, limit: Duration) -> Undelivered {
        let host = quoted(&self.smtp.host);
        let source = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        if let Some(code) = error.status().map(u16::from) {
            // What a server says of a login or of a command that it doesn't know may repeat the password.
            let words = if matches!(code, 500..=504 | 530..=538) { String::new() } else { format!(": {source}") };
            let told = format!("the mail server {host} answers {code}{words}");
            return match code {
                530..=538 => Undelivered::NotHere(format!("{told}: it wants another login")),
                _ if error.is_transient() => Undelivered::ForNow(told),
                _ => Undelivered::Never(told),
            };
        }
        if let Some(why) = distrust(error) {
            return Undelivered::NotHere(format!("the mail server {host} can't be used: {why}"));
        }
        if timed_out(error) {
            return self.late(limit);
        }
        if error.is_client() && source.contains("SMTPUTF8") {
            return Undelivered::Never(format!("the mail server {host} takes no address with letters beyond ASCII"));
        }
        let told = format!("the mail server {host} can't be used: {source}");
        if error.is_client() || error.is_tls() { Undelivered::NotHere(told) } else { Undelivered::ForNow(told) }
    }
}

impl Server {
    fn late(&self, limit: Duration) -> Undelivered {
        let host = quoted(&self.smtp.host);
        Undelivered::ForNow(format!("the mail server {host} took longer than {} seconds to answer", limit.as_secs_f64()))
    }

    fn unreached(&self, error: &std::io::Error, limit: Duration) -> Undelivered {
        match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => self.late(limit),
            _ => Undelivered::ForNow(format!("the mail server {} can't be used: {error}", quoted(&self.smtp.host))),
        }
    }
}

impl Mailer for Server {
    fn send(&mut self, letter: &Letter, limit: Duration) -> Result<(), Undelivered> {
        if !self.allowed {
            let host = &self.smtp.host;
            let how = format!("whoever runs the worker can allow it with `--allow-smtp {host}`");
            return Err(Undelivered::NotHere(format!("the mail server {} is not allowed here: {how}", quoted(host))));
        }
        let message = self.message(letter)?;
        let unreached = |error: std::io::Error| self.unreached(&error, limit);
        let server = relay::connect(&self.smtp.host, self.smtp.port, limit).map_err(unreached)?;
        let whole = limit.saturating_mul(EXCHANGES);
        let sent = relay::through(&server, whole, |port| Ok(self.transport(port, limit)?.send(&message)));
        let (sent, cut) = sent.map_err(unreached)?;
        sent?.map(drop).map_err(|error| match cut {
            Some(Cut::Late) => self.late(whole),
            Some(Cut::TooMuch) => {
                Undelivered::ForNow(format!("the mail server {} says more than a mail server has to", quoted(&self.smtp.host)))
            }
            None => self.in_words(&error, limit),
        })
    }
}

/// A mailbox as a header names it; where it has no address, with the server's own.
fn mailbox(who: &pipeline::Mailbox, own: &Mailbox) -> Result<Mailbox, Undelivered> {
    let email = match &who.address {
        Some(address) => Address::from_str(address).map_err(|_| no_address(address))?,
        None => own.email.clone(),
    };
    let name = in_header("a name", &who.name)?;
    Ok(Mailbox::new(Some(name).filter(|name| !name.is_empty()).or_else(|| own.name.clone()), email))
}

/// A text that becomes a header, which has one line.
fn in_header(what: &str, text: &str) -> Result<String, Undelivered> {
    match text.contains(char::is_control) {
        true => Err(Undelivered::Never(format!("{what} {} has a line break or another control character in it", quoted(text)))),
        false => Ok(text.to_owned()),
    }
}

fn no_address(text: &str) -> Undelivered {
    Undelivered::Never(format!("{} is no e-mail address", quoted(text)))
}

/// Whether an exchange with a server took too long.
fn timed_out(error: &Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock);
        }
        source = error.source();
    }
    false
}
