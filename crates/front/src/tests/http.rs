//! HTTP as such: what was read before, what comes late, what is too much, and how it ends.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use monitor::table::Metric;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::world::{PUBLISHER, READER, World, post_text};
use crate::Bounds;

const ALIVE: &str = "GET /health HTTP/1.1\r\nhost: a\r\n\r\n";
const PUBLISH: &str = r#"{"channel":"den","data":1}"#;

fn bounded(change: impl FnOnce(&mut Bounds)) -> impl FnOnce(&mut crate::Parts) {
    move |it| change(&mut it.bounds)
}

/// Wherever the shard stopped reading, nothing is lost and nothing is read twice.
#[tokio::test]
async fn a_request_goes_on_where_the_shard_left_off() {
    let world = World::new().await;
    let request = post_text("/api/publish", PUBLISHER, PUBLISH);
    for read_ahead in 0..=request.len() {
        world.read_ahead.store(read_ahead, SeqCst);
        let answer = world.ask(&request).await;
        assert_eq!(answer.status, 200, "{read_ahead}: {}", answer.body);
    }
    assert_eq!(world.gateway.posts.lock().unwrap().len(), request.len() + 1);
}

#[tokio::test]
async fn requests_sent_together_are_answered_in_order() {
    let world = World::new().await;
    let mut client = world.connect().await;
    let publish = post_text("/api/publish", PUBLISHER, PUBLISH);
    client.send(&format!("{ALIVE}{publish}GET /nothing HTTP/1.1\r\nhost: a\r\n\r\n{ALIVE}")).await;
    for expected in [200, 200, 404, 200] {
        assert_eq!(client.answer().await.unwrap().status, expected);
    }
    client.send(ALIVE).await;
    assert_eq!(client.answer().await.unwrap().status, 200, "the connection is kept alive");
}

/// H9: a proxy's socket carries many clients, but the shard looked at the first request only.
#[tokio::test]
async fn a_socket_that_comes_through_a_proxy_has_one_request() {
    let world = World::new().await;
    world.set_client("203.0.113.9");
    let mut client = world.connect().await;
    client.send(&format!("{ALIVE}{ALIVE}")).await;
    assert_eq!(client.answer().await.unwrap().status, 200);
    assert!(client.answer().await.is_none());
}

#[tokio::test]
async fn ten_megabytes_are_taken_where_the_configuration_says_so() {
    let world = World::with(bounded(|it| it.request_bytes_max = 10_000_000)).await;
    let body = format!("\"{}\"", "x".repeat(9_999_998));
    let answer = world.post("/count", "", &body).await;
    assert_eq!(answer.text(), "200 10000000");
    let head = "POST /count HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
    let answer = world.ask(&format!("{head}content-length: 10000001\r\n\r\n")).await;
    assert_eq!((answer.status, &*answer.code()), (413, "MESSAGE_TOO_BIG"));
}

/// Whoever writes the whole of a body that is too large, and reads only then, reads why.
#[tokio::test]
async fn whoever_sends_too_much_gets_the_answer_nevertheless() {
    let world = World::with(bounded(|it| it.request_bytes_max = 1000)).await;
    let head = "POST /count HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
    let body = "x".repeat(1_000_000);
    let request = format!("{head}content-length: 1000000\r\n\r\n{body}");
    let mut client = world.connect().await;
    // So that the kernel cannot take it all in our stead.
    let socket = socket2::SockRef::from(&client.socket);
    socket.set_send_buffer_size(16 * 1024).unwrap();
    client.socket.write_all(request.as_bytes()).await.expect("all of it is taken");
    let answer = client.answer().await.unwrap();
    assert_eq!((answer.status, &*answer.code()), (413, "MESSAGE_TOO_BIG"));
}

/// F2: a body that does not say its length is measured as it comes.
#[tokio::test]
async fn a_body_in_chunks_has_the_same_limit() {
    let world = World::with(bounded(|it| it.request_bytes_max = 10)).await;
    let head = "POST /count HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    let answer = world.ask(&format!("{head}6\r\n123456\r\n4\r\n7890\r\n0\r\n\r\n")).await;
    assert_eq!(answer.text(), "200 10");
    let answer = world.ask(&format!("{head}6\r\n123456\r\n5\r\n78901\r\n")).await;
    assert_eq!((answer.status, answer.header("connection")), (413, Some("close")));
}

/// All bodies together have a limit too, and what they took is given back.
#[tokio::test]
async fn bodies_beyond_the_memory_set_aside_are_told_to_come_back() {
    let world = World::with(bounded(|it| it.bodies_bytes_max = 2048)).await;
    let small = format!("\"{}\"", "x".repeat(2000));
    for _ in 0..3 {
        assert_eq!(world.post("/count", "", &small).await.text(), "200 2002");
    }
    let large = format!("\"{}\"", "x".repeat(3000));
    let answer = world.post("/count", "", &large).await;
    assert_eq!((answer.status, &*answer.code()), (503, "BUSY"));
}

/// H7: the deadline is for the whole body, not for each byte.
#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let soon = bounded(|it| it.body_read_within = Duration::from_millis(50));
    let world = World::with(soon).await;
    let mut client = world.connect().await;
    let request = post_text("/api/publish", PUBLISHER, PUBLISH);
    client.send(&request[..request.len() - 1]).await;
    let answer = client.answer().await.unwrap();
    assert_eq!((answer.status, &*answer.code()), (408, "MESSAGE_LATE"));
    assert!(client.is_closed().await);
    assert!(world.gateway.posts.lock().unwrap().is_empty());
}

/// H7: as for the first request, so for those after it, and for a socket kept alive for nothing.
#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let soon = bounded(|it| it.header_read_within = Duration::from_millis(50));
    let world = World::with(soon).await;
    for (first, rest) in [(&ALIVE[..10], ""), (ALIVE, ""), (ALIVE, &ALIVE[..10])] {
        let mut client = world.connect().await;
        client.send(first).await;
        if first == ALIVE {
            assert_eq!(client.answer().await.unwrap().status, 200);
        }
        client.send(rest).await;
        assert!(client.is_closed().await, "{first:?} {rest:?}");
    }
}

/// H5.
#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let world = World::new().await;
    let many: String = (0..101).map(|it| format!("x-{it}: 1\r\n")).collect();
    let long = format!("x-long: {}\r\n", "x".repeat(17 * 1024));
    for bomb in [many, long] {
        let answer = world.ask(&format!("GET / HTTP/1.1\r\nhost: a\r\n{bomb}\r\n")).await;
        assert_eq!(answer.status, 431);
    }
}

/// H4: one answer, the connection ends, and what follows is not taken for a request.
#[tokio::test]
async fn nothing_after_an_ambiguous_request_is_read() {
    let world = World::new().await;
    // Told twice where it ends; taken by its chunks, which is one of the two things allowed.
    let chunked = "content-type: application/json\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    let upgrade = "connection: upgrade\r\nupgrade: websocket\r\n\r\n";
    for (rest, expected) in [
        (format!("POST /count HTTP/1.1\r\nhost: a\r\n{chunked}"), 200),
        (
            "POST /count HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n"
                .into(),
            400,
        ),
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n".into(), 400),
        (format!("GET /ws HTTP/1.1\r\nhost: a\r\n{upgrade}"), 400),
        ("GET / HTTP/1.1\r\nhost : a\r\n\r\n".into(), 400),
        ("GET / HTTP/1.1\r\nhost: a\r\n b: c\r\n\r\n".into(), 400),
    ] {
        let mut client = world.connect().await;
        client.send(&format!("{rest}{ALIVE}")).await;
        assert_eq!(client.answer().await.unwrap().status, expected, "{rest:?}");
        assert!(client.answer().await.is_none(), "{rest:?} was followed by another answer");
    }
}

/// D3: what a form on a foreign page can send is not taken.
#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let world = World::new().await;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""] {
        for path in ["/api/publish", "/count"] {
            let request = post_text(path, PUBLISHER, PUBLISH).replace("application/json", kind);
            let answer = world.ask(&request).await;
            assert_eq!((answer.status, &*answer.code()), (415, "UNSUPPORTED_DATA"), "{kind}");
        }
    }
    let utf8 = "Application/JSON; charset=utf-8";
    let request = post_text("/api/publish", PUBLISHER, PUBLISH).replace("application/json", utf8);
    assert_eq!(world.ask(&request).await.status, 200);
}

#[tokio::test]
async fn what_is_not_here_is_told_in_json() {
    let world = World::new().await;
    expect_test::expect![[r#"404 {"code":"NO_SUCH_ROUTE","detail":"There is nothing at this address.","message":"There is nothing at this address."}"#]]
        .assert_eq(&world.get("/nothing", READER).await.text());
    expect_test::expect![[r#"405 {"code":"METHOD_NOT_ALLOWED","detail":"This address does not take that method.","message":"This address does not take that method."}"#]]
        .assert_eq(&world.get("/api/publish", PUBLISHER).await.text());
    for path in ["/..%2fetc/passwd", "/%00", "//", "/api/../metrics"] {
        assert_eq!(world.get(path, READER).await.status, 404, "{path}");
    }
}

/// F16: a panic ends one request.
#[tokio::test]
async fn a_panic_is_one_answer_and_a_number() {
    let world = World::new().await;
    let mut client = world.connect().await;
    client.send(&format!("GET /boom HTTP/1.1\r\nhost: a\r\n\r\n{ALIVE}")).await;
    let answer = client.answer().await.unwrap();
    assert_eq!((answer.status, &*answer.code()), (500, "INTERNAL"));
    assert_eq!(client.answer().await.unwrap().status, 200);
    assert_eq!(world.monitor.front().count(Metric::HttpPanics), 1);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_given_up() {
    let world = World::with(bounded(|it| {
        it.answer_within = Duration::from_millis(30);
        it.body_read_within = Duration::from_millis(20);
    }))
    .await;
    let answer = world.get("/hang", READER).await;
    assert_eq!((answer.status, &*answer.code()), (504, "ANSWER_LATE"));
}

/// A peer that asks and does not read is given up; its place is free again.
#[tokio::test]
async fn a_peer_that_does_not_read_is_given_up() {
    let world = World::with(bounded(|it| {
        it.write_within = Duration::from_millis(50);
        it.connections_max = 1;
    }))
    .await;
    let mut client = world.connect().await;
    // Larger than what the sockets of both sides take together.
    client.send(&"GET /big HTTP/1.1\r\nhost: a\r\n\r\n".repeat(8)).await;
    while world.ask(ALIVE).await.status != 200 {}
}

#[tokio::test]
async fn a_socket_beyond_the_most_is_told_so() {
    let world = World::with(bounded(|it| it.connections_max = 1)).await;
    let mut first = world.connect().await;
    first.send(ALIVE).await;
    assert_eq!(first.answer().await.unwrap().status, 200);
    let mut second = world.connect().await;
    second.send(ALIVE).await;
    let answer = second.answer().await.unwrap();
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    expect_test::expect![[r#"{"code":"SERVER_FULL","message":"The server has no room for another connection.","details":{"retry_after":1.0}}"#]]
        .assert_eq(&answer.body);
    assert!(second.is_closed().await);
    drop(first);
    while world.ask(ALIVE).await.status != 200 {}
    assert!(1 <= world.monitor.front().count(Metric::HttpFull));
}

#[tokio::test]
async fn a_stop_lets_answers_finish_and_closes_the_rest() {
    let mut world = World::new().await;
    let mut idle = world.connect().await;
    idle.send(ALIVE).await;
    assert_eq!(idle.answer().await.unwrap().status, 200);
    let mut busy = world.connect().await;
    busy.send(&format!("GET /finish HTTP/1.1\r\nhost: a\r\n\r\n{ALIVE}")).await;
    // Two are served now, so the stop comes in the middle of an answer.
    while world.monitor.front().count(Metric::HttpConnections) != 2 {
        tokio::task::yield_now().await;
    }
    world.stop();
    assert!(idle.is_closed().await);
    world.may_finish.add_permits(1);
    assert_eq!(busy.answer().await.unwrap().body, "finished");
    assert!(busy.answer().await.is_none(), "what came after the stop's request is not answered");
    world.stopped().await;
    assert_eq!(world.monitor.front().count(Metric::HttpConnections), 0);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let mut world = World::with(bounded(|it| it.stop_within = Duration::from_millis(50))).await;
    let mut busy = world.connect().await;
    busy.send("GET /hang HTTP/1.1\r\nhost: a\r\n\r\n").await;
    while world.monitor.front().count(Metric::HttpConnections) != 1 {
        tokio::task::yield_now().await;
    }
    world.stop();
    world.stopped().await;
    assert!(busy.is_closed().await);
}

/// What a shard had handed over before the stop is answered; after that nobody takes more.
#[tokio::test]
async fn a_socket_that_was_handed_over_before_the_stop_is_answered() {
    let mut world = World::new().await;
    let (mut ours, theirs) = pair().await;
    let peer = theirs.peer_addr().unwrap();
    let handoff = crate::Handoff {
        stream: crate::Stream::Plain(theirs.into_std().unwrap()),
        already_read: ALIVE.into(),
        peer,
        client: peer.ip(),
    };
    world.handoffs.try_send(handoff).unwrap();
    world.stop();
    world.stopped().await;
    let mut text = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut ours, &mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    assert!(world.handoffs.is_closed());
}

/// A client that goes away in the middle of anything leaves nothing behind.
#[tokio::test]
async fn a_client_that_leaves_takes_its_place_with_it() {
    let world = World::new().await;
    for request in [&ALIVE[..10], "GET /finish HTTP/1.1\r\nhost: a\r\n\r\n", ALIVE] {
        let mut client = world.connect().await;
        client.send(request).await;
        client.socket.shutdown().await.unwrap();
    }
    let mut client = world.connect().await;
    client.send("GET /big HTTP/1.1\r\nhost: a\r\n\r\n").await;
    drop(client);
    assert_eq!(world.ask(ALIVE).await.status, 200);
    while world.monitor.front().count(Metric::HttpConnections) != 0 {
        tokio::task::yield_now().await;
    }
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (ours, listener.accept().await.unwrap().0)
}
