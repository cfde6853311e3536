//! The Kafka producer in `fanjet serve`. It needs a build with the feature `kafka` and settings that name brokers.

#[cfg(feature = "kafka")]
pub(super) use with_client::Producer;
#[cfg(not(feature = "kafka"))]
pub(super) use without_client::Producer;

#[cfg(feature = "kafka")]
mod with_client {
    use std::sync::Arc;

    use fanjet_kafka::Kafka;
    use fanjet_log::{Bookmarks, EventLog};
    use fanjet_runtime::{Stop, SystemClock};
    use fanjet_service::{Failure, Process};
    use fanjet_telemetry::Health;

    use crate::serve::ServeSettings;

    pub(crate) struct Producer(Kafka);

    impl Producer {
        pub(crate) fn of(
            settings: &ServeSettings,
            log: Arc<dyn EventLog>,
            bookmarks: Arc<dyn Bookmarks>,
            process: &Process,
        ) -> Result<Option<Self>, Failure> {
            if !settings.kafka.is_wanted() {
                return Ok(None);
            }
            let kafka = Kafka::new(
                settings.kafka.clone(),
                process.host(),
                log,
                bookmarks,
                Arc::new(SystemClock),
                &process.meter("fanjet-kafka"),
            )?;
            Ok(Some(Self(kafka)))
        }

        pub(crate) fn health(&self) -> Health {
            self.0.health()
        }

        pub(crate) async fn run(self, stop: Stop) -> Result<(), Failure> {
            Ok(self.0.run(stop).await?)
        }
    }
}

#[cfg(not(feature = "kafka"))]
mod without_client {
    use std::sync::Arc;

    use fanjet_kafka::NO_CLIENT;
    use fanjet_log::{Bookmarks, EventLog};
    use fanjet_runtime::Stop;
    use fanjet_service::{Failure, Process};
    use fanjet_telemetry::Health;

    use crate::serve::ServeSettings;

    /// This build has no producer.
    pub(crate) enum Producer {}

    impl Producer {
        pub(crate) fn of(
            settings: &ServeSettings,
            _log: Arc<dyn EventLog>,
            _bookmarks: Arc<dyn Bookmarks>,
            _process: &Process,
        ) -> Result<Option<Self>, Failure> {
            match settings.kafka.is_wanted() {
                true => Err(Failure::config(NO_CLIENT)),
                false => Ok(None),
            }
        }

        pub(crate) fn health(&self) -> Health {
            match *self {}
        }

        pub(crate) async fn run(self, _stop: Stop) -> Result<(), Failure> {
            match self {}
        }
    }
}
