use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fanjet_runtime::Stop;
use fanjet_telemetry::{Health, HealthReport, Metrics, OpsServer};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_process_reports_liveness_and_readiness() {
    let is_ready = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_ready);
    let health = Health::new(move || {
        let status = seen.load(Ordering::SeqCst).then_some(());
        HealthReport::of([("log", status.ok_or("no response for 4 s".to_owned()))])
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
        let error = ask(listen, HealthQuestion::Ready).unwrap_err().to_string();
        assert!(
            error.contains("503") && error.contains("no response for 4 s"),
            "{error}"
        );

        is_ready.store(true, Ordering::SeqCst);
        let report = ask(listen, HealthQuestion::Ready).unwrap();
        assert!(report.contains("true"), "{report}");
        drop(stop_server);
    });
    server.run(stop).await.unwrap();
    asking.await.unwrap();
}

#[test]
fn a_process_that_does_not_run_is_unhealthy() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let error = ask(address, HealthQuestion::Ready).unwrap_err();
    assert!(matches!(error, Unhealthy::NoResponse { .. }), "{error}");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[test]
fn a_process_on_all_addresses_is_reached_by_loopback() {
    for (listen, expected) in [
        ("0.0.0.0:6009", "127.0.0.1:6009"),
        ("[::]:6009", "[::1]:6009"),
        ("10.1.2.3:6009", "10.1.2.3:6009"),
    ] {
        assert_eq!(
            local_address(listen.parse().unwrap()),
            expected.parse().unwrap()
        );
    }
}
