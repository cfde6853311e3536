//! The smallest case of a plan that fails. Pure: whether a plan fails is an argument.
//!
//! What is left out does not change the draws of what stays: each client and each fault draws from dice of its own.

use crate::plan::Plan;

/// Leaves out faults, the last ones first so that the run becomes short, then clients, for as long as the rest fails.
pub fn shrink(mut plan: Plan, mut fails: impl FnMut(&Plan) -> bool) -> Plan {
    loop {
        let before = plan.clone();
        plan.faults = fewest(&plan.faults, |faults| {
            fails(&Plan {
                faults: faults.to_vec(),
                ..plan.clone()
            })
        });
        plan.clients = fewest(&plan.clients, |clients| {
            fails(&Plan {
                clients: clients.to_vec(),
                ..plan.clone()
            })
        });
        if plan == before {
            return plan;
        }
    }
}

/// Takes away half of the items at a time, then smaller parts, down to single ones.
fn fewest(all: &[usize], mut fails: impl FnMut(&[usize]) -> bool) -> Vec<usize> {
    let mut kept = all.to_vec();
    let mut part = kept.len().div_ceil(2);
    while part > 0 {
        let mut end = kept.len();
        while end > 0 {
            let begin = end.saturating_sub(part);
            let mut rest = kept.clone();
            rest.drain(begin..end);
            if fails(&rest) {
                kept = rest;
            }
            end = begin;
        }
        part /= 2;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_failure_does_not_need_is_left_out() {
        let mut runs = 0;
        let smallest = shrink(Plan::of(7), |plan| {
            runs += 1;
            plan.clients.contains(&3) && [5, 17].iter().all(|fault| plan.faults.contains(fault))
        });
        assert_eq!((smallest.clients, smallest.faults), (vec![3], vec![5, 17]));
        assert!(runs < 150, "{runs}");
    }

    #[test]
    fn a_failure_that_needs_nothing_becomes_empty() {
        let smallest = shrink(Plan::of(7), |_| true);
        assert_eq!((smallest.clients.len(), smallest.faults.len()), (0, 0));
        assert_eq!(
            smallest.to_string(),
            "cargo xtask simulate --from 7 --seeds 1 --clients= --faults="
        );
    }

    #[test]
    fn what_is_needed_as_a_whole_stays_whole() {
        let whole = Plan::of(7);
        assert_eq!(shrink(whole.clone(), |plan| *plan == whole), whole);
        assert_eq!(whole.to_string(), "cargo xtask simulate --from 7 --seeds 1");
    }
}
