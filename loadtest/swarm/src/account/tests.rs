use super::*;
use fanjet_oracle::Filter;

fn event(time: u64, collection: &str) -> String {
    format!(
        r#"{{"did":"did:plc:x","time_us":{time},"kind":"commit","commit":{{"rev":"r","operation":"delete","collection":"{collection}","rkey":"k"}}}}"#
    )
}

fn account() -> Account {
    let filter = Filter::of_collections(&["a.b.c"]);
    Account::new(Matcher::new(&filter))
}

#[test]
fn a_clean_stream_is_clean() {
    let mut account = account();
    for time in [10, 11, 20] {
        let json = event(time, "a.b.c");
        let seen = account.check(json.as_bytes()).unwrap();
        assert_eq!((seen.time_us, &*seen.did), (time, "did:plc:x"));
    }
    account.check(
        br#"{"did":"did:plc:y","time_us":21,"kind":"identity","identity":{"did":"did:plc:y"}}"#,
    );
    assert!(account.found.is_clean(), "{:?}", account.found);
    assert_eq!(account.found.events, 4);
    assert_eq!((account.stretch.first, account.stretch.last), (10, 21));
}

#[test]
fn every_fault_is_found() {
    let mut account = account();
    let json = event(10, "a.b.c");
    account.check(json.as_bytes());
    account.check(json.as_bytes());
    assert_eq!(account.found.repeated, 1);
    account.check(event(9, "a.b.c").as_bytes());
    assert_eq!(account.found.reordered, 1);
    account.check(event(11, "a.b.d").as_bytes());
    assert_eq!(account.found.not_asked_for, 1);
    for nonsense in [
        "",
        "{",
        &json[..json.len() - 1],
        &json.replace("commit", "comit"),
        &json.replace("delete", "remove"),
        r#"{"did":"did:plc:y","time_us":21,"kind":"account"}"#,
    ] {
        account.check(nonsense.as_bytes());
    }
    account.unreadable("no zstd frame");
    assert_eq!(account.found.not_an_event, 7);
    assert!(
        account
            .found
            .first_fault
            .as_ref()
            .unwrap()
            .contains("repeated")
    );
    assert!(!account.found.is_clean());
}

#[test]
fn a_repetition_is_known_long_after() {
    let mut account = account();
    for time in 1..=REMEMBERED as u64 + 1 {
        account.check(event(time, "a.b.c").as_bytes());
    }
    account.check(event(2, "a.b.c").as_bytes());
    assert_eq!((account.found.repeated, account.found.reordered), (1, 0));
    account.check(event(1, "a.b.c").as_bytes());
    assert_eq!((account.found.repeated, account.found.reordered), (1, 1));
}
