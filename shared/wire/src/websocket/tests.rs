use proptest::prelude::*;

use super::*;

/// A reader written from RFC 6455 section 5.2, independent of the writer.
fn read(frame: &[u8]) -> (u8, &[u8]) {
    assert_eq!(frame[0] & 0xf0, 0x80, "final, no extension bits");
    let (len, rest) = match frame[1] {
        126 => (
            u64::from(u16::from_be_bytes([frame[2], frame[3]])),
            &frame[4..],
        ),
        127 => (
            u64::from_be_bytes(frame[2..10].try_into().unwrap()),
            &frame[10..],
        ),
        short => {
            assert!(short < 126, "unmasked");
            (u64::from(short), &frame[2..])
        }
    };
    assert_eq!(len, rest.len() as u64);
    (frame[0] & 0x0f, rest)
}

/// The examples of section 5.7.
#[test]
fn the_examples_of_the_rfc() {
    assert_eq!(text_frame(b"Hello")[..], *b"\x81\x05Hello");
    assert_eq!(ping_frame(b"Hello")[..], *b"\x89\x05Hello");
    assert_eq!(pong_frame(b"Hello")[..], *b"\x8a\x05Hello");
    assert_eq!(binary_frame(&[7; 256])[..4], *b"\x82\x7e\x01\x00");
    assert_eq!(
        binary_frame(&[7; 65536])[..10],
        *b"\x82\x7f\0\0\0\0\0\x01\0\0"
    );
    assert_eq!(close_frame(Some(1012), "bye")[..], *b"\x88\x05\x03\xf4bye");
}

#[test]
fn lengths_use_their_shortest_form() {
    for len in [0, 1, 125, 126, 127, 65535, 65536, 100_000] {
        let payload = vec![b'x'; len];
        let frame = text_frame(&payload);
        assert_eq!(read(&frame), (1, &payload[..]));
        assert_eq!(frame.len(), header_len(len) + len);
        let shortest = if len < 126 {
            2
        } else if len < 65536 {
            4
        } else {
            10
        };
        assert_eq!(header_len(len), shortest);
    }
}

proptest! {
    #[test]
    fn control_frames_stay_small(payload in prop::collection::vec(any::<u8>(), 0..300), text in any::<String>(), code in 1000..5000u16) {
        for frame in [ping_frame(&payload), pong_frame(&payload), close_frame(Some(code), &text)] {
            let (opcode, payload) = read(&frame);
            prop_assert!(opcode >= 8 && payload.len() <= MAX_CONTROL_PAYLOAD);
        }
        let closing = close_frame(Some(code), &text);
        prop_assert!(std::str::from_utf8(&read(&closing).1[2..]).is_ok());
    }
}
