//! A relay with labelers, and what a node serves of them.

use std::path::Path;
use std::time::Duration;

use fanjet_simulator::{Labeler, LabelerConfig, Rate, SimulatorHandle};
use futures::StreamExt;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{PATIENCE, Served, simulator};

pub(super) const STREAM: &str = "/xrpc/com.atproto.label.subscribeLabels";
/// The header and the key of the seq, which come first in a frame.
const BEFORE_SEQ: usize = 20;

pub(super) struct Network {
    relay: SimulatorHandle,
    pub(super) labelers: Vec<Labeler>,
    data: tempfile::TempDir,
}

impl Network {
    /// So many labelers, in turn like Ozone and exclusive, or like skyware's and inclusive.
    pub(super) async fn start(labelers: u8) -> Self {
        let relay = simulator(2500, 1, Rate::PerSecond(1.0)).await;
        let mut all = Vec::new();
        for number in 0..labelers {
            let config = LabelerConfig::numbered(number);
            all.push(Labeler::start(config, relay.directory()).await.unwrap());
        }
        Self {
            relay,
            labelers: all,
            data: tempfile::tempdir().unwrap(),
        }
    }

    pub(super) async fn serve(&self, more: &[(&'static str, &str)]) -> Served {
        let mut settings = vec![("embedded.path", path(self.data.path()))];
        settings.extend(self.settings());
        settings.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
        Served::start_as(&self.relay, &settings, &[]).await
    }

    /// Where the documents are, and which labelers there are, as settings.
    pub(super) fn settings(&self) -> [(&'static str, String); 3] {
        let dids = self.labelers.iter().map(|labeler| labeler.did().as_str());
        let dids: Vec<_> = dids.collect();
        [
            ("labels.labelers", dids.join(",")),
            ("labels.private_endpoints", "true".to_owned()),
            ("ingest.verify.plc_url", self.relay.did_url()),
        ]
    }

    pub(super) fn single(&self, at: usize) -> String {
        format!("/labeler/{}{STREAM}", self.labelers[at].did())
    }
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

/// Messages from a path on, until there are so many.
pub(super) async fn frames(served: &Served, path: &str, count: usize) -> Vec<Vec<u8>> {
    let url = format!("{}{path}", served.url);
    let mut frames = Vec::new();
    let reading = async {
        // Refused until the log was reached.
        let mut socket = loop {
            match tokio_tungstenite::connect_async(&url).await {
                Ok((socket, _)) => break socket,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        while frames.len() < count {
            match socket.next().await.unwrap().unwrap() {
                Message::Binary(frame) => frames.push(frame.to_vec()),
                Message::Close(close) => panic!("{close:?} after {} frames", frames.len()),
                _ => {}
            }
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, reading).await;
    assert!(
        in_time.is_ok(),
        "{path}: {} of {count} frames",
        frames.len()
    );
    frames
}

/// The number of a frame, and what follows it.
pub(super) fn split(frame: &[u8]) -> (u64, &[u8]) {
    let (head, rest) = frame[BEFORE_SEQ..].split_first().unwrap();
    let width = match head {
        0..=0x17 => return (u64::from(*head), rest),
        0x18 => 1,
        0x19 => 2,
        0x1a => 4,
        0x1b => 8,
        _ => panic!("no number: {head}"),
    };
    let (number, rest) = rest.split_at(width);
    let number = number
        .iter()
        .fold(0, |all, byte| all << 8 | u64::from(*byte));
    (number, rest)
}

pub(super) async fn appended(served: &Served, labeler: &Labeler, frames: u64) {
    let name = format!("fanjet_labeler_frames_total{{labeler=\"{}\"", labeler.did());
    let reaching = async {
        loop {
            let metrics = served.get("/metrics").await;
            let line = metrics.lines().find(|line| line.starts_with(&name));
            let value = line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
            if value.unwrap_or(0.0) as u64 >= frames {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, reaching).await;
    assert!(in_time.is_ok(), "{} has no {frames} frames", labeler.did());
}
