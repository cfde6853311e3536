use proptest::prelude::*;

use super::*;

fn mark(seq: Seq) -> Mark {
    Mark {
        seq,
        time_us: seq * 10,
    }
}

#[derive(Debug, Clone)]
enum Step {
    Send(usize),
    Pass,
    /// Completes the n-th event in flight.
    Complete(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..100_usize).prop_map(Step::Send),
        Just(Step::Pass),
        (0..64_usize).prop_map(Step::Complete),
        (0..64_usize).prop_map(Step::Complete),
    ]
}

proptest! {
    /// Compared with a list of all events and whether each is complete.
    #[test]
    fn the_mark_never_moves_over_what_is_not_acknowledged(steps in prop::collection::vec(step(), 0..200)) {
        let window = Window::new(1_000, 1_000_000);
        window.begin(mark(5));
        let mut all: Vec<(Seq, bool)> = Vec::new();
        let mut under_way: Vec<(usize, Seq, usize)> = Vec::new();
        let mut seq = 5;
        for step in steps {
            match step {
                Step::Send(bytes) => {
                    seq += 1;
                    let index = window.send(mark(seq), bytes);
                    prop_assert_eq!(window.seq(index), Some(seq));
                    all.push((seq, false));
                    under_way.push((index, seq, bytes));
                }
                Step::Pass => {
                    seq += 1;
                    window.pass(mark(seq));
                    all.push((seq, true));
                }
                Step::Complete(n) if !under_way.is_empty() => {
                    let (index, done, _) = under_way.remove(n % under_way.len());
                    window.complete(index);
                    // A second acknowledgement of the same event changes nothing.
                    window.complete(index);
                    all.iter_mut().find(|(seq, _)| *seq == done).unwrap().1 = true;
                }
                Step::Complete(_) => {}
            }
            let done = all.iter().take_while(|(_, is_done)| *is_done).last();
            prop_assert_eq!(window.acked(), mark(done.map_or(5, |(seq, _)| *seq)));
            prop_assert_eq!(window.newest(), mark(seq));
            prop_assert_eq!(window.events(), under_way.len());
            prop_assert_eq!(window.stalled_for().is_zero(), under_way.is_empty());
        }
    }
}

#[test]
fn it_is_full_by_events_or_bytes_and_accepts_one_event_of_any_size() {
    let window = Window::new(2, 100);
    assert!(window.has_room());
    let large = window.send(mark(1), 1_000);
    assert!(!window.has_room());
    window.complete(large);
    assert!(window.has_room());
    window.send(mark(2), 10);
    assert!(window.has_room());
    window.send(mark(3), 10);
    assert!(!window.has_room());
}

#[tokio::test]
async fn failures_wake_the_waiting_task() {
    let window = Window::new(2, 100);
    window.fail(KafkaError::Broken("first".to_owned()));
    window.fail(KafkaError::Broken("second".to_owned()));
    window.moved().await;
    let failure = window.take_failure().unwrap();
    assert_eq!(failure.to_string(), "first");
    assert!(window.take_failure().is_none());
}
