//! A time of the day, at which other prices may begin or end.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::ToSchema;

use crate::Timestamp;

/// A minute of the day in UTC, written `HHMM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, example = "0630")]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    pub(super) const MIDNIGHT: Self = Self(0);

    pub(super) fn of(at: Timestamp) -> Self {
        let minute = at.seconds().div_euclid(60).rem_euclid(24 * 60);
        Self(u16::try_from(minute).unwrap_or(0))
    }

    /// Reads 630 as half past six; `None` when there is no such time.
    pub fn from_hhmm(number: u16) -> Option<Self> {
        let (hour, minute) = (number / 100, number % 100);
        (hour < 24 && minute < 60).then_some(Self(hour * 60 + minute))
    }

    pub fn hhmm(self) -> u16 {
        self.0 / 60 * 100 + self.0 % 60
    }

    fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        Self::from_hhmm(digits.then(|| text.parse().ok()).flatten()?)
    }
}

impl std::fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}", self.hhmm())
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is no time of day such as \"0630\"")))
    }
}
