use super::*;

#[test]
fn every_password_has_a_value() {
    let text = shipped_accounts();
    let names = variables(SHIPPED);
    assert!(names.contains("NATS_INGEST_PASSWORD"), "{names:?}");
    for name in names {
        let values = text.lines().filter(|line| line.starts_with(name));
        assert_eq!(values.count(), 1, "{name}");
    }
}
