//! Clients that are compared with each other, message by message.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use fanjet_oracle::{Filter, Ledger};
use futures::future::try_join_all;
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::time::Instant;

use super::client::Outcome;
use super::plan::{Cursor, draw_filter, rare};
use crate::load::{Reader, Until, Wish};

const POLL: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);
/// How many new events the streams are followed.
const AHEAD: usize = 10_000;

/// The same cursor on every edge, or twice on a single one: the bytes are the same.
pub(super) async fn same_on_all(
    urls: Arc<Vec<String>>,
    ledger: Arc<Ledger>,
    mut random: StdRng,
) -> Outcome {
    let cursor = Cursor::of_the_past(&mut random, &ledger);
    let filter = draw_filter(&mut random, &ledger);
    let is_compressed = random.random();
    let mut group = Group::new(&ledger);
    let compared = async {
        for place in 0..urls.len().max(2) {
            let url = &urls[place % urls.len()];
            let filter = filter.clone();
            group.join(url, cursor, filter, is_compressed).await?;
        }
        group.compare().await
    };
    let outcome = compared.await;
    let what = format!("same cursor everywhere, {cursor:?}, {filter:?}");
    group.finish(&what, outcome)
}

/// A second socket whose cursor is the first `time_us` of the first one: both agree from there on.
pub(super) async fn second_socket(
    urls: Arc<Vec<String>>,
    ledger: Arc<Ledger>,
    mut random: StdRng,
    is_sparse: bool,
) -> Outcome {
    let (cursor, filter) = if is_sparse {
        // Rare events are in the past.
        let mut filter = Filter::default();
        filter.collections.extend(rare(&mut random, &ledger));
        (Cursor::of_the_past(&mut random, &ledger), filter)
    } else {
        (Cursor::Live { in_future: false }, Filter::default())
    };
    let is_compressed = random.random();
    let mut group = Group::new(&ledger);
    let compared = async {
        let first_url = &urls[random.random_range(0..urls.len())];
        let first = filter.clone();
        group.join(first_url, cursor, first, is_compressed).await?;
        let time_us = group.first_time().await?;
        let second_url = &urls[random.random_range(0..urls.len())];
        let second = Cursor::Time(time_us);
        let same = filter.clone();
        group.join(second_url, second, same, is_compressed).await?;
        group.compare().await
    };
    let outcome = compared.await;
    let what = format!("a second socket at the first time_us, {cursor:?}, {filter:?}");
    group.finish(&what, outcome)
}

/// Sockets that must get the same events.
struct Group {
    ledger: Arc<Ledger>,
    readers: Vec<Reader>,
    /// The streams are followed up to this index.
    end: usize,
    outcome: Outcome,
}

impl Group {
    fn new(ledger: &Arc<Ledger>) -> Self {
        Self {
            ledger: Arc::clone(ledger),
            readers: Vec::new(),
            end: ledger.timed() + AHEAD,
            outcome: Outcome::default(),
        }
    }

    async fn join(
        &mut self,
        url: &str,
        cursor: Cursor,
        filter: Filter,
        is_compressed: bool,
    ) -> Result<()> {
        let wish = Wish {
            url,
            query: cursor.query(),
            filter,
            is_compressed,
            is_v2: false,
            receive_buffer: None,
        };
        let ledger = &self.ledger;
        let reader = wish.connect(ledger, |now_us| cursor.start(ledger, now_us));
        let mut reader = reader.await?;
        reader.digest_until(self.end);
        self.outcome.connections += 1;
        self.outcome.put_off += u64::from(reader.refused());
        self.readers.push(reader);
        self.outcome.compressed += u64::from(is_compressed);
        Ok(())
    }

    /// The time of the first event of a single reader.
    async fn first_time(&mut self) -> Result<u64> {
        let started = Instant::now();
        let reader = &mut self.readers[0];
        while reader.first_time() == 0 {
            ensure!(started.elapsed() < PATIENCE, "no event at all");
            reader.read(Until::Time(Instant::now() + POLL)).await?;
        }
        Ok(reader.first_time())
    }

    /// Reads all of them to the same event, the last ones live, and compares.
    async fn compare(&mut self) -> Result<()> {
        // Concurrently: a client that is not read answers no pings.
        let end = Until::Index(self.end);
        try_join_all(self.readers.iter_mut().map(|reader| reader.read(end))).await?;
        let digests: Vec<_> = self.readers.iter().map(Reader::digest).collect();
        let first = digests.first();
        ensure!(
            digests.iter().all(|digest| Some(digest) == first),
            "the bytes are not the same: {digests:?}"
        );
        Ok(())
    }

    fn finish(mut self, what: &str, compared: Result<()>) -> Outcome {
        for reader in &mut self.readers {
            self.outcome.verdict.add(reader.verdict());
        }
        if let Err(error) = compared {
            self.outcome.verdict.differ += 1;
            self.outcome.verdict.object(|| format!("{error:#}"));
        }
        for complaint in &mut self.outcome.verdict.complaints {
            *complaint = format!("{what}: {complaint}");
        }
        self.outcome
    }
}
