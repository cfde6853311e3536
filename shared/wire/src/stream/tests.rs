use super::*;

#[test]
fn events_are_what_the_standards_say() {
    let time = TimeUs::new(1_779_719_010_267_528).unwrap();
    let mut out = Vec::new();
    put_sse(&mut out, time, br#"{"a":1}"#);
    assert_eq!(out, b"id: 1779719010267528\ndata: {\"a\":1}\n\n");
    assert_eq!(out.len(), 7 + SSE_AROUND);
    out.clear();
    put_line(&mut out, br#"{"a":1}"#);
    assert_eq!(out, b"{\"a\":1}\n");
    assert_eq!(out.len(), 7 + LINE_AROUND);
}

/// Some readers turn every block into an event: there is none without data.
#[test]
fn nothing_beside_events_is_a_block_of_its_own() {
    let time = TimeUs::new(1_779_719_010_267_528).unwrap();
    let retry = Duration::from_millis(1500);
    let start = sse_start(retry, Some(time));
    assert_eq!(
        String::from_utf8(start.to_vec()).unwrap(),
        "retry: 1500\nevent: start\nid: 1779719010267528\n\
         data: {\"did\":\"\",\"time_us\":1779719010267528,\"kind\":\"heartbeat\"}\n\n"
    );
    let refusal = sse_refusal(retry, "node_full", "full:\nof \"them\"");
    assert_eq!(
        String::from_utf8(refusal.to_vec()).unwrap(),
        "retry: 1500\nevent: close\ndata: {\"reason\":\"node_full\",\"message\":\"full:\\nof \\\"them\\\"\"}\n\n"
    );
    let alone = sse_start(retry, None);
    assert_eq!(&alone[..], b"retry: 1500\n");
    assert_eq!(&sse_ping()[..], b": ping\n");
    let mut stream = [alone, sse_ping(), start, sse_ping(), sse_ping()].concat();
    put_sse(&mut stream, time, b"{}");
    let stream = String::from_utf8([stream, refusal.to_vec()].concat()).unwrap();
    let blocks: Vec<_> = stream.split_terminator("\n\n").collect();
    assert_eq!(blocks.len(), 3);
    for block in blocks {
        assert!(
            block.lines().any(|line| line.starts_with("data: {")),
            "{block}"
        );
    }
}

#[test]
fn the_close_event_is_one_line_of_json_with_what_is_known() {
    let shown = |reason: &CloseReason, resume| {
        let frame = sse_close(reason, resume).unwrap();
        String::from_utf8(frame.to_vec()).unwrap()
    };
    assert_eq!(
        shown(&CloseReason::Draining, Some(1_779_719_010_267_528)),
        "event: close\ndata: {\"reason\":\"draining\",\"message\":\"node shutting down, reconnect; resume with \
         cursor=1779719010267528\",\"cursor\":1779719010267528}\n\n"
    );
    for reason in CloseReason::ALL {
        if matches!(reason, CloseReason::Stalled | CloseReason::ClientGone) {
            assert_eq!(sse_close(&reason, None), None);
            continue;
        }
        let text = shown(&reason, None);
        let data = text.strip_prefix("event: close\ndata: ").unwrap();
        let json: serde_json::Value = serde_json::from_str(data.trim_end()).unwrap();
        assert_eq!(json["reason"], reason.label());
        assert_eq!(json.get("cursor"), None);
    }
    let hostile = CloseReason::InvalidOptions("a\n\ndata: \"b\"".into());
    assert_eq!(shown(&hostile, None).lines().count(), 3);
}
