//! Keys are as long as whoever asks makes them; an index of PostgreSQL takes 2,704 bytes of a row.

use crate::books;
use crate::rig::{actor, add};
use crate::toy::ToyReply;
use engine::runtime::Counters;
use engine::{Envelope, Idempotency, Verdict};
use sha2::{Digest, Sha256};
use testing::postgres::Server;

/// Text that no compression makes short.
fn noise(seed: &str, length: usize) -> String {
    let mut text = String::new();
    for block in 0.. {
        if text.len() >= length {
            break;
        }
        text += &hex::encode(Sha256::digest(format!("{seed} {block}")));
    }
    text.truncate(length);
    text
}

#[test]
fn idempotency_keys_of_any_length_are_kept_and_told_apart() {
    let server = Server::shared();
    let store = books::open(&server.fresh());
    let running = books::run(&store, books::take(&store, "a").epoch);
    let ask = |scope: &str, key: &str| {
        let envelope = Envelope {
            idempotency: Some(Idempotency {
                scope: scope.into(),
                key: key.into(),
                body_hash: "body".into(),
            }),
            ..Envelope::new(actor(), add("counter", 1))
        };
        let outcome = running.engine.submit_blocking(envelope).unwrap();
        (outcome.result, outcome.replayed)
    };
    let long = noise("scope", 8_000);
    let pairs = [
        (long.clone(), "k".to_owned()),
        (format!("{long}k"), String::new()),
        ("scope".to_owned(), noise("key", 8_000)),
        (noise("scope", 2_600), noise("key", 255)),
    ];
    for (number, (scope, key)) in (1..).zip(&pairs) {
        let done = Verdict::Done(ToyReply::Value(number));
        assert_eq!(ask(scope, key), (done.clone(), false));
        assert_eq!(ask(scope, key), (done, true));
    }
    assert_eq!(Counters::get(&running.engine.counters().failed_commits), 0);
    running.stop();
}
