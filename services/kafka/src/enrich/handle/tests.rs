use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fanjet_did_web::{redirects, within_by};
use fanjet_runtime::{OnFailure, Stop, Tasks};
use fanjet_testkit::NameServer;
use fanjet_testkit::name_server::Zone;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

/// A web server for all hosts of this test: its response depends on the requested name.
struct Hosts {
    port: u16,
    asked: Arc<AtomicUsize>,
}

impl Hosts {
    async fn start(answers: HashMap<&'static str, String>, tasks: &mut Tasks, stop: &Stop) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let (count, stop) = (Arc::clone(&asked), stop.clone());
        tasks.spawn("hosts", OnFailure::StopAll, async move {
            let mut open = Vec::new();
            loop {
                let (mut connection, _) = tokio::select! {
                    connected = listener.accept() => connected?,
                    () = stop.cancelled() => return Ok::<_, std::io::Error>(()),
                };
                count.fetch_add(1, Ordering::SeqCst);
                answer(&mut connection, &answers).await;
                open.push(connection);
            }
        });
        Self { port, asked }
    }
}

async fn answer(connection: &mut TcpStream, answers: &HashMap<&'static str, String>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let Ok(byte) = connection.read_u8().await else {
            return;
        };
        request.push(byte);
    }
    let request = String::from_utf8(request).unwrap();
    let host = request
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let silent = String::new();
    let text = answers.get(host).unwrap_or(&silent);
    let _gone = connection.write_all(text.as_bytes()).await;
    if !text.is_empty() {
        let _gone = connection.shutdown().await;
    }
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
}

fn redirect(to: &str) -> String {
    format!(
        "HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"
    )
}

fn missing() -> String {
    "HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned()
}

#[tokio::test]
async fn a_handle_is_resolved_by_dns_or_by_its_host() {
    let stop = Stop::new();
    let mut tasks = Tasks::new(stop.clone());
    let well_known = "/.well-known/atproto-did";
    let answers = HashMap::from([
        ("host.test", ok(&format!(" {DID}\n"))),
        (
            "moved.test",
            redirect(&format!("http://host.test{well_known}")),
        ),
        ("inward.test", redirect("http://127.0.0.1/x")),
        (
            "circle.test",
            redirect(&format!("http://circle.test{well_known}")),
        ),
        ("wordy.test", ok(&format!("{DID}{}", " ".repeat(4 << 10)))),
        ("nonsense.test", ok("<html>did:plc:a</html>")),
        ("missing.test", missing()),
        ("several.test", ok(DID)),
        ("unasked.test", missing()),
    ]);
    let hosts = Hosts::start(answers, &mut tasks, &stop).await;
    let mut zone = Zone::default()
        .text("_atproto.text.test", "v=spf1")
        .text("_atproto.text.test", &format!("did={DID}"))
        .text("_atproto.several.test", "did=did:plc:one")
        .text("_atproto.several.test", "did=did:plc:two")
        .text("_atproto.missing.test", "did=no did")
        .silent("_atproto.unasked.test")
        .silent("_atproto.slow.test");
    for host in [
        "host", "moved", "inward", "circle", "wordy", "nonsense", "missing", "several", "unasked",
        "slow",
    ] {
        zone = zone.address(&format!("{host}.test"), Ipv4Addr::LOCALHOST);
    }
    let server = NameServer::start(zone).await.unwrap();
    let resolver = Resolver::at(server.address(), hosts.port);
    let reach = Reach::Private;
    let builder = Client::builder().timeout(Duration::from_secs(3));
    let builder = within_by(reach, resolver.clone(), builder);
    let client = builder.redirect(redirects(reach, MAX_REDIRECTS)).build();
    let client = client.unwrap();
    let asked = async |handle: &str| owner(handle, &resolver, &client, reach).await;
    for handle in ["text.test", "host.test", "moved.test"] {
        let found = asked(handle).await.unwrap();
        assert_eq!(found, Some(Owner(DID.to_owned())), "{handle}");
    }
    for handle in [
        "several.test",
        "missing.test",
        "wordy.test",
        "nonsense.test",
        "nowhere.test",
        "alice.example",
        "no handle",
    ] {
        let found = asked(handle).await.unwrap();
        assert_eq!(found, None, "{handle}");
    }
    // No lookup may be redirected to an address; a redirect loop or silence is not a result.
    for handle in ["inward.test", "circle.test", "unasked.test", "slow.test"] {
        assert!(asked(handle).await.is_err(), "{handle}");
    }
    let before = hosts.asked.load(Ordering::SeqCst);
    assert!(asked("text.test").await.unwrap().is_some());
    assert_eq!(hosts.asked.load(Ordering::SeqCst), before);
    stop.cancel();
    tasks.join().await.unwrap();
}

#[tokio::test]
async fn untrusted_handles_never_resolve_to_private_addresses() {
    let stop = Stop::new();
    let mut tasks = Tasks::new(stop.clone());
    let answers = HashMap::from([("alice.com", ok(DID))]);
    let hosts = Hosts::start(answers, &mut tasks, &stop).await;
    let zone = Zone::default().address("alice.com", Ipv4Addr::LOCALHOST);
    let server = NameServer::start(zone).await.unwrap();
    let resolver = Resolver::at(server.address(), hosts.port);
    let reach = Reach::Public;
    let client = within_by(reach, resolver.clone(), Client::builder());
    let client = client.build().unwrap();
    let found = owner("alice.com", &resolver, &client, reach).await;
    assert!(found.is_err());
    assert_eq!(hosts.asked.load(Ordering::SeqCst), 0);
    stop.cancel();
    tasks.join().await.unwrap();
}
