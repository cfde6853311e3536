//! Real processes over a real server, whose log an operator purges or that loses what it had acknowledged: nothing is lost
//! and nothing is logged twice, with a restart, a kill, or neither.

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
use super::once::assert_each_once_behind;
use super::rig::{PATIENCE, host, wait_for_last};
use crate::rig::fanjet;

/// How the process ends before the purge.
#[derive(Debug, Clone, Copy)]
enum End {
    Stopped,
    Killed,
    /// It does not.
    Running,
}

pub(crate) struct Scene {
    server: NatsServer,
    pub(crate) host: SimulatorHandle,
    log: NatsLog,
    /// Where the new log ended.
    base: u64,
    seed: u64,
}

impl Scene {
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

    /// An ingest that leads.
    pub(crate) async fn ingest(&self) -> Process {
        let process = self.start_ingest("first");
        is_ready_as(&process, "leader").await;
        process
    }

    /// Another one that stands by.
    pub(crate) async fn standby(&self) -> Process {
        let process = self.start_ingest("second");
        is_ready_as(&process, "standby").await;
        process
    }

    /// Waits until everything that was published is in the log, and nothing else: each operation once, in order.
    pub(crate) async fn check_each_once(&self) {
        assert_each_once_behind(self.base, &self.log, &self.host, self.seed).await;
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

    /// Waits until the log has taken everything that was published.
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

    /// Everything that was ever in the log is everything that was published, each event once.
    fn check(&self, entries: &[Entry]) {
        let expected = self.host.expected();
        let place = |entry: &Entry| (entry.seq, entry.origin.relay_seq, entry.origin.op_index);
        let wanted: Vec<_> = (self.base + 1..)
            .zip(&expected)
            .map(|(seq, event)| (seq, event.relay_seq, event.op_index))
            .collect();
        let got: Vec<_> = entries.iter().map(place).collect();
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
async fn a_purged_stream_is_written_on_without_loss_or_repetition() {
    for (seed, end) in (900..).zip([End::Stopped, End::Killed, End::Running]) {
        let scene = Scene::start(seed, CursorHabit::Relay).await;
        let mut ingest = scene.ingest().await;
        let mut entries = Vec::new();
        for round in 0..2 {
            scene.host.publish(30).await;
            scene.catches_up().await;
            match end {
                End::Stopped => assert!(ingest.stop(PATIENCE).await.unwrap().success()),
                End::Killed => assert!(!ingest.kill().await.unwrap().success()),
                End::Running => {}
            }
            let before = entries.len() as u64;
            entries.extend(whole(&scene.log).await);
            assert!(
                entries.len() as u64 > before,
                "round {round}: nothing to purge"
            );
            scene.purge().await;
            // While it is down, if it is.
            scene.host.publish(10).await;
            if !matches!(end, End::Running) {
                ingest = scene.ingest().await;
            }
            scene.catches_up().await;
            is_ready_as(&ingest, "leader").await;
            let resyncs = metric(&ingest, "fanjet_ingest_log_resyncs_total").await;
            assert!(resyncs < 10, "{resyncs} resyncs");
        }
        entries.extend(whole(&scene.log).await);
        scene.check(&entries);
        assert!(ingest.stop(PATIENCE).await.unwrap().success());
    }
}

/// The server comes back with an older state of its disk.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lost_acknowledged_events_is_told_and_made_good() {
    let mut scene = Scene::start(910, CursorHabit::Relay).await;
    let ingest = scene.ingest().await;
    scene.host.publish(30).await;
    scene.catches_up().await;
    let copy = tempfile::tempdir().unwrap();
    scene.server.stop().await.unwrap();
    copy_folder(scene.server.folder(), copy.path());
    scene.server.restart().await.unwrap();
    is_ready_as(&ingest, "leader").await;
    scene.host.publish(30).await;
    scene.catches_up().await;
    let acked = scene.log.bounds().await.unwrap().last;

    scene.server.kill().await.unwrap();
    fs::remove_dir_all(scene.server.folder().join("store")).unwrap();
    copy_folder(copy.path(), scene.server.folder());
    scene.server.restart().await.unwrap();
    let frames = metric(&ingest, "fanjet_ingest_frames_total").await;
    scene.host.publish(1).await;
    while metric(&ingest, "fanjet_ingest_frames_total").await == frames {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // So that nothing is made good before it was looked at.
    scene.host.go_down();
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
    scene.host.go_up();
    scene.host.publish(5).await;
    scene.log = connect(&scene.server).await;
    scene.catches_up().await;
    is_ready_as(&ingest, "leader").await;
    let lost = metric(&ingest, "fanjet_ingest_log_lost_events_total").await;
    assert!(lost >= 30, "{lost}");
    scene.check(&whole(&scene.log).await);
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
