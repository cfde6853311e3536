//! A log, and somebody else who writes into its stream.

use async_nats::HeaderMap;
use async_nats::jetstream::{self, stream};
use fanjet_log::contract::events;
use fanjet_log::{Entry, EventLog, Follow, LogError, Page, ReadLimit, Selection, Seq};
use fanjet_log_nats::{NatsConfig, NatsLog};
use fanjet_testkit::NatsServer;
use futures::StreamExt;

use crate::support::{self, within};

pub(crate) const LIMIT: ReadLimit = ReadLimit {
    entries: 1000,
    bytes: 1 << 20,
};

/// A log, and other publishers to its stream.
pub(crate) struct Scene {
    pub(crate) log: NatsLog,
    pub(crate) config: NatsConfig,
    admin: jetstream::Context,
}

impl Scene {
    pub(crate) async fn new(server: &NatsServer) -> Self {
        let config = support::config(&server.url());
        Self {
            log: NatsLog::connect(config.clone()).await.unwrap(),
            config,
            admin: jetstream::new(async_nats::connect(server.url()).await.unwrap()),
        }
    }

    pub(crate) async fn append(&self, range: std::ops::Range<u64>) {
        let after = self.log.bounds().await.unwrap().last;
        let mut appender = self.log.appender(after).await.unwrap();
        appender
            .append(&events(range.start, range.end))
            .await
            .unwrap();
        appender.flush().await.unwrap();
    }

    /// Publishes as `nats pub` does; returns where the message stands.
    pub(crate) async fn stray(&self, subject: &str, headers: HeaderMap) -> Seq {
        let subject = format!("{}.{subject}", self.config.stream.subject_root);
        let sent = self
            .admin
            .publish_with_headers(subject, headers, "hi".into());
        sent.await.unwrap().await.unwrap().sequence
    }

    /// Publishes messages that clients do not write: subjects below the root, and heads.
    pub(crate) async fn stray_bytes(&self, server: &NatsServer, messages: &[(&[u8], &[u8])]) {
        let root = self.config.stream.subject_root.as_bytes();
        let subjects = messages
            .iter()
            .map(|(subject, _)| [root, b".", subject].concat());
        let subjects: Vec<_> = subjects.collect();
        let heads = messages.iter().map(|(_, head)| *head);
        let messages: Vec<_> = subjects.iter().map(Vec::as_slice).zip(heads).collect();
        let before = self.log.bounds().await.unwrap().last;
        server.publish_bytes(&messages).await.unwrap();
        within("the messages", async {
            while self.log.bounds().await.unwrap().last < before + messages.len() as u64 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Takes out everything before a seq, as retention does.
    pub(crate) async fn purge_before(&self, seq: Seq) {
        let stream = self.stream().await;
        stream.purge().sequence(seq).await.unwrap();
    }

    pub(crate) async fn stream(&self) -> stream::Stream {
        let stream = self.admin.get_stream(&self.config.stream.name);
        stream.await.unwrap()
    }
}

/// Everything up to an event with the seq, or the failure.
pub(crate) async fn up_to(follow: &mut Follow, seq: Seq) -> Result<Vec<Entry>, LogError> {
    within("the events", async {
        let mut entries: Vec<Entry> = Vec::new();
        while entries.last().is_none_or(|entry| entry.seq < seq) {
            entries.extend(follow.next().await.unwrap()?);
        }
        Ok(entries)
    })
    .await
}

pub(crate) fn seqs(entries: &[Entry]) -> Vec<Seq> {
    entries.iter().map(|entry| entry.seq).collect()
}

pub(crate) async fn page(log: &NatsLog, from: Seq) -> Page {
    within("a page", log.read(from, &Selection::All, LIMIT))
        .await
        .unwrap()
}
