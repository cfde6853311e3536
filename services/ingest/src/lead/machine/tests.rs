mod model;

use proptest::prelude::*;

use super::*;
use model::{Fault, Model, random_faults};

const TIMING: Timing = Timing {
    ttl: Duration::from_secs(5),
    renew_interval: Duration::from_secs(1),
    pause: Duration::from_secs(1),
};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn term(revision: u64) -> Term {
    Term {
        holder: me(),
        revision,
    }
}

fn me() -> HolderId {
    HolderId::new("me").unwrap()
}

fn standby(now: Instant) -> Machine {
    Machine::new(me(), TIMING, now)
}

/// A leader since `now`, with a term that was asked for then.
fn leader(now: Instant) -> Machine {
    let mut machine = standby(now);
    assert_eq!(machine.step(now, Input::Tick), [Action::Acquire]);
    let begun = machine.step(now, Input::Acquired(Some(term(1))));
    assert_eq!(begun, [Action::Begin(now + seconds(4))]);
    assert_eq!(machine.role(), Role::Leader);
    machine
}

#[test]
fn a_standby_asks_regularly_and_at_once_when_the_lease_is_free() {
    let now = Instant::now();
    let mut machine = standby(now);
    assert_eq!(machine.step(now, Input::Tick), [Action::Acquire]);
    assert_eq!(machine.wake_at(), None, "one question at a time");
    assert_eq!(machine.step(now, Input::Acquired(None)), []);
    assert_eq!(machine.wake_at(), Some(now + seconds(1)));
    let soon = now + Duration::from_millis(10);
    assert_eq!(machine.step(soon, Input::Seen(Some(me()))), []);
    assert_eq!(machine.step(soon, Input::Seen(None)), [Action::Acquire]);
    // Seen while an answer is awaited, which was perhaps given before.
    assert_eq!(machine.step(soon, Input::Seen(None)), []);
    assert_eq!(machine.step(soon, Input::Acquired(None)), [Action::Acquire]);
    assert_eq!(machine.step(soon, Input::Failed), []);
    assert_eq!(machine.wake_at(), Some(soon + seconds(1)));
}

#[test]
fn a_leader_renews_and_a_renewal_counts_from_its_question() {
    let now = Instant::now();
    let mut machine = leader(now);
    let (asked, answered) = (now + seconds(1), now + seconds(2));
    assert_eq!(machine.wake_at(), Some(asked));
    assert_eq!(machine.step(asked, Input::Tick), [Action::Renew(term(1))]);
    assert_eq!(machine.step(asked, Input::Tick), []);
    let renewed = machine.step(answered, Input::Renewed(Some(term(2))));
    assert_eq!(renewed, [Action::Extend(asked + seconds(4))]);
    assert_eq!(machine.wake_at(), Some(answered), "the next is due");
    assert_eq!(
        machine.step(answered, Input::Tick),
        [Action::Renew(term(2))]
    );
}

#[test]
fn a_leader_that_hears_nothing_stops_before_its_term_ends() {
    let now = Instant::now();
    let mut machine = leader(now);
    let asked = now + seconds(1);
    machine.step(asked, Input::Tick);
    let failed = now + seconds(3);
    assert_eq!(machine.step(failed, Input::Failed), []);
    let again = failed + Duration::from_millis(250);
    assert_eq!(machine.wake_at(), Some(again));
    assert_eq!(machine.step(again, Input::Tick), [Action::Renew(term(1))]);
    let end = now + seconds(4);
    assert_eq!(machine.wake_at(), Some(end));
    let stopped = machine.step(end, Input::Tick);
    assert_eq!(
        stopped,
        [Action::Abort(Cause::Expired), Action::Release(term(1))]
    );
    assert_eq!(machine.role(), Role::SteppingDown);
    assert_eq!(machine.step(end, Input::Released), []);
    assert_eq!(machine.role(), Role::Standby);
    assert_eq!(machine.wake_at(), Some(end + seconds(1)));
}

#[test]
fn who_slept_through_a_term_stops_whatever_it_hears_first() {
    for first in [
        Input::Tick,
        Input::Renewed(Some(term(2))),
        Input::Failed,
        Input::Seen(Some(me())),
        Input::Stop,
    ] {
        let now = Instant::now();
        let mut machine = leader(now);
        machine.step(now + seconds(1), Input::Tick);
        let actions = machine.step(now + seconds(60), first.clone());
        assert_eq!(actions[0], Action::Abort(Cause::Expired), "{first:?}");
    }
}

#[test]
fn a_lost_lease_is_stopped_for_at_once_and_a_hint_only_asks() {
    let now = Instant::now();
    let mut machine = leader(now);
    let asks = machine.step(now, Input::Seen(None));
    assert_eq!(asks, [Action::Renew(term(1))], "a hint decides nothing");
    assert_eq!(
        machine.step(now, Input::Renewed(None)),
        [Action::Abort(Cause::Lost)]
    );
    assert_eq!(machine.role(), Role::Standby);
    assert_eq!(machine.wake_at(), Some(now));
}

#[test]
fn a_setback_lets_others_go_first() {
    let now = Instant::now();
    let mut machine = leader(now);
    let fenced = machine.step(now, Input::Ended(End::Over));
    assert_eq!(fenced, [Action::Release(term(1))]);
    machine.step(now, Input::Released);
    assert_eq!(machine.step(now, Input::Seen(None)), []);
    let later = now + seconds(1);
    assert_eq!(machine.wake_at(), Some(later));
    assert_eq!(machine.step(later, Input::Tick), [Action::Acquire]);
}

#[test]
fn a_stop_finishes_then_releases_then_leaves_and_renews_meanwhile() {
    let now = Instant::now();
    let mut machine = leader(now);
    assert_eq!(machine.step(now, Input::Stop), [Action::Finish]);
    assert_eq!(machine.role(), Role::SteppingDown);
    let later = now + seconds(1);
    assert_eq!(machine.step(later, Input::Tick), [Action::Renew(term(1))]);
    machine.step(later, Input::Renewed(Some(term(2))));
    let over = machine.step(later, Input::Ended(End::Over));
    assert_eq!(over, [Action::Release(term(2))]);
    assert_eq!(machine.step(later, Input::Released), [Action::Leave]);
}

#[test]
fn a_lease_granted_to_who_is_leaving_or_too_late_is_given_back() {
    let now = Instant::now();
    let mut machine = standby(now);
    assert_eq!(machine.step(now, Input::Tick), [Action::Acquire]);
    assert_eq!(machine.step(now, Input::Stop), []);
    let granted = machine.step(now, Input::Acquired(Some(term(1))));
    assert_eq!(granted, [Action::Release(term(1))]);
    assert_eq!(machine.step(now, Input::Released), [Action::Leave]);

    let mut machine = standby(now);
    machine.step(now, Input::Tick);
    let late = now + seconds(4);
    let granted = machine.step(late, Input::Acquired(Some(term(1))));
    assert_eq!(granted, [Action::Release(term(1))]);
    assert_eq!(machine.step(late, Input::Released), []);
    assert_eq!(machine.step(late, Input::Tick), [Action::Acquire]);
}

#[test]
fn an_idle_standby_leaves_at_once_and_a_fatal_end_leaves_too() {
    let now = Instant::now();
    let mut machine = standby(now);
    machine.step(now, Input::Tick);
    machine.step(now, Input::Acquired(None));
    assert_eq!(machine.step(now, Input::Stop), [Action::Leave]);

    let mut machine = leader(now);
    let ended = machine.step(now, Input::Ended(End::Fatal));
    assert_eq!(ended, [Action::Release(term(1))]);
    assert_eq!(machine.step(now, Input::Released), [Action::Leave]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Delays, losses and pauses of any length: no two may write at the same time. (That is what a lease can promise
    /// while clocks run evenly; the log does not rest on it.)
    #[test]
    fn no_two_may_write_at_once(faults in random_faults(false), seed in any::<u64>()) {
        let mut model = Model::new(3, TIMING, seed);
        for fault in faults {
            model.run(Duration::from_millis(fault.after_ms));
            model.inject(fault.what);
        }
        model.run(seconds(20));
        // Under endless faults a lease may never be won; afterwards one must be, or nothing was tested.
        model.inject(Fault::Calm);
        model.run(seconds(15));
        prop_assert!(model.terms() > 0);
    }

    /// After the faults end, a process leads soon, and keeps leading.
    #[test]
    fn a_member_leads_in_the_end(faults in random_faults(true), seed in any::<u64>()) {
        let mut model = Model::new(3, TIMING, seed);
        for fault in faults {
            model.run(Duration::from_millis(fault.after_ms));
            model.inject(fault.what);
        }
        model.inject(Fault::Calm);
        model.run(seconds(15));
        let leader = model.writers();
        prop_assert_eq!(leader.len(), 1, "after 15 s");
        model.run(seconds(30));
        prop_assert_eq!(model.writers(), leader, "another 30 s later");
    }
}
