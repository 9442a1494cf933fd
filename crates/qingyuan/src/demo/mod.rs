//! `qingyuan demo`: two business days of a small marketplace against simulated channels.
//!
//! Everything crosses HTTP: requests to our API, signed requests to WeChat Pay and UnionPay as the
//! sandbox plays them, their notifications back, the bill as a file. Only the clock is simulated.

mod checks;
mod day;
mod facts;
mod report;
mod world;

use crate::cli::DemoArguments;
use crate::failure::Failure;
use crate::output;
use crate::output::say;
use crate::target::Target;
use facts::{ChannelBooks, Facts};
use world::World;

/// Runs the demonstration; true when everything it checks holds.
pub fn run(arguments: &DemoArguments) -> Result<bool, Failure> {
    let temporary = tempfile::tempdir().map_err(Failure::other)?;
    let directory = arguments
        .data
        .clone()
        .unwrap_or_else(|| temporary.path().to_owned());
    let mut target = match &arguments.postgres {
        Some(url) => Target::postgres(url)?,
        None => Target::Directory(directory.clone()),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::other)?;
    runtime.block_on(async {
        let begun = std::time::Instant::now();
        let days = world::Days::before_today()?;
        let payments_a_day = arguments.payments.div_ceil(2);
        let bar = output::progress(
            u64::from(payments_a_day) * 2,
            "simulated payments",
            arguments.json,
        );
        let mut world = World::start(&mut target, days, arguments.seed).await?;
        day::opening(&mut world).await?;
        let first = day::business_day(&mut world, days.first, payments_a_day, &bar).await?;
        day::next_morning(&mut world, days.second, days.first, false).await?;
        let second = day::business_day(&mut world, days.second, payments_a_day, &bar).await?;
        day::next_morning(&mut world, days.third, days.second, true).await?;
        bar.finish_and_clear();
        let planted = world.planted();
        let channels = ChannelBooks::of(&world);
        let reconciliations = std::mem::take(&mut world.reconciliations);
        world.stop(&mut target).await?;
        let queries = target.queries()?;
        let collect = || Facts::collect(queries.as_ref(), channels, [first, second]);
        let facts = tokio::task::block_in_place(collect)?;
        let broken = checks::all(&facts, &reconciliations, &planted);
        let holds = broken.is_empty();
        if arguments.json {
            output::json(&report::json(&facts, &reconciliations, &broken))?;
        } else {
            report::print(&facts, &reconciliations, &broken, begun.elapsed());
            if arguments.data.is_some() {
                say!(
                    "The book is kept in {}; try `qingyuan verify --data {}`.",
                    directory.display(),
                    directory.display()
                );
            }
        }
        Ok(holds)
    })
}
