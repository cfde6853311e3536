use super::*;

#[test]
fn headers_are_read_as_clients_write_them() {
    let headers = parse(b"NATS/1.0\r\nA: x\r\nA:y \r\nFanjet-Origin: o;1\r\n\r\n").unwrap();
    let values: Vec<_> = headers.get_all("A").map(HeaderValue::as_str).collect();
    assert_eq!(values, ["x", "y"]);
    assert_eq!(headers.get("Fanjet-Origin").unwrap().as_str(), "o;1");
    for (head, names) in [(&b""[..], 0), (b"NATS/1.0\r\n\r\n", 0)] {
        assert_eq!(parse(head).unwrap().len(), names, "{}", head.escape_ascii());
    }
}

/// Whatever the library may stumble over.
#[test]
fn everything_else_is_unreadable() {
    for head in [
        &b"x"[..],
        b"NATS/1.0",
        b"NATS/1.0\r\n",
        b"NATS/1.0\r\nA: x\r\n",
        b"NATS/1.0\r\nA: x",
        b"NATS/1.1\r\nA: x\r\n\r\n",
        b"NATS/1.0 abc\r\n\r\n",
        b"NATS/1.0 404 Message Not Found\r\n\r\n",
        b"NATS/1.0\r\nA: \xff\r\n\r\n",
        b"NATS/1.0\r\nA b: x\r\n\r\n",
        b"NATS/1.0\r\n: x\r\n\r\n",
        b"NATS/1.0\r\nno colon\r\n\r\n",
        b"NATS/1.0\r\nA: x\ry\r\n\r\n",
        b"NATS/1.0\r\nA: x\ny\r\n\r\n",
        b"NATS/1.0\r\nA: x\r\n y\r\n\r\n",
        b"NATS/1.0\r\nA: x\r\n\r\nB: y\r\n\r\n",
    ] {
        let found = parse(head).unwrap_err();
        assert!(!found.carries_origin, "{}", head.escape_ascii());
    }
}

/// As the library finds it where it can: at the beginning of a line.
#[test]
fn an_origin_is_found_among_what_is_unreadable() {
    for (head, carries_origin) in [
        (&b"NATS/1.0\r\nA b: x\r\nFanjet-Origin: o\r\n\r\n"[..], true),
        (b"NATS/1.0\r\nFanjet-Origin:\r\nA: \xff", true),
        (b"\xff\nFanjet-Origin: o", true),
        (b"NATS/1.0\r\nA b: x\r\nfanjet-origin: o\r\n\r\n", false),
        (b"NATS/1.0\r\nA b: Fanjet-Origin: o\r\n\r\n", false),
        (b"NATS/1.0\r\nA b: x\r\n Fanjet-Origin: o\r\n\r\n", false),
        (b"NATS/1.0\r\nA b: x\r\nFanjet-Origin\r\n\r\n", false),
    ] {
        let found = parse(head).unwrap_err();
        assert_eq!(
            found.carries_origin,
            carries_origin,
            "{}",
            head.escape_ascii()
        );
    }
}
