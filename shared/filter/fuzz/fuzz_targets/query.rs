//! Any text as a query string: no panic, and what is accepted keeps the limits.

#![no_main]

use fanjet_filter::{List, MAX_HEARTBEAT_SECONDS, SubscriberOptions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &str| {
    match SubscriberOptions::parse(query) {
        Ok(options) => {
            let request = options.filter.to_request();
            for list in List::ALL {
                assert!(request.values(list).len() <= list.max());
            }
            assert!(options.filter.prefixes().iter().all(|prefix| prefix.ends_with('.')));
            let seconds = options.heartbeat.map(|every| every.as_secs());
            assert!(seconds.is_none_or(|seconds| (1..=MAX_HEARTBEAT_SECONDS).contains(&seconds)));
        }
        Err(refused) => assert!(refused.answer().len() < 500),
    }
});
