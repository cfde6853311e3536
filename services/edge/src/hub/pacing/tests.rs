use futures::StreamExt;

use super::*;

const FLOOR: Duration = Duration::from_millis(20);

fn rig() -> (watch::Sender<Head>, Rc<Cell<Step>>, Pacing) {
    let head = watch::Sender::new(Head::default());
    let last_step = Rc::new(Cell::new(Step::Done));
    let pacing = Pacing::new(head.subscribe(), Rc::clone(&last_step), FLOOR);
    (head, last_step, pacing)
}

fn advance(head: &watch::Sender<Head>) {
    head.send_modify(|head| head.end = Some(head.end.unwrap_or(0) + 1));
}

#[test]
fn a_flush_is_due_at_once_or_a_floor_after_the_last() {
    let now = Instant::now();
    assert_eq!(due(None, FLOOR, now), None);
    assert_eq!(due(Some(now), FLOOR, now), Some(now + FLOOR));
    assert_eq!(due(Some(now), FLOOR, now + FLOOR / 2), Some(now + FLOOR));
    assert_eq!(due(Some(now), FLOOR, now + FLOOR), None);
    assert_eq!(due(Some(now), Duration::ZERO, now), None);
}

#[tokio::test(start_paused = true)]
async fn idle_flushes_come_at_once_and_busy_ones_are_spaced_and_joined() {
    let (head, _, pacing) = rig();
    let mut flushes = Box::pin(pacing.flushes());
    let start = Instant::now();
    advance(&head);
    assert_eq!(flushes.next().await, Some(Flush));
    assert_eq!(start.elapsed(), Duration::ZERO);
    // Two more right away are one flush, a floor later.
    advance(&head);
    advance(&head);
    assert_eq!(flushes.next().await, Some(Flush));
    assert_eq!(start.elapsed().as_millis(), 20);
    let idle = tokio::time::timeout(FLOOR * 10, flushes.next()).await;
    assert!(idle.is_err(), "nothing new, no flush");
    advance(&head);
    let before = Instant::now();
    assert_eq!(flushes.next().await, Some(Flush));
    assert_eq!(before.elapsed(), Duration::ZERO);
    drop(head);
    assert_eq!(flushes.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn while_there_is_more_there_is_no_pause() {
    let (head, last_step, pacing) = rig();
    let mut flushes = Box::pin(pacing.flushes());
    advance(&head);
    flushes.next().await;
    last_step.set(Step::More);
    let start = Instant::now();
    for _ in 0..100 {
        assert_eq!(flushes.next().await, Some(Flush));
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}
