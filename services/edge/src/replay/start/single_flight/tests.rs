use futures::future::join_all;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::*;

/// Queries that the test answers, in order.
#[derive(Default)]
struct Asked(Arc<Mutex<Vec<Open>>>);

type Open = (u64, oneshot::Sender<u64>);

impl Asked {
    fn question(&self, key: u64) -> impl FnOnce() -> BoxFuture<'static, Result<u64, LogError>> {
        let asked = Arc::clone(&self.0);
        move || {
            async move {
                let (answer, answered) = oneshot::channel();
                asked.lock().push((key, answer));
                answered.await.map_err(LogError::unavailable)
            }
            .boxed()
        }
    }

    fn answer(&self, value: u64) -> u64 {
        let (key, answer) = self.0.lock().remove(0);
        answer.send(value).unwrap();
        key
    }

    fn open(&self) -> usize {
        self.0.lock().len()
    }
}

fn single_flight(at_once: usize, sharing: Sharing) -> SingleFlight<u64, u64> {
    SingleFlight::new(Arc::new(Semaphore::new(at_once)), sharing)
}

#[tokio::test]
async fn equal_lookups_run_once() {
    let (single_flight, asked) = (single_flight(4, Sharing::UntilAnswered), Asked::default());
    let mut waiting = join_all((0..100).map(|_| single_flight.ask(7, asked.question(7))));
    assert!(futures::poll!(&mut waiting).is_pending());
    assert_eq!(asked.open(), 1);
    assert_eq!(asked.answer(70), 7);
    let answers = waiting.await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(70))));
    assert_eq!(single_flight.joinable(), 0);
    // The next one is a new query.
    let mut next = Box::pin(single_flight.ask(7, asked.question(7)));
    assert!(futures::poll!(&mut next).is_pending());
    assert_eq!(asked.open(), 1);
}

#[tokio::test]
async fn concurrent_lookups_are_limited_and_ordered() {
    let (single_flight, asked) = (single_flight(3, Sharing::UntilAnswered), Asked::default());
    let mut waiting = join_all((0..50).map(|key| single_flight.ask(key, asked.question(key))));
    for key in 0..50 {
        let polled = futures::poll!(&mut waiting);
        assert!(polled.is_pending());
        assert_eq!(asked.open(), 3.min(50 - key as usize));
        assert_eq!(asked.answer(key), key);
    }
    let answers = waiting.await.into_iter().map(Result::unwrap);
    assert!(answers.eq(0..50));
}

/// A query in progress may return what was true before the caller asked.
#[tokio::test]
async fn a_lookup_that_needs_a_fresh_result_does_not_join_a_running_one() {
    let (single_flight, asked) = (single_flight(1, Sharing::UntilAsked), Asked::default());
    let mut early = Box::pin(single_flight.ask(1, asked.question(1)));
    assert!(futures::poll!(&mut early).is_pending());
    let mut late = join_all((0..20).map(|_| single_flight.ask(1, asked.question(1))));
    assert!(futures::poll!(&mut late).is_pending());
    assert_eq!(asked.open(), 1, "one permit");
    asked.answer(10);
    assert!(matches!(early.await, Ok(10)));
    assert!(futures::poll!(&mut late).is_pending());
    assert_eq!(asked.open(), 1, "one query for all later callers");
    asked.answer(11);
    assert!(late.await.iter().all(|answer| matches!(answer, Ok(11))));
}

#[tokio::test]
async fn a_dropped_caller_does_not_cancel_the_others() {
    let (single_flight, asked) = (single_flight(1, Sharing::UntilAnswered), Asked::default());
    let mut first = Box::pin(single_flight.ask(1, asked.question(1)));
    let mut second = Box::pin(single_flight.ask(1, asked.question(1)));
    assert!(futures::poll!(&mut first).is_pending());
    assert!(futures::poll!(&mut second).is_pending());
    drop(first);
    asked.answer(5);
    assert!(matches!(second.await, Ok(5)));

    // The permit is free when all callers are dropped.
    let mut given_up = Box::pin(single_flight.ask(2, asked.question(2)));
    assert!(futures::poll!(&mut given_up).is_pending());
    drop(given_up);
    assert_eq!(single_flight.joinable(), 0);
    asked.0.lock().clear();
    let mut next = Box::pin(single_flight.ask(3, asked.question(3)));
    assert!(futures::poll!(&mut next).is_pending());
    assert_eq!(asked.answer(6), 3);
    assert!(matches!(next.await, Ok(6)));
}

#[tokio::test]
async fn all_callers_get_the_failure() {
    let (single_flight, asked) = (single_flight(1, Sharing::UntilAnswered), Asked::default());
    let mut waiting = join_all((0..3).map(|_| single_flight.ask(1, asked.question(1))));
    assert!(futures::poll!(&mut waiting).is_pending());
    asked.0.lock().clear();
    assert!(waiting.await.iter().all(Result::is_err));
}
