//! Prints the events of a Jetstream server, one JSON object per line, across reconnects and restarts.
//!
//! ```sh
//! cargo run -p fanjet-client --example jetstream -- ws://localhost:6008 likes.cursor app.bsky.feed.like
//! ```
//!
//! The file holds the `time_us` of the last event that was handled. A crash between handling an event and writing the file
//! repeats that one event, so handling must be repeat-safe.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints events"
)]

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::{env, fs};

use fanjet_client::{Client, Event, Filter, Update};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(server), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: jetstream SERVER CURSOR_FILE [COLLECTION...]".into());
    };
    let file = Path::new(&file);
    let filter = arguments.fold(Filter::default(), Filter::collection);
    let mut client = Client::new(server.parse()?).filter(filter).compressed(true);
    if let Some(time_us) = load(file)? {
        client = client.behind(time_us);
    }
    let mut events = client.events();
    loop {
        match events.next_update().await? {
            Update::Event(event) => {
                handle(&event)?;
                save(file, event.time_us())?;
            }
            Update::Disconnected { reason, pause, .. } => {
                eprintln!("disconnected: {reason}; reconnecting in {pause:?}");
            }
            other => eprintln!("{other:?}"),
        }
    }
}

fn handle(event: &Event) -> io::Result<()> {
    let mut line = event.json().to_vec();
    line.push(b'\n');
    io::stdout().write_all(&line)
}

fn load(file: &Path) -> Result<Option<u64>, Box<dyn Error>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text.trim().parse()?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Replaces the file in one step: a crash leaves the old cursor or the new one.
fn save(file: &Path, time_us: u64) -> io::Result<()> {
    let new = file.with_extension("new");
    fs::write(&new, time_us.to_string())?;
    fs::rename(new, file)
}
