//! What a Cargo.toml says that rules ask about. Manifests here are plain: one name a line.

use crate::tree::Tree;

/// A member of the workspace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    pub(crate) name: &'a str,
    /// Its folder, from the root of the repository.
    pub(crate) folder: &'a str,
    pub(crate) manifest: &'a str,
}

/// The workspace's members, in the order of their folders.
pub(crate) fn members(tree: &Tree) -> impl Iterator<Item = Member<'_>> {
    tree.with_extension("toml").filter_map(|it| {
        let folder = it.path.strip_suffix("/Cargo.toml")?;
        // A workspace of its own.
        if folder == "fuzz" {
            return None;
        }
        let (name, manifest) = (folder.rsplit('/').next()?, it.text()?);
        Some(Member { name, folder, manifest })
    })
}

impl<'a> Member<'a> {
    /// What it needs to be built and run.
    pub(crate) fn dependencies(self) -> Vec<&'a str> {
        let tests_only = |it: &str| it.ends_with("dev-dependencies]");
        names(self.manifest, |it| it.ends_with("dependencies]") && !tests_only(it))
    }

    /// What only its tests and benchmarks need.
    pub(crate) fn dev_dependencies(self) -> Vec<&'a str> {
        names(self.manifest, |it| it.ends_with("dev-dependencies]"))
    }
}

/// The names in those sections whose header is asked for.
pub(crate) fn names(manifest: &str, is_asked_for: impl Fn(&str) -> bool) -> Vec<&str> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = is_asked_for(line);
        } else if inside && line.starts_with(|it: char| it.is_ascii_alphabetic()) {
            found.extend(line.split(['.', ' ', '=']).next());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_told_apart() {
        let manifest = "[package]\nname = \"a\"\n[dependencies]\nb.workspace = true\nc = \"1\"\n\
                        # d = \"1\"\n[target.'cfg(unix)'.dependencies]\ne = \"1\"\n\
                        [dev-dependencies]\nf = \"1\"\n";
        let member = Member { name: "a", folder: "crates/a", manifest };
        assert_eq!(member.dependencies(), ["b", "c", "e"]);
        assert_eq!(member.dev_dependencies(), ["f"]);
    }
}
