use super::*;

/// The specification's own examples: <https://atproto.com/specs/did>.
#[test]
fn accepts_what_the_specification_accepts() {
    for text in [
        "did:plc:z72i7hdynmk6r22z27h6tvur",
        "did:web:blueskyweb.xyz",
        "did:method:val:two",
        "did:m:v",
        "did:method::::val",
        "did:method:-:_:.",
        "did:key:zQ3shZc2QzApp2oymGvQbzP8eKheVshBHbU4ZYjeXqwSKEn6N",
    ] {
        assert!(Did::parse(text).is_ok(), "{text}");
    }
}

#[test]
fn refuses_what_the_specification_refuses() {
    let too_long = format!("did:plc:{}", "a".repeat(2048));
    for text in [
        "",
        "did",
        "did:",
        "did:plc",
        "did:plc:",
        "did:METHOD:val",
        "did:m123:val",
        "DID:method:val",
        "did:method:",
        "did:method:val/two",
        "did:method:val?two",
        "did:method:val#two",
        "did:method:val%",
        "did:method:val:",
        "did:method:va l",
        "did:plc:\u{e9}",
        &too_long,
    ] {
        assert!(Did::parse(text).is_err(), "{text}");
    }
}

#[test]
fn the_error_names_the_value_and_the_rule_without_echoing_a_novel() {
    let error = Did::parse("é".repeat(4000)).unwrap_err();
    assert!(error.value.len() <= Invalid::SHOWN);
    assert!(error.to_string().starts_with("invalid DID: \"é"));
}

use crate::Invalid;
