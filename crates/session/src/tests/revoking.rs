//! Whose word no longer counts (R8, A9).

use std::sync::Arc;

use proptest::prelude::*;
use proto::{Identity, SessionId, UnixTime, UserId};

use super::{WALL, identity};
use crate::{
    BadRevocation, BadRow, DEFAULT_LIFETIME, REASON_BYTES_MAX, Revocations, Subject,
    TOKEN_ID_BYTES_MAX,
};

const NOW: UnixTime = UnixTime(WALL + 100);

fn user(name: &str, issued_before: Option<u64>) -> Subject {
    let user = UserId::parse(name).unwrap();
    Subject::User { user, issued_before: issued_before.map(UnixTime) }
}

fn everyone(issued_before: u64) -> Subject {
    Subject::Everyone { issued_before: UnixTime(issued_before) }
}

fn without_time(name: &str) -> Identity {
    Identity { issued_at: None, token_id: None, ..(*identity(name)).clone() }
}

#[test]
fn what_is_revoked_is_not_believed_and_nothing_else() {
    let ann = identity("ann");
    let session = Some(SessionId(1));
    for (subject, ann_is, bob_is, timeless_is) in [
        (Subject::Token("ann-1".into()), true, false, false),
        (Subject::Token("ann-2".into()), false, false, false),
        (Subject::Session(SessionId(1)), true, true, true),
        (Subject::Session(SessionId(2)), false, false, false),
        (user("ann", None), true, false, true),
        (user("ann", Some(WALL)), false, false, true),
        (user("ann", Some(WALL + 1)), true, false, true),
        (user("anna", None), false, false, false),
        (everyone(WALL), false, false, true),
        (everyone(WALL + 1), true, true, true),
    ] {
        let mut revocations = Revocations::default();
        revocations.add(subject.clone(), Some("left".into()), None, NOW).unwrap();
        let (bob, timeless) = (identity("bob"), without_time("ann"));
        for (who, expected) in [(&*ann, ann_is), (&bob, bob_is), (&timeless, timeless_is)] {
            let found = revocations.check(who, session, NOW);
            assert_eq!(found.map(|it| &it.subject), expected.then_some(&subject), "{who:?}");
            assert_eq!(subject.covers(who, session), expected, "{subject:?} {who:?}");
        }
    }
}

#[test]
fn a_revocation_is_over_when_it_says_and_not_before() {
    let mut revocations = Revocations::default();
    revocations.add(user("ann", None), None, Some(UnixTime(NOW.0 + 60)), NOW).unwrap();
    let ann = identity("ann");
    let is_revoked = |all: &Revocations, wall| all.check(&ann, None, UnixTime(wall)).is_some();
    assert!(is_revoked(&revocations, NOW.0 + 59));
    assert!(!is_revoked(&revocations, NOW.0 + 60));
    // Threat L10: a clock that jumps an hour ahead and back has forgotten nothing.
    assert_eq!(revocations.sweep(UnixTime(NOW.0 + 3660)), []);
    assert!(is_revoked(&revocations, NOW.0 + 30));
    let gone = revocations.sweep(UnixTime(NOW.0 + 60 + 2 * 3600));
    assert_eq!(gone.len(), 1);
    assert!(revocations.is_empty() && gone[0].value.is_none());
}

#[test]
fn revoking_again_never_shortens() {
    let mut revocations = Revocations::default();
    let long = revocations.add(user("ann", None), None, None, NOW).unwrap();
    assert_eq!(long.expires_at, UnixTime(NOW.0 + DEFAULT_LIFETIME.as_secs()));
    let again =
        revocations.add(user("ann", None), Some("again".into()), Some(UnixTime(NOW.0 + 60)), NOW);
    let again = again.unwrap();
    assert_eq!((again.expires_at, again.reason.as_deref()), (long.expires_at, Some("again")));
    assert_eq!(revocations.len(), 1);
    // And an older one of the same user stays beside a newer.
    revocations.add(user("ann", Some(WALL + 1)), None, None, NOW).unwrap();
    assert_eq!(revocations.len(), 2);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let text = |bytes: usize| -> Arc<str> { "x".repeat(bytes).into() };
    let at = |secs: u64| Some(UnixTime(NOW.0 + secs));
    let mut revocations = Revocations::new(1);
    for (subject, reason, expires_at, fault) in [
        (user("ann", None), None, Some(UnixTime(0)), BadRevocation::Short),
        (user("ann", None), None, at(59), BadRevocation::Short),
        (user("ann", None), None, Some(UnixTime(u64::MAX)), BadRevocation::Long),
        (user("ann", None), Some(text(REASON_BYTES_MAX + 1)), None, BadRevocation::Reason),
        (Subject::Token(text(0)), None, None, BadRevocation::TokenId),
        (Subject::Token(text(TOKEN_ID_BYTES_MAX + 1)), None, None, BadRevocation::TokenId),
    ] {
        assert_eq!(revocations.add(subject, reason, expires_at, NOW), Err(fault));
    }
    assert!(revocations.is_empty());
    revocations.add(user("ann", None), Some(text(REASON_BYTES_MAX)), at(60), NOW).unwrap();
    // Full is loud: nothing that is revoked is forgotten for it.
    let more = revocations.add(user("bob", None), None, None, NOW);
    assert_eq!(more, Err(BadRevocation::Full));
    revocations.add(user("ann", None), None, None, NOW).unwrap();
}

#[test]
fn what_could_not_be_kept_is_undone() {
    let mut revocations = Revocations::default();
    let subject = user("ann", None);
    let first = revocations.add(subject.clone(), None, None, NOW).unwrap();
    let before = revocations.of(&subject).cloned();
    let second = revocations.add(subject.clone(), Some("b".into()), None, NOW).unwrap();
    revocations.undo(&second, before);
    assert_eq!(revocations.of(&subject), Some(&first));
    revocations.undo(&first, None);
    assert!(revocations.is_empty());
}

#[test]
fn revocations_survive_a_restart() {
    let mut revocations = Revocations::default();
    let subjects = [
        Subject::Token("a\"b".into()),
        Subject::Session(SessionId(u128::MAX)),
        user("4:2", None),
        user("4:2", Some(7)),
        everyone(9),
    ];
    for subject in &subjects {
        revocations.add(subject.clone(), Some("r\u{e9}ason".into()), None, NOW).unwrap();
    }
    let rows: Vec<_> = revocations.iter().map(|it| it.change()).collect();
    let mut keys: Vec<_> = rows.iter().map(|it| it.key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), subjects.len());
    let rows = rows.into_iter().map(|it| (it.key, it.value.unwrap()));
    let mut next = Revocations::default();
    assert_eq!(next.restore(rows), (subjects.len(), vec![]));
    assert!(next.iter().eq(revocations.iter()));
    let bad = [("a".to_owned(), "{}".to_owned()), ("b".to_owned(), r#"{"v":9}"#.to_owned())];
    assert_eq!(next.restore(bad).1, [BadRow::Damaged, BadRow::Newer]);
}

fn some_subject() -> impl Strategy<Value = Subject> {
    prop_oneof![
        (0_u8..4).prop_map(|it| Subject::Token(format!("t{it}").into())),
        (0_u8..3, proptest::option::of(0_u64..6)).prop_map(|it| user(&it.0.to_string(), it.1)),
        (0_u128..4).prop_map(|it| Subject::Session(SessionId(it))),
        (0_u64..6).prop_map(everyone),
    ]
}

fn someone() -> impl Strategy<Value = (Identity, Option<SessionId>)> {
    let token = proptest::option::of(0_u8..4);
    let issued = proptest::option::of(0_u64..6);
    let session = proptest::option::of(0_u128..4);
    (0_u8..3, token, issued, session).prop_map(|(user, token, issued, session)| {
        let identity = Identity {
            issued_at: issued.map(UnixTime),
            token_id: token.map(|it| format!("t{it}").into()),
            ..(*identity(&user.to_string())).clone()
        };
        (identity, session.map(SessionId))
    })
}

proptest! {
    /// The maps and ranges find whatever walking all of them finds.
    #[test]
    fn looking_up_is_the_same_as_walking(
        subjects in proptest::collection::vec((some_subject(), 60_u64..200), 0..12),
        who in someone(),
        at in 0_u64..200,
    ) {
        let mut revocations = Revocations::default();
        let start = UnixTime(WALL);
        for (subject, lasts) in subjects {
            revocations.add(subject, None, Some(UnixTime(WALL + lasts)), start).unwrap();
        }
        let wall = UnixTime(WALL + at);
        let found = revocations.check(&who.0, who.1, wall).is_some();
        let walked = revocations
            .iter()
            .any(|it| wall < it.expires_at && it.subject.covers(&who.0, who.1));
        prop_assert_eq!(found, walked);
    }
}
