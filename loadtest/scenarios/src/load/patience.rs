//! Connecting as clients do: a server that is busy says when to try again.

use std::time::Duration;

use anyhow::Result;
use fanjet_testkit::LeanClient;
use tokio::time::sleep;

/// How often a client tries again before the server counts as broken.
const TRIES: u32 = 10;
/// What an edge says that did not find a cursor's position in time.
const BUSY: &str = "this node is busy";

/// Connects; returns how often the server asked to try again.
pub(super) async fn connect_patiently(
    url: &str,
    path: &str,
    query: &str,
    receive_buffer: Option<u32>,
) -> Result<(LeanClient, u32)> {
    let mut refused = 0;
    loop {
        match LeanClient::connect_at(url, path, query, receive_buffer).await {
            Ok(client) => return Ok((client, refused)),
            Err(error) => match retry_after(&format!("{error:#}")) {
                Some(pause) if refused < TRIES => {
                    refused += 1;
                    sleep(pause).await;
                }
                _ => return Err(error),
            },
        }
    }
}

/// The pause that a busy edge asks for. Any other refusal is a fault.
fn retry_after(answer: &str) -> Option<Duration> {
    let is_busy = answer.contains("HTTP/1.1 503 ") && answer.contains(BUSY);
    let seconds = answer
        .lines()
        .find_map(|line| line.strip_prefix("retry-after: "))?;
    let seconds = seconds.trim().parse().ok().filter(|_| is_busy)?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_busy_server_that_names_a_pause_is_asked_again() {
        let busy = "cursor=1: the server responded HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\n\r\nthis node is busy: x";
        assert_eq!(retry_after(busy), Some(Duration::from_secs(5)));
        assert_eq!(retry_after(&busy.replace("503", "500")), None);
        assert_eq!(retry_after(&busy.replace("retry-after", "date")), None);
        assert_eq!(
            retry_after(&busy.replace("node is busy", "log is damaged")),
            None
        );
    }
}
