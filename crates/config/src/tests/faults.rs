//! Every kind of fault: a snippet, and what is told about it.

use expect_test::expect;

use super::{KEYS, check, route};

#[test]
fn what_is_not_toml_is_told_with_its_place() {
    check(
        "[server\nlisten = ",
        expect![[r#"
            tidegate.toml:1:8: not TOML: unclosed table, expected `]`
                See https://toml.io for how it is written.
        "#]],
    );
    check(
        "a = 1\na = 2\n",
        expect![[r#"
            tidegate.toml:2:1: not TOML: duplicate key
                See https://toml.io for how it is written.
        "#]],
    );
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    check(
        "[server]\nlistne = \"127.0.0.1:8000\"\n",
        expect![[r#"
            tidegate.toml:2:1: server.listne: there is no such key
                Did you mean "listen"?
        "#]],
    );
    check(
        "[servr]\n",
        expect![[r#"
            tidegate.toml:1:2: servr: there is no such key
                Did you mean "server"?
        "#]],
    );
    check(
        "[server]\nzebra = 1\n",
        expect![[r#"
            tidegate.toml:2:1: server.zebra: there is no such key
                docs/configuration.md lists what is known here.
        "#]],
    );
    check(
        &route("limits = { message = \"60/min\" }"),
        expect![[r#"
            tidegate.toml:10:12: routes[0].limits.message: there is no such key
                Did you mean "messages"?
        "#]],
    );
    check(
        "[log]\ncolour = true\n",
        expect![[r#"
            tidegate.toml:2:1: log.colour: there is no such key
                Known here: "level", "format".
        "#]],
    );
}

#[test]
fn a_value_of_the_wrong_kind_is_refused() {
    check(
        "server = 5\n",
        expect![[r#"
            tidegate.toml:1:10: server: a number stands where a table is expected
                Write [server] and its keys below, or { key = value }.
        "#]],
    );
    check(
        "routes = { path = \"/\" }\n",
        expect![[r#"
            tidegate.toml:1:10: routes: a table stands where a list of tables is expected
                Write [[routes]] above each of them.
        "#]],
    );
    check(
        "routes = [5]\n",
        expect![[r#"
            tidegate.toml:1:11: routes[0]: a number stands where a table is expected
                Write [[routes]] and its keys below.
        "#]],
    );
    check(
        "[keys]\nmain = \"0123456789abcdef\"\n",
        expect![[r#"
            tidegate.toml:2:8: keys.main: text stands where a table is expected
                Write [keys.main] and its keys below, or { key = value }.
        "#]],
    );
    check(
        "[server]\nlisten = 8000\n",
        expect![[r#"
            tidegate.toml:2:10: server.listen: a number stands where an address and a port is expected
                Write an address and a port, such as "127.0.0.1:8000" or "[::]:8000".
        "#]],
    );
    check(
        "[server]\nlisten = \"example.com:80\"\n",
        expect![[r#"
            tidegate.toml:2:10: server.listen: "example.com:80" is not an address and a port
                Write an address and a port, such as "127.0.0.1:8000" or "[::]:8000".
        "#]],
    );
    check(
        "[server]\nproxy_protocol = \"yes\"\n",
        expect![[r#"
            tidegate.toml:2:18: server.proxy_protocol: text stands where true or false is expected
                Write true or false, without quotes.
        "#]],
    );
    check(
        "[server]\nheaders_max = \"many\"\n",
        expect![[r#"
            tidegate.toml:2:15: server.headers_max: text stands where a count is expected
                Write a whole number without quotes, such as 5.
        "#]],
    );
    check(
        "[server]\nheaders_max = -1\n",
        expect![[r#"
            tidegate.toml:2:15: server.headers_max: -1 is out of range
                Write a whole number from 0 to 4294967295.
        "#]],
    );
    check(
        "[server]\ndata_dir = \"\"\n",
        expect![[r#"
            tidegate.toml:2:12: server.data_dir: the text is empty
                Write something, or leave the key out.
        "#]],
    );
    check(
        "[server]\ntrusted_proxies = [\"10.0.0.0/8\", \"10.0.0.1/8\", \"nginx\"]\n",
        expect![[r#"
            tidegate.toml:2:34: server.trusted_proxies[1]: "10.0.0.1/8": bits are set behind the leading ones; the network is 10.0.0.0/8
                Write an address or a range, such as "127.0.0.1" or "10.0.0.0/8".
            tidegate.toml:2:48: server.trusted_proxies[2]: "nginx": write an address, or an address / and the count of its leading bits
                Write an address or a range, such as "127.0.0.1" or "10.0.0.0/8".
        "#]],
    );
    check(
        "[server]\nhosts = [\"https://chat.example.com\"]\n",
        expect![[r#"
            tidegate.toml:2:9: server.hosts: "https://chat.example.com" is not a host
                Write the name alone, such as "chat.example.com", without scheme or path.
        "#]],
    );
}

#[test]
fn a_number_without_its_unit_is_refused() {
    check(
        "[server]\ndrain_over = 10\n",
        expect![[r#"
            tidegate.toml:2:14: server.drain_over: 10 has no unit
                Write a whole number with its unit, such as "250ms", "30s", "10m", "1h" or "7d".
        "#]],
    );
    check(
        "[server]\ndrain_over = \"10\"\n",
        expect![[r#"
            tidegate.toml:2:14: server.drain_over: "10" has no unit
                Write a whole number with its unit, such as "250ms", "30s", "10m", "1h" or "7d".
        "#]],
    );
    check(
        "[server]\nrequest_bytes_max = 1048576\n",
        expect![[r#"
            tidegate.toml:2:21: server.request_bytes_max: 1048576 has no unit
                Write a whole number with its unit, such as "500B", "64KiB" or "1MiB".
        "#]],
    );
    check(
        &route("limits = { messages = 60 }"),
        expect![[r#"
            tidegate.toml:10:23: routes[0].limits.messages: 60 has no unit
                Write a count and its span, such as "5/s", "60/min" or "10/hour".
        "#]],
    );
    check(
        &route("limits = { messages = \"60\" }"),
        expect![[r#"
            tidegate.toml:10:23: routes[0].limits.messages: "60" is not a rate
                Write a count and its span, such as "5/s", "60/min" or "10/hour".
        "#]],
    );
    check(
        &route("limits = { messages = \"0/min\" }"),
        expect![[r#"
            tidegate.toml:10:23: routes[0].limits.messages: "0/min": a rate needs a count of at least 1
                Write a count and its span, such as "5/s", "60/min" or "10/hour".
        "#]],
    );
}

#[test]
fn a_number_out_of_bounds_is_refused() {
    check(
        "[server]\nshards = 0\n",
        expect![[r#"
            tidegate.toml:2:10: server.shards: 0 is out of bounds
                Write something from 1 to 1024.
        "#]],
    );
    check(
        "[server]\nhead_bytes_max = \"1MiB\"\n",
        expect![[r#"
            tidegate.toml:2:18: server.head_bytes_max: "1MiB" is out of bounds
                Write something from "1KiB" to "256KiB".
        "#]],
    );
    check(
        "[server]\nhandshake_within = \"2h\"\n",
        expect![[r#"
            tidegate.toml:2:20: server.handshake_within: "2h" is out of bounds
                Write something from "1s" to "1m".
        "#]],
    );
    check(
        "[server]\nbackoff = { wait_min = \"1m\", wait_max = \"1s\" }\n",
        expect![[r#"
            tidegate.toml:2:41: server.backoff.wait_max: shorter than wait_min
                Make wait_max longer than wait_min.
        "#]],
    );
    check(
        "[server]\ndrain_over = \"1m\"\n",
        expect![[r#"
            tidegate.toml:2:14: server.drain_over: drain_within is shorter than drain_over
                Make drain_within longer than drain_over.
        "#]],
    );
    check(
        &route("message_bytes_max = \"1GiB\""),
        expect![[r#"
            tidegate.toml:10:21: routes[0].message_bytes_max: "1GiB" is out of bounds
                Write something from "1B" to "256MiB".
        "#]],
    );
    check(
        "[tokens.access]\nkeys = []\nleeway = \"5m\"\n",
        expect![[r#"
            tidegate.toml:2:8: tokens.access.keys: the key set has no key to verify tokens with
                Name at least one [keys.NAME].
            tidegate.toml:3:10: tokens.access.leeway: "5m" is out of bounds
                Write something from "0s" to "1m".
        "#]],
    );
}

#[test]
fn a_word_that_is_not_known_is_refused_with_the_nearest() {
    check(
        "profile = \"prod\"\n",
        expect![[r#"
            tidegate.toml:1:11: profile: "prod" is not known
                Known here: "development", "production".
        "#]],
    );
    check(
        &route("refusal = \"closed\""),
        expect![[r#"
            tidegate.toml:10:11: routes[0].refusal: "closed" is not known
                Did you mean "close"?
        "#]],
    );
    check(
        &route("dialect = \"socketio\""),
        expect![[r#"
            fine
        "#]],
    );
    check(
        "[log]\nlevel = \"info,net=debgu\"\n",
        expect![[r#"
            tidegate.toml:2:9: log.level: "debgu" is no level
                Did you mean "debug"?
        "#]],
    );
    check(
        "[[permissions]]\nallow = [\"subscribe\", \"publsh\"]\nchannels = [\"a\"]\n",
        expect![[r#"
            tidegate.toml:2:23: permissions[0].allow[1]: "publsh" is not known
                Did you mean "publish"?
        "#]],
    );
}

#[test]
fn permissions_and_namespaces_are_checked() {
    check(
        "[[permissions]]\nchannels = [\"news:*\"]\n",
        expect![[r#"
            tidegate.toml:1:1: permissions[0]: a rule either allows or denies
                Write either allow = ["subscribe"] or deny = ["publish"].
        "#]],
    );
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
    check(
        "[namespaces.\"user:1\"]\n",
        expect![[r#"
            tidegate.toml:1:1: namespaces.user:1: a namespace has no colon
                Write the part before the first colon, or "*".
        "#]],
    );
    check(
        "[namespaces.user]\nslow = \"wait\"\n",
        expect![[r#"
            tidegate.toml:2:8: namespaces.user.slow: "wait" is not known
                Known here: "close", "drop".
        "#]],
    );
    check(
        "[namespaces.user]\nmailbox = true\nconfirm = \"accepted\"\n",
        expect![[r#"
            tidegate.toml:2:11: namespaces.user.mailbox: there is no log to count in
                Add log = "disk" or log = "memory".
            tidegate.toml:3:11: namespaces.user.confirm: only a log on disk has this
                Add log = "disk", or leave this out.
        "#]],
    );
    check(
        "[namespaces.user]\npresence_grace = \"1m\"\npresence_events_max = 9\n",
        expect![[r#"
            tidegate.toml:2:18: namespaces.user.presence_grace: "1m" is out of bounds
                Write something from "0s" to "40s".
            tidegate.toml:2:18: namespaces.user.presence_grace: nobody is told who is here
                Add presence = true, or leave this out.
            tidegate.toml:3:23: namespaces.user.presence_events_max: nobody is told who is here
                Add presence = true, or leave this out.
        "#]],
    );
    check(
        "[namespaces.user]\nlog = \"disk\"\nconfirm = \"accepted\"\n",
        expect![[r#"
        tidegate.toml:3:11: namespaces.user.confirm: what is confirmed before it is on disk is not written at once
            Add durability = "interval", or leave this out.
    "#]],
    );
    check(
        "[namespaces.user]\nlog = \"memory\"\ndurability = \"sync\"\nkeep_messages = 0\n",
        expect![[r#"
            tidegate.toml:3:14: namespaces.user.durability: only a log on disk has this
                Add log = "disk", or leave this out.
            tidegate.toml:4:17: namespaces.user.keep_messages: 0 is out of bounds
                Write something from 1 to 100000000.
        "#]],
    );
}

#[test]
fn monitoring_names_tokens_that_a_route_takes() {
    check(
        &format!("{KEYS}[monitoring]\ntokens = \"access\"\n"),
        expect![[r#"
            tidegate.toml:8:10: monitoring.tokens: no route takes these tokens
                Name the [tokens.NAME] of a route.
        "#]],
    );
    check(
        &route("[monitoring]\ntokens = \"admin\""),
        expect![[r#"
            tidegate.toml:11:10: monitoring.tokens: there is no [tokens.admin]
                Known here: "access".
        "#]],
    );
}

#[test]
fn nothing_is_read_where_no_proxy_is_trusted() {
    check(
        "[server]\nproxy_protocol = true\nforwarded = \"forwarded\"\n",
        expect![[r#"
            tidegate.toml:2:18: server.proxy_protocol: no proxy is trusted, so nothing would be read
                List the proxy in trusted_proxies, or remove this key.
            tidegate.toml:3:13: server.forwarded: no proxy is trusted, so nothing would be read
                List the proxy in trusted_proxies, or remove this key.
        "#]],
    );
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
