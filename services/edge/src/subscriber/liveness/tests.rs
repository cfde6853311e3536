use super::*;

const TIMEOUT: Duration = Duration::from_secs(30);

fn at(start: Instant, seconds: u64) -> Instant {
    start + Duration::from_secs(seconds)
}

#[test]
fn silence_after_a_ping_is_death() {
    let start = Instant::now();
    let mut life = Liveness::new(start);
    assert!(!life.is_dead(at(start, 1000), 0, TIMEOUT), "never asked");
    life.pinged(at(start, 1000));
    life.pinged(at(start, 1020));
    assert!(!life.is_dead(at(start, 1029), 0, TIMEOUT));
    assert!(
        life.is_dead(at(start, 1030), 0, TIMEOUT),
        "the first unanswered ping counts"
    );
}

#[test]
fn any_message_answers() {
    let start = Instant::now();
    let mut life = Liveness::new(start);
    life.pinged(at(start, 10));
    life.received(at(start, 11));
    assert!(!life.is_dead(at(start, 100), 0, TIMEOUT));
}

#[test]
fn a_slow_reader_lives_as_long_as_its_socket_takes_events() {
    let start = Instant::now();
    let mut life = Liveness::new(start);
    life.pinged(start);
    for n in 1..10 {
        assert!(!life.is_dead(at(start, n * 30), n, TIMEOUT));
    }
    assert!(life.is_dead(at(start, 300), 9, TIMEOUT));
}
