use std::task::Waker;

use proptest::prelude::*;

use super::*;

/// A socket that accepts these amounts, has no room in between, and may buffer like TLS.
struct Socket {
    takes: Vec<usize>,
    turn: usize,
    is_vectored: bool,
    got: Vec<u8>,
    /// The number of vectored writes with more than one chunk.
    lists: usize,
    held: bool,
}

impl Socket {
    fn new(takes: Vec<usize>, is_vectored: bool) -> Self {
        Self {
            takes,
            turn: 0,
            is_vectored,
            got: Vec::new(),
            lists: 0,
            held: false,
        }
    }

    /// Zero: no room now.
    fn next(&mut self) -> usize {
        let takes = self.takes[self.turn % self.takes.len()];
        self.turn += 1;
        takes
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let most = this.next().min(buf.len());
        if most == 0 {
            return Poll::Pending;
        }
        this.got.extend_from_slice(&buf[..most]);
        this.held = true;
        Poll::Ready(Ok(most))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if !self.is_vectored {
            // As in the standard library without vectored writes: only the first one.
            let first = bufs.iter().find(|it| !it.is_empty());
            return self.poll_write(cx, first.map_or(&[], |it| it));
        }
        let this = self.get_mut();
        this.lists += 1;
        let all: Vec<u8> = bufs.iter().flat_map(|it| it.to_vec()).collect();
        Pin::new(this).poll_write(cx, &all)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.next() == 0 {
            return Poll::Pending;
        }
        this.held = false;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn pieces(sizes: &[usize]) -> Vec<Bytes> {
    let mut next = 0_u8;
    let piece = |&size: &usize| {
        let bytes = (0..size).map(|_| {
            next = next.wrapping_add(1);
            next
        });
        bytes.collect::<Vec<_>>().into()
    };
    sizes.iter().map(piece).collect()
}

/// Writes all chunks to a socket, as it has room.
fn send(pieces: &[Bytes], socket: &mut Socket) -> u64 {
    let mut cx = Context::from_waker(Waker::noop());
    let mut sending = WriteQueue::default();
    let mut pieces = pieces.iter();
    let mut is_over = false;
    while !is_over || !sending.is_empty() {
        while !is_over && sending.has_room() {
            match pieces.next() {
                Some(piece) => sending.push(piece.clone()),
                None => is_over = true,
            }
        }
        let written = sending.poll_write(&mut cx, Pin::new(socket));
        assert_eq!(written.is_ready(), sending.is_empty());
        if let Poll::Ready(written) = written {
            written.unwrap();
            assert!(!socket.held);
        }
    }
    sending.take_partial_writes()
}

/// Cut at every byte: one write up to the cut, then the rest.
#[test]
fn a_partial_write_continues_at_the_same_byte() {
    let pieces = pieces(&[3, 1, 0, 20, 7]);
    let expected = pieces.concat();
    for cut in 1..expected.len() {
        let mut socket = Socket::new(vec![cut, 0, usize::MAX], true);
        assert_eq!(send(&pieces, &mut socket), 1, "cut at {cut}");
        assert_eq!(socket.got, expected, "cut at {cut}");
        assert!(socket.lists > 0);
    }
}

#[test]
fn a_socket_that_takes_byte_by_byte_gets_everything_in_order() {
    let pieces = pieces(&[1, 125, 4, 300]);
    for takes in [vec![1], vec![1, 0], vec![2, 1, 0, 0, 3]] {
        let mut socket = Socket::new(takes, true);
        send(&pieces, &mut socket);
        assert_eq!(socket.got, pieces.concat());
    }
}

#[test]
fn many_chunks_are_written_in_several_lists() {
    let pieces = pieces(&[2; 1000]);
    let mut socket = Socket::new(vec![usize::MAX], true);
    assert_eq!(send(&pieces, &mut socket), 0);
    assert_eq!(socket.got, pieces.concat());
    assert!((16..100).contains(&socket.lists), "{}", socket.lists);
}

#[test]
fn the_write_queue_is_bounded() {
    let mut sending = WriteQueue::default();
    let mut taken = 0;
    while sending.has_room() {
        sending.push(Bytes::from_static(&[0; 1000]));
        taken += 1000;
    }
    assert!(taken < MAX_BYTES + 1000);
}

#[test]
fn a_zero_byte_write_is_an_error() {
    struct Broken;
    impl AsyncWrite for Broken {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(0))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
    let mut sending = WriteQueue::default();
    sending.push(Bytes::from_static(b"x"));
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(Err(error)) = sending.poll_write(&mut cx, Pin::new(&mut Broken)) else {
        panic!("it must fail");
    };
    assert_eq!(error.kind(), io::ErrorKind::WriteZero);
}

/// An idle subscriber keeps no capacity between bursts.
#[test]
fn an_empty_write_queue_frees_its_memory() {
    let mut sending = WriteQueue::default();
    let mut socket = Socket::new(vec![usize::MAX], true);
    for _ in 0..60 {
        sending.push(Bytes::from_static(b"x"));
    }
    let mut cx = Context::from_waker(Waker::noop());
    assert!(
        sending
            .poll_write(&mut cx, Pin::new(&mut socket))
            .is_ready()
    );
    assert_eq!(sending.pieces.capacity(), 0);
    assert_eq!(sending.bytes, 0);
}

proptest! {
    #[test]
    fn any_socket_gets_everything_once_in_order(
        sizes in prop::collection::vec(0..400_usize, 1..80),
        takes in prop::collection::vec(prop_oneof![1 => Just(0), 3 => 1..600_usize], 1..20),
        is_vectored in any::<bool>(),
    ) {
        prop_assume!(takes.iter().any(|&it| it > 0));
        let pieces = pieces(&sizes);
        let mut socket = Socket::new(takes, is_vectored);
        send(&pieces, &mut socket);
        prop_assert_eq!(socket.got, pieces.concat());
    }
}
