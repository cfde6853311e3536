use super::*;

#[test]
fn known_instants() {
    for (text, micros) in [
        ("1970-01-01T00:00:00Z", 0),
        ("2000-02-29T00:00:00.000Z", 951_782_400_000_000),
        ("2024-02-29T23:59:59.999Z", 1_709_251_199_999_000),
        ("2026-07-04T14:38:07.5174999Z", 1_783_175_887_517_499),
        ("2026-07-04T16:38:07.517+02:00", 1_783_175_887_517_000),
        ("2026-07-04T09:08:07.517-05:30", 1_783_175_887_517_000),
        ("1969-12-31t23:59:59z", -1_000_000),
    ] {
        assert_eq!(FrameTime::parse(text), Some(FrameTime(micros)), "{text}");
    }
    for text in [
        "",
        "yesterday",
        "2026-07-04T14:38:07",
        "2026-07-04T14:38:07+2",
    ] {
        assert_eq!(FrameTime::parse(text), None, "{text}");
    }
}

#[test]
fn single_wrong_clocks_do_not_move_the_middle() {
    let mut recent = RecentTimes::default();
    assert_eq!(recent.middle(), None);
    for micros in 0..100 {
        let is_wrong = micros % 5 == 0;
        recent.add(FrameTime(if is_wrong { i64::MAX } else { micros }));
        if is_wrong {
            recent.add(FrameTime(i64::MIN));
        }
    }
    let middle = recent.middle().unwrap();
    assert!((85..100).contains(&middle.0), "{middle:?}");
}
