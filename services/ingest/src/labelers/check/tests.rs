use super::*;

const DID: &str = "did:plc:ar7c4by46qjdydhdevvrndac";

/// `{op: 1, t: "#labels"}`, a seq, and labels.
fn frame(seq: u8, labels: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"\xa2\x61t\x67#labels\x62op\x01\xa2\x63seq".to_vec();
    out.push(seq);
    out.extend_from_slice(b"\x66labels");
    out.push(0x80 | labels.len() as u8);
    out.extend(labels.iter().flatten());
    out
}

fn text(value: &str) -> Vec<u8> {
    let mut out = match value.len() {
        len @ 0..=0x17 => vec![0x60 | len as u8],
        len => vec![0x78, len as u8],
    };
    out.extend_from_slice(value.as_bytes());
    out
}

fn label(src: &str, val: &str) -> Vec<u8> {
    let mut out = vec![0xa4];
    for (key, value) in [("cts", "x"), ("src", src), ("uri", "at://x"), ("val", val)] {
        out.extend(text(key));
        out.extend(text(value));
    }
    out
}

fn checked(bytes: &[u8], last: Option<u64>) -> String {
    let did = Did::parse(DID).unwrap().shared();
    match check(bytes, &did, last) {
        Message::New { seq, labels } => format!("new {seq} {}", labels.len()),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_frame_is_new_repeated_or_refused() {
    let good = frame(7, &[label(DID, "spam"), label(DID, &"v".repeat(128))]);
    assert_eq!(checked(&good, None), "new 7 2");
    assert_eq!(checked(&good, Some(6)), "new 7 2");
    assert_eq!(checked(&good, Some(7)), "Repeated");
    let refused = |reason: &str| format!("Refused {{ seq: 7, reason: {reason:?} }}");
    let other = frame(7, &[label(DID, "spam"), label("did:plc:other", "spam")]);
    assert_eq!(checked(&other, None), refused("wrong_src"));
    let long = frame(7, &[label(DID, &"v".repeat(129))]);
    assert_eq!(checked(&long, None), refused("invalid_value"));
    let mut short = label(DID, "spam");
    short[0] = 0xa3;
    short.truncate(short.len() - text("val").len() - text("spam").len());
    assert_eq!(checked(&frame(7, &[short]), None), refused("missing_key"));
}

#[test]
fn what_is_no_frame_ends_the_connection() {
    let broken = |reason: &str| format!("Broken {{ reason: {reason:?} }}");
    let good = frame(7, &[label(DID, "spam")]);
    assert_eq!(
        checked(&good[..good.len() - 1], None),
        broken("invalid_cbor")
    );
    let behind = [&good[..], b"\x01"].concat();
    assert_eq!(checked(&behind, None), broken("trailing_bytes"));
    assert_eq!(checked(&frame(0, &[]), None), broken("invalid_seq"));
    assert_eq!(checked(&vec![0; MAX_FRAME + 1], None), broken("too_large"));
}

#[test]
fn notices_and_errors_are_not_stored() {
    let info = b"\xa2\x61t\x65#info\x62op\x01\xa1\x64name\x61x";
    assert_eq!(checked(info, None), "Notice(\"x\")");
    let error = b"\xa1\x62op\x20\xa1\x65error\x6cFutureCursor";
    assert_eq!(checked(error, None), "FutureCursor");
    let error = b"\xa1\x62op\x20\xa1\x65error\x61x";
    assert_eq!(checked(error, None), "Ended(\"x\")");
    let unknown = b"\xa2\x61t\x67#future\x62op\x01\xa1\x63seq\x07";
    assert_eq!(checked(unknown, None), "Unknown");
}
