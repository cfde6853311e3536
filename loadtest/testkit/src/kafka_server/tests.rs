use super::*;

#[tokio::test]
async fn a_broker_keeps_its_port_when_it_is_killed_and_started_again() {
    let mut server = KafkaServer::start().await.unwrap();
    let address = server.address();
    server.kill().await.unwrap();
    assert!(server.process().is_none());
    server.restart().await.unwrap();
    assert_eq!(server.address(), address);
    tokio::net::TcpStream::connect(&address).await.unwrap();
    server.stop().await.unwrap();
}
