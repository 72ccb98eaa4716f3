//! Which crate sees which. A new arrow is a design change: draw it here, in the same commit.

use std::fmt::Write as _;

use crate::{
    manifest::{Member, members},
    tree::Tree,
};

/// Name, what it is made of, what only its tests see. Pure crates first, the binary last.
const ARROWS: &[(&str, &str, &str)] = &[
    ("limits", "", ""),
    ("proto", "", ""),
    ("socketio", "", ""),
    ("wire", "", ""),
    ("permission", "proto", ""),
    ("session", "proto", ""),
    ("token", "proto", ""),
    ("admission", "limits permission proto session token wire", ""),
    ("engine", "limits permission proto", ""),
    ("app", "proto", ""),
    ("chat", "app proto", ""),
    ("checkins", "app proto", ""),
    ("notifications", "app proto", ""),
    ("config", "admission engine limits permission proto session token", ""),
    ("monitor", "limits proto", ""),
    ("net", "proto wire", ""),
    ("store", "proto", ""),
    ("front", "app limits monitor proto", ""),
    (
        "tidegate",
        "admission app chat checkins config engine front limits monitor net notifications permission \
         proto session socketio store token wire",
        "",
    ),
    ("bench", "token wire", "admission engine limits permission proto"),
    ("sim", "engine permission proto", ""),
    ("xtask", "", ""),
];

pub(crate) fn findings(tree: &Tree) -> Vec<String> {
    let names: Vec<&str> = members(tree).map(|it| it.name).collect();
    let drawn = |member: &Member<'_>| ARROWS.iter().find(|it| it.0 == member.name);
    let mut found = Vec::new();
    for member in members(tree) {
        let place = format!("{}/Cargo.toml:1", member.folder);
        let Some((_, made_of, tests_see)) = drawn(&member) else {
            found.push(format!(
                "{place}: a new crate; draw its arrows in xtask/src/rules/arrows.rs"
            ));
            continue;
        };
        let both = [
            ("", member.dependencies(), made_of),
            ("tests of ", member.dev_dependencies(), tests_see),
        ];
        for (what, mut named, drawn) in both {
            named.retain(|it| names.contains(it));
            named.sort_unstable();
            if named != drawn.split_whitespace().collect::<Vec<_>>() {
                let mut line = format!("{place}: {what}{} → {}", member.name, named.join(" "));
                write!(line, "; drawn is {drawn:?}").expect("a string takes all");
                found.push(line);
            }
        }
        if !member.manifest.contains("[lints]\nworkspace = true") {
            found.push(format!("{place}: the workspace's lints hold for every crate"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::check;

    #[test]
    fn an_arrow_that_is_not_drawn_is_found() {
        let lints = "[lints]\nworkspace = true\n";
        let files = [
            ("crates/limits/Cargo.toml", &*format!("[dependencies]\n{lints}")),
            ("crates/net/Cargo.toml", &*format!("[dependencies]\nmio = \"1\"\n{lints}")),
            ("crates/proto/Cargo.toml", &*format!("[dependencies]\nnet.workspace = true\n{lints}")),
            (
                "crates/wire/Cargo.toml",
                &*format!("[dev-dependencies]\nnet.workspace = true\n{lints}"),
            ),
            ("crates/permission/Cargo.toml", "[dependencies]\nproto.workspace = true\n"),
            ("crates/newcomer/Cargo.toml", lints),
        ];
        check(
            findings,
            &files,
            expect![[r#"
                crates/net/Cargo.toml:1: net → ; drawn is "proto wire"
                crates/newcomer/Cargo.toml:1: a new crate; draw its arrows in xtask/src/rules/arrows.rs
                crates/permission/Cargo.toml:1: the workspace's lints hold for every crate
                crates/proto/Cargo.toml:1: proto → net; drawn is ""
                crates/wire/Cargo.toml:1: tests of wire → net; drawn is ""
            "#]],
        );
    }

    /// A crate comes after what it is made of, so the table has no circle.
    #[test]
    fn the_table_is_in_order() {
        for (index, (name, made_of, _)) in ARROWS.iter().enumerate() {
            for part in made_of.split_whitespace() {
                let is_before = ARROWS[..index].iter().any(|it| it.0 == part);
                assert!(is_before, "{name} is made of {part}, which comes later");
            }
        }
    }
}
