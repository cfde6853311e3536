//! The attacks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::peer::{Peer, frame};

/// One kind of attack, from one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attack {
    /// Request heads at one byte per second.
    SlowHandshakes,
    /// Connections that send nothing.
    IdleSockets,
    /// Request heads of a megabyte.
    HugeHeads,
    /// Requests of 100 KB behind one whose response never ends.
    PipelinedHeads,
    /// A second request on a connection whose first one was answered, at one byte per second.
    SlowSecondHeads,
    /// Connects with the oldest cursor, reads for a while, and repeats.
    OldestCursor,
    /// Reconnects again and again with times that neither the node's memory nor an existing search covers.
    TimeCursors,
    /// Messages of ten megabytes, one after the other.
    LongMessages,
    /// Messages that start and never end.
    EndlessMessages,
    /// Most of a message of ten megabytes, and then silence.
    ParkedMessages,
    /// Most of a filter of ten megabytes as the body of a request for events, and then silence.
    SlowBodies,
    /// Small messages as fast as they go.
    ManyMessages,
    /// Text that is not UTF-8.
    InvalidText,
    /// Frames with wrong masks, and continuation frames without a message.
    BrokenFrames,
}

const TEXT: u8 = 0x81;
const FIRST_FRAGMENT: u8 = 0x01;
const FRAGMENT: u8 = 0x00;
const LONGEST: usize = 10_000_000;
const FAR_FUTURE_US: u64 = 4_000_000_000_000_000;
const CENTURY_US: u64 = 3_155_760_000_000_000;

impl Attack {
    pub(super) const ALL: [Self; 14] = [
        Self::SlowHandshakes,
        Self::IdleSockets,
        Self::HugeHeads,
        Self::PipelinedHeads,
        Self::SlowSecondHeads,
        Self::OldestCursor,
        Self::TimeCursors,
        Self::LongMessages,
        Self::EndlessMessages,
        Self::ParkedMessages,
        Self::SlowBodies,
        Self::ManyMessages,
        Self::InvalidText,
        Self::BrokenFrames,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SlowHandshakes => "5,000 slow handshakes",
            Self::IdleSockets => "10,000 idle sockets",
            Self::HugeHeads => "request heads of 1 MB",
            Self::PipelinedHeads => "requests behind a stream",
            Self::SlowSecondHeads => "slow second requests",
            Self::OldestCursor => "oldest cursor in a loop",
            Self::TimeCursors => "time cursors without shared searches",
            Self::LongMessages => "messages of 10 MB in a loop",
            Self::EndlessMessages => "messages without end",
            Self::ParkedMessages => "parked messages of 9.9 MB",
            Self::SlowBodies => "incomplete bodies of 9.9 MB",
            Self::ManyMessages => "small messages in a loop",
            Self::InvalidText => "text that is not UTF-8",
            Self::BrokenFrames => "frames that break the protocol",
        }
    }

    /// The metric and label that must count it; `None` if there is nothing to limit, and so nothing to reject.
    pub(super) fn refusal(self) -> Option<(&'static str, &'static str)> {
        const CONNECTIONS: &str = "fanjet_edge_refused_connections_total";
        const DISCONNECTS: &str = "fanjet_edge_disconnects_total";
        let refusal = match self {
            Self::SlowSecondHeads => return None,
            Self::PipelinedHeads => (CONNECTIONS, "overrun"),
            Self::ParkedMessages => (DISCONNECTS, "inbound_full"),
            Self::SlowBodies => ("fanjet_edge_refused_handshakes_total", "inbound_full"),
            Self::SlowHandshakes | Self::HugeHeads => (CONNECTIONS, "no_request"),
            Self::IdleSockets => (CONNECTIONS, "address_full"),
            Self::OldestCursor => ("fanjet_edge_replay_pauses_total", ""),
            Self::TimeCursors => ("fanjet_edge_cursor_lookups_total", r#"query="time""#),
            Self::LongMessages | Self::EndlessMessages | Self::ManyMessages => {
                ("fanjet_edge_inbound_pauses_total", "")
            }
            Self::InvalidText => (DISCONNECTS, "bad_message"),
            Self::BrokenFrames => (DISCONNECTS, "protocol_error"),
        };
        Some(refusal)
    }

    /// How many connections attack at one time.
    fn attackers(self) -> usize {
        match self {
            Self::SlowHandshakes => 5_000,
            Self::IdleSockets => 10_000,
            Self::OldestCursor => 20,
            Self::TimeCursors => 500,
            Self::HugeHeads | Self::InvalidText | Self::BrokenFrames => 50,
            Self::PipelinedHeads | Self::SlowSecondHeads => 500,
            Self::LongMessages
            | Self::EndlessMessages
            | Self::ParkedMessages
            | Self::SlowBodies
            | Self::ManyMessages => 30,
        }
    }

    /// Attacks until it is stopped; returns the number of attempts.
    pub(super) async fn run(self, server: SocketAddr, mut until: watch::Receiver<bool>) -> u64 {
        let attempts = Arc::new(AtomicU64::new(0));
        let mut attackers = JoinSet::new();
        for number in 0..self.attackers() {
            let attempts = Arc::clone(&attempts);
            attackers.spawn(async move {
                // Not all at the same moment: about a thousand connections per second.
                sleep(Duration::from_millis(number as u64)).await;
                loop {
                    attempts.fetch_add(1, Ordering::Relaxed);
                    if self.once(server).await.is_err() {
                        sleep(Duration::from_millis(100)).await;
                    }
                }
            });
        }
        // A closed channel means stop, too.
        drop(until.wait_for(|attacks| !attacks).await);
        attackers.shutdown().await;
        attempts.load(Ordering::Relaxed)
    }

    async fn once(self, server: SocketAddr) -> Result<()> {
        match self {
            Self::SlowHandshakes => {
                let mut peer = Peer::connect(server).await?;
                for byte in b"GET /subscribe HTTP/1.1\r\nHost: edge\r\n" {
                    peer.send(&[*byte]).await?;
                    sleep(Duration::from_secs(1)).await;
                }
                peer.read_to_end().await
            }
            Self::IdleSockets => Peer::connect(server).await?.read_to_end().await,
            Self::HugeHeads => {
                let mut peer = Peer::connect(server).await?;
                peer.send(b"GET /subscribe HTTP/1.1\r\nX-Long: ").await?;
                for _ in 0..16 {
                    peer.send(&[b'a'; 65_536]).await?;
                }
                peer.read_to_end().await
            }
            Self::PipelinedHeads => {
                let mut peer = Peer::connect(server).await?;
                peer.send(b"GET /events HTTP/1.1\r\nHost: edge\r\n\r\n")
                    .await?;
                let mut head = b"GET / HTTP/1.1\r\nHost: edge\r\nX-Long: ".to_vec();
                head.resize(100_000, b'a');
                head.extend(b"\r\n\r\n");
                for _ in 0..16 {
                    peer.send(&head).await?;
                }
                peer.read_to_end().await
            }
            Self::SlowSecondHeads => {
                let mut peer = Peer::connect(server).await?;
                let first = b"GET /status HTTP/1.1\r\nHost: edge\r\nConnection: keep-alive\r\n\r\n";
                peer.send(first).await?;
                for byte in b"GET /status HTTP/1.1\r\nHost: edge\r\n" {
                    peer.send(&[*byte]).await?;
                    sleep(Duration::from_secs(1)).await;
                }
                peer.read_to_end().await
            }
            Self::OldestCursor => {
                let mut peer = Peer::subscribe(server, "?cursor=0").await?;
                peer.read(4 << 20).await
            }
            Self::TimeCursors => {
                // A century from 2096 on: no two of them are near each other.
                let time = FAR_FUTURE_US + rand::random_range(0..CENTURY_US);
                Peer::subscribe(server, &format!("?cursor={time}")).await?;
                Ok(())
            }
            Self::LongMessages => {
                let mut peer = Peer::subscribe(server, "?requireHello=true").await?;
                let mut message = vec![b' '; LONGEST];
                message[..2].copy_from_slice(b"{}");
                let message = frame(TEXT, &message);
                loop {
                    peer.send(&message).await?;
                }
            }
            Self::EndlessMessages => {
                let mut peer = Peer::subscribe(server, "?requireHello=true").await?;
                let piece = vec![b' '; 65_536];
                peer.send(&frame(FIRST_FRAGMENT, &piece)).await?;
                loop {
                    peer.send(&frame(FRAGMENT, &piece)).await?;
                }
            }
            Self::ParkedMessages => {
                let mut peer = Peer::subscribe(server, "").await?;
                let most = vec![b' '; LONGEST - 100_000];
                peer.send(&frame(FIRST_FRAGMENT, &most)).await?;
                peer.read_to_end().await
            }
            Self::SlowBodies => {
                let mut peer = Peer::connect(server).await?;
                let head = format!(
                    "POST /events HTTP/1.1\r\nHost: edge\r\nContent-Length: {LONGEST}\r\n\r\n"
                );
                peer.send(head.as_bytes()).await?;
                peer.send(&vec![b' '; LONGEST - 100_000]).await?;
                peer.read_to_end().await
            }
            Self::ManyMessages => {
                let mut peer = Peer::subscribe(server, "").await?;
                let update = br#"{"type":"options_update","payload":{"wantedCollections":["com.example.*"]}}"#;
                let updates = frame(TEXT, update).repeat(100);
                loop {
                    peer.send(&updates).await?;
                }
            }
            Self::InvalidText => {
                let mut peer = Peer::subscribe(server, "?requireHello=true").await?;
                peer.send(&frame(TEXT, b"{\"type\":\"\xff\xfe\"}")).await?;
                peer.read_to_end().await
            }
            Self::BrokenFrames => {
                let mut unmasked = Peer::subscribe(server, "?requireHello=true").await?;
                unmasked.send(&[TEXT, 2, b'{', b'}']).await?;
                unmasked.read_to_end().await?;
                let mut fragment = Peer::subscribe(server, "?requireHello=true").await?;
                fragment.send(&frame(FRAGMENT, b"of nothing")).await?;
                fragment.read_to_end().await
            }
        }
    }
}
