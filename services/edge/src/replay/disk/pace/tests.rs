use super::*;

#[test]
fn the_pause_keeps_the_rate() {
    assert_eq!(pause(1_000_000, 4_000_000), Duration::from_millis(250));
    assert_eq!(pause(0, 1), Duration::ZERO);
}

#[test]
fn a_span_finds_the_size_of_a_segment_and_stays_in_its_bounds() {
    for bytes_per_seq in [1, 700, 60_000] {
        let wanted = 4 << 20;
        let mut span = Span::default();
        for _ in 0..20 {
            span.note(span.seqs() * bytes_per_seq, wanted);
        }
        let bytes = span.seqs() * bytes_per_seq;
        assert!(bytes <= 2 * wanted || span.seqs() == 64, "{bytes}");
        assert!(bytes >= wanted / 2 || span.seqs() == 1 << 20, "{bytes}");
    }
}
