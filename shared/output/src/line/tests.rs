use super::*;

#[test]
fn words_of_strangers_stay_within_their_line() {
    let words = "a\r\n2026-01-01 ERROR fake: b\u{1b}[2J\u{7f}\u{9b}\u{202e}c\u{e0041}";
    let line = Line::of(words).end();
    assert_eq!(
        line,
        "a\\r\\n2026-01-01 ERROR fake: b\\u001b[2J\\u007f\\u009b\\u202ec\\udb40\\udc41\n"
    );
}

#[test]
fn a_value_cannot_pass_for_two() {
    for (words, written) in [
        ("plain", "plain"),
        ("", "\"\""),
        ("a b", "\"a b\""),
        ("x level=error", "\"x level=error\""),
        ("say \"hi\"", "\"say \\\"hi\\\"\""),
    ] {
        let mut line = Line::default();
        line.value(words);
        assert_eq!(line.end(), format!("{written}\n"));
    }
}

#[test]
fn no_word_makes_a_line_too_long() {
    for word in ["x", "\u{e0041}", "\"", "é"] {
        let mut line = Line::default();
        for _ in 0..3 {
            line.quoted(word.repeat(10_000));
        }
        assert!(line.is_full());
        let line = line.end();
        assert!(line.len() <= LONGEST, "{} bytes", line.len());
        assert!(line.contains("...\""), "{line}");
    }
}

#[test]
fn passwords_are_hidden_wherever_a_line_is_cut() {
    let line = Line::of(format_args!("{}wss://me:secret@host/", "x".repeat(LONGEST))).end();
    assert!(!line.contains("secret"));
    let line = Line::of("connecting to wss://me:secret@host/ failed").end();
    assert_eq!(line, "connecting to wss://(hidden)@host/ failed\n");
}
