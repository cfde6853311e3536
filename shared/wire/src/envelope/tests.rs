use fanjet_event::{Datetime, Did};
use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn reads_back_what_was_stamped(us in TimeUs::MIN.get()..=TimeUs::MAX.get(), id in "[a-z0-9.:%_-]{0,40}[a-z0-9]") {
        let did = format!("did:web:{id}");
        let mut event = Vec::new();
        v1::write_identity(&mut event, Did::parse(did.as_str()).unwrap(), None, 1, Datetime::parse("2026-05-25T14:23:29Z").unwrap());
        prop_assert_eq!(Envelope::of(&event), None);
        let time = TimeUs::new(us).unwrap();
        prop_assert!(v1::stamp(&mut event, time));
        prop_assert_eq!(Envelope::of(&event), Some(Envelope { did: &did, time }));
    }

    #[test]
    fn other_bytes_are_no_event(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(Envelope::of(&bytes), None);
    }
}
