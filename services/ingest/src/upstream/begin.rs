//! Opens a connection at the resume position; searches for that position if the upstream's seqs are unknown.

use std::time::Duration;

use bytes::Bytes;
use fanjet_firehose::{Frame, decode_frame};
use tokio::time::timeout;
use tracing::debug;

use super::connect::Connector;
use super::connection::Connection;
use super::ended::Ended;
use super::position::{Begin, time_of};
use super::search::{NextProbe, Search, SearchResult};
use crate::config::{Endpoint, PipelineConfig, UpstreamConfig};
use crate::frame_time::middle;
use crate::labels::Disconnect;
use crate::read_position::FramePosition;

/// An open connection, and what was read from it so far.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) frames: Vec<Bytes>,
    /// It starts after the resume position: its first frame shows whether that position is still valid.
    pub(super) is_behind_known: bool,
    /// The upstream's history starts after the log's end.
    pub(super) is_short: bool,
}

impl Opened {
    fn at_start(connection: Connection, is_behind_known: bool) -> Self {
        Self {
            connection,
            frames: Vec::new(),
            is_behind_known,
            is_short: false,
        }
    }
}

/// Connects. `None`: the resume position has become meaningless.
///
/// # Errors
/// [`Ended`] on failure, or when the upstream's responses make no sense.
pub(super) async fn open(
    connector: &Connector,
    endpoint: &Endpoint,
    begin: Begin,
    config: &UpstreamConfig,
    limits: &PipelineConfig,
) -> Result<Option<Opened>, Ended> {
    let connect = async |cursor| Connection::open(connector, endpoint, cursor, config).await;
    let at_start = async |cursor, is_behind_known| {
        let connection = connect(cursor).await?;
        Ok(Some(Opened::at_start(connection, is_behind_known)))
    };
    let mut search = match begin {
        Begin::Behind(cursor) => return at_start(Some(cursor), true).await,
        Begin::Live => return at_start(None, false).await,
        Begin::Search(search) => search,
    };
    let mut step = search.first();
    loop {
        let cursor = match step {
            NextProbe::Ask(cursor) => cursor,
            NextProbe::Read(cursor) => {
                return at_start(Some(cursor), search.is_known(cursor)).await;
            }
            NextProbe::Renumbered => return Ok(None),
            NextProbe::Stay { .. } | NextProbe::GiveUp => return Err(no_sense(&search)),
        };
        let mut connection = connect(cursor).await?;
        let (answer, frames) = first_frame(&mut connection, config.connect_timeout, limits).await?;
        debug!(
            upstream = endpoint.id.as_str(),
            cursor,
            ?answer,
            "searching for the resume position"
        );
        match search.answered(cursor, answer) {
            NextProbe::Stay { is_short } => {
                return Ok(Some(Opened {
                    connection,
                    frames,
                    is_behind_known: false,
                    is_short,
                }));
            }
            next => step = next,
        }
    }
}

/// Returns the oldest frame that an upstream retains; `None` when the upstream does not reveal it.
///
/// # Errors
/// [`Ended`].
pub(super) async fn oldest(
    connector: &Connector,
    endpoint: &Endpoint,
    config: &UpstreamConfig,
    limits: &PipelineConfig,
) -> Result<Option<u64>, Ended> {
    let mut connection = Connection::open(connector, endpoint, Some(0), config).await?;
    let (answer, _) = first_frame(&mut connection, config.connect_timeout, limits).await?;
    Ok(match answer {
        SearchResult::Frame { place, .. } => Some(place.seq),
        SearchResult::Silence => None,
    })
}

/// Waits for a frame with a seq and a time. Its time is the median of the frames that arrived with it.
async fn first_frame(
    connection: &mut Connection,
    patience: Duration,
    limits: &PipelineConfig,
) -> Result<(SearchResult, Vec<Bytes>), Ended> {
    let mut frames: Vec<Bytes> = Vec::new();
    loop {
        match timeout(patience, connection.next_frames(limits)).await {
            Ok(more) => frames.extend(more?),
            Err(_) => return Ok((SearchResult::Silence, frames)),
        }
        if let Some(answer) = answer_in(&frames) {
            return Ok((answer, frames));
        }
        if frames.len() > limits.batch_frames {
            let why = "no frame at the start has a seq and a time";
            return Err(Ended::new(Disconnect::Refused, why));
        }
    }
}

fn answer_in(frames: &[Bytes]) -> Option<SearchResult> {
    let decoded = || frames.iter().filter_map(|frame| decode_frame(frame).ok());
    let seq = decoded().find_map(|frame| frame.seq())?;
    let time = middle(decoded().filter_map(|frame| time_of(&frame)))?;
    let is_oldest = decoded()
        .take_while(|frame| frame.seq().is_none())
        .any(|frame| matches!(frame, Frame::Info(info) if info.name == "OutdatedCursor"));
    Some(SearchResult::Frame {
        place: FramePosition { seq, time },
        is_oldest,
    })
}

fn no_sense(search: &Search) -> Ended {
    Ended::new(
        Disconnect::Refused,
        format!("failed to find the resume position: {search:?}"),
    )
}
