//! The network between one process and the log: it delays everything, and may be cut.

use std::time::Duration;

use fanjet_log::LogError;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::dice::Dice;

/// How long a client of the log waits for a response.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// One process's way to the log.
#[derive(Debug)]
pub(crate) struct Link {
    dice: Dice,
    is_cut: watch::Sender<bool>,
}

impl Link {
    pub(crate) fn new(dice: Dice) -> Self {
        Self {
            dice,
            is_cut: watch::Sender::new(false),
        }
    }

    /// While it is cut nothing passes; what is under way when it is cut is lost after the timeout.
    pub(crate) fn set_cut(&self, is_cut: bool) {
        self.is_cut.send_replace(is_cut);
    }

    /// One message, one way.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] when it is lost.
    pub(crate) async fn cross(&self) -> Result<(), LogError> {
        let mut state = self.is_cut.subscribe();
        let open = async { state.wait_for(|is_cut| !is_cut).await.is_ok() };
        if timeout(REQUEST_TIMEOUT, open).await != Ok(true) {
            return Err(LogError::unavailable("simulated: no response"));
        }
        // Most messages are fast, a few are late.
        let delay = match self.dice.chance(0.02) {
            true => self.dice.millis(0..700),
            false => self.dice.millis(0..4),
        };
        sleep(delay).await;
        Ok(())
    }
}
