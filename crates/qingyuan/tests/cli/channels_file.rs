//! `serve --channels FILE`: what is wrong is said with file, line and field, and no secret is repeated.

use crate::support::process::{Finished, Serving, over, run, serve_in_vain, text, write};
use sandbox::{CertifiedKey, generate_merchant};
use std::path::Path;
use std::sync::OnceLock;

const SECRET: &str = "an-api-v3-key-of-32-characters!!";

/// Two key pairs, made once.
fn keys() -> &'static [CertifiedKey; 2] {
    static KEYS: OnceLock<[CertifiedKey; 2]> = OnceLock::new();
    KEYS.get_or_init(|| ["1900000109", "other"].map(|name| generate_merchant(name).unwrap()))
}

/// A directory with the keys as files, and the text of a channels file.
fn directory() -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let [own, other] = keys();
    write(directory.path(), "own.crt", own.certificate_pem());
    write(directory.path(), "own.key", own.private_key_pem());
    write(directory.path(), "other.crt", other.certificate_pem());
    write(directory.path(), "other.key", other.private_key_pem());
    let content = format!(
        r#"[wechat]
merchant_id = "1900000109"
app_id = "wx8888888888888888"
certificate = {{ file = "own.crt" }}
private_key = {{ file = "own.key" }}
api_v3_key = "{SECRET}"
base_url = "http://127.0.0.1:9"
[wechat.platform_keys]
{} = {{ file = "other.crt" }}
"#,
        other.serial_hex()
    );
    (directory, content)
}

fn serve(directory: &Path, content: &str) -> Finished {
    let channels = write(directory, "channels.toml", content);
    let data = directory.join("book");
    let finished = serve_in_vain(&data, &["--channels", text(&channels)]);
    let said = format!("{}{}", finished.stdout, finished.stderr);
    assert!(!said.contains(SECRET) && !said.contains("BEGIN"), "{said}");
    assert!(!data.exists(), "the book is not touched");
    finished
}

#[test]
fn a_usable_file_is_taken() {
    let (directory, content) = directory();
    let channels = write(directory.path(), "channels.toml", &content);
    let data = directory.path().join("book");
    let arguments = over(&data, &["--channels", text(&channels)]);
    let server = Serving::start(&arguments, &directory.path().join("log"));
    assert!(server.terminate().success());
}

#[test]
fn what_is_wrong_is_named() {
    let cases: [(&str, &str, &[&str]); 14] = [
        (
            "app_id",
            "ap_id",
            &["channels.toml, line 3", "ap_id", "app_id"],
        ),
        (
            "merchant_id = \"1900000109\"\n",
            "",
            &["channels.toml, line 1", "wechat", "merchant_id"],
        ),
        ("[wechat]\n", "[wechat\n", &["channels.toml, line 1"]),
        (
            "[wechat]\n",
            "[alipay]\n[wechat]\n",
            &["alipay", "unionpay"],
        ),
        (
            "\"1900000109\"",
            "1900000109",
            &["line 2", "wechat.merchant_id"],
        ),
        (
            "\"1900000109\"",
            "\"19-09\"",
            &["wechat.merchant_id", "letters and digits"],
        ),
        (
            "{ file = \"own.key\" }",
            "{ fiel = \"own.key\" }",
            &["line 5", "private_key", "fiel", "file"],
        ),
        (
            "file = \"own.key\"",
            "file = \"none.key\"",
            &["wechat.private_key", "none.key", "No such file"],
        ),
        (
            "file = \"own.key\"",
            "file = \"own.crt\"",
            &["wechat.private_key", "holds something else"],
        ),
        (
            "file = \"own.key\"",
            "file = \"other.key\"",
            &["wechat.private_key", "not the key of certificate"],
        ),
        (
            "an-api-v3-key-of-32-characters!!",
            "too-short",
            &["wechat.api_v3_key", "32 bytes"],
        ),
        (
            "file = \"other.crt\"",
            "file = \"own.crt\"",
            &["wechat.platform_keys.", "the certificate's number is"],
        ),
        ("http://127.0.0.1:9", "127.0.0.1:9", &["wechat.base_url"]),
        (
            "[wechat]\n",
            "[unionpay]\n[wechat]\n",
            &["line 1", "unionpay", "missing field"],
        ),
    ];
    let (directory, content) = directory();
    for (from, to, words) in cases {
        assert!(content.contains(from), "{from}");
        serve(directory.path(), &content.replacen(from, to, 1)).refused(words);
    }
}

#[test]
fn a_secret_without_its_quotes_is_not_repeated() {
    let (directory, content) = directory();
    for bare in [
        "12345678901234567890",
        "true",
        "[\"12345678901234567890\"]",
        "1.2345678901234",
    ] {
        let wrong = content.replacen(&format!("\"{SECRET}\""), bare, 1);
        let refused = serve(directory.path(), &wrong).refused(&["line 6", "wechat.api_v3_key"]);
        assert!(!refused.stderr.contains("1234567890"), "{refused:?}");
    }
    let unclosed = content.replacen(&format!("{SECRET}\""), SECRET, 1);
    serve(directory.path(), &unclosed).refused(&["line 6"]);
}

#[test]
fn a_file_without_channels_or_none_at_all() {
    let (directory, _) = directory();
    serve(directory.path(), "").refused(&["channels.toml", "it describes no channel"]);
    let missing = directory.path().join("none.toml");
    run([
        "serve",
        "--bind",
        "127.0.0.1:0",
        "--channels",
        text(&missing),
    ])
    .refused(&["none.toml", "No such file"]);
}
