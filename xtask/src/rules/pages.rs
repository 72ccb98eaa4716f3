//! Markdown: one title a page, and links that lead somewhere.

use crate::tree::Tree;

pub(crate) fn findings(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for page in tree.with_extension("md") {
        // Pieces that are put into a page made by a program.
        if page.path.starts_with("crates/") && page.path.contains("/src/") {
            continue;
        }
        let text = page.text().unwrap_or_default();
        let titles = prose(text).filter(|it| it.1.starts_with("# ")).count();
        if titles != 1 {
            found.push(format!("{}:1: {titles} titles", page.path));
        }
        for (line, target) in links(text) {
            if let Some(fault) = fault_of(tree, page.path, target) {
                found.push(format!("{}:{line}: {target}: {fault}", page.path));
            }
        }
    }
    found
}

/// Lines with their number, without what stands in fences.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        }
        (!is_fenced).then_some((index + 1, line))
    })
}

/// What `[text](target)` and `src="target"` point at.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    prose(text).flat_map(|(line, text)| {
        let inline = text.split("](").skip(1).filter_map(|it| it.split(')').next());
        let pictures = text.split("src=\"").skip(1).filter_map(|it| it.split('"').next());
        inline.chain(pictures).map(move |it| (line, it))
    })
}

fn fault_of(tree: &Tree, page: &str, target: &str) -> Option<&'static str> {
    // What lives elsewhere cannot be looked at from a test.
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let folder = page.rsplit_once('/').map_or("", |it| it.0);
    let Some(path) = resolved(if path.is_empty() { page } else { path }, folder, page) else {
        return Some("leads out of the repository");
    };
    if !tree.has(&path) {
        return Some("is not there");
    }
    let headings = tree.text(&path).unwrap_or_default();
    let is_found = heading.is_empty()
        || prose(headings).any(|it| it.1.starts_with('#') && anchor(it.1) == heading);
    (!is_found).then_some("has no such heading")
}

/// The path from the root, or `None` outside it.
fn resolved(path: &str, folder: &str, page: &str) -> Option<String> {
    if path == page {
        return Some(path.to_owned());
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|it| !it.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => (),
            ".." => drop(parts.pop()?),
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The name by which a heading is linked to.
fn anchor(heading: &str) -> String {
    let kept = |it: char| match it {
        ' ' => Some('-'),
        '-' | '_' => Some(it),
        _ => it.is_alphanumeric().then(|| it.to_ascii_lowercase()),
    };
    heading.trim_start_matches('#').trim().chars().filter_map(kept).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::check;

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let page = "# A\n[b](b.md), [b](b.md#two-words), [b](b.md#three), [c](c.md), [up](../README.md)\n\
                    [out](../../README.md) [self](#a) [web](https://example.com/nothing)\n\
                    ```\n# no title\n[no](link)\n```\n";
        let files = [
            ("README.md", "# Readme\n<img src=\"docs/none.svg\">\n[folder](docs/)\n"),
            ("docs/a.md", page),
            ("docs/b.md", "# B\n\n## Two `words`\n\n# Another\n"),
        ];
        check(
            findings,
            &files,
            expect![[r#"
                README.md:2: docs/none.svg: is not there
                docs/a.md:2: b.md#three: has no such heading
                docs/a.md:2: c.md: is not there
                docs/a.md:3: ../../README.md: leads out of the repository
                docs/b.md:1: 2 titles
            "#]],
        );
    }
}
