//! A callback: a POST to a host that the configuration allows. Verified TLS, no redirects, no proxy, a limit of time. The addresses that
//! a name leads to are looked at, and the connection goes to one of those that were, so that no second answer can lead elsewhere.

use std::time::Duration;

use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{Certificate, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use super::tls::{authorities, distrust};
use crate::pipeline::{CallError, Notice, is_public};

/// Posts a notice; any answer of success will do, and what stands in it is not read.
pub(super) fn post(notice: &Notice, time: Duration) -> Result<(), CallError> {
    let tls = tls(notice.ca.as_deref()).map_err(|why| CallError::Failed(format!("can't be made: {why}")))?;
    let config = Agent::config_builder()
        .timeout_global(Some(time))
        .max_redirects(0)
        .http_status_as_error(false)
        .proxy(None)
        .tls_config(tls)
        .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")))
        .build();
    let agent = Agent::with_parts(config, DefaultConnector::new(), Checked { anywhere: notice.anywhere });
    let request = agent.post(&notice.url).header("content-type", "application/json").header("idempotency-key", &notice.key);
    match request.send(&notice.body) {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(CallError::Failed(format!("answers {}", answer.status()))),
        Err(ureq::Error::Timeout(_)) => Err(CallError::OutOfTime),
        Err(ureq::Error::Other(error)) if error.is::<NotPublic>() => Err(CallError::Failed(error.to_string())),
        Err(error) => Err(CallError::Failed(format!("can't be made: {}", in_words(&error)))),
    }
}

fn in_words(error: &ureq::Error) -> String {
    let distrusted = match error {
        ureq::Error::Io(error) => distrust(error),
        ureq::Error::Rustls(error) => distrust(error),
        _ => None,
    };
    distrusted.unwrap_or_else(|| error.to_string())
}

/// Who has to vouch for the host.
fn tls(ca: Option<&str>) -> Result<TlsConfig, String> {
    let Some(path) = ca else { return Ok(TlsConfig::default()) };
    let own = authorities(path)?.iter().map(|der| Certificate::from_der(der).to_owned()).collect::<Vec<_>>();
    Ok(TlsConfig::builder().root_certs(own.into()).build())
}

/// A name leads to no public address.
#[derive(Debug, thiserror::Error)]
#[error(
    "isn't made: its name leads to no public address, and it isn't among the `private_hosts` under `[callbacks]` of the weir.toml that was deployed"
)]
struct NotPublic;

/// Finds the addresses of a name, and leaves out those that may not be called.
#[derive(Debug)]
struct Checked {
    anywhere: bool,
}

impl Resolver for Checked {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        let mut allowed = self.empty();
        found.iter().filter(|address| self.anywhere || is_public(address.ip())).for_each(|address| allowed.push(*address));
        if allowed.is_empty() { Err(ureq::Error::Other(Box::new(NotPublic))) } else { Ok(allowed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leads_to_this_machine_is_not_called() {
        let notice = |anywhere| Notice { url: "https://localhost:9/".into(), body: "{}".into(), key: "1".into(), anywhere, ca: None };
        let error = post(&notice(false), Duration::from_secs(60)).unwrap_err();
        assert!(matches!(&error, CallError::Failed(words) if words.contains("no public address")), "{error:?}");
        let error = post(&notice(true), Duration::from_secs(60)).unwrap_err();
        assert!(matches!(&error, CallError::Failed(words) if words.contains("can't be made")), "{error:?}");
    }
}
