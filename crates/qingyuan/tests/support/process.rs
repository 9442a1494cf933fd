//! Running the program.

use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The program, with nothing of the caller's surroundings that changes what it does.
pub fn program() -> Command {
    program_at(Path::new(env!("CARGO_BIN_EXE_qingyuan")))
}

/// The same, of a copy.
pub fn program_at(path: &Path) -> Command {
    let mut command = Command::new(path);
    for variable in [
        "RUST_LOG",
        "RUST_BACKTRACE",
        "QINGYUAN_VAULT_KEY",
        "QINGYUAN_POSTGRES",
        "NO_COLOR",
        "CLICOLOR_FORCE",
    ] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null());
    command
}

/// A run that is over.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Finished {
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

impl Finished {
    /// Standard output as one JSON value.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails the test with everything that was printed.
    #[track_caller]
    pub fn expect(self, code: i32) -> Finished {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self
    }

    /// Exit status 2, nothing on standard output, and one sentence that says all of `parts`.
    #[track_caller]
    pub fn refused(self, parts: &[&str]) -> Finished {
        let finished = self.expect(2);
        assert_eq!(finished.stdout, "", "{finished:?}");
        assert!(finished.stderr.starts_with("qingyuan: "), "{finished:?}");
        for part in parts {
            assert!(finished.stderr.contains(part), "{part:?} in {finished:?}");
        }
        finished
    }
}

/// Runs the program to its end.
pub fn run<I: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = I>) -> Finished {
    let output = program().args(arguments).output().expect("it starts");
    output.into()
}

/// Arguments of `serve` over a book of its own, on a free port, and whatever else is given.
pub fn over<'a>(data: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    [&["--data", text(data), "--bind", "127.0.0.1:0"][..], more].concat()
}

/// `serve` that does not come up.
pub fn serve_in_vain(data: &Path, more: &[&str]) -> Finished {
    run([&["serve"][..], &over(data, more)].concat())
}

/// `verify --json` of a directory.
pub fn verify(directory: &Path) -> Finished {
    run([
        "verify".as_ref(),
        "--json".as_ref(),
        "--data".as_ref(),
        directory.as_os_str(),
    ])
}

/// `serve --json …`, killed when dropped.
pub struct Serving {
    child: Child,
    /// Where it answers.
    pub url: String,
    /// What it announced.
    pub announced: Value,
}

impl Serving {
    /// Starts it and waits until it has announced its address; its log is appended to a file.
    #[track_caller]
    pub fn start(arguments: &[&str], log: &Path) -> Serving {
        Serving::start_with(program(), arguments, log).unwrap_or_else(|failed| panic!("{failed}"))
    }

    /// As [`Serving::start`], the program being given; what it printed when it did not come up.
    pub fn start_with(
        mut program: Command,
        arguments: &[&str],
        log: &Path,
    ) -> Result<Serving, String> {
        let stderr = File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("a log file");
        let mut child = program
            .args(["serve", "--json"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            // The rest is read too, so that the pipe never fills.
            while let Some(Ok(line)) = lines.next() {
                let _ = sender.send(line);
            }
        });
        let mut serving = Serving {
            child,
            url: String::new(),
            announced: Value::Null,
        };
        let Ok(line) = receiver.recv_timeout(Duration::from_secs(60)) else {
            serving.kill();
            let log = std::fs::read_to_string(log).unwrap_or_default();
            return Err(format!("the server announced nothing; its log:\n{log}"));
        };
        serving.announced = serde_json::from_str(&line).expect("JSON");
        serving.url = serving.announced["url"].as_str().expect("a URL").to_owned();
        Ok(serving)
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGSTOP: it goes on later as if no time had passed.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(sent.success());
    }

    /// SIGTERM; waits for its end.
    pub fn terminate(mut self) -> ExitStatus {
        self.signal("-TERM");
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end after SIGTERM");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A free port below those that systems give to outgoing connections, so that nobody takes it while
/// the server that listens there is dead.
pub fn lasting_port() -> u16 {
    lasting_ports(1)[0]
}

/// The same, several.
pub fn lasting_ports(count: usize) -> Vec<u16> {
    let first = 20_000 + std::process::id() % 10_000;
    let ports: Vec<u16> = (first..first + 2_000)
        .map(|port| u16::try_from(port).expect("a port"))
        .filter(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .take(count)
        .collect();
    assert_eq!(ports.len(), count, "free ports");
    ports
}

/// Text arguments of a path.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// Writes a file in a directory.
pub fn write(directory: &Path, name: &str, content: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, content).expect("written");
    path
}
