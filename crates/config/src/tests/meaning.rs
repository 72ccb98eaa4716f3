//! What a file comes to mean.

use std::time::Duration;

use admission::{HostRule, Keys, OriginRule, TokenSource};
use limits::{Mode, Rate, RouteLimits};
use proto::Dialect;
use session::{Policy, WhenFull};

use super::{KEYS, meant, route};
use crate::most_memory;

#[test]
fn a_route_is_careful_unless_told_otherwise() {
    let config = meant(&format!("{KEYS}[[routes]]\npath = \"/ws\"\ntokens = \"access\"\n"));
    let entry = &config.routes[0];
    assert_eq!(&*entry.route.name, "/ws");
    assert_eq!(entry.route.dialect, Dialect::Plain);
    assert_eq!(entry.route.origins, OriginRule::SameOrigin);
    assert!(entry.route.allow_missing_origin);
    let tokens = entry.route.tokens.as_ref().unwrap();
    assert_eq!(tokens.sources, [TokenSource::Query("token".to_owned()), TokenSource::Bearer]);
    // R27, R28, R30 and the rest of the mission's numbers, except that silence is judged by pings.
    let idle = Duration::from_secs(35);
    assert_eq!(entry.route.limits, RouteLimits { idle, ..RouteLimits::default() });
    assert_eq!(entry.policy.messages, Rate::per_minute(60).ok());
    assert_eq!(entry.policy.ping_every + entry.policy.pong_within, idle);
    assert_eq!(entry.policy.idle_after, None);
}

#[test]
fn limits_can_be_told_off_one_by_one_or_all() {
    let text = |limits: &str| {
        format!("{KEYS}[[routes]]\npath = \"/ws\"\ntokens = \"none\"\nlimits = {limits}\n")
    };
    let limits = |text: &str| meant(text).routes[0].route.limits.clone();
    let one = limits(&text("{ messages = \"none\", mode = \"observe\" }"));
    assert_eq!((one.messages, one.typing), (None, RouteLimits::default().typing));
    assert_eq!(one.connections_per_address, Some(5));
    assert_eq!(one.mode, Mode::Observe);
    let all = limits(&text("\"none\""));
    assert_eq!((all.messages, all.typing, all.attempts_per_address), (None, None, None));
    assert_eq!((all.connections_per_address, all.connections_per_user), (None, None));
}

/// R22, R24: kept wherever users have names, unless told otherwise.
#[test]
fn sessions_are_kept_where_users_have_names() {
    let sessions = |more: &str| meant(&route(more)).routes[0].route.sessions;
    assert_eq!(sessions(""), Some(Policy::default()));
    assert_eq!(sessions("sessions = \"none\""), None);
    let told =
        Policy { max: Some(3), when_full: WhenFull::Replace, grace: Duration::from_secs(300) };
    assert_eq!(
        sessions("sessions = { max = 3, when_full = \"replace\", grace = \"5m\" }"),
        Some(told)
    );
    let nobody = |more: &str| {
        let text = format!("[[routes]]\npath = \"/ws\"\ntokens = \"none\"\n{more}\n");
        meant(&text).routes[0].route.sessions
    };
    assert_eq!((nobody(""), nobody("sessions = \"none\"")), (None, None));
}

/// R22. Where no channel keeps anything there is nothing to recover, and events stay as they are,
/// unless the file says otherwise.
#[test]
fn clients_of_socketio_recover_where_there_are_logs() {
    let recovers = |dialect: &str, more: &str, namespaces: &str| {
        let text = route(&format!("dialect = \"{dialect}\"\n{more}\n{namespaces}"));
        meant(&text).routes[0].policy.recovers
    };
    let log = "[namespaces.log]\nlog = \"disk\"\n";
    assert!(recovers("socketio", "", log));
    assert!(recovers("socketio", "", "[namespaces.\"*\"]\nlog = \"memory\"\n"));
    assert!(!recovers("socketio", "", ""));
    assert!(recovers("socketio", "sessions = { recovery = true }", ""), "for the session alone");
    assert!(!recovers("socketio", "sessions = { recovery = false }", log));
    assert!(!recovers("socketio", "sessions = \"none\"", log));
    assert!(!recovers("native", "", log));
}

/// R10: only where the file says so, and with a key that what it signs is verified with.
#[test]
fn newer_tokens_are_made_where_a_key_is_named() {
    assert!(meant(KEYS).verifiers[0].mint.is_none());
    let minting = format!("{KEYS}mint = \"main\"\n");
    let mint = meant(&minting).verifiers[0].mint.clone().unwrap();
    assert_eq!(mint.lifetime, Duration::from_secs(900));
    let longer = format!("{minting}lifetime = \"2h\"\n");
    assert_eq!(meant(&longer).verifiers[0].mint.as_ref().unwrap().lifetime.as_secs(), 7200);
}

#[test]
fn the_most_memory_has_sessions_and_revocations_in_it() {
    let config = meant(&route(""));
    let memory = most_memory(&config, 1).to_string();
    for part in ["sessions", "left", "revoked"] {
        assert!(memory.lines().any(|it| it.trim_start().starts_with(part)), "{part}:\n{memory}");
    }
    assert!(!memory.contains("live sessions"), "nobody recovers:\n{memory}");
    let recovers = route("dialect = \"socketio\"\nsessions = { recovery = true }\n");
    let memory = most_memory(&meant(&recovers), 1).to_string();
    assert!(memory.contains("live sessions"), "{memory}");
}

#[test]
fn the_limits_of_engine_and_admission_agree() {
    let config = meant(&format!(
        "{KEYS}[[routes]]\npath = \"/ws\"\ntokens = \"none\"\nmessage_bytes_max = \"1MiB\"\n\
         first_message_within = \"3s\"\nlimits = {{ messages = \"5/s\" }}\n"
    ));
    let entry = &config.routes[0];
    assert_eq!(entry.route.message_bytes_max, 1 << 20);
    assert_eq!(entry.route.limits.message_bytes_max, 1 << 20);
    assert_eq!(entry.policy.messages, entry.route.limits.messages);
    assert_eq!(entry.policy.first_message_within, entry.route.limits.first_message);
}

#[test]
fn an_alias_is_the_same_route_at_another_path() {
    let config = meant(&format!(
        "{KEYS}[[routes]]\nname = \"n\"\npath = \"/ws/n/\"\naliases = [\"/\"]\ntokens = \"none\"\n\
         app = \"echo\"\n"
    ));
    let paths: Vec<&str> = config.routes.iter().map(|it| it.route.path.as_str()).collect();
    assert_eq!(paths, ["/ws/n/", "/"]);
    assert!(config.routes.iter().all(|it| &*it.route.name == "n" && it.policy.has_app));
}

#[test]
fn cookies_need_an_origin() {
    let config = meant(&format!(
        "{KEYS}[[routes]]\npath = \"/\"\ntokens = \"access\"\nfrom = [\"cookie:s\"]\n\
         origins = [\"HTTPS://App.Example.com:443\", \"http://localhost:3000\"]\n"
    ));
    let route = &config.routes[0].route;
    assert!(!route.allow_missing_origin);
    let listed = ["https://app.example.com", "http://localhost:3000"].map(str::to_owned);
    assert_eq!(route.origins, OriginRule::Listed(listed.into()));
}

#[test]
fn a_published_key_set_is_fetched_from_where_the_file_says() {
    let config = meant(
        "[keys.clerk]\njwks = { url = \"https://clerk.example/jwks.json\" }\n[tokens.chat]\n\
         keys = [\"clerk\"]\nissuer = [\"https://clerk.example\"]\nleeway = \"10s\"\n",
    );
    let Keys::Published(source) = &config.verifiers[0].verifier.keys else { panic!("published") };
    assert_eq!(source.url, "https://clerk.example/jwks.json");
    assert_eq!(source.issuer, "https://clerk.example");
    assert_eq!(config.sources().collect::<Vec<_>>(), [source]);
    assert!(config.signing().is_none());
}

#[test]
fn a_secret_signs_and_its_rules_are_told_along() {
    let config = meant(&format!("{KEYS}require = {{ token_type = [\"access\"], staff = true }}\n"));
    let (_, verifier) = config.signing().unwrap();
    assert_eq!(&*verifier.name, "access");
    let text = |it: &str| it.to_owned();
    assert_eq!(
        verifier.verifier.rules.required,
        [(text("staff"), vec![text("true")]), (text("token_type"), vec![text("access")])]
    );
}

#[test]
fn permissions_become_a_rule_for_each_pattern() {
    let config = meant(
        "[[permissions]]\nallow = [\"subscribe\", \"publish\"]\nchannels = [\"news:*\", \
         \"user:{user}\"]\n[[permissions]]\ndeny = [\"publish\"]\nchannels = [\"news:*\"]\n\
         require = { role = \"Student\" }\n",
    );
    assert_eq!(config.permissions.allow.len(), 2);
    assert_eq!(config.permissions.deny.len(), 1);
    assert_eq!(config.permissions.deny[0].require["role"], ["Student"]);
}

#[test]
fn a_namespace_called_star_is_all_the_others() {
    let config = meant("[namespaces.\"*\"]\nslow = \"drop\"\n[namespaces.chat]\n");
    assert_eq!(config.namespaces.of("anything").slow, engine::Slow::Drop);
    assert_eq!(config.namespaces.of("chat").slow, engine::Slow::Close);
}

#[test]
fn any_host_is_answered_unless_some_are_listed() {
    assert_eq!(meant("").server.hosts, HostRule::Any);
    assert_eq!(meant("[server]\nhosts = [\"*\"]\n").server.hosts, HostRule::Any);
    let listed = meant("[server]\nhosts = [\"chat.example.com\"]\n").server.hosts;
    assert_eq!(listed, HostRule::Listed(vec!["chat.example.com".to_owned()]));
}

#[test]
fn the_most_memory_is_the_limits_multiplied_out() {
    let config = meant(
        "[server]\nshards = 2\nconnections_max = 1000\n[[routes]]\npath = \"/\"\ntokens = \"none\"\n\
         app = \"notifications\"\n[[routes]]\npath = \"/big\"\ntokens = \"none\"\n\
         message_bytes_max = \"128KiB\"\n",
    );
    let memory = most_memory(&config, 8);
    assert_eq!(memory.total(), memory.parts.iter().map(|it| it.2).sum::<u64>());
    expect_test::expect![[r#"
        the most memory that can be used, if every limit is reached at once:
          records    1000 connections x 2KiB                       2 MiB
          unfinished 1000 connections x 128KiB                   125 MiB
          member of  1000 connections x 16KiB                     16 MiB
          outboxes   1000 connections x 1MiB                    1000 MiB
          inboxes    2 shards x 320MiB                           640 MiB
          logs       in memory, all together                     256 MiB
          the store  what waits to be written, and its cache     217 MiB
          addresses  100000 addresses x 296B                      29 MiB
          requests   1024 HTTP connections x 32KiB                32 MiB
          bodies     of HTTP requests, all together               64 MiB
          total                                                 2380 MiB"#]]
    .assert_eq(&memory.to_string());
}

#[test]
fn a_log_is_confirmed_on_disk_unless_it_is_written_later() {
    use engine::{Class, Confirm, Storage};
    let log = |keys: &str| {
        let rules = meant(&format!("[namespaces.a]\n{keys}\n")).namespaces.of("a").log;
        (rules.storage, rules.confirm)
    };
    assert_eq!(log("").0, Storage::None);
    assert_eq!(log("log = \"memory\"").0, Storage::Memory);
    assert_eq!(log("log = \"disk\""), (Storage::Disk(Class::Sync), Confirm::Disk));
    let later = "log = \"disk\"\ndurability = \"interval\"";
    assert_eq!(log(later), (Storage::Disk(Class::Interval), Confirm::Accepted));
    let both = format!("{later}\nconfirm = \"disk\"");
    assert_eq!(log(&both), (Storage::Disk(Class::Interval), Confirm::Disk));
}

#[test]
fn presence_is_told_where_it_is_asked_for() {
    use engine::PresenceRules;
    let presence =
        |keys: &str| meant(&format!("[namespaces.a]\n{keys}\n")).namespaces.of("a").presence;
    assert_eq!(presence("slow = \"drop\""), None);
    assert_eq!(presence("presence = true"), Some(PresenceRules::default()));
    let rules = PresenceRules { grace: Duration::from_secs(5), events_max: 0 };
    let keys = "presence = true\npresence_grace = \"5s\"\npresence_events_max = 0";
    assert_eq!(presence(keys), Some(rules));
}

#[test]
fn who_is_here_is_reckoned_with_where_it_is_told() {
    let route = "[[routes]]\npath = \"/ws\"\ntokens = \"none\"\n";
    let parts = |keys: &str| most_memory(&meant(&format!("{route}{keys}")), 1).parts;
    let presence = |keys: &str| parts(keys).iter().any(|it| it.0 == "presence");
    assert!(!presence("[namespaces.a]\nslow = \"drop\"\n"));
    assert!(presence("[namespaces.a]\npresence = true\n"));
    assert!(presence("[namespaces.\"*\"]\npresence = true\n"));
}
