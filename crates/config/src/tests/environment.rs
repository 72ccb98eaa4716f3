//! What the environment changes.

use expect_test::expect;

use super::{KEYS, check_in, meant, surroundings, with};
use crate::{Profile, load_text};

#[test]
fn variables_override_the_file() {
    let mut surroundings = surroundings();
    surroundings.set("TIDEGATE_PROFILE", "development");
    surroundings.set("TIDEGATE_LISTEN", "[::1]:9000");
    surroundings.set("TIDEGATE_DATA_DIR", "/var/lib/tidegate");
    surroundings.set("TIDEGATE_LOG", "debug");
    surroundings.set("TIDEGATE_SERVER_SHARDS", "3");
    surroundings.set("TIDEGATE_SERVER_DRAIN_OVER", "5s");
    surroundings.set("TIDEGATE_SERVER_PROXY_PROTOCOL", "false");
    let text = "profile = \"production\"\n[server]\nshards = 1\nlisten = \"127.0.0.1:1\"\n";
    let config = load_text("tidegate.toml", text, &surroundings).unwrap();
    assert_eq!(config.profile, Profile::Development);
    assert_eq!(config.server.listen.to_string(), "[::1]:9000");
    assert_eq!(config.server.data_dir.display().to_string(), "/var/lib/tidegate");
    assert_eq!(config.server.shards, Some(3));
    assert_eq!(config.server.drain_over.as_secs(), 5);
    assert_eq!(config.log.level, "debug");
}

#[test]
fn the_long_name_works_where_there_is_a_short_one() {
    let surroundings = with("TIDEGATE_SERVER_LISTEN", "127.0.0.1:9001");
    let config = load_text("tidegate.toml", KEYS, &surroundings).unwrap();
    assert_eq!(config.server.listen.port(), 9001);
}

#[test]
fn a_fault_in_a_variable_names_the_variable() {
    check_in(
        KEYS,
        &with("TIDEGATE_LISTEN", "8000"),
        expect![[r#"
            environment TIDEGATE_LISTEN: server.listen: a number stands where an address and a port is expected
                Write an address and a port, such as "127.0.0.1:8000" or "[::]:8000".
        "#]],
    );
    check_in(
        KEYS,
        &with("TIDEGATE_SERVER_DRAIN_OVER", "10"),
        expect![[r#"
            environment TIDEGATE_SERVER_DRAIN_OVER: server.drain_over: 10 has no unit
                Write a whole number with its unit, such as "250ms", "30s", "10m", "1h" or "7d".
        "#]],
    );
    check_in(
        KEYS,
        &with("TIDEGATE_PROFILE", "prod"),
        expect![[r#"
            environment TIDEGATE_PROFILE: profile: "prod" is not known
                Known here: "development", "production".
        "#]],
    );
}

#[test]
fn a_variable_that_stands_for_nothing_is_refused() {
    check_in(
        KEYS,
        &with("TIDEGATE_SERVER_LISTNE", "127.0.0.1:1"),
        expect![[r#"
            environment TIDEGATE_SERVER_LISTNE: no key of this name
                Did you mean "TIDEGATE_SERVER_LISTEN"?
        "#]],
    );
    check_in(
        KEYS,
        &with("TIDEGATE_ELSEWHERE", "is nobody's business"),
        expect![[r#"
            fine
        "#]],
    );
}

#[test]
fn a_variable_holds_a_value_and_no_table() {
    let hosts = with("TIDEGATE_SERVER_HOSTS", "[\"a.example\", \"b.example\"]");
    let config = load_text("tidegate.toml", KEYS, &hosts).unwrap();
    let listed = ["a.example", "b.example"].map(str::to_owned);
    assert_eq!(config.server.hosts, admission::HostRule::Listed(listed.into()));
    check_in(
        KEYS,
        &with("TIDEGATE_SERVER_HOSTS", "a.example"),
        expect![[r#"
            environment TIDEGATE_SERVER_HOSTS: server.hosts: text stands where a list is expected
                Write a list in brackets, such as ["a", "b"].
        "#]],
    );
    check_in(
        KEYS,
        &with("TIDEGATE_SERVER_TLS", "cert.pem"),
        expect![[r#"
            environment TIDEGATE_SERVER_TLS: no key of this name
                Did you mean "TIDEGATE_SERVER_HOSTS"?
        "#]],
    );
}

#[test]
fn an_empty_variable_is_no_variable() {
    check_in(
        KEYS,
        &with("TIDEGATE_LISTEN", ""),
        expect![[r#"
            fine
        "#]],
    );
    check_in(
        KEYS,
        &with("TIDEGATE_SECRET", ""),
        expect![[r#"
            tidegate.toml:4:10: keys.main.secret: the variable TIDEGATE_SECRET is not set
                Set it, for instance with: export TIDEGATE_SECRET=$(openssl rand -hex 32)
        "#]],
    );
}

#[test]
fn paths_in_the_file_start_from_its_folder_and_in_variables_from_here() {
    let config = meant("[server]\ndata_dir = \"data\"\n");
    assert!(config.server.data_dir.ends_with("crates/config/data"));
    let config = load_text("tidegate.toml", "", &with("TIDEGATE_DATA_DIR", "data")).unwrap();
    assert_eq!(config.server.data_dir.display().to_string(), "data");
}
