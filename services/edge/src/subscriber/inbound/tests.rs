use std::pin::Pin;

use actix_http::error::PayloadError;
use futures::{FutureExt, Stream, StreamExt};
use proptest::prelude::*;

use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use tokio::time::Instant;

use super::*;
use crate::limits::{Holder, InboundMemory, Rate};

/// A client's frame, masked as RFC 6455 section 5.3 requires.
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

/// The messages of a client whose bytes arrive in pieces.
struct Reading<P> {
    pieces: P,
    inbound: Inbound,
}

impl<P> Reading<P> {
    fn new(pieces: P, allowed: Allowed) -> Self {
        let inbound = Inbound::new(b"", allowed);
        Self { pieces, inbound }
    }
}

impl<P: Stream<Item = Result<Bytes, PayloadError>> + Unpin> Stream for Reading<P> {
    type Item = Result<Received, ReceiveError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { pieces, inbound } = self.get_mut();
        let received = inbound.poll_message(cx, |cx, bytes| {
            let piece = ready!(pieces.poll_next_unpin(cx));
            let piece = piece.and_then(Result::ok).unwrap_or_default();
            bytes.extend_from_slice(&piece);
            Poll::Ready(Ok(piece.len()))
        });
        received.map(Some)
    }
}

/// Reads all messages from bytes that arrive in pieces of this size.
fn read(bytes: &[u8], piece: usize, max: usize) -> Vec<Result<Received, ReceiveError>> {
    read_within(bytes, piece, allowed(max))
}

fn allowed(max_message_bytes: usize) -> Allowed {
    allowed_of(
        max_message_bytes,
        SendAllowance::new(Holder::Unknown, NO_LIMIT, NO_LIMIT, Instant::now()),
    )
}

fn allowed_of(max_message_bytes: usize, sending: SendAllowance) -> Allowed {
    Allowed {
        max_message_bytes,
        message_timeout: Duration::from_secs(60),
        messages: Throttle::new(sending.messages),
        bytes: Throttle::new(sending.bytes),
        memory: InboundMemory::new(usize::MAX, usize::MAX).claim(sending.holder),
        metrics: Metrics::new(&SdkMeterProvider::default().meter("test")),
    }
}

const NO_LIMIT: Rate = Rate {
    per_second: 0,
    at_once: 0,
};

fn read_within(
    bytes: &[u8],
    piece: usize,
    allowed: Allowed,
) -> Vec<Result<Received, ReceiveError>> {
    let pieces: Vec<_> = bytes
        .chunks(piece)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let mut inbound = Reading::new(futures::stream::iter(pieces), allowed);
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
            // Pings are allowed between fragments.
            bytes.extend(frame(9, true, b"?"));
        }
        let received = read(&bytes, piece, 10_000);
        let texts: Vec<_> = received.iter().filter_map(|item| match item { Ok(Received::Text(text)) => Some(text.to_vec()), _ => None }).collect();
        prop_assert_eq!(texts, [parts.concat()]);
        let pings = received.iter().filter(|item| matches!(item, Ok(Received::Ping(_)))).count();
        prop_assert_eq!(pings, parts.len());
        prop_assert_eq!(received.last(), Some(&Err(ReceiveError::Gone)));
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
    assert_eq!(whole(1001), Err(ReceiveError::TooBig));
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
    assert_eq!(fragmented(1001), Err(ReceiveError::TooBig));
}

#[test]
fn binary_messages_close_frames_and_violations() {
    let first = |bytes: &[u8]| read(bytes, 64, 1000)[0].clone();
    assert_eq!(first(&frame(2, true, b"x")), Ok(Received::Binary));
    assert_eq!(
        first(&frame(8, true, b"\x03\xe8bye")),
        Ok(Received::Close(Some(1000)))
    );
    assert_eq!(first(&frame(8, true, b"")), Ok(Received::Close(None)));
    assert_eq!(first(&frame(0, true, b"")), Err(ReceiveError::Protocol));
    assert_eq!(first(b"\x81\x01x"), Err(ReceiveError::Protocol), "unmasked");
    assert_eq!(
        first(&frame(0x41, true, b"")),
        Err(ReceiveError::Protocol),
        "a reserved bit"
    );
}

/// When each message was delivered, in milliseconds, for clients that send everything at once.
async fn handed_on(clients: &[&[u8]], sending: &SendAllowance) -> Vec<u128> {
    let begin = Instant::now();
    let mut reading = futures::stream::SelectAll::new();
    for bytes in clients {
        let pieces: Vec<_> = bytes.chunks(7).map(Bytes::copy_from_slice).collect();
        let pieces = futures::stream::iter(pieces.into_iter().map(Ok));
        let inbound = Reading::new(pieces, allowed_of(10_000, sending.clone()));
        reading.push(inbound.take_while(|received| std::future::ready(received.is_ok())));
    }
    let mut times = Vec::new();
    while reading.next().await.is_some() {
        times.push(begin.elapsed().as_millis());
    }
    times
}

/// Reconnecting or connecting twice gives a holder no more.
#[tokio::test(start_paused = true)]
async fn messages_beyond_the_holders_rate_wait() {
    let rate = Rate {
        per_second: 10,
        at_once: 5,
    };
    let sending = SendAllowance::new(Holder::Unknown, rate, NO_LIMIT, Instant::now());
    let bytes = frame(1, true, b"hello").repeat(10);
    let times = handed_on(&[&bytes, &bytes], &sending).await;
    assert_eq!(times.len(), 20);
    // Bytes after a message wait until it is paid for.
    assert!((1_300..=1_700).contains(times.last().unwrap()), "{times:?}");
    assert!(times[4] == 0 && times[10] >= 400, "{times:?}");
    let again = handed_on(&[&bytes], &sending).await;
    assert!(*again.last().unwrap() >= 900, "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn bytes_beyond_the_holders_rate_wait() {
    // One byte per fragment: one message, many bytes.
    let mut bytes = frame(1, false, b"a");
    bytes.extend(frame(0, false, b"b").repeat(999));
    bytes.extend(frame(0, true, b"c"));
    let rate = Rate {
        per_second: 1_000,
        at_once: 1_000,
    };
    let sending = SendAllowance::new(Holder::Unknown, NO_LIMIT, rate, Instant::now());
    let times = handed_on(&[&bytes], &sending).await;
    let expected = bytes.len() as u128 - 1_000;
    assert_eq!(times.len(), 1);
    assert!(times[0].abs_diff(expected) < 20, "{times:?}, {expected}");
}

#[tokio::test]
async fn long_messages_share_memory() {
    let memory = InboundMemory::new(50_000, 50_000);
    let with_memory = || Allowed {
        memory: memory.claim(Holder::Unknown),
        ..allowed(10_000_000)
    };
    let long = frame(1, false, &[b'a'; 60_000]);
    let pieces = futures::stream::iter([Ok(Bytes::from(long.clone()))]);
    let mut holding = Reading::new(pieces.chain(futures::stream::pending()), with_memory());
    assert_eq!(holding.next().now_or_never(), None);
    assert_eq!(
        read_within(&long, 1000, with_memory()),
        [Err(ReceiveError::NoRoom)]
    );
    let short = frame(1, true, &[b'a'; 20_000]);
    assert!(read_within(&short, 1000, with_memory())[0].is_ok());
    drop(holding);
    assert_eq!(
        read_within(&long, 1000, with_memory()),
        [Err(ReceiveError::Gone)]
    );
}

/// The header suffices: no payload is needed.
#[test]
fn an_oversized_message_is_refused_by_its_header() {
    let frame = frame(1, true, &vec![b'a'; 2000]);
    assert_eq!(read(&frame[..4], 1, 1999), [Err(ReceiveError::TooBig)]);
    assert_eq!(read(&frame[..4], 1, 2000), [Err(ReceiveError::Gone)]);
    let begun = self::frame(1, false, &vec![b'a'; 1500]);
    let more = [&begun[..], &self::frame(0, true, &vec![b'a'; 500])[..4]].concat();
    assert_eq!(read(&more, 100, 1999), [Err(ReceiveError::TooBig)]);
    assert_eq!(
        read(b"\x89\xfe\x00\x7e", 1, 1000),
        [Err(ReceiveError::Protocol)]
    );
}

/// The time until a client that sends these pieces, each after a pause, is given up.
async fn given_up(pieces: Vec<(u64, Vec<u8>)>, sending: SendAllowance) -> (ReceiveError, u128) {
    let begin = Instant::now();
    let pieces = futures::stream::iter(pieces).then(|(pause, piece)| async move {
        tokio::time::sleep(Duration::from_secs(pause)).await;
        Ok(Bytes::from(piece))
    });
    let pieces = Box::pin(pieces.chain(futures::stream::pending()));
    let mut inbound = Reading::new(pieces, allowed_of(100_000, sending));
    loop {
        if let Err(broken) = inbound.next().await.unwrap() {
            return (broken, begin.elapsed().as_secs().into());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unfinished_message_times_out() {
    let free = || SendAllowance::new(Holder::Unknown, NO_LIMIT, NO_LIMIT, Instant::now());
    let ping = frame(9, true, b"");
    let half = frame(1, false, b"half");
    // Neither pings nor more fragments extend the deadline.
    for pieces in [
        vec![(0, b"\x81".to_vec())],
        vec![(0, frame(1, false, b"")), (30, ping.clone())],
        vec![
            (0, half.clone()),
            (30, ping.clone()),
            (29, frame(0, false, b"more")),
        ],
    ] {
        assert_eq!(given_up(pieces, free()).await, (ReceiveError::TooSlow, 60));
    }
    // Whole messages do, even when the next one has begun with them.
    let whole_and_half = [frame(0, true, b"end"), half.clone()].concat();
    let pieces = vec![
        (0, ping),
        (1000, half),
        (50, whole_and_half.clone()),
        (50, whole_and_half),
    ];
    assert_eq!(
        given_up(pieces, free()).await,
        (ReceiveError::TooSlow, 1160)
    );
}

#[tokio::test(start_paused = true)]
async fn throttled_reads_do_not_time_out() {
    let rate = Rate {
        per_second: 100,
        at_once: 100,
    };
    let sending = SendAllowance::new(Holder::Unknown, NO_LIMIT, rate, Instant::now());
    // Read in about 200 seconds, then quiet.
    let pieces = (0..200).map(|_| (0, frame(0, false, &[b'a'; 94])));
    let pieces = std::iter::once((0, frame(1, false, b"a"))).chain(pieces);
    let (broken, after) = given_up(pieces.collect(), sending).await;
    assert_eq!(broken, ReceiveError::TooSlow);
    assert!((255..=265).contains(&after), "{after}");
}
