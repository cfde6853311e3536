use super::*;

#[test]
fn every_variable_of_a_service_is_a_link() {
    for (name, value) in [
        ("FANJET_SERVICE_HOST", "10.0.0.11"),
        ("FANJET_SERVICE_HOST", "fd00::b"),
        ("FANJET_SERVICE_PORT", "6008"),
        ("FANJET_EDGE_SERVICE_PORT_HTTP", "6008"),
        ("FANJET_EDGE_SERVICE_PORT_OPS_METRICS", "6009"),
        ("FANJET_PORT", "tcp://10.0.0.11:6008"),
        ("FANJET_PORT", "tcp://[fd00::b]:6008"),
        ("FANJET_EDGE_PORT", "udp://10.0.0.11:6008"),
        ("FANJET_EDGE_PORT_6008_TCP", "tcp://10.0.0.11:6008"),
        ("FANJET_EDGE_PORT_6008_TCP_PROTO", "tcp"),
        ("FANJET_EDGE_PORT_6008_TCP_PORT", "6008"),
        ("FANJET_EDGE_PORT_6008_TCP_ADDR", "10.0.0.11"),
        ("FANJET_EDGE_PORT_132_SCTP_ADDR", "fd00::b"),
        ("FANJET__EDGE_PORT", "tcp://10.0.0.11:6008"),
        ("ATKAFKA_PORT", "tcp://10.0.0.11:9092"),
    ] {
        assert!(is_service_link(name, value), "{name}={value}");
    }
}

#[test]
fn a_mistyped_setting_is_not_a_link() {
    for (name, value) in [
        ("FANJET_UPSTREAM__URL", "wss://10.0.0.11:6008"),
        ("FANJET_PORT", "6008"),
        ("FANJET_PORT", "wss://10.0.0.11:6008"),
        ("FANJET_PORT", "tcp://host:6008"),
        ("FANJET_HTTP__PORT", "6008"),
        ("FANJET_LISTEN", "10.0.0.11:6008"),
        ("FANJET_SERVICE_HOST", "edge.example.org"),
        ("FANJET_EDGE_PORT_6008_TCP_PROTO", "http"),
        ("FANJET_EDGE_PORT_6008_HTTP_PORT", "6008"),
        ("SERVICE_PORT", "6008"),
        ("PORT", "tcp://10.0.0.11:6008"),
        ("", ""),
    ] {
        assert!(!is_service_link(name, value), "{name}={value}");
    }
}
