//! What production refuses and development lets pass, with or without a word.

use expect_test::{Expect, expect};

use super::{check_in, surroundings};

/// What each profile says to `text`.
fn check_both(text: &str, development: Expect, production: Expect) {
    let mut surroundings = surroundings();
    surroundings.set("SHORT", "too short");
    check_in(&format!("profile = \"development\"\n{text}"), &surroundings, development);
    check_in(&format!("profile = \"production\"\n{text}"), &surroundings, production);
}

#[test]
fn a_short_secret() {
    check_both(
        "[keys.main]\nsecret = { env = \"SHORT\" }\n",
        expect![[r#"
            warnings
            tidegate.toml:3:10: keys.main.secret: 9 bytes are too short for a secret
                Take at least 32 bytes: openssl rand -hex 32
        "#]],
        expect![[r#"
            tidegate.toml:3:10: keys.main.secret: 9 bytes are too short for a secret
                Take at least 32 bytes: openssl rand -hex 32
        "#]],
    );
}

/// Threat D1: in any profile.
#[test]
fn a_short_api_key() {
    check_both(
        "[api]\nkeys = [{ name = \"a\", secret = { env = \"SHORT\" }, scopes = [\"admin\"] }]\n",
        expect![[r#"
            tidegate.toml:3:32: api.keys[0].secret: 9 bytes are too short for a secret
                Take at least 32 bytes: openssl rand -hex 32
        "#]],
        expect![[r#"
            tidegate.toml:3:32: api.keys[0].secret: 9 bytes are too short for a secret
                Take at least 32 bytes: openssl rand -hex 32
        "#]],
    );
}

#[test]
fn plain_http_in_the_open() {
    check_both(
        "[server]\nlisten = \"0.0.0.0:80\"\n",
        expect![[r#"
            warnings
            tidegate.toml:3:10: server.listen: plain HTTP on 0.0.0.0:80
                Add [server.tls], list the proxy that ends TLS in trusted_proxies, or listen on 127.0.0.1.
        "#]],
        expect![[r#"
            tidegate.toml:3:10: server.listen: plain HTTP on 0.0.0.0:80
                Add [server.tls], list the proxy that ends TLS in trusted_proxies, or listen on 127.0.0.1.
        "#]],
    );
    check_both(
        "[server]\nlisten = \"0.0.0.0:80\"\ntrusted_proxies = [\"10.0.0.0/8\"]\n",
        expect![[r#"
            fine
        "#]],
        expect![[r#"
            fine
        "#]],
    );
}

#[test]
fn the_echo_application() {
    check_both(
        "[[routes]]\npath = \"/echo\"\ntokens = \"none\"\napp = \"echo\"\n",
        expect![[r#"
            fine
        "#]],
        expect![[r#"
            tidegate.toml:5:7: routes[0].app: echo is for development
                It sends back whatever anyone sends. Remove the route, or use development.
        "#]],
    );
}

#[test]
fn cookies_of_the_same_origin_on_any_host() {
    let route = "[keys.main]\nsecret = { env = \"TIDEGATE_SECRET\" }\n[tokens.access]\nkeys = \
                 [\"main\"]\n[[routes]]\npath = \"/\"\ntokens = \"access\"\nfrom = [\"cookie:s\"]\n";
    check_both(
        route,
        expect![[r#"
            warnings
            tidegate.toml:6:1: routes[0].origins: the same origin as any host, together with cookies
                Write server.hosts, or a list of origins: a name that is pointed at this server (DNS rebinding) would count as the same origin.
        "#]],
        expect![[r#"
            tidegate.toml:6:1: routes[0].origins: the same origin as any host, together with cookies
                Write server.hosts, or a list of origins: a name that is pointed at this server (DNS rebinding) would count as the same origin.
        "#]],
    );
    let hosts = "[server]\nhosts = [\"chat.example.com\"]\n";
    check_both(
        &format!("{hosts}{route}"),
        expect![[r#"
            fine
        "#]],
        expect![[r#"
            fine
        "#]],
    );
}

#[test]
fn production_is_the_default() {
    check_in(
        "[server]\nlisten = \"0.0.0.0:80\"\n",
        &surroundings(),
        expect![[r#"
            tidegate.toml:2:10: server.listen: plain HTTP on 0.0.0.0:80
                Add [server.tls], list the proxy that ends TLS in trusted_proxies, or listen on 127.0.0.1.
        "#]],
    );
    check_in(
        "",
        &surroundings(),
        expect![[r#"
            fine
        "#]],
    );
}
