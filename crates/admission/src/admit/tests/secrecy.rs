//! Threat A7: a token is nowhere but where it was shown.

use proto::Dialect;

use crate::{
    RefusalStyle, Route, TokenSource, Verdict,
    fixtures::{HOME, World, get, route, token_route},
};

#[test]
fn a_token_is_in_no_verdict() {
    let canary = "SECRETCANARY";
    let sources = vec![
        TokenSource::Query("token".to_owned()),
        TokenSource::Bearer,
        TokenSource::Protocol,
        TokenSource::Cookie("sid".to_owned()),
    ];
    let mut routes = Vec::new();
    for refusal in [RefusalStyle::Status, RefusalStyle::Close] {
        for dialect in [Dialect::Native, Dialect::Plain] {
            let path = format!("/{refusal:?}{dialect:?}/").to_lowercase();
            routes.push(Route { refusal, dialect, ..token_route(&path, sources.clone()) });
        }
    }
    // Where no token is asked for, a client may show one all the same.
    routes.push(route("/open/"));
    let paths: Vec<String> = routes.iter().map(|it| it.path.to_string()).collect();
    let mut world = World::new(routes);
    for path in paths.iter().map(String::as_str).chain(["/nowhere/"]) {
        for request in [
            get(&format!("{path}?token={canary}")),
            get(&format!("{path}?token={canary}.{canary}.{canary}")),
            get(path).with(format!("Authorization: Bearer {canary}")),
            get(path).with(format!("Authorization: Basic {canary}")),
            get(path).with(format!("Sec-WebSocket-Protocol: x, bearer.{canary}")),
            get(path).with(format!("Sec-WebSocket-Protocol: bearer.{canary}, bearer.{canary}2")),
            get(path).with(format!("Cookie: sid={canary}")),
        ] {
            // Bytes are printed as numbers, so they are looked at as text.
            let verdict = world.verdict(&request, HOME);
            let bytes = match &verdict {
                Verdict::Admit(it) | Verdict::AwaitToken(it) => it.response.clone(),
                Verdict::Refuse(it) => match &it.answer {
                    crate::Answer::Status(it) | crate::Answer::Upgrade(it) => it.clone(),
                },
                Verdict::NeedKeys(_) | Verdict::PassOn => Vec::new(),
            };
            assert!(!String::from_utf8(bytes).unwrap().contains(canary), "{request:?}");
            assert!(!format!("{verdict:?}").contains(canary), "{request:?}");
            world.said(verdict);
            world = refilled(world);
        }
    }
    assert!(!format!("{:?} {:?} {:?}", world.cache, world.tallies, world.limits).contains(canary));
}

/// Nobody inside and nothing counted, so that no limit gets in the way of the next.
fn refilled(mut world: World) -> World {
    let routes: Vec<Route> = world.door.routes.iter().map(|it| it.1.clone()).collect();
    world.limits = World::new(routes).limits;
    world.inside.clear();
    world
}
