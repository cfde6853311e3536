use proptest::prelude::*;

use super::*;

const RULES: Rules = Rules {
    fail_after: Duration::from_secs(30),
    stale_after: Duration::ZERO,
    probe_interval: Duration::from_secs(10),
    return_after: Duration::from_secs(120),
};

fn s(seconds: u64) -> Now {
    Now::from_secs(seconds)
}

#[test]
fn a_single_upstream_is_never_left() {
    let rules = Rules {
        stale_after: s(5),
        ..RULES
    };
    let mut failover = Failover::new(1, 0, rules);
    for second in 0..1_000 {
        failover.failed(s(second));
        assert_eq!(failover.decide(s(second)), Decision::Stay);
    }
    failover.connected(s(1_000));
    assert_eq!(failover.decide(s(100_000)), Decision::Stay);
    assert_eq!(failover.next_look(), None);
}

#[test]
fn failing_for_long_enough_leads_to_the_next_and_a_connection_that_drops_at_once_does_not_help() {
    let mut failover = Failover::new(3, 0, RULES);
    failover.connected(s(0));
    failover.failed(s(100));
    assert_eq!(failover.decide(s(129)), Decision::Stay);
    failover.connected(s(110));
    failover.failed(s(128));
    assert_eq!(failover.next_look(), Some(s(130)));
    assert_eq!(failover.decide(s(130)), Decision::Use(1, Reason::Failed));
    failover.failed(s(131));
    assert_eq!(failover.decide(s(161)), Decision::Use(2, Reason::Failed));
}

#[test]
fn a_connection_that_held_makes_an_old_failure_forgotten() {
    let mut failover = Failover::new(2, 0, RULES);
    failover.failed(s(0));
    failover.connected(s(1));
    failover.failed(s(40));
    assert_eq!(failover.decide(s(40)), Decision::Stay);
    assert_eq!(failover.next_look(), Some(s(70)));
}

#[test]
fn silence_counts_only_when_it_is_asked_for() {
    let mut quiet = Failover::new(2, 0, RULES);
    quiet.connected(s(0));
    assert_eq!(quiet.decide(s(1_000_000)), Decision::Stay);
    let rules = Rules {
        stale_after: s(60),
        ..RULES
    };
    let mut stale = Failover::new(2, 0, rules);
    stale.connected(s(0));
    stale.heard(s(50));
    assert_eq!(stale.decide(s(109)), Decision::Stay);
    assert_eq!(stale.next_look(), Some(s(110)));
    assert_eq!(stale.decide(s(110)), Decision::Use(1, Reason::Stale));
}

/// What happens to three upstreams in a random life: which are up in each second.
fn lives() -> impl Strategy<Value = Vec<[bool; 3]>> {
    let stretch = (prop::array::uniform3(any::<bool>()), 1usize..300);
    prop::collection::vec(stretch, 1..12).prop_map(|stretches| {
        let seconds = stretches
            .into_iter()
            .flat_map(|(up, length)| std::iter::repeat_n(up, length));
        seconds.collect()
    })
}

proptest! {
    /// Second by second: an upstream that is up is left only for a preferred one, and only for one that was up for
    /// `return_after`; switches are never closer to each other than the shorter of both times; with at least one
    /// upstream up for long, an upstream that is up is read; with all up for long, the preferred one.
    #[test]
    fn a_well_upstream_is_kept_and_the_best_one_found(life in lives()) {
        let mut failover = Failover::new(3, 0, RULES);
        let mut is_connected = false;
        let mut last_switch: Option<u64> = None;
        let mut up_since = [None::<u64>; 3];
        let mut unchanged_since = 0;
        for (second, up) in life.iter().enumerate() {
            let now = second as u64;
            if second > 0 && life[second - 1] != *up {
                unchanged_since = now;
            }
            for (since, is_up) in up_since.iter_mut().zip(up) {
                *since = is_up.then(|| since.unwrap_or(now));
            }
            let active = failover.active();
            match (up[active], is_connected) {
                (true, false) => failover.connected(s(now)),
                (false, _) => failover.failed(s(now)),
                (true, true) => {}
            }
            is_connected = up[active];
            match failover.decide(s(now)) {
                Decision::Stay => {}
                Decision::Probe(upstream) => {
                    prop_assert!(upstream < active, "looked at {upstream} while {active} is read");
                    failover.probed(upstream, up[upstream], s(now));
                }
                Decision::Use(upstream, reason) => {
                    prop_assert_eq!(failover.active(), upstream);
                    prop_assert_ne!(upstream, active);
                    if let Some(last) = last_switch {
                        prop_assert!(now - last >= 30, "switched at {last} and {now}");
                    }
                    match reason {
                        Reason::Preferred => {
                            prop_assert!(upstream < active);
                        }
                        Reason::Failed => prop_assert!(!up[active]),
                        Reason::Stale => prop_assert!(false, "nothing is stale here"),
                    }
                    last_switch = Some(now);
                    is_connected = false;
                }
            }
            let calm = now - unchanged_since;
            if calm > 3 * 31 && up.contains(&true) {
                prop_assert!(up[failover.active()], "second {now}: a dead one is read");
            }
            if calm > 3 * 31 + 2 * (120 + 3 * 11) && up[0] {
                prop_assert_eq!(failover.active(), 0, "second {}", now);
            }
        }
    }
}
