//! The fifteen cases of authentication (R125, R127), as System N's own tests have them.
//!
//! One of them is not the door's: that a user was deleted is known to the application, which is
//! asked after the door and answers `AUTH_FAILED`.

use serde_json::json;

use crate::fixtures::{HOME, Request, WALL, World, get, query_then_bearer, token, token_route};

fn world() -> World {
    let paths = ["/ws/notifications/", "/ws/projects/{id}/", "/ws/system-health/"];
    World::new(paths.map(|it| token_route(it, query_then_bearer())).to_vec())
}

fn check(request: &Request, expected: &str) {
    let mut world = world();
    assert_eq!(world.knock(request, HOME), expected, "{request:?}");
    world.close();
}

fn with_query(token: &str) -> Request {
    get(&format!("/ws/notifications/?token={token}"))
}

fn with_header(token: &str) -> Request {
    get("/ws/notifications/").with(format!("Authorization: Bearer {token}"))
}

const REQUIRED: &str = "401 AUTH_REQUIRED";
const INVALID: &str = "401 INVALID_TOKEN";

#[test]
fn case_1_a_token_in_the_query() {
    check(&with_query(&token(json!({"user_id": 42}))), "42 joins user:42");
}

#[test]
fn case_2_a_token_in_the_header() {
    check(&with_header(&token(json!({"user_id": 42}))), "42 joins user:42");
}

#[test]
fn case_3_the_query_comes_before_the_header_and_no_second_token_is_tried() {
    let (one, two) = (token(json!({"user_id": 42})), token(json!({"user_id": 43})));
    let header = format!("Authorization: Bearer {two}");
    check(&with_query(&one).with(&header), "42 joins user:42");
    check(&with_query("bad").with(&header), INVALID);
    check(&with_query("").with(&header), REQUIRED);
}

#[test]
fn case_4_no_token() {
    check(&get("/ws/notifications/"), REQUIRED);
}

#[test]
fn case_5_an_empty_token() {
    check(&with_query(""), REQUIRED);
}

#[test]
fn case_6_a_token_of_blanks() {
    check(&with_query("%20%20%20"), REQUIRED);
    check(&with_query("+++"), REQUIRED);
}

#[test]
fn case_7_malformed_tokens() {
    let good = token(json!({"user_id": 42}));
    let unsigned = good.rsplit_once('.').unwrap().0;
    for token in [
        "invalid",
        "not.a.jwt",
        "a.b",
        "a.b.c.d",
        "eyJhbGciOiJIUzI1NiJ9..",
        "....",
        "%00",
        "Bearer%20x",
        unsigned,
        &format!("{unsigned}."),
        &format!("{good}x"),
        &good.to_lowercase(),
    ] {
        check(&with_query(token), INVALID);
    }
}

#[test]
fn case_8_an_expired_token() {
    check(&with_query(&token(json!({"user_id": 42, "exp": WALL - 1}))), "401 TOKEN_EXPIRED");
}

#[test]
fn case_9_a_token_that_is_no_access_token() {
    check(&with_query(&token(json!({"user_id": 42, "token_type": "refresh"}))), INVALID);
}

#[test]
fn case_10_a_header_without_bearer() {
    let token = token(json!({"user_id": 42}));
    check(&get("/ws/notifications/").with(format!("Authorization: {token}")), INVALID);
}

#[test]
fn case_11_bearer_alone() {
    check(&get("/ws/notifications/").with("Authorization: Bearer"), REQUIRED);
    check(&get("/ws/notifications/").with("Authorization: Bearer "), REQUIRED);
}

#[test]
fn case_12_whoever_fails_is_nobody_and_nowhere() {
    let mut world = world();
    assert_eq!(world.knock(&with_query("bad"), HOME), INVALID);
    assert!(world.inside.is_empty());
    assert_eq!((world.tallies.admitted, world.tallies.verified), (0, 0));
    world.close();
}

#[test]
fn case_13_other_parameters_beside_the_token() {
    let token = token(json!({"user_id": 42}));
    let target = format!("/ws/notifications/?page=2&token={token}&lang=th&x");
    check(&get(&target), "42 joins user:42");
}

#[test]
fn case_14_a_token_that_is_percent_encoded() {
    let token = token(json!({"user_id": 42})).replace('.', "%2E").replace('e', "%65");
    check(&with_query(&token), "42 joins user:42");
}

#[test]
fn case_15_every_route_asks_for_a_token() {
    let token = token(json!({"user_id": 42}));
    for path in ["/ws/notifications/", "/ws/projects/7/", "/ws/system-health"] {
        check(&get(path), REQUIRED);
        check(&get(&format!("{path}?token={token}")), "42 joins user:42");
    }
}

/// Texts and integers name users; what else a claim may be does not.
#[test]
fn a_user_is_named_by_text_or_integer() {
    for (claims, expected) in [
        (json!({"user_id": "ann"}), "ann joins user:ann"),
        (json!({"sub": "ann"}), "ann joins user:ann"),
        (json!({"sub": "ann", "user_id": 42}), "42 joins user:42"),
        (json!({"user_id": 4.5}), INVALID),
        (json!({"user_id": null}), INVALID),
        (json!({"user_id": ""}), INVALID),
        (json!({"user_id": [42]}), INVALID),
        (json!({}), INVALID),
    ] {
        check(&with_query(&token(claims)), expected);
    }
}

/// Threat A10: what a client says of itself beside the token is nobody's business.
#[test]
fn what_is_said_beside_the_token_names_nobody() {
    let token = token(json!({"user_id": 42}));
    let target = format!("/ws/notifications/?user_id=1&sub=1&role=admin&token={token}");
    let request = get(&target).with("X-User: 1").with("Cookie: user_id=1");
    check(&request, "42 joins user:42");
}
