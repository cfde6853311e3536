//! The parameters of `/subscribe`.

use fanjet_event::Cursor;

use crate::query::pairs;
use crate::{Encoding, Filter, OptionsError};

/// What one client asked for when it connected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubscriberOptions {
    /// Which events it wants.
    pub filter: Filter,
    /// Where it wants to start; `None`: with what happens now.
    pub cursor: Option<Cursor>,
    /// Whether it wants nothing before its first options update.
    pub require_hello: bool,
    /// In which form it wants events.
    pub encoding: Encoding,
}

impl SubscriberOptions {
    /// Reads a raw query string (without the `?`). Names are case-sensitive, unknown ones are ignored, of a
    /// single-valued one the first counts. The cursor is checked first, as in v1, then collections, then DIDs, then
    /// the format.
    ///
    /// # Errors
    /// [`OptionsError`] naming the first bad value.
    pub fn parse(query: &str) -> Result<Self, OptionsError> {
        let mut collections = Vec::new();
        let mut dids = Vec::new();
        let mut max_message_bytes = None;
        let mut cursor = None;
        let mut require_hello = None;
        let mut compress = None;
        let mut format = None;
        for (name, value) in pairs(query) {
            match &*name {
                "wantedCollections" => collections.push(value),
                "wantedDids" => dids.push(value),
                "maxMessageSizeBytes" => {
                    max_message_bytes.get_or_insert_with(|| read_limit(&value));
                }
                "cursor" => {
                    cursor.get_or_insert(value);
                }
                "requireHello" => {
                    require_hello.get_or_insert(value == "true");
                }
                "compress" => {
                    compress.get_or_insert(value == "true");
                }
                "format" => {
                    format.get_or_insert(value);
                }
                _ => {}
            }
        }
        let cursor = cursor.filter(|cursor| !cursor.is_empty());
        Ok(Self {
            cursor: cursor.as_deref().map(read_cursor).transpose()?,
            require_hello: require_hello.unwrap_or(false),
            filter: Filter::new(
                collections.iter().map(AsRef::as_ref),
                dids.iter().map(AsRef::as_ref),
                max_message_bytes.unwrap_or(0),
            )?,
            encoding: Encoding::read(format.as_deref(), compress.unwrap_or(false))?,
        })
    }

    /// Obeys a request header `Socket-Encoding`, the other way to ask for compression: `zstd` anywhere in it, as in
    /// v1.
    ///
    /// # Errors
    /// [`OptionsError::CompressedV0`].
    pub fn with_socket_encoding(mut self, header: &[u8]) -> Result<Self, OptionsError> {
        if header.windows(b"zstd".len()).any(|part| part == b"zstd") {
            self.encoding = self.encoding.compressed()?;
        }
        Ok(self)
    }
}

fn read_cursor(value: &str) -> Result<Cursor, OptionsError> {
    Cursor::parse(value).map_err(|_| OptionsError::Cursor(OptionsError::shown(value)))
}

/// Anything that is no decimal number from 0 to 2^32 - 1 means no limit, which is written 0.
fn read_limit(value: &str) -> u32 {
    value.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests;
