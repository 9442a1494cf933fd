//! `bench ledger`: transfers through the engine, as the API's batches post them.

use super::figures::{self, Figures};
use crate::cli::LedgerBenchmark;
use crate::failure::Failure;
use crate::output;
use crate::target::Target;
use ::ledger::AccountKind;
use domain::transfer::{CompactTransfer, NewClientAccount, OpenAccounts, PostTransfers};
use domain::{Command, QingyuanApp, Reply, Request};
use engine::runtime::{Counters, Engine, Running};
use engine::{Actor, Envelope, Verdict};
use money::Currency;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Batches' worth of commands in flight: one being written, one being filled, one waiting.
const BATCHES_IN_FLIGHT: u64 = 3;
const MILLION: u64 = 1_000_000;

/// Runs the benchmark.
pub fn run(arguments: &LedgerBenchmark) -> Result<bool, Failure> {
    if arguments.accounts < 2 || arguments.per_command == 0 || arguments.per_command > 8_192 {
        return Err(Failure::other(
            "--accounts must be at least 2 and --per-command 1 to 8192",
        ));
    }
    let temporary = tempfile::tempdir_in(".").map_err(Failure::other)?;
    let mut target = match &arguments.postgres {
        Some(url) => Target::postgres(url)?,
        None => {
            let directory = arguments.data.as_deref().unwrap_or(temporary.path());
            Target::Directory(directory.to_owned())
        }
    };
    let running = target.start()?;
    let engine = running.engine.clone();
    let accounts = open_accounts(&engine, arguments.accounts, arguments.json)?;
    let opened_bytes = engine.queries().size_bytes()?;
    let (batches_before, commands_before) = counts(&engine);
    let mut run = Run::new(&engine, arguments, accounts);
    run.post_all()?;
    let mut figures = run.figures();
    let (batches, commands) = counts(&engine);
    let (batches, commands) = (batches - batches_before, commands - commands_before);
    figures.more.insert("batches".into(), json!(batches));
    figures.more.insert(
        "commands_per_batch".into(),
        json!(commands / batches.max(1)),
    );
    figures.db_bytes = Some(engine.queries().size_bytes()?);
    figures.rss_bytes = figures::peak_rss_bytes();
    let bytes_each = figures.db_bytes.unwrap_or(0) / figures.operations.max(1);
    figures
        .more
        .insert("db_bytes_per_transfer".into(), json!(bytes_each));
    // What the accounts take, each with its opening and its records; it is in the figure above.
    figures
        .more
        .insert("db_bytes_before".into(), json!(opened_bytes));
    measure_reopening(&mut target, running, engine, &mut figures)?;
    if arguments.json {
        output::json(&figures)?
    } else {
        figures::print(&figures)
    }
    Ok(true)
}

fn counts(engine: &Engine<QingyuanApp>) -> (u64, u64) {
    (
        Counters::get(&engine.counters().batches),
        Counters::get(&engine.counters().commands),
    )
}

fn actor() -> Actor {
    Actor::new("bench", "ledger")
}

fn submit(engine: &Engine<QingyuanApp>, request: Request) -> Result<Reply, Failure> {
    let outcome = engine.submit_blocking(Envelope::new(actor(), Command::Request(request)))?;
    match outcome.result {
        Verdict::Done(reply) => Ok(reply),
        other => Err(Failure::other(format!("the engine answered {other:?}"))),
    }
}

/// Opens so many client accounts and answers their numbers.
pub(in crate::bench) fn open_accounts(
    engine: &Engine<QingyuanApp>,
    count: u64,
    quiet: bool,
) -> Result<Vec<u64>, Failure> {
    let bar = output::progress(count, "opening accounts", quiet);
    let mut numbers = Vec::with_capacity(count as usize);
    let codes: Vec<u64> = (0..count).collect();
    for chunk in codes.chunks(domain::transfer::ACCOUNTS_MAX) {
        let accounts = chunk
            .iter()
            .map(|number| NewClientAccount {
                code: format!("B{number:09}"),
                kind: AccountKind::Liability,
                currency: Currency::CNY,
                may_go_negative: true,
            })
            .collect();
        let Reply::Accounts(opened) =
            submit(engine, Request::OpenAccounts(OpenAccounts { accounts }))?
        else {
            return Err(Failure::other(
                "opening accounts was answered by something else",
            ));
        };
        numbers.extend(opened.iter().map(|account| account.account));
        bar.set_position(numbers.len() as u64);
    }
    bar.finish_and_clear();
    Ok(numbers)
}

/// One run: keeps a few batches' worth of commands in flight and takes their times.
struct Run<'a> {
    engine: &'a Engine<QingyuanApp>,
    arguments: &'a LedgerBenchmark,
    accounts: Vec<u64>,
    random: SmallRng,
    /// Time-ordered ids, as clients are told to make them.
    next_id: u128,
    waiting: VecDeque<Waiting>,
    samples_us: Vec<u64>,
    answered: u64,
    /// When each million was answered.
    millions: Vec<Instant>,
    took: Duration,
}

struct Waiting {
    receiver: Receiver,
    submitted: Instant,
    transfers: u64,
}

type Receiver = tokio::sync::oneshot::Receiver<
    Result<engine::Outcome<Reply, domain::Rejection>, engine::SubmitError>,
>;

impl<'a> Run<'a> {
    fn new(
        engine: &'a Engine<QingyuanApp>,
        arguments: &'a LedgerBenchmark,
        accounts: Vec<u64>,
    ) -> Run<'a> {
        let milliseconds = jiff::Timestamp::now().as_millisecond().unsigned_abs();
        Run {
            engine,
            arguments,
            accounts,
            random: SmallRng::seed_from_u64(7),
            next_id: u128::from(milliseconds) << 80,
            waiting: VecDeque::new(),
            samples_us: Vec::new(),
            answered: 0,
            millions: Vec::new(),
            took: Duration::ZERO,
        }
    }

    fn post_all(&mut self) -> Result<(), Failure> {
        let bar = output::progress(
            self.arguments.transfers,
            "posting transfers",
            self.arguments.json,
        );
        let begun = Instant::now();
        self.millions.push(begun);
        let in_flight_max = self.arguments.batch * BATCHES_IN_FLIGHT;
        let (mut submitted, mut in_flight) = (0, 0);
        while submitted < self.arguments.transfers {
            let count = self
                .arguments
                .per_command
                .min(self.arguments.transfers - submitted);
            let request = self.request(count);
            let receiver = self
                .engine
                .submit_later(Envelope::new(actor(), Command::Request(request)))?;
            self.waiting.push_back(Waiting {
                receiver,
                submitted: Instant::now(),
                transfers: count,
            });
            submitted += count;
            in_flight += count;
            while in_flight > in_flight_max {
                in_flight -= self.take_answer()?;
                bar.set_position(self.answered);
            }
        }
        while !self.waiting.is_empty() {
            self.take_answer()?;
        }
        self.took = begun.elapsed();
        bar.finish_and_clear();
        Ok(())
    }

    fn request(&mut self, count: u64) -> Request {
        let transfers = (0..count)
            .map(|_| {
                self.next_id += 1 + u128::from(self.random.random::<u32>());
                let debit = self.random.random_range(0..self.accounts.len());
                let step = self.random.random_range(1..self.accounts.len());
                let credit = (debit + step) % self.accounts.len();
                CompactTransfer {
                    id: self.next_id,
                    debit: self.accounts.get(debit).copied().unwrap_or_default(),
                    credit: self.accounts.get(credit).copied().unwrap_or_default(),
                    amount: self.random.random_range(1..100_000),
                    code: 1_001,
                }
            })
            .collect();
        Request::PostTransfers(PostTransfers {
            currency: Currency::CNY,
            linked: true,
            reference: None,
            transfers,
        })
    }

    fn take_answer(&mut self) -> Result<u64, Failure> {
        let Some(waiting) = self.waiting.pop_front() else {
            return Ok(0);
        };
        let outcome = waiting.receiver.blocking_recv().map_err(Failure::other)??;
        match outcome.result {
            Verdict::Done(Reply::Transfers(posted))
                if u64::from(posted.posted) == waiting.transfers => {}
            other => {
                return Err(Failure::other(format!(
                    "transfers were answered by {other:?}"
                )));
            }
        }
        self.samples_us
            .push(waiting.submitted.elapsed().as_micros() as u64);
        let before = self.answered / MILLION;
        self.answered += waiting.transfers;
        if self.answered / MILLION > before {
            self.millions.push(Instant::now());
        }
        Ok(waiting.transfers)
    }

    fn figures(&mut self) -> Figures {
        let mut figures = Figures {
            name: format!(
                "ledger: {} transfers, {} accounts",
                self.arguments.transfers, self.arguments.accounts
            ),
            operations: self.answered,
            per_second: figures::rate(self.answered, self.took),
            ..Figures::default()
        };
        if let Some((p50, p99, max)) = figures::percentiles(&mut self.samples_us) {
            (figures.p50_us, figures.p99_us, figures.max_us) = (Some(p50), Some(p99), Some(max));
        }
        let million = |pair: &[Instant]| match pair {
            [from, to] => Some(figures::rate(MILLION, *to - *from)),
            _ => None,
        };
        figures.first_million_per_second = self.millions.windows(2).next().and_then(million);
        figures.last_million_per_second = self.millions.windows(2).next_back().and_then(million);
        figures.more.insert(
            "transfers_per_command".into(),
            json!(self.arguments.per_command),
        );
        figures
    }
}

/// How long a start on this book takes, and a statement of one account for its day.
fn measure_reopening(
    target: &mut Target,
    running: Running<QingyuanApp>,
    engine: Engine<QingyuanApp>,
    figures: &mut Figures,
) -> Result<(), Failure> {
    drop(engine);
    target.stop(running)?;
    let begun = Instant::now();
    let running = target.start()?;
    figures.more.insert(
        "reopen_ms".into(),
        json!(begun.elapsed().as_millis() as u64),
    );
    target.stop(running)
}
