use std::cell::{Cell, RefCell};
use std::task::Waker;

use fanjet_filter::{Encoding, Filter};
use fanjet_wire::close::CloseReason;
use fanjet_wire::websocket::{ping_frame, pong_frame};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use proptest::prelude::*;
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::config::LimitsConfig;
use crate::events::commit;
use crate::hub::{Flush, Shard, ShardLimits, Shards, StepOutcome};
use crate::limits::{FilterMemory, Holder, InboundMemory, Rate};
use crate::metrics::Metrics;
use crate::replay::{PageRequests, Start};
use crate::subscriber::{InboundLimits, MaxAge, Timeouts};
use crate::tail::{Collections, Entry, Pool, Ring};

const POST: &str = "app.bsky.feed.post";
const SECOND: Duration = Duration::from_secs(1);
const NO_LIMIT: Rate = Rate {
    per_second: 0,
    at_once: 0,
};

struct Harness {
    ring: Arc<Ring>,
    shards: SharedShards,
    context: Arc<SubscriberContext>,
    metrics: Metrics,
}

fn harness(max_pending_bytes: usize) -> Harness {
    let ring = Arc::new(Ring::new(1 << 24));
    ring.restart(1, 1);
    let metrics = Metrics::new(&SdkMeterProvider::default().meter("test"));
    let limits = ShardLimits {
        flush_bytes: 1000,
        catch_up_bytes: 1000,
        max_pending_bytes,
    };
    let page_requests = Arc::new(PageRequests::new(Arc::clone(&ring), 1 << 20));
    let window = Arc::default();
    let shard = Shard::new(
        Arc::clone(&ring),
        page_requests,
        window,
        limits,
        metrics.clone(),
    );
    let context = SubscriberContext {
        timeouts: Timeouts {
            ping_interval: 30 * SECOND,
            pong_timeout: 20 * SECOND,
            hello_timeout: 60 * SECOND,
            close_linger: SECOND,
        },
        pool: Arc::new(Pool::new(&[]).unwrap()),
        inbound: InboundLimits {
            max_message_bytes: 100_000,
            message_timeout: 60 * SECOND,
            memory: Arc::new(InboundMemory::new(1 << 20, 1 << 20)),
            metrics: metrics.clone(),
        },
        max_age: MaxAge::new(Duration::ZERO),
    };
    Harness {
        shards: Rc::new(RefCell::new(Shards::new(shard))),
        ring,
        context: Arc::new(context),
        metrics,
    }
}

/// A subscriber and the client end of its connection, which buffers this many bytes.
struct Connected {
    client: DuplexStream,
    subscriber: Subscriber<DuplexStream>,
    is_over: bool,
    is_overrun: Rc<Cell<bool>>,
}

impl Harness {
    fn connect(&self, holds: usize, early: &[u8], awaits_hello: bool) -> Connected {
        let mut shard = self.shards.borrow_mut();
        let member = match awaits_hello {
            true => shard.join_waiting(Encoding::Json, Start::Live),
            false => shard.join(Filter::default(), Encoding::Json, Start::Live),
        };
        drop(shard);
        let memory = FilterMemory::of(&LimitsConfig::default());
        let kind = Kind::WebSocket {
            sending: SendAllowance::new(Holder::Unknown, NO_LIMIT, NO_LIMIT, Instant::now()),
            room: memory.claim(Holder::Unknown),
        };
        self.open(member, kind, holds, early)
    }

    fn stream(&self, holds: usize) -> Connected {
        let mut shard = self.shards.borrow_mut();
        let member = shard.join(Filter::default(), Encoding::Sse, Start::Live);
        drop(shard);
        self.open(member, Kind::Stream { is_chunked: true }, holds, b"")
    }

    fn open(&self, member: Rc<Member>, kind: Kind, holds: usize, early: &[u8]) -> Connected {
        let (client, stream) = duplex(holds);
        let is_overrun = Rc::default();
        let upgraded = Upgraded {
            stream,
            early: Bytes::copy_from_slice(early),
            is_overrun: Rc::clone(&is_overrun),
        };
        let joined = Joined {
            feed: Feed::new(Rc::clone(&self.shards), member, self.metrics.clone()),
            shards: Rc::clone(&self.shards),
            context: Arc::clone(&self.context),
            heartbeat: None,
            kind,
            held: Box::new(()),
        };
        Connected {
            client,
            subscriber: Subscriber::new(upgraded, joined),
            is_over: false,
            is_overrun,
        }
    }

    /// Appends events of these sizes; returns their frames.
    fn append(&self, paddings: &[usize]) -> Vec<Bytes> {
        let mut collections = Collections::new(10);
        let seqs = self.ring.head().live..;
        let entries = seqs.zip(paddings).map(|(seq, &padding)| {
            let logged = commit(POST, "did:plc:a").padded(padding).at(seq);
            Arc::new(Entry::new(&logged, &mut collections).unwrap())
        });
        let entries: Vec<_> = entries.collect();
        let frames = entries.iter().map(|entry| entry.frame().clone()).collect();
        self.ring.extend(entries);
        while self.shards.borrow_mut().step(Flush::All, Instant::now()) == StepOutcome::More {}
        frames
    }
}

impl Connected {
    /// Polls the subscriber a few times.
    fn turn(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            if !self.is_over {
                let subscriber = Pin::new(&mut self.subscriber);
                self.is_over = subscriber.poll(&mut cx).is_ready();
            }
        }
    }

    /// Reads at most this many written bytes.
    async fn read(&mut self, most: usize) -> Vec<u8> {
        let mut read = vec![0; most];
        let mut cx = Context::from_waker(Waker::noop());
        let mut buf = tokio::io::ReadBuf::new(&mut read);
        let polled = Pin::new(&mut self.client).poll_read(&mut cx, &mut buf);
        let bytes = match polled {
            Poll::Ready(_) => buf.filled().len(),
            Poll::Pending => 0,
        };
        read.truncate(bytes);
        read
    }

    /// Reads everything, turn by turn.
    async fn drain(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            self.turn();
            let read = self.read(100_000).await;
            if read.is_empty() {
                return all;
            }
            all.extend(read);
        }
    }
}

/// A client's frame: masked with zeros.
fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        len @ 0..=125 => frame.push(0x80 | len as u8),
        len => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

fn options_update(collection: &str) -> Vec<u8> {
    let payload = format!(r#"{{"wantedCollections":["{collection}"]}}"#);
    let text = format!(r#"{{"type":"options_update","payload":{payload}}}"#);
    masked(1, text.as_bytes())
}

/// The frames of a server stream with their opcodes, and the rest of an unfinished one.
fn frames(mut bytes: &[u8]) -> (Vec<(u8, &[u8])>, &[u8]) {
    let mut frames = Vec::new();
    loop {
        let (header, len) = match bytes {
            [_, len @ 0..=125, ..] => (2, usize::from(*len)),
            [_, 126, a, b, ..] => (4, usize::from(u16::from_be_bytes([*a, *b]))),
            _ => return (frames, bytes),
        };
        let Some((frame, rest)) = bytes.split_at_checked(header + len) else {
            return (frames, bytes);
        };
        assert!(frame[0] & 0x80 != 0, "whole frames only");
        frames.push((frame[0] & 0xf, frame));
        bytes = rest;
    }
}

/// Bytes in the handshake's packet take effect.
#[tokio::test(start_paused = true)]
async fn an_options_update_in_the_handshake_packet_is_the_hello() {
    let harness = harness(1 << 20);
    let early = options_update(POST);
    let mut connected = harness.connect(1 << 20, &early, true);
    connected.turn();
    let expected = harness.append(&[10, 20]).concat();
    assert_eq!(connected.drain().await, expected);
    // An incomplete one is waited for.
    let (first, rest) = early.split_at(9);
    let mut connected = harness.connect(1 << 20, first, true);
    connected.turn();
    assert_eq!(harness.append(&[10]).len(), 1);
    assert!(connected.drain().await.is_empty());
    connected.client.write_all(rest).await.unwrap();
    connected.turn();
    let expected = harness.append(&[30]).concat();
    assert_eq!(connected.drain().await, expected);
}

#[tokio::test(start_paused = true)]
async fn without_a_hello_the_connection_is_closed_else_pinged() {
    let harness = harness(1 << 20);
    let mut silent = harness.connect(1 << 20, b"", true);
    let mut polite = harness.connect(1 << 20, &options_update(POST), true);
    silent.turn();
    polite.turn();
    tokio::time::advance(31 * SECOND).await;
    assert!(silent.drain().await.is_empty());
    assert_eq!(polite.drain().await, ping_frame(b""));
    polite.client.write_all(&masked(10, b"")).await.unwrap();
    polite.turn();
    tokio::time::advance(30 * SECOND).await;
    let closed = silent.drain().await;
    assert_eq!(frames(&closed).0[0].0, 8);
    assert_eq!(polite.drain().await, ping_frame(b""));
    // The closed member is removed although its socket is still open.
    assert_eq!(harness.shards.borrow().members().len(), 1);
    assert!(!silent.is_over);
    tokio::time::advance(SECOND).await;
    silent.turn();
    assert!(silent.is_over);
    // The other client never answers.
    tokio::time::advance(21 * SECOND).await;
    let closed = polite.drain().await;
    assert_eq!(frames(&closed).0.last().unwrap().0, 8);
}

/// A half-closed connection keeps no queue.
#[tokio::test(start_paused = true)]
async fn a_disconnected_client_leaves_no_state() {
    let harness = harness(1 << 20);
    let mut connected = harness.connect(64, b"", false);
    harness.append(&[1000]);
    connected.turn();
    assert_eq!(harness.shards.borrow().lanes(), 1);
    connected.client.shutdown().await.unwrap();
    connected.turn();
    assert_eq!(harness.shards.borrow().lanes(), 0);
    drop(connected.client);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut connected.subscriber).poll(&mut cx).is_ready());
}

#[tokio::test(start_paused = true)]
async fn either_side_can_start_the_close_handshake() {
    let harness = harness(1 << 20);
    let mut connected = harness.connect(1 << 20, b"", false);
    let expected = harness.append(&[10]).concat();
    connected.turn();
    let close = masked(8, &[0x03, 0xe8]);
    connected.client.write_all(&close).await.unwrap();
    // The queue is written, then the close frame, and the connection ends.
    let all = connected.drain().await;
    assert_eq!(all, [&expected[..], &[0x88, 2, 0x03, 0xe8]].concat());
    assert!(connected.is_over);

    let mut connected = harness.connect(1 << 20, b"", false);
    connected.turn();
    connected.subscriber.refuse(CloseReason::Draining);
    let expected = CloseReason::Draining.frame(connected.subscriber.member.outbox().resume());
    assert_eq!(connected.drain().await, expected.unwrap());
    assert!(!connected.is_over);
    connected.client.write_all(&close).await.unwrap();
    connected.turn();
    assert!(connected.is_over);
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_chunked_and_drops_client_bytes_up_to_a_bound() {
    let harness = harness(1 << 20);
    let mut connected = harness.stream(1 << 20);
    harness.append(&[10, 10]);
    let all = String::from_utf8(connected.drain().await).unwrap();
    let (size, rest) = all.split_once("\r\n").unwrap();
    let size = usize::from_str_radix(size, 16).unwrap();
    assert_eq!(&rest[size..], "\r\n");
    assert_eq!(rest.matches("data: ").count(), 2);
    connected.client.write_all(&[b'x'; 64 << 10]).await.unwrap();
    connected.turn();
    assert!(!connected.is_over && !connected.is_overrun.get());
    connected.client.write_all(b"x").await.unwrap();
    connected.turn();
    assert!(connected.is_over && connected.is_overrun.get());
    assert_eq!(harness.shards.borrow().lanes(), 0);
}

/// Its size is part of the cost of an idle subscriber.
#[test]
fn a_subscriber_is_small() {
    let size = size_of::<Subscriber<fanjet_http::Io>>();
    assert!(size <= 896, "{size}");
}

#[derive(Debug, Clone)]
enum Act {
    Append(Vec<usize>),
    Read(usize),
    /// The client pings.
    Ping,
    /// The client answers all pings that it received.
    Pong,
    /// This many seconds pass.
    Wait(u64),
    Turn,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => prop::collection::vec(0..300_usize, 1..8).prop_map(Act::Append),
        5 => (1..700_usize).prop_map(Act::Read),
        2 => Just(Act::Ping),
        2 => Just(Act::Pong),
        2 => (1..16_u64).prop_map(Act::Wait),
        4 => Just(Act::Turn),
    ]
}

proptest! {
    /// For any write sizes and timers: the client receives whole frames, the events once and in order, and control frames only
    /// between them.
    #[test]
    fn no_frame_is_ever_interrupted(
        acts in prop::collection::vec(act(), 1..120),
        holds in 1..600_usize,
        max_pending in prop_oneof![Just(1_usize), Just(2_000), Just(1 << 20)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
        // Polled by hand, so tokio does not renew its budget.
        let driven = tokio::task::unconstrained(async {
            let harness = harness(max_pending);
            let mut connected = harness.connect(holds, b"", false);
            let (mut read, mut expected, mut pings) = (Vec::new(), Vec::new(), 0);
            // Bytes that the client has not been able to send.
            let mut unsent: Vec<u8> = Vec::new();
            for act in acts {
                match act {
                    Act::Append(paddings) => expected.extend(harness.append(&paddings)),
                    Act::Read(most) => read.extend(connected.read(most).await),
                    Act::Ping => {
                        unsent.extend(masked(9, b"hello"));
                        pings += 1;
                    }
                    Act::Pong => unsent.extend(masked(10, b"")),
                    Act::Wait(seconds) => tokio::time::advance(Duration::from_secs(seconds)).await,
                    Act::Turn => connected.turn(),
                }
                let mut cx = Context::from_waker(Waker::noop());
                while !unsent.is_empty() {
                    let client = Pin::new(&mut connected.client);
                    let Poll::Ready(sent) = client.poll_write(&mut cx, &unsent) else { break };
                    unsent.drain(..sent.unwrap());
                }
            }
            read.extend(connected.drain().await);
            (read, expected, pings)
        });
        let (read, expected, pings) = runtime.block_on(driven);
        let (frames, rest) = frames(&read);
        prop_assert!(rest.is_empty());
        let events: Vec<_> = frames.iter().filter(|(opcode, _)| *opcode == 1).map(|(_, frame)| *frame).collect();
        let is_closed = frames.iter().any(|(opcode, _)| *opcode == 8);
        if is_closed {
            // The client never answered.
            prop_assert_eq!(frames.last().unwrap().0, 8);
            prop_assert!(events.len() <= expected.len());
        } else {
            prop_assert_eq!(events.len(), expected.len());
        }
        for (event, expected) in events.iter().zip(&expected) {
            prop_assert_eq!(*event, &expected[..]);
        }
        let pongs = frames.iter().filter(|(_, frame)| *frame == &pong_frame(b"hello")[..]).count();
        prop_assert!(pongs <= pings);
        let known = frames.iter().all(|(opcode, frame)| match opcode {
            9 => *frame == &ping_frame(b"")[..],
            1 | 8 | 10 => true,
            _ => false,
        });
        prop_assert!(known);
    }
}
