//! TLS that a shard began, gone on with here, against a client of rustls over real sockets.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
};

use monitor::table::Metric;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    SupportedProtocolVersion,
    crypto::aws_lc_rs::default_provider,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::task::spawn_blocking;

use super::world::{BIG, PUBLISHER, World, post_text};
use crate::{Handoff, Stream};

/// Made for these tests with openssl; guards nothing.
const CERTIFICATE: &[u8] = include_bytes!("localhost.cert.der");
const KEY: &[u8] = include_bytes!("localhost.key.der");

type Secure = StreamOwned<ClientConnection, TcpStream>;

/// Does what a shard does, up to the handover, and gives back the client's end.
async fn connect(
    world: &World,
    version: &'static SupportedProtocolVersion,
    first: &'static str,
) -> Secure {
    let handoffs = world.handoffs.clone();
    spawn_blocking(move || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, peer) = listener.accept().unwrap();
        let shard = std::thread::spawn(move || {
            let (tls, already_read) = shake_hands(&server, version);
            let stream = Stream::Tls(server, Box::new(tls));
            let handoff = Handoff { stream, already_read, peer, client: peer.ip() };
            handoffs.blocking_send(handoff).unwrap();
        });
        let mut client = StreamOwned::new(client(version), socket);
        client.write_all(first.as_bytes()).unwrap();
        client.flush().unwrap();
        shard.join().unwrap();
        client
    })
    .await
    .unwrap()
}

/// The handshake, and as much plaintext as has come by the end of it.
fn shake_hands(
    mut socket: &TcpStream,
    version: &'static SupportedProtocolVersion,
) -> (ServerConnection, Vec<u8>) {
    let key = PrivateKeyDer::try_from(KEY).unwrap();
    let config = ServerConfig::builder_with_provider(default_provider().into())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(CERTIFICATE)], key.clone_key())
        .unwrap();
    let mut tls = ServerConnection::new(Arc::new(config)).unwrap();
    while tls.is_handshaking() {
        tls.complete_io(&mut socket).unwrap();
    }
    let mut already_read = vec![0; 7];
    let n = tls.reader().read(&mut already_read).unwrap_or(0);
    already_read.truncate(n);
    (tls, already_read)
}

fn client(version: &'static SupportedProtocolVersion) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(CERTIFICATE)).unwrap();
    let config = ClientConfig::builder_with_provider(default_provider().into())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_blocking(work).await.unwrap()
}

const CLOSE: &str = "GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

/// An end without a close_notify would be an error: somebody in between might have cut it off.
#[tokio::test]
async fn a_request_over_tls_is_answered_and_ends_with_a_close_notify() {
    let world = World::new().await;
    for version in [&TLS12, &TLS13] {
        let mut client = connect(&world, version, CLOSE).await;
        let text = blocking(move || {
            let mut text = String::new();
            client.read_to_string(&mut text).expect("a close_notify at the end");
            text
        })
        .await;
        assert!(text.ends_with(r#"{"status":"alive"}"#), "{text}");
    }
}

/// What the shard had decrypted but not read comes first, then what the socket brings.
#[tokio::test]
async fn a_request_in_pieces_is_put_together() {
    let world = World::new().await;
    let mut client = connect(&world, &TLS13, "POST /api/publish HTTP/1.1\r\n").await;
    let request = post_text("/api/publish", PUBLISHER, r#"{"channel":"den","data":1}"#);
    let text = blocking(move || {
        for piece in request.split_once("\r\n").unwrap().1.as_bytes().chunks(5) {
            client.write_all(piece).unwrap();
            client.flush().unwrap();
        }
        let mut text = vec![0; 15];
        client.read_exact(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    })
    .await;
    assert_eq!(text, "HTTP/1.1 200 OK");
}

/// More than any buffer on the way takes, to a client that reads little at a time.
#[tokio::test]
async fn a_large_answer_arrives_whole_at_a_slow_reader() {
    let world = World::new().await;
    let request = "GET /big HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let mut client = connect(&world, &TLS13, request).await;
    let bytes = blocking(move || {
        let (mut bytes, mut piece) = (Vec::new(), [0; 1777]);
        loop {
            match client.read(&mut piece).expect("a close_notify at the end") {
                0 => return bytes,
                n => bytes.extend_from_slice(&piece[..n]),
            }
        }
    })
    .await;
    let body = bytes.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(bytes.len() - body, BIG);
    assert!(bytes[body..].iter().all(|it| *it == b'x'));
}

#[tokio::test]
async fn ten_megabytes_go_up_over_tls() {
    let world = World::with(|it| it.bounds.request_bytes_max = 10_000_000).await;
    let head = "POST /count HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                connection: close\r\ncontent-length: 10000000\r\n\r\n";
    let mut client = connect(&world, &TLS13, head).await;
    let text = blocking(move || {
        client.write_all(&vec![b'1'; 10_000_000]).unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        text
    })
    .await;
    assert!(text.ends_with("\r\n\r\n10000000"), "{text}");
}

/// Both sides keep going where one changes its keys in between.
#[tokio::test]
async fn keys_may_change_on_the_way() {
    let world = World::new().await;
    let mut client = connect(&world, &TLS13, "GET /health HTTP/1.1\r\n").await;
    let text = blocking(move || {
        client.conn.refresh_traffic_keys().unwrap();
        client.write_all(b"host: a\r\nconnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        text
    })
    .await;
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
}

/// A goodbye, a cut, and bytes that are no TLS: each ends that connection and nothing else.
#[tokio::test]
async fn a_peer_may_leave_in_any_way() {
    let world = World::new().await;
    let mut polite = connect(&world, &TLS13, "").await;
    let end = blocking(move || {
        polite.conn.send_close_notify();
        polite.flush()?;
        polite.read(&mut [0; 64])
    })
    .await;
    assert_eq!(end.unwrap(), 0, "answered with a close_notify");

    drop(connect(&world, &TLS13, "GET /health HTTP/1.1\r\n").await);

    let mut rude = connect(&world, &TLS13, "GET /health HTTP/1.1\r\n").await;
    let end = blocking(move || {
        rude.sock.write_all(&[
            0x17, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1,
        ])?;
        rude.read(&mut [0; 64])
    })
    .await;
    let alert = end.unwrap_err();
    assert_eq!(alert.kind(), io::ErrorKind::InvalidData, "{alert}");
    while world.monitor.front().count(Metric::HttpConnections) != 0 {
        tokio::task::yield_now().await;
    }
}

/// F2: as many as may be served are; the next is told so under the same TLS.
#[tokio::test]
async fn a_full_front_says_so_over_tls_too() {
    let world = World::with(|it| it.bounds.connections_max = 0).await;
    let mut client = connect(&world, &TLS13, CLOSE).await;
    let text = blocking(move || {
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        text
    })
    .await;
    assert!(text.starts_with("HTTP/1.1 503"), "{text}");
}
