//! Tests of who gets a place.

use super::*;

fn admission(max: usize, max_per_address: usize) -> Arc<Admission> {
    Arc::new(Admission::new(&HttpConfig {
        max_subscribers: max,
        max_subscribers_per_address: max_per_address,
        ..HttpConfig::default()
    }))
}

fn client(address: &str) -> Option<IpAddr> {
    Some(address.parse().unwrap())
}

#[test]
fn a_full_node_takes_nobody_until_somebody_leaves() {
    let admission = admission(2, 0);
    let first = admission.admit(client("192.0.2.1")).unwrap();
    let _second = admission.admit(None).unwrap();
    let full = Refusal::NodeFull { max_subscribers: 2 };
    assert_eq!(admission.admit(client("192.0.2.2")).unwrap_err(), full);
    drop(first);
    admission.admit(client("192.0.2.2")).unwrap();
}

#[test]
fn one_address_cannot_take_the_others_places() {
    let admission = admission(10, 2);
    let first = admission.admit(client("192.0.2.1")).unwrap();
    let _second = admission.admit(client("192.0.2.1")).unwrap();
    let full = Refusal::AddressFull { max: 2 };
    assert_eq!(admission.admit(client("192.0.2.1")).unwrap_err(), full);
    let _another = admission.admit(client("192.0.2.2")).unwrap();
    drop(first);
    admission.admit(client("192.0.2.1")).unwrap();
}

#[test]
fn addresses_of_one_customer_count_as_one() {
    let admission = admission(10, 1);
    let _first = admission.admit(client("2001:db8:0:1::1")).unwrap();
    assert!(admission.admit(client("2001:db8:0:1:ffff::2")).is_err());
    assert!(admission.admit(client("2001:db8:0:2::1")).is_ok());
}

#[test]
fn who_has_left_takes_no_memory() {
    let admission = admission(10, 1);
    drop(admission.admit(client("192.0.2.1")).unwrap());
    assert!(admission.open.lock().by_address.is_empty());
}
