//! From a handed-over socket to answers.

use std::{future::Future, io, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use bytes::Bytes;
use hyper::{body::Incoming, server::conn::http1, service::Service, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use monitor::FrontMetrics;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    task::JoinSet,
    time::timeout,
};
use tracing::debug;

use crate::{
    bounds::Bounds,
    handoff::{Handoff, Sender, Stream},
    linger::Linger,
    replay::Replay,
    tls_stream::TlsStream,
};

/// More header fields than any browser or proxy sends (H5).
const HEADERS_MAX: usize = 100;

/// Sockets that are being told that there is no room. Beyond these nothing is said.
const REFUSALS_MAX: usize = 64;
const REFUSAL_WITHIN: Duration = Duration::from_secs(1);

/// Serves sockets until `stop`, then finishes what is being answered and what was handed over
/// before.
///
/// Returns when the last socket is closed, at the latest `bounds.stop_within` after `stop`.
pub async fn serve(
    mut handoffs: mpsc::Receiver<Handoff>,
    router: Router,
    bounds: Bounds,
    metrics: Arc<FrontMetrics>,
    stop: impl Future<Output = ()> + Send,
) {
    let (stopping, is_stopping) = watch::channel(false);
    let front = Front {
        router: TowerToHyperService::new(router),
        bounds,
        metrics,
        room: Arc::new(Semaphore::new(bounds.connections_max)),
        refusals: Arc::new(Semaphore::new(REFUSALS_MAX)),
        is_stopping,
    };
    let mut tasks = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop, if !*stopping.borrow() => {
                handoffs.close();
                stopping.send_replace(true);
            }
            handoff = handoffs.recv() => match handoff {
                Some(handoff) => front.take(handoff, &mut tasks),
                None => break,
            },
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
        }
    }
    stopping.send_replace(true);
    let all = async { while tasks.join_next().await.is_some() {} };
    if timeout(bounds.stop_within, all).await.is_err() {
        debug!("front: answers were cut off, the time to stop was over");
    }
}

struct Front {
    router: TowerToHyperService<Router>,
    bounds: Bounds,
    metrics: Arc<FrontMetrics>,
    room: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    is_stopping: watch::Receiver<bool>,
}

impl Front {
    fn take(&self, handoff: Handoff, tasks: &mut JoinSet<()>) {
        let Handoff { stream, already_read, peer, client } = handoff;
        let sender = Sender { peer: peer.ip(), client };
        let within = self.bounds.write_within;
        match adopted(stream) {
            Ok(Adopted::Plain(socket)) => {
                let socket = Linger::new(socket);
                self.place(Replay::new(socket, already_read, within), sender, tasks);
            }
            Ok(Adopted::Tls(socket)) => {
                let socket = Linger::new(socket);
                self.place(Replay::new(socket, already_read, within), sender, tasks);
            }
            Err(error) => debug!(%error, "front: take over a socket"),
        }
    }

    fn place<S>(&self, socket: S, sender: Sender, tasks: &mut JoinSet<()>)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        if let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() {
            tasks.spawn(self.answer(socket, sender, permit));
            return;
        }
        self.metrics.was_full();
        if let Ok(permit) = Arc::clone(&self.refusals).try_acquire_owned() {
            tasks.spawn(async move {
                let _told = timeout(REFUSAL_WITHIN, refuse(socket)).await;
                drop(permit);
            });
        }
    }

    /// Answers the requests of one socket, one after the other.
    fn answer<S>(
        &self,
        socket: S,
        sender: Sender,
        permit: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + Send + use<S>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let router = self.router.clone();
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(sender);
            router.call(request)
        });
        let mut is_stopping = self.is_stopping.clone();
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.bounds.header_read_within)
            .max_headers(HEADERS_MAX)
            // A proxy sends the requests of many clients down one socket, but `client` was found
            // out from the first; and it may follow up with an upgrade, which only a shard can
            // answer.
            .keep_alive(!*is_stopping.borrow() && sender.peer == sender.client)
            .max_buf_size(self.bounds.head_bytes_max.max(BUFFER_BYTES_MIN))
            .serve_connection(TokioIo::new(socket), service);
        let open = Open::new(Arc::clone(&self.metrics), permit);
        let was_stopping = *is_stopping.borrow();
        async move {
            let _open = open;
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                // First, so that a head which is already here is under way before any stop.
                biased;
                ended = connection.as_mut() => ended,
                () = stopped(&mut is_stopping), if !was_stopping => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                debug!(%error, "front: serve a socket");
            }
        }
    }
}

/// Waits for the stop, or for the end of the one who could say so.
async fn stopped(is_stopping: &mut watch::Receiver<bool>) {
    let _stopped_or_gone = is_stopping.wait_for(|it| *it).await;
}

/// hyper refuses smaller ones.
const BUFFER_BYTES_MIN: usize = 8192;

enum Adopted {
    Plain(TcpStream),
    Tls(TlsStream),
}

fn adopted(stream: Stream) -> io::Result<Adopted> {
    let tokio_socket = |socket: std::net::TcpStream| {
        socket.set_nonblocking(true)?;
        TcpStream::from_std(socket)
    };
    Ok(match stream {
        Stream::Plain(socket) => Adopted::Plain(tokio_socket(socket)?),
        Stream::Tls(socket, tls) => Adopted::Tls(TlsStream::adopt(tokio_socket(socket)?, tls)),
    })
}

/// Counts a socket as served for as long as it lives, however it ends.
struct Open {
    metrics: Arc<FrontMetrics>,
    _permit: OwnedSemaphorePermit,
}

impl Open {
    fn new(metrics: Arc<FrontMetrics>, permit: OwnedSemaphorePermit) -> Self {
        metrics.opened();
        Self { metrics, _permit: permit }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.metrics.closed();
    }
}

/// Says that there is no room and lets the peer read it.
async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(mut socket: S) -> io::Result<()> {
    let body = proto::Refusal::new(proto::Code::ServerFull).after(Duration::from_secs(1)).to_json();
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(Bytes::from(answer).as_ref()).await?;
    socket.shutdown().await?;
    // Closing with bytes unread would reset the connection, and the answer with it.
    let mut rest = [0; 4096];
    while socket.read(&mut rest).await? != 0 {}
    Ok(())
}
