use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fanjet_runtime::Stop;
use fanjet_telemetry::{Health, HealthReport, Metrics, OpsServer};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_asked_both_questions() {
    let is_ready = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_ready);
    let health = Health::new(move || {
        let verdict = seen.load(Ordering::SeqCst).then_some(());
        HealthReport::of([("log", verdict.ok_or("no answer for 4 s".to_owned()))])
    });
    let config = OpsConfig {
        listen: ([0, 0, 0, 0], 0).into(),
    };
    let server = OpsServer::bind(&config, Metrics::new().unwrap(), health).unwrap();
    let listen = SocketAddr::from(([0, 0, 0, 0], server.address().port()));
    let stop = Stop::new();
    let stop_server = stop.clone().drop_guard();
    let asking = tokio::task::spawn_blocking(move || {
        ask(listen, HealthQuestion::Live).unwrap();
        let ill = ask(listen, HealthQuestion::Ready).unwrap_err().to_string();
        assert!(
            ill.contains("503") && ill.contains("no answer for 4 s"),
            "{ill}"
        );

        is_ready.store(true, Ordering::SeqCst);
        let well = ask(listen, HealthQuestion::Ready).unwrap();
        assert!(well.contains("true"), "{well}");
        drop(stop_server);
    });
    server.run(stop).await.unwrap();
    asking.await.unwrap();
}

#[test]
fn nobody_there_is_an_answer_too() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let ill = ask(address, HealthQuestion::Ready).unwrap_err();
    assert!(matches!(ill, Ill::Silent { .. }), "{ill}");
    assert!(ill.to_string().contains(&address.to_string()), "{ill}");
}

#[test]
fn a_process_on_all_addresses_is_found_on_the_own_one() {
    for (listen, expected) in [
        ("0.0.0.0:6009", "127.0.0.1:6009"),
        ("[::]:6009", "[::1]:6009"),
        ("10.1.2.3:6009", "10.1.2.3:6009"),
    ] {
        assert_eq!(
            within_reach(listen.parse().unwrap()),
            expected.parse().unwrap()
        );
    }
}
