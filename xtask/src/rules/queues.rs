//! Nothing is unbounded. Channels without a bound are refused; whatever queues things itself is
//! listed here with what keeps it small.

use crate::{
    code::{without_strings, without_tests},
    tree::Tree,
};

/// Channels that grow as long as there is memory.
const UNBOUNDED: &[&str] = &[
    "UnboundedReceiver",
    "UnboundedSender",
    "mpsc::channel()",
    "mpsc::channel::<",
    "unbounded()",
    "unbounded_channel",
];

/// Signs that a file keeps a queue. `Vec<Note>` is what waits for a shard.
const QUEUES: &[&str] = &["VecDeque<", "LinkedList<", "BinaryHeap<", "Vec<Note>"];

/// Files that keep a queue, and its bound.
const BOUNDS: &[(&str, &str)] = &[
    ("apps/checkins/src/dashboards.rs", "AWAY_MAX, the first to leave forgotten first"),
    ("apps/checkins/src/shown.rs", "KEPT_MAX changes, the oldest settled before its time"),
    ("crates/app/src/login.rs", "REFRESHES_MAX tokens, the oldest forgotten first"),
    (
        "crates/engine/src/conversation.rs",
        "a connection's messages_waiting; then it is parted with",
    ),
    ("crates/engine/src/keys.rs", "KEYS_MAX keys, the oldest forgotten first"),
    ("crates/engine/src/log.rs", "PENDING_MAX messages, asked before each push"),
    ("crates/engine/src/recent.rs", "a namespace's Keep, and the scale of all logs in the shard"),
    ("crates/engine/src/presence.rs", "each user it knows once, USERS_MAX; SEEN_MAX who have left"),
    ("crates/engine/src/receipts.rs", "each user with a cursor once, CURSORS_MAX"),
    ("crates/front/src/idempotency.rs", "KEYS_MAX keys, the oldest forgotten first"),
    ("crates/limits/src/attempts.rs", "as many times as the limit allows attempts"),
    ("crates/net/src/outbox.rs", "a route's frames and bytes, asked before each push"),
    ("crates/net/src/queue.rs", "one entry for each connection in that state"),
    (
        "crates/socketio/src/eio/waiting.rs",
        "waiting_packets_max and waiting_bytes_max, asked after each push; then the session ends",
    ),
    ("crates/store/src/index.rs", "one entry for each message, and retention limits those"),
    (
        "crates/store/src/queue.rs",
        "queue_jobs_max, queue_bytes_max and reads_max, asked at each push",
    ),
    ("crates/store/src/retention.rs", "one entry for each log, a slice of rows, what was erased"),
    ("crates/tidegate/src/inbox.rs", "notes_max and bytes_max, asked before each push"),
    ("crates/token/src/jwks.rs", "ABSENT_MAX names, the oldest forgotten first"),
];

pub(crate) fn findings(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for file in tree.with_extension("rs").filter(|it| !it.is_test()) {
        let source = without_strings(without_tests(file.text().unwrap_or_default()));
        for (index, line) in source.lines().enumerate() {
            for word in UNBOUNDED.iter().filter(|it| line.contains(**it)) {
                found.push(format!("{}:{}: {word} has no bound", file.path, index + 1));
            }
        }
        let queue = source.lines().position(|it| QUEUES.iter().any(|word| it.contains(word)));
        let is_listed = BOUNDS.iter().any(|it| it.0 == file.path);
        if let (Some(index), false) = (queue, is_listed) {
            let remedy = "say what bounds it in xtask/src/rules/queues.rs";
            found.push(format!("{}:{}: a queue; {remedy}", file.path, index + 1));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::check;

    #[test]
    fn a_queue_without_a_bound_is_found() {
        let files = [
            ("crates/net/src/a.rs", "//! A.\nlet (a, b) = mpsc::unbounded_channel();\n"),
            ("crates/net/src/b.rs", "//! B.\nlet (a, b) = std::sync::mpsc::channel();\n"),
            ("crates/net/src/c.rs", "//! C.\nstruct C {\n    waiting: VecDeque<Frame>,\n}\n"),
            (
                "crates/net/src/outbox.rs",
                "//! Outbox.\nstruct O {\n    frames: VecDeque<Bytes>,\n}\n",
            ),
            ("crates/net/src/tests.rs", "//! Tests.\nlet (a, b) = std::sync::mpsc::channel();\n"),
        ];
        check(
            findings,
            &files,
            expect![[r#"
                crates/net/src/a.rs:2: unbounded_channel has no bound
                crates/net/src/b.rs:2: mpsc::channel() has no bound
                crates/net/src/c.rs:3: a queue; say what bounds it in xtask/src/rules/queues.rs
            "#]],
        );
    }

    #[test]
    fn whoever_is_listed_keeps_a_queue() {
        let tree = Tree::of_this_repository();
        for (path, _) in BOUNDS {
            let source = tree.text(path).unwrap_or_default();
            assert!(QUEUES.iter().any(|it| source.contains(it)), "{path} keeps no queue any more");
        }
    }
}
