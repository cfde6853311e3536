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

const FIRST: &str = "zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme";
const SECOND: &str = "zQ3shtxV1FrJfhqE1dvxYRcCknWNjHc3c5X1y3ZSoPDi2aur2";

fn document(key: &str) -> LabelerDocument {
    let text = format!(
        r##"{{"id":"did:plc:x","verificationMethod":[{{"id":"#atproto_label","type":"Multikey","controller":"did:plc:x","publicKeyMultibase":"{key}"}}]}}"##
    );
    let document = fanjet_verify::labeler("did:plc:x", text.as_bytes()).unwrap();
    assert!(document.key.is_ok());
    document
}

#[test]
fn what_was_refused_with_an_old_key_is_requested_again() {
    let start = Instant::now();
    let mut keys = Keys::default();
    assert_eq!(keys.learn(&document(FIRST)), None);
    assert_eq!(keys.due(), None);
    assert!(keys.may_renew(start));
    assert_eq!(keys.learn(&document(FIRST)), None);
    keys.refused(7);
    keys.refused(8);
    assert_eq!(keys.due(), Some(start + RENEWAL));
    assert_eq!(keys.learn(&document(SECOND)), Some(7));
    assert_eq!((keys.due(), keys.learn(&document(FIRST))), (None, None));
}

#[test]
fn what_was_refused_stays_so_with_the_same_key_and_once_another_frame_has_passed() {
    let mut keys = Keys::default();
    keys.learn(&document(FIRST));
    assert!(keys.may_renew(Instant::now()));
    keys.refused(7);
    assert_eq!(keys.learn(&document(FIRST)), None);
    assert_eq!(keys.due(), None);
    keys.refused(8);
    keys.passed();
    assert_eq!(keys.due(), None);
    assert_eq!(keys.learn(&document(SECOND)), None);
}
