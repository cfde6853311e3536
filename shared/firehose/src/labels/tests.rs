use super::*;

fn text(out: &mut Vec<u8>, value: &str) {
    out.push(0x60 | value.len() as u8);
    out.extend_from_slice(value.as_bytes());
}

/// A frame of one label with these pairs, in this order.
fn frame(pairs: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = b"\xa2\x61t\x67#labels\x62op\x01\xa2\x63seq\x07\x66labels\x81".to_vec();
    out.push(0xa0 | pairs.len() as u8);
    for (key, value) in pairs {
        text(&mut out, key);
        out.extend_from_slice(value);
    }
    out
}

fn signed(pairs: &[(&str, &[u8])]) -> Option<Vec<u8>> {
    let bytes = frame(pairs);
    let LabelsFrame::Labels(body) = decode_labels_frame(&bytes).unwrap() else {
        panic!("no labels")
    };
    body.labels[0].signed_bytes()
}

const CTS: (&str, &[u8]) = ("cts", b"\x61c");
const SIG: (&str, &[u8]) = ("sig", b"\x42\x01\x02");
const SRC: (&str, &[u8]) = ("src", b"\x61s");
const URI: (&str, &[u8]) = ("uri", b"\x61u");
const VAL: (&str, &[u8]) = ("val", b"\x61v");
const VER: (&str, &[u8]) = ("ver", b"\x01");
const FALSE: (&str, &[u8]) = ("neg", b"\xf4");
const KIND: (&str, &[u8]) = ("$type", b"\x61x");

#[test]
fn a_signature_covers_every_field_present_as_it_was_encoded() {
    let without = b"\xa5\x63cts\x61c\x63src\x61s\x63uri\x61u\x63val\x61v\x63ver\x01";
    assert_eq!(signed(&[CTS, SIG, SRC, URI, VAL, VER]).unwrap(), without);
    let with = b"\xa6\x63cts\x61c\x63neg\xf4\x63src\x61s\x63uri\x61u\x63val\x61v\x63ver\x01";
    assert_eq!(
        signed(&[CTS, FALSE, SIG, SRC, URI, VAL, VER]).unwrap(),
        with
    );
    // What the specification does not name is not covered.
    assert_eq!(
        signed(&[CTS, SIG, SRC, URI, VAL, VER, KIND]).unwrap(),
        without
    );
}

#[test]
fn what_no_canonical_encoder_writes_was_not_signed() {
    assert_eq!(signed(&[SRC, CTS, URI, VAL]), None);
    assert_eq!(signed(&[CTS, FALSE, FALSE, SRC, URI, VAL]), None);
    assert!(decode_labels_frame(&frame(&[CTS, SRC, URI])).is_err());
    assert!(decode_labels_frame(&frame(&[CTS, SRC, SRC, URI, VAL])).is_err());
}
