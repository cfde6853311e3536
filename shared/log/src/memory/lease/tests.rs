use super::*;
use crate::contract::OpenedLease;

async fn open() -> OpenedLease {
    OpenedLease {
        store: Arc::new(MemoryLease::new()),
        shortest_ttl: Duration::from_millis(50),
        keep: Box::new(()),
    }
}

crate::lease_contract_tests!(open);

fn holder(name: &str) -> HolderId {
    HolderId::new(name).unwrap()
}

#[tokio::test]
async fn a_revoked_lease_is_lost_and_an_absent_one_says_so() {
    let lease = MemoryLease::new();
    let ttl = Duration::from_secs(60);
    let term = lease.try_acquire(&holder("a"), ttl).await.unwrap().unwrap();
    lease.set_away(true);
    assert!(lease.renew(&term, ttl).await.unwrap_err().is_retryable());
    assert!(lease.release(&term).await.is_err());
    lease.set_away(false);
    assert_eq!(lease.holder(), Some(holder("a")));
    lease.revoke();
    assert_eq!(lease.renew(&term, ttl).await.unwrap(), None);
    assert_eq!(lease.holder(), None);
}

#[test]
fn holders_have_visible_names() {
    for name in ["a", "host-1/17/0f3a", &"x".repeat(255)] {
        assert_eq!(HolderId::new(name).unwrap().as_str(), name);
    }
    for name in ["", "a b", "a\n", "ä", &"x".repeat(256)] {
        assert_eq!(HolderId::new(name), None, "{name:?}");
    }
}
