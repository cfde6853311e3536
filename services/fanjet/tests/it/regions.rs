//! Two regions: a NATS cluster each, the second with a mirror of the first one's log, and an edge in each. The link between them is cut and
//! slow, the mirror is behind, the first region is lost and the second one promoted. A client moves with its cursor.

use std::time::Duration;

use async_nats::jetstream::{self, Context};
use fanjet_log::contract::whole;
use fanjet_log::{Entry, EventLog};
use fanjet_log_nats::{NatsConfig, NatsLog, ServerUrl, prepare};
use fanjet_runtime::{Clock, SystemClock};
use fanjet_simulator::{Rate, SimulatorHandle};
use fanjet_testkit::{JetstreamClient, Link, LinkState, NatsServer, Process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{
    PATIENCE, assert_same_events, expected_json, fanjet, get, said, simulator, time_us,
};

const SEED: u64 = 4_200;
const FRAMES: u64 = 3_000;
const POLL: Duration = Duration::from_millis(20);

async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(POLL).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(in_time.is_ok(), "never came true: {what}");
}

/// A region: its servers, and an edge on them.
struct Region {
    server: NatsServer,
    _store: TempDir,
    edge: Option<Process>,
    url: String,
    ops: String,
}

impl Region {
    async fn start(domain: &str, config: &str) -> Self {
        let store = tempfile::tempdir().unwrap();
        // In place of the server's usual section.
        let jetstream = format!(
            "jetstream {{ store_dir: {:?}, domain: {domain} }}\n",
            store.path()
        );
        Self {
            server: NatsServer::start_with(&(jetstream + config)).await.unwrap(),
            _store: store,
            edge: None,
            url: String::new(),
            ops: String::new(),
        }
    }

    async fn jetstream(&self) -> Context {
        jetstream::new(async_nats::connect(self.server.url()).await.unwrap())
    }

    async fn request(&self, subject: &str, body: Value) -> Value {
        let jetstream = self.jetstream().await;
        let answer: Value = jetstream.request(subject.to_owned(), &body).await.unwrap();
        assert!(answer["error"].is_null(), "{subject}: {answer}");
        answer
    }

    /// As `fanjet prepare` with `nats.stream.mirror`.
    async fn prepare_as(&self, mirror: &str) {
        let mut config = self.config();
        config.stream.mirror = mirror.to_owned();
        prepare(&config, SystemClock.now_us()).await.unwrap();
    }

    fn config(&self) -> NatsConfig {
        NatsConfig {
            url: vec![ServerUrl::new(self.server.url())],
            ..NatsConfig::default()
        }
    }

    async fn log(&self) -> NatsLog {
        NatsLog::connect(self.config()).await.unwrap()
    }

    async fn last(&self) -> u64 {
        self.log().await.bounds().await.map_or(0, |it| it.last)
    }

    fn run(&self, role: &str, settings: &[String]) -> Process {
        let mut all = vec![
            format!("nats.url={}", self.server.url()),
            "nats.stream.create=false".to_owned(),
            "ops.listen=127.0.0.1:0".to_owned(),
        ];
        all.extend(settings.iter().cloned());
        let all = all.into_iter().flat_map(|it| ["--set".to_owned(), it]);
        fanjet(&[role]).args(all).start().unwrap()
    }

    async fn start_edge(&mut self) {
        let edge = self.run("edge", &["edge.http.listen=127.0.0.1:0".to_owned()]);
        self.url = said(&edge, "listening ").await;
        self.ops = said(&edge, "ops http://").await;
        self.edge = Some(edge);
        eventually("the edge is ready", async || self.is_ready().await).await;
    }

    async fn is_ready(&self) -> bool {
        let answer = get(&self.ops, "/readyz").await;
        answer.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    fn ingest(&self, upstream: &SimulatorHandle) -> Process {
        let settings = [
            format!("ingest.upstream.url={}", upstream.url()),
            "ingest.upstream.name=simulator".to_owned(),
            "ingest.upstream.reconnect_min=20ms".to_owned(),
        ];
        self.run("ingest", &settings)
    }

    async fn client(&self, cursor: u64) -> JetstreamClient {
        let cursor = cursor.to_string();
        JetstreamClient::connect(&self.url, &[("cursor", cursor.as_str())])
            .await
            .unwrap()
            .with_deadline(PATIENCE)
    }
}

/// What a client that moves with its cursor does: the first event of the new connection is the last one of the old.
async fn move_on(from: &mut Vec<String>, to: &Region, count: usize) -> JetstreamClient {
    let cursor = time_us(from.last().unwrap());
    let mut client = to.client(cursor).await;
    let again = client.next_event().await.unwrap();
    assert_eq!(
        &again,
        from.last().unwrap(),
        "the same event, byte for byte"
    );
    from.extend(client.next_events(count).await.unwrap());
    client
}

fn places(entries: &[Entry]) -> Vec<(u64, &[u8])> {
    entries.iter().map(|it| (it.seq, &it.body[..])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_moves_between_regions_and_loses_nothing() {
    let leaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let leaf_port = leaf.local_addr().unwrap().port();
    drop(leaf);
    let leafs = format!("leafnodes {{ listen: \"127.0.0.1:{leaf_port}\" }}");
    let mut east = Region::start("east", &leafs).await;
    let line = Link::start(leaf_port).await.unwrap();
    // Neither events nor keys of one region reach the other, but by the mirror.
    let remote = format!(
        "leafnodes {{ remotes: [{{ url: \"nats://127.0.0.1:{}\", deny_imports: [\"atp.>\", \"$KV.>\"], deny_exports: [\"atp.>\", \"$KV.>\"] }}] }}",
        line.port()
    );
    let mut west = Region::start("west", &remote).await;

    let upstream = simulator(SEED, FRAMES, Rate::PerSecond(150.0)).await;
    east.prepare_as("").await;
    west.prepare_as("$JS.east.API").await;
    east.start_edge().await;
    west.start_edge().await;
    let ingest = east.ingest(&upstream);

    // East to west, live.
    let mut client = east.client(1).await;
    let mut received = client.next_events(300).await.unwrap();
    drop(client);
    let client = move_on(&mut received, &west, 200).await;
    drop(client);

    // The link is cut: the west serves what it has, and stays as it is. A client that has seen more waits there.
    line.set(LinkState::Cut);
    let behind = west.last().await;
    eventually("the east is ahead", async || {
        east.last().await > behind + 300
    })
    .await;
    assert!(west.last().await < east.last().await);
    let client = move_on(&mut received, &east, 600).await;
    drop(client);
    let newest = time_us(received.last().unwrap());
    let mut waiting = west.client(newest).await;

    // Behind and slow, then whole: the waiting client continues where it was.
    line.set(LinkState::Slow(Duration::from_millis(100)));
    tokio::time::sleep(Duration::from_millis(500)).await;
    line.set(LinkState::Open);
    let mut next = waiting.next_events(200).await.unwrap();
    if next[0] == *received.last().unwrap() {
        next.remove(0);
    }
    received.extend(next);
    drop(waiting);

    // The east is lost for good; the west becomes the origin, and ingest runs there.
    let mirror = west.log().await;
    let end = mirror.bounds().await.unwrap().last;
    let refused = mirror.appender(end).await.err().unwrap().to_string();
    assert!(refused.contains("is a mirror"), "{refused}");
    let eastern = whole(&east.log().await).await;
    line.set(LinkState::Cut);
    east.server.kill().await.unwrap();
    drop((ingest, east.edge.take()));
    let before = whole(&west.log().await).await;
    assert!(
        places(&eastern[..before.len().min(eastern.len())])
            == places(&before[..before.len().min(eastern.len())]),
        "the mirror differs from its origin"
    );
    // As docs/operate/regions.md promotes it.
    let info = west.request("STREAM.INFO.ATP", json!({})).await;
    let mut promoted = info["config"].clone();
    promoted.as_object_mut().unwrap().remove("mirror");
    promoted["subjects"] = json!(["atp.>"]);
    promoted["allow_batched"] = json!(true);
    west.request("STREAM.UPDATE.ATP", promoted).await;

    let western = west.ingest(&upstream);

    // Ingest continues after the last event of the mirror, until the world is complete.
    tokio::time::timeout(PATIENCE, upstream.wait_until_produced(FRAMES))
        .await
        .unwrap();
    let world = expected_json(&upstream, |_| true);
    let expected = upstream.expected();
    eventually("the log is whole", async || {
        let bounds = west.log().await.bounds().await;
        bounds.is_ok_and(|it| it.last + 1 - it.first == expected.len() as u64)
    })
    .await;
    let after = whole(&west.log().await).await;
    assert!(
        places(&after[..before.len()]) == places(&before),
        "a promotion changed an event"
    );
    for (entry, expected) in after.iter().zip(&expected) {
        let origin = &entry.origin;
        assert_eq!(
            (origin.relay_seq, origin.op_index),
            (expected.relay_seq, expected.op_index)
        );
    }

    // The edge that ran throughout serves all of it, and the client has everything once.
    eventually("the edge is ready", async || west.is_ready().await).await;
    let left = world.len() - received.len();
    let client = move_on(&mut received, &west, left).await;
    drop(client);
    assert_same_events(&received, &world, SEED);
    println!(
        "{} events; {} in the mirror when the east was lost, {} in the east",
        world.len(),
        before.len(),
        eastern.len()
    );
    drop(western);
}
