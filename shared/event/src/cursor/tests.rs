use super::*;
use crate::TimeUs;

#[test]
fn the_two_namespaces_split_at_ten_to_the_fifteen() {
    assert_eq!(
        Cursor::parse("999999999999999"),
        Ok(Cursor::Seq(999_999_999_999_999))
    );
    assert_eq!(
        Cursor::parse("1000000000000000"),
        Ok(Cursor::TimeUs(SEQ_TIME_BOUNDARY))
    );
    assert_eq!(Cursor::parse("0"), Ok(Cursor::Seq(0)));
    assert_eq!(Cursor::parse("+5"), Ok(Cursor::Seq(5)));
    assert_eq!(Cursor::parse("-42"), Ok(Cursor::Seq(0)));
}

#[test]
fn other_text_is_refused_by_name() {
    for text in ["", "abc", "1.5", "1_000", " 1", "9223372036854775808"] {
        assert_eq!(Cursor::parse(text).unwrap_err().what, "cursor", "{text}");
    }
}

#[test]
fn log_time_never_stands_still() {
    let first = TimeUs::following(None, 1_783_175_888_085_434);
    assert_eq!(first.get(), 1_783_175_888_085_434);
    assert_eq!(
        TimeUs::following(Some(first), 1_783_175_888_085_434).get(),
        first.get() + 1
    );
    assert_eq!(TimeUs::following(Some(first), 12).get(), first.get() + 1);
    assert_eq!(TimeUs::following(None, 0), TimeUs::MIN);
}
