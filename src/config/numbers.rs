//! Numbers that a word may stand in for: `speed = "max"`, `late_share = "scenario"`.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::values::Malformed;

macro_rules! number_or_word {
    ($(#[$doc:meta])* $type:ident, $word:literal, $valid:expr, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub struct $type(Option<f64>);

        impl $type {
            /// `None` where the word stands.
            pub fn number(self) -> Option<f64> {
                self.0
            }

            fn of(number: f64) -> Result<$type, Malformed> {
                let valid: fn(f64) -> bool = $valid;
                if valid(number) && number.is_finite() {
                    return Ok($type(Some(number)));
                }
                Err(Malformed(format!(concat!("`{}` is not ", $what, " or \"", $word, "\""), number)))
            }
        }

        impl FromStr for $type {
            type Err = Malformed;
            fn from_str(text: &str) -> Result<$type, Malformed> {
                if text == $word {
                    return Ok($type(None));
                }
                let wrong = |_| Malformed(format!(concat!("`{}` is not ", $what, " or \"", $word, "\""), text));
                $type::of(text.parse().map_err(wrong)?)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0 {
                    Some(number) => number.fmt(f),
                    None => f.write_str($word),
                }
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self.0 {
                    Some(number) => serializer.serialize_f64(number),
                    None => serializer.serialize_str($word),
                }
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                struct Either;
                impl Visitor<'_> for Either {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!($what, " or \"", $word, "\""))
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                    fn visit_i64<E: de::Error>(self, number: i64) -> Result<$type, E> {
                        $type::of(number as f64).map_err(E::custom)
                    }
                    fn visit_f64<E: de::Error>(self, number: f64) -> Result<$type, E> {
                        $type::of(number).map_err(E::custom)
                    }
                }
                deserializer.deserialize_any(Either)
            }
        }
    };
}

number_or_word!(
    /// How many times as fast as event time records come; `max`: as fast as they are taken in.
    Speed, "max", |x| x > 0.0, "a number above 0"
);
number_or_word!(
    /// Events per second of event time; `scenario`: what the scenario says.
    Rate, "scenario", |x| x > 0.0, "a number above 0"
);
number_or_word!(
    /// A share of all events; `scenario`: what the scenario says.
    Share, "scenario", |x| (0.0..=1.0).contains(&x), "a number from 0 to 1"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_round_trip() {
        for text in ["max", "0.5", "60"] {
            assert_eq!(text.parse::<Speed>().unwrap().to_string(), text);
        }
        assert_eq!("scenario".parse::<Share>().unwrap().number(), None);
    }

    #[test]
    fn errors_name_the_range_and_the_word() {
        let error = "1.5".parse::<Share>().unwrap_err().to_string();
        assert_eq!(error, "`1.5` is not a number from 0 to 1 or \"scenario\"");
        let error = "fast".parse::<Speed>().unwrap_err().to_string();
        assert_eq!(error, "`fast` is not a number above 0 or \"max\"");
        assert!("inf".parse::<Speed>().is_err() && "NaN".parse::<Rate>().is_err());
    }
}
