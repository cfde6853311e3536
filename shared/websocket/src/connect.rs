//! Opens a WebSocket, plain or over TLS.

use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use url::Url;

use crate::dial::{ByteStream, Dial, Tcp};
use crate::outbound::Outbound;
use crate::sieve::{PlaceOf, Sieve};

/// An open WebSocket.
pub type Socket = WebSocketStream<Sieve<Outbound<Box<dyn ByteStream>>>>;

/// Connects to a `ws` or `wss` URL. Messages above `max_message` bytes are skipped, and `place_of` extracts their seq
/// or time. There is no deadline here.
///
/// # Errors
/// [`Error`]; a response other than an upgrade is [`Error::Http`].
pub async fn connect(url: &Url, max_message: usize, place_of: PlaceOf) -> Result<Socket, Error> {
    connect_over(&Tcp, url, max_message, place_of).await
}

/// As [`connect`], over a connection that `dial` opens.
///
/// # Errors
/// As [`connect`].
pub async fn connect_over(
    dial: &dyn Dial,
    url: &Url,
    max_message: usize,
    place_of: PlaceOf,
) -> Result<Socket, Error> {
    let stream = dial.dial(url).await?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(max_message))
        .max_frame_size(Some(max_message));
    let stream = Sieve::new(Outbound::new(stream), max_message, place_of);
    let (socket, _response) = client_async_with_config(url.as_str(), stream, Some(limits)).await?;
    Ok(socket)
}
