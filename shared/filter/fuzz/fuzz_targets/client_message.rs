//! Any bytes as a client's text message: no panic, what is accepted keeps the limits and says the same when it is
//! said again.

#![no_main]

use fanjet_filter::{ClientMessage, Filter, MAX_COLLECTIONS, MAX_DIDS};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    match ClientMessage::parse(text) {
        Ok(ClientMessage::OptionsUpdate(filter)) => {
            assert!(filter.collections().len() + filter.prefixes().len() <= MAX_COLLECTIONS);
            assert!(filter.dids().len() <= MAX_DIDS);
            let prefixes: Vec<_> = filter.prefixes().iter().map(|head| format!("{head}*")).collect();
            let again = Filter::new(
                filter.collections().iter().map(|name| name.as_str()).chain(prefixes.iter().map(String::as_str)),
                filter.dids().iter().map(|did| did.as_str()),
                filter.max_message_bytes().map_or(0, u32::from),
            );
            assert_eq!(again.as_ref(), Ok(&filter));
        }
        Ok(ClientMessage::Unknown) => {}
        Err(refused) => assert!(refused.to_string().len() < 500),
    }
});
