//! Stories of files, good and bad.

use std::{collections::BTreeMap, path::PathBuf};

use crate::{Config, Surroundings};

mod examples;

/// The surroundings of the examples: both secrets are set, and long enough.
fn surroundings(folder: PathBuf) -> Surroundings {
    let variables = BTreeMap::from([
        ("TIDEGATE_SECRET".to_owned(), "0123456789abcdef0123456789abcdef".to_owned()),
        ("TIDEGATE_API_KEY".to_owned(), "fedcba9876543210fedcba9876543210".to_owned()),
    ]);
    Surroundings::new(variables, folder)
}

fn example(name: &str) -> Config {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    let folder = path.parent().unwrap().to_owned();
    match crate::load_in(&path, &surroundings(folder)) {
        Ok(config) => config,
        Err(error) => panic!("{error}"),
    }
}
