use proptest::prelude::*;

use super::*;

#[test]
fn follows_the_specification() {
    for text in [
        "3jzfcijpj2z2a",
        "7777777777777",
        "3zzzzzzzzzzzz",
        "2222222222222",
        "jzzzzzzzzzzzz",
    ] {
        assert_eq!(Tid::parse(text).unwrap().to_string(), text);
    }
    for text in [
        "",
        "3jzfcijpj2z21",
        "0000000000000",
        "3jzfcijpj2z2aa",
        "3jzfcijpj2z2",
        "3jzf-cij-pj2z-2a",
        "zzzzzzzzzzzzz",
        "kjzfcijpj2z2a",
        "3JZFCIJPJ2Z2A",
    ] {
        assert!(Tid::parse(text).is_err(), "{text}");
    }
}

#[test]
fn carries_its_time() {
    assert_eq!(
        Tid::from_parts(1_783_175_888_085_434, 7).time_us(),
        1_783_175_888_085_434
    );
}

proptest! {
    #[test]
    fn text_and_value_agree_on_order(a: u64, b: u64) {
        let (a, b) = (Tid(a), Tid(b));
        prop_assert_eq!(Tid::parse(&a.to_string()).unwrap(), a);
        prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
    }
}
