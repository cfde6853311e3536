use proptest::prelude::*;

use super::*;

/// Compares both forms with the `cid` crate, an independent implementation.
fn witness(codec: u64, digest: &[u8; 32]) -> cid::Cid {
    cid::Cid::new_v1(
        codec,
        cid::multihash::Multihash::<64>::wrap(0x12, digest).unwrap(),
    )
}

proptest! {
    #[test]
    fn both_forms_agree_with_the_cid_crate(content in prop::collection::vec(any::<u8>(), 0..64), raw in any::<bool>()) {
        let (ours, codec) = if raw { (Cid::of_raw(&content), 0x55) } else { (Cid::of_dag_cbor(&content), 0x71) };
        let theirs = witness(codec, &ours.digest);
        prop_assert_eq!(ours.to_string(), theirs.to_string());
        prop_assert_eq!(ours.to_bytes().to_vec(), theirs.to_bytes());
        prop_assert_eq!(Cid::from_bytes(&theirs.to_bytes()), Some(ours));
        prop_assert_eq!(Cid::parse(&theirs.to_string()).unwrap(), ours);
        prop_assert!(ours.matches(&content));
    }

    #[test]
    fn hostile_bytes_and_text_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..48), text in ".{0,64}") {
        if let Some(cid) = Cid::from_bytes(&bytes) {
            prop_assert_eq!(cid.to_bytes().to_vec(), bytes);
        }
        if let Ok(cid) = Cid::parse(&text) {
            prop_assert_eq!(cid.to_string(), text);
        }
    }
}

#[test]
fn other_formats_are_refused() {
    for text in [
        "",
        "b",
        "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n",
        "zdj7WWeQ43G6JJvLWQWZpyHuAMq6uYWRjkBXFad11vE2LHhQ7",
        "BAFYREIGUCE4JH7KCBMOF3PMCVASIFQTW24B6ISAKJ5VE5GA2B4Z4ALPC4I",
    ] {
        assert!(Cid::parse(text).is_err(), "{text}");
    }
}
