use proptest::prelude::*;

use super::*;

const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn the_standards_example_is_read_and_written_alike() {
    let parent = TraceParent::parse(EXAMPLE).expect("an example of the standard");
    assert_eq!(
        parent.trace_id.get(),
        0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736
    );
    assert_eq!(parent.span_id.get(), 0x00f0_67aa_0ba9_02b7);
    assert_eq!(parent.to_string(), EXAMPLE);
}

#[test]
fn what_is_not_recorded_or_not_whole_is_nothing() {
    for text in [
        "",
        "00",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ] {
        assert_eq!(TraceParent::parse(text), None, "{text:?}");
    }
}

proptest! {
    #[test]
    fn every_parent_is_read_as_written(trace_id in 1_u128.., span_id in 1_u64..) {
        let parent = TraceParent {
            trace_id: NonZeroU128::new(trace_id).expect("above 0"),
            span_id: NonZeroU64::new(span_id).expect("above 0"),
        };
        prop_assert_eq!(TraceParent::parse(&parent.to_string()), Some(parent));
    }

    #[test]
    fn no_text_is_a_surprise(text in "(00-)?[0-9a-f+-]{0,60}\\PC{0,4}") {
        if let Some(parent) = TraceParent::parse(&text) {
            prop_assert_eq!(&parent.to_string()[..53], &text[..53]);
        }
    }
}
