use super::*;

#[test]
fn only_the_first_time_us_may_differ() {
    let line = |time: &str, inner: &str| {
        format!(r#"{{"did":"x","time_us":{time},"r":{{"time_us":{inner}}}}}"#)
    };
    compare(&line("1", "5"), &line("1783175888112407", "5")).unwrap();
    let error = compare(&line("1", "5"), &line("1", "6")).unwrap_err();
    assert!(error.to_string().contains("behind time_us"), "{error}");
    let error = compare(&line("1", "5"), &line("1", "5").replace("\"x\"", "\"y\"")).unwrap_err();
    assert!(error.to_string().contains("before time_us"), "{error}");
    compare(&line("1", "5"), &line("null", "5")).unwrap_err();
    compare(&line("1", "5"), "{}").unwrap_err();
    compare(&line("1", "5"), &format!("{} ", line("1", "5"))).unwrap_err();
}

#[test]
fn an_event_carries_its_time() {
    assert_eq!(time_us(r#"{"time_us":12,"r":{"time_us":5}}"#), Some(12));
    assert_eq!(time_us(r#"{"time_us":"12"}"#), None);
    assert_eq!(time_us("{}"), None);
}
