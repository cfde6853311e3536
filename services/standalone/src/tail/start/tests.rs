use super::*;

const NOW: u64 = 1_783_175_887_000_000;

fn cursor(text: &str) -> u64 {
    text.parse::<Start>().unwrap().cursor(NOW).unwrap()
}

#[test]
fn a_number_is_passed_to_the_server() {
    assert_eq!(cursor("1783175887000000"), 1_783_175_887_000_000);
    assert_eq!(cursor("12345"), 12_345);
    assert_eq!(cursor("0"), 0);
}

#[test]
fn a_duration_is_an_age() {
    assert_eq!(cursor("10m"), NOW - 600_000_000);
    assert_eq!(cursor("90s"), NOW - 90_000_000);
    assert_eq!(cursor("1d 2h"), NOW - 26 * 3_600_000_000);
    let ages = "100years".parse::<Start>().unwrap();
    assert!(matches!(ages.cursor(NOW), Err(TailError::TooLongAgo)));
}

#[test]
fn a_time_is_read_in_its_zone() {
    for text in [
        "2026-07-04T14:38:07Z",
        "2026-07-04t14:38:07z",
        "2026-07-04T14:38:07.000000Z",
        "2026-07-04T16:38:07+02:00",
        "2026-07-04T10:08:07-04:30",
    ] {
        assert_eq!(cursor(text), NOW, "{text}");
    }
    assert_eq!(cursor("2026-07-04T14:38:07.25Z"), NOW + 250_000);
}

#[test]
fn an_invalid_start_is_rejected_with_what_is_allowed() {
    for text in [
        "",
        "yesterday",
        "-5",
        "10 parsecs",
        "2026-07-04",
        "2026-13-04T14:38:07Z",
        "10m ago",
    ] {
        let said = text.parse::<Start>().unwrap_err();
        assert!(said.contains("allowed: a time_us"), "{text}: {said}");
    }
}
