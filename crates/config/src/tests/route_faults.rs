//! What can be wrong with a route, and what is told about it.

use expect_test::expect;

use super::{KEYS, check, route};

#[test]
fn a_route_says_who_may_come() {
    check(
        "[[routes]]\npath = \"/ws\"\n",
        expect![[r#"
            tidegate.toml:1:1: routes[0].tokens: is missing
                Add tokens = …. The `[tokens.NAME]` that users' tokens are verified by, or `"none"` to let anyone in.
        "#]],
    );
    check(
        "[[routes]]\ntokens = \"none\"\n",
        expect![[r#"
            tidegate.toml:1:1: routes[0].path: is missing
                Add path = …. The path, such as `"/ws/projects/{id}/"`; `{id}` captures one segment.
        "#]],
    );
    check(
        "[[routes]]\npath = \"ws\"\ntokens = \"none\"\n",
        expect![[r#"
            tidegate.toml:2:8: routes[0].path: "ws": a path begins with /
                Write a path such as "/ws/projects/{id}/".
        "#]],
    );
    check(
        &format!("{KEYS}[[routes]]\npath = \"/ws\"\ntokens = \"acess\"\n"),
        expect![[r#"
            tidegate.toml:9:10: routes[0].tokens: there is no [tokens.acess]
                Did you mean "access"?
        "#]],
    );
    check(
        &route("from = []"),
        expect![[r#"
            tidegate.toml:10:8: routes[0].from: no token could ever be found
                Write a source, such as ["query:token"], or tokens = "none".
        "#]],
    );
    check(
        &route("from = [\"query:\", \"header\", \"bearer:x\", \"cookie\"]"),
        expect![[r#"
            tidegate.toml:10:9: routes[0].from[0]: "query:" needs a name of letters, digits, _ - and .
                Write "query:token", "bearer", "header:NAME", "protocol", "cookie:NAME" or "message".
            tidegate.toml:10:19: routes[0].from[1]: "header" needs a name of letters, digits, _ - and .
                Write "query:token", "bearer", "header:NAME", "protocol", "cookie:NAME" or "message".
            tidegate.toml:10:29: routes[0].from[2]: "bearer:x" takes no name
                Write "query:token", "bearer", "header:NAME", "protocol", "cookie:NAME" or "message".
            tidegate.toml:10:41: routes[0].from[3]: "cookie" needs a name of letters, digits, _ - and .
                Write "query:token", "bearer", "header:NAME", "protocol", "cookie:NAME" or "message".
        "#]],
    );
    check(
        "[[routes]]\npath = \"/ws\"\ntokens = \"none\"\nrequire = { role = \"Admin\" }\njoins = \
         [\"user:{user}\"]\n",
        expect![[r#"
            tidegate.toml:4:11: routes[0].require: means nothing without tokens
                Name a [tokens.NAME] in tokens, or remove this.
            tidegate.toml:5:9: routes[0].joins: "user:{user}" means nothing without tokens
                Name a [tokens.NAME] in tokens, or remove this.
        "#]],
    );
}

#[test]
fn a_route_joins_what_its_path_captures() {
    check(
        &route("joins = [\"room:{rom}\"]"),
        expect![[r#"
            tidegate.toml:10:9: routes[0].joins: {rom} in "room:{rom}" is not captured by /ws/{room}
                Did you mean "room"?
        "#]],
    );
    check(
        &route("joins = [\"room:{room}x\", \"$sys\"]"),
        expect![[r#"
            tidegate.toml:10:10: routes[0].joins[0]: "room:{room}x": "{room}x": a part between colons is text or one {placeholder}, not a mixture
                Write a channel such as "news", "user:{user}" or "project:{id}".
            tidegate.toml:10:26: routes[0].joins[1]: "$sys": a template names a channel: names that begin with $ or @ are reserved for the gateway
                Write a channel such as "news", "user:{user}" or "project:{id}".
        "#]],
    );
    check(
        &route("aliases = [\"/\"]\njoins = [\"room:{room}\"]"),
        expect![[r#"
            tidegate.toml:11:9: routes[0].joins: {room} in "room:{room}" is not captured by /
                Known here: "user".
        "#]],
    );
}

#[test]
fn a_route_has_an_application_that_is_there() {
    check(
        &route("app = \"checkin\""),
        expect![[r#"
            tidegate.toml:10:7: routes[0].app: there is no application "checkin"
                Did you mean "checkins"?
        "#]],
    );
    check(
        "[apps.chat]\nkind = \"chat\"\n",
        expect![[r#"
            fine
        "#]],
    );
}

#[test]
fn two_routes_do_not_claim_the_same() {
    check(
        &format!("{}{}", route(""), "[[routes]]\npath = \"/ws/{id}\"\ntokens = \"none\"\n"),
        expect![[r#"
            tidegate.toml:12:8: routes[1].path: /ws/{id} claims the same paths as /ws/{room}
                Remove one of the two.
        "#]],
    );
    let named = "[[routes]]\nname = \"a\"\npath = \"/b\"\ntokens = \"none\"\n";
    check(
        &format!("{}{named}", route("name = \"a\"")),
        expect![[r#"
            tidegate.toml:12:8: routes[1].name: "a" is the name of an earlier route too
                Give each route a name of its own.
        "#]],
    );
    check(
        &route("aliases = [\"/ws/{other}\"]"),
        expect![[r#"
            tidegate.toml:10:11: routes[0].aliases: /ws/{other} claims the same paths as /ws/{room}
                Remove one of the two.
        "#]],
    );
}

#[test]
fn origins_are_written_as_browsers_send_them() {
    check(
        &route("origins = \"https://app.example.com\""),
        expect![[r#"
            tidegate.toml:10:11: routes[0].origins: one origin is no list
                Write "same", "*", or a list such as ["https://app.example.com"].
        "#]],
    );
    check(
        &route(
            "origins = [\"https://app.example.com/\", \"app.example.com\", \"https://*.example.com\"]",
        ),
        expect![[r#"
            tidegate.toml:10:12: routes[0].origins[0]: "https://app.example.com/" is not an origin
                Write it as browsers do: "https://app.example.com" or "http://localhost:3000", without a path or a slash at the end.
            tidegate.toml:10:40: routes[0].origins[1]: "app.example.com" is not an origin
                Write it as browsers do: "https://app.example.com" or "http://localhost:3000", without a path or a slash at the end.
            tidegate.toml:10:59: routes[0].origins[2]: "https://*.example.com" is not an origin
                Write it as browsers do: "https://app.example.com" or "http://localhost:3000", without a path or a slash at the end.
        "#]],
    );
    check(
        &route("origins = \"sama\""),
        expect![[r#"
            tidegate.toml:10:11: routes[0].origins: "sama" is not known
                Did you mean "same"?
        "#]],
    );
}

/// Threats H1 and H2.
#[test]
fn cookies_need_to_know_the_page() {
    check(
        &route("from = [\"cookie:session\"]\norigins = \"*\""),
        expect![[r#"
            tidegate.toml:11:11: routes[0].origins: any origin together with cookies
                Any page could connect with its visitors' cookies. List the origins.
        "#]],
    );
    check(
        &route(
            "from = [\"cookie:session\"]\norigins = [\"https://a.example\"]\nallow_missing_origin = true",
        ),
        expect![[r#"
            tidegate.toml:12:24: routes[0].allow_missing_origin: a cookie without an Origin proves nothing
                Remove it, or take cookies out of `from`.
        "#]],
    );
}

/// R22.
#[test]
fn sessions_need_users_and_bounds_that_make_sense() {
    check(
        "[[routes]]\npath = \"/ws\"\ntokens = \"none\"\nsessions = { max = 1 }\n",
        expect![[r#"
        tidegate.toml:4:12: routes[0].sessions: means nothing without tokens
            Name a [tokens.NAME] in tokens, or remove this.
    "#]],
    );
    check(
        &route("sessions = { max = 0 }"),
        expect![[r#"
        tidegate.toml:10:20: routes[0].sessions.max: 0 is out of bounds
            Write something from 1 to 1000.
    "#]],
    );
    check(
        &route("sessions = { grace = \"2d\" }"),
        expect![[r#"
        tidegate.toml:10:22: routes[0].sessions.grace: "2d" is out of bounds
            Write something from "1s" to "1d".
    "#]],
    );
    check(
        &route("sessions = { when_full = \"refus\" }"),
        expect![[r#"
        tidegate.toml:10:26: routes[0].sessions.when_full: "refus" is not known
            Did you mean "refuse"?
    "#]],
    );
    check(
        &route("sessions = { most = 1 }"),
        expect![[r#"
        tidegate.toml:10:14: routes[0].sessions.most: there is no such key
            Known here: "max", "when_full", "grace", "recovery".
    "#]],
    );
    check(
        &route("sessions = { recovery = true }"),
        expect![[r#"
            tidegate.toml:10:12: routes[0].sessions: only clients of socketio recover like this
                Clients of other dialects say themselves where they are. Remove this.
        "#]],
    );
}
