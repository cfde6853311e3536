//! Any text as a query string: no panic, and what is accepted keeps the limits.

#![no_main]

use fanjet_filter::{MAX_COLLECTIONS, MAX_DIDS, SubscriberOptions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &str| {
    match SubscriberOptions::parse(query) {
        Ok(options) => {
            let filter = options.filter;
            assert!(filter.collections().len() + filter.prefixes().len() <= MAX_COLLECTIONS);
            assert!(filter.dids().len() <= MAX_DIDS);
            assert!(filter.prefixes().iter().all(|prefix| prefix.ends_with('.')));
        }
        Err(refused) => assert!(refused.answer().len() < 500),
    }
});
