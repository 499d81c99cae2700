//! A time that a text mentions: some days, or days of any year. All in UTC.

use backstay_core::Timestamp;
use jiff::{Span, civil::Date, tz::TimeZone};

pub(super) const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// A longer span that a turn speaks of says little about when.
pub(super) const SPOKEN_DAYS_MAX: usize = 31;

/// A time that a question mentions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DateMention {
    /// From the first day to the last, both included.
    Days(Date, Date),
    /// A month of any year.
    Month(i8),
    /// A season of any year, from its first month to its last.
    Months(i8, i8),
    /// A day of any year: month, then day.
    Day(i8, i8),
}

impl std::fmt::Display for DateMention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let month = |month: i8| match usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at))
        {
            Some(name) => format!("{}{}", name[..1].to_uppercase(), &name[1..]),
            None => month.to_string(),
        };
        match self {
            Self::Days(first, last) if first == last => write!(f, "{first}"),
            Self::Days(first, last) => write!(f, "{first} to {last}"),
            Self::Month(of) => write!(f, "any {}", month(*of)),
            Self::Months(first, last) => write!(f, "any {} to {}", month(*first), month(*last)),
            Self::Day(of, day) => write!(f, "any {day} {}", month(*of)),
        }
    }
}

impl DateMention {
    pub(crate) fn covers(&self, moment: Timestamp) -> bool {
        date_of(moment).is_some_and(|date| self.has(date))
    }

    fn has(&self, date: Date) -> bool {
        match self {
            Self::Days(first, last) => (*first..=*last).contains(&date),
            Self::Month(month) => date.month() == *month,
            Self::Months(first, last) if first <= last => (*first..=*last).contains(&date.month()),
            Self::Months(first, last) => date.month() >= *first || date.month() <= *last,
            Self::Day(month, day) => date.month() == *month && date.day() == *day,
        }
    }

    /// Whether a day of a short span is in it.
    pub(crate) fn meets(&self, first: Date, last: Date) -> bool {
        days(first).take_while(|day| *day <= last).take(SPOKEN_DAYS_MAX).any(|day| self.has(day))
    }
}

/// A time beside another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Before,
    After,
}

impl Side {
    pub(super) fn of(word: &str) -> Option<Self> {
        match word {
            "before" => Some(Self::Before),
            "after" => Some(Self::After),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Day,
    Week,
    Month,
    Year,
}

impl Unit {
    pub(super) fn of(word: &str) -> Option<Self> {
        match word {
            "day" => Some(Self::Day),
            "week" => Some(Self::Week),
            "month" => Some(Self::Month),
            "year" => Some(Self::Year),
            _ => None,
        }
    }

    /// So long a time right before a span of days, or right after it.
    pub(crate) fn beside(self, side: Side, (first, last): (Date, Date)) -> Option<DateMention> {
        let length = match self {
            Self::Day => Span::new().days(1),
            Self::Week => Span::new().days(7),
            Self::Month => Span::new().months(1),
            Self::Year => Span::new().years(1),
        };
        let day = Span::new().days(1);
        let (first, last) = match side {
            Side::Before => (first.checked_sub(length).ok()?, first.checked_sub(day).ok()?),
            Side::After => (last.checked_add(day).ok()?, last.checked_add(length).ok()?),
        };
        Some(DateMention::Days(first, last))
    }
}

pub(super) fn days(first: Date) -> impl Iterator<Item = Date> {
    first.series(Span::new().days(1))
}

pub(crate) fn date_of(moment: Timestamp) -> Option<Date> {
    let moment = jiff::Timestamp::from_microsecond(moment.micros()).ok()?;
    Some(moment.to_zoned(TimeZone::UTC).date())
}
