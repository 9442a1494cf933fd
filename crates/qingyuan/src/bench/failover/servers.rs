//! Servers as processes of their own, since they are to be killed.

use crate::failure::Failure;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest time from the start of a server to its announcement.
const START_MAX: Duration = Duration::from_secs(60);

/// What starts them.
pub struct Program {
    /// The database.
    pub url: String,
    /// For the vault's key, which they share, and their logs.
    pub directory: PathBuf,
}

/// One that runs; killed when dropped.
pub struct Process {
    child: Child,
    /// Where it answers.
    pub address: SocketAddr,
}

impl Program {
    /// Starts a server as it is by default, with simulated channels beside it, and waits until it answers.
    pub fn start(&self) -> Result<Process, Failure> {
        let log = self.directory.join("servers.log");
        let opened = File::options().create(true).append(true).open(&log);
        let opened = opened.map_err(|error| Failure::file(&log, error))?;
        let itself = std::env::current_exe().map_err(Failure::other)?;
        let child = Command::new(itself)
            .args(["serve", "--json", "--sandbox", "--bind", "127.0.0.1:0"])
            .arg("--postgres")
            .arg(&self.url)
            .arg("--data")
            .arg(self.directory.join("keys"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(opened)
            .spawn()
            .map_err(Failure::other)?;
        let mut process = Process {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        process.address = process.announced().ok_or_else(|| unanswered(&log))?;
        Ok(process)
    }
}

/// The last lines of the log say why.
fn unanswered(log: &Path) -> Failure {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(5)..);
    Failure::other(format!(
        "a server did not start; the end of its log:\n{}",
        last.unwrap_or_default().join("\n")
    ))
}

impl Process {
    fn announced(&mut self) -> Option<SocketAddr> {
        let lines = BufReader::new(self.child.stdout.take()?).lines();
        let (sender, receiver) = std::sync::mpsc::channel();
        // Read to the end, so that the pipe never fills.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let line = receiver.recv_timeout(START_MAX).ok()?;
        let announced: Value = serde_json::from_str(&line).ok()?;
        let url = announced.get("url")?.as_str()?;
        url.strip_prefix("http://")?.parse().ok()
    }

    /// As leases name it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// SIGKILL. Answers when it was sent, and when the process was surely gone.
    pub fn kill(&mut self) -> Result<(Instant, Instant), Failure> {
        let sent = Instant::now();
        self.child.kill().map_err(Failure::other)?;
        self.child.wait().map_err(Failure::other)?;
        Ok((sent, Instant::now()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
