//! Ingest, edge and the Kafka producer with only the permissions of `deploy/nats/accounts.conf`, on a stream that `fanjet prepare`
//! created.

mod forbidden;

use std::sync::Arc;
use std::time::Duration;

use fanjet_config::Secret;
use fanjet_edge::config::{DrainConfig, HttpConfig, TailConfig};
use fanjet_edge::{Edge, EdgeConfig};
use fanjet_ingest::{Candidacy, Ingest, IngestConfig};
use fanjet_log::lease::{HolderId, LeaseStore};
use fanjet_log::{EventLog, ReadLimit, Selection, TopicFilter};
use fanjet_log_nats::{NatsConfig, NatsLog, Prepared, ServerUrl, StreamConfig, prepare};
use fanjet_runtime::{OnFailure, Stop, SystemClock, Tasks};
use fanjet_simulator::{Rate, SimulatorHandle};
use fanjet_telemetry::Metrics;
pub(crate) use fanjet_testkit::accounts::password;
use fanjet_testkit::accounts::shipped_accounts;
use fanjet_testkit::nats_server::UNREADABLE_HEADS;
use fanjet_testkit::{JetstreamClient, NatsServer};
use futures::StreamExt;

use crate::harness::{PATIENCE, assert_same_events, expected_json, run, simulator};

/// A server with the shipped accounts.
pub(crate) async fn server() -> NatsServer {
    NatsServer::start_with(&shipped_accounts()).await.unwrap()
}

/// The settings with which a user connects.
pub(crate) fn config(server: &NatsServer, user: &str) -> NatsConfig {
    NatsConfig {
        url: vec![ServerUrl::new(server.url())],
        user: Some(user.to_owned()),
        password: Some(Secret::new(password(user))),
        inbox_prefix: format!("_INBOX_fanjet_{user}"),
        domain: ["edge", "kafka"]
            .contains(&user)
            .then(|| "fanjet".to_owned()),
        request_timeout: Duration::from_secs(10),
        stream: StreamConfig {
            create: false,
            ..StreamConfig::default()
        },
        ..NatsConfig::default()
    }
}

/// Runs `fanjet prepare` as a user. Returns its output.
async fn prepare_as(
    server: &NatsServer,
    user: &str,
    password: String,
    more: &[&str],
) -> (Option<i32>, String) {
    let settings = [
        format!("nats.url={}", server.url()),
        format!("nats.user={user}"),
        format!("nats.inbox_prefix=_INBOX_fanjet_{user}"),
    ];
    let set = settings.iter().map(String::as_str);
    let set = set.chain(more.iter().copied());
    let args = set.flat_map(|setting| ["--set", setting]);
    let args: Vec<_> = std::iter::once("prepare").chain(args).collect();
    run(&args, &[("FANJET_NATS__PASSWORD", password)]).await
}

pub(crate) async fn run_prepare(server: &NatsServer, more: &[&str]) -> String {
    let (code, said) = prepare_as(server, "admin", password("admin"), more).await;
    assert_eq!(code, Some(0), "{said}");
    said
}

/// The permission violations in the server's log.
pub(crate) fn violations(server: &NatsServer) -> Vec<String> {
    let lines = server.process().unwrap().lines();
    lines
        .into_iter()
        .filter(|line| line.contains("Violation"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_permissions_are_sufficient() {
    let server = server().await;
    let (seed, frames) = (11, 300);
    let simulator = simulator(seed, 2 * frames, Rate::Max).await;
    simulator.pause();
    let stop = Stop::new();
    let stop_all = stop.clone().drop_guard();
    let metrics = Metrics::new().unwrap();

    // Services wait for `prepare`, which starts last: they have no permission to create anything.
    let [ingest_log, edge_log] =
        ["ingest", "edge"].map(|user| NatsLog::connect_patiently(config(&server, user), || 0));
    let (ingest_log, edge_log, _) = tokio::join!(ingest_log, edge_log, run_prepare(&server, &[]));
    let (ingest_log, edge_log) = (ingest_log.unwrap(), edge_log.unwrap());

    let ingesting = start_ingest(&ingest_log, &simulator, "first", &stop).await;
    let edge = Edge::start(
        edge_config(),
        Arc::new(edge_log.clone()),
        &metrics.meter("edge"),
        stop.clone(),
    )
    .unwrap();
    let ready = async {
        while !edge.readiness().is_ready() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ready).await.unwrap();

    // Live, then everything again from the log.
    let url = format!("ws://{}", edge.addr());
    let mut live = JetstreamClient::connect(&url, &[])
        .await
        .unwrap()
        .with_deadline(PATIENCE);
    let producing = simulator.publish(frames);
    tokio::time::timeout(PATIENCE, producing).await.unwrap();
    let expected = expected_json(&simulator, |_| true);
    assert_same_events(
        &live.next_events(expected.len()).await.unwrap(),
        &expected,
        seed,
    );
    let mut replayed = JetstreamClient::connect(&url, &[("cursor", "1")])
        .await
        .unwrap()
        .with_deadline(PATIENCE);
    assert_same_events(
        &replayed.next_events(expected.len()).await.unwrap(),
        &expected,
        seed,
    );

    reads_of_every_kind(&edge_log, expected.len()).await;
    unparsable_messages_are_skipped(&server, &edge_log).await;

    // A standby takes over when the leader stops.
    let standby = config(&server, "ingest");
    let standby = NatsLog::connect(standby)
        .await
        .unwrap()
        .lease()
        .await
        .unwrap();
    let mut holders = standby.watch().await.unwrap();
    assert!(holders.next().await.unwrap().unwrap().is_some());
    drop(stop_all);
    ingesting.join().await.unwrap();
    edge.join().await.unwrap();
    a_restart_continues(&server, &simulator, frames).await;
    let second = HolderId::new("second").unwrap();
    let term = standby.try_acquire(&second, Duration::from_secs(60)).await;
    let term = term.unwrap().expect("the leader gave it back");
    let term = standby.renew(&term, Duration::from_secs(60)).await.unwrap();
    standby.release(&term.unwrap()).await.unwrap();

    assert_eq!(violations(&server), Vec::<String>::new());
}

async fn start_ingest(
    log: &NatsLog,
    simulator: &SimulatorHandle,
    holder: &str,
    stop: &Stop,
) -> Tasks {
    let settings = ingest_settings(&simulator.url());
    let ingest = Ingest::new(
        settings.clone(),
        Arc::new(log.clone()),
        Arc::new(SystemClock),
        &Metrics::new().unwrap().meter("ingest"),
    )
    .unwrap();
    let lease = Arc::new(log.lease().await.unwrap());
    let candidacy = Candidacy::shared(lease, holder, &settings.lease).unwrap();
    let mut ingesting = Tasks::new(stop.clone());
    let running = ingest.run(candidacy, stop.clone());
    ingesting.spawn("ingest", OnFailure::StopAll, running);
    ingesting
}

/// An ingest that starts on a log with events reads its end. With several upstreams it reads pages.
async fn a_restart_continues(server: &NatsServer, simulator: &SimulatorHandle, frames: u64) {
    let log = NatsLog::connect(config(server, "ingest")).await.unwrap();
    pages(&log, &Selection::All).await;
    let before = log.bounds().await.unwrap().last;
    let stop = Stop::new();
    let stop_all = stop.clone().drop_guard();
    let ingesting = start_ingest(&log, simulator, "again", &stop).await;
    simulator.publish(frames).await;
    let more = async {
        while log.bounds().await.unwrap().last < before + frames {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, more).await.unwrap();
    drop(stop_all);
    ingesting.join().await.unwrap();
}

/// Reads pages of every size, one after the other.
async fn pages(log: &NatsLog, selection: &Selection) {
    for entries in [1, 20, usize::MAX] {
        let limit = ReadLimit {
            entries,
            bytes: 64 << 10,
        };
        let mut next = 1;
        for _ in 0..5 {
            next = log.read(next, selection, limit).await.unwrap().next;
        }
        assert!(next > 1);
    }
}

/// Reads in all the ways of an edge: pages, one entry, several collections, from a time, and following a selection.
async fn reads_of_every_kind(log: &NatsLog, events: usize) {
    let post = TopicFilter::Collection("app.bsky.feed.post".parse().unwrap());
    let selections = [
        Selection::All,
        Selection::only([post.clone()]),
        Selection::only([post, TopicFilter::Identity, TopicFilter::Account]),
    ];
    for selection in &selections {
        pages(log, selection).await;
        let mut follow = log.follow(1, selection).await.unwrap();
        let batch = tokio::time::timeout(PATIENCE, follow.next()).await.unwrap();
        assert!(!batch.unwrap().unwrap().is_empty());
    }
    let bounds = log.bounds().await.unwrap();
    assert_eq!(bounds.last + 1 - bounds.first, events as u64);
    assert!(
        bounds.first > 3_000_000_000_000,
        "no old cursor points into it"
    );
    let last = log.last().await.unwrap().unwrap();
    assert_eq!(log.seq_at(last.time().unwrap()).await.unwrap(), last.seq);
}

/// Messages that the client library cannot parse are read in another way, which needs permissions, too.
async fn unparsable_messages_are_skipped(server: &NatsServer, log: &NatsLog) {
    let place = log.bounds().await.unwrap().last + 1;
    let stray = [(&b"atp.identity"[..], UNREADABLE_HEADS[0])];
    let password = password("ingest");
    let published = server.publish_bytes_as("ingest", &password, &stray);
    published.await.unwrap();
    let limit = ReadLimit {
        entries: 10,
        bytes: 64 << 10,
    };
    let passed = async {
        loop {
            match log.read(place, &Selection::All, limit).await {
                Ok(page) if page.next > place => break,
                Ok(_) => {}
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut follow = log.follow(place, &Selection::All).await.unwrap();
        follow.next().await.unwrap().unwrap();
    };
    tokio::time::timeout(PATIENCE, passed).await.unwrap();
    assert_eq!(log.skipped_seqs().foreign, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_user_has_the_permissions_of_another() {
    let server = server().await;
    run_prepare(&server, &[]).await;
    let before = violations(&server).len();
    let mut count = 0;
    // The connection stays open: if it closed with unread responses, the server would discard requests that it has not read yet.
    let mut clients = Vec::new();
    for (user, subjects) in forbidden::subjects() {
        let client = async_nats::ConnectOptions::new()
            .user_and_password(user.to_owned(), password(user))
            .custom_inbox_prefix(format!("_INBOX_fanjet_{user}"))
            .connect(server.url())
            .await
            .unwrap();
        for subject in subjects {
            client.publish(subject.clone(), "{}".into()).await.unwrap();
            count += 1;
        }
        let others = client.subscribe("_INBOX_fanjet_>").await.unwrap();
        count += 1;
        client.flush().await.unwrap();
        clients.push((client, others));
    }
    let all_refused = async {
        while violations(&server).len() - before < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, all_refused).await;
    assert!(in_time.is_ok(), "{count}: {:#?}", violations(&server));
    let log = NatsLog::connect(config(&server, "edge")).await.unwrap();
    assert!(log.bounds().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn preparing_again_changes_the_limits_and_nothing_else() {
    let server = server().await;
    let first = run_prepare(&server, &[]).await;
    let second = run_prepare(&server, &[]).await;
    for said in [&first, &second] {
        for line in ["ATP: as wanted", "KV_fanjet: as wanted"] {
            assert!(said.contains(line), "{line:?} is not in {said}");
        }
    }
    let limits = [
        "nats.stream.max_age=24h",
        "nats.stream.max_bytes=1000000000",
    ];
    let third = run_prepare(&server, &limits).await;
    assert!(third.contains("ATP: changed"), "{third}");
    assert!(third.contains("KV_fanjet: as wanted"), "{third}");

    let mut admin = config(&server, "admin");
    admin.password = Some(Secret::new(password("ADMIN")));
    admin.stream.max_age = Duration::from_secs(24 * 3600);
    admin.stream.max_bytes = 1_000_000_000;
    let all = futures::future::join_all((0..4).map(|_| prepare(&admin, 0)));
    for prepared in tokio::time::timeout(PATIENCE, all).await.unwrap() {
        let Prepared { streams, changed } = prepared.unwrap();
        assert_eq!((streams.len(), changed.len()), (2, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_permission_is_reported_at_once() {
    let server = server().await;
    let (code, said) = prepare_as(&server, "edge", "hunter2".to_owned(), &[]).await;
    assert_eq!(code, Some(78), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

pub(crate) fn ingest_settings(upstream: &str) -> IngestConfig {
    let mut settings = IngestConfig::default();
    settings.upstream.url = upstream.to_owned();
    settings.upstream.name = "simulator".to_owned();
    settings
}

pub(crate) fn edge_config() -> EdgeConfig {
    EdgeConfig {
        http: HttpConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            ..HttpConfig::default()
        },
        tail: TailConfig {
            check_interval: Duration::from_millis(100),
            ..TailConfig::default()
        },
        drain: DrainConfig::default(),
        ..EdgeConfig::default()
    }
}
