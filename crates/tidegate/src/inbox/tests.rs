//! What fits, what is refused, what is lost and said to be.

use std::sync::Arc;

use engine::{Draft, Origin};
use proto::{ChannelName, Kind, Publication, UnixMillis};

use super::*;

const BOUNDS: Bounds = Bounds { notes_max: 4, bytes_max: 100 };

fn channel() -> ChannelName {
    ChannelName::parse("den").expect("a name")
}

fn payload(bytes: usize) -> Arc<str> {
    "x".repeat(bytes).into()
}

/// True if there was room.
fn publish(inbox: &Inbox, bytes: usize) -> bool {
    let payload = payload(bytes);
    let draft = Draft {
        channel: channel(),
        payload,
        from: None,
        except: None,
        except_conn: None,
        event: None,
        key: None,
        is_signal: false,
    };
    inbox.seek(Errand::Publish(draft), oneshot::channel().0).is_ok()
}

fn published(bytes: usize) -> Envelope {
    let payload = payload(bytes);
    let kind = Kind::Signal;
    let publication = Publication {
        channel: channel(),
        kind,
        from: None,
        except: None,
        except_conn: None,
        event: None,
        payload,
        time: UnixMillis(0),
    };
    Envelope::Published { publication: Arc::new(publication), stamp: engine::Stamp::None }
}

/// How many notes there were, and whether something was lost.
fn take(inbox: &Inbox) -> (usize, bool) {
    let mut notes = Vec::new();
    let has_overflowed = inbox.take(&mut notes);
    (notes.len(), has_overflowed)
}

#[test]
fn errands_are_bounded_by_number_and_by_weight() {
    let inbox = Inbox::new(BOUNDS);
    assert_eq!([1, 1, 1, 1, 1].map(|it| publish(&inbox, it)), [true, true, true, true, false]);
    assert_eq!(take(&inbox), (4, false), "whoever was refused knows it");
    assert_eq!([60, 60, 40, 1].map(|it| publish(&inbox, it)), [true, false, true, false]);
    assert_eq!(take(&inbox), (2, false));
    assert!(publish(&inbox, 100), "what was taken out weighs nothing any more");
}

#[test]
fn one_payload_fits_however_long_it_is() {
    let inbox = Inbox::new(BOUNDS);
    assert!(publish(&inbox, 5000));
    assert!(!publish(&inbox, 1));
}

#[test]
fn what_shards_send_may_go_to_twice_the_bound_and_then_it_is_said() {
    let inbox = Inbox::new(BOUNDS);
    inbox.send(&mut (0..8).map(|_| published(1)).collect());
    assert_eq!(take(&inbox), (8, false));
    inbox.send(&mut (0..9).map(|_| published(1)).collect());
    assert_eq!(take(&inbox), (8, true));
    assert_eq!(take(&inbox), (0, false), "said once");
    let mut sent = [90, 90, 90, 1].map(published).to_vec();
    inbox.send(&mut sent);
    assert_eq!(take(&inbox), (2, true), "nothing that follows what was lost is kept");
    assert!(sent.is_empty(), "nor kept for later");
}

#[test]
fn payloads_that_origins_wait_for_weigh_as_well() {
    let inbox = Inbox::new(BOUNDS);
    let draft = Draft {
        channel: channel(),
        payload: payload(150),
        from: None,
        except: None,
        except_conn: None,
        event: None,
        key: None,
        is_signal: true,
    };
    inbox.send(&mut vec![Envelope::Publish { draft, origin: Origin::Nobody }]);
    assert!(!publish(&inbox, 1));
}

#[test]
fn answers_always_fit() {
    let inbox = Inbox::new(BOUNDS);
    (0..20).for_each(|_| inbox.answer(Note::KeysFetched { have_changed: false }));
    assert_eq!(take(&inbox), (20, false));
}

/// The one before may have been called and not have looked any more.
#[test]
fn a_shard_that_takes_over_is_called_at_once() {
    let inbox = Inbox::new(BOUNDS);
    inbox.answer(Note::KeysFetched { have_changed: false });
    let mut poll = mio::Poll::new().unwrap();
    let waker = mio::Waker::new(poll.registry(), mio::Token(7)).unwrap();
    inbox.belongs_to(Arc::new(waker));
    let mut events = mio::Events::with_capacity(4);
    poll.poll(&mut events, Some(std::time::Duration::from_secs(10))).unwrap();
    assert_eq!(events.iter().count(), 1);
}
