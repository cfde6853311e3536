//! Many sequential readers, and readers of rare events.

use std::time::{Duration, Instant};

use async_nats::jetstream;
use fanjet_event::Topic;
use fanjet_log::contract::{event, events, sized_event};
use fanjet_log::{EventLog, NewEvent, Page, ReadLimit, Selection, Seq, TopicFilter};
use fanjet_log_nats::{NatsConfig, NatsLog};
use fanjet_testkit::NatsServer;
use futures::StreamExt;
use tokio::time::timeout;

use crate::support::{self, assert_entries, within};

const FEW: ReadLimit = ReadLimit {
    entries: 50,
    bytes: 64 << 10,
};

async fn filled(config: &NatsConfig, events: &[NewEvent]) -> NatsLog {
    let log = NatsLog::connect(config.clone()).await.unwrap();
    let mut appender = log.appender(0).await.unwrap();
    appender.append(events).await.unwrap();
    appender.flush().await.unwrap();
    log
}

async fn few(log: &NatsLog, from: Seq) -> Page {
    log.read(from, &Selection::All, FEW).await.unwrap()
}

/// Data read ahead for stopped readers is dropped when others need the room; they lose nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_stopped_readers_share_what_is_read_ahead_and_continue() {
    const READERS: u64 = 200;
    const WHOLE: usize = 2 << 20;
    // No consumer gets less than this.
    const LEAST: usize = 256 << 10;
    let server = NatsServer::shared().await.unwrap();
    let config = NatsConfig {
        read_ahead_bytes: WHOLE,
        ..support::config(&server.url())
    };
    let written: Vec<_> = (0..4_000).map(|n| sized_event(n, 600)).collect();
    let log = filled(&config, &written).await;
    let mut stopped = Vec::new();
    for reader in 0..READERS {
        let from = 1 + reader * 10;
        let mut next = from;
        // The second page has a consumer.
        for _ in 0..3 {
            next = few(&log, next).await.next;
        }
        stopped.push((from, next));
    }
    let admin = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let mut stream = admin.get_stream(&config.stream.name).await.unwrap();
    let consumers = within("the others are gone", async {
        loop {
            let count = stream.info().await.unwrap().state.consumer_count;
            if count <= WHOLE / LEAST {
                return count;
            }
            tokio::task::yield_now().await;
        }
    });
    consumers.await;
    for (from, mut next) in stopped {
        assert!(next > from + 50, "only the first page");
        for _ in 0..3 {
            let page = few(&log, next).await;
            let first = usize::try_from(next).unwrap() - 1;
            let found = page.entries.iter().zip(&written[first..]).zip(next..);
            for ((entry, event), seq) in found {
                assert_eq!((entry.seq, &entry.body), (seq, &event.body));
            }
            assert_eq!(page.next, next + page.entries.len() as u64);
            assert!(!page.entries.is_empty());
            next = page.next;
        }
    }
}

/// The shares of stopped readers make the requests of others smaller, and those cost the server as much: only briefly.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_on_gets_the_room_of_those_who_stopped() {
    // Without others, a consumer requests this many.
    const MOST: &[u8] = br#"{"batch":2048,"#;
    let server = NatsServer::shared().await.unwrap();
    let config = support::config(&server.url());
    let log = filled(&config, &events(0, 4_000)).await;
    let observer = async_nats::connect(server.url()).await.unwrap();
    let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{}.>", config.stream.name);
    let mut requests = observer.subscribe(subject).await.unwrap();
    observer.flush().await.unwrap();
    // No reader starts where another reader's page ended.
    let starts = (0..16).map(|reader| 1 + reader * 7);
    let begun = Instant::now();
    for start in starts {
        let first = few(&log, start).await;
        few(&log, first.next).await;
        let request = within("a request", requests.next()).await.unwrap();
        assert!(request.payload.starts_with(MOST));
    }
    let took = begun.elapsed();
    let reading = async {
        let mut smaller = 0;
        loop {
            let first = few(&log, 500).await;
            few(&log, first.next).await;
            // Each of these readers stops, too: not too many.
            while let Ok(asked) = timeout(Duration::from_millis(300), requests.next()).await {
                match asked.unwrap().payload.starts_with(MOST) {
                    true => return smaller,
                    false => smaller += 1,
                }
            }
        }
    };
    let smaller = within("a request with all the room", reading).await;
    // Unless this machine is so slow that the first had stopped when the last started.
    assert!(
        smaller > 0 || took > Duration::from_secs(1),
        "nothing was lacking"
    );
}

/// Through many requests: the server's status about the end of one does not end the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_consumer_brings_a_whole_replay() {
    let server = NatsServer::shared().await.unwrap();
    let config = NatsConfig {
        // So that a request is for a few hundred messages.
        read_ahead_bytes: 300 << 10,
        ..support::config(&server.url())
    };
    let written = events(0, 5_000);
    let log = filled(&config, &written).await;
    let observer = async_nats::connect(server.url()).await.unwrap();
    let stream = &config.stream.name;
    let subject = format!("$JS.EVENT.ADVISORY.CONSUMER.CREATED.{stream}.>");
    let mut created = observer.subscribe(subject).await.unwrap();
    observer.flush().await.unwrap();
    let (mut next, mut found) = (1, Vec::new());
    while found.len() < written.len() {
        let page = few(&log, next).await;
        next = page.next;
        found.extend(page.entries);
    }
    assert_entries(&found, &written);
    // The server sends earlier advisories about consumers before this response.
    let last = jetstream::new(observer.clone());
    let stream = last.get_stream(stream).await.unwrap();
    stream
        .create_consumer(jetstream::consumer::pull::Config {
            name: Some("last".to_owned()),
            ..Default::default()
        })
        .await
        .unwrap();
    let mut names = Vec::new();
    loop {
        let advisory = within("an advisory", created.next()).await.unwrap();
        let name = advisory.subject.rsplit('.').next().unwrap().to_owned();
        if name == "last" {
            break;
        }
        names.push(name);
    }
    assert_eq!(names.len(), 1, "{names:?}");
}

#[tokio::test]
async fn without_room_for_reading_ahead_everything_is_read_all_the_same() {
    let server = NatsServer::shared().await.unwrap();
    let config = NatsConfig {
        read_ahead_bytes: 0,
        ..support::config(&server.url())
    };
    let written = events(0, 5_000);
    let log = filled(&config, &written).await;
    assert_entries(&support::all(&log).await, &written);
}

/// Three in 60,000: reading all of them would take eight pages at least.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_looks_for_several_rare_subjects() {
    let server = NatsServer::shared().await.unwrap();
    let config = support::config(&server.url());
    let topics = [
        (20_000, Topic::Identity),
        (40_000, Topic::Account),
        (55_000, Topic::Identity),
    ];
    let written: Vec<_> = (0..60_000)
        .map(|n| {
            let rare = topics.iter().find(|(at, _)| *at == n);
            NewEvent {
                trace: None,
                topic: rare.map_or(Topic::Sync, |(_, topic)| topic.clone()),
                ..event(n)
            }
        })
        .collect();
    let log = filled(&config, &written).await;
    let wanted = Selection::only([TopicFilter::Identity, TopicFilter::Account]);
    let limit = ReadLimit {
        entries: 1000,
        bytes: 128 << 10,
    };
    let (mut found, mut next, mut pages) = (Vec::new(), 1, 0);
    loop {
        let page = log.read(next, &wanted, limit).await.unwrap();
        pages += 1;
        found.extend(page.entries.iter().map(|entry| entry.seq));
        next = page.next;
        if page.at_end {
            break;
        }
    }
    assert_eq!(found, [20_001, 40_001, 55_001]);
    assert_eq!(next, 60_001);
    assert!(pages <= 4, "{pages} pages");
}
