//! What a node answers over HTTP beside the stream, as the relay behind it does.

use fanjet_simulator::{CrawlRequest, Rate, SimulatorHandle};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::settings;
use crate::harness::{PATIENCE, Served, simulator};

const SYNC: &str = "/xrpc/com.atproto.sync.";

/// A node with a raw log behind a relay that has published.
struct Scene {
    relay: SimulatorHandle,
    served: Served,
    _data: tempfile::TempDir,
}

struct Response {
    status: u16,
    head: String,
    body: Value,
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    fn error(&self) -> (u16, &str) {
        assert_eq!(self.header("access-control-allow-origin"), Some("*"));
        (self.status, self.body["error"].as_str().unwrap_or_default())
    }
}

impl Scene {
    async fn start(seed: u64, more: &[(&'static str, String)]) -> Self {
        let relay = simulator(seed, 400, Rate::Max).await;
        let data = tempfile::tempdir().unwrap();
        let mut set = settings(data.path());
        set.extend_from_slice(more);
        let served = Served::start_as(&relay, &set, &[]).await;
        let produced = relay.wait_until_produced(400);
        tokio::time::timeout(PATIENCE, produced).await.unwrap();
        Self {
            relay,
            served,
            _data: data,
        }
    }

    async fn get(&self, path: &str) -> Response {
        request(&self.served.url, &format!("GET {path}"), "", "").await
    }

    async fn of_relay(&self, path: &str) -> Response {
        request(&self.relay.url(), &format!("GET {path}"), "", "").await
    }

    async fn crawl(&self, headers: &str, body: &str) -> Response {
        let line = format!("POST {SYNC}requestCrawl");
        request(&self.served.url, &line, headers, body).await
    }
}

async fn request(url: &str, line: &str, headers: &str, body: &str) -> Response {
    let address = url.trim_start_matches("ws://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let reading = stream.read_to_string(&mut answer);
    tokio::time::timeout(PATIENCE, reading)
        .await
        .unwrap()
        .unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Response {
        status,
        head: head.to_owned(),
        body: serde_json::from_str(body).unwrap_or_default(),
    }
}

/// The relay's own body and status, whether it finds something or not.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_relay_knows_is_passed_on_as_it_is() {
    let scene = Scene::start(2_420, &[]).await;
    let page = scene
        .get(&format!("{SYNC}listRepos?limit=2&cursor=5"))
        .await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("access-control-allow-origin"), Some("*"));
    assert!(page.header("server").unwrap().contains("atproto-relay"));
    let repos = page.body["repos"].as_array().unwrap();
    assert_eq!(repos.len(), 2);
    assert_eq!(page.body["cursor"], "7");
    let did = repos[0]["did"].as_str().unwrap();
    for query in [
        "listRepos?limit=2&cursor=5".to_owned(),
        "listRepos?limit=0".to_owned(),
        format!("getRepoStatus?did={did}"),
        format!("getLatestCommit?did={}", did.replace(':', "%3A")),
        "getLatestCommit?did=did:plc:absent".to_owned(),
        "getRepoStatus?did=did:plc:absent".to_owned(),
        "listHosts".to_owned(),
        "getHostStatus?hostname=pds.example".to_owned(),
        "getHostStatus?hostname=elsewhere.example".to_owned(),
    ] {
        let path = format!("{SYNC}{query}");
        let (ours, theirs) = (scene.get(&path).await, scene.of_relay(&path).await);
        assert_eq!(ours.status, theirs.status, "{query}");
        assert_eq!(ours.body, theirs.body, "{query}");
        assert!(ours.body.is_object(), "{query}");
    }
    let absent = scene
        .get(&format!("{SYNC}getLatestCommit?did=did:plc:absent"))
        .await;
    assert_eq!(absent.error(), (404, "RepoNotFound"));
    let answered = "fanjet_edge_raw_proxied_requests_total{outcome=\"answered\"} ";
    assert!(scene.served.metric(answered).await >= 10);
    scene.served.stop().await;
}

/// Bytes of repos do not pass through, methods that no relay has are refused by name, and there is no administration from outside.
#[tokio::test(flavor = "multi_thread")]
async fn everything_else_is_sent_elsewhere_or_refused() {
    let collections = (
        "edge.raw.collections_http",
        "https://collections.example".to_owned(),
    );
    let scene = Scene::start(2_421, &[collections]).await;
    let relay = scene.relay.url().replace("ws://", "http://");
    let repo = scene
        .get(&format!("{SYNC}getRepo?did=did%3Aplc%3Ax&since=3k"))
        .await;
    assert_eq!(repo.status, 302);
    let expected = format!("{relay}{SYNC}getRepo?did=did%3Aplc%3Ax&since=3k");
    assert_eq!(repo.header("location"), Some(expected.as_str()));
    let listed = scene
        .get(&format!(
            "{SYNC}listReposByCollection?collection=app.bsky.feed.post"
        ))
        .await;
    assert_eq!(listed.status, 302);
    let expected = format!(
        "https://collections.example{SYNC}listReposByCollection?collection=app.bsky.feed.post"
    );
    assert_eq!(listed.header("location"), Some(expected.as_str()));
    for method in [
        "getBlob",
        "getBlocks",
        "getRecord",
        "getCheckout",
        "unknown",
    ] {
        let response = scene.get(&format!("{SYNC}{method}?did=did:plc:x")).await;
        assert_eq!(response.error(), (501, "MethodNotImplemented"), "{method}");
    }
    for path in [
        "/admin/subs/getUpstreamConns",
        "/admin/",
        "/xrpc/com.atproto.sync.subscribeRepos/",
    ] {
        assert_eq!(scene.get(path).await.status, 404, "{path}");
    }
    for path in ["/_health", "/xrpc/_health"] {
        let health = scene.get(path).await;
        assert_eq!((health.status, &health.body["status"]), (200, &"ok".into()));
    }
    scene.served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_is_requested_once_and_never_in_a_circle() {
    let scene = Scene::start(2_422, &[]).await;
    let body = r#"{"hostname":"pds.new.example"}"#;
    for headers in [
        "via: 1.1 other, 1.1 relay (atproto-relay)\r\n",
        "user-agent: fanjet/1 (atproto-relay)\r\n",
    ] {
        let refused = scene.crawl(headers, body).await;
        assert_eq!(refused.error(), (400, "InvalidRequest"), "{headers}");
    }
    for body in ["", "[]", r#"{"host":"x"}"#] {
        let refused = scene.crawl("", body).await;
        assert_eq!(refused.error(), (400, "InvalidRequest"), "{body}");
    }
    let long = format!(r#"{{"hostname":"{}"}}"#, "a".repeat(5_000));
    assert_eq!(scene.crawl("", &long).await.status, 413);
    assert_eq!(scene.relay.crawl_requests(), []);
    let asked = scene.crawl("via: 1.1 proxy\r\n", body).await;
    assert_eq!(asked.status, 200, "{}", asked.body);
    let expected = CrawlRequest {
        hostname: "pds.new.example".to_owned(),
        via: Some("1.1 fanjet (atproto-relay)".to_owned()),
    };
    assert_eq!(scene.relay.crawl_requests(), [expected]);
    // One at a time from an address.
    let (one, other) = tokio::join!(scene.crawl("", body), scene.crawl("", body));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 503]);
    scene.served.stop().await;
}

/// Requests of one address share their places, and an upstream that is away costs no client more than its own request.
#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_is_away_or_slow_holds_up_no_other() {
    let share = ("edge.raw.max_proxied_per_address", "2".to_owned());
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}", silent.local_addr().unwrap());
    let slow = Scene::start(2_423, &[share, ("edge.raw.upstream_http", at)]).await;
    let path = format!("{SYNC}listHosts");
    let first = slow.get(&path);
    let second = slow.get(&path);
    let refused = async {
        // Once both have a place.
        let _one = silent.accept().await.unwrap();
        let _other = silent.accept().await.unwrap();
        let refused = slow.get(&path).await;
        assert_eq!(refused.error(), (503, "ServiceUnavailable"));
        assert_eq!(refused.header("retry-after"), Some("1"));
    };
    let (first, second, ()) = tokio::join!(first, second, refused);
    for response in [first, second] {
        assert_eq!(response.error(), (502, "UpstreamFailure"));
    }
    drop(silent);
    let gone = slow.get(&path).await;
    assert_eq!(gone.error(), (502, "UpstreamFailure"));
    slow.served.stop().await;
}
