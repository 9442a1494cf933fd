//! `qingyuan check FLOW.toml`.

use crate::cli::{CheckArguments, Language};
use crate::failure::Failure;
use crate::output;
use calendar::BusinessDate;
use compliance::Packs;
use compliance::flow::{
    Flow, FlowError, Lang, Style, answer_json, compare, comparison, comparison_json,
    flow_from_node, judge, mermaid, parse_toml, report, svg,
};
use std::io::IsTerminal;
use std::path::Path;

/// Columns of an answer.
const COLUMNS: usize = 100;
/// Larger files are no drawings.
const FILE_BOUND: u64 = 1 << 20;

/// Judges the flow of a file; true when its own expectations of that day held.
pub fn check(arguments: &CheckArguments, file: &Path, packs: &Packs) -> Result<bool, Failure> {
    let flow = read(file)?;
    let as_of = arguments.as_of.map(BusinessDate::from_date);
    let fail = |error: FlowError| match arguments.as_of.or(arguments.compare) {
        // A day of the command line has no place in the file.
        Some(_) if error.line == 0 && error.path == "as_of" => Failure::other(format!(
            "the day asked for: {}; expected {}",
            error.reason, error.expected
        )),
        _ => placed(file, &error),
    };
    let style = Style {
        lang: language(arguments.lang),
        colour: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        columns: COLUMNS,
    };
    if let Some(other) = arguments.compare {
        let first = as_of.or(flow.as_of).ok_or_else(|| {
            Failure::other(format!(
                "{}: no day is named; expected `as_of` in the file or --as-of",
                file.display()
            ))
        })?;
        let found = compare(&flow, packs, first, BusinessDate::from_date(other)).map_err(fail)?;
        if arguments.json {
            output::json(&comparison_json(&flow, &found))?;
        } else {
            output::text(&comparison(&flow, &found, style));
        }
        return Ok(found.from.held(&flow).unwrap_or(true) && found.to.held(&flow).unwrap_or(true));
    }
    let answer = judge(&flow, packs, as_of).map_err(fail)?;
    if let Some(picture) = &arguments.svg {
        std::fs::write(picture, svg(&flow, &answer, style.lang))
            .map_err(|error| Failure::file(picture, error))?;
    }
    if arguments.json {
        output::json(&answer_json(&flow, &answer))?;
    } else if arguments.mermaid {
        output::text(&mermaid(&flow, &answer, style.lang));
    } else {
        output::text(&report(&flow, &answer, style));
    }
    let held = answer.held(&flow).unwrap_or(true);
    if !held {
        let day = flow
            .expect
            .iter()
            .filter(|expected| expected.as_of == answer.as_of);
        for fault in day.flat_map(|expected| answer.faults(expected)) {
            output::note(format_args!("{}: not as expected: {fault}", file.display()));
        }
    }
    Ok(held)
}

fn language(language: Language) -> Lang {
    match language {
        Language::En => Lang::En,
        Language::Zh => Lang::Zh,
    }
}

fn read(file: &Path) -> Result<Flow, Failure> {
    let size = std::fs::metadata(file)
        .map_err(|error| Failure::file(file, error))?
        .len();
    if size > FILE_BOUND {
        return Err(Failure::other(format!(
            "{}: {size} bytes are no flow file; expected at most {FILE_BOUND}",
            file.display()
        )));
    }
    let text = std::fs::read_to_string(file).map_err(|error| Failure::file(file, error))?;
    parse_toml(&text)
        .and_then(|node| flow_from_node(&node))
        .map_err(|error| placed(file, &error))
}

/// An error with its file and line, as editors jump to it.
fn placed(file: &Path, error: &FlowError) -> Failure {
    if error.line == 0 {
        Failure::other(format!("{}: {error}", file.display()))
    } else {
        Failure::other(format!("{}:{}: {error}", file.display(), error.line))
    }
}
