//! Rows as a table and as JSON.

use std::fmt::Write;

use super::Row;

/// About the machine.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{cores} cores, {} {}",
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}

/// A line a row.
pub fn table(rows: &[Row]) -> String {
    let mut out = format!("machine: {}\n", machine());
    let width = rows
        .iter()
        .map(|row| row.name.chars().count())
        .max()
        .unwrap_or(0);
    let mut group = "";
    for row in rows {
        if row.group != group {
            group = row.group;
            writeln!(out, "\n[{group}]").expect("a string takes all");
        }
        writeln!(out, "{}", line(row, width).trim_end()).expect("a string takes all");
    }
    out
}

fn line(row: &Row, width: usize) -> String {
    let bounds = row.bound.map_or(String::new(), |bound| {
        let goal = bound
            .goal
            .map_or(String::new(), |goal| format!(", goal {}", number(goal)));
        format!("floor {}{goal}", number(bound.floor))
    });
    format!(
        "{:width$}  {:>9} {:<18}  {bounds:<26}  {}",
        row.name,
        number(row.value),
        row.unit,
        row.verdict()
    )
}

/// Three digits that count.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

/// The same as one JSON object.
pub fn json(rows: &[Row]) -> String {
    let row = |row: &Row| {
        serde_json::json!({
            "group": row.group,
            "name": row.name,
            "value": row.value,
            "unit": row.unit,
            "floor": row.bound.map(|bound| bound.floor),
            "goal": row.bound.and_then(|bound| bound.goal),
            "more_is_better": row.bound.map(|bound| bound.more_is_better),
            "verdict": row.verdict(),
        })
    };
    let rows: Vec<_> = rows.iter().map(row).collect();
    let whole = serde_json::json!({ "machine": machine(), "rows": rows });
    format!("{whole:#}\n")
}
