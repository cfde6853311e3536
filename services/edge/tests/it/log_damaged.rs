//! Entries that are not events, among others that are: they affect only the clients that read them. `fanjet serve` has the
//! same test with a real segment file.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream;
use bytes::Bytes;
use fanjet_edge::metrics::{
    DAMAGED_READS, DISCONNECTS, FEEDER_RESTARTS, REFUSED_HANDSHAKES, SKIPPED_SEQS,
};
use fanjet_edge::{Edge, EdgeConfig, EdgeDeps, EdgeHandle};
use fanjet_log::memory::MemoryClusterState;
use fanjet_log::{Entry, EventLog, Seq};
use fanjet_log_nats::{NatsConfig, NatsLog, ServerUrl, StreamConfig};
use fanjet_runtime::{Stop, SystemClock};
use fanjet_testkit::NatsServer;
use tokio_tungstenite::tungstenite::Error;

use crate::support::{Client, FaultyLog, Instruments, Node, append, commit, eventually, time_of};

const POST: &str = "app.bsky.feed.post";

/// A log of `count` entries, one of which is not an event.
fn damaged(count: u64, at: Seq) -> (FaultyLog, Vec<Entry>) {
    let log = FaultyLog::new();
    let mut all = log.append((1..at).map(|_| commit(POST, "did:plc:a")));
    let mut bad = commit(POST, "did:plc:a").at(at);
    bad.body = Bytes::from_static(b"not an event");
    log.append_raw(bad.clone());
    all.push(bad);
    all.extend(log.append((at..count).map(|_| commit(POST, "did:plc:a"))));
    (log, all)
}

async fn closes_at(client: &mut Client, seq: Seq) {
    let (read, closed) = client.read_to_end().await;
    assert_eq!(read, Vec::<String>::new());
    let (code, reason) = closed.unwrap();
    assert_eq!(code, 1011);
    let words = format!("the log is damaged at seq {seq}");
    let rest = reason.strip_prefix(&words);
    let rest = rest.unwrap_or_else(|| panic!("{reason}"));
    assert!(
        rest.is_empty() || rest.starts_with("; resume with cursor="),
        "{reason}"
    );
}

#[tokio::test]
async fn damage_closes_only_the_clients_that_read_it() {
    let (log, all) = damaged(1000, 501);
    let node = Node::start_with(log, |config| {
        config.tail.warm_entries = 100;
        config.tail.ring_bytes = 60_000;
    })
    .await;
    let mut live = node.client("").await;
    for round in 1..=2 {
        // From the damaged seq's page, from others near it, and from after the damage.
        let mut readers = Vec::new();
        for cursor in [1, 1, 1, 400, 450, 499, 500, 501, 501] {
            let client = node.client(&format!("?cursor={cursor}")).await;
            readers.push((cursor as usize, client));
        }
        let mut filtered = node
            .client(&format!("?cursor=1&wantedCollections={POST}"))
            .await;
        for cursor in [502, 503, 550, 990] {
            let mut client = node.client(&format!("?cursor={cursor}")).await;
            client.expect(&all[cursor - 1..]).await;
        }
        filtered.expect(&all[..500]).await;
        closes_at(&mut filtered, 501).await;
        for (cursor, client) in &mut readers {
            client.expect(&all[*cursor - 1..500]).await;
            closes_at(client, 501).await;
        }
        node.metric_becomes(DISCONNECTS, Some("log_damaged"), f64::from(round) * 10.0)
            .await;
    }
    assert!(node.labelled(DAMAGED_READS, "by", "replay") >= 2.0);
    assert!(node.handle.readiness().is_ready());
    let next = node.append_one(POST, "did:plc:a");
    live.expect([&next]).await;
    node.stop().await.unwrap();
}

/// The oldest event shows how far back a cursor can reach. Without it that header is missing, and everything else works.
#[tokio::test]
async fn damage_at_the_logs_beginning_leaves_the_node_ready() {
    let (log, all) = damaged(300, 1);
    let node = Node::start_with(log, |config| {
        config.tail.warm_entries = 100;
        config.tail.check_interval = Duration::from_millis(10);
        config.tail.fresh_within = Duration::from_millis(500);
    })
    .await;
    let checked_until = tokio::time::Instant::now() + Duration::from_millis(1000);
    while tokio::time::Instant::now() < checked_until {
        assert!(node.handle.readiness().is_ready());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    closes_at(&mut node.client("?cursor=0").await, 1).await;
    node.client("?cursor=2").await.expect(&all[1..]).await;
    let refused = Client::try_connect(node.addr(), "?cursor=1000000000000000").await;
    let Err(Error::Http(response)) = refused.map(|_| ()) else {
        panic!("it must be refused");
    };
    assert_eq!(response.status(), 503);
    assert_eq!(node.metric(REFUSED_HANDSHAKES, Some("log_damaged")), 1.0);
    let time = time_of(150).get();
    let mut client = node.client(&format!("?cursor={time}")).await;
    client.expect(&all[149..]).await;
}

/// Otherwise the node would end at every start until enough events have arrived.
#[tokio::test]
async fn damage_among_the_newest_events_does_not_stop_a_start() {
    let (log, all) = damaged(300, 250);
    let node = Node::start_with(log, |_| {}).await;
    assert_eq!(node.labelled(DAMAGED_READS, "by", "warming"), 1.0);
    let mut live = node.client("").await;
    let mut all = all;
    all.push(node.append_one(POST, "did:plc:a"));
    live.expect(&all[300..]).await;
    node.client("?cursor=251").await.expect(&all[250..]).await;
    let mut reader = node.client("?cursor=1").await;
    reader.expect(&all[..249]).await;
    closes_at(&mut reader, 250).await;
}

/// A stream of 900 events, with one other message after the first 300 and one after the next.
struct Stream {
    log: Arc<dyn EventLog>,
    admin: jetstream::Context,
    events: Vec<Entry>,
    places: Vec<Seq>,
    _server: Arc<NatsServer>,
}

impl Stream {
    async fn new(name: &str, strays: [(&str, Option<&str>); 2]) -> Self {
        let server = NatsServer::shared().await.unwrap();
        let config = NatsConfig {
            url: vec![ServerUrl::new(server.url())],
            stream: StreamConfig {
                name: name.to_owned(),
                subject_root: name.to_owned(),
                ..StreamConfig::default()
            },
            ..NatsConfig::default()
        };
        let log = NatsLog::connect_patiently(config, || 500_000).await;
        let mut stream = Self {
            log: Arc::new(log.unwrap()),
            admin: jetstream::new(async_nats::connect(server.url()).await.unwrap()),
            events: Vec::new(),
            places: Vec::new(),
            _server: server,
        };
        stream.append(300).await;
        for (subject, origin) in strays {
            let place = stream.publish(&format!("{name}.{subject}"), origin).await;
            stream.places.push(place);
            stream.append(300).await;
        }
        stream
    }

    async fn append(&mut self, count: u64) {
        let events = append(&*self.log, count, 0).await;
        self.events.extend(events);
    }

    /// A message of another program, or one that imitates ingest.
    async fn publish(&self, subject: &str, origin: Option<&str>) -> Seq {
        let mut headers = HeaderMap::new();
        if let Some(origin) = origin {
            headers.insert("Fanjet-Origin", origin);
        }
        let sent = self
            .admin
            .publish_with_headers(subject.to_owned(), headers, "{}".into());
        sent.await.unwrap().await.unwrap().sequence
    }

    fn edge(&self, instruments: &Instruments, stop: &Stop) -> EdgeHandle {
        let mut config = EdgeConfig::default();
        config.http.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.http.workers = 1;
        config.http.close_linger = Duration::ZERO;
        config.tail.warm_entries = 100;
        config.tail.retry_floor = Duration::from_millis(1);
        config.tail.retry_ceiling = Duration::from_millis(20);
        config.tail.check_interval = Duration::from_millis(200);
        let deps = EdgeDeps {
            tracer: None,
            log: Arc::clone(&self.log),
            cluster_state: Arc::new(MemoryClusterState::default()),
            clock: Arc::new(SystemClock),
            instance: "edge-of-test/1/0a".to_owned(),
        };
        Edge::start_in(config, deps, &instruments.meter(), stop.clone()).unwrap()
    }
}

const ORIGIN: &str = "relay;1;0;1;2026-05-25T14:23:29Z";

/// They carry an origin, so they may have been events: never skipped while they exist.
#[tokio::test]
async fn forged_messages_close_their_readers_until_deleted() {
    let strays = [("identity", Some("x")), ("else", Some(ORIGIN))];
    let mut stream = Stream::new("damaged", strays).await;
    let (instruments, stop) = (Instruments::new(), Stop::new());
    let node = stream.edge(&instruments, &stop);
    eventually("the node is ready", || node.readiness().is_ready()).await;
    let (all, places) = (stream.events.clone(), stream.places.clone());
    let first = all[0].seq;
    for _ in 0..2 {
        for query in [
            "?cursor=0".to_owned(),
            format!("?cursor={first}"),
            format!("?cursor=0&wantedCollections={POST}"),
        ] {
            let mut client = Client::connect(node.addr(), &query).await;
            client.expect(&all[..300]).await;
            closes_at(&mut client, places[0]).await;
        }
        let query = format!("?cursor={}", places[0] + 1);
        let mut client = Client::connect(node.addr(), &query).await;
        client.expect(&all[300..600]).await;
        closes_at(&mut client, places[1]).await;
        let query = format!("?cursor={}", places[1] + 1);
        let mut client = Client::connect(node.addr(), &query).await;
        client.expect(&all[600..]).await;
    }
    // Live, for all clients.
    let mut live = Client::connect(node.addr(), "").await;
    let place = stream.publish("damaged.identity", Some("x")).await;
    closes_at(&mut live, place).await;
    eventually("the node is ready", || node.readiness().is_ready()).await;
    let mut live = Client::connect(node.addr(), "").await;
    stream.append(10).await;
    live.expect(&stream.events[900..]).await;
    assert!(instruments.sum(DAMAGED_READS, Some(("by", "replay"))) >= 4.0);
    assert_eq!(instruments.sum(DAMAGED_READS, Some(("by", "live"))), 1.0);
    assert_eq!(instruments.sum(SKIPPED_SEQS, None), 0.0);

    let found = stream.admin.get_stream("damaged").await.unwrap();
    for seq in [places[0], places[1], place] {
        found.delete_message(seq).await.unwrap();
    }
    let mut client = Client::connect(node.addr(), "?cursor=0").await;
    client.expect(&stream.events).await;
    assert!(node.readiness().is_ready());
    assert_eq!(
        instruments.sum(SKIPPED_SEQS, Some(("kind", "deleted"))),
        3.0
    );
    stop.cancel();
    node.join().await.unwrap();
}

/// Messages that Fanjet never wrote are not events.
#[tokio::test]
async fn foreign_messages_are_skipped_and_counted() {
    let strays = [("identity", None), ("else", None)];
    let mut stream = Stream::new("strays", strays).await;
    // The newest messages are foreign when the node starts.
    for _ in 0..3 {
        stream.publish("strays.test", None).await;
    }
    let (instruments, stop) = (Instruments::new(), Stop::new());
    let node = stream.edge(&instruments, &stop);
    eventually("the node is ready", || node.readiness().is_ready()).await;
    let mut live = Client::connect(node.addr(), "").await;
    for round in 0..3 {
        stream.append(10).await;
        for _ in 0..4 {
            stream.publish("strays.identity", None).await;
        }
        live.expect(&stream.events[900 + 10 * round..]).await;
    }
    // The node is fresh although the log's newest messages are not events.
    let checked_until = tokio::time::Instant::now() + Duration::from_secs(2);
    while tokio::time::Instant::now() < checked_until {
        assert!(node.readiness().is_ready());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stream.append(10).await;
    live.expect(&stream.events[930..]).await;
    let first = stream.events[0].seq;
    for query in [
        "?cursor=0".to_owned(),
        format!("?cursor={}", first + 250),
        format!("?cursor={}", stream.places[0]),
        format!("?cursor={}", stream.places[1]),
    ] {
        let mut client = Client::connect(node.addr(), &query).await;
        let cursor: Seq = query.rsplit('=').next().unwrap().parse().unwrap();
        let wanted = stream.events.iter().filter(|it| it.seq >= cursor);
        client.expect(wanted).await;
    }
    assert_eq!(
        instruments.sum(SKIPPED_SEQS, Some(("kind", "foreign"))),
        17.0
    );
    assert_eq!(instruments.sum(FEEDER_RESTARTS, None), 0.0);
    stop.cancel();
    node.join().await.unwrap();
}

/// The newest messages are not events: a time behind the last event selects the next one, and blocks no thread.
#[tokio::test]
async fn a_time_among_foreign_messages_finds_its_event() {
    let mut stream = Stream::new("ending", [("identity", None), ("else", None)]).await;
    for _ in 0..3 {
        stream.publish("ending.identity", None).await;
    }
    let (instruments, stop) = (Instruments::new(), Stop::new());
    let node = stream.edge(&instruments, &stop);
    eventually("the node is ready", || node.readiness().is_ready()).await;
    let time = |entry: &Entry| entry.time().unwrap().get();
    let mut clients = Vec::new();
    for place in [300, 600, 900] {
        let query = format!("?cursor={}", time(&stream.events[place - 1]) + 1);
        let client = tokio::time::timeout(
            Duration::from_secs(30),
            Client::connect(node.addr(), &query),
        );
        clients.push((place, client.await.expect("the search ends")));
    }
    stream.append(10).await;
    for (place, mut client) in clients {
        client.expect(&stream.events[place..]).await;
    }
    stop.cancel();
    node.join().await.unwrap();
}
