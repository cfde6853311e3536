//! More collections than subjects: each event is found in either place.

use std::sync::Arc;

use async_nats::jetstream;
use fanjet_event::{Nsid, Topic};
use fanjet_log::contract::event;
use fanjet_log::{EventLog, NewEvent, ReadLimit, Selection, Seq, TopicFilter};
use fanjet_log_nats::NatsLog;
use fanjet_testkit::NatsServer;
use futures::StreamExt;

use crate::support::{self, within};

/// Subjects that every new collection gets without being busy.
const FREELY: usize = 4096;
/// Shared subjects, and those of other topics.
const OTHERS: usize = 64 + 3;

fn about(n: u64, collection: &str) -> NewEvent {
    NewEvent {
        topic: Topic::Commit(collection.parse().unwrap()),
        ..event(n)
    }
}

/// New collections, each with its own authority.
fn flood(from: u64, to: u64) -> Vec<NewEvent> {
    (from..to)
        .map(|n| about(n, &format!("com.a{n}.thing")))
        .collect()
}

/// Some of every kind, among a flood.
fn mixed(from: u64, to: u64) -> Vec<NewEvent> {
    (from..to)
        .map(|n| match n % 8 {
            0 => about(n, "app.bsky.feed.post"),
            1 => about(n, "app.bsky.graph.follow"),
            2 => about(n, "app.other.thing"),
            3 => event(7 + 10 * n),
            _ => about(n, &format!("com.b{n}.thing")),
        })
        .collect()
}

fn selections() -> Vec<Selection> {
    let collection = |name: &str| TopicFilter::Collection(name.parse().unwrap());
    let under = |prefix: &str| TopicFilter::CollectionsUnder(prefix.parse().unwrap());
    vec![
        Selection::All,
        Selection::only([collection("app.bsky.feed.post")]),
        Selection::only([under("app.bsky")]),
        Selection::only([under("app.bsky.graph")]),
        Selection::only([under("app")]),
        Selection::only([TopicFilter::Commits]),
        Selection::only([TopicFilter::Identity]),
        Selection::only([collection("com.a1.thing")]),
        Selection::only([collection("com.b4.thing"), collection("app.other.thing")]),
        Selection::only(["x", "y", "z", "app"].map(|name| under(&format!("{name}.other")))),
        Selection::only([collection("net.example.never")]),
    ]
}

/// The seqs that a selection matches, of events from `first` on.
fn matching(written: &[NewEvent], first: Seq, selection: &Selection) -> Vec<Seq> {
    let wanted = |(event, seq): (&NewEvent, Seq)| selection.matches(&event.topic).then_some(seq);
    written.iter().zip(first..).filter_map(wanted).collect()
}

async fn read_all(log: &NatsLog, from: Seq, selection: &Selection, entries: usize) -> Vec<Seq> {
    let limit = ReadLimit {
        entries,
        bytes: usize::MAX,
    };
    within("the end", async {
        let (mut seqs, mut next) = (Vec::new(), from);
        loop {
            let page = log.read(next, selection, limit).await.unwrap();
            assert!(page.entries.iter().all(|it| selection.matches(&it.topic)));
            seqs.extend(page.entries.iter().map(|entry| entry.seq));
            if page.at_end {
                return seqs;
            }
            assert!(page.next > next);
            next = page.next;
        }
    })
    .await
}

async fn append(log: &NatsLog, written: &[NewEvent]) {
    let end = log.bounds().await.unwrap().last;
    let mut appender = log.appender(end).await.unwrap();
    within("append", async {
        appender.append(written).await.unwrap();
        appender.flush().await.unwrap();
    })
    .await;
}

async fn subjects(server: &NatsServer, stream: &str) -> usize {
    let admin = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let stream = admin.get_stream(stream).await.unwrap();
    usize::try_from(stream.cached_info().state.subjects_count).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_collections_takes_a_bounded_number_of_subjects_and_hides_nothing() {
    let server = NatsServer::shared().await.unwrap();
    let config = support::config(&server.url());
    let stream = config.stream.name.clone();
    let log = NatsLog::connect(config.clone()).await.unwrap();
    let mut follows = Vec::new();
    for selection in selections() {
        follows.push((log.follow(1, &selection).await.unwrap(), selection));
    }

    // Written before there were shared subjects, then in a flood, then by another process.
    let mut written = vec![about(0, "app.bsky.feed.post"), about(1, "com.a1.thing")];
    append(&log, &written).await;
    written.extend(flood(2, 6_000));
    written.extend(mixed(6_000, 8_000));
    append(&log, &written[2..]).await;
    let found = subjects(&server, &stream).await;
    assert!(found <= FREELY + OTHERS, "{found} subjects");
    assert_eq!(log.spread().own(), FREELY as u64);
    let shared = log.spread().shared();
    assert!(shared > 2_500, "{shared} on shared subjects");

    let second = NatsLog::connect(config).await.unwrap();
    let more = mixed(8_000, 10_500);
    append(&second, &more).await;
    written.extend(more);
    // These were busy enough by then.
    assert!(second.spread().own() > FREELY as u64);
    let found = subjects(&server, &stream).await;
    assert!(found <= FREELY + OTHERS + 8, "{found} subjects");

    for log in [&log, &second] {
        for selection in selections() {
            let expected = matching(&written, 1, &selection);
            for entries in [100, 1_000, usize::MAX] {
                let read = read_all(log, 0, &selection, entries).await;
                assert_eq!(read, expected, "{selection:?} in {entries}");
            }
            if expected.len() < 20 {
                assert_eq!(read_all(log, 0, &selection, 1).await, expected);
            }
            for from in [9_000, 10_499, 10_501, 20_000] {
                let expected: Vec<_> = expected.iter().copied().filter(|it| *it >= from).collect();
                assert_eq!(read_all(log, from, &selection, 500).await, expected);
            }
        }
    }
    for (follow, selection) in &mut follows {
        let expected = matching(&written, 1, selection);
        let mut seqs: Vec<Seq> = Vec::new();
        within("the follow", async {
            while seqs.len() < expected.len() {
                let batch = follow.next().await.unwrap().unwrap();
                assert!(batch.iter().all(|it| selection.matches(&it.topic)));
                seqs.extend(batch.iter().map(|entry| entry.seq));
            }
        })
        .await;
        assert_eq!(seqs, expected, "{selection:?}");
    }
}

/// Events written during a search for one collection may be on the shared subject, and must not be skipped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_miss_nothing_that_is_written_meanwhile() {
    let server = NatsServer::shared().await.unwrap();
    let config = support::config(&server.url());
    let log = Arc::new(NatsLog::connect(config).await.unwrap());
    // Half of its events in its own subject, half in the shared one.
    append(&log, &flood(0, FREELY as u64 - 1)).await;
    append(&log, &[about(1, "app.bsky.feed.post")]).await;
    let base = log.bounds().await.unwrap().last;
    let rare: Nsid = "app.bsky.feed.rare".parse().unwrap();
    let collection = |name: &Nsid| TopicFilter::Collection(name.clone());
    let post: Nsid = "app.bsky.feed.post".parse().unwrap();
    let selections = [
        Selection::only([collection(&post), collection(&rare)]),
        // These are read without a consumer as long as nothing is shared.
        Selection::only([collection(&post)]),
        Selection::only([collection(&rare)]),
    ];
    let written: Vec<_> = (0..3_000)
        .map(|n| match n % 3 {
            0 => about(n, post.as_str()),
            // Never busy enough.
            1 if n % 30 == 1 => about(n, rare.as_str()),
            _ => about(n, &format!("com.c{n}.thing")),
        })
        .collect();
    let writing = {
        let (log, written) = (Arc::clone(&log), written.clone());
        async move {
            for piece in written.chunks(50) {
                append(&log, piece).await;
            }
        }
    };
    let reading = futures::future::join_all(selections.iter().map(|selection| {
        let (log, written) = (&log, &written);
        async move {
            let expected = matching(written, base + 1, selection);
            let (mut seqs, mut next) = (Vec::new(), base + 1);
            while seqs.len() < expected.len() {
                let limit = ReadLimit {
                    // In turns: looked up one by one, and page by page.
                    entries: if next % 2 == 0 { 1 } else { 30 },
                    bytes: usize::MAX,
                };
                let page = log.read(next, selection, limit).await.unwrap();
                seqs.extend(page.entries.iter().map(|entry| entry.seq));
                next = page.next;
            }
            assert_eq!(seqs, expected, "{selection:?}");
        }
    }));
    within("both", async { tokio::join!(reading, writing) }).await;
}
