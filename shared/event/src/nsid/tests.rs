use super::*;

#[test]
fn accepts_what_the_specification_accepts() {
    let longest_name = format!("com.example.{}", "o".repeat(63));
    let longest_domain = format!("com.{}.foo", "o".repeat(63));
    for text in [
        "com.example.foo",
        "com.example.fooBar",
        "net.users.bob.ping",
        "a.b.c",
        "m.xn--masekowski-d0b.pl",
        "one.two.three",
        "one.two.three.four-and.FiVe",
        "one.2.three",
        "a0.b1.c3",
        "a0.b1.cc",
        "cn.8.lex.stuff",
        "test.12345.record",
        &longest_name,
        &longest_domain,
    ] {
        assert!(Nsid::parse(text).is_ok(), "{text}");
    }
}

#[test]
fn refuses_what_the_specification_refuses() {
    let long_name = format!("com.example.{}", "o".repeat(64));
    let long_segment = format!("com.{}.foo", "o".repeat(64));
    let too_long = format!("com.{}.foo", "ab.".repeat(104) + "example");
    assert!(too_long.len() > 317);
    for text in [
        "",
        "com",
        "com.example",
        "com..example",
        ".com.example.foo",
        "com.example.foo.",
        "com.example.*",
        "com.example.foo*",
        "com.example.foo.*",
        "com.example.>",
        "com.exa\u{1f4a9}ple.thing",
        "com.exam ple.thing",
        "a-0.b-1.c-3",
        "0two.example.foo",
        "com.example.fooBar.2",
        "com.example.3three",
        "com.example.foo-bar",
        "-com.example.foo",
        "com.-example.foo",
        "com.example-.foo",
        "org.4chan.lex.getThing\n",
        &long_name,
        &long_segment,
        &too_long,
    ] {
        assert!(Nsid::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_prefix_matches_below_itself_only() {
    let prefix = NsidPrefix::parse("app.bsky").unwrap();
    assert!(prefix.contains("app.bsky.feed.post"));
    assert!(prefix.contains("app.bsky.x"));
    assert!(!prefix.contains("app.bsky"));
    assert!(!prefix.contains("app.bsky."));
    assert!(!prefix.contains("app.bskyfoo.feed"));
    assert!(NsidPrefix::parse("app").is_ok());
    for text in ["", ".", "app.", "not valid", "app.bsky.*", "*", ">"] {
        assert!(NsidPrefix::parse(text).is_err(), "{text}");
    }
}
