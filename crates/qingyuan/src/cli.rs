//! Arguments.

use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Payment clearing and settlement: collect, book, split, settle, pay out, reconcile.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Log more (twice: details too).
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
}

const EXAMPLES: &str = "Examples:
  qingyuan demo                          a marketplace's two days against simulated channels
  qingyuan demo --data ./book            the same, keeping the book
  qingyuan verify --data ./book          recompute every balance and hash of a book
  qingyuan serve --data ./book           the HTTP API on http://127.0.0.1:8080
  qingyuan check examples/flows/escrow.toml   a business model judged leg by leg
  qingyuan sandbox                       simulated WeChat Pay and UnionPay on free ports
  qingyuan bench ledger --transfers 1000000";

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch two business days of a marketplace against simulated channels.
    ///
    /// Orders paid by WeChat QR code, fees, splits between two sellers and the platform, refunds,
    /// lost and late and repeated notifications, a payment after its close, settlement, payouts over
    /// UnionPay, the bill downloaded and reconciled. Ends with a report; exit status 1 when anything
    /// it checks does not hold.
    Demo(DemoArguments),
    /// Serve the HTTP API over a book on this machine.
    ///
    /// With --sandbox simulated WeChat Pay and UnionPay run beside it, so that a payment can be tried
    /// at once; the keys sandbox-operator, sandbox-finance, sandbox-checker and sandbox-ledger are accepted then.
    /// With --channels it collects and pays out through real ones.
    /// Ends on Ctrl-C or SIGTERM; killing it loses nothing that was answered.
    Serve(ServeArguments),
    /// Recompute every balance from the transfers and every hash of the journal.
    ///
    /// Reads the book without changing it; a server may be running on it. Prints what was checked
    /// and names every row that does not hold. Exit status 0: all holds; 1: something does not.
    Verify(VerifyArguments),
    /// Run simulated WeChat Pay and UnionPay servers.
    ///
    /// Real protocol on free (or given) ports of the loopback interface, with their own keys and
    /// books, faults on demand and bills. Prints the connection parameters as JSON and runs until
    /// interrupted.
    Sandbox(SandboxArguments),
    /// Judge a business model, or bare facts, by the rules in force on a day.
    ///
    /// A flow file (TOML) draws parties, contracts and legs of money; docs/compliance-check.md says how, and
    /// examples/flows/ has two dozen. The answer names the shapes and judges leg by leg: verdict, clauses,
    /// what to do, what must still be known. It is no legal advice.
    ///
    /// A facts file (YAML, --facts) holds one set of facts, or a list in the form `id`, `facts` or
    /// `asserts`, optional `expect`. docs/facts.md lists every fact.
    ///
    /// Exit status 1 when an expectation recorded in the file does not hold, 2 when the file cannot be used.
    Check(CheckArguments),
    /// Look at the rules.
    Rules {
        /// Another folder of packs than the built-in ones.
        #[arg(long, value_name = "DIR", global = true)]
        rules: Option<PathBuf>,
        /// What to do.
        #[command(subcommand)]
        command: RulesCommand,
    },
    /// Measure.
    Bench {
        /// Which benchmark.
        #[command(subcommand)]
        benchmark: Benchmark,
    },
}

impl Command {
    /// What is logged without `-v`: a server's warnings are for those who run it, while the faults that a
    /// demonstration plants are nobody's concern.
    pub fn quietest_log(&self) -> &'static str {
        match self {
            Command::Serve(_) => "warn",
            _ => "error",
        }
    }
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Keep the book in this directory, for `verify`, `serve` and curiosity.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Keep the book in this PostgreSQL database instead, which must not have one yet.
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    pub postgres: Option<String>,
    /// Payments over both days.
    #[arg(long, default_value_t = 2_100)]
    pub payments: u32,
    /// Seed of everything left to chance.
    #[arg(long, default_value_t = 20_180_630)]
    pub seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArguments {
    /// Directory of the book; made if it does not exist.
    #[arg(long, default_value = "data")]
    pub data: PathBuf,
    /// Keep the book in this PostgreSQL database instead (postgresql://user:password@host/name), where
    /// several servers may share it; --data then holds the vault key only, which all of them need.
    #[arg(
        long,
        value_name = "URL",
        env = "QINGYUAN_POSTGRES",
        hide_env_values = true
    )]
    pub postgres: Option<String>,
    /// With --postgres: number of shards of a book that is created; fixed for ever.
    #[arg(long, requires = "postgres")]
    pub shards: Option<std::num::NonZeroU16>,
    /// With --postgres: URL under which the other servers reach this one; http://ADDRESS if absent, where
    /// that is an address of one interface.
    #[arg(long, value_name = "URL", requires = "postgres")]
    pub advertise: Option<String>,
    /// Settings (TOML); docs/api.md lists them.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Another folder of rule packs than the built-in ones, for a book that is begun; a book that is there
    /// decides by its own, which are changed over HTTP by two people.
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// Store and activate this server's rule packs in a book of a release that kept them in files.
    #[arg(long)]
    pub activate_rules: bool,
    /// Where to listen; overrides the settings. Port 0 takes a free one.
    #[arg(long)]
    pub bind: Option<SocketAddr>,
    /// Access to channels (TOML): merchant numbers, keys, certificates.
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox", long_help = crate::channels_file::HELP)]
    pub channels: Option<PathBuf>,
    /// Run simulated channels beside the server.
    #[arg(long)]
    pub sandbox: bool,
    /// With --sandbox: simulated payers pay this many seconds after the order.
    #[arg(long, requires = "sandbox")]
    pub auto_pay: Option<u64>,
    /// With --sandbox: port of simulated WeChat Pay; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    pub wechat_port: u16,
    /// With --sandbox: port of simulated UnionPay; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    pub unionpay_port: u16,
    /// Announce the addresses as one JSON line.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// Directory of the book.
    #[arg(long, required_unless_present = "postgres")]
    pub data: Option<PathBuf>,
    /// Verify the book in this PostgreSQL database, shard by shard.
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    pub postgres: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sandbox`.
#[derive(Debug, Args)]
pub struct SandboxArguments {
    /// Port of WeChat Pay; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    pub wechat_port: u16,
    /// Port of UnionPay; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    pub unionpay_port: u16,
    /// Keep the simulated institutions' keys here, so that they stay the same.
    #[arg(long)]
    pub keys: Option<PathBuf>,
    /// Seed of everything left to chance.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print the parameters on one line.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("input").required(true).args(["flow", "facts"]))]
pub struct CheckArguments {
    /// A business model (TOML).
    #[arg(value_name = "FLOW.toml")]
    pub flow: Option<PathBuf>,
    /// Bare facts (YAML) instead.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["as_of", "compare", "lang", "svg", "mermaid"])]
    pub facts: Option<PathBuf>,
    /// Judge as of this day instead of the file's own.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<jiff::civil::Date>,
    /// Judge as of this day too, and say what changed and why.
    #[arg(long, value_name = "DATE", conflicts_with_all = ["svg", "mermaid"])]
    pub compare: Option<jiff::civil::Date>,
    /// Language of the answer.
    #[arg(long, value_enum, default_value_t = Language::En)]
    pub lang: Language,
    /// Draw the flow into this file, bad legs red with their clauses.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Print the flow as a Mermaid chart instead of the answer.
    #[arg(long, conflicts_with = "json")]
    pub mermaid: bool,
    /// Another folder of packs than the built-in ones.
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Languages of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// English.
    En,
    /// 中文。
    Zh,
}

/// Commands of `rules`.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Every rule with its days and effect.
    List,
    /// One rule, with its readings.
    Show {
        /// Its id.
        id: String,
    },
    /// What came into force and what ended between two days.
    Diff {
        /// First day.
        #[arg(long)]
        from: jiff::civil::Date,
        /// Last day.
        #[arg(long)]
        to: jiff::civil::Date,
    },
    /// Run every rule's own cases.
    Test,
}

/// Benchmarks.
#[derive(Debug, Subcommand)]
pub enum Benchmark {
    /// Transfers through the engine, in process: durable, journaled, hashed.
    Ledger(LedgerBenchmark),
    /// Payments and single transfers over HTTP, beside a bare axum handler.
    ///
    /// Server, channel and clients share this process. A life is two requests: the order, and the
    /// channel's word that it was paid, which books it with its fee and a split three ways. The
    /// bare handler gives the same bytes to the same requests.
    Payments(PaymentsBenchmark),
    /// Decisions for a live barcode payment with all rule packs loaded.
    Compliance(ComplianceBenchmark),
    /// How long the shards of a killed server take no payments.
    ///
    /// Servers of their own processes share a new book while a client per shard makes payments; one server after another is
    /// killed and started again. The times are those from the kill to the first payment of each of its
    /// shards that was asked for after it and acknowledged.
    Failover(FailoverBenchmark),
}

/// Arguments of `bench compliance`.
#[derive(Debug, Args)]
pub struct ComplianceBenchmark {
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `bench failover`.
#[derive(Debug, Args)]
pub struct FailoverBenchmark {
    /// The PostgreSQL database of the book, which must have none yet: postgres://user@host/database.
    #[arg(long, value_name = "URL")]
    pub postgres: String,
    /// Servers.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(2..=16))]
    pub servers: u64,
    /// How often one is killed.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub kills: u64,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `bench payments`.
#[derive(Debug, Args)]
pub struct PaymentsBenchmark {
    /// Only these; otherwise both.
    #[arg(long, value_enum)]
    pub only: Option<PaymentsPart>,
    /// How long each part is measured.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: u64,
    /// Measure so many operations instead.
    #[arg(long, conflicts_with = "seconds", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Clients, each with one connection and one request under way.
    #[arg(long, default_value_t = 64)]
    pub clients: u64,
    /// Merchants that sell in payment lives. Each has indexes of its own, so that many merchants
    /// mean many pages per commit.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(2..=100_000))]
    pub merchants: u64,
    /// Accounts that transfers move between.
    #[arg(long, default_value_t = 10_000)]
    pub accounts: u64,
    /// Keep the book in this PostgreSQL database, which must have none yet: postgres://user@host/database.
    #[arg(long, value_name = "URL")]
    pub postgres: Option<String>,
    /// Measure single transfers only, on sixteen shards that so many servers share, all in this process.
    #[arg(long, requires = "postgres", conflicts_with = "only", value_parser = clap::value_parser!(u64).range(1..=16))]
    pub servers: Option<u64>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Parts of `bench payments`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PaymentsPart {
    /// Payment lives.
    Lives,
    /// Single transfers, on many accounts and on one hot account.
    Transfers,
}

/// Arguments of `bench ledger`.
#[derive(Debug, Args)]
pub struct LedgerBenchmark {
    /// Transfers to post.
    #[arg(long, default_value_t = 1_000_000)]
    pub transfers: u64,
    /// Accounts they move between.
    #[arg(long, default_value_t = 10_000)]
    pub accounts: u64,
    /// Transfers that may wait for one durable commit.
    #[arg(long, default_value_t = 8_000)]
    pub batch: u64,
    /// Transfers in one command; 1 makes each its own command with its own journal row.
    #[arg(long, default_value_t = 100)]
    pub per_command: u64,
    /// Keep the book in this directory; otherwise a temporary one beside the working directory.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Keep the book in this PostgreSQL database, which must have none yet: postgres://user@host/database.
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    pub postgres: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}
