use fanjet_wire::websocket::text_frame;

use super::*;
use crate::events::{commit, event, time_of};

#[test]
fn an_entry_is_the_log_entry_in_a_frame() {
    let mut collections = Collections::new(10);
    for padding in [0, 300, 70_000] {
        let logged = commit("app.bsky.feed.post", "did:plc:a")
            .padded(padding)
            .at(7);
        let entry = Entry::new(&logged, &mut collections).unwrap();
        assert_eq!(
            (entry.seq(), entry.time(), entry.did()),
            (7, time_of(7), "did:plc:a")
        );
        assert_eq!(entry.topic(), &logged.topic);
        assert!(entry.collection().is_some());
        // A delete has no place for a filler.
        let action = match padding {
            0 => Action::Delete,
            _ => Action::Create,
        };
        assert_eq!(entry.action(), Some(action));
        assert_eq!(entry.frame(), &text_frame(&logged.body));
        assert_eq!(
            (entry.json(), entry.json_len()),
            (logged.body.clone(), logged.body.len())
        );
        assert!(entry.weight() > logged.body.len());
    }
    let sync = event(Topic::Sync, "did:plc:a").at(8);
    assert_eq!(
        Entry::new(&sync, &mut collections).unwrap().collection(),
        None
    );
}

#[test]
fn a_body_that_is_no_event_is_corruption() {
    let mut logged = event(Topic::Account, "did:plc:a").at(9);
    logged.body = Bytes::from_static(b"{}");
    let failure = Entry::new(&logged, &mut Collections::new(1)).unwrap_err();
    assert!(matches!(failure, LogError::Corrupt { seq: 9, .. }));
    let mut mislabelled = event(Topic::Account, "did:plc:a").at(9);
    mislabelled.topic = Topic::Commit("app.bsky.feed.post".parse().unwrap());
    let failure = Entry::new(&mislabelled, &mut Collections::new(1)).unwrap_err();
    assert!(matches!(failure, LogError::Corrupt { seq: 9, .. }));
}
