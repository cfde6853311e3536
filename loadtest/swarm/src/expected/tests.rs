use super::*;
use fanjet_oracle::Filter;

fn event(time: u64, collection: &str) -> String {
    format!(
        r#"{{"did":"did:plc:x","time_us":{time},"kind":"commit","commit":{{"rev":"r","operation":"delete","collection":"{collection}","rkey":"k"}}}}"#
    )
}

fn expected() -> Expected {
    let filter = Filter::of_collections(&["a.b.c"]);
    Expected::new(Matcher::new(&filter))
}

#[test]
fn a_clean_stream_is_clean() {
    let mut expected = expected();
    for time in [10, 11, 20] {
        let json = event(time, "a.b.c");
        let seen = expected.check(json.as_bytes()).unwrap();
        assert_eq!((seen.time_us, &*seen.did), (time, "did:plc:x"));
    }
    expected.check(
        br#"{"did":"did:plc:y","time_us":21,"kind":"identity","identity":{"did":"did:plc:y"}}"#,
    );
    assert!(expected.found.is_clean(), "{:?}", expected.found);
    assert_eq!(expected.found.events, 4);
    assert_eq!((expected.stretch.first, expected.stretch.last), (10, 21));
}

#[test]
fn every_fault_is_found() {
    let mut expected = expected();
    let json = event(10, "a.b.c");
    expected.check(json.as_bytes());
    expected.check(json.as_bytes());
    assert_eq!(expected.found.repeated, 1);
    expected.check(event(9, "a.b.c").as_bytes());
    assert_eq!(expected.found.reordered, 1);
    expected.check(event(11, "a.b.d").as_bytes());
    assert_eq!(expected.found.not_asked_for, 1);
    for nonsense in [
        "",
        "{",
        &json[..json.len() - 1],
        &json.replace("commit", "comit"),
        &json.replace("delete", "remove"),
        r#"{"did":"did:plc:y","time_us":21,"kind":"account"}"#,
    ] {
        expected.check(nonsense.as_bytes());
    }
    expected.unreadable("no zstd frame");
    assert_eq!(expected.found.not_an_event, 7);
    assert!(
        expected
            .found
            .first_fault
            .as_ref()
            .unwrap()
            .contains("repeated")
    );
    assert!(!expected.found.is_clean());
}

#[test]
fn a_repetition_is_known_long_after() {
    let mut expected = expected();
    for time in 1..=REMEMBERED as u64 + 1 {
        expected.check(event(time, "a.b.c").as_bytes());
    }
    expected.check(event(2, "a.b.c").as_bytes());
    assert_eq!((expected.found.repeated, expected.found.reordered), (1, 0));
    expected.check(event(1, "a.b.c").as_bytes());
    assert_eq!((expected.found.repeated, expected.found.reordered), (1, 1));
}
