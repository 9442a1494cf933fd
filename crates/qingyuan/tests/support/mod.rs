//! The program as its users meet it: processes, files, HTTP.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "each test file uses a part of it"
)]

pub mod database;
pub mod http;
pub mod process;

use server::ApiKeyConfig;
use std::path::{Path, PathBuf};

/// A number of the environment, by which a run is made longer or another.
pub fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect(variable))
}

/// A small generator of numbers: equal seeds give equal runs.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// 0 to `sides - 1` (splitmix64).
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides.max(1)
    }
}

/// Copies the files of a directory that has no subdirectories.
pub fn copy_directory(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// A key as the settings have it.
pub fn api_key(key: &ApiKeyConfig) -> String {
    let (id, hash, principal, role) = (&key.id, &key.sha256, &key.principal, key.role.name());
    format!(
        "[[api_keys]]\nid = \"{id}\"\nsha256 = \"{hash}\"\nprincipal = \"{principal}\"\nrole = \"{role}\"\n"
    )
}

/// The database in a data directory.
pub fn database_file(directory: &Path) -> PathBuf {
    directory.join(engine::store::sqlite::DATABASE_FILE)
}
