use fanjet_event::Did;
use proptest::prelude::*;

use super::*;

#[test]
fn only_the_usual_form_is_read() {
    let usual = "did:plc:44ybard66vv44zksje25o7dz";
    assert_eq!(PlcDid::of(usual).unwrap().to_string(), usual);
    for text in [
        "",
        "did:plc:",
        "did:plc:44ybard66vv44zksje25o7d",
        "did:plc:44ybard66vv44zksje25o7dza",
        "did:plc:44ybard66vv44zksje25o7dZ",
        "did:plc:44ybard66vv44zksje25o7d1",
        "did:plc:44ybard66vv44zksje25o7d8",
        "did:plc:44ybard66vv44zksje25o7d-",
        "did:plc:44ybard66vv44zksje25o7\u{e9}",
        "did:PLC:44ybard66vv44zksje25o7dz",
        "did:web:44ybard66vv44zksje25o7dz",
        " did:plc:44ybard66vv44zksje25o7dz",
        "did:plc:44ybard66vv44zksje25o7dz ",
    ] {
        assert_eq!(PlcDid::of(text), None, "{text}");
    }
}

/// Each byte at each position is either one of the 32, or makes the text invalid.
#[test]
fn every_byte_is_checked_at_every_position() {
    for at in 0..24 {
        for byte in 0..128_u8 {
            let mut text = *b"did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
            text[8 + at] = byte;
            let text = std::str::from_utf8(&text).unwrap();
            let is_usual = matches!(byte, b'a'..=b'z' | b'2'..=b'7');
            assert_eq!(PlcDid::of(text).is_some(), is_usual, "{text:?}");
        }
    }
}

proptest! {
    #[test]
    fn it_is_its_text(texts in prop::array::uniform2("did:plc:[a-z2-7]{24}|did:plc:[ab]{24}")) {
        let [a, b] = texts.each_ref().map(|text| PlcDid::of(text).unwrap());
        prop_assert_eq!(a.to_string(), texts[0].as_str());
        prop_assert!(Did::parse(texts[0].as_str()).is_ok());
        prop_assert_eq!(a.cmp(&b), texts[0].cmp(&texts[1]));
        prop_assert_eq!(a.to_bytes() == b.to_bytes(), texts[0] == texts[1]);
    }
}
