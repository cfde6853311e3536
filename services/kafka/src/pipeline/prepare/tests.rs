use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fanjet_log::{Origin, UpstreamId};

use super::*;
use crate::config::KafkaConfig;
use crate::metrics::Metrics;

fn entry(seq: u64, padding: usize) -> Entry {
    let text = "a".repeat(padding);
    let letter = |digit: u8| char::from(digit - b'0' + b'a');
    let account: String = format!("{seq:024}").bytes().map(letter).collect();
    let body = format!(
        r#"{{"did":"did:plc:{account}","time_us":{seq},"kind":"commit","commit":{{"rev":"r","operation":"create","collection":"app.bsky.feed.post","rkey":"k","record":{{"text":"{text}"}},"cid":"c"}}}}"#
    );
    Entry {
        seq,
        topic: fanjet_event::Topic::Commit("app.bsky.feed.post".parse().unwrap()),
        origin: Origin {
            upstream: UpstreamId::new("test").unwrap(),
            relay_seq: seq,
            op_index: 0,
            op_count: 1,
            time: "2026-07-04T14:38:08.999Z".parse().unwrap(),
        },
        body: Bytes::from(body),
        trace: None,
    }
}

/// An endless log of events of one size. Counts the bytes that were read from it.
fn endless(padding: usize, taken: &Arc<AtomicUsize>) -> Follow {
    let taken = Arc::clone(taken);
    stream::iter(1..)
        .map(move |seq| {
            let entry = entry(seq, padding);
            taken.fetch_add(entry.body.len(), Ordering::SeqCst);
            Ok(vec![entry])
        })
        .boxed()
}

/// Its lookups are never run.
fn waiting_for(deadline: Duration) -> (Arc<Enricher>, Arc<Rules>) {
    let mut config = KafkaConfig::default();
    config.enrich.deadline = deadline;
    let meter = fanjet_telemetry::Metrics::new().unwrap().meter("test");
    let enricher = Enricher::new(&config.enrich, &Metrics::new(&meter)).unwrap();
    let rules = Rules::new(&config).unwrap();
    (Arc::new(enricher), Arc::new(rules))
}

#[tokio::test(start_paused = true)]
async fn events_that_wait_for_look_ups_are_bounded_by_bytes_too() {
    // Small events, limited by number; large ones, limited by bytes; and events that each exceed the limit of all.
    for (padding, most) in [
        (100, BATCHES * EVENTS * 400),
        (1 << 20, BYTES + 2 * BATCH_BYTES),
        (40 << 20, (40 << 20) + BATCH_BYTES),
    ] {
        let taken = Arc::new(AtomicUsize::new(0));
        let (enricher, rules) = waiting_for(Duration::from_secs(60));
        let mut events = prepared(endless(padding, &taken), Some(enricher), rules);
        let early = tokio::time::timeout(Duration::from_secs(1), events.next()).await;
        assert!(early.is_err(), "nothing was waited for");
        let held = taken.load(Ordering::SeqCst);
        assert!(held <= most, "{padding}: {held} of {most} bytes");
        // All held events are returned in order, which frees the space.
        let mut expected = 1;
        while taken.load(Ordering::SeqCst) < 2 * held {
            for entry in events.next().await.unwrap().unwrap() {
                assert_eq!(entry.seq, expected);
                expected += 1;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_follows_all_earlier_events_and_ends_the_stream() {
    let follow = stream::iter([
        Ok(vec![entry(1, 10)]),
        Ok(Vec::new()),
        Ok(vec![entry(2, 10)]),
        Err(LogError::unavailable("away")),
    ]);
    let (enricher, rules) = waiting_for(Duration::from_millis(10));
    let mut events = prepared(follow.boxed(), Some(enricher), rules);
    let mut seqs = Vec::new();
    loop {
        match events.next().await.unwrap() {
            Ok(entries) => seqs.extend(entries.iter().map(|entry| entry.seq)),
            Err(error) => {
                assert!(matches!(error, LogError::Unavailable(_)));
                break;
            }
        }
    }
    assert_eq!(seqs, [1, 2]);
    assert!(events.next().await.is_none());
}
