//! Kernel buffers do not belong to this process's memory, but still to the machine's.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{FaultyLog, Node};

const HEAD: &str = "GET /subscribe HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// Maximum bytes that the node and the kernels of both ends may hold for an unread connection.
const MOST: usize = 768 << 10;

/// Little is buffered for a throttled client.
#[tokio::test]
async fn a_throttled_client_fills_little_kernel_memory() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.limits.max_sent_bytes_per_second = 1;
        config.subscriber.max_client_message_bytes = 1_000;
    })
    .await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(32 << 10).unwrap();
    let mut client = socket.connect(node.addr()).await.unwrap();
    client.write_all(HEAD.as_bytes()).await.unwrap();
    // Binary messages are ignored.
    let messages = [&[0x82, 0xfe, 3, 0xe8, 0, 0, 0, 0][..], &[0; 1_000]].concat();
    let messages = messages.repeat(64);
    let mut taken = 0;
    while let Some(bytes) = some_taken(&client, &messages).await {
        taken += bytes;
        assert!(taken <= MOST, "{taken} bytes of a client that is not read");
    }
}

/// Sends some of these bytes; `None` when nothing is accepted.
async fn some_taken(stream: &TcpStream, bytes: &[u8]) -> Option<usize> {
    tokio::time::timeout(Duration::from_secs(1), async {
        loop {
            stream.writable().await.unwrap();
            if let Ok(taken) = stream.try_write(bytes) {
                return taken;
            }
        }
    })
    .await
    .ok()
}
