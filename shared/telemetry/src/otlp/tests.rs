use super::*;

fn configured(endpoint: &str) -> Result<Option<Otlp>, OtlpError> {
    let config = OtlpConfig {
        endpoint: endpoint.to_owned(),
        metrics_interval: Duration::from_secs(1),
    };
    Otlp::configured(&config, "test", "here/1/0a".to_owned())
}

#[tokio::test]
async fn nothing_is_sent_unless_it_is_said_where() {
    assert!(configured("").unwrap().is_none());
    let otlp = configured("http://127.0.0.1:4318/").unwrap().unwrap();
    assert_eq!(otlp.endpoint, "http://127.0.0.1:4318");
}

#[tokio::test]
async fn what_is_no_address_is_named() {
    for wrong in ["collector:4318", "grpc://collector:4317", "/v1/traces"] {
        let error = configured(wrong).unwrap_err().to_string();
        let beginning = format!("invalid setting otlp.endpoint: {wrong:?} is not the address");
        assert!(error.starts_with(&beginning), "{error}");
    }
}
