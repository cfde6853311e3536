use std::net::Ipv4Addr;

use fanjet_testkit::NameServer;
use fanjet_testkit::name_server::Zone;

use super::*;

#[tokio::test]
async fn what_stands_under_a_name_is_found_and_nothing_is_an_answer() {
    let long = format!("did={}", "a".repeat(600));
    let zone = Zone::default()
        .address("alice.example", Ipv4Addr::new(192, 0, 2, 1))
        .address("alice.example", Ipv4Addr::new(192, 0, 2, 2))
        .text("_atproto.alice.example", "did=did:plc:alice")
        .text("_atproto.alice.example", "v=spf1 -all")
        .text("long.example", &long);
    let server = NameServer::start(zone).await.unwrap();
    let resolver = Resolver::at(server.address(), 8080);
    let mut addresses = resolver.addresses("alice.example").await.unwrap();
    addresses.sort();
    let expected = ["192.0.2.1:8080", "192.0.2.2:8080"];
    assert_eq!(addresses, expected.map(|at| at.parse().unwrap()));
    let mut texts = resolver.texts("_atproto.alice.example").await.unwrap();
    texts.sort();
    assert_eq!(texts, ["did=did:plc:alice", "v=spf1 -all"]);
    // As one text.
    assert_eq!(resolver.texts("long.example").await.unwrap(), [long]);
    // A name without TXT records, and a name that does not exist.
    for name in ["alice.example", "bob.example"] {
        let texts = resolver.texts(name).await.unwrap();
        assert_eq!(texts, Vec::<String>::new(), "{name}");
    }
    let nowhere = resolver.addresses("bob.example").await.unwrap();
    assert_eq!(nowhere, Vec::new());
}

#[tokio::test]
async fn nothing_is_remembered_and_no_search_domain_is_tried() {
    let zone = Zone::default().text("a.example", "one");
    let server = NameServer::start(zone).await.unwrap();
    let resolver = Resolver::at(server.address(), 0);
    for asked in 1..=3 {
        assert_eq!(resolver.texts("a.example").await.unwrap(), ["one"]);
        assert_eq!(server.asked(), asked);
    }
    assert!(resolver.texts("b").await.unwrap().is_empty());
    assert_eq!(server.asked(), 4);
}

#[tokio::test]
async fn a_server_that_is_silent_is_no_answer() {
    let server = NameServer::start(Zone::default().silent("a.example"))
        .await
        .unwrap();
    let resolver = Resolver::at(server.address(), 0);
    assert!(resolver.texts("a.example").await.is_err());
    assert!(resolver.addresses("a.example").await.is_err());
}
