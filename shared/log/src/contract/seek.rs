//! From a time to a seq.

use fanjet_event::TimeUs;

use super::samples::{append_all, event, events, time_of};
use super::{Opened, within};

fn at(us: u64) -> TimeUs {
    TimeUs::new(us).unwrap()
}

/// At, between, before and after event times, in a log long enough for a search.
pub async fn seq_at_finds_every_place(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    append_all(&*log, 0, &events(0, 10_000)).await;
    let cases = [
        (TimeUs::MIN, 1),
        (at(time_of(0).get() - 1), 1),
        (time_of(0), 1),
        (at(time_of(0).get() + 1), 2),
        (at(time_of(1).get() - 1), 2),
        (time_of(1), 2),
        (time_of(4_999), 5_000),
        (at(time_of(4_999).get() + 5), 5_001),
        (time_of(9_999), 10_000),
        (at(time_of(9_999).get() + 1), 10_001),
        (TimeUs::MAX, 10_001),
    ];
    for (time, seq) in cases {
        let found = within("seq_at", log.seq_at(time)).await.unwrap();
        assert_eq!(found, seq, "at {time}");
    }
    drop(keep);
}

/// Times at uneven distances, from microseconds to hours.
pub async fn seq_at_agrees_with_a_linear_search(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    // The distance to the time of `n` grows, then starts over: n runs through 0, 1, 3, 7, ...
    let mut numbers = vec![0];
    for step in 0..60_u32 {
        numbers.push(numbers[numbers.len() - 1] + (1 << (step % 28)));
    }
    let written: Vec<_> = numbers.iter().map(|&n| event(n)).collect();
    append_all(&*log, 0, &written).await;
    for (place, &n) in numbers.iter().enumerate() {
        for (offset, expected) in [(-1, place + 1), (0, place + 1), (1, place + 2)] {
            let time = at(time_of(n).get().saturating_add_signed(offset));
            let found = within("seq_at", log.seq_at(time)).await.unwrap();
            assert_eq!(found, expected as u64, "{offset} µs off event {n}");
        }
    }
    drop(keep);
}
