//! Values of flags that are no settings.

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use dataflows::transitions::{Dimension, Window};

/// How records are written in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum InputFormat {
    /// CSV if the name says so or the first line is a header, else JSON
    #[default]
    Auto,
    /// One JSON object a line
    Json,
    /// CSV with a header
    Csv,
}

/// How an answer is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AnswerFormat {
    /// For people
    #[default]
    Table,
    /// As the server gives it
    Json,
    /// With a header line
    Csv,
}

/// `channel` or `campaign`.
pub(super) fn dimension() -> impl TypedValueParser<Value = Dimension> {
    PossibleValuesParser::new(["channel", "campaign"]).map(|name| match name.as_str() {
        "campaign" => Dimension::Campaign,
        _ => Dimension::Channel,
    })
}

/// `all`, `24h` or `1h`.
pub(super) fn window() -> impl TypedValueParser<Value = Window> {
    PossibleValuesParser::new(["all", "24h", "1h"]).map(|name| match name.as_str() {
        "1h" => Window::Hour,
        "24h" => Window::Day,
        _ => Window::All,
    })
}
