use super::*;

#[test]
fn a_key_is_read_with_its_comment_default_and_range() {
    let text = "# Letting in.\n[edge.http]\n# How\n# many.\n# Allowed: 1 to 10, or 0 for none.\nmany = 5\n\n# Where.\nat = \"x\"\n";
    let entries = entries(text).unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0].key(), "edge.http.many");
    assert_eq!(entries[0].comment, "How many.");
    assert_eq!(entries[0].default, Value::from(5));
    let allowed = entries[0].allowed.as_ref().unwrap();
    assert_eq!(allowed.to_string(), "1 to 10, or 0 for none");
    assert_eq!(entries[1].key(), "edge.http.at");
    assert_eq!(entries[1].allowed, None);
    let lines = lines(text).unwrap();
    let heading = Line::Heading("edge.http", "Letting in.".to_owned());
    assert_eq!(lines[1], heading);
}

#[test]
fn an_incomplete_entry_is_an_error() {
    for (text, part) in [
        ("[a]\n# How many.\nmany = 5", "Allowed: LEAST to MOST"),
        ("[a]\n# How much.\nshare = 0.5", "Allowed: LEAST to MOST"),
        ("[a]\n# How long.\ntime = \"5s\"", "Allowed: LEAST to MOST"),
        (
            "[a]\n# How many.\n# Allowed: 6 to 7.\nmany = 5",
            "not allowed",
        ),
        (
            "[a]\n# How many.\n# Allowed: some.\nmany = 5",
            "not a range",
        ),
        ("[a]\nname = \"x\"", "must explain it"),
        ("[a]\n# Words.\n\nname = \"x\"", "must explain it"),
        ("[a]\n# Several.\nlist = [\n1,\n]", "KEY = VALUE"),
    ] {
        let wrong = entries(text).unwrap_err();
        assert!(wrong.contains(part), "{part:?} is not in {wrong:?}");
    }
}
