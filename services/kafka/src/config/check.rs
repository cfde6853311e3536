//! What the types of the settings cannot say.

use fanjet_event::Nsid;
use url::Url;

use super::KafkaConfig;
use super::connection::Mechanism;
use crate::KafkaError;
use crate::start::Start;

/// Longest name that Kafka takes for a topic.
const MAX_TOPIC: usize = 249;

/// The URL of a setting, without anything behind its path.
pub(crate) fn base_url(key: &'static str, text: &str) -> Result<Url, KafkaError> {
    fanjet_identity::base_url(text).ok_or_else(|| {
        KafkaError::config(key, format!("{text:?} is no URL; allowed: https://HOST"))
    })
}

impl KafkaConfig {
    /// Checks everything that needs no connection.
    ///
    /// # Errors
    /// [`KafkaError::Config`] with the key, what is wrong and what is allowed.
    pub fn validate(&self) -> Result<(), KafkaError> {
        self.check_needed()?;
        self.check_lists()?;
        self.check_topics()?;
        self.check_login()?;
        self.check_shard()?;
        Start::parse(&self.position.start)?;
        self.enrich.resolver()?;
        for pattern in &self.enrich_urls() {
            base_url(pattern.0, pattern.1)?;
        }
        Ok(())
    }

    /// The URLs that are set, with their keys.
    fn enrich_urls(&self) -> Vec<(&'static str, &str)> {
        let urls = [
            ("kafka.enrich.plc_host", self.enrich.plc_host.as_str()),
            ("kafka.enrich.api_host", self.enrich.api_host.as_str()),
        ];
        let set = urls.into_iter().filter(|(_, url)| !url.is_empty());
        set.collect()
    }

    fn check_needed(&self) -> Result<(), KafkaError> {
        if self.bootstrap_servers.is_empty() {
            let hint = "needed: HOST:PORT of a Kafka broker, several with commas between them";
            return Err(KafkaError::config("kafka.bootstrap_servers", hint));
        }
        if self.topic.is_empty() {
            return Err(KafkaError::config(
                "kafka.topic",
                "needed: the output topic",
            ));
        }
        if self.position.group.is_empty() {
            return Err(KafkaError::config("kafka.position.group", "needed: a name"));
        }
        Ok(())
    }

    fn check_lists(&self) -> Result<(), KafkaError> {
        let filter = &self.filter;
        if !filter.watched_collections.is_empty() && !filter.ignored_collections.is_empty() {
            let what = "both watched and ignored collections are given: only one of the two lists may hold something";
            return Err(KafkaError::config("kafka.filter.watched_collections", what));
        }
        if !filter.watched_services.is_empty() && !filter.ignored_services.is_empty() {
            let what = "both watched and ignored services are given: only one of the two lists may hold something";
            return Err(KafkaError::config("kafka.filter.watched_services", what));
        }
        if filter.has_services() && self.enrich.plc_host.is_empty() {
            let what = "a filter for services needs a PLC host: set kafka.enrich.plc_host (ATKAFKA_PLC_HOST)";
            return Err(KafkaError::config("kafka.enrich.plc_host", what));
        }
        if filter.has_services() && !self.enrich.enabled {
            let what = "must be on: a filter for services needs the accounts' DID documents";
            return Err(KafkaError::config("kafka.enrich.enabled", what));
        }
        Ok(())
    }

    fn check_topics(&self) -> Result<(), KafkaError> {
        check_topic("kafka.topic", &self.topic)?;
        check_topic("kafka.dead_letter_topic", &self.dead_letter_topic())?;
        if self.dead_letter_topic() == self.topic {
            let what = "must differ from kafka.topic";
            return Err(KafkaError::config("kafka.dead_letter_topic", what));
        }
        let key = "kafka.topics.collections";
        for collection in self.topics.collections.iter() {
            if Nsid::parse(collection).is_err() {
                let what = format!("{collection:?} is no NSID; wildcards are not allowed here");
                return Err(KafkaError::config(key, what));
            }
            check_topic(key, &format!("{}.{collection}", self.topic))?;
        }
        Ok(())
    }

    fn check_login(&self) -> Result<(), KafkaError> {
        let sasl = &self.sasl;
        let has_login = !sasl.username.is_empty() || !sasl.password.expose().is_empty();
        if sasl.mechanism == Mechanism::None && has_login {
            let what = "needed with a username: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512";
            return Err(KafkaError::config("kafka.sasl.mechanism", what));
        }
        if sasl.mechanism != Mechanism::None && sasl.username.is_empty() {
            let what = "needed with kafka.sasl.mechanism";
            return Err(KafkaError::config("kafka.sasl.username", what));
        }
        let tls = &self.tls;
        let has_certificate = !tls.certificate_file.as_os_str().is_empty();
        if has_certificate == tls.key_file.as_os_str().is_empty() {
            let what = "kafka.tls.certificate_file and kafka.tls.key_file go together";
            return Err(KafkaError::config("kafka.tls.key_file", what));
        }
        for (key, file) in [
            ("kafka.tls.ca_file", &tls.ca_file),
            ("kafka.tls.certificate_file", &tls.certificate_file),
            ("kafka.tls.key_file", &tls.key_file),
        ] {
            let is_set = !file.as_os_str().is_empty();
            if is_set && !tls.enabled {
                let what = "has a meaning with kafka.tls.enabled only";
                return Err(KafkaError::config(key, what));
            }
            if is_set && !file.is_file() {
                let what = format!("{} is no file", file.display());
                return Err(KafkaError::config(key, what));
            }
        }
        Ok(())
    }

    fn check_shard(&self) -> Result<(), KafkaError> {
        if self.shard.index >= self.shard.count {
            let what = format!(
                "{} of {}: they are counted from 0",
                self.shard.index, self.shard.count
            );
            return Err(KafkaError::config("kafka.shard.index", what));
        }
        Ok(())
    }
}

fn check_topic(key: &'static str, name: &str) -> Result<(), KafkaError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_topic = (1..=MAX_TOPIC).contains(&name.len())
        && name.bytes().all(is_plain)
        && name != "."
        && name != "..";
    if is_topic {
        return Ok(());
    }
    let what = format!("{name:?} is no topic: 1 to {MAX_TOPIC} of A-Z a-z 0-9 . _ -");
    Err(KafkaError::config(key, what))
}
