//! Any text as the body that stores a filter: no panic, and what is accepted comes back from its canonical text with
//! the same id.

#![no_main]

use fanjet_filter::{Filter, FilterId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Filter::from_json(text) {
        Ok(filter) => {
            let again = Filter::from_json(&filter.to_json());
            assert_eq!(again.as_ref(), Ok(&filter));
            let id = FilterId::of(&filter);
            assert_eq!(FilterId::parse(&id.to_string()), Some(id));
        }
        Err(refused) => assert!(refused.to_string().len() < 500),
    }
});
