//! Budgets: how much may be spent in which period, and what is said when one is used up.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Money, Timestamp};

const MICROS_PER_DAY: i64 = 86_400_000_000;
/// 1970-01-01 was a Thursday.
const DAYS_FROM_MONDAY_TO_EPOCH: i64 = 3;

/// What is spent may reach the limit and not exceed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    pub period: BudgetPeriod,
    /// Dollars.
    pub limit: Money,
}

/// Periods begin and end at midnight UTC; weeks go from Monday to Sunday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BudgetPeriod {
    Day,
    Week,
    Month,
    /// Never begins anew.
    Total,
}

/// A stretch of time, its end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSpan {
    pub starts_at: Timestamp,
    /// `None` for a stretch without an end.
    pub ends_at: Option<Timestamp>,
}

impl TimeSpan {
    pub fn holds(&self, moment: Timestamp) -> bool {
        moment >= self.starts_at && self.ends_at.is_none_or(|end| moment < end)
    }
}

impl BudgetPeriod {
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Total];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Total => "total",
        }
    }

    /// The day, week or month that holds a moment.
    pub fn at(self, moment: Timestamp) -> TimeSpan {
        let day = moment.micros().div_euclid(MICROS_PER_DAY);
        let (first, next) = match self {
            Self::Day => (day, day + 1),
            Self::Week => {
                let monday = day - (day + DAYS_FROM_MONDAY_TO_EPOCH).rem_euclid(7);
                (monday, monday + 7)
            }
            Self::Month => month_of(moment).unwrap_or((day, day + 1)),
            Self::Total => return TimeSpan { starts_at: Timestamp::default(), ends_at: None },
        };
        TimeSpan { starts_at: midnight(first), ends_at: Some(midnight(next)) }
    }
}

/// The days, counted from the epoch, on which the month and the next one begin. `None` far outside
/// of the calendar.
fn month_of(moment: Timestamp) -> Option<(i64, i64)> {
    let date = jiff::Timestamp::from_microsecond(moment.micros()).ok()?;
    let first = date.to_zoned(jiff::tz::TimeZone::UTC).date().first_of_month();
    let days = |date: jiff::civil::Date| {
        let start = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(start.timestamp().as_microsecond().div_euclid(MICROS_PER_DAY))
    };
    let next = first.last_of_month().tomorrow().ok()?;
    Some((days(first)?, days(next)?))
}

fn midnight(day: i64) -> Timestamp {
    Timestamp::from_micros(day.saturating_mul(MICROS_PER_DAY))
}

/// The limit that a call ran into, for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LimitHit {
    pub scope: LimitScope,
    pub of: Limited,
    /// `minute`, `hour`, `day`, `week`, `month` or `total`.
    pub per: &'static str,
    pub limit: Amount,
    pub used: Amount,
    /// What calls under way may still use.
    pub reserved: Amount,
    /// When it frees; `None` for never.
    pub resets_at: Option<Timestamp>,
}

impl LimitHit {
    /// What is left: of money nothing that this call could have used.
    pub fn left(&self) -> Amount {
        match (self.limit, self.used) {
            (Amount::Count(limit), Amount::Count(used)) => {
                Amount::Count(limit.saturating_sub(used))
            }
            _ => Amount::Count(0),
        }
    }
}

/// Whose limit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LimitScope {
    Key,
    Workspace,
}

impl LimitScope {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Workspace => "workspace",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Limited {
    Money,
    Requests,
    Tokens,
}

impl Limited {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Money => "money",
            Self::Requests => "requests",
            Self::Tokens => "tokens",
        }
    }
}

/// Money is decimal text, a count is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Amount {
    Money(Money),
    Count(u64),
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Money(money) => write!(f, "${money}"),
            Self::Count(count) => write!(f, "{count}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(period: BudgetPeriod, moment: &str) -> (String, String) {
        let span = period.at(Timestamp::parse(moment).unwrap());
        (span.starts_at.date(), span.ends_at.map(Timestamp::date).unwrap_or_default())
    }

    fn dates(from: &str, to: &str) -> (String, String) {
        (from.to_owned(), to.to_owned())
    }

    #[test]
    fn periods_begin_at_midnight_utc_and_weeks_on_monday() {
        let sunday = "2026-03-01T23:59:59.999999Z";
        assert_eq!(span(BudgetPeriod::Day, sunday), dates("2026-03-01", "2026-03-02"));
        assert_eq!(span(BudgetPeriod::Week, sunday), dates("2026-02-23", "2026-03-02"));
        assert_eq!(span(BudgetPeriod::Month, sunday), dates("2026-03-01", "2026-04-01"));
        let monday = "2026-03-02T00:00:00Z";
        assert_eq!(span(BudgetPeriod::Week, monday), dates("2026-03-02", "2026-03-09"));
        let new_year = "2024-12-31T12:00:00Z";
        assert_eq!(span(BudgetPeriod::Month, new_year), dates("2024-12-01", "2025-01-01"));
        let leap_day = "2024-02-29T12:00:00Z";
        assert_eq!(span(BudgetPeriod::Month, leap_day), dates("2024-02-01", "2024-03-01"));
    }

    #[test]
    fn a_total_has_no_end() {
        let total = BudgetPeriod::Total.at(Timestamp::parse("2026-03-01T00:00:00Z").unwrap());
        assert_eq!(total, TimeSpan { starts_at: Timestamp::default(), ends_at: None });
    }
}
