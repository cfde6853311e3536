//! What consumers are notified of when events may be missing.

use fanjet_log::Bounds;
use tracing::error;

use super::super::context::Context;
use super::Session;
use crate::KafkaError;
use crate::format::Info;
use crate::window::Mark;

impl Session {
    /// The log dropped events before they were produced: logged as an error, and sent to the consumers.
    pub(super) async fn report_loss(
        &self,
        context: &mut Context,
        next: &mut u64,
        bounds: Bounds,
    ) -> Result<(), KafkaError> {
        let lost = bounds.first - *next;
        error!(
            lost,
            from = bounds.first,
            "the log dropped events before they were produced"
        );
        context.metrics.lost(lost);
        let message = format!(
            "the log no longer has {lost} events from seq {}, continuing with seq {}",
            *next, bounds.first
        );
        let mark = Mark {
            seq: bounds.first - 1,
            time_us: self.window.acked().time_us,
        };
        self.notify(context, mark, &message).await?;
        *next = bounds.first;
        Ok(())
    }

    /// The log was replaced since producing from it: sent to the consumers, and counted.
    pub(super) async fn report_replacement(&self, context: &mut Context) -> Result<(), KafkaError> {
        context.metrics.replaced();
        let mark = self.window.acked();
        let message = format!(
            "the log was replaced; continuing with its events from seq {}, after time_us {} of the newest event produced before: events of the \
             previous log may be missing, and some may repeat",
            mark.seq + 1,
            mark.time_us
        );
        self.notify(context, mark, &message).await
    }

    /// Notifies the consumers that events may be missing.
    async fn notify(
        &self,
        context: &mut Context,
        mark: Mark,
        what: &str,
    ) -> Result<(), KafkaError> {
        let info = Info {
            name: "OutdatedCursor",
            message: Some(what),
        };
        let transactional = context.is_transactional();
        if transactional {
            self.producer.begin()?;
        }
        self.send_loop(context).say(mark, &info).await?;
        if transactional {
            self.commit().await?;
        }
        Ok(())
    }
}
