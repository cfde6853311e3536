use std::io::Cursor;

use proptest::prelude::*;
use tokio::io::AsyncReadExt;

use super::*;

const MAX: usize = 1000;
const HANDSHAKE: &[u8] = b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\r\n\r\n";

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const PING: u8 = 9;

fn frame(opcode: u8, is_last: bool, payload: &[u8]) -> Vec<u8> {
    let first = opcode | if is_last { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        len @ ..126 => frame.push(len as u8),
        len @ 126..65_536 => {
            frame.push(126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// Returns at most this many bytes per read.
struct Drops(Cursor<Vec<u8>>, usize);

impl AsyncRead for Drops {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = self.1.min(out.remaining());
        let mut some = ReadBuf::new(out.initialize_unfilled_to(most));
        ready!(Pin::new(&mut self.0).poll_read(context, &mut some))?;
        let read = some.filled().len();
        out.advance(read);
        Poll::Ready(Ok(()))
    }
}

/// What passes, and what is skipped, when `sent` arrives in pieces of at most `at_once` bytes.
fn sieved(sent: &[u8], at_once: usize) -> (Vec<u8>, Sieve<Drops>) {
    let sent = [HANDSHAKE, sent].concat();
    let mut sieve = Sieve::new(Drops(Cursor::new(sent), at_once), MAX, place_of);
    let mut passed = Vec::new();
    futures::executor::block_on(sieve.read_to_end(&mut passed)).unwrap();
    let passed = passed.strip_prefix(HANDSHAKE).unwrap().to_vec();
    (passed, sieve)
}

/// `7th ` and any text.
fn begun(len: usize) -> Vec<u8> {
    let mut message = b"7th ".to_vec();
    message.resize(len, 0);
    message
}

fn place_of(beginning: &[u8]) -> Option<u64> {
    beginning.starts_with(b"7th ").then_some(7)
}

#[test]
fn what_is_short_enough_passes_unchanged() {
    let sent = [
        frame(BINARY, true, &[1; MAX]),
        frame(TEXT, false, &[2; 500]),
        frame(PING, true, &[3; 125]),
        frame(0, true, &[4; 500]),
        frame(BINARY, true, &[]),
        frame(8, true, &[3, 232]),
    ]
    .concat();
    for at_once in [1, 2, 3, 7, 100_000] {
        let (passed, mut sieve) = sieved(&sent, at_once);
        assert_eq!(passed, sent);
        assert_eq!(sieve.take_skipped(), []);
        assert_eq!(sieve.unfinished(), None);
    }
}

#[test]
fn a_message_that_is_too_long_costs_itself() {
    let (before, behind) = (frame(BINARY, true, &[1; 10]), frame(BINARY, true, &[2; 10]));
    for len in [MAX + 1, 70_000, 300_000] {
        let long = frame(BINARY, true, &begun(len));
        let sent = [before.clone(), long, behind.clone()].concat();
        for at_once in [1, 1000, 100_000] {
            let (passed, mut sieve) = sieved(&sent, at_once);
            assert_eq!(passed, [before.clone(), behind.clone()].concat());
            let skipped = Skipped {
                place: Some(7),
                bytes: len as u64,
            };
            assert_eq!(sieve.take_skipped(), [skipped]);
            assert_eq!(sieve.take_skipped(), []);
        }
    }
}

#[test]
fn a_message_of_many_fragments_is_cut_off_where_it_becomes_too_long() {
    let sent = [
        frame(BINARY, false, &[1; 600]),
        frame(0, false, &[2; 600]),
        frame(PING, true, b"?"),
        frame(0, false, &[]),
        frame(0, true, &[3; 600]),
        frame(BINARY, true, b"next"),
    ]
    .concat();
    let expected = [
        frame(BINARY, false, &[1; 600]),
        frame(0, true, &[]),
        frame(PING, true, b"?"),
        frame(BINARY, true, b"next"),
    ]
    .concat();
    let (passed, mut sieve) = sieved(&sent, 50);
    assert_eq!(passed, expected);
    let skipped = Skipped {
        place: None,
        bytes: 1800,
    };
    assert_eq!(sieve.take_skipped(), [skipped]);
}

#[test]
fn a_message_that_never_ends_takes_no_memory_and_shows_its_place() {
    let mut sent = vec![0x80 | BINARY, 127];
    sent.extend((1_u64 << 62).to_be_bytes());
    sent.extend(begun(10_000_000));
    let (passed, mut sieve) = sieved(&sent, 100_000);
    assert!(passed.is_empty());
    assert_eq!(sieve.take_skipped(), []);
    let unfinished = Skipped {
        place: Some(7),
        bytes: 10_000_000,
    };
    assert_eq!(sieve.unfinished(), Some(unfinished));
    let Message::Skipping { beginning, .. } = &sieve.message else {
        panic!("{:?}", sieve.message);
    };
    assert_eq!(beginning.len(), BEGINNING);
}

proptest! {
    /// However the input is split: of whole messages the short ones pass, in order.
    #[test]
    fn messages_pass_or_not_as_wholes(lens in prop::collection::vec(0..3 * MAX, 0..20), at_once in 1..5000_usize) {
        let messages: Vec<_> = lens.iter().map(|len| frame(BINARY, true, &vec![7; *len])).collect();
        let (passed, mut sieve) = sieved(&messages.concat(), at_once);
        let short = messages.iter().zip(&lens).filter(|(_, len)| **len <= MAX);
        let expected: Vec<u8> = short.flat_map(|(message, _)| message.clone()).collect();
        prop_assert_eq!(passed, expected);
        let long = lens.iter().filter(|len| **len > MAX).count();
        prop_assert_eq!(sieve.take_skipped().len(), long);
    }

    /// No input causes a panic.
    #[test]
    fn nonsense_is_survived(sent in prop::collection::vec(any::<u8>(), 0..3000), at_once in 1..100_usize) {
        let (passed, _) = sieved(&sent, at_once);
        prop_assert!(passed.len() <= sent.len() + 2 * sent.len());
    }
}
