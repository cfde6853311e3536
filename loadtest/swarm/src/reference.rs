//! The events of one unfiltered stream, and what they imply for all others: the events that each must have received
//! between its first and its last one.

use fanjet_oracle::Matcher;
use hashbrown::HashMap;

use crate::expected::{Seen, Stretch};

/// Limit of recorded events: 16 bytes each.
const MAX_EVENTS: usize = 50_000_000;
/// The collection of events other than commits.
const NONE: u32 = u32::MAX;

/// Every event of an unfiltered stream.
#[derive(Debug, Default)]
pub(crate) struct Reference {
    events: Vec<Event>,
    dids: HashMap<String, u32>,
    collections: HashMap<String, u32>,
    is_full: bool,
}

#[derive(Debug)]
struct Event {
    time_us: u64,
    did: u32,
    collection: u32,
}

/// The result of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// It has exactly the events that it must have.
    Same,
    /// The number of missing events; negative if there are too many. 0: the number is right, but the events are not the
    /// same.
    Differs(i64),
    /// It is empty, or exceeds the reference.
    Unknown,
}

impl Reference {
    /// Adds the next event.
    pub(crate) fn record(&mut self, seen: &Seen<'_>) {
        if self.events.len() >= MAX_EVENTS {
            self.is_full = true;
            return;
        }
        let event = Event {
            time_us: seen.time_us,
            did: number(&mut self.dids, &seen.did),
            collection: seen
                .collection
                .as_ref()
                .map_or(NONE, |it| number(&mut self.collections, it)),
        };
        self.events.push(event);
    }

    /// The newest event's time.
    pub(crate) fn last(&self) -> u64 {
        self.events.last().map_or(0, |event| event.time_us)
    }

    /// Compares a stream with the filter `wanted`.
    pub(crate) fn compare(&self, wanted: &Matcher, got: &Stretch) -> Comparison {
        if got.count == 0 {
            return Comparison::Unknown;
        }
        let begins = self
            .events
            .first()
            .is_some_and(|it| it.time_us <= got.first);
        if !begins || self.is_full || self.last() < got.last {
            return Comparison::Unknown;
        }
        let from = self.events.partition_point(|it| it.time_us < got.first);
        let names = |map: &HashMap<String, u32>, is_wanted: &dyn Fn(&str) -> bool| {
            let mut wanted = vec![false; map.len()];
            for (name, number) in map {
                wanted[*number as usize] = is_wanted(name);
            }
            wanted
        };
        let dids = names(&self.dids, &|did| wanted.matches(did, None));
        let collections = names(&self.collections, &|it| wanted.wants_collection(it));
        let mut due = Stretch::default();
        for event in self.events[from..]
            .iter()
            .take_while(|it| it.time_us <= got.last)
        {
            let fits = event.collection == NONE || collections[event.collection as usize];
            if fits && dids[event.did as usize] {
                due.add(event.time_us);
            }
        }
        match (due.count, due.sum) == (got.count, got.sum) {
            true => Comparison::Same,
            false => Comparison::Differs(due.count as i64 - got.count as i64),
        }
    }
}

fn number(names: &mut HashMap<String, u32>, name: &str) -> u32 {
    let next = names.len() as u32;
    *names.entry_ref(name).or_insert(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanjet_oracle::Filter;

    fn seen(time_us: u64) -> Seen<'static> {
        let did = if time_us.is_multiple_of(3) {
            "did:plc:x"
        } else {
            "did:plc:y"
        };
        let collection = (!time_us.is_multiple_of(5)).then(|| "a.b.c".into());
        Seen {
            time_us,
            did: did.into(),
            collection,
        }
    }

    fn stretch(times: impl IntoIterator<Item = u64>) -> Stretch {
        let mut stretch = Stretch::default();
        times.into_iter().for_each(|time| stretch.add(time));
        stretch
    }

    #[test]
    fn what_is_missing_or_too_much_shows() {
        let mut reference = Reference::default();
        (1..=100).for_each(|time| reference.record(&seen(time)));
        let all = Matcher::default();
        let mut filter = Filter::default();
        filter.dids.push("did:plc:x".to_owned());
        let thirds = Matcher::new(&filter);
        assert_eq!(reference.compare(&all, &stretch(10..=90)), Comparison::Same);
        let some = (10..=90).filter(|it: &u64| it.is_multiple_of(3));
        assert_eq!(
            reference.compare(&thirds, &stretch(some.clone())),
            Comparison::Same
        );
        let lost = (10..=90).filter(|it| *it != 40);
        assert_eq!(
            reference.compare(&all, &stretch(lost)),
            Comparison::Differs(1)
        );
        let twice = some.chain([60]);
        assert_eq!(
            reference.compare(&thirds, &stretch(twice)),
            Comparison::Differs(-1)
        );
        let swapped = (10..=90).map(|it| if it == 40 { 41 } else { it });
        assert_eq!(
            reference.compare(&all, &stretch(swapped)),
            Comparison::Differs(0)
        );
        assert_eq!(reference.compare(&all, &stretch(0..5)), Comparison::Unknown);
        assert_eq!(
            reference.compare(&all, &stretch(90..=101)),
            Comparison::Unknown
        );
        assert_eq!(reference.compare(&all, &stretch([])), Comparison::Unknown);
    }
}
