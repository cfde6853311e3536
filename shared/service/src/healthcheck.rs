//! Asks a running process for its health, for images without a shell or an HTTP client.
//!
//! It needs nothing but the settings of that process. It must never start anything.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use fanjet_config::{HealthQuestion, fail};
use fanjet_output::say;
use fanjet_telemetry::OpsConfig;
use thiserror::Error;
use ureq::Agent;

/// Deadline of the whole request. Callers have their own.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Larger than any health report.
const MAX_RESPONSE: u64 = 64 << 10;

/// The process is unhealthy, or does not respond.
#[derive(Debug, Error)]
pub(crate) enum Unhealthy {
    /// The ops port does not respond.
    #[error("no response from {address}: {source}")]
    NoResponse {
        /// The ops address.
        address: SocketAddr,
        /// Why.
        source: ureq::Error,
    },
    /// The process has no ops port.
    #[error("this process has no ops port")]
    NoOpsPort,
    /// It reports that it is unhealthy.
    #[error("{0}")]
    Failing(String),
}

/// Queries the process, and exits with 0 if it is healthy.
pub(crate) fn main(ops: Option<&OpsConfig>, question: HealthQuestion) -> ExitCode {
    let asked = ops.ok_or(Unhealthy::NoOpsPort);
    match asked.and_then(|ops| ask(ops.listen, question)) {
        Ok(report) => {
            say(report);
            ExitCode::SUCCESS
        }
        Err(error) => fail(error, 1),
    }
}

/// Returns the health report of the process that listens on `listen`.
///
/// # Errors
/// [`Unhealthy`].
pub(crate) fn ask(listen: SocketAddr, question: HealthQuestion) -> Result<String, Unhealthy> {
    let address = local_address(listen);
    let no_response = |source| Unhealthy::NoResponse { address, source };
    let config = Agent::config_builder()
        .timeout_global(Some(REQUEST_TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None);
    let agent = Agent::from(config.build());
    let url = format!("http://{address}{}", path(question));
    let mut response = agent.get(url).call().map_err(no_response)?;
    let body = response.body_mut().with_config().limit(MAX_RESPONSE);
    let body = body.read_to_string().map_err(no_response)?;
    match response.status().is_success() {
        true => Ok(body),
        false => Err(Unhealthy::Failing(format!("{} {body}", response.status()))),
    }
}

/// The address at which a local process that listens on `listen` is reached.
fn local_address(listen: SocketAddr) -> SocketAddr {
    let mut address = listen;
    if listen.ip().is_unspecified() {
        address.set_ip(match listen {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

fn path(question: HealthQuestion) -> &'static str {
    match question {
        HealthQuestion::Live => "/livez",
        HealthQuestion::Ready => "/readyz",
    }
}

#[cfg(test)]
mod tests;
