use fanjet_event::{Datetime, Did};

use super::*;

#[test]
fn the_seq_stands_behind_the_time() {
    let mut event = Vec::new();
    let did = Did::parse("did:plc:a").unwrap();
    let time = Datetime::parse("2026-05-25T14:23:29.950Z").unwrap();
    v1::write_identity(&mut event, did, None, 7, time);
    let stamp = TimeUs::new(1_700_000_000_000_000).unwrap();
    assert!(v1::stamp(&mut event, stamp));
    for seq in [1, 12_345, u64::MAX] {
        let mut message = Vec::new();
        put_text_message(&mut message, &event, seq);
        assert_eq!(message.len(), message_len(event.len(), seq));
        let json = format!(
            r#"{{"did":"did:plc:a","time_us":1700000000000000,"cursor":{seq},"kind":"identity","identity":{{"did":"did:plc:a","seq":7,"time":"2026-05-25T14:23:29.950Z"}}}}"#
        );
        assert_eq!(
            message[..],
            crate::websocket::text_frame(json.as_bytes())[..]
        );
    }
}
