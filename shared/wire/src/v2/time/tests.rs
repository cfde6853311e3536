use proptest::prelude::*;

use super::*;

fn text(us: u64) -> String {
    String::from_utf8(rfc3339(TimeUs::new(us).unwrap()).to_vec()).unwrap()
}

#[test]
fn every_time_has_six_digits() {
    for (us, expected) in [
        (1_700_000_000_000_000, "2023-11-14T22:13:20.000000Z"),
        (1_700_000_000_000_001, "2023-11-14T22:13:20.000001Z"),
        (1_709_251_199_999_999, "2024-02-29T23:59:59.999999Z"),
        (1_709_251_200_000_000, "2024-03-01T00:00:00.000000Z"),
        (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
        (4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z"),
        (TimeUs::MIN.get(), "2001-09-09T01:46:40.000000Z"),
        (TimeUs::MAX.get(), "2286-11-20T17:46:39.999999Z"),
    ] {
        assert_eq!(text(us), expected);
    }
}

proptest! {
    /// A well-known library reads the same time.
    #[test]
    fn a_time_reads_as_itself(us in TimeUs::MIN.get()..=TimeUs::MAX.get()) {
        let read = time::OffsetDateTime::parse(
            &text(us),
            &time::format_description::well_known::Rfc3339,
        )
        .unwrap();
        prop_assert_eq!(read.unix_timestamp_nanos(), i128::from(us) * 1000);
    }
}
