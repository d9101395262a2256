//! Where a PostgreSQL store is: `postgres://user@host/database?schema=sales`. The host part is libpq's, several hosts and sockets
//! included; what follows the question mark is libpq's too, beside the words of ours below. A password is never shown.

use std::borrow::Cow;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::failure::cause;
use super::identifier::MOST;
use crate::store::StoreError;

/// The schema that the tables are in, where nothing is said.
const SCHEMA: &str = "weir";

/// How long an answer may take, where nothing is said.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may take to reach a server, where nothing is said.
const REACH: Duration = Duration::from_secs(10);

/// Where a store is, and how it is spoken to.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The server.
    pub config: Config,
    /// The schema that the tables are in.
    pub schema: String,
    /// How long an answer may take.
    pub patience: Duration,
    /// A file with the certificates of those who may sign the server's; else those that the web trusts.
    pub authorities: Option<PathBuf>,
}

impl Target {
    /// Reads a URL, `PGPASSWORD`, and the file that `passfile` or `PGPASSFILE` names.
    pub fn of(url: &str) -> Result<Self, StoreError> {
        let (place, words) = url.split_once('?').unwrap_or((url, ""));
        let mut target = Target { config: Config::new(), schema: SCHEMA.to_owned(), patience: PATIENCE, authorities: None };
        let (mut theirs, mut tls, mut passwords) = (url::form_urlencoded::Serializer::new(String::new()), None, None);
        for (name, value) in url::form_urlencoded::parse(words.as_bytes()) {
            match name.as_ref() {
                "schema" => target.schema = schema(&value)?,
                "timeout" => target.patience = patience(&value)?,
                "sslmode" => tls = Some(encrypted(&value)?),
                "sslrootcert" => target.authorities = Some(PathBuf::from(value.as_ref())),
                "passfile" => passwords = Some(PathBuf::from(value.as_ref())),
                _ => {
                    theirs.append_pair(&name, &value);
                }
            }
        }
        // libpq reads `+` as itself.
        let theirs = theirs.finish().replace('+', "%20");
        let whole = if theirs.is_empty() { place.to_owned() } else { format!("{place}?{theirs}") };
        target.config = whole.parse().map_err(|error: tokio_postgres::Error| wrong(&cause(&error)))?;
        let config = &mut target.config;
        if config.get_hosts().is_empty() {
            return Err(wrong("it names no host: write `postgres://user@host/database`"));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(REACH);
        }
        if config.get_application_name().is_none() {
            config.application_name("weir");
        }
        let here = config.get_hosts().iter().all(is_here);
        config.ssl_mode(if tls.unwrap_or(!here) { SslMode::Require } else { SslMode::Disable });
        if config.get_password().is_none() {
            match std::env::var("PGPASSWORD") {
                Ok(word) if passwords.is_none() => {
                    config.password(word);
                }
                _ => from_file(config, passwords.or_else(|| std::env::var_os("PGPASSFILE").map(PathBuf::from)))?,
            }
        }
        Ok(target)
    }

    /// The server and the database, for people: nothing secret.
    pub fn place(&self) -> String {
        let hosts = self.config.get_hosts().iter().enumerate().map(|(index, host)| {
            let ports = self.config.get_ports();
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                Host::Unix(path) => format!("{}:{port}", path.display()),
            }
        });
        let hosts: Vec<String> = hosts.collect();
        format!("{}/{}", hosts.join(","), self.config.get_dbname().or(self.config.get_user()).unwrap_or_default())
    }
}

/// A URL of a store without the password that it may hold, for people.
pub fn without_password(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("://").filter(|(scheme, _)| scheme.starts_with("postgres")) else { return url.into() };
    let (place, words) = rest.split_once('?').unwrap_or((rest, ""));
    let (user, place) = place.rsplit_once('@').map_or((None, place), |(user, place)| (user.split(':').next(), place));
    let words: Vec<&str> = words.split('&').filter(|word| !word.is_empty() && !word.starts_with("password=")).collect();
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    let mark = if words.is_empty() { "" } else { "?" };
    format!("{scheme}://{user}{place}{mark}{}", words.join("&")).into()
}

/// Whether a server is on this machine, where nobody can listen on the way.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback()),
    }
}

fn schema(name: &str) -> Result<String, StoreError> {
    let fine = !name.is_empty() && name.len() <= MOST && !name.contains('\0') && !name.starts_with("pg_");
    if fine {
        Ok(name.to_owned())
    } else {
        Err(wrong(&format!("`schema` has to be a name of 1 to {MOST} bytes that doesn't begin with `pg_`")))
    }
}

fn patience(seconds: &str) -> Result<Duration, StoreError> {
    let seconds = seconds.parse().ok().filter(|seconds| (1..=86_400).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| wrong("`timeout` is a number of seconds from 1 to 86400"))
}

fn encrypted(mode: &str) -> Result<bool, StoreError> {
    match mode {
        "verify-full" => Ok(true),
        "disable" => Ok(false),
        _ => Err(wrong(
            "`sslmode` is `verify-full` (the certificate has to be signed and fit the host) or `disable`; nothing between is safe",
        )),
    }
}

/// The password that libpq's file has for a server: lines of `host:port:database:user:password`, `*` for any.
fn from_file(config: &mut Config, path: Option<PathBuf>) -> Result<(), StoreError> {
    let Some(path) = path else { return Ok(()) };
    let text = std::fs::read_to_string(&path).map_err(|error| wrong(&format!("the file of passwords can't be read: {error}")))?;
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        Some(Host::Unix(_)) | None => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let user = config.get_user().unwrap_or_default().to_owned();
    let database = config.get_dbname().unwrap_or(&user).to_owned();
    let wanted = [host, port, database, user];
    let found = text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let parts = parts(line);
        let (names, password) = parts.split_at_checked(4)?;
        let fits = names.iter().zip(&wanted).all(|(name, wanted)| name == "*" || name == wanted);
        password.first().filter(|_| fits).cloned()
    });
    if let Some(password) = found {
        config.password(password);
    }
    Ok(())
}

/// The parts of a line, between colons that no backslash stands before.
fn parts(line: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ':' if parts.len() < 5 => parts.push(String::new()),
            letter => {
                let letter = if letter == '\\' { letters.next() } else { Some(letter) };
                parts.last_mut().into_iter().for_each(|part| part.extend(letter));
            }
        }
    }
    parts
}

/// The file with the authorities, or none.
pub(super) fn certificates(path: &Path) -> Result<Vec<rustls::pki_types::CertificateDer<'static>>, StoreError> {
    use rustls::pki_types::pem::PemObject;
    let read = rustls::pki_types::CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|error| wrong(&format!("the certificates of `sslrootcert` can't be read: {error}")))?;
    if found.is_empty() { Err(wrong("the file that `sslrootcert` names holds no certificate")) } else { Ok(found) }
}

fn wrong(why: &str) -> StoreError {
    StoreError::Unusable(format!("the URL of the PostgreSQL store can't be used: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_elsewhere_has_to_show_a_certificate() {
        let mode = |url: &str| Target::of(url).unwrap().config.get_ssl_mode();
        assert_eq!(mode("postgres://weir@db.example/sales"), SslMode::Require);
        assert_eq!(mode("postgres://weir@db.example/sales?sslmode=disable"), SslMode::Disable);
        assert_eq!(mode("postgres://weir@127.0.0.1,db.example/sales"), SslMode::Require);
        assert_eq!(mode("postgres://weir@localhost/sales"), SslMode::Disable);
        assert_eq!(mode("postgres://weir@%2Frun%2Fpostgresql/sales"), SslMode::Disable);
        assert!(Target::of("postgres://weir@db.example/sales?sslmode=require").is_err());
    }

    #[test]
    fn words_of_ours_are_taken_and_others_are_libpq_s() {
        let target = Target::of("postgres://a@h1:1,h2:2/d?schema=my%20own&timeout=5&target_session_attrs=read-write").unwrap();
        assert_eq!((target.schema.as_str(), target.patience), ("my own", Duration::from_secs(5)));
        assert_eq!(target.place(), "h1:1,h2:2/d");
        for wrong in ["schema=", "schema=pg_x", "timeout=0", "nonsense=1", "port=x"] {
            let error = Target::of(&format!("postgres://a:secret@h/d?{wrong}")).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let shown = "postgres://a@h:1,h2/d?schema=s";
        assert_eq!(without_password("postgres://a:p@ss:w@h:1,h2/d?password=x&schema=s"), shown);
        assert_eq!(without_password(shown), shown);
        assert_eq!(without_password("sqlite:a:b@c"), "sqlite:a:b@c");
    }

    #[test]
    fn a_password_comes_from_a_file_as_libpq_has_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "# ours\nother:*:*:*:no\nh:5432:d:a:p\\:w\\\\d:e\n").unwrap();
        let target = Target::of(&format!("postgres://a@h/d?passfile={}", file.path().display())).unwrap();
        assert_eq!(target.config.get_password(), Some(&b"p:w\\d:e"[..]));
        assert!(!format!("{:?}", target.config).contains("p:w"));
    }
}
