use fanjet_event::Cid;

use super::*;

fn json(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

#[test]
fn keys_are_sorted_bytewise_and_blobs_are_not() {
    let content = Cid::of_raw(b"image");
    let record = Value::map([
        ("b", Value::Int(1)),
        ("aa", Value::Null),
        ("$type", Value::text("com.example.x")),
        (
            "image",
            Value::Blob {
                content,
                mime_type: "image/png",
                size: 5,
            },
        ),
    ]);
    assert_eq!(
        json(&record),
        format!(
            r#"{{"$type":"com.example.x","aa":null,"b":1,"image":{{"$type":"blob","ref":{{"$link":"{content}"}},"mimeType":"image/png","size":5}}}}"#
        )
    );
}

#[test]
fn escapes_are_those_of_v1() {
    assert_eq!(
        json(&Value::text(
            "a\"\\\n\r\t\u{8}\u{c}&<>\u{2028}\u{2029}/é\u{7f}😀"
        )),
        "\"a\\\"\\\\\\n\\r\\t\\u0008\\u000c\\u0026\\u003c\\u003e\\u2028\\u2029/é\u{7f}😀\""
    );
    assert_eq!(json(&Value::Bytes(vec![0xfb, 0xff])), r#"{"$bytes":"+/8"}"#);
}

#[test]
fn floats_read_as_go_prints_them() {
    for (value, text) in [
        (0.0, "0"),
        (1.0, "1"),
        (-2.5, "-2.5"),
        (0.1, "0.1"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (0.000001, "0.000001"),
        (1e-7, "1e-7"),
        (-1.25e-9, "-1.25e-9"),
    ] {
        assert_eq!(json(&Value::Float(value)), text);
    }
}
