//! Labels under the same faults: labelers that send all the time, two processes that read them, and clients of all labelers and of one,
//! byte for byte what the labelers sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use fanjet_firehose::with_seq;
use fanjet_oracle::Verdict;
use fanjet_simulator::Labeler;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::labelers::Labelers;
use super::raw::{self, Goal, Received, Sent};
use super::testbed::Testbed;

/// Between two frames of each labeler.
const PACE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);
const PATH: &str = "/xrpc/com.atproto.label.subscribeLabels";

/// The clients of a run: of all labelers or of one, and after how many frames they leave and come again.
const CLIENTS: [(&str, Option<u8>, Option<usize>); 4] = [
    ("labels", None, None),
    ("labels-restless", None, Some(97)),
    ("labels-of-one", Some(0), None),
    ("labels-of-one-restless", Some(1), Some(61)),
];

/// Labelers that send, and clients that follow, until the run ends.
pub(super) struct Course {
    labelers: Arc<Vec<Labeler>>,
    is_over: watch::Sender<bool>,
    sending: JoinSet<()>,
    goals: Vec<watch::Sender<Option<Goal>>>,
    clients: JoinSet<Received>,
}

impl Course {
    pub(super) fn begin(labelers: &Labelers, edges: &[String]) -> Self {
        let (is_over, mut over) = watch::channel(false);
        let (mut sending, mut clients) = (JoinSet::new(), JoinSet::new());
        let labelers = Arc::clone(&labelers.all);
        let all = Arc::clone(&labelers);
        // Sends until the run is over.
        sending.spawn(async move {
            while !*over.borrow_and_update() {
                all.iter().for_each(|labeler| labeler.publish_many(1));
                sleep(PACE).await;
            }
        });
        let mut goals = Vec::new();
        for (name, of, leaves_after) in CLIENTS {
            let path = match of {
                None => PATH.to_owned(),
                Some(at) => format!("/labeler/{}{PATH}", labelers[usize::from(at)].did()),
            };
            let (goal, goal_seen) = watch::channel(None);
            goals.push(goal);
            let edges = edges.iter().map(|edge| format!("{edge}{path}")).collect();
            // One client: ends at the goal.
            clients.spawn(raw::follow(name, edges, leaves_after, goal_seen));
        }
        Self {
            labelers,
            is_over,
            sending,
            goals,
            clients,
        }
    }

    /// Lets everything arrive, and compares the log and the clients with what was sent. Returns the connections of the clients, too.
    pub(super) async fn end(mut self, testbed: &Testbed) -> Result<(Verdict, u32)> {
        self.is_over.send_replace(true);
        while self.sending.join_next().await.transpose()?.is_some() {}
        let sent: Vec<Vec<Bytes>> = self.labelers.iter().map(frames).collect();
        let total: usize = sent.iter().map(Vec::len).sum();
        let log = testbed.labels_log().await?;
        let mut entries = Vec::new();
        let reading = async {
            while entries.len() < total {
                sleep(PAUSE).await;
                if let Ok(all) = raw::entries(&log).await {
                    entries = all;
                }
            }
        };
        let _in_time = timeout(PATIENCE, reading).await;
        let mut verdict = Verdict::default();
        for (labeler, sent) in self.labelers.iter().zip(&sent) {
            let of_it = entries
                .iter()
                .filter(|entry| entry.origin.upstream.as_str() == labeler.did().as_str());
            let logged: Vec<_> = of_it.map(|entry| entry.body.clone()).collect();
            verdict.add(judge("log of labels", &logged, sent));
        }
        println!("  log of labels: {verdict}");
        let all = entries.iter().map(|entry| with_seq(&entry.body, entry.seq));
        let all: Option<Vec<Bytes>> = all.map(|frame| frame.map(Bytes::from)).collect();
        let all = all.context("a frame of labels without a number")?;
        let expected = |of: Option<u8>| of.map_or(&all, |at| &sent[usize::from(at)]);
        let until = Instant::now() + PATIENCE;
        for ((_, of, _), goal) in CLIENTS.iter().zip(&self.goals) {
            goal.send_replace(Some(Goal::at_end_of(expected(*of), until)));
        }
        let mut connections = 0;
        while let Some(received) = self.clients.join_next().await {
            let received = received?;
            let of = CLIENTS.iter().find(|(name, ..)| *name == received.name);
            let (_, of, _) = of.context("an unknown client")?;
            let of_client = judge(received.name, received.frames(), expected(*of));
            println!(
                "  {}: {of_client}, {} connections",
                received.name, received.connections
            );
            verdict.add(of_client);
            connections += received.connections;
        }
        drop(log);
        Ok((verdict, connections))
    }
}

fn frames(labeler: &Labeler) -> Vec<Bytes> {
    labeler
        .frames()
        .into_iter()
        .map(|(_, frame)| frame)
        .collect()
}

/// From the first frame on.
fn judge(name: &str, got: &[Bytes], sent: &[Bytes]) -> Verdict {
    let mut verdict = raw::judge(name, got, &Sent::of(sent));
    let first = got
        .first()
        .and_then(|first| sent.iter().position(|it| it == first));
    let missing = first.unwrap_or(0) as u64;
    verdict.missing += missing;
    if missing > 0 {
        verdict.object(|| format!("{name}: the first {missing} are missing"));
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_frames_count_too() {
        let labelers = Labelers::start().await.unwrap();
        labelers.all[1].publish_many(6);
        let sent = frames(&labelers.all[1]);
        assert_eq!(judge("x", &sent, &sent).faults(), 0);
        assert_eq!(judge("x", &sent[2..], &sent).missing, 2);
        assert_eq!(judge("x", &sent[..4], &sent).missing, 2);
        let twice = [&sent[..3], &sent[1..]].concat();
        assert_eq!(judge("x", &twice, &sent).repeated, 2);
    }
}
