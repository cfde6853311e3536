use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::*;

type Server = WebSocketStream<TcpStream>;

/// A server for one connection that runs `script`; returns its address, and the request target.
async fn serve<F: Future<Output = ()> + Send + 'static>(
    script: impl FnOnce(Server, String) -> F + Send + 'static,
) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut target = String::new();
        let server = accept_hdr_async(socket, |request: &Request, response: Response| {
            target = format!(
                "{} {:?}",
                request.uri(),
                request.headers().get("socket-encoding")
            );
            Ok(response)
        })
        .await
        .unwrap();
        script(server, target).await;
    });
    (address, tasks)
}

#[tokio::test]
async fn events_are_read_and_counted_and_the_close_is_reported() {
    let (address, mut tasks) = serve(|mut server, target| async move {
        server.send(Message::text(target)).await.unwrap();
        server.send(Message::Ping(Bytes::new())).await.unwrap();
        server.send(Message::binary(vec![1, 2, 3])).await.unwrap();
        let update = loop {
            if let Message::Text(text) = server.next().await.unwrap().unwrap() {
                break text;
            }
        };
        server.send(Message::Text(update)).await.unwrap();
        let close = CloseFrame {
            code: 1012.into(),
            reason: "draining".into(),
        };
        server.close(Some(close)).await.unwrap();
    })
    .await;
    let params = [
        ("wantedCollections", "app.bsky.graph.*"),
        ("wantedDids", "did:web:a&b"),
    ];
    let headers = [("socket-encoding", "zstd")];
    let mut client = JetstreamClient::connect_with_headers(&address, &params, &headers)
        .await
        .unwrap();
    assert_eq!(
        client.next_event().await.unwrap(),
        "/subscribe?wantedCollections=app.bsky.graph.*&wantedDids=did%3Aweb%3Aa%26b Some(\"zstd\")"
    );
    assert_eq!(client.next_binary().await.unwrap().as_ref(), [1, 2, 3]);
    client.send("update").await.unwrap();
    assert_eq!(client.next_events(1).await.unwrap(), ["update"]);
    assert_eq!(client.events(), 3);
    let closed = client.wait_close().await.unwrap();
    assert_eq!((closed.code, closed.reason.as_str()), (1012, "draining"));
    let error = client.next_event().await.unwrap_err();
    assert!(error.to_string().contains("1012"), "{error}");
    tasks.join_next().await.unwrap().unwrap();
}

#[tokio::test]
async fn a_broken_connection_is_1006_and_silence_is_an_error() {
    let (address, _tasks) = serve(|server, _| async move { drop(server) }).await;
    let mut client = JetstreamClient::connect(&address, &[]).await.unwrap();
    assert_eq!(client.wait_close().await.unwrap().code, 1006);

    let (address, _tasks) = serve(|server, _| async move {
        std::future::pending::<()>().await;
        drop(server);
    })
    .await;
    let client = JetstreamClient::connect(&address, &[]).await.unwrap();
    let mut client = client.with_deadline(Duration::from_millis(50));
    assert!(client.next_event().await.is_err());
    assert!(client.wait_close().await.is_err());
}

#[tokio::test]
async fn a_rejection_is_reported_with_its_text() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert!(socket.read(&mut request).await.unwrap() > 0);
        let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 10\r\n\r\nbad cursor";
        socket.write_all(answer).await.unwrap();
    });
    let error = JetstreamClient::connect(&address, &[]).await.unwrap_err();
    assert!(error.to_string().contains("400"), "{error}");
    tasks.join_next().await.unwrap().unwrap();
}
