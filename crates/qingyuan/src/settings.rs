//! The configuration file of `serve`: the institution and its book, and the HTTP server.
//!
//! The tables `institution`, `payouts`, `refunds`, `orders`, `calendar` and `risk` are the book's and must be
//! the same on every server of it; the rest is the server's own.

use crate::failure::Failure;
use calendar::HolidayCalendar;
use channels::Channel;
use compliance::risk::RiskFigures;
use domain::Settings;
use domain::regulation::Institution;
use domain::risk::RiskSetting;
use money::Money;
use serde::Deserialize;
use server::ServerConfig;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, Deserializer};

/// Tables that are not the HTTP server's.
const BOOK_TABLES: [&str; 6] = [
    "institution",
    "payouts",
    "refunds",
    "orders",
    "calendar",
    "risk",
];

/// What `serve` is configured with.
pub struct Configuration {
    /// The HTTP server.
    pub server: ServerConfig,
    /// It says under which URL channels reach this server.
    pub public_url_given: bool,
    /// The book.
    pub settings: Settings,
    /// It says what the institution is.
    pub institution_given: bool,
}

/// The book's part, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct BookTables {
    institution: Option<Institution>,
    payouts: Payouts,
    refunds: Refunds,
    orders: Orders,
    calendar: CalendarFile,
    risk: RiskTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RiskTable {
    /// Figures of one's own, in the form of `risk/signals.toml`.
    figures: Option<PathBuf>,
    /// Whether signs are looked for; they are unless this says no.
    enabled: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Payouts {
    channel: Option<Channel>,
    approval_above: Option<i64>,
    approval_above_per_day: Option<i64>,
    arrival_bound_seconds: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Refunds {
    arrival_bound_seconds: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Orders {
    lifetime_seconds: Option<u32>,
    arrival_bound_seconds: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CalendarFile {
    holidays: Option<PathBuf>,
}

/// Reads the configuration, or the defaults where there is none.
pub fn read(path: Option<&Path>) -> Result<Configuration, Failure> {
    let Some(path) = path else {
        return Ok(Configuration {
            server: ServerConfig::default(),
            public_url_given: false,
            settings: Settings::default(),
            institution_given: false,
        });
    };
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    parse(&text, folder).map_err(|error| Failure::other(format!("{}: {error}", path.display())))
}

fn parse(text: &str, folder: &Path) -> Result<Configuration, String> {
    let told = |mut error: toml::de::Error| {
        error.set_input(Some(text));
        error.to_string()
    };
    let whole = DeTable::parse(text).map_err(told)?;
    let span = whole.span();
    let (book, server): (DeTable<'_>, DeTable<'_>) = whole
        .into_inner()
        .into_iter()
        .partition(|(name, _)| BOOK_TABLES.contains(&name.get_ref().as_ref()));
    let public_url_given = server
        .iter()
        .any(|(name, _)| name.get_ref() == "public_url");
    let part = |table| Deserializer::from(Spanned::new(span.clone(), table));
    let server = ServerConfig::deserialize(part(server)).map_err(told)?;
    let tables = BookTables::deserialize(part(book)).map_err(told)?;
    let institution_given = tables.institution.is_some();
    let settings = settings(tables, folder)?;
    Ok(Configuration {
        server,
        public_url_given,
        settings,
        institution_given,
    })
}

fn settings(tables: BookTables, folder: &Path) -> Result<Settings, String> {
    let mut settings = Settings::default();
    if let Some(institution) = tables.institution {
        settings.institution = institution;
    }
    let payouts = tables.payouts;
    if let Some(channel) = payouts.channel {
        if channel != Channel::Unionpay {
            return Err("payouts.channel: only unionpay pays out".to_owned());
        }
        settings.payout_channel = channel;
    }
    let above = |name: &str, value: Option<i64>, default: Money| match value {
        None => Ok(default),
        Some(fen) if fen >= 0 => Ok(Money::cny(fen)),
        Some(_) => Err(format!(
            "payouts.{name}: an amount in fen of at least 0 is expected"
        )),
    };
    settings.payout_approval_above = above(
        "approval_above",
        payouts.approval_above,
        settings.payout_approval_above,
    )?;
    settings.payout_approval_above_per_day = above(
        "approval_above_per_day",
        payouts.approval_above_per_day,
        settings.payout_approval_above_per_day,
    )?;
    let seconds =
        |name: &str, value: Option<u32>, default: u32, (least, most): (u32, u32)| match value {
            None => Ok(default),
            Some(given) if (least..=most).contains(&given) => Ok(given),
            Some(_) => Err(format!("{name}: {least} to {most} seconds are expected")),
        };
    // Shorter than a request may take would send money twice.
    let bound = (60, 604_800);
    settings.payout_arrival_bound_seconds = seconds(
        "payouts.arrival_bound_seconds",
        payouts.arrival_bound_seconds,
        settings.payout_arrival_bound_seconds,
        bound,
    )?;
    settings.refund_arrival_bound_seconds = seconds(
        "refunds.arrival_bound_seconds",
        tables.refunds.arrival_bound_seconds,
        settings.refund_arrival_bound_seconds,
        bound,
    )?;
    settings.order_arrival_bound_seconds = seconds(
        "orders.arrival_bound_seconds",
        tables.orders.arrival_bound_seconds,
        settings.order_arrival_bound_seconds,
        bound,
    )?;
    settings.order_lifetime_seconds = seconds(
        "orders.lifetime_seconds",
        tables.orders.lifetime_seconds,
        settings.order_lifetime_seconds,
        (60, 15 * 86_400),
    )?;
    if let Some(file) = tables.calendar.holidays {
        let file = folder.join(file);
        let text = std::fs::read_to_string(&file)
            .map_err(|error| format!("calendar.holidays: {}: {error}", file.display()))?;
        let calendar = HolidayCalendar::from_csv(&text)
            .map_err(|error| format!("calendar.holidays: {}: {error}", file.display()))?;
        settings.calendar = Arc::new(calendar);
    }
    settings.risk = risk(tables.risk, folder)?;
    Ok(settings)
}

fn risk(table: RiskTable, folder: &Path) -> Result<RiskSetting, String> {
    let Some(file) = table.figures else {
        return Ok(match table.enabled {
            Some(false) => RiskSetting::Off,
            _ => RiskSetting::Embedded,
        });
    };
    if table.enabled == Some(false) {
        return Err("risk: figures are given and enabled is false: leave one of them out".into());
    }
    let file = folder.join(file);
    let text = std::fs::read_to_string(&file)
        .map_err(|error| format!("risk.figures: {}: {error}", file.display()))?;
    let figures = RiskFigures::load(&file.display().to_string(), &text)
        .map_err(|error| format!("risk.figures: {error}"))?;
    Ok(RiskSetting::Own(Arc::new(figures)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::parse;
    use channels::Channel;
    use domain::risk::RiskSetting;
    use money::Money;
    use std::path::Path;

    #[test]
    fn the_book_and_the_server_share_a_file() {
        let text = r#"
            bind = "127.0.0.1:9"
            [institution]
            kind = "npi"
            licences = ["internet_payment"]
            [institution.routes]
            wechat = ["npi", "nucc", "npi_wallet"]
            [payouts]
            approval_above = 100
            [orders]
            lifetime_seconds = 600
        "#;
        let read = parse(text, Path::new(".")).unwrap();
        assert_eq!(read.server.bind.port(), 9);
        assert!(read.institution_given && !read.public_url_given);
        assert_eq!(read.settings.payout_approval_above, Money::cny(100));
        assert_eq!(read.settings.order_lifetime_seconds, 600);
        assert_eq!(read.settings.institution.routes[&Channel::Wechat].len(), 3);
    }

    #[test]
    fn figures_of_risk_are_the_programs_ones_own_or_none() {
        let of = |text: &str, folder: &Path| parse(text, folder).map(|read| read.settings.risk);
        let none = Path::new("/nowhere");
        assert_eq!(of("", none), Ok(RiskSetting::Embedded));
        assert_eq!(of("[risk]\nenabled = false", none), Ok(RiskSetting::Off));
        let folder = tempfile::tempdir().unwrap();
        let (_, figures) = compliance::risk::EMBEDDED_FIGURES;
        let file = folder.path().join("own.toml");
        let own = "[risk]\nfigures = \"own.toml\"";
        std::fs::write(&file, figures).unwrap();
        assert!(matches!(of(own, folder.path()), Ok(RiskSetting::Own(_))));
        std::fs::write(
            &file,
            figures.replace("hold_payments = 20", "hold_payments = 2"),
        )
        .unwrap();
        let refused = of(own, folder.path()).err().unwrap();
        assert!(
            refused.contains("own.toml") && refused.contains("velocity"),
            "{refused}"
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (text, expected) in [
            ("[payouts]\napproval_above = -1", "payouts.approval_above"),
            (
                "[payouts]\narrival_bound_seconds = 5",
                "payouts.arrival_bound_seconds",
            ),
            ("[payouts]\nchannel = \"wechat\"", "payouts.channel"),
            ("[orders]\nlifetime_seconds = 0", "orders.lifetime_seconds"),
            ("[institution]\nkind = \"shop\"", "shop"),
            ("[institution]\nlicense = []", "license"),
            ("[calendar]\nholidays = \"none.csv\"", "none.csv"),
            ("[risk]\nfigures = \"none.toml\"", "none.toml"),
            ("[risk]\nfigures = \"x\"\nenabled = false", "leave one"),
            ("[risk]\nlimits = 1", "limits"),
            ("colour = 1", "colour"),
        ] {
            let error = parse(text, Path::new("/nowhere")).err().unwrap();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
