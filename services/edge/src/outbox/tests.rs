use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use fanjet_wire::websocket::{close_frame, ping_frame, text_frame};

use super::*;
use crate::events::time_of;

fn chunk(seq: u64, bytes: usize) -> Chunk {
    Chunk {
        last_seq: seq,
        bytes: Bytes::from(vec![b'x'; bytes]),
        last: time_of(seq),
    }
}

#[test]
fn the_outbox_is_bounded_but_takes_one_chunk() {
    let outbox = Outbox::new(100, Encoding::Json);
    assert_eq!(outbox.push(&chunk(1, 500)), Push::Queued);
    assert_eq!(outbox.push(&chunk(2, 1)), Push::Full);
    assert_eq!(outbox.take(), Take::Bytes(chunk(1, 500).bytes));
    assert_eq!(outbox.push(&chunk(2, 60)), Push::Queued);
    assert_eq!(outbox.push(&chunk(3, 40)), Push::Queued);
    assert_eq!(outbox.push(&chunk(4, 1)), Push::Full);
    assert_eq!(outbox.pending_bytes(), 100);
}

#[test]
fn control_frames_overtake_events_and_only_the_newest_is_kept() {
    let outbox = Outbox::new(100, Encoding::Json);
    outbox.push(&chunk(1, 5));
    for n in 0..100_u8 {
        outbox.pong(&[n]);
        outbox.ping();
    }
    let before = outbox.taken();
    assert_eq!(outbox.take(), Take::Bytes(pong_frame(&[99])));
    assert_eq!(outbox.take(), Take::Bytes(ping_frame(b"")));
    assert_eq!(outbox.taken(), before, "control frames are no sign of life");
    assert_eq!(outbox.take(), Take::Bytes(chunk(1, 5).bytes));
    assert!(outbox.taken() > before);
    assert_eq!(outbox.take(), Take::Empty);
}

#[test]
fn the_close_frame_is_last_and_has_the_first_reason() {
    let outbox = Outbox::new(100, Encoding::Json);
    outbox.start_at(Some(7));
    outbox.push(&chunk(1, 5));
    outbox.push(&chunk(2, 5));
    outbox.close(CloseReason::FellBehind);
    outbox.close(CloseReason::Draining);
    assert_eq!(outbox.push(&chunk(3, 5)), Push::Closed);
    outbox.take();
    outbox.take();
    let resume = Some(time_of(2).get());
    let expected = close_frame(Some(1013), &CloseReason::FellBehind.text(resume));
    assert_eq!(outbox.take(), Take::Bytes(expected));
    assert_eq!(outbox.take(), Take::Over);
    outbox.ping();
    assert_eq!(outbox.take(), Take::Over, "nothing follows a close frame");
}

#[test]
fn without_events_the_cursor_is_the_start() {
    let outbox = Outbox::new(100, Encoding::Json);
    outbox.start_at(Some(7));
    outbox.push(&chunk(1, 5));
    outbox.close_now(CloseReason::Internal);
    assert_eq!(outbox.pending_bytes(), 0);
    let expected = close_frame(Some(1011), &CloseReason::Internal.text(Some(7)));
    assert_eq!(outbox.take(), Take::Bytes(expected));
}

#[test]
fn no_close_frame_is_sent_to_a_client_that_left() {
    let outbox = Outbox::new(100, Encoding::Json);
    outbox.close_now(CloseReason::ClientGone);
    assert_eq!(outbox.take(), Take::Over);
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Every push wakes a waiting writer once.
#[test]
fn a_waiting_writer_is_woken() {
    let wakes = Arc::new(Wakes::default());
    let waker = Arc::clone(&wakes).into();
    let mut cx = Context::from_waker(&waker);
    let acts: [fn(&Outbox); 5] = [
        |outbox| {
            outbox.push(&chunk(1, 1));
        },
        |outbox| {
            outbox.ping();
        },
        |outbox| outbox.pong(b""),
        |outbox| outbox.close(CloseReason::Draining),
        |outbox| outbox.close_now(CloseReason::Draining),
    ];
    for act in acts {
        let outbox = Outbox::new(100, Encoding::Json);
        assert_eq!(outbox.poll_take(&mut cx), Poll::Pending);
        let before = wakes.0.load(Ordering::Relaxed);
        act(&outbox);
        act(&outbox);
        assert_eq!(wakes.0.load(Ordering::Relaxed), before + 1);
        assert!(outbox.poll_take(&mut cx).is_ready());
    }
}

#[test]
fn a_heartbeat_never_overtakes_an_event() {
    let outbox = Outbox::new(100, Encoding::Json);
    outbox.start_at(Some(7));
    outbox.push(&chunk(1, 5));
    assert!(!outbox.is_idle());
    outbox.beat(time_of(1));
    assert_eq!(outbox.take(), Take::Bytes(chunk(1, 5).bytes));
    assert_eq!(outbox.take(), Take::Empty, "it was dropped, not queued");
    // A heartbeat that an event follows is not sent.
    outbox.beat(time_of(2));
    outbox.push(&chunk(3, 5));
    assert_eq!(outbox.take(), Take::Bytes(chunk(3, 5).bytes));
    assert_eq!(outbox.take(), Take::Empty);
}

/// When a second ping is due at the check of the first, the second says nothing about the socket.
#[test]
fn a_written_ping_is_not_stuck_behind_a_later_one() {
    let outbox = Outbox::new(100, Encoding::Json);
    let first = outbox.ping();
    assert!(outbox.is_stuck_at(first));
    assert_eq!(outbox.take(), Take::Bytes(ping_frame(b"")));
    assert!(!outbox.is_stuck_at(first));
    let second = outbox.ping();
    assert!(!outbox.is_stuck_at(first) && outbox.is_stuck_at(second));
    // The newest ping replaces earlier ones.
    let third = outbox.ping();
    assert_eq!(outbox.take(), Take::Bytes(ping_frame(b"")));
    assert!(!outbox.is_stuck_at(second) && !outbox.is_stuck_at(third));
    outbox.push(&chunk(1, 5));
    assert!(outbox.is_stuck_at(third));
}

#[test]
fn a_heartbeat_is_no_sign_of_life_and_replaces_older_ones() {
    let outbox = Outbox::new(100, Encoding::Json);
    let before = outbox.taken();
    outbox.beat(time_of(4));
    outbox.beat(time_of(5));
    outbox.ping();
    assert_eq!(outbox.take(), Take::Bytes(ping_frame(b"")));
    assert_eq!(
        outbox.take(),
        Take::Bytes(text_frame(&fanjet_wire::heartbeat::json(time_of(5))))
    );
    assert_eq!(outbox.taken(), before);
    assert_eq!(outbox.take(), Take::Empty);
    outbox.close(CloseReason::Draining);
    outbox.beat(time_of(6));
    let words = CloseReason::Draining.text(Some(time_of(5).get()));
    assert_eq!(outbox.take(), Take::Bytes(close_frame(Some(1012), &words)));
}

#[test]
fn a_heartbeat_does_not_set_the_cursor_back() {
    let start = time_of(5).get() + 1;
    let outbox = Outbox::new(100, Encoding::Json);
    outbox.start_at(Some(start));
    outbox.beat(time_of(5));
    outbox.take();
    outbox.close(CloseReason::Draining);
    let words = CloseReason::Draining.text(Some(start));
    assert_eq!(outbox.take(), Take::Bytes(close_frame(Some(1012), &words)));
}
