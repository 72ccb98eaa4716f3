//! Every kind of fault: a snippet, and what is told about it.

use expect_test::expect;

use super::{KEYS, check};

/// A route that is fine, to add one thing to.
fn route(more: &str) -> String {
    format!("{KEYS}[[routes]]\npath = \"/ws/{{room}}\"\ntokens = \"access\"\n{more}\n")
}

#[test]
fn what_is_not_toml_is_told_with_its_place() {
    check("[server\nlisten = ", expect![[r#"
        tidegate.toml:1:8: not TOML: unclosed table, expected `]`
            See https://toml.io for how it is written.
    "#]]);
    check("a = 1\na = 2\n", expect![[r#"
        tidegate.toml:2:1: not TOML: duplicate key
            See https://toml.io for how it is written.
    "#]]);
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    check("[server]\nlistne = \"127.0.0.1:8000\"\n", expect![[r#"
        tidegate.toml:2:1: server.listne: there is no such key
            Did you mean "listen"?
    "#]]);
    check("[servr]\n", expect![[r#"
        tidegate.toml:1:2: servr: there is no such key
            Did you mean "server"?
    "#]]);
    check("[server]\nzebra = 1\n", expect![[r#"
        tidegate.toml:2:1: server.zebra: there is no such key
            docs/configuration.md lists what is known here.
    "#]]);
    check(&route("limits = { message = \"60/min\" }"), expect![[r#"
        tidegate.toml:10:12: routes[0].limits.message: there is no such key
            Did you mean "messages"?
    "#]]);
    check("[log]\ncolour = true\n", expect![[r#"
        tidegate.toml:2:1: log.colour: there is no such key
            Known here: "level", "format".
    "#]]);
}

#[test]
fn a_value_of_the_wrong_kind_is_refused() {
    check("server = 5\n", expect![[r#"
        tidegate.toml:1:10: server: a number stands where a table is expected
            Write [server] and its keys below, or { key = value }.
    "#]]);
    check("routes = { path = \"/\" }\n", expect![[r#"
        tidegate.toml:1:10: routes: a table stands where a list of tables is expected
            Write [[routes]] above each of them.
    "#]]);
    check("routes = [5]\n", expect![[r#"
        tidegate.toml:1:11: routes[0]: a number stands where a table is expected
            Write [routes[0]] and its keys below, or { key = value }.
    "#]]);
    check("[keys]\nmain = \"0123456789abcdef\"\n", expect![[r#"
        tidegate.toml:2:8: keys.main: text stands where a table is expected
            Write [keys.main] and its keys below, or { key = value }.
    "#]]);
    check("[server]\nlisten = 8000\n", expect![[r#"
        tidegate.toml:2:10: server.listen: a number stands where an address and a port is expected
            Write an address and a port, such as "127.0.0.1:8000" or "[::]:8000".
    "#]]);
    check("[server]\nlisten = \"example.com:80\"\n", expect![[r#"
        tidegate.toml:2:10: server.listen: "example.com:80" is not an address and a port
            Write an address and a port, such as "127.0.0.1:8000" or "[::]:8000".
    "#]]);
    check("[server]\nproxy_protocol = \"yes\"\n", expect![[r#"
        tidegate.toml:2:18: server.proxy_protocol: text stands where true or false is expected
            Write true or false, without quotes.
    "#]]);
    check("[server]\nheaders_max = \"many\"\n", expect![[r#"
        tidegate.toml:2:15: server.headers_max: text stands where a count is expected
            Write a whole number without quotes, such as 5.
    "#]]);
    check("[server]\nheaders_max = -1\n", expect![[r#"
        tidegate.toml:2:15: server.headers_max: -1 is out of range
            Write a whole number from 0 to 4294967295.
    "#]]);
    check("[server]\ndata_dir = \"\"\n", expect![[r#"
        tidegate.toml:2:12: server.data_dir: the text is empty
            Write something, or leave the key out.
    "#]]);
    check(
        "[server]\ntrusted_proxies = [\"10.0.0.0/8\", \"10.0.0.1/8\", \"nginx\"]\n",
        expect![[r#"
            tidegate.toml:2:34: server.trusted_proxies[1]: "10.0.0.1/8": bits are set behind the leading ones; the network is 10.0.0.0/8
                Write an address or a range, such as "127.0.0.1" or "10.0.0.0/8".
            tidegate.toml:2:48: server.trusted_proxies[2]: "nginx": write an address, or an address / and the count of its leading bits
                Write an address or a range, such as "127.0.0.1" or "10.0.0.0/8".
        "#]],
    );
    check("[server]\nhosts = [\"https://chat.example.com\"]\n", expect![[r#"
        tidegate.toml:2:9: server.hosts: "https://chat.example.com" is not a host
            Write the name alone, such as "chat.example.com", without scheme or path.
    "#]]);
}

#[test]
fn a_number_without_its_unit_is_refused() {
    check("[server]\ndrain_over = 10\n", expect![[r#"
        tidegate.toml:2:14: server.drain_over: 10 has no unit
            Write a whole number with its unit, such as "250ms", "30s", "10m", "1h" or "7d".
    "#]]);
    check("[server]\ndrain_over = \"10\"\n", expect![[r#"
        tidegate.toml:2:14: server.drain_over: "10" has no unit
            Write a whole number with its unit, such as "250ms", "30s", "10m", "1h" or "7d".
    "#]]);
    check("[server]\nrequest_bytes_max = 1048576\n", expect![[r#"
        tidegate.toml:2:21: server.request_bytes_max: 1048576 has no unit
            Write a whole number with its unit, such as "500B", "64KiB" or "1MiB".
    "#]]);
    check(&route("limits = { messages = 60 }"), expect![[r#"
        tidegate.toml:10:23: routes[0].limits.messages: 60 has no unit
            Write a count and its span, such as "5/s", "60/min" or "10/hour".
    "#]]);
    check(&route("limits = { messages = \"60\" }"), expect![[r#"
        tidegate.toml:10:23: routes[0].limits.messages: "60" is not a rate
            Write a count and its span, such as "5/s", "60/min" or "10/hour".
    "#]]);
    check(&route("limits = { messages = \"0/min\" }"), expect![[r#"
        tidegate.toml:10:23: routes[0].limits.messages: "0/min": a rate needs a count of at least 1
            Write a count and its span, such as "5/s", "60/min" or "10/hour".
    "#]]);
}

#[test]
fn a_number_out_of_bounds_is_refused() {
    check("[server]\nshards = 0\n", expect![[r#"
        tidegate.toml:2:10: server.shards: 0 is out of bounds
            Write something from 1 to 1024.
    "#]]);
    check("[server]\nhead_bytes_max = \"1MiB\"\n", expect![[r#"
        tidegate.toml:2:18: server.head_bytes_max: "1MiB" is out of bounds
            Write something from "1KiB" to "256KiB".
    "#]]);
    check("[server]\nhandshake_within = \"2h\"\n", expect![[r#"
        tidegate.toml:2:20: server.handshake_within: "2h" is out of bounds
            Write something from "1s" to "1m".
    "#]]);
    check("[server]\ndrain_over = \"1m\"\n", expect![[r#"
        tidegate.toml:1:1: server.drain_within: ends before drain_over does
            Make drain_within longer than drain_over.
    "#]]);
    check(&route("message_bytes_max = \"1GiB\""), expect![[r#"
        tidegate.toml:10:21: routes[0].message_bytes_max: "1GiB" is out of bounds
            Write something from "1B" to "256MiB".
    "#]]);
    check("[tokens.access]\nkeys = []\nleeway = \"5m\"\n", expect![[r#"
        tidegate.toml:2:8: tokens.access.keys: the key set has no key to verify tokens with
            Name at least one [keys.NAME].
        tidegate.toml:3:10: tokens.access.leeway: "5m" is out of bounds
            Write something from "0s" to "1m".
    "#]]);
}

#[test]
fn a_word_that_is_not_known_is_refused_with_the_nearest() {
    check("profile = \"prod\"\n", expect![[r#"
        tidegate.toml:1:11: profile: "prod" is not known
            Known here: "development", "production".
    "#]]);
    check(&route("refusal = \"closed\""), expect![[r#"
        tidegate.toml:10:11: routes[0].refusal: "closed" is not known
            Did you mean "close"?
    "#]]);
    check(&route("dialect = \"socketio\""), expect![[r#"
        tidegate.toml:10:11: routes[0].dialect: "socketio" is not known
            Known here: "plain", "native".
    "#]]);
    check("[log]\nlevel = \"info,net=debgu\"\n", expect![[r#"
        tidegate.toml:2:9: log.level: "debgu" is no level
            Did you mean "debug"?
    "#]]);
    check(
        "[[permissions]]\nallow = [\"subscribe\", \"publsh\"]\nchannels = [\"a\"]\n",
        expect![[r#"
            tidegate.toml:2:23: permissions[0].allow[1]: "publsh" is not known
                Did you mean "publish"?
        "#]],
    );
}

#[test]
fn secrets_are_named_and_never_written() {
    check("[keys.main]\nsecret = \"hunter2\"\n", expect![[r#"
        tidegate.toml:2:1: keys.main.secret: there is no such key
            Known here: "public_key", "jwks", "algorithms", "kid".
        tidegate.toml:2:10: keys.main.secret: a secret is written in the file
            Write { env = "NAME" } or { file = "PATH" }, and treat this one as leaked.
    "#]]);
    check("[keys.main]\nsecret = { env = \"NOT_SET\" }\n", expect![[r#"
        tidegate.toml:2:10: keys.main.secret: the variable NOT_SET is not set
            Set it, for instance with: export NOT_SET=$(openssl rand -hex 32)
    "#]]);
    check("[keys.main]\nsecret = { file = \"not/there\" }\n", expect![[r#"
        tidegate.toml:2:19: keys.main.secret.file: FOLDER/not/there cannot be read: No such file or directory (os error 2)
            Check the path and that this user may read it.
    "#]]);
    check("[keys.main]\nsecret = { file = \"src\" }\n", expect![[r#"
        tidegate.toml:2:19: keys.main.secret.file: FOLDER/src cannot be read: Is a directory (os error 21)
            Check the path and that this user may read it.
    "#]]);
    check("[keys.main]\nsecret = {}\n", expect![[r#"
        tidegate.toml:2:10: keys.main.secret: needs either env or file
            Write { env = "NAME" } or { file = "PATH" }.
    "#]]);
    check("[keys.main]\nsecret = { env = \"A\", file = \"b\" }\n", expect![[r#"
        tidegate.toml:2:10: keys.main.secret: needs either env or file
            Write { env = "NAME" } or { file = "PATH" }.
    "#]]);
    check("[keys.main]\nsecret = { env = 5 }\n", expect![[r#"
        tidegate.toml:2:18: keys.main.secret.env: a number stands where text is expected
            Write it in quotes.
    "#]]);
}

#[test]
fn a_key_is_exactly_one_thing() {
    check("[keys.main]\n", expect![[r#"
        tidegate.toml:1:1: keys.main: a key is exactly one thing
            Write one of secret, public_key and jwks.
    "#]]);
    check(
        "[keys.main]\nsecret = { env = \"TIDEGATE_SECRET\" }\njwks = { url = \"https://a.example\" }\n",
        expect![[r#"
            tidegate.toml:1:1: keys.main: a key is exactly one thing
                Write one of secret, public_key and jwks.
        "#]],
    );
    check("[keys.main]\npublic_key = { file = \"Cargo.toml\" }\n", expect![[r#"
        tidegate.toml:2:14: keys.main.public_key: not one PEM block with a public key
            Check that this is the key that was meant, and that its kind fits.
    "#]]);
    check(
        "[keys.main]\nsecret = { env = \"TIDEGATE_SECRET\" }\nalgorithms = [\"RS256\"]\n",
        expect![[r#"
            tidegate.toml:3:14: keys.main.algorithms: the key cannot be used with that algorithm
                Check that this is the key that was meant, and that its kind fits.
        "#]],
    );
    check(
        "[keys.main]\nsecret = { env = \"TIDEGATE_SECRET\" }\nalgorithms = [\"none\"]\n",
        expect![[r#"
            tidegate.toml:3:15: keys.main.algorithms[0]: "none" is not known
                Known here: "HS256", "HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA".
        "#]],
    );
    check(
        "[keys.main]\nsecret = { env = \"TIDEGATE_SECRET\" }\nkid = \"../../dev/null\"\n",
        expect![[r#"
            tidegate.toml:3:7: keys.main.kid: a key id is 1 to 128 of A-Z a-z 0-9 . _ -
                Check that this is the key that was meant, and that its kind fits.
        "#]],
    );
    check("[keys.main]\njwks = { url = \"http://keys.example\" }\n", expect![[r#"
        tidegate.toml:2:16: keys.main.jwks.url: not an https address
            Keys that travel in the clear can be exchanged on the way. Use https://.
    "#]]);
    check(
        "[keys.main]\njwks = { url = \"https://keys.example\" }\nalgorithms = [\"RS256\"]\n",
        expect![[r#"
            tidegate.toml:3:14: keys.main.algorithms: a published key set says this of each key
                Remove it.
        "#]],
    );
}

#[test]
fn a_verifier_names_keys_that_are_there() {
    check("[tokens.access]\n", expect![[r#"
        tidegate.toml:1:1: tokens.access.keys: is missing
            Add keys: the names of the [keys.NAME] to verify with.
    "#]]);
    check("[tokens.access]\nkeys = []\n", expect![[r#"
        tidegate.toml:2:8: tokens.access.keys: the key set has no key to verify tokens with
            Name at least one [keys.NAME].
    "#]]);
    check(&format!("{KEYS}[tokens.other]\nkeys = [\"mian\"]\n"), expect![[r#"
        tidegate.toml:8:8: tokens.other.keys: there is no [keys.mian]
            Did you mean "main"?
    "#]]);
    let published = "[keys.far]\njwks = { url = \"https://keys.example\" }\n";
    check(&format!("{published}[tokens.far]\nkeys = [\"far\"]\n"), expect![[r#"
        tidegate.toml:3:1: tokens.far.issuer: published keys need exactly one issuer
            Write issuer = ["…"] as it stands in the `iss` of its tokens.
    "#]]);
    check(
        &format!("{KEYS}{published}[tokens.far]\nkeys = [\"far\", \"main\"]\nissuer = [\"a\"]\n"),
        expect![[r#"
            tidegate.toml:10:8: tokens.far.keys: "far" is published and must stand alone
                Make a [tokens.NAME] of its own for each issuer.
        "#]],
    );
    check(
        &format!("{KEYS}[tokens.other]\nkeys = [\"main\"]\nrequire = {{ role = [], age = 1.5 }}\n"),
        expect![[r#"
            tidegate.toml:9:20: tokens.other.require.role: a claim needs the values it may have
                Write { role = ["Admin"] }: a claim's name and the values it may have.
            tidegate.toml:9:30: tokens.other.require.age: a claim needs the values it may have
                Write { role = ["Admin"] }: a claim's name and the values it may have.
        "#]],
    );
}

#[test]
fn api_keys_are_long_and_their_own() {
    check(
        "[api]\nkeys = [{ name = \"a\", secret = { env = \"SHORT\" }, scopes = [] }]\n",
        expect![[r#"
            tidegate.toml:2:32: api.keys[0].secret: the variable SHORT is not set
                Set it, for instance with: export SHORT=$(openssl rand -hex 32)
        "#]],
    );
    check("[api]\nkeys = [{ name = \"a\" }]\n", expect![[r#"
        tidegate.toml:2:9: api.keys[0].scopes: is missing
            Add scopes: what it is good for: publishing, reading about channels, disconnecting. `admin` includes the others and the operator's endpoints.
        tidegate.toml:2:9: api.keys[0].secret: is missing
            Add secret = { env = "TIDEGATE_API_KEY" }.
    "#]]);
    let key = "{ name = \"a\", secret = { env = \"TIDEGATE_API_KEY\" }, scopes = [\"admin\"] }";
    check(&format!("[api]\nkeys = [\n{key},\n{key},\n]\n"), expect![[r#"
        tidegate.toml:4:10: api.keys[1].name: "a" is the name of an earlier key too
            Give each key a name of its own.
        tidegate.toml:4:24: api.keys[1].secret: the same secret as the key "a"
            Give each key a secret of its own.
    "#]]);
}

#[test]
fn a_route_says_who_may_come() {
    check("[[routes]]\npath = \"/ws\"\n", expect![[r#"
        tidegate.toml:1:1: routes[0].tokens: is missing
            Add tokens: the [tokens.NAME] that users' tokens are verified by, or "none" to let anyone in.
    "#]]);
    check("[[routes]]\ntokens = \"none\"\n", expect![[r#"
        tidegate.toml:1:1: routes[0].path: is missing
            Add path: such as "/ws/projects/{id}/"; {id} captures one segment.
    "#]]);
    check("[[routes]]\npath = \"ws\"\ntokens = \"none\"\n", expect![[r#"
        tidegate.toml:2:8: routes[0].path: "ws": a path begins with /
            Write a path such as "/ws/projects/{id}/".
    "#]]);
    check(&format!("{KEYS}[[routes]]\npath = \"/ws\"\ntokens = \"acess\"\n"), expect![[r#"
        tidegate.toml:9:10: routes[0].tokens: there is no [tokens.acess]
            Did you mean "access"?
    "#]]);
    check(&route("from = []"), expect![[r#"
        tidegate.toml:10:8: routes[0].from: no token could ever be found
            Write a source, such as ["query:token"], or tokens = "none".
    "#]]);
    check(&route("from = [\"query:\", \"header\", \"bearer:x\", \"cookie\"]"), expect![[r#"
        tidegate.toml:10:9: routes[0].from[0]: "query:" needs a name of letters, digits, _ - and .
            Write "query:token", "bearer", "protocol", "cookie:NAME" or "message".
        tidegate.toml:10:19: routes[0].from[1]: "header" is not known
            Did you mean "bearer"?
        tidegate.toml:10:29: routes[0].from[2]: "bearer:x" takes no name
            Write "query:token", "bearer", "protocol", "cookie:NAME" or "message".
        tidegate.toml:10:41: routes[0].from[3]: "cookie" needs a name of letters, digits, _ - and .
            Write "query:token", "bearer", "protocol", "cookie:NAME" or "message".
    "#]]);
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
    check(&route("joins = [\"room:{rom}\"]"), expect![[r#"
        tidegate.toml:10:9: routes[0].joins: {rom} in "room:{rom}" is not captured by /ws/{room}
            Did you mean "room"?
    "#]]);
    check(&route("joins = [\"room:{room}x\", \"$sys\"]"), expect![[r#"
        tidegate.toml:10:10: routes[0].joins[0]: "room:{room}x": "{room}x": a part between colons is text or one {placeholder}, not a mixture
            Write a channel such as "news", "user:{user}" or "project:{id}".
        tidegate.toml:10:26: routes[0].joins[1]: "$sys": a template names a channel: names that begin with $ or @ are reserved for the gateway
            Write a channel such as "news", "user:{user}" or "project:{id}".
    "#]]);
    check(&route("aliases = [\"/\"]\njoins = [\"room:{room}\"]"), expect![[r#"
        tidegate.toml:11:9: routes[0].joins: {room} in "room:{room}" is not captured by /
            Known here: "user".
    "#]]);
}

#[test]
fn a_route_has_an_application_that_is_there() {
    check(&route("app = \"checkin\""), expect![[r#"
        tidegate.toml:10:7: routes[0].app: there is no application "checkin"
            Did you mean "checkins"?
    "#]]);
    check("[apps.chat]\nkind = \"chat\"\n", expect![[r#"
        tidegate.toml:2:8: apps.chat.kind: "chat" is not known
            Known here: "echo", "notifications", "checkins".
    "#]]);
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
    check(&format!("{}{named}", route("name = \"a\"")), expect![[r#"
        tidegate.toml:12:8: routes[1].name: "a" is the name of an earlier route too
            Give each route a name of its own.
    "#]]);
    check(&route("aliases = [\"/ws/{other}\"]"), expect![[r#"
        tidegate.toml:8:8: routes[0].path: /ws/{other} claims the same paths as /ws/{room}
            Remove one of the two.
    "#]]);
}

#[test]
fn origins_are_written_as_browsers_send_them() {
    check(&route("origins = \"https://app.example.com\""), expect![[r#"
        tidegate.toml:10:11: routes[0].origins: one origin is no list
            Write "same", "*", or a list such as ["https://app.example.com"].
    "#]]);
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
    check(&route("origins = \"sama\""), expect![[r#"
        tidegate.toml:10:11: routes[0].origins: "sama" is not known
            Did you mean "same"?
    "#]]);
}

/// Threats H1 and H2.
#[test]
fn cookies_need_to_know_the_page() {
    check(&route("from = [\"cookie:session\"]\norigins = \"*\""), expect![[r#"
        tidegate.toml:11:11: routes[0].origins: any origin together with cookies
            Any page could connect with its visitors' cookies. List the origins.
    "#]]);
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

#[test]
fn permissions_and_namespaces_are_checked() {
    check("[[permissions]]\nchannels = [\"news:*\"]\n", expect![[r#"
        tidegate.toml:1:1: permissions[0]: a rule either allows or denies
            Write either allow = ["subscribe"] or deny = ["publish"].
    "#]]);
    check(
        "[[permissions]]\nallow = [\"publish\"]\ndeny = [\"publish\"]\nchannels = [\"a\"]\n",
        expect![[r#"
            tidegate.toml:1:1: permissions[0]: a rule either allows or denies
                Write either allow = ["subscribe"] or deny = ["publish"].
        "#]],
    );
    check(
        "[[permissions]]\nallow = [\"publish\"]\nchannels = [\"room:{room}\", \"a*\"]\n",
        expect![[r#"
            tidegate.toml:3:13: permissions[0].channels[0]: "room:{room}": {room}: a rule knows {user} and {claims.NAME}, but no path
                Write a pattern such as "news:*", "user:{user}" or "role:{claims.role}".
            tidegate.toml:3:28: permissions[0].channels[1]: "a*": "a*": a part between colons is text, one {placeholder} or *, not a mixture
                Write a pattern such as "news:*", "user:{user}" or "role:{claims.role}".
        "#]],
    );
    check("[namespaces.\"user:1\"]\n", expect![[r#"
        tidegate.toml:1:1: namespaces.user:1: a namespace has no colon
            Write the part before the first colon, or "*".
    "#]]);
    check("[namespaces.user]\nslow = \"wait\"\n", expect![[r#"
        tidegate.toml:2:8: namespaces.user.slow: "wait" is not known
            Known here: "close", "drop".
    "#]]);
}

#[test]
fn monitoring_names_tokens_that_a_route_takes() {
    check(&format!("{KEYS}[monitoring]\ntokens = \"access\"\n"), expect![[r#"
        tidegate.toml:8:10: monitoring.tokens: no route takes these tokens
            Name the [tokens.NAME] of a route.
    "#]]);
    check(&route("[monitoring]\ntokens = \"admin\""), expect![[r#"
        tidegate.toml:11:10: monitoring.tokens: there is no [tokens.admin]
            Known here: "access".
    "#]]);
}

#[test]
fn certificates_are_there_and_readable() {
    check(
        "[server.tls]\ncertificate = \"Cargo.toml\"\nkey = \"not/there.pem\"\n",
        expect![[r#"
            tidegate.toml:3:7: server.tls.key: FOLDER/not/there.pem cannot be read: No such file or directory (os error 2)
                Check the path and that this user may read it.
        "#]],
    );
    check("[server.tls]\ncertificate = \"src\"\n", expect![[r#"
        tidegate.toml:1:1: server.tls.key: is missing
            Add key: The certificate's private key, in PEM.
        tidegate.toml:2:15: server.tls.certificate: FOLDER/src is no file
            Name a PEM file.
    "#]]);
}

#[test]
fn nothing_is_read_where_no_proxy_is_trusted() {
    check("[server]\nproxy_protocol = true\nforwarded = \"forwarded\"\n", expect![[r#"
        tidegate.toml:2:18: server.proxy_protocol: no proxy is trusted, so nothing would be read
            List the proxy in trusted_proxies, or remove this key.
        tidegate.toml:3:13: server.forwarded: no proxy is trusted, so nothing would be read
            List the proxy in trusted_proxies, or remove this key.
    "#]]);
}

#[test]
fn all_faults_are_told_at_once_in_the_order_of_the_file() {
    check(
        r#"profile = "developement"

[server]
listen = "8000"
drain_over = 10
worker_threads = 4

[keys.main]
secret = "hunter2"

[tokens.access]
keys = ["main", "backup"]

[[routes]]
path = "/ws/{room}"
tokens = "acces"
joins = ["room:{id}"]
limits = { messages = "60 per minute", mode = "warn" }

[[routes]]
path = "/ws/{id}"
tokens = "access"
app = "echo "
"#,
        expect![[r#"
            tidegate.toml:1:11: profile: "developement" is not known
                Did you mean "development"?
            tidegate.toml:4:10: server.listen: "8000" is not an address and a port
                Write an address and a port, such as "127.0.0.1:8000" or "[::]:8000".
            tidegate.toml:5:14: server.drain_over: 10 has no unit
                Write a whole number with its unit, such as "250ms", "30s", "10m", "1h" or "7d".
            tidegate.toml:6:1: server.worker_threads: there is no such key
                docs/configuration.md lists what is known here.
            tidegate.toml:9:1: keys.main.secret: there is no such key
                Known here: "public_key", "jwks", "algorithms", "kid".
            tidegate.toml:9:10: keys.main.secret: a secret is written in the file
                Write { env = "NAME" } or { file = "PATH" }, and treat this one as leaked.
            tidegate.toml:12:8: tokens.access.keys: there is no [keys.backup]
                Known here: "main".
            tidegate.toml:16:10: routes[0].tokens: there is no [tokens.acces]
                Did you mean "access"?
            tidegate.toml:17:9: routes[0].joins: {id} in "room:{id}" is not captured by /ws/{room}
                Known here: "room", "user".
            tidegate.toml:18:23: routes[0].limits.messages: "60 per minute" is not a rate
                Write a count and its span, such as "5/s", "60/min" or "10/hour".
            tidegate.toml:18:47: routes[0].limits.mode: "warn" is not known
                Known here: "enforce", "observe".
            tidegate.toml:21:8: routes[1].path: /ws/{id} claims the same paths as /ws/{room}
                Remove one of the two.
            tidegate.toml:23:7: routes[1].app: there is no application "echo "
                Did you mean "echo"?
        "#]],
    );
}
