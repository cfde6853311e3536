//! Clients connect and leave, read fast and slowly, ping, close, half-close, vanish and reset while events flow: each receives a
//! contiguous part of the log, and none leaves a descriptor behind. `cargo xtask churn` repeats it for minutes.

use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fanjet_edge::metrics::{CATCHING_UP, DISCONNECTS, PARTIAL_WRITES, SUBSCRIBERS};
use fanjet_log::Entry;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use socket2::SockRef;
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, FaultyLog, Node, commit, descriptors, eventually, time_of};

const CLIENTS: u64 = 24;
/// Per client, one after another.
const CONNECTIONS: usize = 15;

/// The log's entries, in order.
type Written = Arc<Mutex<Vec<Entry>>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn short_connections_get_a_contiguous_part_of_the_log() {
    let seconds = std::env::var_os("FANJET_CHURN_SECONDS")
        .map_or(0, |it| it.to_str().unwrap().parse().unwrap());
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut rounds = 0;
    while rounds == 0 || Instant::now() < until {
        churn(rand::random()).await;
        rounds += 1;
    }
    println!(
        "{rounds} rounds of {} connections",
        CLIENTS as usize * CONNECTIONS
    );
}

async fn churn(seed: u64) {
    println!("seed {seed}");
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.subscriber.max_pending_bytes = 20_000;
        config.subscriber.max_unsent_bytes = 8_000;
        config.subscriber.ping_interval = Duration::from_millis(30);
        config.tail.ring_bytes = 1_000_000;
        config.http.max_subscribers_per_address = 0;
    })
    .await;
    let written = Written::default();
    write(&node, &written, &mut StdRng::seed_from_u64(seed));
    node.tail_caught_up().await;
    let at_first = descriptors(node.addr());
    let clients: FuturesUnordered<_> = (0..CLIENTS)
        .map(|client| {
            let random = StdRng::seed_from_u64(seed ^ (client + 1));
            come_and_go(node.addr(), Arc::clone(&written), random)
        })
        .collect();
    let mut gone = std::pin::pin!(clients.collect::<Vec<_>>());
    let mut random = StdRng::seed_from_u64(seed);
    let gone = loop {
        tokio::select! {
            gone = &mut gone => break gone,
            () = tokio::time::sleep(Duration::from_millis(2)) => {
                write(&node, &written, &mut random);
            }
        }
    };
    let pongs: usize = gone.into_iter().sum();
    assert!(pongs > 0);

    node.metric_falls_to(SUBSCRIBERS, 0.0).await;
    node.metric_falls_to(CATCHING_UP, 0.0).await;
    let connections = CLIENTS as f64 * CONNECTIONS as f64;
    assert_eq!(node.metric(DISCONNECTS, None), connections);
    let left = ["client_closed", "client_gone"];
    let left = left.map(|reason| node.metric(DISCONNECTS, Some(reason)));
    assert_eq!(
        left[0] + left[1],
        connections,
        "no client was closed by the node"
    );
    assert!(left[0] > 0.0 && left[1] > 0.0);
    let partly = node.metric(PARTIAL_WRITES, None);
    assert!(partly > 100.0, "{partly}");
    eventually("every descriptor is free", || {
        descriptors(node.addr()) == at_first
    })
    .await;
    // Departed clients do not disturb new ones.
    let mut last = node.client("").await;
    let entry = node.append_one("app.bsky.feed.post", "did:plc:a");
    last.expect([&entry]).await;
    drop(last);
    node.stop().await.unwrap();
}

/// A few more events of all sizes.
fn write(node: &Node, written: &Written, random: &mut StdRng) {
    let mut written = written.lock();
    let events = (0..random.random_range(1..12)).map(|_| {
        let padding = match random.random_range(0..30) {
            0 => 60_000,
            _ => random.random_range(0..2_000),
        };
        commit("app.bsky.feed.post", "did:plc:a").padded(padding)
    });
    written.extend(node.log.append(events));
}

/// Returns the number of pongs received.
async fn come_and_go(addr: SocketAddr, written: Written, mut random: StdRng) -> usize {
    let mut pongs = 0;
    for _ in 0..CONNECTIONS {
        let from = random.random_bool(0.3).then(|| {
            let seqs = written.lock().len() as u64;
            random.random_range(1..=seqs)
        });
        let query = from.map_or_else(String::new, |seq| format!("?cursor={}", time_of(seq).get()));
        let is_slow = random.random_bool(0.5);
        let mut client = connect(addr, is_slow, &query).await;
        let mut next = from;
        let mut unanswered = 0;
        for _ in 0..random.random_range(1..150) {
            if random.random_bool(0.05) {
                client.send(Message::Ping("hello".into())).await;
                unanswered += 1;
            }
            if is_slow && random.random_bool(0.1) {
                tokio::time::sleep(Duration::from_millis(random.random_range(1..30))).await;
            }
            match client.next_message().await {
                Message::Text(text) => next = Some(check(&written, &text, next)),
                Message::Pong(payload) => {
                    assert_eq!(&payload[..], b"hello");
                    assert!(unanswered > 0);
                    unanswered -= 1;
                    pongs += 1;
                }
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
        let socket = SockRef::from(client.socket());
        match random.random_range(0..4) {
            0 | 1 => client.send(Message::Close(None)).await,
            // Half-open: it has nothing more to say, and reads on.
            2 => socket.shutdown(Shutdown::Write).unwrap(),
            _ => {
                // Without a word, or with a reset.
                let linger = random.random_bool(0.5).then_some(Duration::ZERO);
                socket.set_linger(linger).unwrap();
                continue;
            }
        }
        while let Ok(text) = client.next().await {
            next = Some(check(&written, &text, next));
        }
    }
    pongs
}

async fn connect(addr: SocketAddr, is_slow: bool, query: &str) -> Client {
    let socket = TcpSocket::new_v4().unwrap();
    if is_slow {
        socket.set_recv_buffer_size(8_000).unwrap();
        SockRef::from(&socket).set_tcp_mss(1_448).unwrap();
    }
    Client::over(socket.connect(addr).await.unwrap(), query, &[])
        .await
        .unwrap()
}

/// Checks that this is the log's next entry, byte for byte; returns the position after it.
fn check(written: &Written, text: &str, next: Option<u64>) -> u64 {
    let event: serde_json::Value = serde_json::from_str(text).unwrap();
    let seq = event["time_us"].as_u64().unwrap() - time_of(0).get();
    assert_eq!(seq, next.unwrap_or(seq));
    assert_eq!(text.as_bytes(), &written.lock()[seq as usize - 1].body[..]);
    seq + 1
}
