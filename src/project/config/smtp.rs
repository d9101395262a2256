//! `[smtp]` in a `weir.toml`: the mail server that takes e-mails, and where the password is that it asks for. The password itself is in
//! no file of a project and in no store.

use std::ops::Range;
use std::str::FromStr;

use lettre::message::Mailbox;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Reader;

const KEYS: [&str; 8] = ["host", "port", "security", "user", "password_env", "password_file", "from", "ca"];

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp {
    /// Its name, which is also the one that its certificate has to have.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub security: Security,
    /// Who logs in, and where the password is.
    pub login: Option<(String, Password)>,
    /// What mails come from: an address, perhaps with a name before it.
    pub from: String,
    /// A file of certificates that have to vouch for it, as seen from where the worker runs; the public authorities where none is named.
    pub ca: Option<String>,
}

/// How a connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not before both sides have agreed to, and then always; usual on port 587.
    StartTls,
    /// From the first byte; usual on port 465.
    Tls,
    /// Not at all.
    None,
}

/// Where a password is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Password {
    /// In a variable of the environment.
    Env(String),
    /// In a file, as seen from where the worker runs.
    File(String),
}

impl Security {
    const ALL: [Security; 3] = [Security::StartTls, Security::Tls, Security::None];

    fn name(self) -> &'static str {
        match self {
            Security::StartTls => "starttls",
            Security::Tls => "tls",
            Security::None => "none",
        }
    }

    fn port(self) -> u16 {
        match self {
            Security::StartTls => 587,
            Security::Tls => 465,
            Security::None => 25,
        }
    }
}

impl Smtp {
    /// The table as it stands in a file; `text` writes a key with a text.
    pub(super) fn written(&self, text: &dyn Fn(&str, &str) -> String) -> String {
        let login = self.login.as_ref().map_or(String::new(), |(user, password)| {
            let password = match password {
                Password::Env(name) => text("password_env", name),
                Password::File(path) => text("password_file", path),
            };
            text("user", user) + &password
        });
        let ca = self.ca.as_ref().map_or(String::new(), |ca| text("ca", ca));
        let Smtp { host, port, security, from, .. } = self;
        let (host, security, from) = (text("host", host), text("security", security.name()), text("from", from));
        format!("[smtp]\n{host}port = {port}\n{security}{login}{from}{ca}")
    }
}

impl Reader {
    /// The mail server of a table; `place` is where the table begins.
    pub(super) fn smtp(&mut self, table: &DeTable<'_>, place: Range<usize>) -> Option<Smtp> {
        for (key, _) in table.iter().filter(|(key, _)| !KEYS.contains(&key.get_ref().as_ref())) {
            match key.get_ref().as_ref() {
                // Its line isn't shown: it may stand in a log afterwards.
                "password" => {
                    let help = "take it out, and say where it is with `password_env` or `password_file`";
                    self.problem(place.clone(), "a password stands in this file".to_owned(), help.to_owned());
                }
                _ => self.unknown(key, &KEYS),
            }
        }
        let security = self.security(table);
        let port = match table.get("port") {
            Some(port) => self.number(port, "port", (security.port().into(), u16::MAX.into())),
            None => Some(security.port().into()),
        };
        let login = self.login(table, security, &place);
        let from = self.entry(table, "from").and_then(|(from, place)| self.sender(from, place));
        let ca = self.entry(table, "ca").map(|(ca, _)| ca);
        let host = self.entry(table, "host").map(|(host, _)| host);
        for name in ["host", "from"].into_iter().filter(|name| table.get(*name).is_none()) {
            let help = "a mail server needs `host = \"mail.example.com\"` and `from = \"crm@example.com\"`";
            self.problem(place.clone(), format!("`smtp` is without `{name}`"), help.to_owned());
        }
        Some(Smtp { host: host?, port: u16::try_from(port?).ok()?, security, login: login.ok()?, from: from?, ca })
    }

    fn security(&mut self, table: &DeTable<'_>) -> Security {
        let Some((name, place)) = self.entry(table, "security") else { return Security::StartTls };
        let found = Security::ALL.into_iter().find(|security| security.name() == name);
        if found.is_none() {
            let help = "it is one of `starttls` (which holds where nothing is said), `tls` and `none`";
            self.problem(place, format!("there is no security `{}`", name.escape_debug()), help.to_owned());
        }
        found.unwrap_or(Security::StartTls)
    }

    fn sender(&mut self, from: String, place: Range<usize>) -> Option<String> {
        if Mailbox::from_str(&from).is_ok() && !from.contains(char::is_control) {
            return Some(from);
        }
        let help = "write `from = \"crm@example.com\"`, or `from = \"Sales <sales@example.com>\"`";
        self.problem(place, format!("`{}` is no e-mail address", from.escape_debug()), help.to_owned());
        None
    }

    /// Who logs in; an error where what the table says of it can't be.
    fn login(&mut self, table: &DeTable<'_>, security: Security, place: &Range<usize>) -> Result<Option<(String, Password)>, ()> {
        let user = self.entry(table, "user");
        let env = self.entry(table, "password_env").map(|(name, place)| (Password::Env(name), place));
        let file = self.entry(table, "password_file").map(|(path, place)| (Password::File(path), place));
        let host = table.get("host").and_then(|host| host.get_ref().as_str()).unwrap_or_default();
        let here = ["localhost", "127.0.0.1", "::1"].contains(&host);
        let help = "`user` goes with one of `password_env`, a variable of the environment, and `password_file`";
        let (place, message, help) = match (user, env, file) {
            (None, None, None) => return Ok(None),
            (Some((_, place)), _, _) if security == Security::None && !here => {
                let help = "write `security = \"starttls\"` or `\"tls\"`";
                (place, "a password isn't sent over a network unencrypted", help)
            }
            (Some((user, _)), Some((password, _)), None) | (Some((user, _)), None, Some((password, _))) => {
                return Ok(Some((user, password)));
            }
            (_, Some(_), Some((_, place))) => (place, "the password is in two places", help),
            (Some((_, place)), None, None) => (place, "`user` is without a password", help),
            (None, ..) => (place.clone(), "there is a password, and no `user`", help),
        };
        self.problem(place, message.to_owned(), help.to_owned());
        Err(())
    }

    /// A key with a text, and where that is.
    fn entry(&mut self, table: &DeTable<'_>, name: &str) -> Option<(String, Range<usize>)> {
        let value: &Spanned<DeValue<'_>> = table.get(name)?;
        let text = self.text(value, &format!("`{name}` is a text in quotes: `{name} = \"…\"`"))?;
        Some((text, value.span()))
    }
}
