//! The core of a feed generator: counts likes per post, across restarts of the server and of this program.
//!
//! ```sh
//! cargo run -p fanjet-client --example feed -- ws://localhost:6008 feed.cursor
//! ```

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that shows what it finds"
)]

use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use fanjet_client::{Client, Event, Filter, Update, What};
use serde::Deserialize;

/// How often the cursor is saved: later events are processed again after a crash.
const KEEP_EVERY: u64 = 100;

#[derive(Deserialize)]
struct Like {
    subject: Subject,
}

#[derive(Deserialize)]
struct Subject {
    uri: String,
}

/// The state of the feed.
#[derive(Default)]
pub(crate) struct Likes {
    by_post: HashMap<String, u64>,
    events: u64,
}

impl Likes {
    /// Processes one event. Records are untrusted: one that is not a like is skipped.
    fn take(&mut self, event: &Event) {
        self.events += 1;
        let Ok(event) = event.parse() else {
            return;
        };
        if let What::Commit(commit) = event.what
            && let Some(Ok(like)) = commit.record_as::<Like>()
        {
            *self.by_post.entry(like.subject.uri).or_default() += 1;
        }
    }
}

/// Where the program continues after a restart.
struct Cursor(PathBuf);

impl Cursor {
    fn load(&self) -> io::Result<Option<u64>> {
        match fs::read_to_string(&self.0) {
            Ok(text) => Ok(text.trim().parse().ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Atomically: after a crash the file holds the old cursor or the new one.
    fn keep(&self, time_us: u64) -> io::Result<()> {
        let new = self.0.with_extension("new");
        fs::write(&new, time_us.to_string())?;
        fs::rename(new, &self.0)
    }
}

/// Processes events until `is_enough`, which sees each of them.
pub(crate) async fn run(
    server: &str,
    cursor: &Path,
    mut is_enough: impl FnMut(&Event) -> bool,
) -> Result<Likes, Box<dyn Error>> {
    let cursor = Cursor(cursor.to_owned());
    let filter = Filter::default().collection("app.bsky.feed.like");
    let mut client = Client::new(server.parse()?).filter(filter).compressed(true);
    if let Some(time_us) = cursor.load()? {
        client = client.behind(time_us);
    }
    let mut events = client.events();
    let mut likes = Likes::default();
    loop {
        match events.next_update().await? {
            Update::Event(event) => {
                likes.take(&event);
                let is_enough = is_enough(&event);
                if is_enough || likes.events.is_multiple_of(KEEP_EVERY) {
                    cursor.keep(event.time_us())?;
                }
                if is_enough {
                    events.close().await;
                    return Ok(likes);
                }
            }
            Update::Disconnected { reason, pause, .. } => {
                eprintln!("disconnected: {reason:?}, retrying in {pause:.1?}");
            }
            other => eprintln!("{other:?}"),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(server), Some(cursor)) = (arguments.next(), arguments.next()) else {
        return Err("usage: feed SERVER CURSOR_FILE".into());
    };
    let mut seen = 0;
    let likes = run(&server, Path::new(&cursor), |_event| {
        seen += 1;
        seen == 1_000
    })
    .await?;
    let mut best: Vec<_> = likes.by_post.into_iter().collect();
    best.sort_by_key(|(_, likes)| std::cmp::Reverse(*likes));
    for (post, likes) in best.iter().take(10) {
        println!("{likes:>5}  {post}");
    }
    Ok(())
}
