//! The files of the repository: what git tracks, and what it would track if asked now.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

/// One file. The path is from the root of the repository, with `/`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File<'a> {
    pub(crate) path: &'a str,
    bytes: &'a [u8],
}

impl<'a> File<'a> {
    /// `None` for what is no text.
    pub(crate) fn text(self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes).ok()
    }

    pub(crate) fn len(self) -> usize {
        self.bytes.len()
    }

    /// `rs` of `src/main.rs`; nothing of `Makefile`.
    pub(crate) fn extension(self) -> &'a str {
        Path::new(self.path).extension().and_then(|it| it.to_str()).unwrap_or_default()
    }

    /// Whether it holds nothing but tests and what they stand on. Tests that share a file with
    /// what they test are cut off by [`crate::code::without_tests`].
    pub(crate) fn is_test(self) -> bool {
        let last = self.path.rsplit('/').next().unwrap_or_default();
        let first = self.path.split('/').next().unwrap_or_default();
        self.path.contains("/tests/")
            || matches!(last, "tests.rs" | "fixtures.rs")
            || matches!(first, "tests" | "bench" | "fuzz" | "xtask")
            || self.path.starts_with("crates/sim/")
    }
}

#[derive(Debug)]
pub(crate) struct Tree {
    files: BTreeMap<String, Vec<u8>>,
}

impl Tree {
    pub(crate) fn of_this_repository() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        // A checkout that belongs to somebody else, as in a container, is read all the same.
        let listed = Command::new("git")
            .args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others"])
            .arg("--exclude-standard")
            .current_dir(&root)
            .output()
            .expect("the house rules need git, to know which files are the repository's");
        assert!(
            listed.status.success(),
            "git ls-files: {}",
            String::from_utf8_lossy(&listed.stderr)
        );
        let listed = String::from_utf8(listed.stdout).expect("paths are UTF-8");
        // What was deleted and not committed is still listed, and no longer there to read.
        let read = |path: &str| Some((path.to_owned(), fs::read(root.join(path)).ok()?));
        Self { files: listed.split_terminator('\0').filter_map(read).collect() }
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = File<'_>> {
        self.files.iter().map(|(path, bytes)| File { path, bytes })
    }

    pub(crate) fn with_extension(&self, extension: &str) -> impl Iterator<Item = File<'_>> {
        self.files().filter(move |it| it.extension() == extension)
    }

    /// The text of one file, if it is there and is text.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).and_then(|it| std::str::from_utf8(it).ok())
    }

    /// Whether there is such a file, or a folder with something in it.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        self.files.contains_key(path)
            || self.files.range(folder.clone()..).next().is_some_and(|it| it.0.starts_with(&folder))
    }
}

#[cfg(test)]
impl Tree {
    /// A repository that was made up to break a rule.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let owned = |it: &(&str, &str)| (it.0.to_owned(), it.1.as_bytes().to_vec());
        Self { files: files.iter().map(owned).collect() }
    }
}
