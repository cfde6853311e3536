use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A piece that owns its bytes; parts of a message joined.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Whole {
    Message(Kind, Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close(u16, Vec<u8>),
}

/// Something a server sends.
#[derive(Debug, Clone)]
enum Sent {
    /// A message, in as many frames as there are parts.
    Message(Kind, Vec<Vec<u8>>),
    Control(u8, Vec<u8>),
}

fn frame(opcode: u8, is_final: bool, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![opcode | if is_final { 0x80 } else { 0 }];
    match payload.len() {
        length @ 0..126 => bytes.push(length as u8),
        length @ 126..65_536 => {
            bytes.push(126);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}

impl Sent {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Message(kind, parts) => {
                let mut opcode = if *kind == Kind::Text { 1 } else { 2 };
                let mut bytes = Vec::new();
                for (index, part) in parts.iter().enumerate() {
                    bytes.extend(frame(opcode, index + 1 == parts.len(), part));
                    opcode = 0;
                }
                bytes
            }
            Self::Control(opcode, payload) => frame(*opcode, true, payload),
        }
    }

    fn whole(&self) -> Whole {
        match self {
            Self::Message(kind, parts) => Whole::Message(*kind, parts.concat()),
            Self::Control(8, payload) if payload.len() < 2 => Whole::Close(1005, Vec::new()),
            Self::Control(8, payload) => Whole::Close(
                u16::from_be_bytes([payload[0], payload[1]]),
                payload[2..].to_vec(),
            ),
            Self::Control(9, payload) => Whole::Ping(payload.clone()),
            Self::Control(..) => Whole::Pong,
        }
    }
}

fn sent() -> impl Strategy<Value = Sent> {
    let part = prop_oneof![
        8 => vec(any::<u8>(), 0..20),
        2 => vec(any::<u8>(), 120..130),
        1 => (65_530_usize..65_545).prop_map(|length| vec![7; length]),
    ];
    let kind = prop_oneof![Just(Kind::Text), Just(Kind::Binary)];
    prop_oneof![
        4 => (kind, vec(part, 1..4)).prop_map(|(kind, parts)| Sent::Message(kind, parts)),
        1 => (8_u8..11, vec(any::<u8>(), 0..126)).prop_map(|(opcode, payload)| Sent::Control(opcode, payload)),
    ]
}

/// Feeds the bytes split at these positions.
fn walk(bytes: &[u8], cuts: &[prop::sample::Index]) -> (Vec<Whole>, Option<ProtocolError>) {
    let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.push(bytes.len());
    places.sort_unstable();
    let (mut frames, mut from) = (FrameReader::default(), 0);
    let (mut seen, mut open) = (Vec::new(), Vec::new());
    for to in places {
        let read = frames.walk(&bytes[from..to], |piece| match piece {
            Piece::Data { kind, bytes, ends } => {
                assert!(ends || !bytes.is_empty());
                open.extend_from_slice(bytes);
                if ends {
                    seen.push(Whole::Message(kind, std::mem::take(&mut open)));
                }
            }
            Piece::Ping(payload) => seen.push(Whole::Ping(payload.to_vec())),
            Piece::Pong(_) => seen.push(Whole::Pong),
            Piece::Close { code, reason } => seen.push(Whole::Close(code, reason.to_vec())),
        });
        if let Err(error) = read {
            return (seen, Some(error));
        }
        from = to;
    }
    (seen, None)
}

proptest! {
    #[test]
    fn every_frame_is_seen_however_the_bytes_are_split(
        sent in vec(sent(), 0..12),
        cuts in vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let bytes: Vec<_> = sent.iter().flat_map(Sent::bytes).collect();
        let expected: Vec<_> = sent.iter().map(Sent::whole).collect();
        prop_assert_eq!(walk(&bytes, &cuts), (expected, None));
    }

    #[test]
    fn nonsense_is_judged_alike_however_it_is_split(
        head in vec(any::<u8>(), 0..40),
        cuts in vec(any::<prop::sample::Index>(), 0..20),
    ) {
        prop_assert_eq!(walk(&head, &cuts), walk(&head, &[]));
    }
}

#[test]
fn one_byte_at_a_time() {
    let sent = [
        Sent::Message(Kind::Text, vec![b"abc".to_vec(), vec![], vec![9; 300]]),
        Sent::Control(9, b"hello".to_vec()),
        Sent::Message(Kind::Binary, vec![vec![]]),
        Sent::Control(8, [&1012_u16.to_be_bytes()[..], b"draining"].concat()),
    ];
    let bytes: Vec<_> = sent.iter().flat_map(Sent::bytes).collect();
    let mut frames = FrameReader::default();
    let mut pieces = 0;
    for byte in &bytes {
        frames
            .walk(std::slice::from_ref(byte), |_| pieces += 1)
            .unwrap();
    }
    // Each byte of data, the empty message, the ping and the close.
    assert_eq!(pieces, 303 + 1 + 1 + 1);
}

#[test]
fn what_no_server_may_send_is_an_error() {
    for (bytes, error) in [
        (&[0xc1, 0][..], ProtocolError::ReservedBits),
        (&[0x81, 0x80], ProtocolError::Masked),
        (&[0x83, 0], ProtocolError::Opcode(3)),
        (&[0x8b, 0], ProtocolError::Opcode(11)),
        (&[0x09, 0], ProtocolError::Control),
        (&[0x89, 126, 0, 126], ProtocolError::Control),
        (&[0x80, 0], ProtocolError::Fragments),
        (&[0x01, 0, 0x81, 0], ProtocolError::Fragments),
        (&[0x81, 126, 0, 125], ProtocolError::Length),
        (
            &[0x81, 127, 0, 0, 0, 0, 0, 0, 255, 255],
            ProtocolError::Length,
        ),
        (
            &[0x81, 127, 128, 0, 0, 0, 0, 0, 0, 0],
            ProtocolError::Length,
        ),
    ] {
        assert_eq!(walk(bytes, &[]).1, Some(error), "{bytes:?}");
    }
}
