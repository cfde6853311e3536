use async_nats::datetime::{from_nanos, parse_rfc3339};
use proptest::prelude::*;

use super::*;

#[test]
fn times_are_written_as_the_server_reads_them() {
    assert_eq!(
        rfc3339(1_783_175_888_999_123),
        "2026-07-04T14:38:08.999123Z"
    );
    assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000Z");
    assert_eq!(
        rfc3339(1_709_164_800_000_000),
        "2024-02-29T00:00:00.000000Z"
    );
    assert_eq!(
        rfc3339(4_107_542_400_000_000),
        "2100-03-01T00:00:00.000000Z"
    );
}

proptest! {
    #[test]
    fn every_log_time_is_read_back(us in 0..TimeUs::MAX.get()) {
        let read = parse_rfc3339(&rfc3339(us)).unwrap();
        prop_assert_eq!(read, from_nanos(i128::from(us) * 1000).unwrap());
    }
}
