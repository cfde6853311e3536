use super::*;

#[test]
fn the_user_part_of_every_address_is_hidden() {
    for (text, shown) in [
        ("wss://me:pass@host:1/x?y", "wss://(hidden)@host:1/x?y"),
        ("nats://token@host", "nats://(hidden)@host"),
        (
            "nats://a:b@h1:1,nats://c:d@h2:2",
            "nats://(hidden)@h1:1,nats://(hidden)@h2:2",
        ),
        (
            "url=\"https://a:p@ss@host/\"",
            "url=\"https://(hidden)@host/\"",
        ),
        ("https://a:p/w@host/", "https://(hidden)@host/"),
        ("https://a:p?w#@host/", "https://(hidden)@host/"),
        ("wss//a:pw@host/", "wss//(hidden)@host/"),
        ("to a:pw@host, b@host", "to (hidden)@host, b@host"),
        ("two=ws://a:pw@host", "two=ws://(hidden)@host"),
    ] {
        assert_eq!(hide_passwords(text), shown);
    }
}

#[test]
fn other_text_stays_as_it_is() {
    for text in [
        "",
        "me@example.com",
        "at://did:plc:abc/app.bsky.feed.post/x",
        "https://host/@me",
        "https://host:443/@me",
        "http://[::1]:80/@me",
        "wss://host wrote me@host",
        "://",
    ] {
        assert_eq!(hide_passwords(text), text);
    }
}
