use super::*;

fn read(query: &str) -> Vec<(String, String)> {
    pairs(query)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect()
}

#[test]
fn pairs_are_decoded_in_order() {
    for (query, expected) in [
        ("", vec![]),
        ("a=1&a=2&b", vec![("a", "1"), ("a", "2"), ("b", "")]),
        ("a=x%2Ay+z&%61=%C3%A9", vec![("a", "x*y z"), ("a", "é")]),
        ("a==b&=c&&", vec![("a", "=b"), ("", "c")]),
        ("a=%ff", vec![("a", "\u{fffd}")]),
    ] {
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        assert_eq!(read(query), expected, "{query}");
    }
}

#[test]
fn malformed_pairs_are_dropped_alone() {
    for bad in ["a=%", "a=%4", "a=%zz", "%=1", "a=1;b=2", "a=%+1"] {
        assert_eq!(read(&format!("x=1&{bad}&y=2")).len(), 2, "{bad}");
    }
}
