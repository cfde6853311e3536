use super::*;

fn item(bytes: &[u8]) -> Result<Item<'_>, CborError> {
    Reader::new(bytes).item()
}

#[test]
fn reads_each_kind_of_value() {
    for (bytes, expected) in [
        (&b"\x17"[..], Item::Unsigned(23)),
        (b"\x18\x18", Item::Unsigned(24)),
        (b"\x19\x01\x00", Item::Unsigned(256)),
        (
            b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
            Item::Unsigned(u64::MAX),
        ),
        (b"\x20", Item::Negative(0)),
        (b"\x42ab", Item::Bytes(b"ab")),
        (b"\x62\xff\xfe", Item::Text(b"\xff\xfe")),
        (b"\x81\x00", Item::Array(1)),
        (b"\xa1\x60\x00", Item::Map(1)),
        (b"\xd8\x2a\x42\x00\x01", Item::Link(b"\x01")),
        (b"\xf4", Item::Bool(false)),
        (b"\xf5", Item::Bool(true)),
        (b"\xf6", Item::Null),
        (b"\xfb\x3f\xf8\x00\x00\x00\x00\x00\x00", Item::Float(1.5)),
    ] {
        assert_eq!(item(bytes), Ok(expected), "{bytes:02x?}");
    }
}

#[test]
fn refuses_what_dag_cbor_does_not_have() {
    use CborError::*;
    for (bytes, error) in [
        (&b""[..], Truncated),
        (b"\x19\x01", Truncated),
        (b"\x18\x17", NotShortest),
        (b"\x19\x00\xff", NotShortest),
        (b"\x1a\x00\x00\xff\xff", NotShortest),
        (b"\x1b\x00\x00\x00\x00\xff\xff\xff\xff", NotShortest),
        (b"\x78\x01a", NotShortest),
        (b"\x98\x00", NotShortest),
        (b"\x1c", Unsupported),
        (b"\x1f", Unsupported),
        (b"\x5f\xff", Unsupported),
        (b"\x9f\xff", Unsupported),
        (b"\xbf\xff", Unsupported),
        (b"\x43ab", Truncated),
        (b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff", Truncated),
        (b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", Truncated),
        (b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", Truncated),
        (b"\x82\x00", Truncated),
        (b"\xa1\x60", Truncated),
        (b"\xc0\x60", Tag),
        (b"\xd9\x00\x2a\x42\x00\x01", Tag),
        (b"\xd8\x2b\x42\x00\x01", Tag),
        (b"\xd8\x2a\x62\x00\x01", Tag),
        (b"\xd8\x2a\x42\x01\x01", Tag),
        (b"\xd8\x2a\x41\x00", Tag),
        (b"\xd8\x2a\x40", Tag),
        (b"\xf7", Unsupported),
        (b"\xf8\x20", Unsupported),
        (b"\xe0", Unsupported),
        (b"\xf9\x3c\x00", Unsupported),
        (b"\xfa\x3f\x80\x00\x00", Unsupported),
        (b"\xff", Unsupported),
        (b"\xfb\x7f\xf8\x00\x00\x00\x00\x00\x00", Float),
        (b"\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00", Float),
        (b"\xfb\xff\xf0\x00\x00\x00\x00\x00\x00", Float),
        (b"\xfb\x80\x00\x00\x00\x00\x00\x00\x00", Float),
    ] {
        assert_eq!(item(bytes), Err(error), "{bytes:02x?}");
    }
}

#[test]
fn skips_exactly_one_value() {
    let bytes = b"\xa2\x61a\x82\x01\xf6\x61b\xd8\x2a\x42\x00\x01\x17";
    let mut reader = Reader::new(bytes);
    reader.skip(1).unwrap();
    assert_eq!(reader.item(), Ok(Item::Unsigned(23)));
    assert!(reader.is_at_end());
}

#[test]
fn skipping_checks_texts_keys_and_levels() {
    let skip = |bytes: &[u8]| Reader::new(bytes).skip(1);
    assert_eq!(skip(b"\x61\xff"), Err(CborError::Text));
    assert_eq!(skip(b"\xa1\x61\xff\x00"), Err(CborError::Key));
    assert_eq!(skip(b"\xa1\x01\x00"), Err(CborError::Key));
    assert_eq!(skip(&[vec![0x81; 127], vec![0x80]].concat()), Ok(()));
    assert_eq!(
        skip(&[vec![0x81; 128], vec![0x80]].concat()),
        Err(CborError::TooDeep)
    );
    assert_eq!(skip(&vec![0x81; 1 << 20]), Err(CborError::TooDeep));
}
