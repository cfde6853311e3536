use fanjet_firehose::decode_frame;
use fanjet_log::UpstreamId;

use super::*;

const NOW: u64 = 1_783_175_888_085_434;

fn head(out: &mut Vec<u8>, major: u8, value: u64) {
    let bytes = value.to_be_bytes();
    let (low, width) = match value {
        0..=0x17 => (value as u8, 0),
        0x18..=0xff => (0x18, 1),
        0x100..=0xffff => (0x19, 2),
        0x1_0000..=0xffff_ffff => (0x1a, 4),
        _ => (0x1b, 8),
    };
    out.push(major << 5 | low);
    out.extend_from_slice(&bytes[8 - width..]);
}

fn text(out: &mut Vec<u8>, text: &str) {
    head(out, 3, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// An identity frame, or one of another type with the same body, padded by an unknown field.
fn frame(kind: &str, did: &str, seq: u64, padding: usize) -> Bytes {
    let mut out = Vec::new();
    head(&mut out, 5, 2);
    text(&mut out, "t");
    text(&mut out, kind);
    text(&mut out, "op");
    head(&mut out, 0, 1);
    head(&mut out, 5, 4);
    text(&mut out, "did");
    text(&mut out, did);
    text(&mut out, "new");
    head(&mut out, 2, padding as u64);
    out.resize(out.len() + padding, 0x5a);
    text(&mut out, "seq");
    head(&mut out, 0, seq);
    text(&mut out, "time");
    text(&mut out, "2026-07-04T14:38:08.999Z");
    Bytes::from(out)
}

fn identity(did: u64, seq: u64) -> Bytes {
    frame("#identity", &format!("did:plc:{did}"), seq, 3)
}

fn numbering(upstream: &str) -> Numbering {
    Numbering::first(UpstreamId::new(upstream).unwrap())
}

fn wire_seqs(frames: &[NewEvent]) -> Vec<u64> {
    let wire_seq = |event: &NewEvent| match &event.topic {
        Topic::Frame(stamp) => stamp.wire_seq,
        _ => panic!("{event:?}"),
    };
    frames.iter().map(wire_seq).collect()
}

fn bodies(frames: &[NewEvent]) -> Vec<Bytes> {
    frames.iter().map(|event| event.body.clone()).collect()
}

fn new_log() -> FrameSequencer {
    FrameSequencer::continuing(&Resume::default(), None)
}

#[test]
fn what_is_not_known_is_passed_on_untouched() {
    let batch = [
        frame("#identity", "did:plc:a", 7, 0),
        frame("#future", "did:plc:b", 9, 900),
        frame("#account", "not a did", 10, 0),
    ];
    // An account frame without `active` is none.
    let out = new_log().sequence(&batch, &numbering("a"), NOW);
    assert_eq!(bodies(&out.frames), batch[..2]);
    assert_eq!(wire_seqs(&out.frames), [7, 9]);
    assert_eq!(
        out.drops.iter().collect::<Vec<_>>(),
        [(DropReason::Undecodable, 1)]
    );
    assert_eq!(out.gaps, Gaps { gaps: 1, missed: 1 });
    let times: Vec<_> = out
        .frames
        .iter()
        .map(|event| event.time().unwrap().get())
        .collect();
    assert_eq!(times, [NOW, NOW + 1]);
}

#[test]
fn what_is_not_for_clients_is_not_logged() {
    let whole = identity(1, 5);
    let cut = whole.slice(..whole.len() - 1);
    let mut op_2 = whole.to_vec();
    let at = op_2.windows(4).position(|it| it == b"\x62op\x01").unwrap();
    op_2[at + 3] = 2;
    let batch = [
        Bytes::from_static(b"\xa2\x61t\x65#info\x62op\x01\xa1\x64name\x6eOutdatedCursor"),
        Bytes::from_static(b"\xa1\x62op\x20\xa1\x65error\x6cFutureCursor"),
        Bytes::from_static(b"\xa2\x61t\x67#future\x62op\x01\xa1\x61x\x01"),
        cut,
        Bytes::from(op_2),
        Bytes::from_static(b"text"),
        identity(1, 0),
        identity(1, MAX_RELAY_SEQ + 1),
        whole.clone(),
    ];
    let out = new_log().sequence(&batch, &numbering("a"), NOW);
    assert_eq!(bodies(&out.frames), [whole]);
    let drops: Vec<_> = out.drops.iter().collect();
    assert_eq!(
        drops,
        [(DropReason::Undecodable, 3), (DropReason::InvalidSeq, 3)]
    );
}

#[test]
fn the_largest_frame_passes_and_no_larger_one() {
    let padding =
        |bytes: usize| bytes - frame("#identity", "did:plc:a", 5, 1 << 20).len() + (1 << 20);
    let largest = frame("#identity", "did:plc:a", 5, padding(MAX_FRAME));
    assert_eq!(largest.len(), MAX_FRAME);
    let larger = frame("#identity", "did:plc:b", 6, padding(MAX_FRAME + 1));
    let out = new_log().sequence(&[largest.clone(), larger], &numbering("a"), NOW);
    assert_eq!(bodies(&out.frames), [largest]);
    assert_eq!(
        out.drops.iter().collect::<Vec<_>>(),
        [(DropReason::TooLarge, 1)]
    );
}

#[test]
fn a_failover_changes_nothing_but_the_seq_and_only_while_it_must() {
    let mut log = new_log();
    let first: Vec<_> = (1000..=1010).map(|seq| identity(seq, seq)).collect();
    let out = log.sequence(&first, &numbering("a"), NOW);
    assert_eq!((bodies(&out.frames), out.renumbered), (first, 0));

    let second: Vec<_> = (20..30).map(|seq| identity(seq, seq)).collect();
    let out = log.sequence(&second, &numbering("b"), NOW);
    assert_eq!(out.renumbered, 10);
    assert_eq!(wire_seqs(&out.frames), (1011..=1020).collect::<Vec<_>>());
    for (event, (original, wire_seq)) in out.frames.iter().zip(second.iter().zip(1011..)) {
        // What the relay would have written, had it had that number.
        assert_eq!(event.body, identity(event.origin.relay_seq, wire_seq));
        assert_eq!(decode_frame(&event.body).unwrap().seq(), Some(wire_seq));
        assert_eq!(
            decode_frame(original).unwrap().seq(),
            Some(event.origin.relay_seq)
        );
    }

    let back = [identity(1, 1050), identity(2, 1051)];
    let out = log.sequence(&back, &numbering("a"), NOW);
    assert_eq!((bodies(&out.frames), out.renumbered), (back.to_vec(), 0));
}

#[test]
fn a_longer_seq_is_spliced_whole() {
    let wire_seq = (1 << 32) - 1;
    let mut log = FrameSequencer::continuing(&Resume::default(), Some(wire_seq));
    let short = identity(1, 3);
    let out = log.sequence(std::slice::from_ref(&short), &numbering("a"), NOW);
    assert_eq!(bodies(&out.frames), [identity(1, 1 << 32)]);
    assert_eq!(out.frames[0].body.len(), short.len() + 8);
}

#[test]
fn a_new_leader_repeats_nothing() {
    let frames: Vec<_> = (10..20).map(|seq| identity(seq, seq)).collect();
    let mut log = new_log();
    let out = log.sequence(&frames[..6], &numbering("a"), NOW);
    let last = out.frames.last().unwrap();
    let resume = Resume {
        seq: 6,
        time: last.time(),
        origin: Some(last.origin.clone()),
        ..Resume::default()
    };
    let mut next = FrameSequencer::continuing(&resume, Some(15));
    let out = next.sequence(&frames[4..], &numbering("a"), NOW - 1_000_000);
    assert_eq!(bodies(&out.frames), frames[6..]);
    assert_eq!(out.repeated, 2);
    assert!(out.frames[0].time() > last.time());
}
