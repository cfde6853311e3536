use super::*;
use crate::envelope::Envelope;

#[test]
fn a_heartbeat_begins_as_an_event_does() {
    let time = TimeUs::new(1_779_719_010_267_528).unwrap();
    let json = json(time);
    assert_eq!(
        json,
        br#"{"did":"","time_us":1779719010267528,"kind":"heartbeat"}"#
    );
    assert!(json.len() <= LEN);
    let envelope = Envelope::of(&json).unwrap();
    assert_eq!(
        (envelope.did, envelope.time, envelope.action),
        ("", time, None)
    );
}
