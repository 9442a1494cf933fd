//! Encrypted connections: the database's certificate is checked, or there is no connection.

use crate::books;
use engine::store::StoreError;
use engine::store::postgres::PostgresStore;
use std::path::{Path, PathBuf};
use std::process::Command;
use testing::postgres::{Durability, Server};

/// An authority, and a certificate of it for a name.
struct Certificates {
    directory: tempfile::TempDir,
}

impl Certificates {
    fn of(name: &str) -> Certificates {
        let directory = testing::scratch::directory();
        let at = |file: &str| directory.path().join(file);
        let path = |file: &str| at(file).display().to_string();
        let new_key = [
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ];
        openssl(
            &[
                &["req", "-x509", "-days", "30", "-subj", "/CN=An authority"],
                &new_key[..],
            ]
            .concat(),
            &[("-keyout", at("ca.key")), ("-out", at("ca.pem"))],
        );
        let name = format!("subjectAltName={name}");
        let of_authority = (path("ca.pem"), path("ca.key"));
        let request = [
            "req",
            "-x509",
            "-days",
            "30",
            "-subj",
            "/CN=A database",
            "-addext",
            &name,
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-CA",
            &of_authority.0,
            "-CAkey",
            &of_authority.1,
        ];
        openssl(
            &[&request[..], &new_key[..]].concat(),
            &[("-keyout", at("server.key")), ("-out", at("server.crt"))],
        );
        Certificates { directory }
    }

    fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.directory.path().join(file)).unwrap()
    }
}

fn openssl(arguments: &[&str], files: &[(&str, PathBuf)]) {
    let mut command = Command::new("openssl");
    command.args(arguments);
    for (option, file) in files {
        command.arg(option).arg(file);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// A server that wants encryption of everybody but its own tools.
fn server(certificates: &Certificates) -> Server {
    let hba = "host postgres all 127.0.0.1/32 trust\nhostssl all all 127.0.0.1/32 trust\n";
    Server::configured(
        Durability::Memory,
        "ssl=on",
        &[
            ("server.key", &certificates.read("server.key")),
            ("server.crt", &certificates.read("server.crt")),
            ("pg_hba.conf", hba),
        ],
    )
}

fn refusal(url: &str) -> StoreError {
    PostgresStore::open(url, books::one_shard()).unwrap_err()
}

#[test]
fn a_checked_certificate_lets_in_and_nothing_else_does() {
    let certificates = Certificates::of("DNS:localhost");
    let server = server(&certificates);
    let database = server.create_database();
    let url = |host: &str, mode: &str, authority: &Path| {
        let port = server.port();
        let authority = authority.display();
        format!(
            "postgres://qingyuan@{host}:{port}/{database}?sslmode={mode}&sslrootcert={authority}"
        )
    };
    let own = certificates.authority();
    let store = books::open(&url("localhost", "verify-full", &own));
    let encrypted = "SELECT bool_and(s.ssl) AND count(*)>0 FROM pg_stat_ssl s JOIN pg_stat_activity a USING(pid) \
         WHERE a.application_name LIKE 'qingyuan %'";
    let running = books::run(&store, books::take(&store, "a").epoch);
    assert_eq!(server.sql("postgres", encrypted).trim(), "t");
    running.stop();

    let strange = Certificates::of("DNS:localhost");
    let error = refusal(&url("localhost", "verify-full", &strange.authority()));
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(
        error.to_string().contains("invalid peer certificate"),
        "{error}"
    );
    // The name is checked, not only the authority.
    let error = refusal(&url("127.0.0.1", "verify-full", &own));
    assert!(
        error.to_string().contains("invalid peer certificate"),
        "{error}"
    );
    let error = refusal(&url("localhost", "disable", &own));
    assert!(error.to_string().contains("no encryption"), "{error}");
    let error = refusal(&url("localhost", "require", &own));
    assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
    assert!(
        error.to_string().contains("use sslmode=verify-full"),
        "{error}"
    );
}

#[test]
fn a_server_without_encryption_is_not_spoken_to() {
    let certificates = Certificates::of("DNS:localhost");
    let server = Server::shared();
    let url = format!(
        "postgres://qingyuan@localhost:{}/{}?sslmode=verify-full&sslrootcert={}",
        server.port(),
        server.create_database(),
        certificates.authority().display()
    );
    let error = refusal(&url);
    assert!(
        error.to_string().contains("does not support TLS"),
        "{error}"
    );
}
