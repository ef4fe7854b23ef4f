//! The known word nearest to a mistyped one.

use strsim::{jaro_winkler, normalized_damerau_levenshtein};

/// The candidate that was probably meant, or `None` when nothing is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase().replace('-', "_");
    candidates
        .into_iter()
        .map(|candidate| (likeness(&word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// 0 to 1. One word within the other (`session_gap`, `gap`) counts as near, however much longer it is.
fn likeness(word: &str, candidate: &str) -> f64 {
    let parts = |long: &str, short: &str| long.split('_').any(|part| part == short);
    if parts(word, candidate) || parts(candidate, word) {
        return 0.8 + jaro_winkler(word, candidate) / 10.0;
    }
    normalized_damerau_levenshtein(word, candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_the_word_that_was_meant() {
        let keys = ["gap", "rule", "allowed", "watermark_support", "in_flight"];
        for (typed, meant) in [
            ("gpa", Some("gap")),
            ("session_gap", Some("gap")),
            ("support", Some("watermark_support")),
            ("in-flight", Some("in_flight")),
            ("Allowed", Some("allowed")),
            ("colour", None),
        ] {
            assert_eq!(nearest(typed, keys), meant, "{typed}");
        }
    }
}
