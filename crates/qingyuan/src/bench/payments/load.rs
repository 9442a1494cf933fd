//! Closed-loop load: so many clients, each with one connection and one request under way, all on one
//! thread of their own.

use super::cpu::CpuTimes;
use super::wire;
use crate::failure::Failure;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// Operations after which a time is noted.
pub const MILLION: u64 = 1_000_000;

/// What one client sends.
pub trait Client: Send + 'static {
    /// Writes the next request into `out` and says to which path it goes.
    fn request(&mut self, out: &mut Vec<u8>) -> &'static str;

    /// Takes the body of a successful answer; true when it completes an operation.
    fn answered(&mut self, body: &[u8]) -> Result<bool, Failure>;
}

/// When a run ends.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    /// After a time.
    Time(Duration),
    /// After so many operations.
    Operations(u64),
}

/// What a run came to.
#[derive(Debug)]
pub struct Measured {
    /// Operations completed.
    pub operations: u64,
    /// HTTP requests answered.
    pub requests: u64,
    /// From the first request to the last answer.
    pub took: Duration,
    /// Duration of each operation, microseconds.
    pub operations_us: Vec<u64>,
    /// When each million of operations was complete, and the beginning.
    pub millions: Vec<Instant>,
    /// Processor time of an operation by thread name, microseconds.
    pub cpu_us_each: BTreeMap<String, f64>,
}

struct Tally {
    limit: Limit,
    begun: Instant,
    started: u64,
    measured: Measured,
}

impl Tally {
    /// Whether another operation may begin.
    fn start(&mut self, now: Instant) -> bool {
        let go = match self.limit {
            Limit::Time(time) => now.duration_since(self.begun) < time,
            Limit::Operations(count) => self.started < count,
        };
        self.started += u64::from(go);
        go
    }

    fn complete(&mut self, took: Duration, now: Instant) {
        let measured = &mut self.measured;
        measured.operations += 1;
        measured.operations_us.push(took.as_micros() as u64);
        if measured.operations.is_multiple_of(MILLION) {
            measured.millions.push(now);
        }
    }
}

/// Runs the clients, each against its server, and gives them back. Any answer that is no success ends
/// the run with a failure.
pub fn run<C: Client>(
    clients: Vec<(SocketAddr, C)>,
    limit: Limit,
) -> Result<(Measured, Vec<C>), Failure> {
    let thread = std::thread::Builder::new()
        .name("load".into())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build()
                .map_err(Failure::other)?;
            LocalSet::new().block_on(&runtime, drive(clients, limit))
        })
        .map_err(Failure::other)?;
    thread
        .join()
        .map_err(|_| Failure::other("the load generator panicked"))?
}

async fn drive<C: Client>(
    clients: Vec<(SocketAddr, C)>,
    limit: Limit,
) -> Result<(Measured, Vec<C>), Failure> {
    let cpu = CpuTimes::now();
    let begun = Instant::now();
    let tally = Rc::new(RefCell::new(Tally {
        limit,
        begun,
        started: 0,
        measured: Measured {
            operations: 0,
            requests: 0,
            took: Duration::ZERO,
            operations_us: Vec::with_capacity(1 << 20),
            millions: vec![begun],
            cpu_us_each: BTreeMap::new(),
        },
    }));
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|(address, client)| tokio::task::spawn_local(converse(address, client, tally.clone())))
        .collect();
    let mut back = Vec::with_capacity(tasks.len());
    for task in tasks {
        back.push(task.await.map_err(Failure::other)??);
    }
    let tally = Rc::try_unwrap(tally).map_err(|_| Failure::other("a client did not end"))?;
    let mut measured = tally.into_inner().measured;
    measured.took = begun.elapsed();
    measured.cpu_us_each = CpuTimes::now().each_since(&cpu, measured.operations);
    Ok((measured, back))
}

/// One client's operations, one after the other.
async fn converse<C: Client>(
    address: SocketAddr,
    mut client: C,
    tally: Rc<RefCell<Tally>>,
) -> Result<C, Failure> {
    let mut stream = TcpStream::connect(address).await.map_err(Failure::other)?;
    stream.set_nodelay(true).map_err(Failure::other)?;
    let (mut out, mut answer) = (Vec::with_capacity(1_024), Vec::with_capacity(4_096));
    let mut now = Instant::now();
    while tally.borrow_mut().start(now) {
        let begun = now;
        loop {
            let path = client.request(&mut out);
            stream.write_all(&out).await.map_err(Failure::other)?;
            let complete = read(&mut stream, &mut answer, path, &mut client).await?;
            tally.borrow_mut().measured.requests += 1;
            if complete {
                break;
            }
        }
        now = Instant::now();
        tally.borrow_mut().complete(now.duration_since(begun), now);
    }
    Ok(client)
}

/// Reads one answer and gives it to the client.
async fn read<C: Client>(
    stream: &mut TcpStream,
    bytes: &mut Vec<u8>,
    path: &str,
    client: &mut C,
) -> Result<bool, Failure> {
    bytes.clear();
    loop {
        let count = stream.read_buf(bytes).await.map_err(Failure::other)?;
        if count == 0 {
            return Err(Failure::other(format!(
                "the server closed the connection instead of answering {path}"
            )));
        }
        if let Some(answer) = wire::answer(bytes)? {
            answer.expect_success(path)?;
            return client.answered(answer.body);
        }
    }
}
