//! What the cache remembers, and for how long.

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;
use proto::{Identity, UnixTime, UserId};

use crate::{Rules, VerifiedCache};

fn identity(user: &str, expires_at: u64) -> Arc<Identity> {
    Arc::new(Identity {
        user: UserId::parse(user).unwrap(),
        expires_at: UnixTime(expires_at),
        issued_at: None,
        token_id: None,
        claims: "{}".into(),
    })
}

#[test]
fn a_token_is_found_until_it_expires() {
    let mut cache = VerifiedCache::default();
    let rules = Rules { leeway: Duration::from_secs(5), ..Rules::default() };
    cache.remember(0, "ann's", identity("ann", 100), &rules);
    assert_eq!(cache.find(0, "ann's", UnixTime(104)).unwrap().user.as_str(), "ann");
    assert!(cache.find(0, "ann's", UnixTime(105)).is_none());
    assert!(cache.is_empty(), "what is over is forgotten when it is asked for");
}

#[test]
fn a_token_is_found_only_where_it_was_verified() {
    let mut cache = VerifiedCache::default();
    cache.remember(0, "ann's", identity("ann", 100), &Rules::default());
    assert!(cache.find(1, "ann's", UnixTime(0)).is_none());
    assert!(cache.find(0, "ann'", UnixTime(0)).is_none());
    cache.flush();
    assert!(cache.find(0, "ann's", UnixTime(0)).is_none());
}

#[test]
fn whoever_keeps_coming_is_not_evicted_by_the_crowd() {
    let mut cache = VerifiedCache::new(100);
    let rules = Rules::default();
    cache.remember(0, "ann's", identity("ann", 100), &rules);
    for stranger in 0..10_000 {
        cache.remember(0, &stranger.to_string(), identity("stranger", 100), &rules);
        assert!(cache.len() <= 100, "{}", cache.len());
        if stranger % 40 == 0 {
            assert!(cache.find(0, "ann's", UnixTime(0)).is_some(), "after {stranger}");
        }
    }
    assert!(cache.find(0, "0", UnixTime(0)).is_none());
    assert!(cache.find(0, "9999", UnixTime(0)).is_some());
}

proptest! {
    #[test]
    fn it_never_says_what_was_not_so(
        tokens_max in 0_usize..20,
        steps in prop::collection::vec((any::<bool>(), 0_u32..2, 0_u64..30, 0_u64..40), 0..300),
    ) {
        let mut cache = VerifiedCache::new(tokens_max);
        for (remembers, scope, token, now) in steps {
            // Token 7 is user 7's and expires at 7, in scope 0; a hundred more in scope 1.
            let user = (u64::from(scope) * 100 + token).to_string();
            let text = token.to_string();
            if remembers {
                cache.remember(scope, &text, identity(&user, token), &Rules::default());
            } else if let Some(found) = cache.find(scope, &text, UnixTime(now)) {
                prop_assert!(now < token);
                prop_assert_eq!(found.user.as_str(), user.as_str());
            }
            prop_assert!(cache.len() <= tokens_max.max(2));
        }
    }
}
