use fanjet_event::Cid;

use super::*;
use crate::cbor::CborError;
use crate::oracle::build::Node;
use crate::oracle::compare_record;

fn json(record: &Node) -> Result<String, RecordError> {
    let bytes = record.encode();
    compare_record(&bytes).unwrap();
    let mut out = Vec::new();
    write_record_json(&bytes, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

/// The JSON of a value inside a record.
fn value(value: Node) -> Result<String, RecordError> {
    let json = json(&Node::map([("v", value)]))?;
    Ok(json[5..json.len() - 1].to_owned())
}

fn blob_entries() -> Vec<(String, Node)> {
    let Node::Map(entries) = Node::map([
        ("ref", Node::link(Cid::of_raw(b"jpeg"))),
        ("size", Node::Unsigned(4)),
        ("$type", Node::text("blob")),
        ("mimeType", Node::text("image/jpeg")),
    ]) else {
        unreachable!()
    };
    entries
}

#[test]
fn keys_are_sorted_by_bytes_at_every_depth() {
    let inner = || Node::map([("b", Node::Null), ("aa", Node::Null), ("ab", Node::map([]))]);
    let record = Node::map([
        ("text", Node::text("hi")),
        ("é", inner()),
        ("$type", Node::text("a.b.c")),
        (
            "Z",
            Node::List(vec![
                inner(),
                Node::List(vec![inner()]),
                Node::Unsigned(3),
                inner(),
            ]),
        ),
    ]);
    let sorted = r#"{"aa":null,"ab":{},"b":null}"#;
    assert_eq!(
        json(&record).unwrap(),
        format!(
            r#"{{"$type":"a.b.c","Z":[{sorted},[{sorted}],3,{sorted}],"text":"hi","é":{sorted}}}"#
        )
    );
}

#[test]
fn scalars() {
    for (node, expected) in [
        (Node::Unsigned(i64::MAX as u64), "9223372036854775807"),
        (Node::Negative(i64::MAX as u64), "-9223372036854775808"),
        (Node::Float(123.0), "123"),
        (Node::Float(123.456), "123.456"),
        (Node::Float(1e21), "1e+21"),
        (Node::Float(1.5e-7), "1.5e-7"),
        (Node::Float(0.0), "0"),
        // Halfway between two shortest texts: the even one.
        (
            Node::Float(14_532_639_853_294.0 + 0.312_5),
            "14532639853294.312",
        ),
        (Node::Bytes(vec![1, 2]), r#"{"$bytes":"AQI"}"#),
        (
            Node::text("a&b<c>\u{8}\u{2028}\"\u{7f}"),
            r#""a\u0026b\u003cc\u003e\u0008\u2028\"""#,
        ),
    ] {
        assert_eq!(value(node).unwrap().replace('\u{7f}', ""), expected);
    }
    assert_eq!(value(Node::Unsigned(1 << 63)), Err(RecordError::OutOfRange));
    assert_eq!(value(Node::Negative(1 << 63)), Err(RecordError::OutOfRange));
}

#[test]
fn links_are_written_in_their_own_base() {
    let blessed = Cid::of_dag_cbor(b"x");
    assert_eq!(
        value(Node::link(blessed)).unwrap(),
        format!(r#"{{"$link":"{blessed}"}}"#)
    );
    let v0 = [&[0x12, 0x20], &[7; 32][..]].concat();
    assert!(
        value(Node::Link(v0))
            .unwrap()
            .starts_with(r#"{"$link":"Qm"#)
    );
    let dag_pb = [&[1, 0x70, 0x12, 0x20], &[7; 32][..]].concat();
    assert!(
        value(Node::Link(dag_pb.clone()))
            .unwrap()
            .starts_with(r#"{"$link":"bafybei"#)
    );
    for bad in [
        vec![1],
        vec![0, 0x70, 0x12, 1, 1],
        vec![2, 0x70, 0x12, 1, 1],
        [dag_pb, vec![0]].concat(),
        blessed.to_bytes()[..35].to_vec(),
    ] {
        assert_eq!(value(Node::Link(bad)), Err(RecordError::InvalidLink));
    }
}

#[test]
fn a_type_is_a_text_with_something_in_it() {
    for bad in [
        Node::Null,
        Node::Unsigned(123),
        Node::text(""),
        Node::map([]),
    ] {
        let with_type = Node::map([("$type", bad), ("x", Node::Null)]);
        assert_eq!(json(&with_type), Err(RecordError::InvalidType));
        assert_eq!(
            value(Node::List(vec![with_type])),
            Err(RecordError::InvalidType)
        );
    }
}

#[test]
fn blobs_have_their_own_order() {
    let expected = format!(
        r#"{{"$type":"blob","ref":{{"$link":"{}"}},"mimeType":"image/jpeg","size":4}}"#,
        Cid::of_raw(b"jpeg")
    );
    assert_eq!(value(Node::Map(blob_entries())).unwrap(), expected);
    assert_eq!(json(&Node::Map(blob_entries())), Err(RecordError::NotAMap));
    // The reference may be written as a map.
    let mut entries = blob_entries();
    entries[0].1 = Node::map([("$link", Node::text(Cid::of_raw(b"jpeg").to_string()))]);
    assert_eq!(value(Node::Map(entries)).unwrap(), expected);
}

#[test]
fn blobs_are_exact() {
    let bad_values = |key: &str| match key {
        "ref" => vec![Node::text("bafy"), Node::Null, Node::map([])],
        "size" => vec![
            Node::text("4"),
            Node::Float(4.0),
            Node::Negative(0),
            Node::Null,
        ],
        _ => vec![Node::Null, Node::Unsigned(1)],
    };
    for place in [0, 1, 3] {
        let mut missing = blob_entries();
        let (key, _) = missing.remove(place);
        assert_eq!(value(Node::Map(missing)), Err(RecordError::InvalidBlob));
        let mut renamed = blob_entries();
        renamed[place].0.push('x');
        assert_eq!(value(Node::Map(renamed)), Err(RecordError::InvalidBlob));
        for bad in bad_values(&key) {
            let mut wrong = blob_entries();
            wrong[place].1 = bad;
            assert_eq!(
                value(Node::Map(wrong)),
                Err(RecordError::InvalidBlob),
                "{key}"
            );
        }
    }
    let mut more = blob_entries();
    more.push(("alt".to_owned(), Node::text("")));
    assert_eq!(value(Node::Map(more)), Err(RecordError::InvalidBlob));
}

#[test]
fn a_legacy_blob_is_in_order_anyway() {
    let legacy = Node::map([("cid", Node::text("x")), ("mimeType", Node::text("y"))]);
    assert_eq!(value(legacy).unwrap(), r#"{"cid":"x","mimeType":"y"}"#);
}

#[test]
fn link_and_bytes_keys_stand_alone_with_a_sound_text() {
    let cid = Cid::of_raw(b"x").to_string();
    let link = |text: &str| value(Node::map([("$link", Node::text(text))]));
    let bytes = |text: &str| value(Node::map([("$bytes", Node::text(text))]));
    assert_eq!(link(&cid).unwrap(), format!(r#"{{"$link":"{cid}"}}"#));
    for bad in [
        "",
        ".",
        "b",
        "bafy",
        &cid.to_uppercase(),
        &format!("{cid}a"),
        &cid[1..],
    ] {
        assert_eq!(link(bad), Err(RecordError::InvalidLink), "{bad}");
    }
    for (text, expected) in [
        ("", ""),
        ("Zg", "Zg"),
        ("Zh", "Zg"),
        ("Z\ng\r", "Zg"),
        ("Zm9v", "Zm9v"),
    ] {
        assert_eq!(
            bytes(text).unwrap(),
            format!(r#"{{"$bytes":"{expected}"}}"#)
        );
    }
    for bad in ["Z", "Zg==", "Zm9vZ", "Z-8", "é"] {
        assert_eq!(bytes(bad), Err(RecordError::InvalidBytes), "{bad}");
    }
    let both =
        |key: &str, text: &str| value(Node::map([(key, Node::text(text)), ("other", Node::Null)]));
    assert_eq!(both("$link", &cid), Err(RecordError::InvalidLink));
    assert_eq!(both("$bytes", "Zg"), Err(RecordError::InvalidBytes));
    let number = |key: &str| value(Node::map([(key, Node::Unsigned(1))]));
    assert_eq!(number("$link"), Err(RecordError::InvalidLink));
    assert_eq!(number("$bytes"), Err(RecordError::InvalidBytes));
    // As the record itself they are not maps.
    assert_eq!(
        json(&Node::map([("$link", Node::text(cid))])),
        Err(RecordError::NotAMap)
    );
    assert_eq!(
        json(&Node::map([("$bytes", Node::text(""))])),
        Err(RecordError::NotAMap)
    );
}

#[test]
fn only_maps_with_different_keys_are_records() {
    for bad in [
        Node::Null,
        Node::List(Vec::new()),
        Node::text("x"),
        Node::Unsigned(1),
    ] {
        assert_eq!(json(&bad), Err(RecordError::NotAMap));
    }
    let twice = Node::map([("b", Node::Null), ("a", Node::Null), ("b", Node::Null)]);
    assert_eq!(json(&twice), Err(RecordError::DuplicateKey));
    assert_eq!(value(twice), Err(RecordError::DuplicateKey));
    assert_eq!(json(&Node::map([])).unwrap(), "{}");
    let trailing = Node::Raw([Node::map([]).encode(), vec![0]].concat());
    assert_eq!(json(&trailing), Err(RecordError::TrailingBytes));
    let bad_key = Node::Raw(b"\xa1\x61\xff\x00".to_vec());
    assert_eq!(
        json(&bad_key),
        Err(RecordError::InvalidCbor(CborError::Key))
    );
}

#[test]
fn a_refused_record_leaves_no_trace() {
    let record = Node::map([
        ("a", Node::text("written")),
        ("b", Node::Unsigned(u64::MAX)),
    ]);
    let mut out = b"before".to_vec();
    assert!(write_record_json(&record.encode(), &mut out).is_err());
    assert_eq!(out, b"before");
}

/// More containers and entries than fit without allocating, and values that jump back and forth.
#[test]
fn deep_and_wide_records() {
    let wide = Node::List(
        (0..500u32)
            .map(|number| Node::List(vec![Node::Unsigned(number.into())]))
            .collect(),
    );
    let (mut node, mut expected) = (wide, String::new());
    for number in 0..500 {
        expected.push(if number == 0 { '[' } else { ',' });
        expected.push_str(&format!("[{number}]"));
    }
    expected.push(']');
    for _ in 0..100 {
        node = Node::map([
            ("b", node),
            ("c", Node::map([])),
            ("a", Node::List(vec![Node::Null])),
        ]);
        expected = format!(r#"{{"a":[null],"b":{expected},"c":{{}}}}"#);
    }
    assert_eq!(json(&node).unwrap(), expected);
    let keys = (0..1_000u32)
        .rev()
        .map(|number| (format!("{number:04}"), Node::List(Vec::new())));
    let expected: Vec<_> = (0..1_000)
        .map(|number| format!(r#""{number:04}":[]"#))
        .collect();
    assert_eq!(
        json(&Node::Map(keys.collect())).unwrap(),
        format!("{{{}}}", expected.join(","))
    );
}
