//! Sessions and revocations at the door (R8, R24, A8, A9, A13).

use std::time::Duration;

use proto::{Code, ConnId, Dialect, SessionId, ShardId, UnixTime, UserId};
use serde_json::{Value, json};
use session::{Place, Policy, Seat, Subject, WhenFull};

use crate::{
    Attached, Needs, Route, RouteId, TokenSource, Unmet, attach, authenticate,
    fixtures::{HOME, Request, WALL, World, get, query_then_bearer, route, token, token_route},
    identify, refresh,
};

const MINUTE: Duration = Duration::from_secs(60);

/// A native route with sessions, a plain one, one that takes first messages, one without sessions.
fn world() -> World {
    let keeping = |route: Route, max: Option<u32>| {
        let sessions = Some(Policy { max, when_full: WhenFull::Refuse, grace: MINUTE });
        Route { sessions, ..route }
    };
    let native = Route { dialect: Dialect::Native, ..token_route("/ws/", query_then_bearer()) };
    let late = token_route("/late/", vec![TokenSource::FirstMessage]);
    let mut staff = token_route("/staff/", query_then_bearer());
    staff.require.insert("role".to_owned(), vec!["staff".to_owned()]);
    let mut long = token_route("/long/", query_then_bearer());
    long.expiry_grace = 10 * MINUTE;
    World::new(vec![
        keeping(native, Some(1)),
        keeping(token_route("/plain/", query_then_bearer()), None),
        keeping(late, None),
        token_route("/forgetful/", query_then_bearer()),
        keeping(staff, None),
        route("/open/"),
        keeping(long, None),
    ])
}

fn of(user: u32) -> Value {
    json!({"user_id": user, "jti": format!("t{user}"), "iat": WALL})
}

fn expired(user: u32) -> String {
    token(json!({"user_id": user, "exp": WALL - 1}))
}

fn with(path: &str, token: &str, session: &str) -> Request {
    get(&format!("{path}?token={token}&session={session}"))
}

fn without(path: &str, session: &str) -> Request {
    get(&format!("{path}?session={session}"))
}

fn seat(number: u32) -> Seat {
    Seat { shard: ShardId(0), conn: ConnId::new(number, 0) }
}

/// Opens the connection that came last, as the hall would.
fn open(world: &mut World, number: u32) -> Result<Option<Attached>, Code> {
    let admitted = world.inside.pop().expect("somebody was let in");
    let (moment, id) = (world.moment, SessionId(number.into()));
    let attached = attach(&admitted, seat(number), id, moment, &mut world.tables());
    match attached {
        Ok(attached) => {
            world.inside.push(admitted);
            Ok(attached)
        }
        Err(refusal) => {
            world.limits.release(admitted.seat);
            Err(refusal.code)
        }
    }
}

/// Somebody with a session, who then loses the connection.
fn leave(world: &mut World, path: &str, user: u32, number: u32) -> (Place, String) {
    world.knock(&with(path, &token(of(user)), ""), HOME);
    let attached = open(world, number).unwrap().unwrap();
    assert!(!attached.is_resumed && attached.id == SessionId(number.into()));
    let gone = world.inside.pop().unwrap();
    world.limits.release(gone.seat);
    let policy = Policy { grace: MINUTE, ..Policy::default() };
    let (sessions, moment) = (&mut world.register.sessions, world.moment);
    sessions.detach(attached.place, seat(number), Vec::new(), &policy, moment);
    (attached.place, attached.id.to_string())
}

fn revoke(world: &mut World, subject: Subject) {
    let wall = world.moment.wall;
    world.register.revocations.add(subject, Some("Gone.".into()), None, wall).unwrap();
}

fn everything_of(user: &str) -> Subject {
    Subject::User { user: UserId::parse(user).unwrap(), issued_before: None }
}

#[test]
fn a_good_token_of_the_same_user_resumes() {
    let mut world = world();
    let (place, id) = leave(&mut world, "/ws/", 42, 1);
    assert_eq!(world.knock(&with("/ws/", &token(of(42)), &id), HOME), "42 joins user:42");
    let attached = open(&mut world, 2).unwrap().unwrap();
    assert_eq!((attached.place, attached.is_resumed), (place, true));
    assert_eq!((attached.replaced, attached.lapses_in), (None, None));
    // And from a socket that is not known to be dead.
    world.knock(&with("/ws/", &token(of(42)), &id), HOME);
    assert_eq!(open(&mut world, 3).unwrap().unwrap().replaced, Some(seat(2)));
    world.close();
}

/// Threat A13.
#[test]
fn the_session_of_another_is_as_good_as_none() {
    let mut world = world();
    let (place, id) = leave(&mut world, "/ws/", 42, 1);
    world.knock(&with("/ws/", &token(of(43)), &id), HOME);
    let attached = open(&mut world, 2).unwrap().unwrap();
    assert!(!attached.is_resumed && attached.place != place && attached.id == SessionId(2));
    let refused = "401 TOKEN_EXPIRED";
    assert_eq!(world.knock(&with("/ws/", &expired(43), &id), HOME), refused);
    // Nor by another route.
    assert_eq!(world.knock(&with("/plain/", &expired(42), &id), HOME), refused);
    world.close();
}

/// Threat A8: for the rest of its grace, and not a moment longer.
#[test]
fn a_token_that_is_over_is_enough_while_the_session_waits() {
    for path in ["/ws/", "/plain/"] {
        let mut world = world();
        let (_, id) = leave(&mut world, path, 42, 1);
        world.pass(MINUTE / 4);
        assert_eq!(world.knock(&with(path, &expired(42), &id), HOME), "42 joins user:42");
        let admitted = world.inside.last().unwrap();
        assert_eq!(admitted.needs, Needs::Waiting);
        assert_eq!(admitted.identity.as_ref().unwrap().expires_at, UnixTime(WALL + 60));
        let attached = open(&mut world, 2).unwrap().unwrap();
        assert_eq!((attached.is_resumed, attached.lapses_in), (true, Some(MINUTE * 3 / 4)));
        // It is live now, so a second one comes too late.
        assert_eq!(world.knock(&with(path, &expired(42), &id), HOME), "401 TOKEN_EXPIRED");
        world.close();
    }
}

/// Threat A8, where a route lets sessions outlive their tokens (clients C12): live or away, as if
/// the token were good, and nobody begins one like that.
#[test]
fn a_session_outlives_its_token_where_its_route_says_so() {
    let mut world = world();
    assert_eq!(world.knock(&with("/long/", &expired(42), ""), HOME), "401 TOKEN_EXPIRED");
    let (place, id) = leave(&mut world, "/long/", 42, 1);
    let old = |exp: u64| token(json!({"user_id": 42, "exp": exp}));
    for conn in [2, 3] {
        let request = with("/long/", &old(WALL - 599), &id);
        assert_eq!(world.knock(&request, HOME), "42 joins user:42");
        assert_eq!(world.inside.last().unwrap().needs, Needs::Session);
        let attached = open(&mut world, conn).unwrap().unwrap();
        assert_eq!((attached.place, attached.is_resumed), (place, true));
        assert_eq!(attached.lapses_in, None);
    }
    // Not for ever, not by somebody else, and not once it has ended.
    assert_eq!(world.knock(&with("/long/", &old(WALL - 601), &id), HOME), "401 TOKEN_EXPIRED");
    assert_eq!(world.knock(&with("/long/", &expired(43), &id), HOME), "401 TOKEN_EXPIRED");
    assert_eq!(world.knock(&with("/long/", &expired(42), &id), HOME), "42 joins user:42");
    world.register.sessions.end(SessionId(1));
    assert_eq!(open(&mut world, 4), Err(Code::TokenExpired));
    world.close();
}

#[test]
fn nothing_but_the_time_may_be_wrong_with_it() {
    let mut world = world();
    let (_, id) = leave(&mut world, "/ws/", 42, 1);
    let forged = format!("{}x", expired(42));
    let other_type = token(json!({"user_id": 42, "exp": WALL - 1, "token_type": "refresh"}));
    for (shown, said) in [
        (forged.as_str(), "401 INVALID_TOKEN"),
        (other_type.as_str(), "401 INVALID_TOKEN"),
        ("", "401 AUTH_REQUIRED"),
    ] {
        assert_eq!(world.knock(&with("/ws/", shown, &id), HOME), said);
    }
    world.pass(MINUTE);
    assert_eq!(world.knock(&with("/ws/", &expired(42), &id), HOME), "401 TOKEN_EXPIRED");
    assert_eq!(world.knock(&without("/ws/", &id), HOME), "401 AUTH_REQUIRED");
    world.close();
}

#[test]
fn without_a_token_only_our_own_dialect_resumes() {
    let mut world = world();
    let (_, native) = leave(&mut world, "/ws/", 42, 1);
    let (_, plain) = leave(&mut world, "/plain/", 42, 2);
    assert_eq!(world.knock(&without("/plain/", &plain), HOME), "401 AUTH_REQUIRED");
    assert_eq!(world.knock(&without("/ws/", &plain), HOME), "401 AUTH_REQUIRED");
    assert_eq!(world.knock(&without("/ws/", "no-id"), HOME), "401 AUTH_REQUIRED");
    assert_eq!(world.knock(&without("/ws/", &native), HOME), "42 joins user:42");
    assert!(open(&mut world, 3).unwrap().unwrap().is_resumed);
    world.close();
}

/// The application took its time, and the grace ended meanwhile.
#[test]
fn a_session_that_ends_while_its_client_waits_is_over() {
    let mut world = world();
    let (_, id) = leave(&mut world, "/ws/", 42, 1);
    assert_eq!(world.knock(&without("/ws/", &id), HOME), "42 joins user:42");
    world.pass(MINUTE);
    assert_eq!(open(&mut world, 2), Err(Code::SessionExpired));
    world.close();
}

#[test]
fn a_first_message_resumes_as_a_handshake_does() {
    let mut world = world();
    let say = |world: &mut World, session: &str, token: &str, number| {
        assert_eq!(world.knock(&without("/late/", session), HOME), "await");
        let mut admitted = world.inside.pop().unwrap();
        let moment = world.moment;
        let said = authenticate(token, &mut admitted, moment, &mut world.tables());
        world.inside.push(admitted);
        said.map(|()| open(world, number).unwrap().unwrap())
    };
    let first = say(&mut world, "", &token(of(42)), 1).unwrap();
    let id = first.id.to_string();
    let policy = Policy { grace: MINUTE, ..Policy::default() };
    let moment = world.moment;
    world.register.sessions.detach(first.place, seat(1), Vec::new(), &policy, moment);
    let again = say(&mut world, &id, &expired(42), 2).unwrap();
    assert!(again.is_resumed && again.lapses_in == Some(MINUTE));
    let refused = Err(Unmet::Refused(Code::TokenExpired.into()));
    assert_eq!(say(&mut world, &id, &expired(42), 3), refused);
    world.close();
}

#[test]
fn a_route_that_keeps_none_and_nobody_in_particular_have_no_session() {
    let mut world = world();
    world.knock(&with("/forgetful/", &token(of(42)), &"0".repeat(32)), HOME);
    assert_eq!(open(&mut world, 1), Ok(None));
    world.knock(&get("/open/"), HOME);
    assert_eq!(open(&mut world, 2), Ok(None));
    assert_eq!(world.register.sessions.live(), 0);
    world.close();
}

/// R22.
#[test]
fn one_session_too_many_is_refused() {
    let mut world = world();
    let knock = |world: &mut World| world.knock(&with("/ws/", &token(of(42)), ""), HOME);
    knock(&mut world);
    open(&mut world, 1).unwrap();
    knock(&mut world);
    assert_eq!(open(&mut world, 2), Err(Code::TooManySessions));
    assert_eq!(world.tallies.refused(Code::TooManySessions), 1);
    world.close();
}

/// Threat C3: what the route requires is asked of the session's token as well.
#[test]
fn claims_are_asked_again() {
    let mut world = world();
    let (_, id) = leave(&mut world, "/plain/", 42, 1);
    assert_eq!(world.knock(&with("/staff/", &token(of(42)), &id), HOME), "403 FORBIDDEN");
    world.close();
}

/// Threat A9: on every way in.
#[test]
fn the_revoked_are_not_believed() {
    let mut world = world();
    let (_, id) = leave(&mut world, "/ws/", 42, 1);
    // Remembered from here on; revocation is asked beside the cache.
    world.knock(&with("/plain/", &token(of(42)), ""), HOME);
    revoke(&mut world, everything_of("42"));
    assert_eq!(open(&mut world, 2), Err(Code::TokenRevoked), "admitted before, opened after");
    let revoked = "401 TOKEN_REVOKED";
    for request in [
        with("/plain/", &token(of(42)), ""),
        with("/forgetful/", &token(of(42)), ""),
        with("/ws/", &token(of(42)), &id),
        with("/ws/", &expired(42), &id),
        without("/ws/", &id),
    ] {
        assert_eq!(world.knock(&request, HOME), revoked, "{request:?}");
    }
    let (moment, shown) = (world.moment, token(of(42)));
    let refused = Unmet::Refused(proto::Refusal::new(Code::TokenRevoked).saying("Gone."));
    let newer = refresh(&shown, RouteId(0), HOME.parse().unwrap(), moment, &mut world.tables());
    assert_eq!(newer, Err(refused.clone()));
    assert_eq!(identify(&shown, RouteId(0), moment, &mut world.tables()), Err(refused));
    assert_eq!(world.knock(&with("/plain/", &token(of(43)), ""), HOME), "43 joins user:43");
    world.close();
}

#[test]
fn a_revoked_session_is_not_gone_on_with_by_any_token() {
    let mut world = world();
    let (_, id) = leave(&mut world, "/ws/", 42, 1);
    revoke(&mut world, Subject::Session(SessionId(1)));
    for request in [with("/ws/", &token(of(42)), &id), without("/ws/", &id)] {
        assert_eq!(world.knock(&request, HOME), "401 TOKEN_REVOKED");
    }
    assert_eq!(world.knock(&with("/ws/", &token(of(42)), ""), HOME), "42 joins user:42");
    world.close();
}

/// An expired token of another's that is revoked says nothing of what it would have found.
#[test]
fn a_revoked_token_that_is_over_is_merely_over_without_a_session() {
    let mut world = world();
    revoke(&mut world, everything_of("42"));
    assert_eq!(world.knock(&with("/ws/", &expired(42), ""), HOME), "401 TOKEN_EXPIRED");
    world.close();
}

/// The answer would show it to whoever reads answers (A7).
#[test]
fn a_session_is_never_selected_as_the_subprotocol() {
    let mut world = world();
    let id = "0".repeat(32);
    let bearer = format!("Authorization: Bearer {}", token(of(42)));
    let offer = format!("Sec-WebSocket-Protocol: session.{id}, chat");
    world.knock(&get("/plain/").with(&bearer).with(offer), HOME);
    let admitted = world.inside.last().unwrap();
    assert_eq!(admitted.protocol.as_deref(), Some("chat"));
    assert!(!String::from_utf8_lossy(&admitted.response).contains(&id));
    world.close();
}
