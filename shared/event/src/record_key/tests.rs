use super::*;

#[test]
fn follows_the_specification() {
    let longest = "o".repeat(512);
    for text in [
        "self",
        "example.com",
        "~1.2-3_",
        "dHJ1ZQ",
        "_",
        "literal:self",
        "pre:fix",
        "-",
        ":",
        &longest,
    ] {
        assert!(RecordKey::parse(text).is_ok(), "{text}");
    }
    let too_long = "o".repeat(513);
    for text in [
        "",
        ".",
        "..",
        "alpha/beta",
        "#extra",
        "any space",
        "any+space",
        "number[3]",
        "number(3)",
        "\"quote\"",
        "dHJ1ZQ==",
        "é",
        "a\n",
        &too_long,
    ] {
        assert!(RecordKey::parse(text).is_err(), "{text}");
    }
}
