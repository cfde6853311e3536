use super::*;

const TIMEOUT: Duration = Duration::from_secs(30);
const IDLE: Socket = took(0);

/// A socket that took events this often and has none waiting.
const fn took(taken: u64) -> Socket {
    Socket {
        taken,
        is_stuck: false,
    }
}

fn at(start: Instant, seconds: u64) -> Instant {
    start + Duration::from_secs(seconds)
}

#[test]
fn a_client_silent_after_a_ping_is_dead() {
    let start = Instant::now();
    let mut life = Liveness::new(start);
    assert!(!life.is_dead(at(start, 1000), IDLE, TIMEOUT), "never asked");
    life.pinged(at(start, 1000));
    life.pinged(at(start, 1020));
    assert!(!life.is_dead(at(start, 1029), IDLE, TIMEOUT));
    assert!(
        life.is_dead(at(start, 1030), IDLE, TIMEOUT),
        "the first unanswered ping counts"
    );
}

#[test]
fn any_message_answers_a_ping() {
    let start = Instant::now();
    let mut life = Liveness::new(start);
    life.pinged(at(start, 10));
    life.received(at(start, 11));
    assert!(!life.is_dead(at(start, 100), IDLE, TIMEOUT));
}

#[test]
fn a_slow_reader_is_alive_while_its_socket_takes_events() {
    let start = Instant::now();
    let mut life = Liveness::new(start);
    life.pinged(start);
    for n in 1..10 {
        assert!(!life.is_dead(at(start, n * 30), took(n), TIMEOUT));
    }
    assert!(life.is_dead(at(start, 300), took(9), TIMEOUT));
}

#[test]
fn a_full_socket_postpones_the_ping_timeout() {
    let start = Instant::now();
    let mut life = Liveness::new(start);
    let stuck = Socket {
        is_stuck: true,
        ..IDLE
    };
    life.pinged(start);
    assert!(!life.is_dead(at(start, 30), stuck, TIMEOUT));
    assert!(!life.is_dead(at(start, 300), stuck, TIMEOUT));
    // From now on a pong can arrive.
    assert!(!life.is_dead(at(start, 329), IDLE, TIMEOUT));
    assert!(life.is_dead(at(start, 330), IDLE, TIMEOUT));
}
