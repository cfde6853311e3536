//! Tests of admission.

use crate::http::Descriptors;
use std::time::Duration;

use super::*;
use crate::config::LimitsConfig;

fn admission(max: usize, max_per_address: usize) -> Arc<Admission> {
    with_limits(max, max_per_address, LimitsConfig::default())
}

fn with_limits(max: usize, max_per_address: usize, limits: LimitsConfig) -> Arc<Admission> {
    let mut config = EdgeConfig {
        limits,
        ..EdgeConfig::default()
    };
    config.http.max_subscribers = max;
    config.http.max_subscribers_per_address = max_per_address;
    Arc::new(Admission::new(&config, Descriptors::limited_to(20_000)).unwrap())
}

fn client(address: &str) -> Option<IpAddr> {
    Some(address.parse().unwrap())
}

#[test]
fn a_full_node_admits_a_client_after_another_leaves() {
    let admission = admission(2, 0);
    let first = admission.admit(client("192.0.2.1"), None).unwrap();
    let _second = admission.admit(None, None).unwrap();
    let full = Refusal::NodeFull { max_subscribers: 2 };
    assert_eq!(
        admission.admit(client("192.0.2.2"), None).unwrap_err(),
        full
    );
    drop(first);
    admission.admit(client("192.0.2.2"), None).unwrap();
}

#[test]
fn one_address_cannot_take_all_slots() {
    let admission = admission(10, 2);
    let first = admission.admit(client("192.0.2.1"), None).unwrap();
    let _second = admission.admit(client("192.0.2.1"), None).unwrap();
    let full = Refusal::AddressFull { max: 2 };
    assert_eq!(
        admission.admit(client("192.0.2.1"), None).unwrap_err(),
        full
    );
    let _another = admission.admit(client("192.0.2.2"), None).unwrap();
    drop(first);
    admission.admit(client("192.0.2.1"), None).unwrap();
}

#[test]
fn an_ipv6_prefix_counts_as_one_address() {
    let admission = admission(10, 1);
    let _first = admission.admit(client("2001:db8:0:1::1"), None).unwrap();
    assert!(
        admission
            .admit(client("2001:db8:0:1:ffff::2"), None)
            .is_err()
    );
    assert!(admission.admit(client("2001:db8:0:2::1"), None).is_ok());
}

#[test]
fn an_address_without_subscribers_takes_no_memory() {
    let admission = admission(10, 1);
    drop(admission.admit(client("192.0.2.1"), None).unwrap());
    assert!(admission.open.lock().holders.is_empty());
}

#[test]
fn an_empty_replay_allowance_outlives_the_connection() {
    let limits = LimitsConfig {
        max_replay_bytes_per_second: 1000,
        ..LimitsConfig::default()
    };
    let admission = with_limits(2, 2, limits);
    let now = Instant::now();
    let take = |slot: &ConnectionSlot| slot.replay().lock().take(1000, now);
    let first = admission.admit(client("192.0.2.1"), None).unwrap();
    assert_eq!(take(&first), Duration::ZERO);
    let second = admission.admit(client("192.0.2.1"), None).unwrap();
    assert!(take(&second) > Duration::ZERO, "the allowance is shared");
    drop((first, second));
    let again = admission.admit(client("192.0.2.1"), None).unwrap();
    assert!(
        take(&again) > Duration::from_secs(1),
        "it outlives the connections"
    );
    let other = admission.admit(client("192.0.2.2"), None).unwrap();
    assert_eq!(take(&other), Duration::ZERO);
    drop((again, other));
    // They are forgotten eventually.
    for last in 3..20 {
        let address = format!("192.0.2.{last}");
        take(&admission.admit(client(&address), None).unwrap());
        assert!(admission.open.lock().holders.len() <= 4);
    }
}

#[test]
fn a_key_has_its_own_limit() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.toml");
    let sha256 = "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb";
    let text = format!("[[key]]\nname = \"acme\"\nsha256 = \"{sha256}\"\nmax_subscribers = 3\n");
    std::fs::write(&file, text).unwrap();
    let limits = LimitsConfig {
        api_keys: file,
        ..LimitsConfig::default()
    };
    let admission = with_limits(10, 1, limits);
    let _stranger = admission.admit(client("192.0.2.1"), None).unwrap();
    let of_key: Vec<_> = ["192.0.2.1", "192.0.2.1", "192.0.2.2"]
        .map(|address| admission.admit(client(address), Some("open sesame")))
        .into_iter()
        .collect::<Result<_, _>>()
        .unwrap();
    let more = admission.admit(client("192.0.2.3"), Some("open sesame"));
    assert_eq!(more.unwrap_err(), Refusal::KeyFull { max: 3 });
    let wrong = admission.admit(client("192.0.2.3"), Some("open"));
    assert_eq!(wrong.unwrap_err(), Refusal::UnknownKey);
    drop(of_key);
    assert!(admission.admit(None, Some("open sesame")).is_ok());
}

#[test]
fn without_configured_keys_a_token_is_ignored() {
    let admission = with_limits(10, 1, LimitsConfig::default());
    let _place = admission
        .admit(client("192.0.2.1"), Some("a gateway's token"))
        .unwrap();
    let second = admission.admit(client("192.0.2.1"), Some("another"));
    assert_eq!(second.unwrap_err(), Refusal::AddressFull { max: 1 });
}
