use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::advance;

use super::*;
use crate::fair::Shares;
use crate::rate::Rate;

/// Finds the key itself after 100 ms, unless the key's name asks for something else.
struct Echo;

impl Kind<String> for Echo {
    fn site(&self, key: &str) -> Option<String> {
        (!key.starts_with("forbidden")).then(|| key.split('.').next().unwrap().to_owned())
    }

    fn bytes(&self, answer: &String) -> usize {
        answer.len()
    }

    fn time_to_live(&self, found: &Result<Option<String>, NoAnswer>) -> Duration {
        match found {
            Ok(Some(_)) => Duration::from_secs(3_600),
            Ok(None) => Duration::from_secs(60),
            Err(_) => Duration::ZERO,
        }
    }

    fn ended(&self, _ended: Ended, _remembered: usize) {}
}

const LIMITS: Limits = Limits {
    cached: 100,
    cached_bytes: usize::MAX,
    of_key: Rate::new(Duration::from_secs(60), 3),
    shares: Shares {
        waiting: 4,
        waiting_of_one: 4,
        under_way: 4,
        under_way_of_one: 4,
    },
    timeout: Duration::from_secs(1),
};

type EchoDesk = Lookups<String, Echo>;

fn at_once() -> EchoDesk {
    let rate = Rate::per_second(1_000, 1_000);
    Lookups::new(
        Echo,
        LIMITS,
        Admission::at_once(SiteLimits::new(rate, rate)),
    )
}

/// Runs lookups while `using` runs; returns how many there were.
async fn serving(lookups: &EchoDesk, using: impl Future<Output = ()>) -> usize {
    let asked = Arc::new(AtomicUsize::new(0));
    let look = |key: Box<str>| -> Looking<String> {
        asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            match &*key {
                "nothing" => Ok(None),
                "broken" => panic!("a stranger's bytes"),
                "silent" => std::future::pending().await,
                _ => Ok(Some(key.into_string())),
            }
        })
    };
    tokio::select! {
        () = lookups.run(look) => panic!("it ended"),
        () = using => {}
    }
    asked.load(Ordering::SeqCst)
}

async fn found(asked: Asked<String>) -> Answered<String> {
    match asked {
        Asked::Known(known) => known.answer,
        Asked::Waiting(look_up) => look_up.ended().await.unwrap().answer,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn many_who_ask_make_one_look_up_and_all_get_its_answer() {
    let lookups = at_once();
    let asked = serving(&lookups, async {
        let waits = (0..50).map(|_| found(lookups.ask("a")));
        for answer in join_all(waits).await {
            assert_eq!(answer.found().unwrap(), "a");
        }
        assert!(matches!(
            found(lookups.ask("nothing")).await,
            Answered::Nothing
        ));
        for _ in 0..3 {
            assert!(matches!(lookups.ask("a"), Asked::Known(_)));
            assert!(matches!(lookups.ask("nothing"), Asked::Known(_)));
        }
        assert_eq!(lookups.under_way(), 0);
    });
    assert_eq!(asked.await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_is_silent_or_crashes_is_no_answer_and_no_other_is_touched() {
    let lookups = at_once();
    let asked = serving(&lookups, async {
        let waits = ["silent", "broken", "a"].map(|key| found(lookups.ask(key)));
        let answers = join_all(waits).await;
        assert!(matches!(answers[0], Answered::Unknown));
        assert!(matches!(answers[1], Answered::Unknown));
        assert_eq!(answers[2].found().unwrap(), "a");
        assert_eq!(lookups.under_way(), 0);
        // Asked again at once, but not all the time.
        for _ in 0..10 {
            found(lookups.ask("broken")).await;
        }
    });
    assert_eq!(asked.await, 3 + 2);
}

#[tokio::test(start_paused = true)]
async fn what_turns_out_to_be_wrong_is_looked_up_again_a_few_times() {
    let lookups = at_once();
    let asked = serving(&lookups, async {
        found(lookups.ask("a")).await;
        let Asked::Waiting(again) = lookups.ask_again("a") else {
            panic!("not asked");
        };
        // Other callers wait for the same lookup, or take the cached result.
        assert!(matches!(lookups.ask_again("a"), Asked::Waiting(_)));
        assert!(matches!(lookups.ask("a"), Asked::Known(_)));
        again.ended().await.unwrap();
        for _ in 0..10 {
            found(lookups.ask_again("a")).await;
        }
    });
    assert_eq!(asked.await, 3);
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_be_older_than_what_happened_while_it_was_looked_up() {
    let lookups = at_once();
    let asked = serving(&lookups, async {
        let Asked::Waiting(first) = lookups.ask("a") else {
            panic!("not asked");
        };
        lookups.doubt("a");
        assert!(first.ended().await.unwrap().is_doubted);
        let second = lookups.ask("a");
        assert!(matches!(second, Asked::Waiting(_)));
        found(second).await;
        let known = lookups.remembered("a");
        assert!(!known.is_doubted && !known.is_stale);
        advance(Duration::from_secs(3_601)).await;
        let known = lookups.remembered("a");
        assert!(known.is_stale && !known.is_doubted && known.answer.found().is_some());
    });
    assert_eq!(asked.await, 2);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_begin_at_once_is_refused_and_leaves_nothing_behind() {
    let lookups = at_once();
    let asked = serving(&lookups, async {
        assert!(matches!(lookups.ask("forbidden.b"), Asked::Forbidden));
        let waits: Vec<_> = ["a", "b", "c", "d"]
            .map(|key| lookups.ask(key))
            .into_iter()
            .collect();
        for _ in 0..100 {
            assert!(matches!(
                lookups.ask("e"),
                Asked::Denied(Denied::RateLimited)
            ));
        }
        assert_eq!(lookups.under_way(), 4);
        join_all(waits.into_iter().map(found)).await;
        assert_eq!(lookups.under_way(), 0);
        found(lookups.ask("e")).await;
    });
    assert_eq!(asked.await, 5);
}

/// A directory that does not respond is not asked again at once; cached results stay.
#[tokio::test(start_paused = true)]
async fn a_site_that_is_away_is_not_asked() {
    let lookups = at_once();
    let asked = serving(&lookups, async {
        // `silent.1` responds, and shares its site with `silent`, which does not.
        found(lookups.ask("silent.1")).await;
        for _ in 0..3 {
            found(lookups.ask("silent")).await;
            lookups.doubt("silent.1");
            advance(Duration::from_secs(120)).await;
        }
        assert_eq!(
            lookups.remembered("silent.1").answer.found().unwrap(),
            "silent.1"
        );
    });
    assert_eq!(asked.await, 4);
}

#[tokio::test(start_paused = true)]
async fn where_there_are_turns_what_has_no_room_is_refused() {
    let budget = Arc::new(Budget::new(Rate::per_second(1, 1)));
    let lookups = Lookups::new(Echo, LIMITS, Admission::InTurn(budget));
    let asked = serving(&lookups, async {
        let begun = Instant::now();
        let waits: Vec<_> = (0..4).map(|n| lookups.ask(&n.to_string())).collect();
        assert!(matches!(lookups.ask("late"), Asked::Denied(_)));
        join_all(waits.into_iter().map(found)).await;
        assert_eq!(begun.elapsed(), Duration::from_millis(3_100));
    });
    assert_eq!(asked.await, 4);
}
