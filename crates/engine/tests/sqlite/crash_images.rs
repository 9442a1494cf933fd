//! The files as a crash can leave them: whatever the cut, the book opens with the state of a
//! committed batch, and with everything that was acknowledged before it.

use crate::dump::dump;
use crate::memory::Tables;
use crate::rig::{Rig, actor, add, add_later, emit, key, keyed, open, pay};
use crate::toy::ToyCommand;
use engine::batch::SealedBatch;
use engine::store::StoreWriter;
use engine::store::sqlite::{DATABASE_FILE, SqliteStore};
use engine::{Envelope, Repeat, Task, VaultEntry};
use std::path::Path;
use std::sync::Arc;

const FRAME: usize = 24 + 8_192;
const WAL_HEADER: usize = 32;

/// Batches and what a store holds after each; the first entry is the empty store.
struct Story {
    batches: Vec<Arc<SealedBatch>>,
    states: Vec<Tables>,
}

fn story() -> Story {
    let mut rig = Rig::new();
    let mut story = Story {
        batches: Vec::new(),
        states: vec![rig.tables()],
    };
    let secret = VaultEntry {
        id: "card_1".into(),
        clear_text: zeroize::Zeroizing::new(b"6222020200112233445".to_vec()),
    };
    for round in 0..6u128 {
        rig.send(open(&[&format!("a{round}"), &format!("b{round}")], true));
        rig.send(pay(round * 10 + 1, 1, 2, 5));
        rig.run(keyed(add("counter", 1), key(&format!("{round}"), "body")));
        rig.send(emit("n", Repeat::Always));
        rig.send(add_later("counter", 1, 60));
        if round == 2 {
            let envelope = Envelope::new(actor(), add("counter", 1));
            rig.run(Task::Envelope(Envelope {
                vault: vec![secret.clone()],
                ..envelope
            }));
            rig.send(ToyCommand::TurnDay);
        }
        // Some batches that fill several pages.
        if round == 3 {
            rig.send(ToyCommand::Touch { counters: 150 });
        }
        let batch = rig.seal().unwrap();
        rig.commit_sealed(&batch);
        story.batches.push(batch);
        story.states.push(rig.tables());
    }
    story
}

/// Database and log after each commit; the logs grow, the database stays as it was opened.
struct Images {
    database: Vec<u8>,
    /// Length of the log after each commit, beginning with none.
    ends: Vec<usize>,
    log: Vec<u8>,
    /// The database when everything has been moved into it.
    moved: Vec<u8>,
}

fn read(directory: &Path, suffix: &str) -> Vec<u8> {
    std::fs::read(directory.join(format!("{DATABASE_FILE}{suffix}"))).unwrap_or_default()
}

fn images(story: &Story) -> Images {
    let directory = testing::scratch::directory();
    let store = SqliteStore::open(directory.path()).unwrap();
    let mut writer = store.writer().unwrap();
    let database = read(directory.path(), "");
    let mut ends = vec![0];
    for batch in &story.batches {
        writer.commit(batch).unwrap();
        assert_eq!(
            read(directory.path(), ""),
            database,
            "the log was moved too early for this test"
        );
        ends.push(read(directory.path(), "-wal").len());
    }
    let log = read(directory.path(), "-wal");
    // Closing the last connection moves the log into the database.
    drop((writer, store));
    let moved = read(directory.path(), "");
    Images {
        database,
        ends,
        log,
        moved,
    }
}

impl Images {
    /// What is there after a crash that left these files.
    fn recovered(&self, database: &[u8], log: &[u8]) -> (tempfile::TempDir, Tables) {
        let directory = testing::scratch::directory();
        let path = directory.path().join(DATABASE_FILE);
        std::fs::write(&path, database).unwrap();
        std::fs::write(directory.path().join(format!("{DATABASE_FILE}-wal")), log).unwrap();
        let tables = dump(directory.path());
        (directory, tables)
    }

    /// Commits that lie wholly before a position of the log.
    fn whole_before(&self, position: usize) -> usize {
        self.ends.iter().filter(|end| **end <= position).count() - 1
    }
}

fn check(story: &Story, found: &Tables, commits: usize, what: &str) {
    let expected = &story.states[commits];
    assert_eq!(found.head, expected.head, "{what}");
    assert!(
        found == expected,
        "{what}: other rows than after batch {commits}"
    );
}

#[test]
fn every_cut_of_the_log_leaves_a_committed_state() {
    let story = story();
    let images = images(&story);
    let frames = (images.log.len() - WAL_HEADER) / FRAME;
    assert!(frames > 40 && (images.log.len() - WAL_HEADER).is_multiple_of(FRAME));
    let mut cuts: Vec<usize> = vec![0, 1, WAL_HEADER - 1, WAL_HEADER];
    for frame in 0..frames {
        let start = WAL_HEADER + frame * FRAME;
        cuts.extend([
            start + 12,
            start + 24,
            start + 4_000,
            start + FRAME - 1,
            start + FRAME,
        ]);
    }
    for cut in cuts {
        let (_directory, found) = images.recovered(&images.database, &images.log[..cut]);
        let commits = images.whole_before(cut);
        check(
            &story,
            &found,
            commits,
            &format!("cut at {cut} of {}", images.log.len()),
        );
    }
}

#[test]
fn a_damaged_frame_ends_the_log_before_its_commit() {
    let story = story();
    let images = images(&story);
    let frames = (images.log.len() - WAL_HEADER) / FRAME;
    for frame in 0..frames {
        let start = WAL_HEADER + frame * FRAME;
        // In the page, in the checksum, and a tail of zeros as a file system may leave it.
        for damage in 0..3 {
            let mut log = images.log.clone();
            match damage {
                0 => log[start + 24 + 5_000] ^= 0x40,
                1 => log[start + 17] ^= 1,
                _ => log[start + 2_000..].fill(0),
            }
            let (_directory, found) = images.recovered(&images.database, &log);
            let commits = images.whole_before(start);
            check(
                &story,
                &found,
                commits,
                &format!("frame {frame} damaged, way {damage}"),
            );
        }
    }
}

#[test]
fn a_crash_while_the_log_is_moved_loses_nothing() {
    let story = story();
    let images = images(&story);
    let pages = images.moved.len() / 8_192;
    assert!(images.database.len() < images.moved.len());
    for done in 0..=pages {
        // The first pages are the new ones already; one more may be half written.
        for torn in [0, 3_000] {
            let new = (done * 8_192 + torn).min(images.moved.len());
            let mut database = images.moved[..new].to_vec();
            if images.database.len() > new {
                database.extend_from_slice(&images.database[new..]);
            }
            let (_directory, found) = images.recovered(&database, &images.log);
            check(
                &story,
                &found,
                story.batches.len(),
                &format!("{done} pages moved, {torn} torn"),
            );
        }
    }
}

#[test]
fn writing_goes_on_from_any_recovered_state() {
    let story = story();
    let images = images(&story);
    for commits in 0..story.batches.len() {
        // A few bytes of the next commit had been written.
        let cut = images.ends[commits] + 100;
        let (directory, _) = images.recovered(&images.database, &images.log[..cut]);
        let store = SqliteStore::open(directory.path()).unwrap();
        let mut writer = store.writer().unwrap();
        for batch in &story.batches[commits..] {
            writer.commit(batch).unwrap();
        }
        drop((writer, store));
        let found = dump(directory.path());
        check(
            &story,
            &found,
            story.batches.len(),
            &format!("continued after {commits}"),
        );
        let queries = SqliteStore::open_read_only(directory.path()).unwrap();
        assert!(
            engine::verify::verify(&queries, &mut |_, _| {})
                .unwrap()
                .holds()
        );
    }
}
