//! What stops the producer, whose fault it is, and whether to retry.

use fanjet_log::{LogError, Seq};
use fanjet_runtime::TaskError;
use fanjet_service::Failure;
#[cfg(feature = "client")]
use rdkafka::error::KafkaError as ClientError;
#[cfg(feature = "client")]
use rdkafka::types::RDKafkaErrorCode as Code;
use thiserror::Error;

/// A failure.
#[derive(Debug, Error)]
pub enum KafkaError {
    /// A setting has an unusable value. The operator must change it.
    #[error("invalid setting {key}: {what}")]
    Config {
        /// The setting.
        key: &'static str,
        /// What is wrong, and what is allowed.
        what: String,
    },
    /// An unknown environment variable. The operator must change it.
    #[error("wrong variable {name}: {what}")]
    Variable {
        /// The variable.
        name: String,
        /// What is wrong, and what is allowed.
        what: String,
    },
    /// Kafka did not do what was requested.
    #[cfg(feature = "client")]
    #[error("{doing}: {source}{hint}")]
    Kafka {
        /// What was requested.
        doing: String,
        /// Its response.
        source: ClientError,
        /// What an operator can do about it.
        hint: &'static str,
    },
    /// The log cannot be read.
    #[error("failed to follow the log: {0}")]
    Log(#[from] LogError),
    /// The log ends before what was already produced from it, so it was replaced.
    #[error("the log ends at seq {last}, but seq {produced} was produced from it: it was replaced")]
    Replaced {
        /// Its last seq.
        last: Seq,
        /// The last produced seq.
        produced: Seq,
    },
    /// A position existed, and it is lost: continuing anywhere would skip or repeat events silently.
    #[error(
        "the position is lost: Kafka has no offset of group {group} for topic {topic}, although the log was produced at least up to \
         seq {produced} (time_us {time_us}); the topic or the group was deleted, or the offset expired. Nothing is produced. To \
         continue, set kafka.position.start ({next} repeats little and skips nothing) and kafka.position.reset to a value never \
         used here", next = produced + 1
    )]
    PositionGone {
        /// Where Kafka stored it.
        group: String,
        /// The topic.
        topic: String,
        /// The produced seq, as last written beside the log.
        produced: Seq,
        /// Its log time.
        time_us: u64,
    },
    /// A task failed.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// A bug in this program.
    #[error("{0}")]
    Broken(String),
}

impl KafkaError {
    pub(crate) fn config(key: &'static str, what: impl Into<String>) -> Self {
        Self::Config {
            key,
            what: what.into(),
        }
    }

    #[cfg(feature = "client")]
    pub(crate) fn kafka(doing: impl Into<String>, source: ClientError) -> Self {
        Self::Kafka {
            doing: doing.into(),
            hint: hint(code_of(&source)),
            source,
        }
    }

    /// Whether the same can succeed later without a change of settings.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Config { .. } | Self::Variable { .. } | Self::Task(_) | Self::Broken(_) => false,
            #[cfg(feature = "client")]
            Self::Kafka { .. } => true,
            Self::Replaced { .. } | Self::PositionGone { .. } => true,
            // The next session continues in the other log, by rule; damage can be removed by an operator.
            Self::Log(failure) => {
                failure.is_retryable()
                    || matches!(
                        failure,
                        LogError::Replaced { .. } | LogError::Corrupt { .. }
                    )
            }
        }
    }

    /// A short name for metrics: a closed set.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Config { .. } | Self::Variable { .. } => "config",
            #[cfg(feature = "client")]
            Self::Kafka { source, .. } => match code_of(source) {
                Some(code) if is_denied(code) => "denied",
                Some(Code::Authentication | Code::SaslAuthenticationFailed) => "login",
                Some(Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch) => "fenced",
                _ => "kafka",
            },
            Self::Log(_) | Self::Replaced { .. } => "log",
            Self::PositionGone { .. } => "position",
            Self::Task(_) | Self::Broken(_) => "defect",
        }
    }
}

impl From<KafkaError> for Failure {
    fn from(error: KafkaError) -> Self {
        match error {
            KafkaError::Config { .. } | KafkaError::Variable { .. } => Self::config(error),
            KafkaError::Log(error) => error.into(),
            _ => Self::other(error),
        }
    }
}

/// The broker's or the library's error code, if any.
#[cfg(feature = "client")]
pub(crate) fn code_of(error: &ClientError) -> Option<Code> {
    match error {
        ClientError::AdminOp(code) => Some(*code),
        error => error.rdkafka_error_code(),
    }
}

#[cfg(feature = "client")]
fn is_denied(code: Code) -> bool {
    matches!(
        code,
        Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
    )
}

/// What an operator can do about it.
#[cfg(feature = "client")]
fn hint(code: Option<Code>) -> &'static str {
    match code {
        Some(Code::TopicAuthorizationFailed) => {
            "; the user needs the rights DESCRIBE and WRITE on the topic, and CREATE to make it"
        }
        Some(Code::GroupAuthorizationFailed) => {
            "; the user needs the right READ on the group kafka.position.group"
        }
        Some(Code::ClusterAuthorizationFailed) => {
            "; the user needs the rights IDEMPOTENT_WRITE on the cluster, and CREATE to make topics"
        }
        Some(Code::TransactionalIdAuthorizationFailed) => {
            "; the user needs the rights DESCRIBE and WRITE on the transactional id"
        }
        Some(Code::Authentication | Code::SaslAuthenticationFailed) => {
            "; check kafka.sasl and the users that the brokers know"
        }
        Some(Code::AllBrokersDown | Code::BrokerTransportFailure | Code::Resolve) => {
            "; check kafka.bootstrap_servers, kafka.tls, and whether a broker is up"
        }
        Some(Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch) => {
            "; another process uses the same kafka.transactional_id"
        }
        Some(Code::InvalidReplicationFactor) => {
            "; fewer brokers are up than kafka.topics.replication_factor requires"
        }
        _ => "",
    }
}
