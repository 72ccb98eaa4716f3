//! A process that is killed while it writes (L7).

use crate::{
    child::{Confirmed, Other, command},
    fixtures::Dir,
};

#[test]
fn what_was_confirmed_survives_being_killed_thirty_times() {
    let dir = Dir::new();
    let mut confirmed = Confirmed::default();
    for round in 0..30 {
        let mut other = Other::start(&mut command(&dir, u64::MAX, None));
        confirmed.hear(&mut other, 20 + round * 37 % 400);
        other.kill(&mut confirmed);
    }
    assert!(confirmed.heads.iter().all(|it| 300 < *it), "{confirmed:?}");
    assert_eq!(confirmed.failures, 0);
    confirmed.check(&dir, "after thirty kills");
}
