use super::*;

#[test]
fn a_thousand_bad_labels_cause_one_look_up_a_minute() {
    let start = Instant::now();
    let mut keys = Keys::default();
    let spread = (0..1_000).map(|n| start + Duration::from_millis(59 * n));
    let look_ups = spread.filter(|now| keys.may_renew(*now)).count();
    assert_eq!(look_ups, 1);
    assert!(keys.may_renew(start + RENEWAL));
    assert!(!keys.may_renew(start + RENEWAL));
}

#[tokio::test]
async fn without_a_key_nothing_is_known() {
    let results = Keys::default().check(&[]).await;
    assert_eq!(results, Results::default());
}
