//! `qingyuan`: the command-line program.

mod bench;
mod book;
mod channels_file;
mod cli;
mod connectors;
mod demo;
mod failure;
mod flow_check;
mod holidays;
mod output;
mod regulation;
mod rules_command;
mod sandbox_command;
mod serve;
mod settings;
mod shared_book;
mod target;
mod verify;
mod writing;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    output::start_logging(cli.verbose, cli.command.quietest_log());
    match run(cli).and_then(|held| output::printed().map(|()| held)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(failure) => {
            output::note(format_args!("qingyuan: {failure}"));
            ExitCode::from(2)
        }
    }
}

/// Commands are made on one thread, kept by another and freed by a third, which the system's
/// allocator handles at several times the cost.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `Ok(false)`: the command ran and what it checked does not hold.
fn run(cli: cli::Cli) -> Result<bool, failure::Failure> {
    match cli.command {
        cli::Command::Demo(arguments) => demo::run(&arguments),
        cli::Command::Serve(arguments) => serve::run(&arguments),
        cli::Command::Verify(arguments) => verify::run(&arguments),
        cli::Command::Sandbox(arguments) => sandbox_command::run(&arguments),
        cli::Command::Check(arguments) => regulation::check(&arguments),
        cli::Command::Rules { rules, command } => rules_command::run(rules.as_deref(), &command),
        cli::Command::Bench { benchmark } => bench::run(&benchmark),
    }
}
