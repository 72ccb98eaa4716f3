//! Socket.IO: let in on trust, and who it is told for each namespace.

use proto::{Code, Dialect};
use serde_json::json;

use crate::{
    Arrival, OriginRule, Route, TokenSource, Unmet, admit_polling,
    fixtures::{HOME, Request, World, get, head, route, token, token_route},
    join,
};

fn told_then_bearer() -> Vec<TokenSource> {
    let query = TokenSource::Query("token".to_owned());
    let header = TokenSource::Header("token".to_owned());
    vec![TokenSource::FirstMessage, TokenSource::Bearer, header, query]
}

fn socketio(sources: Vec<TokenSource>) -> World {
    let of = |it| Route { dialect: Dialect::SocketIo, ..it };
    let open = Route { origins: OriginRule::Any, ..route("/open/") };
    World::new(vec![of(token_route("/s/", sources)), of(open), route("/plain/")])
}

/// What comes of joining with this told, on the last connection that was let in.
fn joins(world: &mut World, told: Option<&str>) -> String {
    let mut admitted = world.inside.pop().unwrap();
    let moment = world.moment;
    let joined = join(told, &mut admitted, moment, &mut world.tables());
    let said = match joined {
        Ok(()) => admitted.identity.take().map_or("anyone".into(), |it| it.user.to_string()),
        Err(Unmet::Refused(refusal)) => refusal.code.to_string(),
        Err(Unmet::NeedKeys(_)) => "need keys".to_owned(),
    };
    world.limits.unseat_user(&mut admitted.seat);
    world.inside.push(admitted);
    said
}

fn of(user: &str) -> String {
    token(json!({ "user_id": user }))
}

/// R11: what a client tells as it joins decides, and what came with its request stands in for it.
#[test]
fn the_token_that_is_told_decides_and_the_one_that_came_stands_in() {
    let mut world = socketio(told_then_bearer());
    let (here, there) = (of("42"), of("43"));
    let bearer = get("/s/").with(format!("Authorization: Bearer {there}"));
    let query = get(&format!("/s/?EIO=4&token={there}"));
    for (request, told, expected) in [
        (get("/s/"), Some(here.clone()), "42"),
        (get("/s/"), Some(format!("Bearer {here}")), "42"),
        (get("/s/"), None, "AUTH_REQUIRED"),
        (bearer.clone(), None, "43"),
        (query, None, "43"),
        (get("/s/").with(format!("Token: {there}")), None, "43"),
        (get("/s/").with(format!("token: Bearer {there}")), None, "43"),
        (get("/s/").with(format!("token: {there}")).with("token: b"), None, "INVALID_TOKEN"),
        (bearer.clone(), Some(here), "42"),
        // Written, and therefore the one that counts.
        (bearer.clone(), Some(String::new()), "AUTH_REQUIRED"),
        (bearer.clone(), Some("Bearer ".to_owned()), "AUTH_REQUIRED"),
        (bearer, Some("not a token".to_owned()), "INVALID_TOKEN"),
    ] {
        assert_eq!(world.knock(&request, HOME), "await");
        assert_eq!(joins(&mut world, told.as_deref()), expected, "{told:?}");
        world.pass(std::time::Duration::from_secs(2));
    }
    world.close();
}

#[test]
fn a_route_that_takes_no_token_as_a_client_joins_does_not_look_at_it() {
    let mut world = socketio(vec![TokenSource::Bearer]);
    assert_eq!(world.knock(&get("/s/"), HOME), "await");
    assert_eq!(joins(&mut world, Some(&of("42"))), "AUTH_REQUIRED");
    // And one that takes none at all knows nobody.
    assert_eq!(world.knock(&get("/open/"), HOME), "await");
    assert_eq!(joins(&mut world, Some(&of("42"))), "anyone");
    world.close();
}

fn polls(world: &mut World, request: &Request) -> Result<(), Code> {
    let request = Request { is_upgrade: false, ..request.clone() };
    let (moment, tls) = (world.moment, world.is_tls);
    let admitted = head(&request.text(), |head| {
        let arrival = Arrival { head, peer: HOME.parse().unwrap(), tls, moment };
        admit_polling(&arrival, &mut world.tables())
    });
    world.inside.push(*admitted.map_err(|it| it.code)?);
    Ok(())
}

/// R36, R49: whoever polls passes the same door, but for what a handshake is.
#[test]
fn whoever_polls_is_asked_what_a_handshake_is_asked() {
    let mut world = socketio(told_then_bearer());
    let foreign = |it| Request { origin: Some("https://evil.test"), ..it };
    assert_eq!(polls(&mut world, &get("/s/")), Ok(()));
    assert_eq!(joins(&mut world, Some(&of("42"))), "42");
    assert_eq!(polls(&mut world, &foreign(get("/s/"))), Err(Code::OriginRefused));
    assert_eq!(polls(&mut world, &foreign(get("/open/"))), Ok(()));
    for path in ["/plain/", "/nothing/"] {
        assert_eq!(polls(&mut world, &get(path)), Err(Code::NoSuchRoute), "{path}");
    }
    world.close();
}
