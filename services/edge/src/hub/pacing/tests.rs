use std::thread_local;

use futures::StreamExt;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;

use super::*;
use crate::hub::delay::DELAYS;
use crate::metrics::Metrics;

thread_local! {
    static USED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

fn spend(time: Duration) {
    USED.set(USED.get() + time);
}

const DONE: AfterStep = AfterStep {
    step: StepOutcome::Done,
    delayed: None,
    is_idle: false,
};

fn harness(percent: u32) -> (watch::Sender<Head>, Rc<Cell<AfterStep>>, Pacing) {
    let head = watch::Sender::new(Head::default());
    let after_step = Rc::new(Cell::new(DONE));
    let metrics = Metrics::new(&SdkMeterProvider::default().meter("test")).of_worker(0);
    let pacing = Pacing::new(
        head.subscribe(),
        Rc::clone(&after_step),
        Promptness::new(percent, CEILING),
        || USED.get(),
        metrics,
    );
    (head, after_step, pacing)
}

fn advance(head: &watch::Sender<Head>) {
    head.send_modify(|head| head.end = Some(head.end.unwrap_or(0) + 1));
}

#[test]
fn a_flush_is_due_at_once_or_a_floor_after_the_last() {
    let now = Instant::now();
    assert_eq!(due(None, CEILING, now), None);
    assert_eq!(due(Some(now), CEILING, now), Some(now + CEILING));
    assert_eq!(
        due(Some(now), CEILING, now + CEILING / 2),
        Some(now + CEILING)
    );
    assert_eq!(due(Some(now), CEILING, now + CEILING), None);
    assert_eq!(due(Some(now), Duration::ZERO, now), None);
}

#[tokio::test(start_paused = true)]
async fn cheap_flushes_are_immediate_and_expensive_ones_are_spaced() {
    let (head, _, pacing) = harness(25);
    let mut flushes = Box::pin(pacing.flushes());
    let start = Instant::now();
    // Flushes cost nothing.
    for _ in 0..100 {
        advance(&head);
        assert_eq!(flushes.next().await, Some(Flush::All));
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    // Each flush occupies the core for a while: the tasks that it wakes run before the next is considered.
    for _ in 0..100 {
        advance(&head);
        assert_eq!(flushes.next().await, Some(Flush::All));
        let busy = Duration::from_millis(20);
        spend(busy);
        tokio::time::advance(busy).await;
    }
    advance(&head);
    flushes.next().await;
    // Two more events right away share one flush, one floor later.
    let start = Instant::now();
    advance(&head);
    advance(&head);
    assert_eq!(flushes.next().await, Some(Flush::All));
    let pause = start.elapsed();
    assert!(
        Duration::from_millis(20) < pause && pause <= CEILING,
        "{pause:?}"
    );
    let idle = tokio::time::timeout(CEILING * 100, flushes.next()).await;
    assert!(idle.is_err(), "no flush without new events");
    // The first flush after the quiet time is prompt again.
    for _ in 0..2 {
        advance(&head);
        let before = Instant::now();
        assert_eq!(flushes.next().await, Some(Flush::All));
        assert_eq!(before.elapsed(), Duration::ZERO);
    }
    drop(head);
    assert_eq!(flushes.next().await, None);
}

/// A hub that is behind is not slowed down further.
#[tokio::test(start_paused = true)]
async fn there_is_no_pause_while_events_remain() {
    let (head, after_step, pacing) = harness(0);
    let mut flushes = Box::pin(pacing.flushes());
    advance(&head);
    flushes.next().await;
    after_step.set(AfterStep {
        step: StepOutcome::More,
        ..DONE
    });
    let start = Instant::now();
    for _ in 0..100 {
        assert!(flushes.next().await.is_some());
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// Without subscribers the worker is not woken for every event.
#[tokio::test(start_paused = true)]
async fn without_subscribers_flushes_are_rare() {
    let (head, after_step, pacing) = harness(100);
    after_step.set(AfterStep {
        is_idle: true,
        ..DONE
    });
    let mut flushes = Box::pin(pacing.flushes());
    let start = Instant::now();
    for looks in 0..4 {
        advance(&head);
        advance(&head);
        flushes.next().await;
        assert_eq!(start.elapsed(), looks * CEILING);
    }
    after_step.set(DONE);
    advance(&head);
    flushes.next().await;
    assert_eq!(start.elapsed(), 3 * CEILING);
}

#[tokio::test(start_paused = true)]
async fn delayed_shards_are_flushed_alone_when_due() {
    let (head, after_step, pacing) = harness(0);
    let mut flushes = Box::pin(pacing.flushes());
    advance(&head);
    let start = Instant::now();
    assert_eq!(flushes.next().await, Some(Flush::All));
    let busy = Duration::from_millis(1);
    spend(busy);
    tokio::time::advance(busy).await;
    let waiting = |millis| AfterStep {
        delayed: Some(start + Duration::from_millis(millis)),
        ..DONE
    };
    // No new events.
    after_step.set(waiting(30));
    assert_eq!(flushes.next().await, Some(Flush::Delayed));
    assert_eq!(start.elapsed().as_millis(), 30);
    // A new event, but its interval has not passed.
    advance(&head);
    after_step.set(waiting(40));
    assert_eq!(flushes.next().await, Some(Flush::Delayed));
    assert_eq!(start.elapsed().as_millis(), 40);
    after_step.set(DONE);
    assert_eq!(flushes.next().await, Some(Flush::All));
    assert_eq!(start.elapsed(), CEILING);
    // The interval passes first.
    advance(&head);
    after_step.set(waiting(1000));
    assert_eq!(flushes.next().await, Some(Flush::All));
    assert_eq!(start.elapsed(), 2 * CEILING);
}

/// The work of all tasks that a step wakes belongs to the flush.
#[test]
fn writes_after_a_step_count_as_its_cost() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let (head, _, mut pacing) = harness(25);
        let woken = Rc::new(tokio::sync::Notify::new());
        for _ in 0..1_000 {
            let woken = Rc::clone(&woken);
            tokio::task::spawn_local(async move {
                woken.notified().await;
                spend(Duration::from_micros(10));
            });
        }
        // As in a hub, in its own task among the others.
        let hub = tokio::task::spawn_local(async move {
            tokio::task::yield_now().await;
            advance(&head);
            pacing.next().await;
            tokio::time::advance(Duration::from_secs(60)).await;
            woken.notify_waiters();
            drop(head);
            assert_eq!(pacing.next().await, None);
            pacing.promptness.share()
        });
        let share = hub.await.unwrap();
        assert!((share - 0.01 / 60.0).abs() < 1e-6, "{share}");
    });
}

/// A delayed shard may notice an event only with the next prompt flush.
#[test]
fn every_delay_is_longer_than_the_longest_pause() {
    assert!(DELAYS.into_iter().all(|delay| delay > CEILING));
}

#[test]
fn the_thread_clock_counts_cpu_time_only() {
    let before = thread_cpu();
    let until = before + Duration::from_millis(5);
    while thread_cpu() < until {
        std::hint::black_box(before);
    }
    let slept = thread_cpu();
    std::thread::sleep(Duration::from_millis(50));
    assert!(thread_cpu() - slept < Duration::from_millis(40));
}
