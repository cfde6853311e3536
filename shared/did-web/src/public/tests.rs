use std::time::Duration;

use reqwest::{Client, Url};
use tokio::net::TcpListener;

use super::*;

#[test]
fn neighbours_are_not_public() {
    for address in [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.2.1",
        "192.0.0.8",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "2001::1",
    ] {
        assert!(!is_public(address.parse().unwrap()), "{address}");
    }
    for address in [
        "1.1.1.1",
        "104.16.0.1",
        "2606:4700::1111",
        "2001:4860:4860::8888",
    ] {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
}

/// Whether a client that requests a URL on this machine opens a connection.
async fn is_knocked_at(reach: Reach, host: &str) -> bool {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let scheme = match reach {
        Reach::Public => "https",
        Reach::Private => "http",
    };
    let url = Url::parse(&format!("{scheme}://{host}:{port}/")).unwrap();
    let builder = Client::builder().timeout(Duration::from_secs(20));
    let client = within(reach, builder).build().unwrap();
    tokio::select! {
        biased;
        knocked = listener.accept() => knocked.is_ok(),
        answer = client.get(url).send() => {
            assert!(answer.is_err());
            false
        }
    }
}

#[tokio::test]
async fn a_name_that_means_this_machine_is_not_connected_to() {
    assert!(is_knocked_at(Reach::Private, "localhost").await);
    assert!(!is_knocked_at(Reach::Public, "localhost").await);
}

#[tokio::test]
async fn strangers_are_asked_by_https_only() {
    let client = within(Reach::Public, Client::builder()).build().unwrap();
    let refused = client.get("http://1.1.1.1/").send().await.unwrap_err();
    assert!(refused.is_builder(), "{refused}");
}

#[test]
fn redirects_lead_to_public_names_by_https_only() {
    let may = |url: &str, reach| may_follow(&Url::parse(url).unwrap(), reach);
    for fine in ["https://alice.com/x?y", "https://www.alice.com/"] {
        assert!(may(fine, Reach::Public), "{fine}");
    }
    for bad in [
        "http://alice.com/",
        "https://alice.com:8443/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "https://localhost/",
        "https://intranet/",
        "https://metadata.google.internal/",
        "https://user:word@alice.com/",
        "ftp://alice.com/",
        "file:///etc/passwd",
    ] {
        assert!(!may(bad, Reach::Public), "{bad}");
    }
    assert!(may("http://alice.test/", Reach::Private));
    assert!(!may("http://127.0.0.1/", Reach::Private));
}
