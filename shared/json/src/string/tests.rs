use proptest::prelude::*;

use super::*;

fn written(text: &str) -> String {
    let mut out = Vec::new();
    write_str(&mut out, text);
    String::from_utf8(out).unwrap()
}

/// The contract's table, row by row.
#[test]
fn escapes_follow_v1() {
    for (text, json) in [
        ("plain / text", r#""plain / text""#),
        ("&<>", r#""\u0026\u003c\u003e""#),
        ("\"\\", r#""\"\\""#),
        ("\n\r\t", r#""\n\r\t""#),
        ("\u{8}\u{c}\u{0}\u{1f}", r#""\u0008\u000c\u0000\u001f""#),
        ("\u{2028}\u{2029}\u{2027}", "\"\\u2028\\u2029\u{2027}\""),
        ("\u{7f}é🎉", "\"\u{7f}é🎉\""),
    ] {
        assert_eq!(written(text), json);
    }
}

#[test]
fn each_bad_byte_becomes_one_replacement() {
    let mut out = Vec::new();
    write_lossy_str(&mut out, b"a\xff\xe2\x80b\xc3");
    assert_eq!(out, br#""a\ufffd\ufffd\ufffdb\ufffd""#);
}

proptest! {
    #[test]
    fn any_string_reads_back(text in any::<String>()) {
        let json = written(&text);
        prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text.as_str());
        let is_escaped = !json.contains(['&', '<', '>', '\u{2028}', '\u{2029}']);
        prop_assert!(is_escaped);
        let mut lossy = Vec::new();
        write_lossy_str(&mut lossy, text.as_bytes());
        prop_assert_eq!(lossy, json.into_bytes());
    }

    #[test]
    fn any_bytes_make_valid_json(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut out = Vec::new();
        write_lossy_str(&mut out, &bytes);
        serde_json::from_slice::<String>(&out).unwrap();
    }
}
