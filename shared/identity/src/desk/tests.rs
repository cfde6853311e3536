use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::advance;

use super::*;
use crate::fair::Shares;
use crate::rate::Rate;

/// Finds the key itself, unless it says otherwise, after 100 ms.
struct Echo;

impl Kind<String> for Echo {
    fn site(&self, key: &str) -> Option<String> {
        (!key.starts_with("nobody")).then(|| key.split('.').next().unwrap().to_owned())
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

type EchoDesk = Desk<String, Echo>;

fn at_once() -> EchoDesk {
    let rate = Rate::per_second(1_000, 1_000);
    Desk::new(Echo, LIMITS, Admission::at_once(Gate::new(rate, rate)))
}

/// Makes look-ups while `using` goes on; how many were made.
async fn serving(desk: &EchoDesk, using: impl Future<Output = ()>) -> usize {
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
        () = desk.run(look) => panic!("it ended"),
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
    let desk = at_once();
    let asked = serving(&desk, async {
        let waits = (0..50).map(|_| found(desk.ask("a")));
        for answer in join_all(waits).await {
            assert_eq!(answer.found().unwrap(), "a");
        }
        assert!(matches!(
            found(desk.ask("nothing")).await,
            Answered::Nothing
        ));
        for _ in 0..3 {
            assert!(matches!(desk.ask("a"), Asked::Known(_)));
            assert!(matches!(desk.ask("nothing"), Asked::Known(_)));
        }
        assert_eq!(desk.under_way(), 0);
    });
    assert_eq!(asked.await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_is_silent_or_crashes_is_no_answer_and_no_other_is_touched() {
    let desk = at_once();
    let asked = serving(&desk, async {
        let waits = ["silent", "broken", "a"].map(|key| found(desk.ask(key)));
        let answers = join_all(waits).await;
        assert!(matches!(answers[0], Answered::Unknown));
        assert!(matches!(answers[1], Answered::Unknown));
        assert_eq!(answers[2].found().unwrap(), "a");
        assert_eq!(desk.under_way(), 0);
        // Asked again at once, but not all the time.
        for _ in 0..10 {
            found(desk.ask("broken")).await;
        }
    });
    assert_eq!(asked.await, 3 + 2);
}

#[tokio::test(start_paused = true)]
async fn what_turns_out_to_be_wrong_is_looked_up_again_a_few_times() {
    let desk = at_once();
    let asked = serving(&desk, async {
        found(desk.ask("a")).await;
        let Asked::Waiting(again) = desk.ask_again("a") else {
            panic!("not asked");
        };
        // Who asks meanwhile waits for the same, or takes what is known.
        assert!(matches!(desk.ask_again("a"), Asked::Waiting(_)));
        assert!(matches!(desk.ask("a"), Asked::Known(_)));
        again.ended().await.unwrap();
        for _ in 0..10 {
            found(desk.ask_again("a")).await;
        }
    });
    assert_eq!(asked.await, 3);
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_be_older_than_what_happened_while_it_was_looked_up() {
    let desk = at_once();
    let asked = serving(&desk, async {
        let Asked::Waiting(first) = desk.ask("a") else {
            panic!("not asked");
        };
        desk.doubt("a");
        assert!(first.ended().await.unwrap().is_doubted);
        let second = desk.ask("a");
        assert!(matches!(second, Asked::Waiting(_)));
        found(second).await;
        let known = desk.remembered("a");
        assert!(!known.is_doubted && !known.is_stale);
        advance(Duration::from_secs(3_601)).await;
        let known = desk.remembered("a");
        assert!(known.is_stale && !known.is_doubted && known.answer.found().is_some());
    });
    assert_eq!(asked.await, 2);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_begin_at_once_is_refused_and_leaves_nothing_behind() {
    let desk = at_once();
    let asked = serving(&desk, async {
        assert!(matches!(desk.ask("nobody.b"), Asked::Nobody));
        let waits: Vec<_> = ["a", "b", "c", "d"]
            .map(|key| desk.ask(key))
            .into_iter()
            .collect();
        for _ in 0..100 {
            assert!(matches!(desk.ask("e"), Asked::Denied(Denied::RateLimited)));
        }
        assert_eq!(desk.under_way(), 4);
        join_all(waits.into_iter().map(found)).await;
        assert_eq!(desk.under_way(), 0);
        found(desk.ask("e")).await;
    });
    assert_eq!(asked.await, 5);
}

/// A directory that says nothing is left alone; what was known of an account stays known.
#[tokio::test(start_paused = true)]
async fn a_site_that_is_away_is_not_asked() {
    let desk = at_once();
    let asked = serving(&desk, async {
        // `silent.1` is answered, and shares its site with `silent`, which is not.
        found(desk.ask("silent.1")).await;
        for _ in 0..3 {
            found(desk.ask("silent")).await;
            desk.doubt("silent.1");
            advance(Duration::from_secs(120)).await;
        }
        assert_eq!(
            desk.remembered("silent.1").answer.found().unwrap(),
            "silent.1"
        );
    });
    assert_eq!(asked.await, 4);
}

#[tokio::test(start_paused = true)]
async fn where_there_are_turns_what_has_no_room_is_refused() {
    let budget = Arc::new(Budget::new(Rate::per_second(1, 1)));
    let desk = Desk::new(Echo, LIMITS, Admission::InTurn(budget));
    let asked = serving(&desk, async {
        let begun = Instant::now();
        let waits: Vec<_> = (0..4).map(|n| desk.ask(&n.to_string())).collect();
        assert!(matches!(desk.ask("late"), Asked::Denied(_)));
        join_all(waits.into_iter().map(found)).await;
        assert_eq!(begun.elapsed(), Duration::from_millis(3_100));
    });
    assert_eq!(asked.await, 4);
}
