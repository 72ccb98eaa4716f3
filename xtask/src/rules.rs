//! The rules, one module each. A rule looks at the tree and says what it found and what to do:
//! `path:line: sentence`.

mod arrows;
mod books;
mod dependencies;
mod fresh;
mod pages;
mod purity;
mod queues;
mod requirements;
mod source;
mod standing;
#[cfg(test)]
mod tests;

#[cfg(test)]
use tests::check;

use crate::tree::Tree;

pub(crate) type Rule = fn(&Tree) -> Vec<String>;

pub(crate) const ALL: &[(&str, Rule)] = &[
    ("arrows", arrows::findings),
    ("books", books::findings),
    ("dependencies", dependencies::findings),
    ("fresh", fresh::findings),
    ("pages", pages::findings),
    ("purity", purity::findings),
    ("queues", queues::findings),
    ("requirements", requirements::findings),
    ("source", source::findings),
    ("standing", standing::findings),
];
