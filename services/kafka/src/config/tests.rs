use super::*;

fn good() -> KafkaConfig {
    let mut config = KafkaConfig {
        bootstrap_servers: ["kafka:9092"].iter().collect(),
        topic: "events".to_owned(),
        ..KafkaConfig::default()
    };
    config.enrich.plc_host = "https://plc.directory".to_owned();
    config
}

#[test]
fn invalid_settings_name_their_key_and_what_is_allowed() {
    type Change = fn(&mut KafkaConfig);
    let wrong: [(Change, &[&str]); 15] = [
        (
            |c| c.bootstrap_servers = List::default(),
            &["kafka.bootstrap_servers", "HOST:PORT"],
        ),
        (|c| c.topic.clear(), &["kafka.topic", "needed"]),
        (
            |c| c.topic = "a b".to_owned(),
            &["kafka.topic", "a b", "249"],
        ),
        (
            |c| {
                c.filter.watched_collections = ["a.b.c"].iter().collect();
                c.filter.ignored_collections = ["a.b.d"].iter().collect();
            },
            &["watched", "ignored collections"],
        ),
        (
            |c| {
                c.filter.watched_services = ["a.b"].iter().collect();
                c.filter.ignored_services = ["a.b"].iter().collect();
            },
            &["watched", "ignored services"],
        ),
        (
            |c| {
                c.filter.ignored_services = ["a.b"].iter().collect();
                c.enrich.plc_host.clear();
            },
            &["PLC host", "ATKAFKA_PLC_HOST"],
        ),
        (
            |c| {
                c.filter.ignored_services = ["a.b"].iter().collect();
                c.enrich.enabled = false;
            },
            &["kafka.enrich.enabled"],
        ),
        (
            |c| c.enrich.api_host = "public.api".to_owned(),
            &["kafka.enrich.api_host", "https://HOST"],
        ),
        (
            |c| c.topics.collections = ["app.bsky.*"].iter().collect(),
            &["kafka.topics.collections", "NSID"],
        ),
        (
            |c| c.position.start = "yesterday".to_owned(),
            &["kafka.position.start", "live, oldest"],
        ),
        (|c| c.shard.index = 1, &["kafka.shard.index", "1 of 1"]),
        (
            |c| c.sasl.username = "me".to_owned(),
            &["kafka.sasl.mechanism", "SCRAM-SHA-512"],
        ),
        (
            |c| c.sasl.mechanism = Mechanism::Plain,
            &["kafka.sasl.username"],
        ),
        (
            |c| c.tls.key_file = "/x".into(),
            &["kafka.tls.key_file", "go together"],
        ),
        (
            |c| c.dead_letter_topic = "events".to_owned(),
            &["kafka.dead_letter_topic", "differ"],
        ),
    ];
    good().validate().unwrap();
    for (change, parts) in wrong {
        let mut config = good();
        change(&mut config);
        let error = config.validate().unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{part:?} is not in {error:?}");
        }
    }
}

#[test]
fn each_shard_has_its_own_position() {
    let mut config = good();
    assert_eq!(config.group(), "fanjet-kafka");
    assert_eq!(config.transactional_id(), "fanjet-kafka");
    config.shard = ShardConfig { index: 1, count: 3 };
    assert_eq!(config.group(), "fanjet-kafka.1-of-3");
    config.transactional_id = "x".to_owned();
    assert_eq!(config.transactional_id(), "x");
}
