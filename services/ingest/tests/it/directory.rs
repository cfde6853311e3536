//! A directory of keys, served over real HTTP, which can be correct, wrong or silent.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A running directory. It ends with the test's runtime.
pub(crate) struct TestDirectory {
    pub(crate) url: String,
    pub(crate) asked: Arc<AtomicUsize>,
}

#[derive(Clone)]
pub(crate) enum Answers {
    /// These documents for some DIDs, and the world's for all others.
    Documents(HashMap<String, String>, fanjet_simulator::Directory),
    /// Accepts connections and sends nothing.
    Silence,
}

impl TestDirectory {
    pub(crate) async fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        #[allow(
            clippy::disallowed_methods,
            reason = "a server of the test, which ends with its runtime"
        )]
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(stream, answers.clone()));
            }
        });
        Self { url, asked }
    }
}

async fn answer(mut stream: TcpStream, answers: Answers) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let head = String::from_utf8(head).unwrap();
    let did = head
        .strip_prefix("GET /")
        .and_then(|rest| rest.split(' ').next())
        .unwrap();
    let document = match &answers {
        Answers::Silence => return std::future::pending().await,
        Answers::Documents(own, world) => own.get(did).cloned().or_else(|| world.get(did)),
    };
    let (status, body) = match document {
        Some(document) => ("200 OK", document),
        None => ("404 Not Found", "{}".to_owned()),
    };
    let response = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _gone = stream.write_all(response.as_bytes()).await;
    let _gone = stream.shutdown().await;
}
