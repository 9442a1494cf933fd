//! Signs of risk in the flow of money: pure functions over counters that somebody else keeps.
//!
//! A sign holds or flags, and is never silent: every one comes with what was seen, the figure it was
//! compared with, what it means and what to do, in both languages. What could not be looked at is
//! listed too. The figures are data (`risk/signals.toml`), and house figures, not law.

mod counters;
mod figures;
mod resting;
mod signals;

pub use counters::{MerchantDay, PayerHour};
pub use figures::RiskFigures;
pub use resting::{Alarm, Resting, RestingReport, Rests};
pub use signals::{Assessment, Measure, Sign, Signal};

/// The figures that come with the program.
pub const EMBEDDED_FIGURES: (&str, &str) = (
    "risk/signals.toml",
    include_str!("../../../../risk/signals.toml"),
);
