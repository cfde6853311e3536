use super::*;

#[test]
fn an_identity_is_read_back_as_it_was_printed() {
    for (created, epoch) in [
        (0, 0),
        (1_783_175_888_000_000_001, 0x00ab),
        (u64::MAX, u64::MAX),
    ] {
        let identity = LogIdentity::new(created, epoch);
        assert_eq!(identity.to_string().parse(), Ok(identity));
    }
}

#[test]
fn other_texts_are_no_identities() {
    let wrong = [
        "",
        "-",
        "1",
        "1-2",
        "x-0000000000000002",
        "+1-0000000000000002",
        "1-00000000000000020",
        "1-000000000000000A",
        "01-0000000000000002",
    ];
    for text in wrong {
        assert_eq!(text.parse::<LogIdentity>(), Err(NoIdentity), "{text:?}");
    }
}

#[test]
fn a_new_log_begins_above_every_older_one_and_below_the_times() {
    let year = |years: u64| years * 31_556_952_000_000;
    assert_eq!(first_seq(0), 1);
    assert_eq!(first_seq(1_783_175_888_999_999), 3_566_351_776_000);
    assert_eq!(first_seq(1_783_175_889_000_000), 3_566_351_778_000);
    assert!(first_seq(year(56 + 1000)) < fanjet_event::SEQ_TIME_BOUNDARY);
}
