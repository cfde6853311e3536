//! An upstream that follows a script byte by byte, with real frames.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use fanjet_simulator::{ProducedFrame, World, WorldConfig};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::harness::world;

/// The bytes that it sends on one connection after the handshake.
pub(crate) type Act = Box<dyn FnOnce(Option<u64>) -> Vec<u8> + Send>;

/// A listening upstream. It plays one act per connection, and repeats the last one.
pub(crate) struct Scripted {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Option<u64>>>>,
    task: tokio::task::JoinHandle<()>,
}

/// How it behaves besides the acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behavior {
    /// It answers pings.
    Lively,
    /// It stops reading.
    Dead,
    /// It sends endless zeros after the act.
    Endless,
    /// It sends pings without a pause and reads all pongs.
    Chatty,
    /// It sends [`PINGS`] bytes of pings and reads nothing.
    Deaf,
}

/// More than both kernels buffer for a peer that does not read.
const PINGS: usize = 64 << 20;

impl Scripted {
    pub(crate) async fn start(behavior: Behavior, acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<_>>>::default();
        let seen = Arc::clone(&asked);
        #[allow(
            clippy::disallowed_methods,
            reason = "the handle is the test's, and ended with it"
        )]
        let task = tokio::spawn(async move {
            let mut acts = VecDeque::from(acts);
            let mut open = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let Some(cursor) = shake_hands(&mut stream).await else {
                    continue;
                };
                seen.lock().push(cursor);
                let Some(act) = acts.pop_front() else {
                    continue;
                };
                let bytes = act(cursor);
                #[allow(clippy::disallowed_methods, reason = "it ends with its connection")]
                open.push(tokio::spawn(play(stream, bytes, behavior)));
            }
        });
        Self { url, asked, task }
    }

    /// The cursors of all connections so far.
    pub(crate) fn asked(&self) -> Vec<Option<u64>> {
        self.asked.lock().clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The cursor of the request. `None` if it was not a handshake.
async fn shake_hands(stream: &mut TcpStream) -> Option<Option<u64>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.split(' ').nth(1).unwrap();
    let cursor = target
        .split_once("cursor=")
        .map(|(_, cursor)| cursor.parse().unwrap());
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .unwrap();
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    stream.write_all(answer.as_bytes()).await.ok()?;
    Some(cursor)
}

async fn play(stream: TcpStream, bytes: Vec<u8>, behavior: Behavior) {
    let (mut reads, mut writes) = stream.into_split();
    if writes.write_all(&bytes).await.is_err() {
        return;
    }
    match behavior {
        Behavior::Dead => std::future::pending().await,
        Behavior::Chatty => {
            let pings = [0x89, 0].repeat(1_000);
            let mut answers = [0; 64 << 10];
            let asking = async { while writes.write_all(&pings).await.is_ok() {} };
            let hearing =
                async { while reads.read(&mut answers).await.is_ok_and(|read| read > 0) {} };
            tokio::join!(asking, hearing);
        }
        Behavior::Deaf => {
            let ping = [&[0x89, 125][..], &[b'?'; 125]].concat();
            let pings = ping.repeat(512);
            for _ in 0..PINGS / pings.len() {
                if writes.write_all(&pings).await.is_err() {
                    return;
                }
            }
            std::future::pending().await
        }
        Behavior::Endless => while writes.write_all(&[0; 10_000]).await.is_ok() {},
        Behavior::Lively => {
            // Clients mask: two bytes, four of a mask, and no payload in our own pings.
            let mut ping = [0; 6];
            while reads.read_exact(&mut ping).await.is_ok() {
                assert_eq!(ping[..2], [0x89, 0x80], "not an empty ping");
                if writes.write_all(&[0x8a, 0]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// The world's first frames.
pub(crate) fn frames(seed: u64, count: usize) -> Vec<ProducedFrame> {
    let mut world = World::new(&WorldConfig {
        seq_holes: 0.0,
        ..world(seed, &[])
    })
    .unwrap();
    (0..count).map(|_| world.next_frame()).collect()
}

/// The messages of the frames after a cursor.
pub(crate) fn behind(frames: &[ProducedFrame], cursor: Option<u64>) -> Vec<u8> {
    let wanted = frames
        .iter()
        .filter(|frame| cursor.is_none_or(|cursor| frame.seq > cursor));
    wanted.flat_map(|frame| message(&frame.bytes)).collect()
}

/// A binary message in one piece.
pub(crate) fn message(payload: &[u8]) -> Vec<u8> {
    let mut message = vec![0x82, 127];
    message.extend((payload.len() as u64).to_be_bytes());
    message.extend(payload);
    message
}

/// A commit with this seq, `len` bytes long, whose blocks are zeros.
pub(crate) fn long_commit(seq: u64, len: usize) -> Bytes {
    let mut frame = b"\xa2\x61t\x67#commit\x62op\x01\xa3\x63ops\x80\x63seq\x1b".to_vec();
    frame.extend(seq.to_be_bytes());
    frame.extend(b"\x66blocks\x5a");
    let blocks = len - frame.len() - 4;
    frame.extend((blocks as u32).to_be_bytes());
    frame.resize(len, 0);
    frame.into()
}
