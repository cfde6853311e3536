//! A Jetstream server with a given history that misbehaves on request.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use fanjet_wire::zstd::{Compressor, DEFAULT_LEVEL};
use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

/// Events with their times, some of which are equal.
pub(crate) type History = Vec<(u64, String)>;

/// Pseudo-random numbers from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

pub(crate) fn history(seed: u64, events: usize) -> History {
    let (mut dice, mut time) = (Dice(seed), 1_783_175_887_000_000);
    (0..events)
        .map(|n| {
            // One in eight has the time of the event before.
            time += dice.below(8);
            let json = format!(
                r#"{{"did":"did:plc:abc","time_us":{time},"kind":"commit","commit":{{"rev":"3mptbyp63ih2m","operation":"create","collection":"app.bsky.feed.post","rkey":"3m3q3ut7jsm2m","record":{{"text":"hello {n}"}},"cid":"x"}}}}"#
            );
            (time, json)
        })
        .collect()
}

/// How a connection ends after it has served something.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// With a close frame.
    Close,
    /// Without one.
    Drop,
    /// In the middle of a message.
    Torn,
    /// When the test ends it.
    Stay,
}

/// What the server does with one connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// Serves this many events from the cursor on.
    Serve { count: usize, end: End },
    /// The server is behind the client: events before the cursor arrive as live.
    Lag { by: usize, count: usize },
    /// A plain HTTP response instead of a WebSocket.
    Answer(&'static str, &'static str),
    /// Closes the connection at once.
    Gone,
    /// Sends something that is not an event.
    Junk { before: usize },
}

impl Act {
    /// Many short connections, and a last one that serves the rest.
    pub(crate) fn at_random(seed: u64) -> Vec<Self> {
        let mut dice = Dice(seed);
        (0..40)
            .map(|_| {
                let count = dice.below(60) as usize;
                match dice.below(8) {
                    0 => Self::Gone,
                    1 => Self::Answer("503 Service Unavailable", "busy"),
                    2 => Self::Lag {
                        by: dice.below(30) as usize,
                        count,
                    },
                    3 | 4 => Self::Serve {
                        count,
                        end: End::Drop,
                    },
                    5 => Self::Serve {
                        count,
                        end: End::Torn,
                    },
                    _ => Self::Serve {
                        count,
                        end: End::Close,
                    },
                }
            })
            .chain([Self::Serve {
                count: usize::MAX,
                end: End::Stay,
            }])
            .collect()
    }
}

pub(crate) struct Flaky {
    url: String,
    seen: Arc<Seen>,
    heard: tokio::sync::Mutex<mpsc::Receiver<String>>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    queries: Mutex<Vec<String>>,
    connections: AtomicUsize,
    breaks: Notify,
}

impl Flaky {
    /// Plays one act per connection, the last one again and again.
    pub(crate) async fn start(history: History, acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let seen = Arc::<Seen>::default();
        let (said, heard) = mpsc::channel(16);
        let server = Arc::clone(&seen);
        #[allow(
            clippy::disallowed_methods,
            reason = "the handle is the test's, and ended with it"
        )]
        let task = tokio::spawn(async move {
            for act in acts.iter().chain(std::iter::repeat(acts.last().unwrap())) {
                let (stream, _) = listener.accept().await.unwrap();
                server.connections.fetch_add(1, Ordering::SeqCst);
                play(*act, &history, stream, &server, &said).await;
            }
        });
        Self {
            url,
            seen,
            heard: tokio::sync::Mutex::new(heard),
            task,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// The queries of all handshakes so far.
    pub(crate) fn queries(&self) -> Vec<String> {
        self.seen.queries.lock().unwrap().clone()
    }

    /// The next message of the client.
    pub(crate) async fn heard(&self) -> String {
        self.heard.lock().await.recv().await.unwrap()
    }

    /// Ends the connection that stays open.
    pub(crate) fn break_off(&self) {
        self.seen.breaks.notify_one();
    }
}

impl Drop for Flaky {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A client that disconnects ends the act.
async fn play(
    act: Act,
    history: &History,
    mut stream: TcpStream,
    seen: &Seen,
    said: &mpsc::Sender<String>,
) {
    let (count, end) = match act {
        Act::Gone => return,
        Act::Answer(status, body) => return answer(&mut stream, status, body).await,
        Act::Serve { count, end } => (count, end),
        Act::Lag { count, .. } => (count, End::Drop),
        Act::Junk { .. } => (usize::MAX, End::Stay),
    };
    let Some((mut socket, query)) = upgrade(stream).await else {
        return;
    };
    seen.queries.lock().unwrap().push(query.clone());
    let cursor = query
        .split("cursor=")
        .nth(1)
        .map(|it| it.parse::<u64>().unwrap());
    let from = cursor.map_or(0, |cursor| {
        history.partition_point(|(time, _)| *time < cursor)
    });
    let from = match act {
        Act::Lag { by, .. } => from.saturating_sub(by),
        _ => from,
    };
    let mut compressor = query
        .contains("compress=true")
        .then(|| Compressor::new(fanjet_dictionaries::v1().bytes(), DEFAULT_LEVEL).unwrap());
    for (n, (_, json)) in history[from..].iter().take(count).enumerate() {
        if matches!(act, Act::Junk { before } if before == n) {
            let too_long = json.replace("hello", &"x".repeat(9 << 20));
            for junk in [
                Message::text("hello"),
                Message::binary(vec![1, 2, 3]),
                Message::text(too_long),
            ] {
                if socket.send(junk).await.is_err() {
                    return;
                }
            }
        }
        let message = match &mut compressor {
            Some(it) => Message::binary(it.compress(json.as_bytes()).unwrap().into_vec()),
            None => Message::text(json.as_str()),
        };
        if socket.send(message).await.is_err() {
            return;
        }
    }
    match end {
        End::Drop => {}
        End::Close => {
            let close = CloseFrame {
                code: 1012.into(),
                reason: "restarting".into(),
            };
            if socket.close(Some(close)).await.is_ok() {
                while let Some(Ok(_)) = socket.next().await {}
            }
        }
        End::Torn => {
            let (_, json) = &history[from];
            let torn = [&[0x81, 126, 1, 0][..], &json.as_bytes()[..100]].concat();
            // The client may have disconnected.
            drop(socket.get_mut().write_all(&torn).await);
        }
        End::Stay => loop {
            tokio::select! {
                () = seen.breaks.notified() => return,
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        said.send(text.as_str().to_owned()).await.unwrap();
                    }
                    Some(Ok(_)) => {}
                    _ => return,
                },
            }
        },
    }
}

#[allow(
    clippy::result_large_err,
    reason = "the callback's type is the library's"
)]
async fn upgrade(stream: TcpStream) -> Option<(WebSocketStream<TcpStream>, String)> {
    let mut query = String::new();
    let note_query = |request: &Request, response: Response| {
        query = request.uri().query().unwrap_or_default().to_owned();
        Ok(response)
    };
    let socket = accept_hdr_async(stream, note_query).await.ok()?;
    Some((socket, query))
}

async fn answer(stream: &mut TcpStream, status: &str, body: &str) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    // The client may have disconnected.
    drop(stream.write_all(answer.as_bytes()).await);
}
