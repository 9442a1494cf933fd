//! A throw-away PostgreSQL server: its own folder, its own free port, gone with the test.

use crate::scratch;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::time::{Duration, Instant};

/// Where Debian keeps the server's programs, which are not in the PATH there.
const DEBIAN: &str = "/usr/lib/postgresql";
const START_MAX: Duration = Duration::from_secs(60);
/// Ports that are tried at most.
const PORTS_MAX: u32 = 10;

/// Whether a commit waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It does, as in operation.
    Disk,
    /// It does not: what most tests are about is not the disk.
    Memory,
}

/// A running server; stopped when dropped, also by a panic.
pub struct Server {
    programs: PathBuf,
    folder: tempfile::TempDir,
    /// Chosen when it starts for the first time; 0 until then.
    port: AtomicU16,
    durability: Durability,
    /// The user that the programs run as: they refuse to run as root.
    user: Option<User>,
    databases: AtomicU32,
    process: Mutex<Option<Process>>,
    /// Limit on the length of a file that the server writes.
    longest_file: Mutex<Option<u64>>,
}

struct User {
    name: String,
    uid: u32,
    gid: u32,
}

/// The server's process. It ends with the thread that started it, so that thread waits for its end.
struct Process {
    id: u32,
    ended: mpsc::Receiver<ExitStatus>,
}

impl Server {
    /// The server that the tests of this process share; stopped when the last of them drops it.
    pub fn shared() -> Arc<Server> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return server;
        }
        let server = Arc::new(Server::start(Durability::Memory));
        *shared = Arc::downgrade(&server);
        server
    }

    /// A server of one's own.
    pub fn start(durability: Durability) -> Server {
        Server::configured(durability, "", &[])
    }

    /// A server of one's own with more in its `postgresql.conf`, and files beside it (`pg_hba.conf`, certificates).
    pub fn configured(durability: Durability, settings: &str, files: &[(&str, &str)]) -> Server {
        let server = Server::prepare(durability);
        let mut initdb = server.program("initdb");
        initdb.args(["--username=qingyuan", "--auth=trust", "--encoding=UTF8"]);
        // Small segments, so that a limit on files can be small.
        initdb.args(["--no-sync", "--wal-segsize=1", "--locale=C.UTF-8"]);
        if server.version() >= 15 {
            // Texts in an order that is not that of their bytes, as databases in operation have it.
            initdb.args(["--locale-provider=icu", "--icu-locale=en-US"]);
        }
        initdb.arg("--pgdata").arg(server.data());
        finished(&mut initdb);
        let conf = server.data().join("postgresql.conf");
        let default = std::fs::read_to_string(&conf).unwrap();
        server.write("postgresql.conf", &format!("{default}\n{settings}\n"));
        for (name, content) in files {
            server.write(name, content);
        }
        server.restart();
        server
    }

    /// A file in the data's folder that only the server may read.
    fn write(&self, name: &str, content: &str) {
        let path = self.data().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        if let Some(user) = &self.user {
            chown(&path, Some(user.uid), Some(user.gid)).unwrap();
        }
    }

    /// Major version of the server's programs.
    fn version(&self) -> u32 {
        let mut asked = Command::new(self.programs.join("postgres"));
        let text = finished(asked.arg("--version"));
        let mut numbers = text.split(|letter: char| !letter.is_ascii_digit());
        let first = numbers.find(|number| !number.is_empty());
        first.and_then(|number| number.parse().ok()).unwrap()
    }

    /// Starts the server anew unable to write files longer than this, as if its disk were full; `None` lifts it.
    pub fn limit_files(&self, bytes: Option<u64>) {
        self.stop();
        *self.longest_file() = bytes;
        self.restart();
    }

    fn longest_file(&self) -> MutexGuard<'_, Option<u64>> {
        self.longest_file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A standby of this server. From now on no commit returns here before the standby has it on disk.
    pub fn synchronous_standby(&self) -> Server {
        let standby = Server::prepare(self.durability);
        let primary = format!(
            "host=127.0.0.1 port={} user=qingyuan application_name=standby",
            self.port()
        );
        let mut copying = standby.program("pg_basebackup");
        copying
            .args(["--write-recovery-conf", "--wal-method=stream", "--no-sync"])
            .args(["--checkpoint=fast", "--dbname", &primary, "--pgdata"])
            .arg(standby.data());
        finished(&mut copying);
        standby.restart();
        self.sql(
            "postgres",
            "ALTER SYSTEM SET synchronous_standby_names='standby'",
        );
        self.sql("postgres", "SELECT pg_reload_conf()");
        let question = "SELECT count(*) FROM pg_stat_replication WHERE sync_state='sync'";
        let until = Instant::now() + START_MAX;
        while self.sql("postgres", question).trim() != "1" {
            assert!(Instant::now() < until, "the standby does not follow");
        }
        standby
    }

    /// Keeps a standby from taking anything until what this answers is dropped.
    pub fn pause_receiving(&self) -> Paused {
        let question = "SELECT pid FROM pg_stat_wal_receiver";
        let process = self.sql("postgres", question).trim().to_owned();
        assert!(signal("STOP", &process), "no receiver: {process:?}");
        Paused { process }
    }

    /// Holds locks in a transaction of its own until what this answers is dropped.
    pub fn hold(&self, database: &str, locking: &str) -> Held<'_> {
        let mut psql = self.client("psql");
        psql.args(["-qX", "-d", database, "-c"])
            .arg(format!("BEGIN; {locking}; SELECT pg_sleep(600)"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let held = Held {
            server: self,
            database: database.to_owned(),
            process: psql.spawn().unwrap(),
        };
        let until = Instant::now() + START_MAX;
        while self
            .sql(database, &format!("SELECT count(*) {HOLDING}"))
            .trim()
            == "0"
        {
            assert!(Instant::now() < until, "the lock is not to be had");
        }
        held
    }

    /// Waits until a commit waits for the standby.
    pub fn wait_for_waiting_commit(&self) {
        let question = "SELECT count(*) FROM pg_stat_activity WHERE wait_event='SyncRep'";
        let until = Instant::now() + START_MAX;
        while self.sql("postgres", question).trim() == "0" {
            assert!(Instant::now() < until, "no commit waits for the standby");
        }
    }

    /// Makes a standby a server of its own, which takes writes.
    pub fn promote(&self) {
        assert_eq!(self.sql("postgres", "SELECT pg_promote()").trim(), "t");
    }

    /// A folder.
    fn prepare(durability: Durability) -> Server {
        let user = unprivileged();
        let folder = match durability {
            Durability::Memory => scratch::directory(),
            Durability::Disk => tempfile::tempdir().unwrap(),
        };
        if let Some(user) = &user {
            chown(folder.path(), Some(user.uid), Some(user.gid)).unwrap();
        }
        Server {
            programs: programs(),
            folder,
            port: AtomicU16::new(0),
            durability,
            user,
            databases: AtomicU32::new(0),
            process: Mutex::new(None),
            longest_file: Mutex::new(None),
        }
    }

    /// Where the data are.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port.load(Ordering::Relaxed)
    }

    /// URL of a database.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://qingyuan@127.0.0.1:{}/{database}", self.port())
    }

    /// Creates an empty database and answers its name.
    pub fn create_database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("book{number}");
        self.sql(
            "postgres",
            &format!("CREATE DATABASE {name} TEMPLATE template0"),
        );
        name
    }

    /// URL of a fresh, empty database.
    pub fn fresh(&self) -> String {
        self.url(&self.create_database())
    }

    /// Runs SQL through PostgreSQL's own client: one line per row, columns separated by `|`.
    pub fn sql(&self, database: &str, text: &str) -> String {
        let mut psql = self.client("psql");
        psql.args([
            "--no-psqlrc",
            "-qAtX",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            database,
            "-c",
            text,
        ]);
        finished(&mut psql)
    }

    /// One of PostgreSQL's client programs, told how to reach this server.
    pub fn client(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", self.port().to_string())
            .env("PGUSER", "qingyuan")
            .stdin(Stdio::null());
        command
    }

    /// Kills the server and its sessions, as a crash does.
    pub fn kill(&self) {
        self.end("QUIT");
    }

    /// Stops the server as an operator does.
    pub fn stop(&self) {
        self.end("INT");
    }

    /// Starts it again, on the same port and data.
    pub fn restart(&self) {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(process.is_none(), "the server runs already");
        *process = Some(self.run());
    }

    /// The process, taking connections. A port that was free may be another's when the server comes to it: the first
    /// start tries the next one then.
    fn run(&self) -> Process {
        let first = self.port() == 0;
        for _ in 0..PORTS_MAX {
            if first {
                self.port.store(free_port(), Ordering::Relaxed);
            }
            let started = self.spawn();
            match self.wait_until_ready(&started) {
                Ok(()) => return started,
                Err(log) if first && log.contains("Address already in use") => {}
                Err(log) => panic!("PostgreSQL does not start: {log}"),
            }
        }
        panic!("no port for PostgreSQL");
    }

    fn spawn(&self) -> Process {
        let mut command = self.limited(self.program("postgres"));
        command
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port().to_string(), "-k"])
            .arg(self.folder.path())
            .args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "max_connections=200",
            ]);
        if self.durability == Durability::Memory {
            command.args(["-c", "fsync=off", "-c", "full_page_writes=off"]);
        }
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .unwrap();
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let (told, child) = mpsc::channel();
        let (sender, ended) = mpsc::channel();
        std::thread::spawn(move || {
            let mut child: Child = command.spawn().unwrap();
            told.send(child.id()).unwrap();
            let status = child.wait().unwrap();
            // Nobody listens when the server was dropped with the whole test.
            let _ = sender.send(status);
        });
        Process {
            id: child.recv().unwrap(),
            ended,
        }
    }

    /// Its log if it does not become ready.
    fn wait_until_ready(&self, process: &Process) -> Result<(), String> {
        let until = Instant::now() + START_MAX;
        loop {
            let mut asked = self.client("pg_isready");
            // By the socket in its own folder, which is there when the port is its own: on the port another may answer.
            asked.env("PGHOST", self.folder.path());
            asked.args(["-q", "-d", "postgres"]);
            if asked.status().unwrap().success() {
                return Ok(());
            }
            let ended = process.ended.recv_timeout(Duration::from_millis(30)).ok();
            if ended.is_some() || Instant::now() > until {
                let log = std::fs::read_to_string(self.folder.path().join("log"));
                return Err(log.unwrap_or_default());
            }
        }
    }

    fn end(&self, signal: &str) {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(process) = process.take() else {
            return;
        };
        if self::signal(signal, &process.id.to_string()) {
            let _ = process.ended.recv_timeout(START_MAX);
        }
    }

    /// The same program under the limit on its files.
    fn limited(&self, program: Command) -> Command {
        let Some(bytes) = *self.longest_file() else {
            return program;
        };
        let mut command = Command::new("prlimit");
        command
            .arg(format!("--fsize={bytes}"))
            .arg("--")
            .arg(program.get_program())
            .args(program.get_args())
            .current_dir(self.folder.path());
        command
    }

    /// One of the server's own programs.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let Some(user) = &self.user else {
            return Command::new(path);
        };
        // The server dies with the tests, also when those are killed.
        let mut command = Command::new("setpriv");
        command
            .arg(format!("--reuid={}", user.uid))
            .arg(format!("--regid={}", user.gid))
            .args(["--clear-groups", "--pdeathsig=QUIT", "--"])
            .arg(path)
            .env("HOME", self.folder.path())
            .env("USER", &user.name)
            .current_dir(self.folder.path());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A process that was stopped, and goes on when this is dropped.
pub struct Paused {
    process: String,
}

impl Drop for Paused {
    fn drop(&mut self) {
        signal("CONT", &self.process);
    }
}

/// Who holds locks for a test.
const HOLDING: &str =
    "FROM pg_stat_activity WHERE wait_event='PgSleep' AND datname=current_database()";

/// Locks that are held until this is dropped.
pub struct Held<'a> {
    server: &'a Server,
    database: String,
    process: Child,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let end = format!("SELECT count(pg_terminate_backend(pid,5000)) {HOLDING}");
        self.server.sql(&self.database, &end);
        let _ = self.process.wait();
    }
}

fn signal(name: &str, process: &str) -> bool {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), process])
        .status();
    sent.is_ok_and(|status| status.success())
}

fn finished(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        if TcpStream::connect(("127.0.0.1", port)).is_err() {
            return port;
        }
    }
}

/// The folder with the newest server's programs.
fn programs() -> PathBuf {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, path)| is_program(&path.join("postgres")))
        .collect();
    found.sort();
    if let Some((_, newest)) = found.pop() {
        return newest;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .find(|folder| is_program(&folder.join("initdb")) && is_program(&folder.join("postgres")))
        .expect("PostgreSQL's server is not installed: apt-get install postgresql")
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Whom to run as when this process is root: the user of the Debian package, or nobody.
fn unprivileged() -> Option<User> {
    if Path::new("/proc/self").metadata().unwrap().uid() != 0 {
        return None;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    ["postgres", "nobody"].iter().find_map(|name| {
        let line = passwd
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2);
        Some(User {
            name: (*name).to_owned(),
            uid: numbers.next()?.parse().ok()?,
            gid: numbers.next()?.parse().ok()?,
        })
    })
}
