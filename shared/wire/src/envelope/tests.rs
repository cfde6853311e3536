use fanjet_event::{Datetime, Did, Nsid, RecordKey};
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
        prop_assert_eq!(Envelope::of(&event), Some(Envelope { did: &did, time, action: None }));
    }

    #[test]
    fn a_commits_operation_is_read(rev in any::<u64>(), action in prop::sample::select(&[Action::Create, Action::Update, Action::Delete][..])) {
        let head = v1::CommitHead {
            did: Did::parse("did:plc:a").unwrap(),
            rev: Tid::from_parts(rev >> 11, 0),
            action,
            collection: Nsid::parse("a.b.operation").unwrap(),
            rkey: RecordKey::parse("delete").unwrap(),
        };
        let mut event = Vec::new();
        v1::begin_commit(&mut event, &head);
        prop_assert!(v1::stamp(&mut event, TimeUs::MIN));
        prop_assert_eq!(Envelope::of(&event).unwrap().action, Some(action));
        let operation = format!(r#""operation":"{}""#, action.as_str());
        let text = String::from_utf8(event).unwrap();
        for other in [r#""operation":"creates""#, r#""operation":"""#, r#""operation":"#, r#""#] {
            let damaged = text.replace(&operation, other);
            prop_assert_eq!(Envelope::of(damaged.as_bytes()).unwrap().action, None);
        }
    }

    #[test]
    fn other_bytes_are_no_event(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(Envelope::of(&bytes), None);
    }
}
