//! Clients: a live one that reconnects with its cursor when its connection ends, and one that reads the log from the
//! start.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fanjet_oracle::{compare, time_us};
use fanjet_testkit::JetstreamClient;
use fanjet_testkit::jetstream_client::Closed;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::table::Fate;

/// Silence is normal: no event may arrive during a fault.
const SILENCE: Duration = Duration::from_secs(3600);
const PAUSE: Duration = Duration::from_millis(100);

/// What a client received.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) events: Vec<String>,
    pub(super) connections: u32,
    /// How its connections ended.
    pub(super) closes: Vec<Closed>,
}

/// A client that follows until it is dropped.
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
        connected.context("the client cannot connect")?;
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

    /// Waits until it has this many events.
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

/// Reads the log from the start: exactly the `known` events, or the end that the row promises.
pub(super) async fn replay(
    edge: &str,
    known: &[String],
    fate: &Fate,
    patience: Duration,
) -> Result<()> {
    let client = JetstreamClient::connect(edge, &[("cursor", "1")]).await;
    if let Fate::Refused { status, reason } = fate {
        let Err(error) = client else {
            bail!("a replaying client is accepted instead of rejected with {status}");
        };
        let said = format!("{error:#}");
        let is_promised = said.contains(&format!("responded {status}")) && said.contains(reason);
        ensure!(
            is_promised,
            "expected a rejection with {status} {reason:?}, got: {said}"
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
        "a replay differs from the live stream"
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

/// Whether a connection was closed with this code and this text.
pub(super) fn is_close(closed: &Closed, code: u16, reason: &str) -> bool {
    closed.code == code && closed.reason.contains(reason)
}

/// Checks that a client got each event once and in order, with rising times.
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
