use super::*;

fn flaws_after(change: impl Fn(&mut Config)) -> Vec<String> {
    let subjects = Subjects::new("atp").unwrap();
    let mut config = wanted(&StreamConfig::default(), &subjects, 1);
    change(&mut config);
    flaws(&config, &subjects, Content::Events)
}

#[test]
fn what_is_created_passes_and_so_do_an_operators_own_limits() {
    assert_eq!(flaws_after(|_| {}), [""; 0]);
    let own = flaws_after(|config| {
        config.max_bytes = 1 << 40;
        config.max_messages = 1_000_000;
        config.num_replicas = 3;
        config.max_message_size = -1;
        config.compression = None;
        config.deny_purge = true;
    });
    assert_eq!(own, [""; 0]);
}

#[test]
fn each_flaw_is_named() {
    type Change = fn(&mut Config);
    let cases: [(&str, Change); 11] = [
        ("subjects", |config| {
            config.subjects = vec!["atp.commit.>".to_owned()]
        }),
        ("subjects", |config| {
            config.subjects.push("other".to_owned())
        }),
        ("retention", |config| {
            config.retention = RetentionPolicy::WorkQueue
        }),
        ("discard", |config| config.discard = DiscardPolicy::New),
        ("max_msgs_per_subject", |config| {
            config.max_messages_per_subject = 1
        }),
        ("allow_msg_ttl", |config| config.allow_message_ttl = true),
        ("max_msg_size", |config| config.max_message_size = 1 << 20),
        ("allow_direct", |config| config.allow_direct = false),
        ("allow_batched", |config| config.allow_batch_publish = false),
        ("sealed", |config| config.sealed = true),
        ("no_ack", |config| config.no_ack = true),
    ];
    for (word, change) in cases {
        let flaws = flaws_after(change);
        assert_eq!(flaws.len(), 1, "{flaws:?}");
        assert!(flaws[0].contains(word), "{flaws:?}");
    }
}

fn as_mirror(config: &mut Config) {
    config.subjects.clear();
    config.allow_batch_publish = false;
    config.mirror = Some(Source {
        name: "ATP".to_owned(),
        ..Source::default()
    });
}

#[test]
fn a_mirror_passes_if_it_is_whole() {
    assert_eq!(flaws_after(as_mirror), [""; 0]);
    let filtered = flaws_after(|config| {
        as_mirror(config);
        if let Some(mirror) = &mut config.mirror {
            mirror.filter_subject = Some("atp.commit.>".to_owned());
        }
    });
    assert_eq!(filtered.len(), 1, "{filtered:?}");
    assert!(filtered[0].contains("all of its origin"), "{filtered:?}");
}

#[test]
fn a_mirror_is_created_without_what_only_an_origin_may_have() {
    let subjects = Subjects::new("atp").unwrap();
    let config = StreamConfig {
        mirror: "$JS.east.API".to_owned(),
        ..StreamConfig::default()
    };
    let mirror = wanted(&config, &subjects, 7);
    assert_eq!(flaws(&mirror, &subjects, Content::Events), [""; 0]);
    assert!(mirror.subjects.is_empty() && mirror.first_sequence.is_none());
    let source = mirror.mirror.unwrap();
    assert_eq!(source.name, config.name);
    assert_eq!(source.external.unwrap().api_prefix, "$JS.east.API");
}
