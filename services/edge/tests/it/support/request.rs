use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Node;

/// One plain HTTP request; returns the whole response.
pub(crate) async fn request(node: &Node, target: &str, headers: &str) -> String {
    request_as(node, "GET", target, headers).await
}

/// The same with another method, and no body.
pub(crate) async fn request_as(node: &Node, method: &str, target: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(node.addr()).await.unwrap();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: edge.test\r\nConnection: close\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}
