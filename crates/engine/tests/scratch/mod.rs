//! Directories for tests that open many databases.
#![allow(dead_code, clippy::unwrap_used)]

/// In memory where the system offers that: hundreds of images are opened, and what a real disk does
/// with a flush is not what these tests are about.
pub fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}
