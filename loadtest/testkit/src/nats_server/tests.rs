use std::io::{BufRead, BufReader};
use std::net::TcpStream;

use super::*;

/// The first message of a server to a client.
fn greeting(port: u16) -> std::io::Result<String> {
    let socket = TcpStream::connect(("127.0.0.1", port))?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut line = String::new();
    BufReader::new(socket).read_line(&mut line)?;
    Ok(line)
}

#[tokio::test]
async fn it_starts_restarts_in_place_and_leaves_nothing() {
    let mut server = NatsServer::start().await.unwrap();
    let port = server.port();
    let hello = greeting(port).unwrap();
    assert!(
        hello.starts_with("INFO ") && hello.contains("\"jetstream\":true"),
        "{hello}"
    );
    assert!(hello.contains("\"max_payload\":8388608"), "{hello}");

    server.kill().await.unwrap();
    assert!(greeting(port).is_err());
    server.restart().await.unwrap();
    assert_eq!(server.port(), port);
    greeting(port).unwrap();

    let folder = server.folder().to_owned();
    drop(server);
    assert!(greeting(port).is_err());
    assert!(!folder.exists());
}

#[tokio::test]
async fn the_shared_one_is_one() {
    let (first, second) = tokio::join!(NatsServer::shared(), NatsServer::shared());
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(Arc::ptr_eq(&first, &second));
}

#[tokio::test]
async fn a_bad_configuration_fails_with_the_servers_own_words() {
    let error = NatsServer::start_with("no_such_key: 1").await.unwrap_err();
    assert!(format!("{error:#}").contains("no_such_key"), "{error:#}");
}
