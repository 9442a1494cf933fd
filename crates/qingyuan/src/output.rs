//! What goes to the terminal.

use crate::failure::Failure;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::fmt::Arguments;
use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use tracing_subscriber::EnvFilter;

/// Something that was to be printed is lost.
static LOST: AtomicBool = AtomicBool::new(false);

/// Prints a line on standard output. Unlike `println!` it does not panic when the reader has left
/// (`| head`) or the disk behind it is full; [`printed`] tells of the latter.
pub fn line(text: Arguments<'_>) {
    let written = writeln!(std::io::stdout().lock(), "{text}");
    if written.is_err_and(|error| error.kind() != ErrorKind::BrokenPipe) {
        LOST.store(true, Ordering::Relaxed);
    }
}

/// Prints a text of whole lines on standard output, as [`line`] does.
pub fn text(text: &str) {
    line(format_args!("{}", text.trim_end_matches('\n')));
}

/// Prints a line on standard error, if anybody listens there.
pub fn note(text: Arguments<'_>) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Whether everything that was to be printed was taken.
pub fn printed() -> Result<(), Failure> {
    if LOST.load(Ordering::Relaxed) {
        return Err(Failure::other(
            "standard output could not be written; what is there is not complete",
        ));
    }
    Ok(())
}

/// `println!` through [`line`].
macro_rules! say {
    ($($text:tt)*) => {
        $crate::output::line(format_args!($($text)*))
    };
}
pub(crate) use say;

/// The crates of this workspace that log.
const OUR_CRATES: [&str; 8] = [
    "channels",
    "compliance",
    "domain",
    "engine",
    "qingyuan",
    "recon",
    "sandbox",
    "server",
];

/// What is logged at a level of verbosity. Details come from our own crates only: a database driver's would be
/// everything that is written, personal data included.
fn filter(verbose: u8, quietest: &str) -> EnvFilter {
    let ours = OUR_CRATES.map(|name| format!(",{name}=debug"));
    match verbose {
        0 => EnvFilter::new(quietest),
        1 => EnvFilter::new("info"),
        _ => EnvFilter::new(format!("info{}", ours.concat())),
    }
}

/// Logging to standard error, at `quietest` unless more is asked for; `RUST_LOG` overrides the level.
pub fn start_logging(verbose: u8, quietest: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| filter(verbose, quietest));
    // A second subscriber (tests) keeps the first.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}

/// A progress bar on standard error, shown only to a person and only when it takes a while.
pub fn progress(length: u64, what: &'static str, quiet: bool) -> ProgressBar {
    let target = if quiet {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr_with_hz(8)
    };
    let bar = ProgressBar::with_draw_target(Some(length), target);
    if let Ok(style) = ProgressStyle::with_template(
        "{prefix:>24} {bar:40} {human_pos}/{human_len} {per_sec} {eta}",
    ) {
        bar.set_style(style);
    }
    bar.set_prefix(what);
    bar
}

/// Prints one JSON object on a line.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(Failure::other)?;
    say!("{text}");
    Ok(())
}

/// A number with separators: 1,234,567.
pub fn grouped(number: impl Into<i128>) -> String {
    let number: i128 = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::filter;
    use tracing::Level;

    #[test]
    fn what_a_database_driver_would_tell_of_its_statements_is_not_logged() {
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter(2, "error"))
            .with_writer(std::io::sink)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            assert!(tracing::enabled!(target: "engine::runtime", Level::DEBUG));
            assert!(tracing::enabled!(target: "server::book::keeper", Level::DEBUG));
            assert!(!tracing::enabled!(target: "tokio_postgres::query", Level::DEBUG));
            assert!(!tracing::enabled!(target: "rustls::conn", Level::DEBUG));
        });
    }
}
