//! New events at a steady rate, and what nats-server sends meanwhile: with a local tier that is one copy of them, whatever is
//! replayed.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};
use fanjet_log::EventLog;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::history;
use crate::logs::{over_nats, upstream};

/// Events per step, and the time between steps: 500 events per second.
const STEP: (u64, Duration) = (25, Duration::from_millis(50));

/// Appends events until it is dropped.
pub(crate) struct Feed<'a> {
    task: JoinHandle<Result<()>>,
    traffic: &'a Traffic,
    before: Sent,
}

/// The server's statistics.
pub(crate) struct Traffic {
    monitor: SocketAddr,
}

/// Bytes of the server's connections.
#[derive(Debug, Clone, Copy)]
struct Sent {
    /// Received from the feed.
    appended: f64,
    /// Sent to edges.
    to_edges: f64,
}

impl Traffic {
    pub(crate) fn on_free_port() -> Result<Self> {
        let monitor = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        Ok(Self { monitor })
    }

    pub(crate) fn server_settings(&self) -> String {
        format!("http: \"{}\"", self.monitor)
    }

    fn sent(&self) -> Result<Sent> {
        let mut socket = TcpStream::connect(self.monitor)?;
        socket.write_all(b"GET /connz?limit=1000 HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no body")?;
        let found: Value = serde_json::from_str(body)?;
        let connections = found["connections"].as_array().context("no connections")?;
        let sum = |is_feed: bool, field: &str| {
            let of_kind = connections
                .iter()
                .filter(|it| (it["name"].as_str() == Some(NAME)) == is_feed);
            of_kind.filter_map(|it| it[field].as_f64()).sum()
        };
        Ok(Sent {
            appended: sum(true, "in_bytes"),
            to_edges: sum(false, "out_bytes"),
        })
    }
}

/// What the server calls the feed's connection.
const NAME: &str = "fanjet-feed";

impl<'a> Feed<'a> {
    pub(crate) fn start(runtime: &Runtime, traffic: &'a Traffic, url: &str) -> Result<Self> {
        let log = runtime.block_on(over_nats(url, "feed"))?;
        let task = runtime.spawn(append(log));
        let before = traffic.sent()?;
        Ok(Self {
            task,
            traffic,
            before,
        })
    }

    /// Bytes sent to the edge per byte appended, both with all headers.
    pub(crate) fn copies(&self) -> Result<f64> {
        let now = self.traffic.sent()?;
        Ok((now.to_edges - self.before.to_edges) / (now.appended - self.before.appended))
    }
}

impl Drop for Feed<'_> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn append(log: impl EventLog) -> Result<()> {
    let last = log.bounds().await?.last;
    let upstream = upstream()?;
    let mut appender = log.appender(last).await?;
    let mut steps = interval(STEP.1);
    steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut next = last;
    loop {
        steps.tick().await;
        let events = (next..next + STEP.0).map(|n| {
            // The time of event 0 if this one happens now.
            history::draw(n).event(history::start(n)?, &upstream)
        });
        appender
            .append(&events.collect::<Result<Vec<_>>>()?)
            .await?;
        appender.flush().await?;
        next += STEP.0;
    }
}
