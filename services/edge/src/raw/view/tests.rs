use std::sync::Arc;

use fanjet_event::{Datetime, FrameStamp, LabelStamp, TimeUs};
use fanjet_log::{Origin, UpstreamId};

use super::*;

const DID: &str = "did:plc:ar7c4by46qjdydhdevvrndac";
const TIME: u64 = 1_783_175_887_000_000;

/// `{t: "#labels", op: 1}` and `{seq: <number>, labels: []}`.
fn entry(seq: u64, number: &[u8]) -> Entry {
    let before = b"\xa2\x61t\x67#labels\x62op\x01\xa2\x63seq";
    let body = [&before[..], number, b"\x66labels\x80"].concat();
    let labeler = Did::parse(DID).unwrap().shared();
    Entry {
        seq,
        topic: Topic::Labels(Arc::new(LabelStamp {
            labeler,
            seq_start: before.len() as u32,
            seq_len: number.len() as u32,
            time: TimeUs::new(TIME).unwrap(),
        })),
        origin: Origin {
            upstream: UpstreamId::new(DID).unwrap(),
            relay_seq: 7,
            op_index: 0,
            op_count: 1,
            time: Datetime::parse("2026-07-04T14:38:08.999Z")
                .unwrap()
                .shared(),
        },
        body: body.into(),
        trace: None,
    }
}

/// The bytes of the message.
fn sent(frame: &RawFrame) -> Vec<u8> {
    let all = [&frame.head[..], &frame.body[..]].concat();
    // Shorter than 126 bytes: the head of the message has two.
    assert_eq!(all[..2], [0x82, (all.len() - 2) as u8]);
    all[2..].to_vec()
}

#[test]
fn merged_frames_differ_in_their_number_only() {
    for (seq, written) in [
        (
            3_592_267_141_999,
            &b"\x1b\x00\x00\x03\x44\x63\xce\x93\x6f"[..],
        ),
        (5, b"\x05"),
        (24, b"\x18\x18"),
        (256, b"\x19\x01\x00"),
        (70_000, b"\x1a\x00\x01\x11\x70"),
    ] {
        for number in [&b"\x07"[..], b"\x1b\x00\x00\x00\x07\x00\x00\x00\x00"] {
            let entry = entry(seq, number);
            let frame = View::Labels.frame(entry.clone()).unwrap();
            assert_eq!((frame.seq, frame.wire_seq), (seq, seq));
            let expected = View::Labels.frame(self::entry(seq, written)).unwrap();
            assert_eq!(sent(&frame), sent(&expected));
            let seq_at = 20;
            assert_eq!(
                sent(&frame)[seq_at..seq_at + written.len()],
                *written,
                "{seq}"
            );
            assert_eq!(frame.topic, entry.topic);
        }
    }
}

#[test]
fn alone_a_labeler_has_its_bytes_and_its_number() {
    let entry = entry(3_592_267_141_999, b"\x07");
    let did = Did::parse(DID).unwrap().shared();
    let frame = View::Labeler(did).frame(entry.clone()).unwrap();
    assert_eq!((frame.seq, frame.wire_seq), (3_592_267_141_999, 7));
    assert_eq!(sent(&frame), entry.body);
}

#[test]
fn an_entry_of_another_log_or_with_a_number_outside_is_damage() {
    let mut wrong = entry(9, b"\x07");
    if let Topic::Labels(stamp) = &mut wrong.topic {
        Arc::make_mut(stamp).seq_len = 60;
    }
    assert!(matches!(
        View::Labels.frame(wrong.clone()),
        Err(LogError::Corrupt { seq: 9, .. })
    ));
    if let Topic::Labels(stamp) = &mut wrong.topic {
        let stamp = Arc::make_mut(stamp);
        (stamp.seq_start, stamp.seq_len) = (u32::MAX, u32::MAX);
    }
    assert!(View::Labels.frame(wrong).is_err());
    assert!(View::Firehose.frame(entry(9, b"\x07")).is_err());
    let mut frame = entry(9, b"\x07");
    frame.topic = Topic::Frame(Arc::new(FrameStamp {
        wire_seq: 7,
        time: TimeUs::new(TIME).unwrap(),
        topic: None,
    }));
    assert!(View::Labels.frame(frame).is_err());
}
