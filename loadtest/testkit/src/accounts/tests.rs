use super::*;

#[test]
fn every_password_has_a_value() {
    let text = shipped_accounts();
    let used = SHIPPED.matches("password: $").count();
    assert!(used > 5, "{used}");
    let users = users(SHIPPED);
    assert_eq!(users.len(), used, "{users:?}");
    for user in users {
        let value = format!("NATS_{user}_PASSWORD: {}", password(user));
        assert_eq!(text.lines().filter(|line| *line == value).count(), 1);
    }
}
