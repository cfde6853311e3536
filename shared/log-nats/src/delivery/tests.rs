use super::*;

#[test]
fn both_forms_are_read() {
    let expected = Some(Delivery {
        stream_seq: 123,
        consumer_seq: 45,
        pending: 7,
    });
    for reply in [
        "$JS.ACK.ATP.fanjet-x.1.123.45.1700000000000000000.7",
        "$JS.ACK.hub.ACCHASH.ATP.fanjet-x.1.123.45.1700000000000000000.7.token",
        "$JS.ACK._.ACCHASH.ATP.fanjet-x.1.123.45.1700000000000000000.7.token.more",
    ] {
        assert_eq!(Delivery::parse(reply), expected, "{reply}");
    }
}

#[test]
fn anything_else_is_none() {
    for reply in [
        "",
        "$JS.ACK.",
        "$JS.ACK.a.b.c",
        "_INBOX.x",
        "$JS.ACK.ATP.c.1.x.45.1.7",
    ] {
        assert_eq!(Delivery::parse(reply), None, "{reply}");
    }
}
