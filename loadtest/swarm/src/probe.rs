//! Reads the stream before the run to find the DIDs and collections that filters can use.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use fanjet_oracle::{FrameReader, Piece};
use hashbrown::HashSet;

use crate::SwarmError;
use crate::expected::read;
use crate::mix::World;
use crate::target::{Handshake, Target, answer};

/// More are not needed.
const MAX_DIDS: usize = 200_000;
const READ: usize = 256 << 10;
/// Deadline of the first event.
const PATIENCE: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_millis(100);

/// Reads the stream for a while after its first event and returns what occurred, in order.
///
/// # Errors
/// [`SwarmError::Server`] when the server rejects the connection, or sends no event.
pub fn probe(target: &Target, time: Duration) -> Result<World, SwarmError> {
    let (mut dids, mut collections) = (HashSet::new(), HashSet::new());
    let (mut head, mut message) = (Vec::new(), Vec::new());
    let mut frames = FrameReader::default();
    let failed = |error| SwarmError::Io("cannot read the stream", error);
    let mut stream = TcpStream::connect(target.address).map_err(failed)?;
    stream.set_read_timeout(Some(TICK)).map_err(failed)?;
    stream
        .write_all(target.request("").as_bytes())
        .map_err(failed)?;
    let mut is_upgraded = false;
    let mut buffer = vec![0; READ];
    let mut deadline = Instant::now() + PATIENCE;
    let mut has_begun = false;
    while Instant::now() < deadline && dids.len() < MAX_DIDS {
        let count = match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => return Err(failed(error)),
        };
        let mut bytes = buffer[..count].to_vec();
        if !is_upgraded {
            head.append(&mut bytes);
            match answer(&head) {
                Handshake::Incomplete => continue,
                Handshake::Rejected(words) => return Err(SwarmError::Server(words)),
                Handshake::Upgraded(at) => bytes = head.split_off(at),
            }
            is_upgraded = true;
        }
        let read = frames.walk(&bytes, |piece| {
            let Piece::Data { bytes, ends, .. } = piece else {
                return;
            };
            message.extend_from_slice(bytes);
            if ends && let Some(seen) = read(&message) {
                dids.get_or_insert_with(&*seen.did, |did| did.to_owned());
                if let Some(collection) = &seen.collection {
                    collections.get_or_insert_with(&**collection, |it| it.to_owned());
                }
            }
            if ends {
                message.clear();
            }
        });
        read.map_err(|error| SwarmError::Server(format!("invalid WebSocket frame: {error}")))?;
        if !has_begun && !dids.is_empty() {
            has_begun = true;
            deadline = Instant::now() + time;
        }
    }
    if dids.is_empty() {
        let what = format!("{} sent no events", target.url);
        return Err(SwarmError::Server(what));
    }
    let sorted = |set: HashSet<String>| {
        let mut list: Vec<_> = set.into_iter().collect();
        list.sort_unstable();
        list
    };
    Ok(World {
        dids: sorted(dids),
        collections: sorted(collections),
    })
}
