use super::*;

#[test]
fn a_cursor_is_a_plain_number_or_nothing() {
    for (query, expected) in [
        ("", Ok(None)),
        ("cursor=", Ok(None)),
        ("cursor", Ok(None)),
        ("other=7", Ok(None)),
        ("cursor=0", Ok(Some(0))),
        ("cursor=105", Ok(Some(105))),
        ("a=b&cursor=105&cursor=0", Ok(Some(105))),
        ("cursor=9007199254740991", Ok(Some((1 << 53) - 1))),
        ("cursor=9007199254740992", Err(InvalidCursor)),
        ("cursor=99999999999999999999999", Err(InvalidCursor)),
        ("cursor=abc", Err(InvalidCursor)),
        ("cursor=-1", Err(InvalidCursor)),
        ("cursor=1e5", Err(InvalidCursor)),
        ("cursor=%2B5x", Err(InvalidCursor)),
        ("cursor=+5", Err(InvalidCursor)),
    ] {
        assert_eq!(cursor_of(query), expected, "{query}");
    }
}

#[test]
fn the_start_follows_from_the_ends_and_the_slack() {
    let ends = Some(Ends {
        oldest: 100,
        newest: 110,
    });
    for (cursor, expected) in [
        (None, Start::Live { not_below: 0 }),
        (Some(0), Start::Oldest),
        (Some(50), Start::Outdated),
        (Some(99), Start::Outdated),
        (Some(100), Start::At(100)),
        (Some(106), Start::At(106)),
        (Some(110), Start::At(110)),
        (Some(111), Start::Live { not_below: 111 }),
        (Some(160), Start::Live { not_below: 160 }),
        (Some(161), Start::Future),
    ] {
        assert_eq!(start(cursor, ends, 50), expected, "{cursor:?}");
    }
    for cursor in [None, Some(0), Some(5), Some(30_000_000_000)] {
        assert_eq!(start(cursor, None, 50), Start::Live { not_below: 0 });
    }
}
