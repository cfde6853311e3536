use super::*;

#[test]
fn an_endpoint_is_a_host() {
    for (endpoint, expected) in [
        ("https://mod.bsky.app", "wss://mod.bsky.app"),
        ("http://localhost:2/x?y#z", "ws://localhost:2"),
        ("wss://a.example/", "wss://a.example"),
    ] {
        let url = stream_of(endpoint).unwrap();
        assert_eq!(url.as_str(), format!("{expected}{PATH}"));
    }
    for bad in ["", "mod.bsky.app", "ftp://a.example", "file:///etc/passwd"] {
        assert_eq!(stream_of(bad), None, "{bad}");
    }
}

#[tokio::test]
async fn a_document_may_name_no_private_address() {
    for endpoint in [
        "https://127.0.0.1",
        "https://10.0.0.1:8443",
        "https://169.254.169.254",
        "https://[::1]",
        "http://203.0.113.1",
        "https://user@203.0.113.1",
    ] {
        let url = stream_of(endpoint).unwrap();
        assert_eq!(
            public(&url).await.unwrap_err().reason,
            "forbidden",
            "{endpoint}"
        );
    }
    let url = stream_of("https://1.1.1.1").unwrap();
    let found = public(&url).await.unwrap();
    assert_eq!(found, ["1.1.1.1:443".parse().unwrap()]);
}

#[test]
fn labelers_are_listed_once_with_urls_of_hosts() {
    let config = |list: &[&str]| LabelsConfig {
        labelers: list.iter().map(|text| text.parse().unwrap()).collect(),
        ..LabelsConfig::default()
    };
    assert!(validate(&config(&["did:plc:a", "did:plc:b=wss://b.example"])).is_ok());
    assert!(validate(&config(&["did:plc:a", "did:plc:a=wss://b.example"])).is_err());
    assert!(validate(&config(&["did:plc:a=b.example"])).is_err());
}
