//! Real processes over a real server. An operator purges the log, or the server loses acknowledged events. No event is lost or
//! logged twice, with a restart, a kill, or neither.

use std::fs;
use std::path::Path;
use std::time::Duration;

use async_nats::jetstream;
use fanjet_log::contract::whole;
use fanjet_log::{Entry, EventLog};
use fanjet_log_nats::{NatsConfig, NatsLog, ServerUrl};
use fanjet_simulator::{CursorHabit, SimulatorHandle};
use fanjet_testkit::{NatsServer, Process};

use super::cluster::nodes::{is_ready_as, metric, readiness};
use super::exactly_once::assert_exactly_once_after;
use super::harness::{PATIENCE, host, wait_for_last};
use crate::harness::fanjet;

/// How the process ends before the purge.
#[derive(Debug, Clone, Copy)]
enum End {
    Stopped,
    Killed,
    /// It keeps running.
    Running,
}

pub(crate) struct Fixture {
    server: NatsServer,
    pub(crate) host: SimulatorHandle,
    log: NatsLog,
    /// The last seq of the new log.
    base: u64,
    seed: u64,
}

impl Fixture {
    pub(crate) async fn start(seed: u64, habit: CursorHabit) -> Self {
        let server = NatsServer::start().await.unwrap();
        let log = connect(&server).await;
        Self {
            host: host(seed, habit).await,
            base: log.bounds().await.unwrap().last,
            server,
            log,
            seed,
        }
    }

    /// Starts an ingest and waits until it leads.
    pub(crate) async fn ingest(&self) -> Process {
        let process = self.start_ingest("first");
        is_ready_as(&process, "leader").await;
        process
    }

    /// Starts another ingest and waits until it stands by.
    pub(crate) async fn standby(&self) -> Process {
        let process = self.start_ingest("second");
        is_ready_as(&process, "standby").await;
        process
    }

    /// Waits until the log holds everything that was published, and nothing else: each operation once, in order.
    pub(crate) async fn check_exactly_once(&self) {
        assert_exactly_once_after(self.base, &self.log, &self.host, self.seed).await;
    }

    fn start_ingest(&self, name: &str) -> Process {
        let settings = [
            format!("ingest.upstream.url={}", self.host.url()),
            "ingest.upstream.name=simulator".to_owned(),
            "ingest.upstream.reconnect_min=20ms".to_owned(),
            "ingest.upstream.connect_timeout=2s".to_owned(),
            "ingest.lease.ttl=2s".to_owned(),
            "ingest.lease.renew_interval=200ms".to_owned(),
            format!("nats.url={}", self.server.url()),
            format!("nats.name={name}"),
            "ops.listen=127.0.0.1:0".to_owned(),
        ];
        let settings = settings.into_iter().flat_map(|it| ["--set".to_owned(), it]);
        fanjet(&["ingest"]).args(settings).start().unwrap()
    }

    /// Waits until the log holds everything that was published.
    async fn catches_up(&self) {
        let events = self.host.expected().len() as u64;
        wait_for_last(&self.log, self.base + events, self.seed).await;
    }

    async fn purge(&self) {
        let client = async_nats::connect(self.server.url()).await.unwrap();
        let stream = jetstream::new(client).get_stream("ATP").await.unwrap();
        stream.purge().await.unwrap();
        assert!(self.log.bounds().await.unwrap().is_empty());
    }

    /// Asserts that all entries the log ever had are the published events, each once.
    fn check(&self, entries: &[Entry]) {
        let expected = self.host.expected();
        let position = |entry: &Entry| (entry.seq, entry.origin.relay_seq, entry.origin.op_index);
        let wanted: Vec<_> = (self.base + 1..)
            .zip(&expected)
            .map(|(seq, event)| (seq, event.relay_seq, event.op_index))
            .collect();
        let got: Vec<_> = entries.iter().map(position).collect();
        assert_eq!(got, wanted, "seed {}", self.seed);
    }
}

async fn connect(server: &NatsServer) -> NatsLog {
    let config = NatsConfig {
        url: [ServerUrl::new(server.url())].into_iter().collect(),
        ..NatsConfig::default()
    };
    NatsLog::connect(config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_to_a_purged_stream_continue_without_loss_or_repetition() {
    for (seed, end) in (900..).zip([End::Stopped, End::Killed, End::Running]) {
        let fixture = Fixture::start(seed, CursorHabit::Relay).await;
        let mut ingest = fixture.ingest().await;
        let mut entries = Vec::new();
        for round in 0..2 {
            fixture.host.publish(30).await;
            fixture.catches_up().await;
            match end {
                End::Stopped => assert!(ingest.stop(PATIENCE).await.unwrap().success()),
                End::Killed => assert!(!ingest.kill().await.unwrap().success()),
                End::Running => {}
            }
            let before = entries.len() as u64;
            entries.extend(whole(&fixture.log).await);
            assert!(
                entries.len() as u64 > before,
                "round {round}: nothing to purge"
            );
            fixture.purge().await;
            // While the process is down, if it is.
            fixture.host.publish(10).await;
            if !matches!(end, End::Running) {
                ingest = fixture.ingest().await;
            }
            fixture.catches_up().await;
            is_ready_as(&ingest, "leader").await;
            let resyncs = metric(&ingest, "fanjet_ingest_log_resyncs_total").await;
            assert!(resyncs < 10, "{resyncs} resyncs");
        }
        entries.extend(whole(&fixture.log).await);
        fixture.check(&entries);
        assert!(ingest.stop(PATIENCE).await.unwrap().success());
    }
}

/// The server restarts with an older state of its disk.
#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_events_that_a_server_lost_are_appended_again() {
    let mut fixture = Fixture::start(910, CursorHabit::Relay).await;
    let ingest = fixture.ingest().await;
    fixture.host.publish(30).await;
    fixture.catches_up().await;
    let copy = tempfile::tempdir().unwrap();
    fixture.server.stop().await.unwrap();
    copy_folder(fixture.server.folder(), copy.path());
    fixture.server.restart().await.unwrap();
    is_ready_as(&ingest, "leader").await;
    fixture.host.publish(30).await;
    fixture.catches_up().await;
    let acked = fixture.log.bounds().await.unwrap().last;

    fixture.server.kill().await.unwrap();
    fs::remove_dir_all(fixture.server.folder().join("store")).unwrap();
    copy_folder(copy.path(), fixture.server.folder());
    fixture.server.restart().await.unwrap();
    let frames = metric(&ingest, "fanjet_ingest_frames_total").await;
    fixture.host.publish(1).await;
    while metric(&ingest, "fanjet_ingest_frames_total").await == frames {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The upstream is down, so that nothing is repaired before it is checked.
    fixture.host.go_down();
    let said = ingest
        .wait_for_line(
            |line| line.contains("the log lost acknowledged events"),
            PATIENCE,
        )
        .await
        .unwrap();
    assert!(said.contains(&acked.to_string()), "{said}");
    let mut answer = String::new();
    while !answer.contains("it lost events") {
        answer = readiness(&ingest).await;
        assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    fixture.host.go_up();
    fixture.host.publish(5).await;
    fixture.log = connect(&fixture.server).await;
    fixture.catches_up().await;
    is_ready_as(&ingest, "leader").await;
    let lost = metric(&ingest, "fanjet_ingest_log_lost_events_total").await;
    assert!(lost >= 30, "{lost}");
    fixture.check(&whole(&fixture.log).await);
    assert!(ingest.stop(PATIENCE).await.unwrap().success());
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
