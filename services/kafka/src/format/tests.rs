use fanjet_event::{Datetime, Topic};
use fanjet_log::{Entry, Origin, UpstreamId};

use super::*;

const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

/// An entry whose v1 JSON ends with this text after its `time_us`.
fn entry(rest: &str) -> Entry {
    Entry {
        trace: None,
        seq: 70_003,
        topic: Topic::Identity,
        origin: Origin {
            upstream: UpstreamId::new("relay").unwrap(),
            relay_seq: 30_000_000_001,
            op_index: 0,
            op_count: 1,
            time: "2026-07-04T14:38:08.999Z".parse::<Datetime>().unwrap(),
        },
        body: format!(r#"{{"did":"{DID}","time_us":1783175888085434{rest}"#).into(),
    }
}

const CREATE: &str = r#","kind":"commit","commit":{"rev":"3l3qo2vutsw2b","operation":"create","collection":"app.bsky.feed.post","rkey":"3l3qo2vuowo2b","record":{"$type":"app.bsky.feed.post","createdAt":"2026-07-04T14:38:08.123Z","embed":{"$type":"app.bsky.embed.images","images":[{"alt":"a \u003c b \u0026 c","image":{"$type":"blob","ref":{"$link":"bafkreibwkh"},"mimeType":"image/jpeg","size":12345}}]},"text":"caf\u00e9 \"x\""},"cid":"bafyreidwaivazkwu67xztlmuobx35hs2lnfh3kolmgfmucldvhd3sgzcqi"}}"#;
const DELETE: &str = r#","kind":"commit","commit":{"rev":"3l3qo2vutsw2b","operation":"delete","collection":"app.bsky.feed.like","rkey":"3l3f6nzl3cv2s"}}"#;
const ACCOUNT: &str = r#","kind":"account","account":{"active":true,"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","seq":1409753013,"time":"2026-07-04T14:38:08.999Z"}}"#;
const INACTIVE: &str = r#","kind":"account","account":{"active":false,"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","seq":1409753013,"status":"takendown","time":"2026-07-04T14:38:08.999Z"}}"#;
const IDENTITY: &str = r#","kind":"identity","identity":{"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","handle":"retr0.id","seq":1409752997,"time":"2026-07-04T14:38:08.999Z"}}"#;
const NO_HANDLE: &str = r#","kind":"identity","identity":{"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","seq":1409752997,"time":"2026-07-04T14:38:08.999Z"}}"#;
const SYNC: &str = r#","kind":"sync","sync":{"blocks":{"$bytes":"AAEC"},"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","rev":"3l3qo2vutsw2b","seq":14,"time":"2026-07-04T14:38:08.999Z"}}"#;

const SENT_US: u64 = 1_783_175_889_654_321;

fn format(osprey: bool, action_names: ActionNames) -> Format {
    Format::new(&FormatConfig {
        osprey,
        action_names,
        ..FormatConfig::default()
    })
}

fn written(format: &Format, rest: &str, metadata: Metadata<'_>) -> String {
    let entry = entry(rest);
    let event = Event::of(&entry).unwrap();
    String::from_utf8(format.event(&event, metadata, SENT_US)).unwrap()
}

/// Written by hand from at-kafka's contract: every key, its order, nulls and empty texts.
#[test]
fn the_standard_format_equals_at_kafkas() {
    let format = format(false, ActionNames::AtKafka);
    let standard = |rest| written(&format, rest, Metadata::Null);
    assert_eq!(
        standard(CREATE),
        r#"{"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","timestamp":"2026-07-04T14:38:08.999Z","eventMetadata":null,"operation":{"action":"create","collection":"app.bsky.feed.post","rkey":"3l3qo2vuowo2b","uri":"at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3l3qo2vuowo2b","cid":"bafyreidwaivazkwu67xztlmuobx35hs2lnfh3kolmgfmucldvhd3sgzcqi","path":"app.bsky.feed.post/3l3qo2vuowo2b","record":{"$type":"app.bsky.feed.post","createdAt":"2026-07-04T14:38:08.123Z","embed":{"$type":"app.bsky.embed.images","images":[{"alt":"a \u003c b \u0026 c","image":{"$type":"blob","ref":{"$link":"bafkreibwkh"},"mimeType":"image/jpeg","size":12345}}]},"text":"caf\u00e9 \"x\""}}}"#
    );
    assert_eq!(
        standard(DELETE),
        r#"{"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","timestamp":"2026-07-04T14:38:08.999Z","eventMetadata":null,"operation":{"action":"delete","collection":"app.bsky.feed.like","rkey":"3l3f6nzl3cv2s","uri":"at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.like/3l3f6nzl3cv2s","cid":"","path":"app.bsky.feed.like/3l3f6nzl3cv2s","record":null}}"#
    );
    assert_eq!(
        standard(ACCOUNT),
        r#"{"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","timestamp":"2026-07-04T14:38:08.999Z","eventMetadata":null,"account":{"active":true,"seq":1409753013}}"#
    );
    assert_eq!(
        standard(INACTIVE),
        r#"{"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","timestamp":"2026-07-04T14:38:08.999Z","eventMetadata":null,"account":{"active":false,"seq":1409753013,"status":"takendown"}}"#
    );
    assert_eq!(
        standard(IDENTITY),
        r#"{"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","timestamp":"2026-07-04T14:38:08.999Z","eventMetadata":null,"identity":{"seq":1409752997,"handle":"retr0.id"}}"#
    );
    assert_eq!(
        standard(NO_HANDLE),
        r#"{"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","timestamp":"2026-07-04T14:38:08.999Z","eventMetadata":null,"identity":{"seq":1409752997,"handle":""}}"#
    );
    assert_eq!(
        standard(SYNC),
        r#"{"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","timestamp":"2026-07-04T14:38:08.999Z","eventMetadata":null,"sync":{"seq":14,"rev":"3l3qo2vutsw2b"}}"#
    );
    let info = Info {
        name: "OutdatedCursor",
        message: Some("3 events \"lost\""),
    };
    assert_eq!(
        String::from_utf8(format.info(&info, 9, SENT_US)).unwrap(),
        r#"{"did":"","timestamp":"","eventMetadata":null,"info":{"name":"OutdatedCursor","message":"3 events \"lost\""}}"#
    );
    let silent = Info {
        message: None,
        ..info
    };
    assert_eq!(
        String::from_utf8(format.info(&silent, 9, SENT_US)).unwrap(),
        r#"{"did":"","timestamp":"","eventMetadata":null,"info":{"name":"OutdatedCursor"}}"#
    );
}

/// (1783175888085 - 1420070400000) << 22 | 434 << 12 | 70003 & 4095.
const ID: &str = "1522974801098645875";

#[test]
fn the_osprey_format_wraps_the_standard_one() {
    let format = format(true, ActionNames::AtKafka);
    let metadata = Metadata::Json(br#"{"accountAge":-1}"#);
    assert_eq!(
        written(&format, INACTIVE, metadata),
        format!(
            r#"{{"data":{{"action_name":"account","action_id":{ID},"data":{{"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","timestamp":"2026-07-04T14:38:08.999Z","eventMetadata":{{"accountAge":-1}},"account":{{"active":false,"seq":1409753013,"status":"takendown"}}}},"timestamp":"2026-07-04T14:38:08.999Z","secret_data":{{}},"encoding":"UTF8"}},"send_time":"2026-07-04T14:38:09Z"}}"#
        )
    );
    let info = Info {
        name: "OutdatedCursor",
        message: None,
    };
    assert_eq!(
        String::from_utf8(format.info(&info, 70_003, 1_783_175_888_085_434)).unwrap(),
        format!(
            r#"{{"data":{{"action_name":"info","action_id":{ID},"data":{{"did":"","timestamp":"","eventMetadata":null,"info":{{"name":"OutdatedCursor"}}}},"timestamp":"2026-07-04T14:38:08.085434Z","secret_data":{{}},"encoding":"UTF8"}},"send_time":"2026-07-04T14:38:08Z"}}"#
        )
    );
}

#[test]
fn actions_have_at_kafkas_names_or_jetstreams() {
    for (rest, at_kafka, jetstream) in [
        (CREATE, "operation#create", "create_post"),
        (DELETE, "operation#delete", "delete_like"),
        (ACCOUNT, "account", "account"),
        (IDENTITY, "identity", "identity"),
        (SYNC, "sync", "sync"),
    ] {
        for (names, expected) in [
            (ActionNames::AtKafka, at_kafka),
            (ActionNames::Jetstream, jetstream),
        ] {
            let message = written(&format(true, names), rest, Metadata::Null);
            let message: serde_json::Value = serde_json::from_str(&message).unwrap();
            assert_eq!(message["data"]["action_name"], expected);
        }
    }
}

#[test]
fn an_entry_that_is_not_an_event_is_corrupt() {
    for rest in ["", r#","kind":"commit"}"#, r#","kind":"x","x":{}}"#] {
        let entry = entry(rest);
        let error = Event::of(&entry).unwrap_err();
        assert!(
            matches!(error, fanjet_log::LogError::Corrupt { seq: 70_003, .. }),
            "{error}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn ids_rise_with_the_log_and_never_collide(
        first in 1_500_000_000_000_000_u64..2_000_000_000_000_000,
        step in 1_u64..10_000_000,
        seq in 1_u64..1 << 40,
    ) {
        let epoch = crate::config::FormatConfig::default().snowflake_epoch_ms;
        let (one, next) = (snowflake(first, seq, epoch), snowflake(first + step, seq + 1, epoch));
        proptest::prop_assert!(one < next);
        proptest::prop_assert!(next < 1 << 63);
        // The milliseconds can be read back, as consumers of snowflakes do.
        proptest::prop_assert_eq!((one >> 22) + epoch, first / 1_000);
    }
}

#[test]
fn known_dates_are_converted() {
    for (seconds, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_399, "2000-02-28T23:59:59Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (1_709_164_800, "2024-02-29T00:00:00Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
    ] {
        assert_eq!(rfc3339(seconds * 1_000_000), text);
    }
}

/// The deepest record that ingest accepts and the deepest profile, in the deepest envelope, stay within the default limit of JSON
/// parsers.
#[test]
fn the_deepest_record_and_profile_still_parse_as_json() {
    let (open, close) = ("[".repeat(119), "]".repeat(119));
    let create = CREATE.replace(r#""text":"#, &format!(r#""deep":{open}{close},"text":"#));
    let metadata = format!(r#"{{"profile":{{"deep":{open}{close}}}}}"#);
    for osprey in [true, false] {
        let format = format(osprey, ActionNames::AtKafka);
        let message = written(&format, &create, Metadata::Json(metadata.as_bytes()));
        let message: serde_json::Value = serde_json::from_str(&message).unwrap();
        // In a dead letter.
        let letter = ["[", &message.to_string(), "]"].concat();
        serde_json::from_str::<serde_json::Value>(&letter).unwrap();
    }
}
