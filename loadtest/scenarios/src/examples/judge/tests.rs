use super::*;

fn event(n: u64, time_us: u64) -> String {
    format!(r#"{{"did":"did:plc:{n}","time_us":{time_us},"kind":"commit"}}"#)
}

fn published(count: u64) -> Vec<String> {
    (0..count).map(|n| event(n, 0)).collect()
}

fn printed(numbers: &[u64]) -> Vec<String> {
    numbers.iter().map(|n| event(*n, 1_000 + n)).collect()
}

fn consumed(numbers: &[u64]) -> Vec<String> {
    let lines = numbers.iter().map(|n| (70 + n, event(*n, 1_000 + n)));
    lines.map(|(seq, json)| format!("{seq}\t{json}")).collect()
}

fn as_texts(events: &[String]) -> Vec<&str> {
    events.iter().map(String::as_str).collect()
}

#[test]
fn a_whole_stream_is_clean_and_one_repetition_at_a_kill_is_counted() {
    let wanted = published(6);
    let judged = judge_stream(
        &as_texts(&wanted),
        &[printed(&[0, 1, 2]), printed(&[2, 3, 4, 5])],
    );
    assert!(judged.verdict.is_clean(), "{:?}", judged.verdict);
    assert_eq!((judged.repeated, judged.lives), (1, 2));
}

#[test]
fn a_stream_that_lacks_repeats_or_swaps_an_event_fails() {
    let wanted = published(4);
    for lives in [
        vec![printed(&[0, 1, 2])],
        vec![printed(&[0, 2, 3])],
        vec![printed(&[0, 1, 1, 2, 3])],
        vec![printed(&[0, 1, 2, 3, 3])],
        vec![printed(&[0, 2, 1, 3])],
        vec![printed(&[0, 1]), printed(&[0, 1, 2, 3])],
        vec![printed(&[])],
    ] {
        let judged = judge_stream(&as_texts(&wanted), &lives);
        assert!(!judged.verdict.is_clean(), "{lives:?}");
    }
}

#[test]
fn after_a_kill_a_reader_may_get_events_again_and_late() {
    let wanted = published(6);
    let lives = [consumed(&[0, 1, 2]), consumed(&[4, 5, 1, 2, 3])];
    let judged = judge_log(&as_texts(&wanted), &lives, false);
    assert!(judged.verdict.is_clean(), "{:?}", judged.verdict);
    assert_eq!(judged.repeated, 2);
}

#[test]
fn a_reader_that_lacks_an_event_or_has_them_out_of_order_before_a_kill_fails() {
    let wanted = published(4);
    for lives in [
        vec![consumed(&[0, 1, 2])],
        vec![consumed(&[0, 2, 1, 3])],
        vec![consumed(&[0, 1, 1, 2, 3])],
        vec![consumed(&[0]), consumed(&[2, 3])],
        vec![vec!["no seq".to_owned()]],
        vec![vec![
            format!("7\t{}", event(0, 1)),
            format!("7\t{}", event(1, 2)),
        ]],
    ] {
        let judged = judge_log(&as_texts(&wanted), &lives, false);
        assert!(!judged.verdict.is_clean(), "{lives:?}");
    }
}
