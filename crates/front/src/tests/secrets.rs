//! What must not be seen (A7).

use std::{
    io,
    sync::{Arc, Mutex},
};

use tracing_subscriber::fmt::MakeWriter;

use super::world::{ADMIN, World};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A7: tokens in a query, keys in headers and what bodies hold reach no log line, metric or page.
#[tokio::test]
async fn secrets_reach_no_log_no_metric_and_no_page() {
    const SECRET: &str = "SECRETCANARY-SECRETCANARY-SECRETCANARY";
    let log = Log::default();
    let everything = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .finish();
    // For all tests of the process: one of its own would miss what another thread was first to say.
    tracing::subscriber::set_global_default(everything).unwrap();

    let world = World::new().await;
    for path in ["/", "/page", "/boom", "/nothing", "/health/ready", "/api/channels/den"] {
        let path = format!("{path}?token={SECRET}");
        let answer = world.get(&path, SECRET).await;
        assert!(!answer.body.contains(SECRET), "{path}: {}", answer.body);
        world.ask(&format!("GET {path} HTTP/1.1\r\nhost: a\r\nx-api-key: {SECRET}\r\n\r\n")).await;
    }
    let body = format!(r#"{{"channel":"den","data":"{SECRET}","idempotency_key":"{SECRET}"}}"#);
    assert_eq!(world.post("/api/publish", ADMIN, &body).await.status, 200);

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("front: answered") && text.contains("path=\"/page\""), "{text}");
    for secret in [SECRET, ADMIN] {
        assert!(!text.contains(secret), "{text}");
        assert!(!world.monitor.render().contains(secret));
    }
}
