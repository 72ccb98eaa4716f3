//! The files that a newcomer starts from.

use proto::Dialect;

use super::example;
use crate::AppKind;

#[test]
fn the_bench_has_no_limits() {
    let config = example("bench.toml");
    assert_eq!(config.warnings, []);
    let names: Vec<&str> = config.routes.iter().map(|it| &*it.route.name).collect();
    assert_eq!(names, ["bench", "native", "echo"]);
    for entry in &config.routes {
        let limits = &entry.route.limits;
        assert_eq!(limits.connections_per_address, None);
        assert_eq!(limits.attempts_per_address, None);
        assert_eq!(limits.connections_per_user, None);
        assert_eq!(entry.policy.messages, None);
    }
    assert_eq!(config.server.limits.backoff, None);
    let [bench, native, echo] = &config.routes[..] else { panic!("three routes") };
    assert_eq!(bench.route.joins[0].as_str(), "{channel}");
    assert_eq!(native.policy.dialect, Dialect::Native);
    assert!(echo.route.tokens.is_none() && echo.policy.has_app);
    assert_eq!(echo.route.message_bytes_max, 16 << 20);
    assert!(70_000 < echo.route.fragments_max);
    assert_eq!(config.apps.iter().map(|it| it.kind).collect::<Vec<_>>(), [AppKind::Echo]);
}
