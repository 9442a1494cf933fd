//! The schema's steps as they are released.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

/// The steps of a store, in order.
pub fn released(store: &str) -> Vec<String> {
    let stores = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let folder = stores.join(store).join("migrations");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect()
}
