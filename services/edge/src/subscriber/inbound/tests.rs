use futures::{FutureExt, StreamExt};
use proptest::prelude::*;

use std::sync::Arc;

use super::*;
use crate::limits::{InboundMemory, Rate};

/// A client's frame: masked, as RFC 6455 section 5.3 wants it.
fn frame(opcode: u8, is_final: bool, payload: &[u8]) -> Vec<u8> {
    let key = [1, 2, 3, 4];
    let mut frame = vec![opcode | if is_final { 0x80 } else { 0 }];
    match payload.len() {
        len @ 0..=125 => frame.push(0x80 | len as u8),
        len => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
    }
    frame.extend_from_slice(&key);
    frame.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    frame
}

/// Reads everything out of bytes that arrive in pieces of this size.
fn read(bytes: &[u8], piece: usize, max: usize) -> Vec<Result<Received, Broken>> {
    read_within(bytes, piece, allowed(max))
}

fn allowed(max_message_bytes: usize) -> Allowed {
    const NO_LIMIT: Rate = Rate {
        per_second: 0,
        at_once: 0,
    };
    Allowed {
        max_message_bytes,
        messages: Allowance::new(NO_LIMIT, Instant::now()),
        bytes: Allowance::new(NO_LIMIT, Instant::now()),
        memory: Arc::new(InboundMemory::new(usize::MAX)).claim(),
    }
}

fn read_within(bytes: &[u8], piece: usize, allowed: Allowed) -> Vec<Result<Received, Broken>> {
    let pieces: Vec<_> = bytes
        .chunks(piece)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let mut inbound = Inbound::new(futures::stream::iter(pieces), allowed);
    let mut received = Vec::new();
    loop {
        let next = inbound.next().now_or_never().unwrap().unwrap();
        let is_over = next.is_err();
        received.push(next);
        if is_over {
            return received;
        }
    }
}

proptest! {
    #[test]
    fn messages_survive_any_division(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..6), piece in 1..50usize) {
        let mut bytes = Vec::new();
        for (n, part) in parts.iter().enumerate() {
            bytes.extend(frame(if n == 0 { 1 } else { 0 }, n + 1 == parts.len(), part));
            // A ping may stand between fragments.
            bytes.extend(frame(9, true, b"?"));
        }
        let received = read(&bytes, piece, 10_000);
        let texts: Vec<_> = received.iter().filter_map(|item| match item { Ok(Received::Text(text)) => Some(text.to_vec()), _ => None }).collect();
        prop_assert_eq!(texts, [parts.concat()]);
        let pings = received.iter().filter(|item| matches!(item, Ok(Received::Ping(_)))).count();
        prop_assert_eq!(pings, parts.len());
        prop_assert_eq!(received.last(), Some(&Err(Broken::Gone)));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1..50usize) {
        prop_assert!(read(&bytes, piece, 1000).last().unwrap().is_err());
    }
}

#[test]
fn the_limit_holds_for_whole_and_for_fragmented_messages() {
    let whole = |len| read(&frame(1, true, &vec![b'x'; len]), 64, 1000)[0].clone();
    assert!(matches!(whole(1000), Ok(Received::Text(_))));
    assert_eq!(whole(1001), Err(Broken::TooBig));
    let fragmented = |len: usize| {
        let half = vec![b'x'; 500];
        let rest = vec![b'x'; len - 500];
        read(
            &[frame(1, false, &half), frame(0, true, &rest)].concat(),
            64,
            1000,
        )[0]
        .clone()
    };
    assert!(matches!(fragmented(1000), Ok(Received::Text(_))));
    assert_eq!(fragmented(1001), Err(Broken::TooBig));
}

#[test]
fn binary_messages_close_frames_and_offences() {
    let first = |bytes: &[u8]| read(bytes, 64, 1000)[0].clone();
    assert_eq!(first(&frame(2, true, b"x")), Ok(Received::Binary));
    assert_eq!(
        first(&frame(8, true, b"\x03\xe8bye")),
        Ok(Received::Close(Some(1000)))
    );
    assert_eq!(first(&frame(8, true, b"")), Ok(Received::Close(None)));
    assert_eq!(first(&frame(0, true, b"")), Err(Broken::Protocol));
    assert_eq!(first(b"\x81\x01x"), Err(Broken::Protocol), "unmasked");
    assert_eq!(
        first(&frame(0x41, true, b"")),
        Err(Broken::Protocol),
        "a reserved bit"
    );
}

#[test]
fn more_messages_than_allowed_end_it() {
    let bytes = frame(1, true, b"hello").repeat(20);
    let rate = Rate {
        per_second: 1,
        at_once: 10,
    };
    let messages = Allowance::new(rate, Instant::now());
    let allowed = Allowed {
        messages,
        ..allowed(1000)
    };
    let received = read_within(&bytes, 7, allowed);
    assert_eq!(received.len(), 11);
    assert_eq!(received.last(), Some(&Err(Broken::TooFast)));
}

#[test]
fn more_bytes_than_allowed_end_it() {
    // One byte per fragment: few messages, many bytes.
    let mut bytes = frame(1, false, b"a");
    bytes.extend(frame(0, false, b"b").repeat(1000));
    let rate = Rate {
        per_second: 1,
        at_once: 1000,
    };
    let allowed = Allowed {
        bytes: Allowance::new(rate, Instant::now()),
        ..allowed(10_000)
    };
    let received = read_within(&bytes, 7, allowed);
    assert_eq!(received, [Err(Broken::TooFast)]);
}

#[test]
fn long_messages_share_memory() {
    let memory = Arc::new(InboundMemory::new(50_000));
    let with_memory = || Allowed {
        memory: memory.claim(),
        ..allowed(10_000_000)
    };
    let long = frame(1, false, &[b'a'; 60_000]);
    let pieces = futures::stream::iter([Ok(Bytes::from(long.clone()))]);
    let mut holding = Inbound::new(pieces.chain(futures::stream::pending()), with_memory());
    assert_eq!(holding.next().now_or_never(), None);
    assert_eq!(
        read_within(&long, 1000, with_memory()),
        [Err(Broken::NoRoom)]
    );
    let short = frame(1, true, &[b'a'; 20_000]);
    assert!(read_within(&short, 1000, with_memory())[0].is_ok());
    drop(holding);
    assert_eq!(read_within(&long, 1000, with_memory()), [Err(Broken::Gone)]);
}
