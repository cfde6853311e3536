use std::io::Read;

use ::zstd::bulk::Decompressor;
use ::zstd::stream::read::Decoder;
use proptest::prelude::*;

use super::*;

fn dictionary() -> &'static [u8] {
    fanjet_dictionaries::v1().bytes()
}

fn compressor(level: i32) -> Compressor {
    Compressor::new(dictionary(), level).unwrap()
}

fn decode(frame: &[u8], dictionary: &[u8]) -> io::Result<Vec<u8>> {
    Decompressor::with_dictionary(dictionary)?.decompress(frame, 4 << 20)
}

/// Something like an event: compressible, and different for every `seed`.
fn event(len: usize, seed: usize) -> Vec<u8> {
    let mut event = format!(
        r#"{{"did":"did:plc:{seed:024}","time_us":1779719010267528,"kind":"commit","commit":{{"text":""#
    );
    for word in seed.. {
        if event.len() >= len {
            break;
        }
        event.push_str(&format!(
            "{:x} app.bsky.feed.post ",
            word.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ));
    }
    event.truncate(len);
    event.into_bytes()
}

/// A frame's header, read according to RFC 8878 section 3.1.1.
#[derive(Debug)]
struct Header {
    content_size: Option<u64>,
    dictionary_id: Option<u32>,
    window: u64,
    is_single_segment: bool,
    has_checksum: bool,
    /// From the magic number to the end of the last block and the checksum.
    frame_len: usize,
}

fn read(frame: &[u8]) -> Header {
    let mut rest = frame;
    let mut take = |len: usize| {
        let (taken, behind) = rest.split_at(len);
        rest = behind;
        let mut number = [0; 8];
        number[..len].copy_from_slice(taken);
        u64::from_le_bytes(number)
    };
    assert_eq!(take(4), 0xfd2f_b528, "magic");
    let descriptor = take(1);
    assert_eq!(descriptor & 0b1_1000, 0, "unused and reserved bits");
    let is_single_segment = descriptor & 0b10_0000 != 0;
    let has_checksum = descriptor & 0b100 != 0;
    let window = (!is_single_segment).then(|| {
        let window = take(1);
        let base = 1 << (10 + (window >> 3));
        base + base / 8 * (window & 7)
    });
    let dictionary_id = match descriptor & 0b11 {
        0 => None,
        flag => Some(take([1, 2, 4][flag as usize - 1]) as u32),
    };
    let content_size = match (descriptor >> 6, is_single_segment) {
        (0, false) => None,
        (0, true) => Some(take(1)),
        (1, _) => Some(take(2) + 256),
        (2, _) => Some(take(4)),
        _ => Some(take(8)),
    };
    loop {
        let block = take(3);
        let (kind, size) = (block >> 1 & 0b11, (block >> 3) as usize);
        assert_ne!(kind, 3, "reserved block type");
        for _ in 0..if kind == 1 { 1 } else { size } {
            take(1);
        }
        if block & 1 == 1 {
            break;
        }
    }
    if has_checksum {
        take(4);
    }
    Header {
        content_size,
        dictionary_id,
        window: window.or(content_size).unwrap(),
        is_single_segment,
        has_checksum,
        frame_len: frame.len() - rest.len(),
    }
}

#[test]
fn every_frame_says_what_a_decoder_may_ask() {
    for level in [-5, 1, 3, 19] {
        let mut compressor = compressor(level);
        // The boundaries of the content size field are 256, 65,792 and, for the window, 131,072.
        for len in [
            0,
            1,
            2,
            100,
            255,
            256,
            1_024,
            65_791,
            65_792,
            131_071,
            131_072,
            131_073,
            700_000,
            1 << 20,
            3 << 20,
        ] {
            let json = event(len, len);
            let frame = compressor.compress(&json).unwrap();
            let header = read(&frame);
            assert_eq!(header.content_size, Some(len as u64), "{header:?}");
            assert_eq!(header.dictionary_id, Some(1_612_007_021), "{header:?}");
            assert!(header.window <= MAX_WINDOW as u64, "{header:?}");
            assert_eq!(header.is_single_segment, len <= MAX_WINDOW, "{header:?}");
            assert!(!header.has_checksum, "{header:?}");
            assert_eq!(header.frame_len, frame.len(), "one frame and nothing else");
            assert_eq!(decode(&frame, dictionary()).unwrap(), json);
        }
    }
}

/// A streaming decoder that rejects every window above 128 KiB.
#[test]
fn a_decoder_with_the_smallest_window_reads_the_largest_event() {
    let json = event(3 << 20, 1);
    let frame = compressor(DEFAULT_LEVEL).compress(&json).unwrap();
    let mut decoder = Decoder::with_dictionary(&frame[..], dictionary()).unwrap();
    decoder.window_log_max(WINDOW_LOG).unwrap();
    let mut decoded = Vec::new();
    decoder.read_to_end(&mut decoded).unwrap();
    assert!(decoded == json);
}

#[test]
fn an_event_becomes_smaller_by_half() {
    let line = br#"{"did":"did:plc:ux2eeflheratfrvp3xfbp4zi","time_us":1783175888112407,"kind":"commit","commit":{"rev":"3mptbyp63ih2m","operation":"create","collection":"app.bsky.feed.like","rkey":"3m3q3ut7jsm2m","record":{"$type":"app.bsky.feed.like","createdAt":"2026-05-25T14:23:29.950Z","subject":{"cid":"bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy","uri":"at://did:plc:ux2eeflheratfrvp3xfbp4zi/app.bsky.feed.post/3m3q3ut7jsm2m"}},"cid":"bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"}}"#;
    let frame = compressor(DEFAULT_LEVEL).compress(line).unwrap();
    assert!(
        frame.len() * 2 < line.len(),
        "{} of {}",
        frame.len(),
        line.len()
    );
}

#[test]
fn without_its_dictionary_a_frame_cannot_be_read() {
    let frame = compressor(DEFAULT_LEVEL).compress(&event(500, 1)).unwrap();
    let mut other = dictionary().to_vec();
    other[4] ^= 1;
    for wrong in [&[][..], &other] {
        let error = decode(&frame, wrong).unwrap_err();
        assert_eq!(error.to_string(), "Dictionary mismatch");
    }
}

#[test]
fn a_used_compressor_makes_what_a_fresh_one_makes() {
    let mut used = compressor(DEFAULT_LEVEL);
    let mut kept = Vec::new();
    for seed in 0..3_000 {
        let len = if seed % 500 == 499 {
            700_000
        } else {
            seed * 7919 % 5_000
        };
        let json = event(len, seed);
        let frame = used.compress(&json).unwrap();
        assert_eq!(frame, compressor(DEFAULT_LEVEL).compress(&json).unwrap());
        kept.push((json, frame));
    }
    for (json, frame) in kept {
        assert!(
            decode(&frame, dictionary()).unwrap() == json,
            "a later frame wrote over it"
        );
    }
}

#[test]
fn a_message_is_the_frame_behind_a_header() {
    let mut compressor = compressor(DEFAULT_LEVEL);
    // Noise does not compress, so the frame crosses every boundary of the header's length.
    let noise: Vec<u8> = (0..70_000_u64)
        .map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8 ^ (at.pow(2) >> 3) as u8)
        .collect();
    for len in (0..400).chain(65_300..65_700).chain([70_000]) {
        let frame = compressor.compress(&noise[..len]).unwrap();
        let message = compressor.binary_message(&noise[..len]).unwrap();
        assert_eq!(
            message[..],
            crate::websocket::binary_frame(&frame)[..],
            "{len} bytes"
        );
    }
}

/// The frame after the header of a binary message.
fn payload(message: &[u8]) -> &[u8] {
    assert_eq!(message[0], 0x82, "final, binary");
    &message[match message[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    }..]
}

#[test]
fn a_stored_frame_is_read_by_the_same_decoder() {
    for len in [
        0, 1, 100, 255, 256, 65_536, 131_071, 131_072, 131_073, 262_144, 700_000,
    ] {
        let json = event(len, len);
        let message = stored_message(&json);
        let frame = payload(&message);
        let header = read(frame);
        assert_eq!(header.content_size, Some(len as u64), "{header:?}");
        assert!(header.window <= MAX_WINDOW as u64, "{header:?}");
        assert!(!header.has_checksum, "{header:?}");
        assert_eq!(header.frame_len, frame.len(), "one frame and nothing else");
        assert_eq!(message[..], crate::websocket::binary_frame(frame)[..]);
        assert_eq!(decode(frame, dictionary()).unwrap(), json);
    }
}

#[test]
fn what_is_no_dictionary_is_refused() {
    let mut damaged = dictionary().to_vec();
    damaged[8..200].fill(0xff);
    let mut no_id = dictionary().to_vec();
    no_id[4..8].fill(0);
    for bytes in [&[][..], b"{}", &no_id, &damaged, &dictionary()[..100]] {
        let error = Compressor::new(bytes, DEFAULT_LEVEL).unwrap_err();
        assert!(matches!(error, ZstdError::Dictionary(_)), "{error}");
        assert!(!error.is_retryable());
    }
}

#[test]
fn a_level_that_does_not_exist_is_refused_with_those_that_do() {
    let error = Compressor::new(dictionary(), 23).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid zstd level 23 (allowed: -131072 to 22)"
    );
    assert!(!error.is_retryable());
}

fn json_like() -> impl Strategy<Value = Vec<u8>> {
    ("[a-z2-7]{24}", "\\PC{0,400}", any::<u64>()).prop_map(|(did, text, seq)| {
        let text = serde_json::Value::from(text);
        format!(r#"{{"did":"did:plc:{did}","time_us":1783175888112407,"seq":{seq},"text":{text}}}"#)
            .into_bytes()
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_as_written(
        events in prop::collection::vec(
            prop_oneof![json_like(), prop::collection::vec(any::<u8>(), 0..3_000)],
            1..20,
        ),
        level in -7..10,
    ) {
        let mut compressor = compressor(level);
        for event in events {
            let frame = compressor.compress(&event).unwrap();
            let header = read(&frame);
            prop_assert_eq!(header.content_size, Some(event.len() as u64));
            prop_assert_eq!(header.frame_len, frame.len());
            prop_assert_eq!(decode(&frame, dictionary()).unwrap(), event);
        }
    }
}
