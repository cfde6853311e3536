//! Asks a running process how it is: for health checks of images that have neither a shell nor a client for HTTP.
//!
//! It needs nothing but the settings that the process itself has. It must never start anything.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use fanjet_config::{HealthQuestion, fail};
use fanjet_output::say;
use fanjet_telemetry::OpsConfig;
use thiserror::Error;
use ureq::Agent;

/// For all of the answer. Who asks has a deadline of its own.
const PATIENCE: Duration = Duration::from_secs(5);
/// More than any health report.
const LONGEST_ANSWER: u64 = 64 << 10;

/// The process is not well, or does not say.
#[derive(Debug, Error)]
pub(crate) enum Ill {
    /// Nobody answers.
    #[error("{address} does not answer: {source}")]
    Silent {
        /// Who was asked.
        address: SocketAddr,
        /// Why.
        source: ureq::Error,
    },
    /// Nobody can be asked.
    #[error("this process has no ops port")]
    NoOpsPort,
    /// It answers, and says what is missing.
    #[error("{0}")]
    Unwell(String),
}

/// Asks, and exits with 0 when all is well.
pub(crate) fn main(ops: Option<&OpsConfig>, question: HealthQuestion) -> ExitCode {
    let asked = ops.ok_or(Ill::NoOpsPort);
    match asked.and_then(|ops| ask(ops.listen, question)) {
        Ok(report) => {
            say(report);
            ExitCode::SUCCESS
        }
        Err(ill) => fail(ill, 1),
    }
}

/// What the process that listens on `listen` says.
///
/// # Errors
/// [`Ill`].
pub(crate) fn ask(listen: SocketAddr, question: HealthQuestion) -> Result<String, Ill> {
    let address = within_reach(listen);
    let silent = |source| Ill::Silent { address, source };
    let config = Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None);
    let agent = Agent::from(config.build());
    let url = format!("http://{address}{}", path(question));
    let mut answer = agent.get(url).call().map_err(silent)?;
    let body = answer.body_mut().with_config().limit(LONGEST_ANSWER);
    let body = body.read_to_string().map_err(silent)?;
    match answer.status().is_success() {
        true => Ok(body),
        false => Err(Ill::Unwell(format!("{} {body}", answer.status()))),
    }
}

/// Where something that listens on `listen` is found from the same machine.
fn within_reach(listen: SocketAddr) -> SocketAddr {
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
