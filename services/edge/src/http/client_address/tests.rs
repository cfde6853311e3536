//! Tests of client addresses.

use actix_web::test::TestRequest;
use proptest::prelude::*;

use super::*;

fn trusted() -> Vec<IpNet> {
    ["10.0.0.0/8", "fd00::/8"]
        .map(|net| net.parse().unwrap())
        .to_vec()
}

fn of(peer: &str, forwarded_for: &[&str]) -> String {
    let fields: Vec<_> = forwarded_for.iter().map(|field| field.as_bytes()).collect();
    forwarded_client(peer.parse().unwrap(), &fields, &trusted()).to_string()
}

#[test]
fn an_untrusted_peer_cannot_set_its_address() {
    assert_eq!(of("203.0.113.9", &["198.51.100.7"]), "203.0.113.9");
}

#[test]
fn a_trusted_proxy_names_the_client() {
    assert_eq!(of("10.1.2.3", &["198.51.100.7"]), "198.51.100.7");
    assert_eq!(of("::ffff:10.1.2.3", &["198.51.100.7:443"]), "198.51.100.7");
    assert_eq!(of("fd00::1", &["[2001:db8::5]:80"]), "2001:db8::5");
    assert_eq!(of("fd00::1", &["[2001:db8::5]"]), "2001:db8::5");
}

#[test]
fn addresses_before_the_proxys_entry_are_ignored() {
    assert_eq!(of("10.1.2.3", &["1.1.1.1, 198.51.100.7"]), "198.51.100.7");
    assert_eq!(
        of("10.1.2.3", &["10.9.9.9", "198.51.100.7"]),
        "198.51.100.7"
    );
}

#[test]
fn proxies_in_a_row_are_followed() {
    assert_eq!(
        of("10.1.2.3", &["198.51.100.7, 10.4.4.4", "10.5.5.5"]),
        "198.51.100.7"
    );
    assert_eq!(of("10.1.2.3", &["10.4.4.4"]), "10.4.4.4");
}

#[test]
fn a_proxy_without_a_valid_entry_is_the_client() {
    assert_eq!(of("10.1.2.3", &[]), "10.1.2.3");
    assert_eq!(of("10.1.2.3", &["unknown"]), "10.1.2.3");
    assert_eq!(of("10.1.2.3", &["198.51.100.7, _hidden"]), "10.1.2.3");
}

/// A client can send anything; the proxy appends its entry after it.
#[test]
fn invalid_utf8_does_not_hide_later_entries() {
    let request = |field: &[u8]| {
        let peer = "10.1.2.3:80".parse().unwrap();
        let request = TestRequest::default()
            .peer_addr(peer)
            .append_header((X_FORWARDED_FOR, HeaderValue::from_bytes(field).unwrap()));
        client_address(&request.to_http_request(), &trusted()).unwrap()
    };
    for field in [&b"\xe9, 198.51.100.7"[..], b"J\xfcrgen,198.51.100.7"] {
        assert_eq!(request(field).to_string(), "198.51.100.7");
    }
    assert_eq!(request(b"198.51.100.7, \xff").to_string(), "10.1.2.3");
}

proptest! {
    #[test]
    fn an_untrusted_peer_keeps_its_address_for_any_field(field in "[ -~]{0,80}") {
        prop_assert_eq!(of("203.0.113.9", &[&field]), "203.0.113.9");
    }

    #[test]
    fn the_proxys_entry_wins_over_anything_a_client_sends(field in "[ -~]{0,80}") {
        let fields = [format!("{field}, 198.51.100.7")];
        prop_assert_eq!(of("10.1.2.3", &[&fields[0]]), "198.51.100.7");
    }
}
