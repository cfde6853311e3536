use std::fs;

use fanjet_dictionaries::Dictionary;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{POST, XRPC, error};
use crate::support::{FaultyLog, Node, V2Client, commit, request, request_as};

/// The head and the body of a response.
async fn fetch(node: &Node, query: &str, headers: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(node.addr()).await.unwrap();
    let request = format!(
        "GET {XRPC}getZstdDictionary{query} HTTP/1.1\r\nHost: edge.test\r\nConnection: close\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer
        .windows(4)
        .position(|part| part == b"\r\n\r\n")
        .unwrap();
    let body = answer.split_off(end + 4);
    (String::from_utf8(answer).unwrap().to_lowercase(), body)
}

/// 38, 39.
#[tokio::test]
async fn the_dictionary_is_served_by_its_id() {
    let node = Node::start().await;
    let dictionary = fanjet_dictionaries::v2();
    let id = dictionary.id();
    for (query, age) in [
        (String::new(), "public, max-age=300"),
        (format!("?id={id}"), "public, max-age=31536000, immutable"),
    ] {
        let (head, body) = fetch(&node, &query, "").await;
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        for line in [
            "content-type: application/octet-stream".to_owned(),
            format!("etag: \"zstd-dict-{id}\""),
            format!("x-zstd-dictionary-id: {id}"),
            format!("cache-control: {age}"),
            "access-control-allow-origin: *".to_owned(),
        ] {
            assert!(head.contains(&format!("\r\n{line}\r\n")), "{line}: {head}");
        }
        assert_eq!(body, dictionary.bytes());
        assert_eq!(body[..4], [0x37, 0xa4, 0x30, 0xec]);
        assert_eq!(body[4..8], id.to_le_bytes());
    }
    for other in ["1", "0", "-1"] {
        let answer = request(&node, &format!("{XRPC}getZstdDictionary?id={other}"), "").await;
        let (status, name, message) = error(&answer);
        assert_eq!((status, &*name), (404, "DictionaryNotFound"));
        let expected = format!("no dictionary with id {other}; current dictionary id is {id}");
        assert_eq!(message, expected);
    }
    let answer = request(&node, &format!("{XRPC}getZstdDictionary?id=x"), "").await;
    let (status, name, message) = error(&answer);
    assert_eq!((status, &*name), (400, "InvalidRequest"));
    assert_eq!(message, "id must be an integer zstd dictionary ID");
}

/// 40.
#[tokio::test]
async fn parts_of_it_are_served_and_what_is_known_is_not() {
    let node = Node::start().await;
    let bytes = fanjet_dictionaries::v2().bytes();
    let tag = format!("\"zstd-dict-{}\"", fanjet_dictionaries::v2().id());
    for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let (head, body) = fetch(&node, "", &format!("If-None-Match: {known}\r\n")).await;
        assert!(
            head.starts_with("http/1.1 304 ") && body.is_empty(),
            "{head}"
        );
        assert!(head.contains(&tag), "{head}");
    }
    let (head, body) = fetch(&node, "", "If-None-Match: \"x\"\r\n").await;
    assert!(head.starts_with("http/1.1 200 ") && body == bytes, "{head}");
    let (head, body) = fetch(&node, "", "Range: bytes=4-7\r\n").await;
    assert!(
        head.starts_with("http/1.1 206 ") && body == bytes[4..8],
        "{head}"
    );
    let range = format!("content-range: bytes 4-7/{}", bytes.len());
    assert!(head.contains(&range), "{head}");
    let other = "Range: bytes=4-7\r\nIf-Range: \"other\"\r\n";
    assert_eq!(fetch(&node, "", other).await.1, bytes);
    let beyond = format!("Range: bytes={}-\r\n", bytes.len());
    assert!(
        fetch(&node, "", &beyond)
            .await
            .0
            .starts_with("http/1.1 416 ")
    );
    let head = request_as(&node, "HEAD", &format!("{XRPC}getZstdDictionary"), "").await;
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    let length = format!("content-length: {}\r\n", bytes.len());
    assert!(head.to_lowercase().contains(&length), "{head}");
}

/// 41, before the log is reached.
#[tokio::test]
async fn it_is_served_in_every_state() {
    let log = FaultyLog::new();
    log.set_fault(crate::support::Fault::Away);
    let node = Node::start_unready(log, |_| {});
    let (head, _) = fetch(&node, "", "").await;
    assert!(head.starts_with("http/1.1 200 "), "{head}");
}

/// 8, 42: the id that a client asks for is the one that it gets.
#[tokio::test]
async fn two_dictionaries_stream() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("previous.zdict");
    // Any other one will do.
    fs::write(&path, fanjet_dictionaries::v1().bytes()).unwrap();
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.zstd.v2_previous_dictionary = path.clone();
    })
    .await;
    let previous = Dictionary::from_file(&path).unwrap();
    let current = fanjet_dictionaries::v2();
    let (_, body) = fetch(&node, "", "").await;
    assert_eq!(body, current.bytes());
    let (_, body) = fetch(&node, &format!("?id={}", previous.id()), "").await;
    assert_eq!(body, previous.bytes());
    let mut clients = [
        V2Client::compressed(node.addr(), "", current).await,
        V2Client::compressed(node.addr(), "", &previous).await,
        V2Client::connect(node.addr(), "zstdDictionary=").await,
    ];
    let entries = node
        .log
        .append((0..20).map(|_| commit(POST, "did:plc:a").padded(300)));
    for client in &mut clients {
        client.expect(&entries).await;
    }
}
