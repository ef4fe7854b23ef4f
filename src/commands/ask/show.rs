//! Answers for people.

use std::fmt::Write;

use crate::terminal::printable;
use jiff::Timestamp;
use serde_json::Value;

/// Shown where a number is not defined.
const NONE: &str = "-";

/// CSV as columns: text to the left, numbers to the right.
pub(super) fn aligned(csv: &str) -> String {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(csv.as_bytes());
    let rows: Vec<Vec<String>> = reader
        .records()
        .filter_map(Result::ok)
        .map(|row| row.iter().map(short).collect())
        .collect();
    columns(&rows)
}

fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let column = |i: usize| rows.iter().filter_map(move |row| row.get(i));
    let widths: Vec<usize> = (0..count)
        .map(|i| {
            column(i)
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let is_number = |cell: &String| cell == NONE || cell.parse::<f64>().is_ok();
    let right: Vec<bool> = (0..count)
        .map(|i| column(i).skip(1).all(is_number))
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (i, cell) in row.iter().enumerate() {
            let width = widths[i];
            // Writing to a String cannot fail.
            let _ = match right[i] {
                true => write!(line, "{cell:>width$}  "),
                false => write!(line, "{cell:<width$}  "),
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A cell; long fractions are cut.
fn short(cell: &str) -> String {
    match cell.parse::<f64>() {
        _ if cell.is_empty() => NONE.to_owned(),
        Ok(number) if cell.contains(['.', 'e']) => format!("{number:.4}"),
        _ => printable(cell),
    }
}

fn number(value: &Value, decimals: usize) -> String {
    let number = value.as_f64();
    number.map_or(NONE.to_owned(), |number| format!("{number:.decimals$}"))
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text),
        Value::Null => NONE.to_owned(),
        other => other.to_string(),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn time(value: &Value) -> String {
    let time = value
        .as_i64()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.map_or(NONE.to_owned(), |time| format!("{time:.3}"))
}

/// As of when.
fn stamp(answer: &Value) -> String {
    format!(
        "as of epoch {}, {} ms old\n",
        text(&answer["as_of_epoch"]),
        text(&answer["staleness_ms"])
    )
}

/// The chain's totals and its credits, the largest first.
pub(super) fn attribution(answer: &Value) -> String {
    let mut out = format!(
        "{} by {}, window {}: {} journeys, {} conversions, {} of them untouched; {}",
        text(&answer["scope"]),
        text(&answer["dimension"]),
        text(&answer["window"]),
        text(&answer["journeys"]),
        text(&answer["conversions"]),
        text(&answer["untouched"]),
        stamp(answer)
    );
    let mut credits = list(&answer["credits"]).to_vec();
    let amount = |credit: &Value| credit["attributed_conversions"].as_f64().unwrap_or(-1.0);
    credits.sort_by(|a, b| amount(b).total_cmp(&amount(a)));
    let head = ["credit to", "removal effect", "conversions", "value"].map(str::to_owned);
    let rows = credits.iter().map(|credit| {
        vec![
            text(&credit["state"]),
            number(&credit["removal_effect"], 4),
            number(&credit["attributed_conversions"], 1),
            number(&credit["attributed_value"], 2),
        ]
    });
    let rows: Vec<Vec<String>> = std::iter::once(head.to_vec()).chain(rows).collect();
    out.push_str(&columns(&rows));
    out
}

/// Sessions, then journeys with their points.
pub(super) fn user(answer: &Value) -> String {
    let mut out = stamp(answer);
    let head = ["session from", "to", "activities", "open"].map(str::to_owned);
    let rows = list(&answer["sessions"]).iter().map(|session| {
        vec![
            time(&session["first_ms"]),
            time(&session["last_ms"]),
            text(&session["activities"]),
            text(&session["is_open"]),
        ]
    });
    let rows: Vec<Vec<String>> = std::iter::once(head.to_vec()).chain(rows).collect();
    out.push_str(&columns(&rows));
    let head = ["journey of", "at", "kind", "channel", "campaign", "value"].map(str::to_owned);
    let mut rows = vec![head.to_vec()];
    for journey in list(&answer["journeys"]) {
        for (i, point) in list(&journey["points"]).iter().enumerate() {
            let advertiser = text(&journey["advertiser"]);
            rows.push(vec![
                if i == 0 { advertiser } else { String::new() },
                time(&point["time_ms"]),
                text(&point["kind"]),
                text(&point["channel"]),
                text(&point["campaign"]),
                number(&point["value"], 2),
            ]);
        }
    }
    out.push('\n');
    out.push_str(&columns(&rows));
    out
}

/// A line for each thing, those inside of others with their full names.
pub(super) fn status(answer: &Value) -> String {
    let mut rows = Vec::new();
    flatten("", answer, &mut rows);
    columns(&rows)
}

fn flatten(prefix: &str, value: &Value, rows: &mut Vec<Vec<String>>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let name = format!("{prefix}{name}");
        match value {
            Value::Object(_) => flatten(&format!("{name}."), value, rows),
            _ => rows.push(vec![name, text(value)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_stand_right_and_text_left() {
        let table = aligned("state,conversions\r\nsearch,1.25\r\n\"a, b\",\r\n");
        assert_eq!(
            table,
            "state   conversions\nsearch       1.2500\na, b              -\n"
        );
    }

    #[test]
    fn the_largest_credit_is_first() {
        let credit = |state: &str, n: f64| json!({"state": state, "attributed_conversions": n, "removal_effect": null});
        let answer = json!({
            "scope": "*", "dimension": "channel", "window": "all", "journeys": 3, "conversions": 2, "untouched": 0,
            "as_of_epoch": 7, "staleness_ms": 4, "credits": [credit("a", 0.5), credit("b", 1.5)],
        });
        let text = attribution(&answer);
        assert!(text.starts_with("* by channel, window all: 3 journeys, 2 conversions"));
        assert!(text.find("\nb ") < text.find("\na "), "{text}");
    }
}
