//! The tree keeps every rule.

use expect_test::Expect;

use super::*;

/// What a rule says about a repository that was made up to break it.
pub(crate) fn check(rule: Rule, files: &[(&str, &str)], expected: Expect) {
    let found: String = rule(&Tree::of(files)).iter().map(|it| format!("{it}\n")).collect();
    expected.assert_eq(&found);
}

macro_rules! the_tree_keeps {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            let (_, rule) = ALL.iter().find(|it| it.0 == stringify!($name)).unwrap();
            let findings = rule(&Tree::of_this_repository());
            assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
        })*

        #[test]
        fn every_rule_is_kept() {
            let names: Vec<&str> = ALL.iter().map(|it| it.0).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

the_tree_keeps! {
    arrows books dependencies fresh pages purity queues requirements source standing
}
