//! Servers that are started together on an empty database.

use crate::support::process::{Serving, over, program, run};
use std::path::Path;
use testing::postgres::{Durability, Server};

fn start(directory: &Path, url: &str, name: &str) -> Result<Serving, String> {
    let data = directory.join(name);
    let arguments = over(&data, &["--postgres", url, "--shards", "4"]);
    let log = directory.join(format!("{name}.log"));
    Serving::start_with(program(), &arguments, &log)
}

#[test]
fn one_of_them_begins_the_book_and_the_others_need_its_key() {
    let directory = tempfile::tempdir().unwrap();
    let database = Server::start(Durability::Memory);
    let url = database.url(&database.create_database());
    let names = ["one", "two", "three"];
    let started: Vec<_> = std::thread::scope(|scope| {
        let starts = names.map(|name| {
            let (directory, url) = (directory.path(), &url);
            scope.spawn(move || (name, start(directory, url, name)))
        });
        starts.map(|start| start.join().unwrap()).into()
    });
    let (begun, refused): (Vec<_>, Vec<_>) =
        started.into_iter().partition(|(_, start)| start.is_ok());
    assert_eq!(begun.len(), 1, "{} refused", refused.len());
    let key = directory.path().join(begun[0].0).join("vault.key");
    for (name, start) in refused {
        let log = start.err().unwrap();
        assert!(log.contains("vault key"), "{log}");
        let own = directory.path().join(name).join("vault.key");
        assert!(!own.exists(), "a key of its own would open nothing");
        std::fs::copy(&key, own).unwrap();
        let again = self::start(directory.path(), &url, name).unwrap();
        assert!(again.terminate().success());
    }
    for (_, start) in begun {
        assert!(start.unwrap().terminate().success());
    }
    run(["verify", "--json", "--postgres", &url]).expect(0);
}
