use super::*;

fn time(us: u64) -> TimeUs {
    TimeUs::new(1_700_000_000_000_000 + us).unwrap()
}

#[test]
fn the_window_only_moves_forward() {
    let window = Window::default();
    assert_eq!(window.oldest(), Oldest::default());
    window.begins_at(5);
    assert_eq!(window.oldest(), Oldest { seq: 5, time: None });
    window.begins_with(5, time(1));
    window.begins_at(5);
    let known = Oldest {
        seq: 5,
        time: Some(time(1)),
    };
    assert_eq!(window.oldest(), known, "the time stays known");
    window.begins_at(4);
    window.begins_with(4, time(0));
    assert_eq!(window.oldest(), known);
    window.begins_at(6);
    assert_eq!(window.oldest(), Oldest { seq: 6, time: None });
}
