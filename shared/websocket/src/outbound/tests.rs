use std::pin::pin;
use std::task::Waker;

use super::*;

const KEPT: usize = 1_000;

/// Writes `bytes` while the peer reads nothing; returns the outcome of the rest.
fn unread(
    outbound: &mut Outbound<tokio::io::DuplexStream>,
    mut bytes: &[u8],
) -> Option<NotReading> {
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match pin!(&mut *outbound).poll_write(&mut context, bytes) {
            Poll::Ready(Ok(written)) => bytes = &bytes[written..],
            Poll::Ready(Err(error)) => {
                let error = tungstenite::Error::Io(error);
                assert!(is_not_reading(&error));
                let tungstenite::Error::Io(error) = error else {
                    return None;
                };
                return error.get_ref()?.downcast_ref().copied();
            }
            Poll::Pending => return None,
        }
    }
}

#[test]
fn what_waits_is_bounded_behind_what_the_system_keeps() {
    let (ours, _theirs) = tokio::io::duplex(KEPT);
    let mut outbound = Outbound::new(ours);
    assert_eq!(unread(&mut outbound, &vec![0; KEPT + MAX_WAITING]), None);
    let refused = NotReading {
        waiting: MAX_WAITING + 1,
        allowed: MAX_WAITING,
    };
    assert_eq!(
        unread(&mut outbound, &vec![0; MAX_WAITING + 1]),
        Some(refused)
    );
}

#[test]
fn a_long_message_of_our_own_may_wait() {
    let (ours, _theirs) = tokio::io::duplex(KEPT);
    let mut outbound = Outbound::new(ours);
    outbound.allow_message(1 << 20);
    // Shorter messages do not reduce the allowance.
    outbound.allow_message(10);
    let all = KEPT + (1 << 20) + MAX_WAITING;
    assert_eq!(unread(&mut outbound, &vec![0; all]), None);
    assert!(unread(&mut outbound, &vec![0; all]).is_some());
}

#[test]
fn a_server_that_went_away_is_not_one_that_does_not_read() {
    let gone = io::Error::from(io::ErrorKind::BrokenPipe);
    assert!(!is_not_reading(&tungstenite::Error::Io(gone)));
    assert!(!is_not_reading(&tungstenite::Error::ConnectionClosed));
}
