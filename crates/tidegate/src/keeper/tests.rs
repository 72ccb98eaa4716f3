//! What is answered is on the disk, and what cannot be is refused.

use std::{path::PathBuf, sync::atomic::AtomicU32};

use proto::Epoch;

use super::*;

fn folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = format!("tidegate-keeper-{}-{count}", std::process::id());
    let folder = std::env::temp_dir().join(folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn keeper(folder: &std::path::Path) -> Keeper {
    let store = Store::open(folder, store::Options::default(), || Epoch(1)).unwrap();
    Keeper::new(store)
}

fn put(key: &str, value: &str) -> Change {
    Change { key: key.to_owned(), value: Some(value.to_owned()) }
}

#[tokio::test]
async fn what_was_kept_is_there_again() {
    let folder = folder();
    let one = keeper(&folder);
    let many = (0..500).map(|it| put(&it.to_string(), "old")).collect();
    one.keep(Table::Sessions, many).await.unwrap();
    one.keep(Table::Revocations, vec![put("a", "b")]).await.unwrap();
    let gone = Change { key: "7".to_owned(), value: None };
    one.keep(Table::Sessions, vec![gone, put("8", "new")]).await.unwrap();
    assert!(lock(&one.told.waiting).is_empty());
    one.store.clone().close();
    drop(one);
    let next = keeper(&folder);
    let mut sessions = next.kept(Table::Sessions).unwrap();
    sessions.sort_unstable();
    assert_eq!(sessions.len(), 499);
    assert!(sessions.contains(&("8".to_owned(), "new".to_owned())));
    assert!(!sessions.iter().any(|it| it.0 == "7"));
    assert_eq!(next.kept(Table::Revocations).unwrap(), [("a".to_owned(), "b".to_owned())]);
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused() {
    let keeper = keeper(&folder());
    keeper.store.clone().close();
    let kept = keeper.keep(Table::Revocations, vec![put("a", "b")]).await;
    assert_eq!(kept, Err(Code::StoreUnavailable.into()));
    assert!(lock(&keeper.told.waiting).is_empty());
}
