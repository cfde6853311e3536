//! `fanjet labels` in processes of its own, and an edge, over NATS with the shipped permissions: which process leads when one is
//! killed, stopped or frozen, and that neither the log nor a client shows it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use fanjet_firehose::{Frame, decode_frame};
use fanjet_log::contract::whole;
use fanjet_log::{EventLog, LabelsConfig};
use fanjet_log_nats::NatsLog;
use fanjet_runtime::{OnFailure, Stop, Tasks};
use fanjet_testkit::{NatsServer, Process};
use futures::StreamExt;
use tokio_tungstenite::tungstenite::Message;

use super::network::{Network, STREAM, split};
use crate::harness::{PATIENCE, fanjet, said};
use crate::ingest::cluster::nodes::{becomes_standby, is_ready_as, leading_lines};
use crate::least_privilege::{config, password, run_prepare, server, violations};
use crate::read_only::{connect, within};

/// NATS sets it aside, so the default is too much for a server of tests.
const MAX_BYTES: &str = "labels.max_bytes=1000000000";

/// Pause between a labeler's frames: slow enough that they are still sent at every fault.
const PACE: Duration = Duration::from_millis(3);

/// A server, labelers that send all the time, and the programs that a test starts.
struct Cluster {
    server: NatsServer,
    network: Arc<Network>,
    sending: Stop,
    sender: Tasks,
}

impl Cluster {
    async fn start(labelers: u8) -> Self {
        let server = server().await;
        let network = Arc::new(Network::start(labelers).await);
        let settings = network.settings();
        let wanted = settings.map(|(key, value)| format!("{key}={value}"));
        let said = run_prepare(&server, &[&wanted[0], MAX_BYTES]).await;
        assert!(said.contains("ATP_LABELS: as wanted"), "{said}");
        let sending = Stop::new();
        let mut sender = Tasks::new(sending.clone());
        let sends = send(Arc::clone(&network), sending.clone());
        sender.spawn("labelers", OnFailure::Log, sends);
        Self {
            server,
            network,
            sending,
            sender,
        }
    }

    fn launch(&self, role: &str, more: &[&str]) -> Process {
        let settings = self.network.settings();
        let mut settings: Vec<_> = settings
            .into_iter()
            .filter(|(key, _)| role != "edge" || !key.starts_with("ingest."))
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        settings.extend([
            format!("nats.url={}", self.server.url()),
            format!("nats.user={role}"),
            format!("nats.inbox_prefix=_INBOX_fanjet_{role}"),
            "nats.stream.create=false".to_owned(),
            "ops.listen=127.0.0.1:0".to_owned(),
            MAX_BYTES.to_owned(),
        ]);
        if role == "edge" {
            settings.push("nats.domain=fanjet".to_owned());
        }
        settings.extend(more.iter().map(|&more| more.to_owned()));
        let settings = settings.into_iter().flat_map(|it| ["--set".to_owned(), it]);
        fanjet(&[role])
            .args(settings)
            .env("FANJET_NATS__PASSWORD", password(role))
            .start()
            .unwrap()
    }

    fn labels(&self) -> Process {
        self.launch("labels", &["labels.verify=enforce"])
    }

    /// A leader, and a standby beside it.
    async fn two(&self) -> (Process, Process) {
        let leader = self.labels();
        is_ready_as(&leader, "leader").await;
        let standby = self.labels();
        is_ready_as(&standby, "standby").await;
        (leader, standby)
    }

    async fn edge(&self) -> (Process, String) {
        let edge = self.launch("edge", &["edge.http.listen=127.0.0.1:0"]);
        let url = said(&edge, "listening ").await;
        (edge, url)
    }

    async fn log(&self) -> NatsLog {
        let config = config(&self.server, "labels").of_labels(&LabelsConfig::default());
        NatsLog::connect(config).await.unwrap()
    }

    /// Waits until a process has started to lead more than `led` times, and has written since.
    async fn writes(&self, process: &Process, led: usize, log: &NatsLog) {
        within("another leader", async {
            while leading_lines(process) <= led {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        grows(log, 100).await;
    }

    /// Lets the labelers end. Then the log and the readers have what they sent.
    async fn check(self, log: &NatsLog, readers: &mut [Reader]) {
        self.sending.cancel();
        self.sender.join().await.unwrap();
        let sent: Vec<Vec<_>> = self.network.labelers.iter().map(frames_of).collect();
        let total: usize = sent.iter().map(Vec::len).sum();
        within("all in the log", async {
            while (whole(log).await.len()) < total {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        let entries = whole(log).await;
        assert_eq!(entries.len(), total);
        for (labeler, sent) in self.network.labelers.iter().zip(&sent) {
            let name = labeler.did().as_str().as_bytes();
            let is_of_it = |body: &[u8]| body.windows(name.len()).any(|part| part == name);
            let logged = entries.iter().map(|entry| entry.body.to_vec());
            let logged: Vec<_> = logged.filter(|body| is_of_it(body)).collect();
            assert_eq!(&logged, sent, "{}", labeler.did());
        }
        for reader in readers {
            let expected: Vec<(u64, Vec<u8>)> = match reader.labeler {
                Some(at) => sent[at].iter().map(|frame| parts(frame)).collect(),
                None => entries
                    .iter()
                    .map(|entry| (entry.seq, parts(&entry.body).1))
                    .collect(),
            };
            reader.reads(expected.len() - reader.got.len()).await;
            assert_eq!(reader.got, expected, "{:?}", reader.labeler);
        }
        assert_eq!(violations(&self.server), Vec::<String>::new());
    }
}

async fn send(network: Arc<Network>, stop: Stop) -> Result<(), Infallible> {
    while !stop.is_cancelled() {
        for labeler in &network.labelers {
            labeler.publish_many(1);
        }
        tokio::time::sleep(PACE).await;
    }
    Ok(())
}

fn frames_of(labeler: &fanjet_simulator::Labeler) -> Vec<Vec<u8>> {
    let frames = labeler.frames().into_iter();
    frames.map(|(_, frame)| frame.to_vec()).collect()
}

fn parts(frame: &[u8]) -> (u64, Vec<u8>) {
    let (seq, rest) = split(frame);
    (seq, rest.to_vec())
}

fn is_outdated(frame: &[u8]) -> bool {
    match decode_frame(frame).unwrap() {
        Frame::Info(info) => info.name == "OutdatedCursor",
        _ => false,
    }
}

/// Waits until the log has grown by `by` frames.
async fn grows(log: &NatsLog, by: u64) {
    within("the log grows", async {
        let mut from = None;
        loop {
            // NATS may be away.
            if let Ok(bounds) = log.bounds().await {
                let from = *from.get_or_insert(bounds.last);
                if bounds.last >= from + by {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// A client that reconnects with the number of its last frame.
struct Reader {
    url: String,
    /// Of one labeler, by its place, or of all.
    labeler: Option<usize>,
    got: Vec<(u64, Vec<u8>)>,
    /// How often it was notified that its cursor is too old: it gets another log from the beginning.
    notices: usize,
    socket: Option<Socket>,
}

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

impl Reader {
    fn of(url: &str, network: &Network, labeler: Option<usize>) -> Self {
        let path = labeler.map_or_else(|| STREAM.to_owned(), |at| network.single(at));
        Self {
            url: format!("{url}{path}"),
            labeler,
            got: Vec::new(),
            notices: 0,
            socket: None,
        }
    }

    /// Reads `count` more frames.
    async fn reads(&mut self, count: usize) {
        let until = self.got.len() + count;
        let reading = async {
            while self.got.len() < until {
                self.step().await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, reading).await.is_ok();
        assert!(in_time, "{} of {until}: {}", self.got.len(), self.url);
    }

    async fn step(&mut self) {
        let newest = self.got.last().map_or(0, |(seq, _)| *seq);
        let Some(socket) = &mut self.socket else {
            let url = format!("{}?cursor={newest}", self.url);
            match tokio_tungstenite::connect_async(url).await {
                Ok((socket, _)) => self.socket = Some(socket),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
            return;
        };
        match socket.next().await {
            Some(Ok(Message::Binary(frame))) if is_outdated(&frame) => {
                self.notices += 1;
                self.got.clear();
            }
            Some(Ok(Message::Binary(frame))) => {
                let frame = parts(&frame);
                // The frame of the cursor, and only that.
                if self.got.last() != Some(&frame) {
                    assert!(frame.0 > newest, "{} repeats", frame.0);
                    self.got.push(frame);
                }
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => self.socket = None,
            Some(Ok(_)) => {}
        }
    }
}

/// The leader is killed, another one stops, NATS is killed and returns: a client of each kind has every frame once.
#[tokio::test(flavor = "multi_thread")]
async fn no_kill_or_stop_of_a_leader_or_nats_shows_in_the_labels() {
    let mut cluster = Cluster::start(3).await;
    let log = cluster.log().await;
    let (first, second) = cluster.two().await;
    let (_edge, url) = cluster.edge().await;
    let mut readers = [None, Some(0), Some(1), Some(2)]
        .map(|labeler| Reader::of(&url, &cluster.network, labeler));
    for reader in &mut readers {
        reader.reads(50).await;
    }
    first.kill().await.unwrap();
    cluster.writes(&second, 0, &log).await;
    let third = cluster.labels();
    is_ready_as(&third, "standby").await;
    let (stopped, ()) = tokio::join!(second.stop(PATIENCE), cluster.writes(&third, 0, &log));
    assert!(stopped.unwrap().success());
    assert_eq!(violations(&cluster.server), Vec::<String>::new());
    cluster.server.kill().await.unwrap();
    cluster.server.restart().await.unwrap();
    grows(&log, 100).await;
    cluster.check(&log, &mut readers).await;
}

/// A leader that is frozen beyond its term, in the middle of its work, writes nothing more when it continues.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_leader_repeats_no_label() {
    let cluster = Cluster::start(2).await;
    let log = cluster.log().await;
    let (mut asleep, mut awake) = cluster.two().await;
    for _ in 0..2 {
        grows(&log, 100).await;
        asleep.freeze().await.unwrap();
        cluster.writes(&awake, leading_lines(&awake), &log).await;
        let said = asleep.line_count();
        asleep.thaw().unwrap();
        becomes_standby(&asleep, said).await;
        is_ready_as(&asleep, "standby").await;
        (asleep, awake) = (awake, asleep);
    }
    cluster.check(&log, &mut []).await;
}

/// The lease is bypassed, so only the fence protects the log.
#[tokio::test(flavor = "multi_thread")]
async fn two_that_both_lead_write_each_label_once() {
    let cluster = Cluster::start(2).await;
    let log = cluster.log().await;
    let forced = || cluster.launch("labels", &["ingest.lease.enabled=false"]);
    let first = forced();
    grows(&log, 50).await;
    let second = forced();
    within("they meet", async {
        let is_fenced = |line: &String| line.contains("reading its end again");
        while ![&first, &second]
            .iter()
            .any(|it| it.lines().iter().any(is_fenced))
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    grows(&log, 50).await;
    cluster.check(&log, &mut []).await;
}

/// The stream is deleted, and `fanjet prepare` makes it again: it is filled from the labelers, above every earlier number, so a client's
/// cursor is too old and never in the future.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_deleted_is_filled_again_and_old_cursors_are_outdated() {
    let cluster = Cluster::start(2).await;
    let log = cluster.log().await;
    let (_leader, _standby) = cluster.two().await;
    let (_edge, url) = cluster.edge().await;
    let mut reader = Reader::of(&url, &cluster.network, None);
    reader.reads(100).await;
    let before = log.bounds().await.unwrap();
    let operator = connect(&cluster.server, "operator").await;
    let operator = async_nats::jetstream::new(operator);
    operator.delete_stream("ATP_LABELS").await.unwrap();
    let labelers = cluster.network.settings()[0].1.clone();
    let labelers = format!("labels.labelers={labelers}");
    run_prepare(&cluster.server, &[&labelers, MAX_BYTES]).await;
    let noticing = within("a notice", async {
        while reader.notices == 0 {
            reader.step().await;
        }
    });
    Box::pin(noticing).await;
    reader.reads(100).await;
    let log = cluster.log().await;
    assert!(log.bounds().await.unwrap().first > before.last);
    assert_eq!(reader.notices, 1);
    cluster.check(&log, &mut [reader]).await;
}
