//! House rules that a compiler cannot know. `cargo xtask` says where the tree breaks one;
//! `cargo test -p xtask` also shows that each rule fires.

mod code;
mod manifest;
mod rules;
mod tree;

use std::process::ExitCode;

use tree::Tree;

#[expect(clippy::print_stdout, reason = "what was found is the answer")]
fn main() -> ExitCode {
    let tree = Tree::of_this_repository();
    let mut found = 0;
    for (_, rule) in rules::ALL {
        for finding in rule(&tree) {
            println!("{finding}");
            found += 1;
        }
    }
    println!("{} files, {} rules, {found} findings", tree.files().count(), rules::ALL.len());
    if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
