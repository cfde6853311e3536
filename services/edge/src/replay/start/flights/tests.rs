use futures::future::join_all;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::*;

/// Questions that are answered by hand, in the order in which they are asked.
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

fn flights(at_once: usize, sharing: Sharing) -> Flights<u64, u64> {
    Flights::new(Arc::new(Semaphore::new(at_once)), sharing)
}

#[tokio::test]
async fn the_same_question_is_asked_once() {
    let (flights, asked) = (flights(4, Sharing::UntilAnswered), Asked::default());
    let mut waiting = join_all((0..100).map(|_| flights.ask(7, asked.question(7))));
    assert!(futures::poll!(&mut waiting).is_pending());
    assert_eq!(asked.open(), 1);
    assert_eq!(asked.answer(70), 7);
    let answers = waiting.await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(70))));
    assert_eq!(flights.joinable(), 0);
    // The next one is another question.
    let mut next = Box::pin(flights.ask(7, asked.question(7)));
    assert!(futures::poll!(&mut next).is_pending());
    assert_eq!(asked.open(), 1);
}

#[tokio::test]
async fn only_so_many_are_asked_at_once_in_their_order() {
    let (flights, asked) = (flights(3, Sharing::UntilAnswered), Asked::default());
    let mut waiting = join_all((0..50).map(|key| flights.ask(key, asked.question(key))));
    for key in 0..50 {
        let polled = futures::poll!(&mut waiting);
        assert!(polled.is_pending());
        assert_eq!(asked.open(), 3.min(50 - key as usize));
        assert_eq!(asked.answer(key), key);
    }
    let answers = waiting.await.into_iter().map(Result::unwrap);
    assert!(answers.eq(0..50));
}

/// A question that is on its way may be answered with what was true before somebody asked.
#[tokio::test]
async fn who_needs_a_new_answer_does_not_join_a_question_that_was_asked() {
    let (flights, asked) = (flights(1, Sharing::UntilAsked), Asked::default());
    let mut early = Box::pin(flights.ask(1, asked.question(1)));
    assert!(futures::poll!(&mut early).is_pending());
    let mut late = join_all((0..20).map(|_| flights.ask(1, asked.question(1))));
    assert!(futures::poll!(&mut late).is_pending());
    assert_eq!(asked.open(), 1, "one turn");
    asked.answer(10);
    assert!(matches!(early.await, Ok(10)));
    assert!(futures::poll!(&mut late).is_pending());
    assert_eq!(asked.open(), 1, "one question for all who are late");
    asked.answer(11);
    assert!(late.await.iter().all(|answer| matches!(answer, Ok(11))));
}

#[tokio::test]
async fn who_drops_out_takes_nothing_from_the_others() {
    let (flights, asked) = (flights(1, Sharing::UntilAnswered), Asked::default());
    let mut first = Box::pin(flights.ask(1, asked.question(1)));
    let mut second = Box::pin(flights.ask(1, asked.question(1)));
    assert!(futures::poll!(&mut first).is_pending());
    assert!(futures::poll!(&mut second).is_pending());
    drop(first);
    asked.answer(5);
    assert!(matches!(second.await, Ok(5)));

    // When nobody is left the turn is free.
    let mut given_up = Box::pin(flights.ask(2, asked.question(2)));
    assert!(futures::poll!(&mut given_up).is_pending());
    drop(given_up);
    assert_eq!(flights.joinable(), 0);
    asked.0.lock().clear();
    let mut next = Box::pin(flights.ask(3, asked.question(3)));
    assert!(futures::poll!(&mut next).is_pending());
    assert_eq!(asked.answer(6), 3);
    assert!(matches!(next.await, Ok(6)));
}

#[tokio::test]
async fn a_failure_is_everybodys() {
    let (flights, asked) = (flights(1, Sharing::UntilAnswered), Asked::default());
    let mut waiting = join_all((0..3).map(|_| flights.ask(1, asked.question(1))));
    assert!(futures::poll!(&mut waiting).is_pending());
    asked.0.lock().clear();
    assert!(waiting.await.iter().all(Result::is_err));
}
