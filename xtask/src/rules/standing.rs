//! The repository stands alone: it names nothing beside it and no registry, and stays light.

use crate::tree::Tree;

const BYTES_MAX: usize = 200_000;

/// Hosts of registries and mirrors, without their dots: this file names none either. Whoever builds
/// has theirs configured; ours would be wrong.
const HOSTS: &[&[&str]] = &[
    &["archive", "ubuntu", "com"],
    &["crates", "io"],
    &["deb", "debian", "org"],
    &["docker", "io"],
    &["files", "pythonhosted", "org"],
    &["ghcr", "io"],
    &["npmjs", "org"],
    &["npmjs", "com"],
    &["proxy", "golang", "org"],
    &["pypi", "org"],
    &["quay", "io"],
    &["security", "debian", "org"],
];

/// Folders that lie beside this one on some machines.
const NEIGHBOURS: &[&str] = &[concat!("..", "/shared"), concat!("/", "work/")];

fn words() -> Vec<String> {
    let hosts = HOSTS.iter().map(|it| it.join("."));
    hosts.chain(NEIGHBOURS.iter().map(|it| (*it).to_owned())).collect()
}

pub(crate) fn findings(tree: &Tree) -> Vec<String> {
    let (mut found, words) = (Vec::new(), words());
    for file in tree.files() {
        if BYTES_MAX < file.len() {
            found.push(format!("{}:1: {} bytes", file.path, file.len()));
        }
        // Cargo writes the index it knows into its locks.
        let is_lock = file.path.ends_with("Cargo.lock");
        let Some(text) = file.text().filter(|_| !is_lock) else { continue };
        for (index, line) in text.lines().enumerate() {
            for word in words.iter().filter(|it| line.contains(it.as_str())) {
                found.push(format!("{}:{}: names {word}", file.path, index + 1));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leans_on_something_else_is_found() {
        let heavy = "a".repeat(BYTES_MAX + 1);
        let [index, neighbour] = [HOSTS[1].join("."), NEIGHBOURS[0].to_owned()];
        let named = format!("See {neighbour}/design.\nFrom https://{index}/simple.\n");
        let files = [("Cargo.lock", index.as_str()), ("docs/a.md", &named), ("docs/b.svg", &heavy)];
        let found = findings(&Tree::of(&files));
        let expected = [
            format!("docs/a.md:1: names {neighbour}"),
            format!("docs/a.md:2: names {index}"),
            "docs/b.svg:1: 200001 bytes".to_owned(),
        ];
        assert_eq!(found, expected);
    }
}
