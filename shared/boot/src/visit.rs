//! Asks a running process how it is: for health checks of images that have neither a shell nor a client for HTTP.
//!
//! It needs nothing but the settings that the process itself has. It must never start anything.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use fanjet_config::{HealthQuestion, fail};
use fanjet_output::say;
use fanjet_telemetry::OpsConfig;
use thiserror::Error;

/// For connecting, and for each part of the answer. Who asks has a deadline of its own.
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
        source: io::Error,
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
    let answer =
        exchange(address, path(question)).map_err(|source| Ill::Silent { address, source })?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) == Some("200") {
        return Ok(body.to_owned());
    }
    let mut said = status.to_owned();
    // Writing into text cannot fail.
    let _written = write!(said, " {body}");
    Err(Ill::Unwell(said))
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

fn exchange(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.take(LONGEST_ANSWER).read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests;
