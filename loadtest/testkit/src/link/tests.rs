use std::time::Instant;

use super::*;

/// A link to an echo server, and a connection through it.
async fn echo() -> (Link, TcpStream, JoinSet<()>) {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let link = Link::start(server.local_addr().unwrap().port())
        .await
        .unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut lines = JoinSet::new();
        while let Ok((stream, _)) = server.accept().await {
            lines.spawn(async move {
                let (mut from, mut to) = stream.into_split();
                let _ended = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    let stream = connect(&link).await;
    (link, stream, tasks)
}

async fn connect(link: &Link) -> TcpStream {
    TcpStream::connect(("127.0.0.1", link.port()))
        .await
        .unwrap()
}

async fn answer(stream: &mut TcpStream) -> std::io::Result<u8> {
    stream.write_u8(7).await?;
    stream.read_u8().await
}

#[tokio::test]
async fn a_cut_link_ends_old_and_new_connections_until_it_is_open() {
    let (link, mut stream, _server) = echo().await;
    assert_eq!(answer(&mut stream).await.unwrap(), 7);
    assert_eq!(link.injected(), 0);
    link.set(LinkState::Cut);
    answer(&mut stream).await.unwrap_err();
    answer(&mut connect(&link).await).await.unwrap_err();
    assert_eq!(link.injected(), 2);
    link.set(LinkState::Open);
    assert_eq!(answer(&mut connect(&link).await).await.unwrap(), 7);
}

#[tokio::test]
async fn a_dead_link_keeps_everything_until_it_is_open() {
    let (link, mut stream, _server) = echo().await;
    assert_eq!(answer(&mut stream).await.unwrap(), 7);
    link.set(LinkState::Dead);
    stream.write_u8(9).await.unwrap();
    while link.injected() == 0 {
        tokio::task::yield_now().await;
    }
    let silence = tokio::time::timeout(Duration::from_millis(50), stream.read_u8()).await;
    assert!(silence.is_err(), "something got through");
    link.set(LinkState::Open);
    assert_eq!(stream.read_u8().await.unwrap(), 9);
}

#[tokio::test]
async fn a_slow_link_delays_both_ways() {
    let (link, mut stream, _server) = echo().await;
    let delay = Duration::from_millis(30);
    link.set(LinkState::Slow(delay));
    let asked = Instant::now();
    assert_eq!(answer(&mut stream).await.unwrap(), 7);
    assert!(asked.elapsed() >= 2 * delay);
    assert_eq!(link.injected(), 2);
}

#[tokio::test]
async fn the_end_of_one_side_is_the_end_of_the_other() {
    let (link, mut stream, server) = echo().await;
    assert_eq!(answer(&mut stream).await.unwrap(), 7);
    drop(server);
    stream.read_u8().await.unwrap_err();
    answer(&mut connect(&link).await).await.unwrap_err();
}
