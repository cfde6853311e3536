//! Compares the events that a client returned with the expected ones: pure, and as strict as the protocol allows.

use std::collections::BTreeMap;

use fanjet_oracle::Verdict;

/// One event as a client returned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Received {
    /// The event of the world that it is, if any.
    pub(super) position: Option<usize>,
    pub(super) time_us: Option<u64>,
    /// How it differs from that event.
    pub(super) difference: Option<String>,
}

/// The expectations of a client's stream.
#[derive(Debug)]
pub(super) struct Rules {
    /// The positions that it must return, in order.
    pub(super) wanted: Vec<usize>,
    /// Whether it may, and must, resume with its cursor.
    pub(super) is_interrupted: bool,
    /// How far behind its last event it may resume at another URL.
    pub(super) rewinds_us: u64,
    /// Whether it drops repetitions itself, so that it is not visible where it resumed.
    pub(super) hides_repetitions: bool,
}

/// The findings.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Judged {
    /// `events` counts different ones. Unexplained repetitions count as reordered.
    pub(super) verdict: Verdict,
    /// Events repeated because the cursor is inclusive, or was set back by the library.
    pub(super) repeated: u64,
    /// Connections that started with a cursor.
    pub(super) resumed: u64,
}

impl Judged {
    fn object(&mut self, complaint: String) {
        self.verdict.object(|| complaint);
    }
}

/// Checks a whole stream.
///
/// Each event must be the next matching one. The only exception is a connection that starts with a cursor: it repeats
/// the last event, because cursors are inclusive, or starts with the first event that is at most `rewinds_us` older
/// than the last one, and continues from there.
pub(super) fn judge(rules: &Rules, received: &[Received]) -> Judged {
    let mut judged = Judged::default();
    let mut times = BTreeMap::new();
    // The next index in `wanted`, and the one behind the furthest so far.
    let (mut next, mut furthest) = (0, 0);
    for event in received {
        if let Some(difference) = &event.difference {
            judged.verdict.differ += 1;
            judged.object(difference.clone());
            continue;
        }
        let place = event
            .position
            .and_then(|it| rules.wanted.binary_search(&it).ok());
        let (Some(place), Some(time_us)) = (place, event.time_us) else {
            judged.verdict.differ += 1;
            judged.object(format!(
                "does not match the filter: event {:?}",
                event.position
            ));
            continue;
        };
        if place >= next {
            if place > next && next < furthest {
                judged.verdict.reordered += 1;
                judged.object(format!("event {next} is missing in a repetition"));
            }
            next = place + 1;
        } else if rules.is_interrupted && may_begin_at(rules, &times, furthest, place) {
            judged.resumed += 1;
            next = place + 1;
        } else {
            judged.verdict.reordered += 1;
            let behind = furthest - 1;
            judged.object(format!(
                "event {place} is repeated, or late, behind {behind}"
            ));
        }
        let first_time = *times.entry(place).or_insert(time_us);
        if first_time != time_us {
            judged.verdict.differ += 1;
            judged.object(format!(
                "event {place} has two times: {first_time}, {time_us}"
            ));
        }
        judged.repeated += u64::from(place < furthest);
        furthest = furthest.max(next);
    }
    judged.verdict.events = times.len() as u64;
    judged.verdict.missing = (rules.wanted.len() - times.len()) as u64;
    if let Some(missing) = (0..rules.wanted.len()).find(|place| !times.contains_key(place)) {
        let of = rules.wanted.len();
        judged.object(format!("event {missing} of {of} is missing"));
    }
    let mut in_order = times.iter().zip(times.iter().skip(1));
    if let Some(((place, a), (_, b))) = in_order.find(|((_, a), (_, b))| a >= b) {
        judged.object(format!("time_us {b} behind event {place} of {a}"));
    }
    if rules.is_interrupted && judged.resumed == 0 && !rules.hides_repetitions {
        judged.object("it never resumed: the fault had no effect".to_owned());
    }
    judged
}

/// Whether a connection may start there: at the last event, or where a library that sets its cursor back must.
fn may_begin_at(
    rules: &Rules,
    times: &BTreeMap<usize, u64>,
    furthest: usize,
    place: usize,
) -> bool {
    let last = furthest - 1;
    let Some(cursor) = times.get(&last).map(|last| last - rules.rewinds_us) else {
        return false;
    };
    let set_back = times.iter().find(|(_, time_us)| **time_us >= cursor);
    place == last || set_back.is_some_and(|(first, _)| *first == place)
}

/// The matching positions of a stream whose filter changes: those of the old filter up to the change, those of the new
/// one from there on.
///
/// The change is behind the last event that only the old filter matches, and behind every missing event that only the
/// new one matches. If it truly is further on, that is not visible: events that both filters match arrive either way.
/// `None` if no event arrived that only the new filter matches.
pub(super) fn changed(
    before: &[usize],
    behind: &[usize],
    received: &[Received],
) -> Option<Vec<usize>> {
    let is_in = |positions: &[usize], position: &usize| positions.binary_search(position).is_ok();
    let only_old = |position: &usize| is_in(before, position) && !is_in(behind, position);
    let only_new = |position: &usize| is_in(behind, position) && !is_in(before, position);
    let positions = || received.iter().filter_map(|event| event.position);
    let first_new = positions().find(only_new)?;
    let last_old = positions().filter(only_old).max();
    let earlier = behind.iter().copied().filter(only_new);
    let last_not_yet = earlier.take_while(|position| *position < first_new).last();
    let change = last_old.max(last_not_yet).map_or(0, |last| last + 1);
    let old = before.iter().filter(|position| **position < change);
    let new = behind.iter().filter(|position| **position >= change);
    Some(old.chain(new).copied().collect())
}

#[cfg(test)]
mod tests;
