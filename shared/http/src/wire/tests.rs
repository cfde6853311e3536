use std::time::Duration;

use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;

use super::*;

const HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\n\r\n";

fn pair() -> (DuplexStream, Wire<DuplexStream>) {
    let (client, server) = duplex(1 << 20);
    (client, Wire::new(server, Extensions::new()))
}

/// What can be read without more input, and whether the end was reached.
async fn readable(wire: &mut Wire<DuplexStream>) -> (Vec<u8>, bool) {
    let mut read = Vec::new();
    loop {
        let before = read.len();
        let more = timeout(Duration::from_millis(20), wire.read_buf(&mut read)).await;
        match more {
            Err(_) => return (read, false),
            Ok(bytes) => assert_eq!(bytes.unwrap(), read.len() - before),
        }
        if read.len() == before {
            return (read, true);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_behind_a_head_is_read_before_it_is_understood() {
    let (mut client, mut wire) = pair();
    client
        .write_all(&[HEAD, HEAD, HEAD].concat())
        .await
        .unwrap();
    assert_eq!(readable(&mut wire).await, (HEAD.to_vec(), false));
    client.write_all(HEAD).await.unwrap();
    assert_eq!(readable(&mut wire).await, (Vec::new(), false));
}

#[tokio::test(start_paused = true)]
async fn of_a_body_exactly_its_bytes_are_read() {
    let (mut client, mut wire) = pair();
    client.write_all(&[HEAD, b"12345"].concat()).await.unwrap();
    assert_eq!(readable(&mut wire).await.0, HEAD);
    wire.gate().body(8);
    assert_eq!(readable(&mut wire).await, (b"12345".to_vec(), false));
    client.write_all(&[b"678", HEAD].concat()).await.unwrap();
    assert_eq!(readable(&mut wire).await, (b"678".to_vec(), false));
    drop(client);
    assert_eq!(readable(&mut wire).await, (Vec::new(), true));
    assert!(!wire.gate().is_overrun());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_keeps_sending_is_cut_off() {
    let (mut client, mut wire) = pair();
    client.write_all(HEAD).await.unwrap();
    assert_eq!(readable(&mut wire).await.0, HEAD);
    wire.gate().body(0);
    client.write_all(&[b'x'; MAX_DROPPED]).await.unwrap();
    assert_eq!(readable(&mut wire).await, (Vec::new(), false));
    client.write_all(b"x").await.unwrap();
    assert_eq!(readable(&mut wire).await, (Vec::new(), true));
    assert!(wire.gate().is_overrun());
}

#[tokio::test(start_paused = true)]
async fn another_protocol_is_read_to_its_end() {
    let (mut client, mut wire) = pair();
    client.write_all(&[HEAD, b"early"].concat()).await.unwrap();
    assert_eq!(readable(&mut wire).await.0, HEAD);
    wire.gate().all();
    client.write_all(&[b'x'; 200_000]).await.unwrap();
    let (read, is_over) = readable(&mut wire).await;
    assert_eq!((read.len(), is_over), (200_005, false));
    assert!(read.starts_with(b"earlyx"));
    wire.gate().end();
    client.write_all(b"late").await.unwrap();
    assert_eq!(readable(&mut wire).await, (Vec::new(), true));
}

/// A reader that found no input is woken by new input.
#[tokio::test(start_paused = true)]
async fn a_reader_that_waits_is_woken_when_the_gate_opens() {
    let (mut client, mut wire) = pair();
    client.write_all(&[HEAD, b"12"].concat()).await.unwrap();
    assert_eq!(readable(&mut wire).await.0, HEAD);
    let gate = Rc::clone(wire.gate());
    let mut read = Vec::new();
    let (read, ()) = tokio::join!(wire.read_buf(&mut read), async {
        tokio::task::yield_now().await;
        gate.body(2);
    });
    assert_eq!(read.unwrap(), 2);
}
