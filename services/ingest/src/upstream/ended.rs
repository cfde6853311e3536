//! How a connection to an upstream ends.

use fanjet_websocket::is_not_reading;
use fanjet_websocket::tungstenite::Error;

use crate::labels::Disconnect;

/// How a connection ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) why: Disconnect,
    pub(crate) detail: String,
}

impl Ended {
    pub(crate) fn new(why: Disconnect, detail: impl ToString) -> Self {
        Self {
            why,
            detail: detail.to_string(),
        }
    }

    pub(crate) fn by(error: &Error) -> Self {
        let why = match is_not_reading(error) {
            true => Disconnect::NotReading,
            false => Disconnect::Broken,
        };
        Self::new(why, error)
    }
}
