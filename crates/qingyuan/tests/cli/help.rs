//! `--help` of every command says what one has to know before using it.

use crate::support::process::run;

#[test]
fn each_command_explains_itself() {
    let teaches: [(&[&str], &[&str]); 10] = [
        (
            &[],
            &[
                "demo",
                "serve",
                "verify",
                "sandbox",
                "bench",
                "qingyuan verify --data ./book",
            ],
        ),
        (
            &["demo"],
            &[
                "two business days",
                "lost and late and repeated notifications",
                "a payment after its close",
                "reconciled",
                "exit status 1",
                "--data",
                "--payments",
                "--seed",
                "--json",
            ],
        ),
        (
            &["serve"],
            &[
                "HTTP API",
                "SIGTERM",
                "killing it loses nothing that was answered",
                "--sandbox",
                "sandbox-operator",
                "--auto-pay",
                "--config",
                "--bind",
                "Port 0 takes a free one",
                "--channels",
            ],
        ),
        // The channels file is explained where it is named.
        (
            &["serve"],
            &[
                "[wechat]",
                "api_v3_key = { file =",
                "platform_keys",
                "[unionpay]",
                "encryption_certificate",
                "/notify/wechat",
                "public_url",
            ],
        ),
        (
            &["verify"],
            &[
                "without changing it",
                "a server may be running on it",
                "names every row",
                "Exit status 0",
                "1: something",
                "--data",
                "--json",
            ],
        ),
        (
            &["sandbox"],
            &[
                "WeChat Pay",
                "UnionPay",
                "faults on demand",
                "connection parameters as JSON",
                "--keys",
                "--wechat-port",
            ],
        ),
        (
            &["check"],
            &[
                "business model",
                "leg by leg",
                "docs/compliance-check.md",
                "no legal advice",
                "--facts",
                "--as-of",
                "--compare",
                "--lang",
                "--svg",
                "--mermaid",
                "Exit status 1",
            ],
        ),
        (&["bench"], &["ledger", "durable"]),
        (
            &["bench", "ledger"],
            &[
                "durable, journaled, hashed",
                "--transfers",
                "--accounts",
                "--batch",
                "--per-command",
            ],
        ),
        (
            &["bench", "failover"],
            &["killed", "--postgres", "--servers", "--kills", "--json"],
        ),
    ];
    for (command, words) in teaches {
        let help = run(command.iter().chain(&["--help"])).expect(0);
        for word in words {
            assert!(
                help.stdout.contains(word),
                "{command:?} does not mention {word:?}:\n{}",
                help.stdout
            );
        }
    }
}

#[test]
fn called_without_a_command_it_shows_what_there_is() {
    let shown = run::<&str>([]).expect(2);
    assert!(shown.stderr.contains("Usage: qingyuan"), "{shown:?}");
    let version = run(["--version"]).expect(0);
    assert_eq!(
        version.stdout,
        format!("qingyuan {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_slip_of_the_pen_is_named() {
    let slips: [(&[&str], &[&str]); 7] = [
        (&["verfiy"], &["'verfiy'", "verify"]),
        (&["demo", "--payment", "3"], &["'--payment'", "--payments"]),
        (&["demo", "--payments", "many"], &["'many'", "--payments"]),
        (
            &["serve", "--bind", "localhost"],
            &["'localhost'", "--bind"],
        ),
        (&["serve", "--auto-pay", "1"], &["--sandbox"]),
        (
            &["serve", "--sandbox", "--channels", "c.toml"],
            &["--sandbox", "--channels", "cannot be used with"],
        ),
        (&["verify"], &["--data"]),
    ];
    for (arguments, words) in slips {
        let refused = run(arguments).expect(2);
        for word in words {
            assert!(refused.stderr.contains(word), "{arguments:?}: {refused:?}");
        }
    }
}
