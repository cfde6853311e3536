use super::*;

const SECOND: Duration = Duration::from_secs(1);
const RANGES: [Range; 5] = [
    Range::count("a.count", 1, 10).or_zero("one per core"),
    Range::count("a.bytes", 1, 1 << 40).or(-1, "unlimited"),
    Range::time("a.time", SECOND, Duration::from_secs(60)),
    Range::time("a.sync", SECOND, Duration::from_secs(60)).or_word("always"),
    Range::share("a.share", 0.0, 1.0),
];

fn checked(key: &str, value: impl Into<Value>) -> Result<(), OutOfRange> {
    let settings = serde_json::json!({ "a": { key: value.into() } });
    check_ranges(&settings, RANGES)
}

#[test]
fn what_is_in_range_or_means_something_passes() {
    for number in [0, 1, 10] {
        checked("count", number).unwrap();
    }
    for number in [-1, 1, 1_i64 << 40] {
        checked("bytes", number).unwrap();
    }
    for time in ["1s", "1m", "59s 999ms"] {
        checked("time", time).unwrap();
    }
    for time in ["always", "1s"] {
        checked("sync", time).unwrap();
    }
    for share in [0.0, 0.5, 1.0] {
        checked("share", share).unwrap();
    }
    checked("count", Value::Null).unwrap();
    check_ranges(&serde_json::json!({ "b": 7 }), RANGES).unwrap();
}

#[test]
fn what_is_out_of_range_is_named_with_what_is_allowed() {
    for (key, value, reason) in [
        (
            "count",
            Value::from(11),
            "11 is out of range; allowed: 1 to 10, or 0 for \"one per core\"",
        ),
        (
            "count",
            Value::from(u64::MAX),
            "18446744073709551615 is out of range; allowed: 1 to 10, or 0 for \"one per core\"",
        ),
        (
            "bytes",
            Value::from(0),
            "0 is out of range; allowed: 1 to 1099511627776, or -1 for \"unlimited\"",
        ),
        (
            "time",
            Value::from("0s"),
            "0s is out of range; allowed: 1s to 1m",
        ),
        (
            "sync",
            Value::from("2m"),
            "2m is out of range; allowed: 1s to 1m, or \"always\"",
        ),
        (
            "sync",
            Value::from("never"),
            "never is out of range; allowed: 1s to 1m, or \"always\"",
        ),
        (
            "share",
            Value::from(1.5),
            "1.5 is out of range; allowed: 0 to 1",
        ),
        (
            "share",
            Value::from(f64::NAN),
            "null is out of range; allowed: 0 to 1",
        ),
    ] {
        let wrong = checked(key, value).unwrap_err();
        assert_eq!(wrong.key, format!("a.{key}"));
        assert_eq!(wrong.reason, reason);
    }
}

#[test]
fn a_section_is_checked_by_its_own_keys() {
    let section = serde_json::json!({ "count": 11 });
    assert_eq!(
        check_section("a.", &section, RANGES).unwrap_err().key,
        "a.count"
    );
    check_section("b.", &section, RANGES).unwrap();
}

#[test]
fn all_numbers_and_times_are_found() {
    let settings = serde_json::json!({
        "a": { "count": 1, "time": "5m", "name": "x", "on": true, "list": ["a"], "none": null },
        "share": 0.5,
    });
    assert_eq!(numbers_and_times(&settings), ["a.count", "a.time", "share"]);
}
