//! A directory whose DID documents claim arbitrary handles.

use std::collections::HashMap;

use fanjet_runtime::{OnFailure, Stop, Tasks};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Directory {
    pub(crate) url: String,
    tasks: Tasks,
    stop: Stop,
}

impl Directory {
    /// Accounts with the handles that their documents claim.
    pub(crate) async fn start(accounts: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let documents: HashMap<String, String> = accounts
            .iter()
            .map(|(did, handle)| {
                let document = json!({"id": did, "alsoKnownAs": [format!("at://{handle}")]});
                (format!("/{did}"), document.to_string())
            })
            .collect();
        let stop = Stop::new();
        let mut tasks = Tasks::new(stop.clone());
        let stopped = stop.clone();
        tasks.spawn("directory", OnFailure::StopAll, async move {
            loop {
                let (mut connection, _) = tokio::select! {
                    connected = listener.accept() => connected?,
                    () = stopped.cancelled() => return Ok::<_, std::io::Error>(()),
                };
                answer(&mut connection, &documents).await;
            }
        });
        Self { url, tasks, stop }
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.tasks.join().await.unwrap();
    }
}

/// Reads one request and responds. The client may disconnect at any time.
async fn answer(connection: &mut TcpStream, documents: &HashMap<String, String>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let Ok(byte) = connection.read_u8().await else {
            return;
        };
        request.push(byte);
    }
    let request = String::from_utf8(request).unwrap();
    let path = request.split(' ').nth(1).unwrap();
    let (status, body) = match documents.get(path) {
        Some(document) => ("200 OK", document.as_str()),
        None => ("404 Not Found", ""),
    };
    let length = body.len();
    let text =
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    let _gone = connection.write_all(text.as_bytes()).await;
    let _gone = connection.shutdown().await;
}
