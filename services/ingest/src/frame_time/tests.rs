use super::*;

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
