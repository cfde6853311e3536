//! Clients: one that is live and comes back with its cursor when its connection ends, and one that reads from the log's beginning.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fanjet_oracle::{compare, time_us};
use fanjet_testkit::JetstreamClient;
use fanjet_testkit::jetstream_client::Closed;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::table::Fate;

/// Silence is normal: nothing may come while a fault lasts.
const SILENCE: Duration = Duration::from_secs(3600);
const PAUSE: Duration = Duration::from_millis(100);

/// What a client saw.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) events: Vec<String>,
    pub(super) connections: u32,
    /// How its connections ended.
    pub(super) closes: Vec<Closed>,
}

/// A client that follows for as long as it is held.
pub(super) struct Follower {
    seen: watch::Receiver<Record>,
    _task: JoinSet<()>,
}

impl Follower {
    /// Starts it and waits for its first connection.
    pub(super) async fn start(edge: String, patience: Duration) -> Result<Self> {
        let (seen, mut record) = watch::channel(Record::default());
        let mut task = JoinSet::new();
        // Ends with the follower.
        task.spawn(follow(edge, seen));
        let connected = record.wait_for(|record| record.connections > 0);
        let connected = timeout(patience, connected).await.map(|_| ());
        connected.context("the client finds no connection")?;
        Ok(Self {
            seen: record,
            _task: task,
        })
    }

    pub(super) fn count(&self) -> usize {
        self.seen.borrow().events.len()
    }

    /// Every event so far.
    pub(super) fn events(&self) -> Vec<String> {
        self.seen.borrow().events.clone()
    }

    /// The time of the newest event.
    pub(super) fn newest(&self) -> Option<u64> {
        let seen = self.seen.borrow();
        seen.events.last().and_then(|event| time_us(event))
    }

    /// How its connections ended so far.
    pub(super) fn closes(&self) -> Vec<Closed> {
        self.seen.borrow().closes.clone()
    }

    /// Waits until it has so many events.
    pub(super) async fn has(&self, events: usize, patience: Duration) -> Result<()> {
        let mut seen = self.seen.clone();
        let reaching = seen.wait_for(|record| record.events.len() >= events);
        let reached = timeout(patience, reaching).await.map(|_| ());
        reached.with_context(|| format!("the live client has {} of {events} events", self.count()))
    }
}

async fn follow(edge: String, seen: watch::Sender<Record>) {
    loop {
        let next = seen.borrow().events.last().and_then(|event| time_us(event));
        let cursor = next.map(|time| (time + 1).to_string());
        let params: Vec<_> = cursor.iter().map(|it| ("cursor", it.as_str())).collect();
        if let Ok(client) = JetstreamClient::connect(&edge, &params).await {
            seen.send_modify(|record| record.connections += 1);
            let mut client = client.with_deadline(SILENCE);
            while client.closed().is_none() {
                if let Ok(event) = client.next_event().await {
                    seen.send_modify(|record| record.events.push(event));
                }
            }
            let closed = client.closed().cloned();
            seen.send_modify(|record| record.closes.extend(closed));
        }
        sleep(PAUSE).await;
    }
}

/// Reads from the log's beginning: exactly the events that are `known`, or the end that the row promises.
pub(super) async fn replay(
    edge: &str,
    known: &[String],
    fate: &Fate,
    patience: Duration,
) -> Result<()> {
    let client = JetstreamClient::connect(edge, &[("cursor", "1")]).await;
    if let Fate::Refused { status, reason } = fate {
        let Err(error) = client else {
            bail!("a client that replays is let in, not refused with {status}");
        };
        let said = format!("{error:#}");
        let is_promised = said.contains(&format!("answered {status}")) && said.contains(reason);
        ensure!(
            is_promised,
            "refused otherwise than with {status} {reason:?}: {said}"
        );
        return Ok(());
    }
    let mut client = client?.with_deadline(patience);
    let mut got = Vec::new();
    while got.len() < known.len() {
        match client.next_event().await {
            Ok(event) => got.push(event),
            Err(_) if client.closed().is_some() => break,
            Err(error) => {
                return Err(error.context(format!(
                    "a replay got {} of {}",
                    got.len(),
                    known.len()
                )));
            }
        }
    }
    ensure!(
        got == known[..got.len()],
        "a replay differs from what was live"
    );
    match (fate, client.closed()) {
        (Fate::Served, None) => Ok(()),
        (Fate::Closed { code, reason }, Some(closed)) if is_close(closed, *code, reason) => Ok(()),
        (fate, closed) => bail!(
            "a replay got {} of {} events and ended with {closed:?}, not {fate:?}",
            got.len(),
            known.len()
        ),
    }
}

/// Whether a connection was closed with this code and these words.
pub(super) fn is_close(closed: &Closed, code: u16, reason: &str) -> bool {
    closed.code == code && closed.reason.contains(reason)
}

/// That a client got each event once and in order, with times that rise.
pub(super) fn judge(got: &[String], expected: &[String]) -> Result<()> {
    let mut last = 0;
    for (index, (got, expected)) in got.iter().zip(expected).enumerate() {
        compare(expected, got).with_context(|| format!("event {index}"))?;
        let time = time_us(got).context("no time_us")?;
        ensure!(time > last, "event {index}: time_us {time} behind {last}");
        last = time;
    }
    ensure!(
        got.len() == expected.len(),
        "{} events instead of {}",
        got.len(),
        expected.len()
    );
    Ok(())
}
