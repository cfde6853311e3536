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

/// Leaves the connection as [`Gate::hand_over`] wants it; what takes it is of no interest here.
fn hand_over(wire: &Wire<DuplexStream>) {
    wire.gate()
        .hand_over(Box::new(|_| Box::pin(std::future::ready(()))));
}

#[tokio::test(start_paused = true)]
async fn what_comes_early_is_kept_for_another_protocol_up_to_a_bound() {
    let (mut client, mut wire) = pair();
    client.write_all(&[HEAD, b"early"].concat()).await.unwrap();
    assert_eq!(readable(&mut wire).await.0, HEAD);
    wire.gate().ahead();
    assert_eq!(readable(&mut wire).await, (Vec::new(), false));
    client.write_all(&[b'x'; 200_000]).await.unwrap();
    assert_eq!(readable(&mut wire).await, (Vec::new(), false));
    hand_over(&wire);
    wire.write_all(b"101").await.unwrap();
    wire.flush().await.unwrap();
    // To the server the client seems to be gone.
    assert_eq!(readable(&mut wire).await, (Vec::new(), true));
    wire.shutdown().await.unwrap();
    let Left { mut io, early } = wire.left().take().unwrap();
    drop(wire);
    assert_eq!(early.len(), MAX_AHEAD);
    assert!(early.starts_with(b"earlyx"));
    let mut rest = vec![0; 200_005 - MAX_AHEAD];
    io.read_exact(&mut rest).await.unwrap();
    io.write_all(b"events").await.unwrap();
    drop(io);
    let mut got = Vec::new();
    client.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"101events");
}

#[tokio::test(start_paused = true)]
async fn who_leaves_before_the_answer_is_noticed() {
    let (mut client, mut wire) = pair();
    client.write_all(&[HEAD, b"early"].concat()).await.unwrap();
    assert_eq!(readable(&mut wire).await.0, HEAD);
    wire.gate().ahead();
    drop(client);
    assert_eq!(readable(&mut wire).await, (Vec::new(), true));
    // No request was accepted, so nothing is handed over.
    wire.shutdown().await.unwrap();
    assert!(wire.left().take().is_none());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_handed_over_before_the_answer_is_written() {
    let (mut client, mut wire) = pair();
    client.write_all(HEAD).await.unwrap();
    assert_eq!(readable(&mut wire).await.0, HEAD);
    wire.gate().ahead();
    wire.write_all(b"100").await.unwrap();
    wire.flush().await.unwrap();
    hand_over(&wire);
    wire.flush().await.unwrap();
    assert_eq!(readable(&mut wire).await, (Vec::new(), false));
    wire.write_all(b"101").await.unwrap();
    assert_eq!(readable(&mut wire).await, (Vec::new(), false));
    wire.flush().await.unwrap();
    assert_eq!(readable(&mut wire).await, (Vec::new(), true));
    wire.shutdown().await.unwrap();
    assert!(wire.left().take().is_some());
    assert!(wire.gate().take_takeover().is_some());
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
