use proptest::prelude::*;

use super::*;
use crate::frame::decode_frame;
use crate::seq_at_beginning;

/// `{op: 1, t: kind}` and a body of `before`, the seq, and `behind`.
fn frame(kind: &str, before: &[(&str, &[u8])], seq: u64, behind: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = vec![0xa2, 0x61, b't', 0x60 | kind.len() as u8];
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\x62op\x01");
    out.push(0xa0 | (before.len() + behind.len() + 1) as u8);
    let put = |out: &mut Vec<u8>, key: &str, value: &[u8]| {
        out.push(0x60 | key.len() as u8);
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(value);
    };
    for (key, value) in before {
        put(&mut out, key, value);
    }
    let mut number = Vec::new();
    write_unsigned(&mut number, seq);
    put(&mut out, "seq", &number);
    for (key, value) in behind {
        put(&mut out, key, value);
    }
    out
}

/// A byte string.
fn bytes(content: &[u8]) -> Vec<u8> {
    let mut out = vec![0x59];
    out.extend_from_slice(&(content.len() as u16).to_be_bytes());
    out.extend_from_slice(content);
    out
}

fn any_seq() -> impl Strategy<Value = u64> {
    prop_oneof![
        0u64..40,
        (0u32..64).prop_map(|bit| 1u64 << bit),
        (0u32..64).prop_map(|bit| (1u64 << bit) - 1),
        any::<u64>(),
    ]
}

proptest! {
    /// The result is the frame that would have been written with the other seq in the first place, and reads so.
    #[test]
    fn a_frame_with_another_seq_is_equal_but_for_it(
        seq in any_seq(),
        other in any_seq(),
        content in prop::collection::vec(any::<u8>(), 256..600),
        is_late in any::<bool>(),
    ) {
        let content = bytes(&content);
        // Within an unknown value, the word must not be found.
        let nested: &[u8] = b"\xa1\x63seq\x01";
        let fields: &[(&str, &[u8])] = &[("did", &content), ("x", nested)];
        let none: &[(&str, &[u8])] = &[];
        let (before, behind) = if is_late { (fields, none) } else { (none, fields) };
        let written = frame("#future", before, seq, behind);
        let edited = with_seq(&written, other).unwrap();
        prop_assert_eq!(&edited, &frame("#future", before, other, behind));
        prop_assert_eq!(seq_at_beginning(&edited), Some(other));
        prop_assert_eq!(decode_frame(&edited).unwrap().seq(), Some(other));
        prop_assert_eq!(with_seq(&edited, seq).unwrap(), written);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), seq in any::<u64>()) {
        with_seq(&bytes, seq);
    }
}

#[test]
fn lengths_change_where_the_number_needs_it() {
    let long = frame("#account", &[], 1 << 32, &[]);
    for (seq, shorter) in [
        (23, 8),
        (24, 7),
        (256, 6),
        (1 << 16, 4),
        ((1 << 32) - 1, 4),
        (1 << 32, 0),
    ] {
        assert_eq!(
            with_seq(&long, seq).unwrap().len(),
            long.len() - shorter,
            "{seq}"
        );
    }
}

#[test]
fn what_has_no_seq_has_no_other() {
    let error = b"\xa1\x62op\x20\xa1\x65error\x61x";
    assert!(decode_frame(error).is_ok());
    assert_eq!(with_seq(error, 1), None);
    let info = b"\xa2\x61t\x65#info\x62op\x01\xa1\x64name\x61x";
    assert!(decode_frame(info).is_ok());
    assert_eq!(with_seq(info, 1), None);
}
