//! Encrypted connections to real servers: whose certificate is trusted, and what is said of one that isn't.

use std::fs;

use rcgen::CertificateParams;
use serde_json::Value;

use crate::listener::Listener;
use crate::place::Place;
use crate::smtp::{Encryption, Server};
use crate::tls::Authority;

const RULES: &str = "
entity contact {
  fullname      text(100) required
  emailaddress1 text(200)
}

flow Greet on contact {
  trigger create
  send email { to = this, subject = \"Welcome\", body = \"Hello\" }
}
";

const CREATE: &str =
    "{\"message\":\"Create\",\"entity\":\"contact\",\"attributes\":{\"fullname\":\"Ada\",\"emailaddress1\":\"ada@example.org\"}}\n";

const CALLBACKS: &str = "[callbacks]\nprivate_hosts = [\"127.0.0.1\"]\n";
const CA: &str = "ca = \"ca.pem\"\n";

fn untouched(_: &mut CertificateParams) {}

fn expired(params: &mut CertificateParams) {
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
}

/// A place that trusts the public authorities, or one of its own.
fn place(config: &str, authority: Option<&Authority>) -> Place {
    let place = Place::configured(RULES, config);
    authority.into_iter().for_each(|authority| fs::write(place.dir.path().join("ca.pem"), authority.pem()).unwrap());
    place
}

impl Place {
    /// Hands in an operation whose end a listener is told, and works; gives the callback.
    fn calls_back(&self, listener: &Listener) -> Value {
        let id = self.hand_in(CREATE, &["--callback", &format!("https://127.0.0.1:{}/done", listener.port)]);
        self.work();
        self.show(&id, &[]).1[0]["callback"].clone()
    }

    /// Queues an e-mail, and works with the server allowed; gives its job.
    fn sends(&self) -> Value {
        self.operate(CREATE);
        let told = self.well(&["work", "--store", "sqlite:s.db", "--once", "--format", "json", "--allow-smtp", "127.0.0.1"]);
        serde_json::from_str(told.lines().next().unwrap()).unwrap()
    }
}

fn mail(server: &Server, security: &str) -> String {
    format!("[smtp]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"{security}\"\nfrom = \"crm@example.com\"\n", server.port)
}

#[test]
fn a_callback_goes_to_whom_the_authority_of_the_project_vouches_for() {
    let authority = Authority::new();
    let listener = Listener::encrypted(&["204 No Content"], authority.certifies("127.0.0.1", untouched));
    let place = place(&format!("{CALLBACKS}{CA}"), Some(&authority));
    let callback = place.calls_back(&listener);
    assert_eq!(callback["statusName"], "succeeded", "{callback}");
    assert_eq!(listener.next().body["backgroundOperationStatusCode"], 30);
}

#[test]
fn a_callback_tells_nothing_to_whom_nobody_vouches_for() {
    let (own, other) = (Authority::new(), Authority::new());
    let trusting = format!("{CALLBACKS}{CA}");
    for (config, trusted, certificate, words) in [
        (CALLBACKS, None, own.certifies("127.0.0.1", untouched), "no authority that is known here has signed it (`ca` in weir.toml"),
        (&trusting, Some(&other), own.certifies("127.0.0.1", untouched), "its certificate isn't trusted: "),
        (&trusting, Some(&own), own.certifies("crm.example.com", untouched), "it is that of another host"),
        (&trusting, Some(&own), own.certifies("127.0.0.1", expired), "it has expired"),
        (&trusting, None, own.certifies("127.0.0.1", untouched), "the certificates of `ca` in weir.toml can't be read: "),
    ] {
        let listener = Listener::encrypted(&["204 No Content"], certificate);
        let callback = place(config, trusted).calls_back(&listener);
        let message = callback["message"].as_str().unwrap();
        assert!(message.starts_with("F21: the callback to `127.0.0.1` can't be made: ") && message.contains(words), "{message}");
        assert_eq!((&callback["statusName"], listener.is_quiet()), (&"waiting".into(), true));
    }
}

#[test]
fn an_email_goes_to_whom_the_authority_of_the_project_vouches_for() {
    let authority = Authority::new();
    let config = authority.certifies("127.0.0.1", untouched);
    for (security, how) in [("starttls", Encryption::StartTls(config.clone())), ("tls", Encryption::Tls(config))] {
        let server = Server::encrypting(how);
        let place = place(&(mail(&server, security) + CA), Some(&authority));
        let job = place.sends();
        assert_eq!((&job["status"], server.mails().len()), (&30.into(), 1), "{job}");
    }
}

#[test]
fn an_email_waits_where_nobody_vouches_for_its_server() {
    let authority = Authority::new();
    for expires in [false, true] {
        let config = authority.certifies("127.0.0.1", if expires { expired } else { untouched });
        for (security, how) in [("starttls", Encryption::StartTls(config.clone())), ("tls", Encryption::Tls(config))] {
            let server = Server::encrypting(how);
            let trust = if expires { CA } else { "" };
            let job = place(&(mail(&server, security) + trust), Some(&authority)).sends();
            let why = if expires { "it has expired" } else { "no authority that is known here has signed it (`ca` in weir.toml" };
            let start = format!("the mail server `127.0.0.1` can't be used: its certificate isn't trusted: {why}");
            assert!(job["message"].as_str().unwrap().starts_with(&start), "{job}");
            assert_eq!((&job["status"], &job["retries"], server.mails().len()), (&10.into(), &0.into(), 0));
        }
    }
}
