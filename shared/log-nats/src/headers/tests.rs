use proptest::prelude::*;

use super::*;

#[test]
fn the_origin_is_spelled_for_people_too() {
    let origin = Origin {
        upstream: UpstreamId::new("bsky.network").unwrap(),
        relay_seq: 30_340_180_350,
        op_index: 1,
        op_count: 3,
        time: "2026-07-04T14:38:08.999Z".parse().unwrap(),
    };
    let text = "bsky.network;30340180350;1;3;2026-07-04T14:38:08.999Z";
    assert_eq!(write_origin(&origin), text);
    assert_eq!(OriginReader::default().parse(text), Some(origin));
}

proptest! {
    #[test]
    fn origins_are_read_as_written(
        names in prop::collection::vec("[A-Za-z0-9._:-]{1,255}", 1..4),
        relay_seq: u64,
        op_index: u32,
        op_count: u32,
        fraction in "(\\.[0-9]{1,38})?",
        zone in "Z|z|[+-](0[0-9]|2[0-3]):[0-5][0-9]",
    ) {
        let mut reader = OriginReader::default();
        for name in &names {
            let origin = Origin {
                upstream: UpstreamId::new(name).unwrap(),
                relay_seq,
                op_index,
                op_count,
                time: format!("2026-07-04T14:38:08{fraction}{zone}").parse().unwrap(),
            };
            let text = write_origin(&origin);
            prop_assert!(text.len() + 200 < MAX_HEADERS);
            prop_assert_eq!(reader.parse(&text), Some(origin));
        }
    }

    #[test]
    fn anything_else_is_refused(text in "[a-z0-9;:.TZ-]{0,60}") {
        // Nothing of this shape contains a whole date.
        prop_assert_eq!(OriginReader::default().parse(&text), None);
    }
}

#[test]
fn a_part_more_or_less_is_refused() {
    let text = "a;1;2;3;2026-07-04T14:38:08Z";
    assert!(OriginReader::default().parse(text).is_some());
    for wrong in [
        &format!("{text};"),
        &format!(";{text}"),
        "a;1;2;2026-07-04T14:38:08Z",
        "a;-1;2;3;2026-07-04T14:38:08Z",
    ] {
        assert_eq!(OriginReader::default().parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_trace_is_carried_as_others_spell_it() {
    let mut event = fanjet_log::contract::event(1);
    assert_eq!(trace(&headers(&event, 0)), None);
    let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    event.trace = TraceParent::parse(text);
    let headers = headers(&event, 0);
    assert_eq!(headers.get("traceparent").unwrap().as_str(), text);
    assert_eq!(trace(&headers), event.trace);
    assert!(event.trace.is_some());
}
