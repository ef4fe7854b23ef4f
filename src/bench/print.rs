//! Rows as a table and as JSON.

use super::Row;

/// Columns for the names of rows.
const NAME_WIDTH: usize = 68;

/// About the machine.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{cores} cores, {} {}",
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}

/// What stands above the table.
pub fn head() -> String {
    format!("machine: {}\n", machine())
}

/// The part of the table that has the rows of one group, a line a row.
pub fn table(rows: &[Row]) -> String {
    let group = rows.first().map_or("", |row| row.group);
    let mut out = format!("\n[{group}]\n");
    for row in rows {
        out.push_str(line(row).trim_end());
        out.push('\n');
    }
    out
}

fn line(row: &Row) -> String {
    let bounds = row.bound.map_or(String::new(), |bound| {
        let goal = bound
            .goal
            .map_or(String::new(), |goal| format!(", goal {}", number(goal)));
        format!("floor {}{goal}", number(bound.floor))
    });
    format!(
        "{:NAME_WIDTH$}  {:>9} {:<18}  {bounds:<26}  {}",
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
