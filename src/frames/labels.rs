//! How rows are called and told apart in text: names, chains, percent-encoding, and what is escaped.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, RwLock};

use dataflows::event::Name;
use dataflows::transitions::{ChainKey, Dimension, Scope, State, Window};

/// The text of every name that rows use. Copies share it, so that a reader resolves names without the frames' lock.
#[derive(Clone, Debug, Default)]
pub struct Labels(Arc<RwLock<HashMap<Name, Arc<str>>>>);

impl Labels {
    pub fn insert(&self, name: Name, text: &str) {
        let mut texts = self.0.write().expect("nobody panics with it");
        texts.entry(name).or_insert_with(|| text.into());
    }

    pub fn get(&self, name: Name) -> Option<Arc<str>> {
        let texts = self.0.read().expect("nobody panics with it");
        texts.get(&name).cloned()
    }

    /// The text of a name that has appeared in a row.
    pub fn text(&self, name: Name) -> Arc<str> {
        self.get(name)
            .expect("a name comes no later than the row that uses it")
    }

    /// A state as JSON shows it.
    pub fn state(&self, state: State) -> String {
        match state {
            State::Start => "(start)".to_owned(),
            State::Named(name) => self.state_name(name),
            State::Conversion => "(conversion)".to_owned(),
            State::Null => "(null)".to_owned(),
        }
    }

    /// The name of a state as JSON shows it.
    pub fn state_name(&self, name: Name) -> String {
        escaped(&self.text(name), &["(start)", "(conversion)", "(null)"])
    }
}

/// The name, told from the `special` ones by one more leading backslash than it has.
pub fn escaped(name: &str, special: &[&str]) -> String {
    if special.contains(&name.trim_start_matches('\\')) {
        format!("\\{name}")
    } else {
        name.to_owned()
    }
}

/// A scope as parameters and exports have it: `*`, or the advertiser.
pub fn scope_text(labels: &Labels, scope: Scope) -> String {
    match scope {
        Scope::Everyone => "*".to_owned(),
        Scope::Advertiser(name) => escaped(&labels.text(name), &["*"]),
    }
}

/// The scope that [`scope_text`] tells of.
fn scope_of(text: &str) -> Scope {
    match text {
        "*" => Scope::Everyone,
        _ => {
            let is_escaped = text.starts_with('\\') && text.trim_start_matches('\\') == "*";
            Scope::Advertiser(Name::of(if is_escaped { &text[1..] } else { text }))
        }
    }
}

pub fn dimension_name(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Channel => "channel",
        Dimension::Campaign => "campaign",
    }
}

pub fn window_name(window: Window) -> &'static str {
    match window {
        Window::All => "all",
        Window::Day => "24h",
        Window::Hour => "1h",
    }
}

/// The chain that three texts name; what is left out is `*`, `channel`, `all`.
///
/// # Errors
/// Says which text names nothing, and what would.
pub fn chain_of(
    scope: Option<&str>,
    dimension: Option<&str>,
    window: Option<&str>,
) -> Result<(ChainKey, Window), String> {
    let scope = scope_of(scope.unwrap_or("*"));
    let dimension = match dimension.unwrap_or("channel") {
        "channel" => Dimension::Channel,
        "campaign" => Dimension::Campaign,
        other => return Err(format!("dimension is channel or campaign, not {other:?}")),
    };
    let window = match window.unwrap_or("all") {
        "all" => Window::All,
        "24h" => Window::Day,
        "1h" => Window::Hour,
        other => return Err(format!("window is all, 24h or 1h, not {other:?}")),
    };
    if (scope, dimension) == (Scope::Everyone, Dimension::Campaign) {
        return Err("scope * has channels only; name an advertiser to see campaigns".to_owned());
    }
    Ok((ChainKey { scope, dimension }, window))
}

/// `SCOPE/DIMENSION/WINDOW` as keys have it.
pub(super) fn chain_text(labels: &Labels, chain: ChainKey, window: Window) -> String {
    format!(
        "{}/{}/{}",
        percent_encoded(&scope_text(labels, chain.scope)),
        dimension_name(chain.dimension),
        window_name(window)
    )
}

/// As `encodeURIComponent` does it.
fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            out.push(byte.into());
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_encoded_as_browsers_do() {
        assert_eq!(percent_encoded("*"), "*");
        assert_eq!(percent_encoded("a b/ü%~(x)!'"), "a%20b%2F%C3%BC%25~(x)!'");
    }

    #[test]
    fn an_advertiser_called_star_is_not_everyone() {
        let labels = Labels::default();
        for name in ["*", "\\*", "acme", "\\"] {
            let scope = Scope::Advertiser(Name::of(name));
            labels.insert(Name::of(name), name);
            let text = scope_text(&labels, scope);
            assert_ne!(text, "*");
            assert_eq!(scope_of(&text), scope, "{text}");
        }
        assert_eq!(scope_of("*"), Scope::Everyone);
    }

    #[test]
    fn what_names_no_chain_is_said() {
        let wrong = |s, d, w| chain_of(Some(s), Some(d), Some(w)).unwrap_err();
        assert!(wrong("*", "campaign", "all").contains("channels only"));
        assert!(wrong("a", "device", "all").contains("\"device\""));
        assert!(wrong("a", "channel", "7d").contains("all, 24h or 1h"));
    }
}
