use proptest::prelude::*;

use super::*;

fn found(did: &str, reach: Reach) -> Option<String> {
    document_url(did, reach).map(String::from)
}

#[test]
fn a_did_web_is_a_host_name_and_nothing_else() {
    assert_eq!(
        found("did:web:alice.example", Reach::Public).unwrap(),
        "https://alice.example/.well-known/did.json"
    );
    for bad in [
        "did:web:",
        "did:web:localhost",
        "did:web:localhost%3A8080",
        "did:web:intranet",
        "did:web:printer.local",
        "did:web:metadata.google.internal",
        "did:web:a.LocalHost",
        "did:web:1.0.0.127.in-addr.arpa",
        "did:web:alice.example%3A8080",
        "did:web:alice.example:user",
        "did:web:alice.example%2Fuser",
        "did:web:alice.example.",
        "did:web:.example",
        "did:web:alice..example",
        "did:web:-a.example",
        "did:web:a_b.example",
        "did:web:me@alice.example",
        "did:web:127.0.0.1",
        "did:web:%5B%3A%3A1%5D",
        "did:web:2130706433",
        "did:web:0x7f.1",
        "did:plc:abc",
        "did:key:zQ3s.x",
    ] {
        assert_eq!(found(bad, Reach::Public), None, "{bad}");
    }
}

#[test]
fn ports_and_localhost_are_for_networks_of_ones_own() {
    for (did, url) in [
        (
            "did:web:localhost%3A8080",
            "http://localhost:8080/.well-known/did.json",
        ),
        (
            "did:web:pds%3a2583",
            "https://pds:2583/.well-known/did.json",
        ),
        (
            "did:web:alice.example",
            "https://alice.example/.well-known/did.json",
        ),
    ] {
        assert_eq!(found(did, Reach::Private).as_deref(), Some(url));
    }
    for bad in [
        "did:web:localhost%3A",
        "did:web:localhost%3A0",
        "did:web:localhost%3A080",
        "did:web:localhost%3A70000",
        "did:web:localhost%3A+80",
        "did:web:localhost%3A80:user",
        "did:web:localhost%3A80%3A80",
        "did:web:localhost%40evil",
        "did:web:127.0.0.1%3A8080",
    ] {
        assert_eq!(found(bad, Reach::Private), None, "{bad}");
    }
}

proptest! {
    #[test]
    fn only_the_named_host_is_contacted(
        labels in prop::collection::vec("[a-z][a-z0-9]{0,10}(-[a-z0-9]{1,5})?", 1..4),
    ) {
        // The last label is one that is not reserved for private networks.
        let host = format!("{}.example", labels.join("."));
        let url = document_url(&format!("did:web:{host}"), Reach::Public).unwrap();
        prop_assert_eq!(url.as_str(), format!("https://{host}/.well-known/did.json"));
    }

    /// Whatever a DID contains, the request goes to exactly the name in it, by HTTPS, at its port.
    #[test]
    fn nothing_leads_anywhere_else(id in "[a-zA-Z0-9._:%@/\\[\\]-]{1,40}") {
        if let Some(url) = document_url(&format!("did:web:{id}"), Reach::Public) {
            prop_assert_eq!(url.scheme(), "https");
            prop_assert_eq!(url.port(), None);
            prop_assert_eq!(url.path(), "/.well-known/did.json");
            prop_assert_eq!(url.username(), "");
            let host = url.domain().unwrap();
            prop_assert!(host.eq_ignore_ascii_case(&id));
            prop_assert!(host.contains('.'));
            prop_assert!(host.parse::<std::net::IpAddr>().is_err());
        }
    }

    /// All spellings of an IPv4 address that a URL parser accepts.
    #[test]
    fn no_number_is_a_name(parts in prop::collection::vec(any::<u8>(), 1..5), hex in any::<bool>()) {
        let written: Vec<_> = parts
            .iter()
            .map(|part| if hex { format!("0x{part:x}") } else { part.to_string() })
            .collect();
        let did = format!("did:web:{}", written.join("."));
        prop_assert_eq!(document_url(&did, Reach::Public), None);
        prop_assert_eq!(document_url(&did, Reach::Private), None);
    }
}

#[test]
fn a_handle_is_a_public_host_name() {
    let found = |handle, reach| handle_url(handle, reach).map(String::from);
    for reach in [Reach::Public, Reach::Private] {
        assert_eq!(
            found("alice.bsky.social", reach).unwrap(),
            "https://alice.bsky.social/.well-known/atproto-did"
        );
        for bad in [
            "",
            "alice",
            "alice.",
            "alice..com",
            "alice.example",
            "alice.invalid",
            "handle.invalid",
            "alice.local",
            "alice.localhost",
            "alice.internal",
            "alice.onion",
            "1.0.0.127.in-addr.arpa",
            "10.0.0.1",
            "0x7f.1",
            "alice.com:8080",
            "alice.com/a",
            "me@alice.com",
            "al_ice.com",
            "\u{e4}lice.com",
        ] {
            assert_eq!(found(bad, reach), None, "{bad:?}");
        }
    }
    assert_eq!(found("alice.test", Reach::Public), None);
    assert_eq!(
        found("alice.test", Reach::Private).unwrap(),
        "http://alice.test/.well-known/atproto-did"
    );
}
