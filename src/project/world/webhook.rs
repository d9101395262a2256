//! An HTTP endpoint that is posted a request and answers: verified TLS, no redirects (they could lead to a host that nobody
//! has allowed), a limit of time and of bytes.

use ureq::Agent;

use crate::pipeline::{CallError, Limits};

/// Posts a request, and gives back the body of the answer. The key goes along as `Idempotency-Key`.
pub(super) fn post(address: &str, request: &str, key: Option<&str>, limits: Limits) -> Result<String, CallError> {
    let config = Agent::config_builder()
        .timeout_global(Some(limits.time))
        .max_redirects(0)
        .http_status_as_error(false)
        // A proxy of the environment would be a host that nobody has allowed.
        .proxy(None)
        .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")))
        .build();
    let post = Agent::new_with_config(config).post(address).header("content-type", "application/json");
    let post = key.into_iter().fold(post, |post, key| post.header("idempotency-key", key));
    let mut answer = post.send(request).map_err(|error| in_words(&error, limits))?;
    if !answer.status().is_success() {
        return Err(CallError::Failed(format!("answers {}", answer.status())));
    }
    answer.body_mut().with_config().limit(limits.bytes as u64).read_to_string().map_err(|error| in_words(&error, limits))
}

fn in_words(error: &ureq::Error, limits: Limits) -> CallError {
    match error {
        ureq::Error::Timeout(_) => CallError::OutOfTime,
        ureq::Error::BodyExceedsLimit(_) => CallError::Failed(format!("answers more than {} bytes", limits.bytes)),
        error => CallError::Failed(format!("can't be called: {error}")),
    }
}
