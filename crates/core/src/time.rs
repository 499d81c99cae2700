//! A moment in time: microseconds since the Unix epoch, shown as RFC 3339 in UTC.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::ToSchema;

/// A moment, in microseconds since 1970-01-01T00:00:00Z. Stored as an integer, serialised as
/// RFC 3339 text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Reads RFC 3339 (`2025-03-09T18:30:00Z`, any offset).
    pub fn parse(text: &str) -> Option<Self> {
        text.trim().parse::<jiff::Timestamp>().ok().map(|moment| Self(moment.as_microsecond()))
    }

    /// `2025-03-09T18:30:00.000000Z`: always with six digits, as some clients insist on.
    pub fn to_micros_text(self) -> String {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => moment.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
            Err(_) => self.to_string(),
        }
    }

    /// `2025-03-09`, in UTC.
    pub fn date(self) -> String {
        self.to_string().chars().take(10).collect()
    }

    /// `9 March 2025`, in UTC: half the tokens of the same date in numbers.
    pub fn date_in_words(self) -> String {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => moment.strftime("%-d %B %Y").to_string(),
            Err(_) => self.date(),
        }
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => write!(f, "{moment}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is not an RFC 3339 time")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_with_an_offset_is_shown_in_utc() {
        let moment = Timestamp::parse("2025-03-09T20:30:00+02:00").unwrap();
        assert_eq!(moment.to_string(), "2025-03-09T18:30:00Z");
        assert_eq!(moment.date(), "2025-03-09");
        assert_eq!(moment.to_micros_text(), "2025-03-09T18:30:00.000000Z");
        assert_eq!(Timestamp::parse("yesterday"), None);
    }
}
