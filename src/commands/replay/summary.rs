//! What a replay tells a person at its end.

use std::fmt::Write;

use dataflows::transitions::{Dimension, Window};

use super::ledger::Ledger;
use crate::cli;
use crate::report::{Chain, ChainKey, Report, State};
use crate::terminal::printable;

/// Rows of the credit table.
const ROWS: usize = 20;

/// Dispositions, what to look at, and the credit of the widest chain of the dimension asked for.
pub(super) fn text(report: &Report, ledger: &Ledger, args: &cli::Replay) -> String {
    let mut text = String::new();
    let read =
        report.accepted + report.duplicate + report.late + report.invalid + report.no_consent;
    let Report {
        accepted,
        duplicate,
        late,
        invalid,
        no_consent,
        ..
    } = report;
    line(
        &mut text,
        &format!(
            "records read {read} = accepted {accepted} + duplicate {duplicate} + late {late} + invalid {invalid} + no consent {no_consent}"
        ),
    );
    for (reason, count) in ledger.reasons() {
        line(&mut text, &format!("  invalid: {} {count}", reason.name()));
    }
    if report.conflicts > 0 {
        line(
            &mut text,
            &format!(
                "  {} events came with different content; the least was kept",
                report.conflicts
            ),
        );
    }
    if ledger.unknown_fields() > 0 {
        line(
            &mut text,
            &format!(
                "  {} fields are not of the schema and were passed over",
                ledger.unknown_fields()
            ),
        );
    }
    for (file, counts) in ledger.often_late() {
        let share = counts.late as f64 * 100.0 / counts.records as f64;
        line(
            &mut text,
            &format!(
                "  {share:.1} % of the records of {} are late: is it in time order? --allowed-lateness takes a longer time, or `unbounded`",
                file.display()
            ),
        );
    }
    line(
        &mut text,
        &format!(
            "open at the end: {} sessions, {} journeys (counted as null)",
            report.open_sessions, report.open_journeys
        ),
    );
    for (key, chain) in chosen(report, args.dimension, args.window) {
        credit_table(&mut text, key, chain);
    }
    text
}

fn line(text: &mut String, words: &str) {
    text.push_str(words);
    text.push('\n');
}

/// `*` by channel; by campaign, where there is no `*`, every advertiser.
fn chosen(
    report: &Report,
    dimension: Dimension,
    window: Window,
) -> impl Iterator<Item = (&ChainKey, &Chain)> {
    let is_chosen = move |key: &&ChainKey| {
        (key.dimension, key.window) == (dimension, window)
            && (key.advertiser.is_none() || dimension == Dimension::Campaign)
    };
    report.chains.iter().filter(move |(key, _)| is_chosen(key))
}

fn credit_table(text: &mut String, key: &ChainKey, chain: &Chain) {
    let total = |is: fn(&State, &State) -> bool| -> i64 {
        chain
            .counts
            .iter()
            .filter(|((from, to), _)| is(from, to))
            .map(|(_, count)| count.count)
            .sum()
    };
    let journeys = total(|from, _| *from == State::Start);
    let conversions = total(|_, to| *to == State::Conversion);
    let untouched = total(|from, to| (from, to) == (&State::Start, &State::Conversion));
    let advertiser = key.advertiser.as_deref();
    let advertiser = advertiser.map_or("all advertisers".to_owned(), printable);
    line(
        text,
        &format!(
            "\n{advertiser}: {journeys} journeys, {conversions} conversions, {untouched} of them untouched"
        ),
    );
    let _ = writeln!(
        text,
        "  {:<28} {:>14} {:>14} {:>16}",
        "credit to", "removal effect", "conversions", "value"
    );
    let figure = |figure: Option<f64>, digits: usize| {
        figure.map_or("-".to_owned(), |f| format!("{f:.digits$}"))
    };
    let mut credits: Vec<_> = chain.credits.iter().collect();
    credits.sort_by(|a, b| {
        b.attributed_conversions
            .partial_cmp(&a.attributed_conversions)
            .expect("no NaN")
    });
    for credit in credits.iter().take(ROWS) {
        let _ = writeln!(
            text,
            "  {:<28} {:>14} {:>14} {:>16}",
            printable(&credit.state),
            figure(credit.removal_effect, 4),
            figure(credit.attributed_conversions, 1),
            figure(credit.attributed_value, 2)
        );
    }
    if credits.len() > ROWS {
        line(
            text,
            &format!("  and {} more; --export writes all", credits.len() - ROWS),
        );
    }
}
