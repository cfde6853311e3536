//! The log is deleted and re-created under a running node: nothing of the old one is served as part of the new one, and
//! nothing of the new one is missed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream;
use fanjet_edge::metrics::{DISCONNECTS, FEEDER_RESTARTS, SUBSCRIBERS};
use fanjet_edge::{Edge, EdgeConfig, EdgeDeps, EdgeHandle};
use fanjet_log::memory::{MemoryClusterState, MemoryLog, MemoryOptions};
use fanjet_log::{EventLog, Seq};
use fanjet_log_nats::{NatsConfig, NatsLog, ServerUrl, StreamConfig};
use fanjet_runtime::{Stop, SystemClock};
use fanjet_testkit::NatsServer;
use futures::future::BoxFuture;

use crate::support::{Client, Instruments, append, eventually, time_of};

const PADDING: usize = 20_000;
/// The first seqs of the two logs, as for logs created at such times.
const OLD: Seq = 3_566_351_776_000;
const NEW: Seq = OLD + 2000 * 60;

/// A log, and a way to replace it that returns a writer for the new one.
struct Replaceable {
    log: Arc<dyn EventLog>,
    reader: Arc<dyn EventLog>,
    recreate: Box<dyn Fn(Seq) -> BoxFuture<'static, Arc<dyn EventLog>>>,
    _server: Option<Arc<NatsServer>>,
}

fn in_memory() -> Replaceable {
    let log = MemoryLog::beginning_at(OLD, MemoryOptions::default());
    let (reader, writer) = (log.clone(), log.clone());
    Replaceable {
        log: Arc::new(log),
        reader: Arc::new(reader),
        recreate: Box::new(move |first| {
            writer.recreate(first);
            let log = writer.clone();
            Box::pin(async move {
                log.adopt().await.unwrap();
                Arc::new(log) as Arc<dyn EventLog>
            })
        }),
        _server: None,
    }
}

async fn in_nats() -> Replaceable {
    let server = NatsServer::shared().await.unwrap();
    let config = NatsConfig {
        url: vec![ServerUrl::new(server.url())],
        stream: StreamConfig {
            name: "REPLACED".to_owned(),
            subject_root: "replaced".to_owned(),
            ..StreamConfig::default()
        },
        ..NatsConfig::default()
    };
    let connect = move |first: Seq| {
        let config = config.clone();
        async move {
            let log = NatsLog::connect_patiently(config, || first / 2000 * 1_000_000).await;
            Arc::new(log.unwrap()) as Arc<dyn EventLog>
        }
    };
    let admin = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    Replaceable {
        log: connect(OLD).await,
        reader: connect(OLD).await,
        recreate: Box::new(move |first| {
            let (admin, connecting) = (admin.clone(), connect(first));
            Box::pin(async move {
                admin.delete_stream("REPLACED").await.unwrap();
                connecting.await
            })
        }),
        _server: Some(server),
    }
}

fn start(log: Arc<dyn EventLog>, instruments: &Instruments) -> (EdgeHandle, Stop) {
    let mut config = EdgeConfig::default();
    config.http.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.http.workers = 2;
    config.http.close_linger = Duration::ZERO;
    config.hub.promptness = 100;
    config.tail.ring_bytes = 500_000;
    config.tail.retry_floor = Duration::from_millis(1);
    config.tail.retry_ceiling = Duration::from_millis(20);
    config.tail.check_interval = Duration::from_millis(500);
    let stop = Stop::new();
    let deps = EdgeDeps {
        tracer: None,
        log,
        cluster_state: Arc::new(MemoryClusterState::default()),
        clock: Arc::new(SystemClock),
        instance: "edge-of-test/1/0a".to_owned(),
    };
    let meter = instruments.meter();
    let handle = Edge::start_in(config, deps, &meter, stop.clone()).unwrap();
    (handle, stop)
}

async fn replaced(log: Replaceable) {
    let Replaceable {
        log,
        reader,
        recreate,
        ..
    } = &log;
    let old = append(&**log, 100, PADDING).await;
    let instruments = Instruments::new();
    let (node, stop) = start(Arc::clone(reader), &instruments);
    eventually("the node is ready", || node.readiness().is_ready()).await;
    let addr = node.addr();

    // In every state of a subscriber: live, behind in the ring, reading the log, waiting, and not yet started.
    let mut live = Client::connect(addr, "").await;
    let mut replayed = Client::connect(addr, "?cursor=0").await;
    replayed.expect(&old).await;
    let behind = Client::connect_narrow(addr, "?cursor=0").await;
    let waiting = Client::connect(addr, &format!("?requireHello=true&cursor={OLD}")).await;
    let ahead = Client::connect(addr, &format!("?cursor={}", time_of(OLD + 1000))).await;
    let more = append(&**log, 5, PADDING).await;
    live.expect(&more).await;
    replayed.expect(&more).await;
    let mut ahead = ahead;
    let old: Vec<_> = old.into_iter().chain(more).collect();

    let writer = recreate(NEW).await;
    let new = append(&*writer, 60, PADDING).await;
    for client in [&mut live, &mut replayed, &mut ahead] {
        let (read, closed) = client.read_to_end().await;
        assert_eq!(read, Vec::<String>::new());
        let (code, reason) = closed.unwrap();
        assert_eq!(code, 1013);
        assert!(
            reason.starts_with("the log was replaced, reconnect"),
            "{reason}"
        );
    }
    for mut client in [behind, waiting] {
        let (read, closed) = client.read_to_end().await;
        assert!(read.len() < old.len() || closed.is_none());
        for (text, entry) in read.iter().zip(&old) {
            assert_eq!(text.as_bytes(), &entry.body[..]);
        }
        assert_eq!(closed.map(|(code, _)| code), Some(1013));
    }
    let sum = |name, reason| instruments.sum(name, Some(("reason", reason)));
    eventually("all are closed", || sum(DISCONNECTS, "log_replaced") == 5.0).await;
    assert!(sum(FEEDER_RESTARTS, "replaced") >= 1.0);

    // All of the new log, and nothing of the old one, for any cursor of the old one.
    eventually("it is ready again", || node.readiness().is_ready()).await;
    let mut clients = Vec::new();
    for cursor in [
        0,
        1,
        OLD,
        OLD + 50,
        OLD + 99,
        time_of(OLD).get(),
        time_of(OLD + 50).get(),
        time_of(OLD + 104).get(),
        NEW,
        time_of(NEW).get(),
    ] {
        clients.push((
            new.as_slice(),
            Client::connect(addr, &format!("?cursor={cursor}")).await,
        ));
    }
    for at in [1, 30, 59] {
        let rest = &new[at as usize..];
        for cursor in [NEW + at, time_of(NEW + at).get()] {
            clients.push((
                rest,
                Client::connect(addr, &format!("?cursor={cursor}")).await,
            ));
        }
    }
    clients.push((&[], Client::connect(addr, "").await));
    let last = append(&*writer, 3, PADDING).await;
    for (past, client) in &mut clients {
        client.expect(past.iter().chain(&last)).await;
    }
    assert_eq!(instruments.sum(SUBSCRIBERS, None), clients.len() as f64);
    stop.cancel();
    node.join().await.unwrap();
}

#[tokio::test]
async fn a_recreated_memory_log_is_another_log() {
    replaced(in_memory()).await;
}

#[tokio::test]
async fn a_recreated_stream_is_another_log() {
    replaced(in_nats().await).await;
}
