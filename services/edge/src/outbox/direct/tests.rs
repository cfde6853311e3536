//! A hub, an HTTP server and a client whose socket takes as much as it likes, in a random order: what comes out at its
//! other end.

use std::io;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use fanjet_filter::Encoding;
use fanjet_wire::close::CloseReason;
use fanjet_wire::websocket::text_frame;
use parking_lot::Mutex;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::super::{Chunk, Push, Take};
use super::*;
use crate::events::time_of;

const HEAD: &[u8] = b"HTTP/1.1 101\r\n\r\n";

/// A socket that takes no more than it has room for.
#[derive(Debug, Default)]
struct Pipe {
    room: Mutex<usize>,
    read: Mutex<Vec<u8>>,
}

impl Line for Pipe {
    fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut room = self.room.lock();
        if *room == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let taken = bytes.len().min(*room);
        *room -= taken;
        self.read.lock().extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }
}

/// The HTTP server as it is set up for direct writing: the body is asked when nothing is left to write.
struct Server {
    pipe: Arc<Pipe>,
    left: Bytes,
    is_over: bool,
}

impl Server {
    fn poll(&mut self, outbox: &Outbox) {
        loop {
            let taken = self.pipe.write_now(&self.left).unwrap_or_default();
            self.left = self.left.slice(taken..);
            if !self.left.is_empty() || self.is_over {
                return;
            }
            let asked = outbox.poll_take(&mut Context::from_waker(Waker::noop()));
            outbox.asked(asked.is_ready());
            match asked {
                Poll::Ready(Take::Bytes(bytes)) => self.left = bytes,
                Poll::Ready(Take::Over) => self.is_over = true,
                Poll::Ready(Take::Empty) | Poll::Pending => return,
            }
        }
    }
}

/// What a client reads, one frame after the other: its first byte and its payload.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [first, length, rest @ ..] = bytes {
        let (length, rest) = match length {
            126 => (
                usize::from(u16::from_be_bytes([rest[0], rest[1]])),
                &rest[2..],
            ),
            length => (usize::from(*length), rest),
        };
        frames.push((*first, rest[..length].to_vec()));
        bytes = &rest[length..];
    }
    frames
}

#[derive(Debug, Default)]
struct Seen {
    whole: usize,
    in_part: usize,
    full: usize,
    overtaken: usize,
}

fn run(seed: u64, seen: &mut Seen) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let pipe = Arc::new(Pipe::default());
    let outbox = Outbox::new(2000, Encoding::Json);
    outbox.write_to(Arc::clone(&pipe) as Arc<dyn Line>);
    let mut server = Server {
        pipe: Arc::clone(&pipe),
        left: Bytes::from_static(HEAD),
        is_over: false,
    };
    let (mut expected, mut pings, mut unwritten) = (Vec::new(), 0, false);
    for seq in 1..=200 {
        match random.random_range(0..10) {
            0 => {
                outbox.pong(&[7; 5]);
                pings += 1;
            }
            1 => {
                outbox.ping();
            }
            2..=3 => *pipe.room.lock() += random.random_range(0..3000),
            4..=5 => server.poll(&outbox),
            _ => {
                let json = format!("{seq:0width$}", width = random.random_range(4..700));
                let chunk = Chunk {
                    bytes: text_frame(json.as_bytes()),
                    last: time_of(seq),
                };
                match outbox.push(&chunk) {
                    Push::Full => seen.full += 1,
                    Push::Closed => unreachable!("nobody closed it"),
                    Push::Queued => expected.push(json),
                    Push::Writable => {
                        expected.push(json);
                        unwritten = true;
                    }
                }
            }
        }
        // The hub is late now and then, and others are served meanwhile.
        if unwritten && random.random_bool(0.7) {
            unwritten = false;
            match outbox.write_out() {
                Written::Whole => seen.whole += 1,
                Written::InPart => seen.in_part += 1,
                Written::Nothing => seen.overtaken += 1,
            }
        }
        let read = pipe.read.lock();
        assert!(read.iter().zip(HEAD).all(|(a, b)| a == b), "seed {seed}");
    }
    outbox.close(CloseReason::Draining);
    *pipe.room.lock() = usize::MAX;
    server.poll(&outbox);
    server.poll(&outbox);
    assert!(server.is_over, "seed {seed}");
    assert_eq!(outbox.write_out(), Written::Nothing, "seed {seed}");

    let read = pipe.read.lock();
    let read = frames(read.strip_prefix(HEAD).unwrap());
    let texts: Vec<_> = read.iter().filter(|(first, _)| *first == 0x81).collect();
    let expected: Vec<_> = expected.into_iter().map(String::into_bytes).collect();
    assert!(texts.iter().map(|it| &it.1).eq(&expected), "seed {seed}");
    let pongs = read.iter().filter(|it| **it == (0x8a, vec![7; 5])).count();
    assert!(pongs <= pings && (pongs > 0) == (pings > 0), "seed {seed}");
    assert_eq!(read.last().unwrap().0, 0x88, "seed {seed}");
}

#[test]
fn two_writers_make_one_stream() {
    let mut seen = Seen::default();
    for seed in 0..2000 {
        run(seed, &mut seen);
    }
    for (what, count) in [
        ("whole", seen.whole),
        ("in part", seen.in_part),
        ("full", seen.full),
        ("overtaken", seen.overtaken),
    ] {
        assert!(count > 100, "{what}: {seen:?}");
    }
}

fn ready() -> (Outbox, Arc<Pipe>) {
    let pipe = Arc::new(Pipe::default());
    let outbox = Outbox::new(100, Encoding::Json);
    outbox.write_to(Arc::clone(&pipe) as Arc<dyn Line>);
    *pipe.room.lock() = 1000;
    (outbox, pipe)
}

fn chunk(seq: u64) -> Chunk {
    Chunk {
        bytes: text_frame(b"{}"),
        last: time_of(seq),
    }
}

#[test]
fn nothing_passes_the_server_before_it_asks() {
    let (outbox, pipe) = ready();
    assert_eq!(outbox.push(&chunk(1)), Push::Queued);
    assert_eq!(outbox.write_out(), Written::Nothing);
    assert!(matches!(outbox.take(), Take::Bytes(_)));
    outbox.asked(true);
    assert_eq!(outbox.push(&chunk(2)), Push::Queued, "it has work to do");
    assert_eq!(outbox.write_out(), Written::Nothing);
    assert!(matches!(outbox.take(), Take::Bytes(_)));
    assert_eq!(outbox.take(), Take::Empty);
    outbox.asked(false);
    assert!(pipe.read.lock().is_empty());
    let taken = outbox.taken();
    assert_eq!(outbox.push(&chunk(3)), Push::Writable);
    assert_eq!(outbox.write_out(), Written::Whole);
    assert_eq!(*pipe.read.lock(), chunk(3).bytes);
    assert_eq!(outbox.resume(), Some(time_of(3).get()));
    assert_eq!((outbox.taken(), outbox.pending_bytes()), (taken + 1, 0));
}

/// What is queued for one that has left meanwhile is not written: its connection may be gone.
#[test]
fn nothing_is_written_for_the_departed() {
    let (outbox, pipe) = ready();
    outbox.asked(false);
    assert_eq!(outbox.push(&chunk(1)), Push::Writable);
    outbox.detach();
    assert_eq!(outbox.write_out(), Written::Nothing);
    assert!(pipe.read.lock().is_empty());
    assert_eq!(Arc::strong_count(&pipe), 1, "nor is the socket held");
}

/// The client would take what follows for the rest of the frame.
#[test]
fn the_rest_of_a_chunk_goes_even_before_an_end_at_once() {
    let (outbox, pipe) = ready();
    outbox.asked(false);
    *pipe.room.lock() = 1;
    assert_eq!(outbox.push(&chunk(1)), Push::Writable);
    assert_eq!(outbox.write_out(), Written::InPart);
    assert!(outbox.is_stuck_at(0) && !outbox.is_idle());
    outbox.pong(b"");
    outbox.close_now(CloseReason::PongTimeout);
    assert_eq!(outbox.take(), Take::Bytes(chunk(1).bytes.slice(1..)));
    assert!(matches!(outbox.take(), Take::Bytes(pong) if pong[0] == 0x8a));
    assert!(matches!(outbox.take(), Take::Bytes(close) if close[0] == 0x88));
    assert_eq!(outbox.take(), Take::Over);
}
