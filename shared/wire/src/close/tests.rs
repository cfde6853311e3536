use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

/// A client needs the resume cursor: it must not be cut off, whatever its length.
#[test]
fn every_text_fits_with_its_cursor() {
    for reason in CloseReason::ALL {
        let text = reason.text(Some(9_999_999_999_999_999));
        assert_eq!(cut(&text), text);
    }
    for reason in [
        CloseReason::Draining,
        CloseReason::TooOld,
        CloseReason::FellBehind,
        CloseReason::LogReplaced,
        CloseReason::LogDamaged { seq: u64::MAX },
        CloseReason::Internal,
    ] {
        assert!(
            reason
                .text(Some(1_779_719_010_267_528))
                .ends_with("cursor=1779719010267528")
        );
    }
}

#[test]
fn labels_differ() {
    let labels: HashSet<_> = CloseReason::ALL
        .iter()
        .map(|reason| reason.label())
        .collect();
    assert_eq!(labels.len(), CloseReason::ALL.len());
}

#[test]
fn a_clients_code_is_echoed_only_where_it_may_be_sent() {
    for (code, echoed) in [
        (1000, true),
        (1001, true),
        (1005, false),
        (1006, false),
        (1015, false),
        (3000, true),
        (4999, true),
        (5000, false),
        (999, false),
    ] {
        assert_eq!(
            CloseReason::ClientClosed(Some(code)).code(),
            echoed.then_some(code),
            "{code}"
        );
    }
    assert_eq!(
        CloseReason::ClientClosed(None).frame(None).unwrap()[..],
        [0x88, 0]
    );
    for unheard in [CloseReason::Stalled, CloseReason::ClientGone] {
        assert_eq!(unheard.frame(None), None);
    }
}

/// Case 66 of the contract.
#[test]
fn a_long_reason_is_shortened_on_a_character_boundary() {
    let fits = "é".repeat(61) + "x";
    assert_eq!(
        (fits.len(), shortened(&fits)),
        (MAX_CLOSE_TEXT, Cow::Borrowed(&*fits))
    );
    let long = "é".repeat(62);
    assert_eq!(shortened(&long), "é".repeat(60) + "...");
    let reason = CloseReason::InvalidOptions(Cow::Owned(long));
    assert_eq!(reason.text(None), "é".repeat(60) + "...");
}

proptest! {
    #[test]
    fn a_shortened_text_fits_and_says_that_it_is_one(text in any::<String>().prop_map(|text| text.repeat(3))) {
        let kept = shortened(&text);
        prop_assert!(kept.len() <= MAX_CLOSE_TEXT);
        match kept.strip_suffix("...") {
            Some(head) if *kept != text => prop_assert!(text.starts_with(head) && kept.len() + 4 > MAX_CLOSE_TEXT),
            _ => prop_assert_eq!(&*kept, &text),
        }
    }

    #[test]
    fn a_cut_text_is_the_longest_that_fits(text in any::<String>().prop_map(|text| text.repeat(3))) {
        let kept = cut(&text);
        prop_assert!(text.starts_with(kept) && kept.len() <= MAX_CLOSE_TEXT);
        let next = text[kept.len()..].chars().next();
        prop_assert!(next.is_none_or(|next| kept.len() + next.len_utf8() > MAX_CLOSE_TEXT));
    }
}
