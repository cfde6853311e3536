//! The parameters of `/subscribe` and `/events`.

use std::time::Duration;

use fanjet_event::{Cursor, TimeUs};

use crate::query::pairs;
use crate::{
    Encoding, Filter, FilterRequest, MAX_DELAY_MS, MAX_HEARTBEAT_SECONDS, OptionsError, Parameter,
};

/// The last event that a reconnecting reader has received. Readers spell it `lastEventId` and `lastEventID`.
const LAST_EVENT_ID: &str = "lastEventId";

/// What one client asked for when it connected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubscriberOptions {
    /// The wanted events.
    pub filter: Filter,
    /// Where to start; `None`: with the next event.
    pub cursor: Option<Cursor>,
    /// Whether to send nothing before the first options update.
    pub require_hello: bool,
    /// The encoding of events.
    pub encoding: Encoding,
    /// The silence after which a heartbeat reports how far the node has read.
    pub heartbeat: Option<Duration>,
    /// How long events may wait, so that fewer and larger pieces come.
    pub max_delay: Duration,
}

impl SubscriberOptions {
    /// Parses a raw query string (without the `?`). Names are case-sensitive, unknown ones are ignored, and the first
    /// of duplicate single-valued parameters wins. The cursor is validated first, as in v1, then collections, then
    /// DIDs, then the extensions.
    ///
    /// # Errors
    /// [`OptionsError`] with the first invalid value.
    pub fn parse(query: &str) -> Result<Self, OptionsError> {
        let asked = Self::read(query, |format, compress, _| {
            Encoding::read(format, compress)
        });
        Ok(asked?.0)
    }

    /// As [`SubscriberOptions::parse`], for a stream over plain HTTP, which takes no later messages and is not
    /// compressed. `usual` is its encoding without `format`.
    ///
    /// # Errors
    /// As [`SubscriberOptions::parse`].
    pub fn parse_stream(query: &str, usual: Encoding) -> Result<Self, OptionsError> {
        Ok(Self::read_stream(query, usual)?.0)
    }

    /// As [`SubscriberOptions::parse_stream`], for a request whose body is the filter: the query must not contain one
    /// as well.
    ///
    /// # Errors
    /// As [`SubscriberOptions::parse_stream`], and [`OptionsError::BesideBody`].
    pub fn parse_posted(query: &str, usual: Encoding) -> Result<Self, OptionsError> {
        match Self::read_stream(query, usual)? {
            (options, None) => Ok(options),
            (_, Some(named)) => Err(OptionsError::BesideBody(named)),
        }
    }

    fn read_stream(
        query: &str,
        usual: Encoding,
    ) -> Result<(Self, Option<Parameter>), OptionsError> {
        Self::read(query, |format, compress, require_hello| {
            let asked = [
                (compress, Parameter::Compress),
                (require_hello, Parameter::RequireHello),
            ];
            match asked.into_iter().find(|(is_so, _)| *is_so) {
                Some((_, parameter)) => Err(OptionsError::SocketOnly(parameter.name())),
                None => Encoding::read_stream(format, usual),
            }
        })
    }

    /// The options, and the first filter parameter. `encoding` receives `format`, `compress` and `requireHello`.
    fn read(
        query: &str,
        encoding: impl FnOnce(Option<&str>, bool, bool) -> Result<Encoding, OptionsError>,
    ) -> Result<(Self, Option<Parameter>), OptionsError> {
        let mut request = FilterRequest::default();
        let mut max_message_bytes = None;
        let mut cursor = None;
        let mut require_hello = None;
        let mut compress = None;
        let mut format = None;
        let mut heartbeat = None;
        let mut max_delay = None;
        for (name, value) in pairs(query) {
            match Parameter::named(&name) {
                Some(Parameter::List(list)) => request.add(list, value),
                Some(Parameter::MaxMessageSizeBytes) => {
                    max_message_bytes.get_or_insert_with(|| read_limit(&value));
                }
                Some(Parameter::Cursor) => {
                    cursor.get_or_insert(value);
                }
                Some(Parameter::RequireHello) => {
                    require_hello.get_or_insert(value == "true");
                }
                Some(Parameter::Compress) => {
                    compress.get_or_insert(value == "true");
                }
                Some(Parameter::Format) => {
                    format.get_or_insert(value);
                }
                Some(Parameter::Heartbeat) => {
                    heartbeat.get_or_insert(value);
                }
                Some(Parameter::MaxDelayMs) => {
                    max_delay.get_or_insert(value);
                }
                None => {}
            }
        }
        let cursor = cursor.filter(|cursor| !cursor.is_empty());
        let cursor = cursor.as_deref().map(read_cursor).transpose()?;
        request.max_message_bytes = max_message_bytes.unwrap_or(0);
        let (require_hello, compress) = (require_hello == Some(true), compress == Some(true));
        let options = Self {
            cursor,
            require_hello,
            filter: Filter::from_request(&request)?,
            encoding: encoding(format.as_deref(), compress, require_hello)?,
            heartbeat: heartbeat.as_deref().map(read_heartbeat).transpose()?,
            max_delay: max_delay
                .as_deref()
                .map_or(Ok(Duration::ZERO), read_delay)?,
        };
        let named = request.first_named().map(Parameter::List);
        let named = named.or(max_message_bytes.map(|_| Parameter::MaxMessageSizeBytes));
        Ok((options, named))
    }

    /// Applies the last event id of a reconnecting reader: the stream starts behind that event, whatever the cursor of
    /// the first request was. It is in the request header `Last-Event-ID`, or in the query as `lastEventId` or
    /// `lastEventID`, for readers that cannot set a header. The newest of several wins: the reader has received them
    /// all. Proxies may join several headers with commas. An empty one is ignored.
    ///
    /// # Errors
    /// [`OptionsError::LastEventId`].
    pub fn behind_event<'a>(
        mut self,
        query: &str,
        headers: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, OptionsError> {
        let in_query = pairs(query).filter(|(name, _)| name.eq_ignore_ascii_case(LAST_EVENT_ID));
        let in_query = in_query.map(|(_, value)| value);
        let headers = headers.into_iter();
        let ids = headers.flat_map(|header| header.split(|&byte| byte == b','));
        let ids = ids.map(|id| String::from_utf8_lossy(id.trim_ascii()));
        let ids = ids.chain(in_query).filter(|id| !id.is_empty());
        let ids = ids
            .map(|id| read_event_id(&id))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(newest) = ids.into_iter().max() {
            self.cursor = Some(Cursor::TimeUs(newest.get() + 1));
        }
        Ok(self)
    }

    /// Applies a request header `Socket-Encoding`, the other way to request compression: `zstd` anywhere in it, as in
    /// v1.
    ///
    /// # Errors
    /// [`OptionsError::Compressed`], [`OptionsError::SocketOnly`] over plain HTTP.
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

/// Anything but a decimal number from 0 to 2^32 - 1 means no limit, which is 0.
fn read_limit(value: &str) -> u32 {
    value.parse().unwrap_or(0)
}

fn read_event_id(value: &str) -> Result<TimeUs, OptionsError> {
    let is_digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let id = value.parse().ok().filter(|_| is_digits);
    id.and_then(TimeUs::new)
        .ok_or_else(|| OptionsError::LastEventId(OptionsError::shown(value)))
}

fn read_heartbeat(value: &str) -> Result<Duration, OptionsError> {
    let is_digits = value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse() {
        Ok(seconds @ 1..=MAX_HEARTBEAT_SECONDS) if is_digits => Ok(Duration::from_secs(seconds)),
        _ => Err(OptionsError::Heartbeat(OptionsError::shown(value))),
    }
}

fn read_delay(value: &str) -> Result<Duration, OptionsError> {
    let is_digits = value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse() {
        Ok(millis @ 0..=MAX_DELAY_MS) if is_digits => Ok(Duration::from_millis(millis)),
        _ => Err(OptionsError::MaxDelay(OptionsError::shown(value))),
    }
}

#[cfg(test)]
mod tests;
