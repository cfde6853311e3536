use futures::{SinkExt, StreamExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::*;

async fn next(client: &mut LeanClient) -> Frame {
    loop {
        if let Some(frame) = client.next_frame() {
            return frame;
        }
        assert!(client.read(3).await.unwrap() <= 3);
    }
}

/// Against another implementation of the protocol, with frames of every length, three bytes at a time.
#[tokio::test]
async fn frames_of_every_kind_are_read_and_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut server = accept_async(socket).await.unwrap();
        for length in [0, 125, 126, 65_535, 65_536] {
            server
                .send(Message::text("x".repeat(length)))
                .await
                .unwrap();
        }
        server.send(Message::binary(vec![1, 2, 3])).await.unwrap();
        server
            .send(Message::Ping("are you there".into()))
            .await
            .unwrap();
        let pong = server.next().await.unwrap().unwrap();
        assert_eq!(pong, Message::Pong("are you there".into()));
        let long = server.next().await.unwrap().unwrap();
        server.send(long).await.unwrap();
        let ping = server.next().await.unwrap().unwrap();
        assert_eq!(ping, Message::Ping("me too".into()));
        // The response is queued; a close would replace it.
        server.flush().await.unwrap();
        let close = CloseFrame {
            code: 1012.into(),
            reason: "draining".into(),
        };
        server.close(Some(close)).await.unwrap();
        let close = server.next().await.unwrap().unwrap();
        assert!(matches!(close, Message::Close(Some(frame)) if u16::from(frame.code) == 1000));
    });
    let mut client = LeanClient::connect(&address, "a=b", Some(4096))
        .await
        .unwrap();
    for length in [0, 125, 126, 65_535, 65_536] {
        assert_eq!(
            next(&mut client).await,
            Frame::Text("x".repeat(length).into())
        );
    }
    assert_eq!(
        next(&mut client).await,
        Frame::Binary(Bytes::from_static(&[1, 2, 3]))
    );
    let Frame::Ping(payload) = next(&mut client).await else {
        panic!("no ping");
    };
    client.pong(&payload).await.unwrap();
    let long = "y".repeat(300);
    client.send(&long).await.unwrap();
    assert_eq!(next(&mut client).await, Frame::Text(long.into()));
    client.ping(b"me too").await.unwrap();
    assert_eq!(next(&mut client).await, Frame::Pong("me too".into()));
    assert_eq!(
        next(&mut client).await,
        Frame::Close(1012, "draining".to_owned())
    );
    assert!(client.bytes() > 131_000);
    client.close().await.unwrap();
    tasks.join_next().await.unwrap().unwrap();
}

#[tokio::test]
async fn a_rejection_is_reported_with_its_reason() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let answer = b"HTTP/1.1 503 Service Unavailable\r\n\r\nthis node is full";
        socket.write_all(answer).await.unwrap();
    });
    let refused = LeanClient::connect(&address, "", None).await.unwrap_err();
    assert!(format!("{refused:#}").contains("503"), "{refused:#}");
    tasks.join_next().await.unwrap().unwrap();
}
