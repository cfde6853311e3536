//! The firehose itself under the same faults: the raw log, and clients of it that reconnect with their cursors, byte for byte what the
//! simulator sent.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use fanjet_firehose::decode_frame;
use fanjet_log::{Entry, EventLog, LogError, ReadLimit, Selection};
use fanjet_log_nats::NatsLog;
use fanjet_oracle::Verdict;
use futures::StreamExt;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::testbed::Testbed;

pub(super) const PATH: &str = "/xrpc/com.atproto.sync.subscribeRepos";
const PATIENCE: Duration = Duration::from_secs(60);
/// A client gives up a connection that is silent for this long.
const SILENCE: Duration = Duration::from_secs(8);
const LINGER: Duration = Duration::from_secs(1);
const PAGE: ReadLimit = ReadLimit {
    entries: 1_000,
    bytes: 16 << 20,
};
const PAUSE: Duration = Duration::from_millis(100);

/// When clients are done: with this frame, or at this moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Goal {
    newest: u64,
    until: Instant,
}

impl Goal {
    /// With the last of these.
    pub(super) fn at_end_of(frames: &[Bytes], until: Instant) -> Self {
        let newest = frames.last().and_then(|frame| seq(frame));
        Self {
            newest: newest.unwrap_or_default(),
            until,
        }
    }
}

/// What a client received, without the frame that its cursor repeats.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub(super) name: &'static str,
    frames: Vec<Bytes>,
    newest: u64,
    pub(super) connections: u32,
}

impl Received {
    pub(super) fn frames(&self) -> &[Bytes] {
        &self.frames
    }
}

/// Everything that the simulator sent.
pub(super) struct Sent(Vec<Bytes>);

impl Sent {
    pub(super) fn of(frames: &[Bytes]) -> Self {
        Self(frames.to_vec())
    }

    /// Asks the simulator, which has published its last frame.
    pub(super) async fn by(testbed: &Testbed, last_event: u64) -> Result<Self> {
        let url = format!("ws://127.0.0.1:{}{PATH}?cursor=0", testbed.upstream());
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await?;
        let mut sent = Vec::<Bytes>::new();
        loop {
            // Frames without an event may follow the last one.
            let has_last = sent
                .last()
                .is_some_and(|last| seq(last) >= Some(last_event));
            let patience = if has_last { LINGER } else { PATIENCE };
            match timeout(patience, socket.next()).await {
                Ok(Some(message)) => {
                    if let Message::Binary(frame) = message? {
                        sent.push(frame);
                    }
                }
                Err(_) if has_last => return Ok(Self(sent)),
                _ => anyhow::bail!("the simulator does not send all of its frames"),
            }
        }
    }

    pub(super) fn goal(&self, until: Instant) -> Goal {
        Goal::at_end_of(&self.0, until)
    }
}

fn seq(frame: &[u8]) -> Option<u64> {
    decode_frame(frame).ok()?.seq()
}

/// Follows until the goal; takes the stream of the next edge when a connection ends.
pub(super) async fn follow(
    name: &'static str,
    streams: Vec<String>,
    leaves_after: Option<usize>,
    mut goal: watch::Receiver<Option<Goal>>,
) -> Received {
    let mut received = Received {
        name,
        ..Received::default()
    };
    for stream in streams.iter().cycle() {
        if is_done(&received, &mut goal) {
            break;
        }
        // From the beginning of the raw log: it may have begun before the client was let in.
        let url = format!("{stream}?cursor={}", received.newest);
        let connecting = timeout(SILENCE, tokio_tungstenite::connect_async(url));
        if let Ok(Ok((socket, _))) = connecting.await {
            received.connections += 1;
            listen(socket, leaves_after, &mut received, &mut goal).await;
        }
        sleep(PAUSE).await;
    }
    received
}

async fn listen(
    mut socket: impl StreamExt<Item = Result<Message, tokio_tungstenite::tungstenite::Error>> + Unpin,
    leaves_after: Option<usize>,
    received: &mut Received,
    goal: &mut watch::Receiver<Option<Goal>>,
) {
    let leaves_at = leaves_after.map(|after| received.frames.len() + after);
    while !is_done(received, goal) && leaves_at != Some(received.frames.len()) {
        match timeout(SILENCE, socket.next()).await {
            Ok(Some(Ok(Message::Binary(frame)))) => {
                if received.frames.last() == Some(&frame) {
                    continue;
                }
                received.newest = seq(&frame).unwrap_or(received.newest);
                received.frames.push(frame);
            }
            Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) | Err(_) => return,
            Ok(Some(Ok(_))) => {}
        }
    }
}

fn is_done(received: &Received, goal: &mut watch::Receiver<Option<Goal>>) -> bool {
    let goal = *goal.borrow_and_update();
    goal.is_some_and(|goal| received.newest >= goal.newest || Instant::now() >= goal.until)
}

/// The raw log: from its first frame on everything that was sent.
pub(super) async fn judge_log(testbed: &Testbed, sent: &Sent) -> Result<(Verdict, Sent)> {
    let log = testbed.raw_log().await?;
    let newest = sent.goal(Instant::now()).newest;
    let is_whole = async {
        loop {
            let last = log.last().await.ok().flatten();
            if last.is_some_and(|last| last.origin.relay_seq >= newest) {
                return;
            }
            sleep(PAUSE).await;
        }
    };
    let _in_time = timeout(PATIENCE, is_whole).await;
    let entries = entries(&log).await?;
    let frames: Vec<_> = entries.into_iter().map(|entry| entry.body).collect();
    ensure!(!frames.is_empty(), "the raw log is empty");
    Ok((judge("raw log", &frames, sent), Sent(frames)))
}

/// All that a log has.
pub(super) async fn entries(log: &NatsLog) -> Result<Vec<Entry>, LogError> {
    let (mut entries, mut from) = (Vec::new(), 0);
    loop {
        let page = log.read(from, &Selection::All, PAGE).await?;
        entries.extend(page.entries);
        from = page.next;
        if page.at_end {
            return Ok(entries);
        }
    }
}

/// A client: what the raw log has, from the beginning.
pub(super) fn judge_client(received: &Received, log: &Sent) -> Verdict {
    judge(received.name, &received.frames, log)
}

/// Compares frames, in order, with those that were sent from the first of them on.
pub(super) fn judge(name: &str, got: &[Bytes], sent: &Sent) -> Verdict {
    let mut verdict = Verdict {
        events: got.len() as u64,
        ..Verdict::default()
    };
    let first = got
        .first()
        .and_then(|first| sent.0.iter().position(|it| it == first));
    let mut expected = sent.0[first.unwrap_or(0)..].iter();
    let mut last = None;
    for frame in got {
        let number = seq(frame);
        if number <= last {
            verdict.repeated += 1;
            verdict.object(|| format!("{name}: {number:?} behind {last:?}"));
            continue;
        }
        last = number;
        loop {
            match expected.next() {
                Some(next) if next == frame => break,
                Some(next) if seq(next) < number => {
                    verdict.missing += 1;
                    verdict.object(|| format!("{name}: {:?} is missing", seq(next)));
                }
                _ => {
                    verdict.differ += 1;
                    verdict
                        .object(|| format!("{name}: {number:?} was sent with other bytes, or not"));
                    break;
                }
            }
        }
    }
    verdict.missing += expected.count() as u64;
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An identity frame with this number.
    fn frame(seq: u8, last: u8) -> Bytes {
        let mut frame = b"\xa2\x61t\x69#identity\x62op\x01\xa3\x63did\x61x\x63seq\x18".to_vec();
        frame.extend_from_slice(&[seq, 0x64]);
        frame.extend_from_slice(b"time\x61");
        frame.push(last);
        Bytes::from(frame)
    }

    #[test]
    fn frames_are_compared_in_order_and_byte_for_byte() {
        let all: Vec<_> = (30..36).map(|seq| frame(seq, b'a')).collect();
        let sent = Sent(all.clone());
        let counts = |got: &[Bytes]| {
            let verdict = judge("x", got, &sent);
            [verdict.missing, verdict.repeated, verdict.differ]
        };
        assert_eq!(counts(&all), [0, 0, 0]);
        assert_eq!(counts(&all[2..]), [0, 0, 0], "from its first frame on");
        assert_eq!(counts(&all[..4]), [2, 0, 0]);
        let gap = [&all[..2], &all[3..]].concat();
        assert_eq!(counts(&gap), [1, 0, 0]);
        let twice = [&all[..3], &all[1..]].concat();
        assert_eq!(counts(&twice), [0, 2, 0]);
        let mut other = all;
        other[3] = frame(33, b'b');
        assert_eq!(counts(&other), [0, 0, 1]);
    }
}
