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
use crate::hub::{Flush, Shard, ShardLimits, Shards, Step};
use crate::limits::{FilterMemory, Holder, InboundMemory, Rate};
use crate::metrics::Metrics;
use crate::replay::{Desk, Start};
use crate::subscriber::{Ages, InboundLimits, Timeouts};
use crate::tail::{Collections, Entry, Pool, Ring};

const POST: &str = "app.bsky.feed.post";
const SECOND: Duration = Duration::from_secs(1);
const NO_LIMIT: Rate = Rate {
    per_second: 0,
    at_once: 0,
};

struct Rig {
    ring: Arc<Ring>,
    shards: SharedShards,
    context: Arc<SubscriberContext>,
    metrics: Metrics,
}

fn rig(max_pending_bytes: usize) -> Rig {
    let ring = Arc::new(Ring::new(1 << 24));
    ring.restart(1, 1);
    let metrics = Metrics::new(&SdkMeterProvider::default().meter("test"));
    let limits = ShardLimits {
        flush_bytes: 1000,
        catch_up_bytes: 1000,
        max_pending_bytes,
    };
    let desk = Arc::new(Desk::new(Arc::clone(&ring), 1 << 20));
    let window = Arc::default();
    let shard = Shard::new(Arc::clone(&ring), desk, window, limits, metrics.clone());
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
        ages: Ages::new(Duration::ZERO),
    };
    Rig {
        shards: Rc::new(RefCell::new(Shards::new(shard))),
        ring,
        context: Arc::new(context),
        metrics,
    }
}

/// The other end of a connection that holds so many bytes, and the subscriber.
struct Connected {
    client: DuplexStream,
    subscriber: Subscriber<DuplexStream>,
    is_over: bool,
    is_overrun: Rc<Cell<bool>>,
}

impl Rig {
    fn connect(&self, holds: usize, early: &[u8], awaits_hello: bool) -> Connected {
        let mut shard = self.shards.borrow_mut();
        let member = match awaits_hello {
            true => shard.join_waiting(Encoding::Json, Start::Live),
            false => shard.join(Filter::default(), Encoding::Json, Start::Live),
        };
        drop(shard);
        let memory = FilterMemory::of(&LimitsConfig::default());
        let kind = Kind::WebSocket {
            sending: MaySend::new(Holder::Unknown, NO_LIMIT, NO_LIMIT, Instant::now()),
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
        while self.shards.borrow_mut().step(Flush::All, Instant::now()) == Step::More {}
        frames
    }
}

impl Connected {
    /// Lets the subscriber do what it can.
    fn turn(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            if !self.is_over {
                let subscriber = Pin::new(&mut self.subscriber);
                self.is_over = subscriber.poll(&mut cx).is_ready();
            }
        }
    }

    /// Reads at most so many bytes of what was written.
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

/// The frames of a server's stream, as opcode and whole frame, and what is left of an unfinished one.
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

/// What came in one packet with the handshake is read, and takes effect.
#[tokio::test(start_paused = true)]
async fn an_options_update_right_behind_the_handshake_is_the_hello() {
    let rig = rig(1 << 20);
    let early = options_update(POST);
    let mut connected = rig.connect(1 << 20, &early, true);
    connected.turn();
    let expected = rig.append(&[10, 20]).concat();
    assert_eq!(connected.drain().await, expected);
    // The half of one is waited for.
    let (first, rest) = early.split_at(9);
    let mut connected = rig.connect(1 << 20, first, true);
    connected.turn();
    assert_eq!(rig.append(&[10]).len(), 1);
    assert!(connected.drain().await.is_empty());
    connected.client.write_all(rest).await.unwrap();
    connected.turn();
    let expected = rig.append(&[30]).concat();
    assert_eq!(connected.drain().await, expected);
}

#[tokio::test(start_paused = true)]
async fn who_says_no_hello_is_closed_and_who_says_it_is_pinged() {
    let rig = rig(1 << 20);
    let mut silent = rig.connect(1 << 20, b"", true);
    let mut polite = rig.connect(1 << 20, &options_update(POST), true);
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
    // Nothing of the one who left is kept, though its socket is still there.
    assert_eq!(rig.shards.borrow().members().len(), 1);
    assert!(!silent.is_over);
    tokio::time::advance(SECOND).await;
    silent.turn();
    assert!(silent.is_over);
    // The other one never answers.
    tokio::time::advance(21 * SECOND).await;
    let closed = polite.drain().await;
    assert_eq!(frames(&closed).0.last().unwrap().0, 8);
}

/// A connection of which only one half is left: nothing that waits for it is kept.
#[tokio::test(start_paused = true)]
async fn a_client_that_has_gone_leaves_nothing() {
    let rig = rig(1 << 20);
    let mut connected = rig.connect(64, b"", false);
    rig.append(&[1000]);
    connected.turn();
    assert_eq!(rig.shards.borrow().lanes(), 1);
    connected.client.shutdown().await.unwrap();
    connected.turn();
    assert_eq!(rig.shards.borrow().lanes(), 0);
    drop(connected.client);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut connected.subscriber).poll(&mut cx).is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_close_handshake_is_finished_by_either_side() {
    let rig = rig(1 << 20);
    let mut connected = rig.connect(1 << 20, b"", false);
    let expected = rig.append(&[10]).concat();
    connected.turn();
    let close = masked(8, &[0x03, 0xe8]);
    connected.client.write_all(&close).await.unwrap();
    // What was queued is written, then the answer, and the connection ends.
    let all = connected.drain().await;
    assert_eq!(all, [&expected[..], &[0x88, 2, 0x03, 0xe8]].concat());
    assert!(connected.is_over);

    let mut connected = rig.connect(1 << 20, b"", false);
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
async fn a_stream_is_written_in_chunks_and_what_its_client_sends_is_dropped_up_to_a_bound() {
    let rig = rig(1 << 20);
    let mut connected = rig.stream(1 << 20);
    rig.append(&[10, 10]);
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
    assert_eq!(rig.shards.borrow().lanes(), 0);
}

/// What a subscriber is made of is part of what an idle one costs.
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
    /// The client answers whatever pings it got.
    Pong,
    /// So many seconds pass.
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
    /// However little the connection takes at a time, and whatever is due meanwhile: the client gets whole frames, the events
    /// once and in order, and a control frame only between two of them.
    #[test]
    fn no_frame_is_ever_interrupted(
        acts in prop::collection::vec(act(), 1..120),
        holds in 1..600_usize,
        max_pending in prop_oneof![Just(1_usize), Just(2_000), Just(1 << 20)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
        // Polled by hand, so nobody gives it a new budget.
        let driven = tokio::task::unconstrained(async {
            let rig = rig(max_pending);
            let mut connected = rig.connect(holds, b"", false);
            let (mut read, mut expected, mut pings) = (Vec::new(), Vec::new(), 0);
            // What the client has to say and could not yet.
            let mut unsent: Vec<u8> = Vec::new();
            for act in acts {
                match act {
                    Act::Append(paddings) => expected.extend(rig.append(&paddings)),
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
            // It never answered.
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
