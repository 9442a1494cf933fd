//! Directories for tests that write much.

use std::process::Command;
use std::sync::LazyLock;
use tempfile::TempDir;

const MEMORY: &str = "/dev/shm";
/// What has to be free there: a container often has 64 MB, which the tests would fill.
const FREE_MIN: u64 = 2 << 30;

/// In memory where the system offers that: hundreds of images are opened, and what a real disk does
/// with a flush is not what these tests are about.
pub fn directory() -> TempDir {
    static ROOMY: LazyLock<bool> =
        LazyLock::new(|| free(MEMORY).is_some_and(|bytes| bytes >= FREE_MIN));
    let in_memory = ROOMY.then(|| tempfile::tempdir_in(MEMORY).ok()).flatten();
    in_memory.unwrap_or_else(|| tempfile::tempdir().unwrap())
}

/// Bytes free where a directory is.
fn free(directory: &str) -> Option<u64> {
    let mut asked = Command::new("df");
    asked.args(["--block-size=1", "--output=avail", directory]);
    let printed = String::from_utf8(asked.output().ok()?.stdout).ok()?;
    printed.lines().last()?.trim().parse().ok()
}
