//! The stream that a client reads: Jetstream v1, or v2 as text or compressed.
//!
//! Events of v2 are read back into v1's JSON, so that one oracle judges all clients. Sync events, which only v2 serves,
//! get the form that they have in the log.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fanjet_oracle::{V2Message, read_v2, time_us};
use fanjet_testkit::JetstreamClient;
use tokio::time::timeout;
use zstd::bulk::Decompressor;

/// Larger than any event of this world.
const MAX_EVENT: usize = 1 << 20;
/// The path of v2's stream.
const V2_PATH: &str = "/xrpc/network.bsky.jetstream.subscribeEvents";

/// What is read, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    V1,
    V2,
    V2Zstd,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Resumes at this event.
    pub(crate) cursor: u64,
    pub(crate) time: u64,
    /// In the form of v1.
    pub(crate) json: String,
    /// The relay's seq of a sync event.
    pub(crate) sync: Option<u64>,
}

/// One connection.
pub(crate) struct Connection {
    client: JetstreamClient,
    stream: Stream,
    unpacker: Option<Decompressor<'static>>,
    /// Of v2: seqs rise.
    last_seq: u64,
}

impl Stream {
    /// Connects to an edge.
    pub(crate) async fn connect(
        self,
        edge: &str,
        cursor: Option<u64>,
        collections: Option<&str>,
    ) -> Result<Connection> {
        let mut params = Vec::new();
        params.extend(cursor.map(|cursor| ("cursor", cursor.to_string())));
        let filter = match self {
            Self::V1 => "wantedCollections",
            Self::V2 | Self::V2Zstd => "collections",
        };
        params.extend(collections.map(|wanted| (filter, wanted.to_owned())));
        let dictionary = fanjet_dictionaries::v2();
        let mut unpacker = None;
        if self == Self::V2Zstd {
            params.push(("zstdDictionary", dictionary.id().to_string()));
            unpacker = Some(Decompressor::with_dictionary(dictionary.bytes())?);
        }
        let params = params.iter().map(|(name, value)| (*name, value.as_str()));
        let params: Vec<_> = params.collect();
        let path = match self {
            Self::V1 => "/subscribe",
            Self::V2 | Self::V2Zstd => V2_PATH,
        };
        Ok(Connection {
            client: JetstreamClient::connect_at(edge, path, &params, &[]).await?,
            stream: self,
            unpacker,
            last_seq: 0,
        })
    }

    /// Whether it has sync events.
    pub(crate) fn has_syncs(self) -> bool {
        self != Self::V1
    }
}

impl Connection {
    /// Changes the deadline of each wait.
    pub(crate) fn with_deadline(mut self, deadline: Duration) -> Self {
        self.client = self.client.with_deadline(deadline);
        self
    }

    /// The next event, if it comes soon.
    pub(crate) async fn next_within(&mut self, soon: Duration) -> Result<Event> {
        timeout(soon, self.next()).await?
    }

    /// Whether the server has ended it.
    pub(crate) fn is_closed(&self) -> bool {
        self.client.closed().is_some()
    }

    /// The next event.
    pub(crate) async fn next(&mut self) -> Result<Event> {
        let message = match &mut self.unpacker {
            None => self.client.next_event().await?.into_bytes(),
            Some(unpacker) => {
                let packed = self.client.next_binary().await?;
                unpacker.decompress(&packed, MAX_EVENT)?
            }
        };
        if self.stream == Stream::V1 {
            let json = String::from_utf8(message)?;
            let time = time_us(&json).unwrap_or(0);
            return Ok(Event {
                cursor: time,
                time,
                json,
                sync: None,
            });
        }
        let (cursor, json, sync) = match read_v2(&message)? {
            V2Message::Event { seq, v1 } => (seq, v1, None),
            V2Message::Sync {
                seq,
                relay_seq,
                json,
            } => (seq, json, Some(relay_seq)),
            other => bail!("not an event: {other:?}"),
        };
        ensure!(
            cursor > self.last_seq,
            "seq {cursor} behind {}",
            self.last_seq
        );
        self.last_seq = cursor;
        Ok(Event {
            cursor,
            time: time_us(&json).context("an event without a time")?,
            json,
            sync,
        })
    }
}
