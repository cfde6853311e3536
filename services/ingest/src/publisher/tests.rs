use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use fanjet_event::{Datetime, TimeUs, Topic};
use fanjet_log::memory::{Fault, MemoryLog};
use fanjet_log::{
    Bounds, Entry, Follow, LogIdentity, Origin, Page, ReadLimit, Selection, UpstreamId,
};
use fanjet_runtime::SystemClock;
use fanjet_telemetry::Metrics;

use super::*;

/// An event identified by its relay seq.
pub(crate) fn event(relay_seq: u64) -> NewEvent {
    NewEvent {
        trace: None,
        topic: Topic::Identity,
        origin: Origin {
            upstream: UpstreamId::new("relay").unwrap(),
            relay_seq,
            op_index: 0,
            op_count: 1,
            time: Datetime::parse("2026-05-25T14:23:29Z").unwrap().shared(),
        },
        body: Bytes::from(format!("event {relay_seq}")),
    }
}

fn events(range: std::ops::Range<u64>) -> Vec<NewEvent> {
    range.map(event).collect()
}

async fn publisher(log: &Arc<MemoryLog>) -> Publisher {
    let a_year = Duration::from_secs(365 * 24 * 3600);
    publisher_for(log, a_year).await
}

/// One whose term ends after some time.
async fn publisher_for<L: EventLog>(log: &Arc<L>, term: Duration) -> Publisher {
    let metrics = IngestMetrics::new(&Metrics::new().unwrap().meter("test"));
    let (_, deadline) = WriteDeadline::until(tokio::time::Instant::now() + term);
    let freshness = Freshness::unpublished(
        Arc::new(SystemClock),
        crate::config::IngestConfig::default().freshness,
        &metrics,
    );
    let status = Status::default();
    let traces = Traces::new(None, 1.0, Arc::new(SystemClock));
    let resume = Resume {
        log: log.identity().await.unwrap().to_string(),
        seq: log.bounds().await.unwrap().last,
        newest: log.bounds().await.unwrap().last,
        ..Resume::default()
    };
    let log: Arc<dyn EventLog> = log.clone();
    let context = PublisherContext {
        log,
        deadline,
        traces,
        freshness,
        metrics,
        status,
    };
    Publisher::continuing(&resume, context)
}

/// Just now.
pub(crate) fn times() -> BatchTimes {
    let now = tokio::time::Instant::now();
    BatchTimes {
        arrived: now,
        decoding: now,
        decoded: now,
    }
}

/// A writer that slept through its term does not write when it wakes up, wherever it is then.
#[tokio::test(start_paused = true)]
async fn nothing_is_written_when_the_term_is_over() {
    let log = Arc::new(MemoryLog::new());
    let term = Duration::from_secs(4);
    let mut publisher = publisher_for(&log, term).await;
    publisher.append(events(0..10), &times()).await.unwrap();
    tokio::time::advance(term).await;
    let outcome = publisher.append(events(10..20), &times()).await;
    assert!(matches!(outcome, Err(IngestError::TermOver)), "{outcome:?}");

    // The other way to write: again, after a failure. Its pauses go beyond the term.
    let log = Arc::new(MemoryLog::new());
    let mut publisher = publisher_for(&log, term).await;
    log.inject(Fault::AppendFails, 1_000);
    let outcome = publisher.append(events(0..10), &times()).await;
    assert!(matches!(outcome, Err(IngestError::TermOver)), "{outcome:?}");
    assert!(log.fired(Fault::AppendFails) > 3);
    assert!(relay_seqs(&log).await.is_empty());
}

async fn relay_seqs(log: &MemoryLog) -> Vec<u64> {
    let limit = ReadLimit {
        entries: usize::MAX,
        bytes: usize::MAX,
    };
    let mut from = 0;
    let mut seqs = Vec::new();
    loop {
        let page = log.read(from, &Selection::All, limit).await.unwrap();
        seqs.extend(page.entries.iter().map(|entry| entry.origin.relay_seq));
        from = page.next;
        if page.at_end {
            return seqs;
        }
    }
}

/// Every way in which an append can fail without being refused: whatever the log did with the events, afterwards it
/// holds each once, in order.
#[tokio::test(start_paused = true)]
async fn failures_neither_lose_nor_repeat() {
    for fault in [Fault::AppendFails, Fault::AnswerLost, Fault::PartlyStored] {
        let log = Arc::new(MemoryLog::new());
        let mut publisher = publisher(&log).await;
        publisher.append(events(0..10), &times()).await.unwrap();
        log.inject(fault, 3);
        log.inject(Fault::ReadFails, 2);
        for start in (10..100).step_by(10) {
            publisher
                .append(events(start..start + 10), &times())
                .await
                .unwrap();
        }
        publisher.flush().await.unwrap();
        assert_eq!(publisher.unacked(), 0);
        assert_eq!(
            (log.fired(fault), log.fired(Fault::ReadFails)),
            (3, 2),
            "{fault:?}"
        );
        assert_eq!(
            relay_seqs(&log).await,
            (0..100).collect::<Vec<_>>(),
            "{fault:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn another_writer_stops_this_one() {
    let log = Arc::new(MemoryLog::new());
    let mut publisher = publisher(&log).await;
    publisher.append(events(0..10), &times()).await.unwrap();
    publisher.flush().await.unwrap();
    let mut other = log.appender(10).await.unwrap();
    other.append(&events(50..51)).await.unwrap();
    other.flush().await.unwrap();

    let mut outcome = publisher.append(events(10..20), &times()).await;
    if outcome.is_ok() {
        outcome = publisher.flush().await;
    }
    assert!(
        matches!(outcome, Err(IngestError::Fenced { seq: 11 })),
        "{outcome:?}"
    );
    assert_eq!(
        relay_seqs(&log).await,
        (0..10).chain([50]).collect::<Vec<_>>()
    );
}

/// Everything has expired, or was purged, and then a connection breaks: the log continues after its end.
#[tokio::test(start_paused = true)]
async fn a_log_that_keeps_nothing_is_written_on_behind_its_end() {
    let log = Arc::new(MemoryLog::new());
    let mut first = publisher(&log).await;
    first.append(events(0..10), &times()).await.unwrap();
    log.expire(10);
    log.inject(Fault::AppendFails, 1);
    first.append(events(10..20), &times()).await.unwrap();
    first.flush().await.unwrap();
    log.expire(20);
    // And so does the next term.
    let mut second = publisher(&log).await;
    second.append(events(20..30), &times()).await.unwrap();
    second.flush().await.unwrap();
    assert_eq!(second.acked(), 30);
    assert_eq!(relay_seqs(&log).await, (20..30).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_log_that_lost_what_it_had_acknowledged_ends_the_term_and_is_not_written() {
    let log = Arc::new(MemoryLog::new());
    let mut publisher = publisher(&log).await;
    publisher.status.set_log_reachable();
    publisher.append(events(0..10), &times()).await.unwrap();
    log.lose_behind(7);
    let began = Instant::now();
    let mut outcome = publisher.append(events(10..20), &times()).await;
    if outcome.is_ok() {
        outcome = publisher.flush().await;
    }
    let Err(error @ IngestError::LogLost { acked: 10, end: 7 }) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(error.ends_term() && began.elapsed() >= DEPOSED_SERVER_TIMEOUT);
    assert_eq!(relay_seqs(&log).await, (0..7).collect::<Vec<_>>());
    // The next term repairs it, and until then readiness stays off.
    let reason = || {
        publisher.status.set_log_reachable();
        publisher.status.report().missing.get("log").cloned()
    };
    let said = reason().unwrap();
    assert!(
        said.contains("ended at seq 7") && said.contains("acknowledged 10"),
        "{said}"
    );
    publisher.status.set_log_stands_at(&publisher.log_id, 9);
    assert!(reason().is_some());
    publisher.status.set_log_stands_at(&publisher.log_id, 10);
    assert_eq!(reason(), None);
}

#[tokio::test(start_paused = true)]
async fn another_log_at_its_place_ends_the_term_and_is_not_written() {
    let log = Arc::new(MemoryLog::new());
    let mut publisher = publisher(&log).await;
    publisher.append(events(0..10), &times()).await.unwrap();
    log.recreate(11);
    log.inject(Fault::AppendFails, 1);
    let outcome = publisher.append(events(10..20), &times()).await;
    assert!(
        matches!(outcome, Err(IngestError::LogReplaced { .. })),
        "{outcome:?}"
    );
    log.adopt().await.unwrap();
    assert!(relay_seqs(&log).await.is_empty());
}

/// A log that answers every request, queues everything and acknowledges nothing.
struct Queueing {
    log: MemoryLog,
    is_full: Arc<AtomicBool>,
    given: Arc<AtomicU64>,
}

struct Queue {
    appender: Box<dyn Appender>,
    is_full: Arc<AtomicBool>,
    given: Arc<AtomicU64>,
}

#[async_trait]
impl EventLog for Queueing {
    async fn identity(&self) -> Result<LogIdentity, LogError> {
        self.log.identity().await
    }

    async fn adopt(&self) -> Result<LogIdentity, LogError> {
        self.log.adopt().await
    }

    async fn bounds(&self) -> Result<Bounds, LogError> {
        self.log.bounds().await
    }

    async fn last(&self) -> Result<Option<Entry>, LogError> {
        self.log.last().await
    }

    async fn read(&self, from: Seq, what: &Selection, limit: ReadLimit) -> Result<Page, LogError> {
        self.log.read(from, what, limit).await
    }

    async fn follow(&self, from: Seq, what: &Selection) -> Result<Follow, LogError> {
        self.log.follow(from, what).await
    }

    async fn seq_at(&self, time: TimeUs) -> Result<Seq, LogError> {
        self.log.seq_at(time).await
    }

    async fn appender(&self, after: Seq) -> Result<Box<dyn Appender>, AppendError> {
        let appender = self.log.appender(after).await?;
        let is_full = Arc::clone(&self.is_full);
        let given = Arc::clone(&self.given);
        Ok(Box::new(Queue {
            appender,
            is_full,
            given,
        }))
    }
}

#[async_trait]
impl Appender for Queue {
    async fn append(&mut self, events: &[NewEvent]) -> Result<(), AppendError> {
        self.given.fetch_add(1, Ordering::SeqCst);
        match self.is_full.load(Ordering::SeqCst) {
            true => Ok(()),
            false => self.appender.append(events).await,
        }
    }

    async fn flush(&mut self) -> Result<Seq, AppendError> {
        match self.is_full.load(Ordering::SeqCst) {
            true => Err(AppendError::unavailable("maximum bytes exceeded")),
            false => self.appender.flush().await,
        }
    }

    fn acked(&self) -> Seq {
        self.appender.acked()
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_is_not_writable_until_it_acknowledges_something() {
    let log = Arc::new(Queueing {
        log: MemoryLog::new(),
        is_full: Arc::new(AtomicBool::new(true)),
        given: Arc::default(),
    });
    let mut publisher = publisher_for(&log, Duration::from_secs(3600)).await;
    let status = publisher.status.clone();
    status.set_log_reachable();
    let writing = async {
        publisher.append(events(0..10), &times()).await.unwrap();
        publisher.flush().await.unwrap();
    };
    let watching = async {
        while status.report().ready {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // A quarter of an hour in which nothing makes it ready.
        for _ in 0..900_000 {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let said = status.report().missing.remove("log").unwrap();
            assert!(said.starts_with("not writable: "), "{said}");
            assert!(said.ends_with("maximum bytes exceeded"), "{said}");
        }
        let given = log.given.load(Ordering::SeqCst);
        assert!((150..300).contains(&given), "{given} tries");
        log.is_full.store(false, Ordering::SeqCst);
    };
    tokio::join!(writing, watching);
    assert!(status.report().ready);
    assert_eq!(relay_seqs(&log.log).await, (0..10).collect::<Vec<_>>());
}
