//! Any bytes as a client's text message: no panic, and an accepted message keeps the limits and round-trips.

#![no_main]

use fanjet_filter::{ClientMessage, Filter, List, MAX_DELAY_MS, OptionsUpdate};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    match ClientMessage::parse(text) {
        Ok(ClientMessage::OptionsUpdate(OptionsUpdate { filter, max_delay })) => {
            assert!(max_delay.is_none_or(|delay| delay.as_millis() <= u128::from(MAX_DELAY_MS)));
            let request = filter.to_request();
            for list in List::ALL {
                assert!(request.values(list).len() <= list.max());
            }
            assert_eq!(Filter::from_request(&request).as_ref(), Ok(&filter));
        }
        Ok(ClientMessage::Unknown) => {}
        Err(refused) => assert!(refused.to_string().len() < 500),
    }
});
