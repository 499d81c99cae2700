//! Dates as a model writes them, to moments: ISO 8601, as precise as is known, in UTC.

use backstay_core::{Timestamp, memory::Validity};
use jiff::{ToSpan as _, civil::Date, tz::TimeZone};

use crate::analyse::Query;

/// Before this nothing that a user says of themselves is true.
const YEAR_MIN: i16 = 1000;
/// How many years after a turn something that it speaks of can still begin or end.
const YEARS_AHEAD_MAX: i16 = 100;

/// The period from the beginning of `from` to the end of `to`, both as they stand in a reply and
/// either open. `Err` names what is wrong with it.
pub(super) fn period(
    from: Option<&str>,
    to: Option<&str>,
    said_at: Timestamp,
) -> Result<Validity, String> {
    let from = from.map(|text| moments(text, said_at)).transpose()?;
    let to = to.map(|text| moments(text, said_at)).transpose()?;
    let valid = Validity {
        from: from.map(|(first, _)| first),
        to: to.map(|(first, next)| next.unwrap_or(first)),
    };
    match (valid.from, valid.to) {
        (Some(from), Some(to)) if to <= from => Err(format!("it ends {to}, before it begins")),
        _ => Ok(valid),
    }
}

/// Whether a fact may begin at `from` when its quote was said at `said_at`: false when the quote
/// speaks of some other time, as when "yesterday" was counted from today and not from the turn. A
/// day of difference is the time zone's.
pub(super) fn agree(from: Option<&str>, quote: &str, said_at: Timestamp) -> bool {
    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
    const DAYS_MAX: i64 = 400;
    let query = Query::new(quote, said_at);
    let Some(Ok((first, next))) = from.map(|text| moments(text, said_at)) else { return true };
    if query.dates.is_empty() {
        return true;
    }
    let end = next.unwrap_or(first).millis() + DAY_MS;
    (0..DAYS_MAX)
        .map(|day| first.millis() + (day - 1) * DAY_MS)
        .take_while(|moment| *moment <= end)
        .any(|moment| query.dated(Timestamp::from_millis(moment)))
}

/// A date's first moment and, unless it is a moment itself, the first after it.
fn moments(text: &str, said_at: Timestamp) -> Result<(Timestamp, Option<Timestamp>), String> {
    let text = text.trim();
    let unusable = || format!("{:?} is no date", text.chars().take(40).collect::<String>());
    let (first, next) = match Timestamp::parse(text) {
        Some(moment) => (moment, None),
        None => {
            let (first, next) = days(text).ok_or_else(unusable)?;
            (midnight(first).ok_or_else(unusable)?, Some(midnight(next).ok_or_else(unusable)?))
        }
    };
    let year = date_of(first).map(Date::year).ok_or_else(unusable)?;
    let latest = date_of(said_at).map_or(i16::MAX, |date| date.year() + YEARS_AHEAD_MAX);
    if (YEAR_MIN..=latest).contains(&year) {
        Ok((first, next))
    } else {
        Err(format!("{text} lies too far away"))
    }
}

/// `2023`, `2023-05`, `2023-05-08`: the first day, and the first that is not meant any more.
fn days(text: &str) -> Option<(Date, Date)> {
    let shape_fits = text.len() >= 4
        && text.bytes().enumerate().all(|(index, byte)| {
            if matches!(index, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() }
        });
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i8>().ok();
    let year = text.get(0..4)?.parse::<i16>().ok().filter(|_| shape_fits)?;
    let (first, length) = match text.len() {
        4 => (Date::new(year, 1, 1).ok()?, 1.year()),
        7 => (Date::new(year, number(5..7)?, 1).ok()?, 1.month()),
        10 => (Date::new(year, number(5..7)?, number(8..10)?).ok()?, 1.day()),
        _ => return None,
    };
    Some((first, first.checked_add(length).ok()?))
}

fn midnight(date: Date) -> Option<Timestamp> {
    let zoned = date.to_zoned(TimeZone::UTC).ok()?;
    Some(Timestamp::from_micros(zoned.timestamp().as_microsecond()))
}

fn date_of(moment: Timestamp) -> Option<Date> {
    let moment = jiff::Timestamp::from_microsecond(moment.micros()).ok()?;
    Some(moment.to_zoned(TimeZone::UTC).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said_at() -> Timestamp {
        Timestamp::parse("2025-03-09T18:30:00Z").unwrap()
    }

    fn shown(from: &str, to: &str) -> Result<(String, String), String> {
        let valid = period(Some(from), Some(to), said_at())?;
        Ok((valid.from.unwrap().to_string(), valid.to.unwrap().to_string()))
    }

    #[test]
    fn a_date_stands_for_all_of_it() {
        for (from, to, first, next) in [
            ("2023", "2023", "2023-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
            ("2023-05", "2023-12", "2023-05-01T00:00:00Z", "2024-01-01T00:00:00Z"),
            ("2024-02-29", "2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"),
            ("2023-05-08T10:00:00Z", "2023-05-08", "2023-05-08T10:00:00Z", "2023-05-09T00:00:00Z"),
        ] {
            assert_eq!(shown(from, to), Ok((first.to_owned(), next.to_owned())), "{from} {to}");
        }
        assert_eq!(period(None, None, said_at()), Ok(Validity::default()));
    }

    #[test]
    fn impossible_dates_are_refused() {
        for (from, to) in [
            ("2023-02-30", "2024"),
            ("2023-13", "2024"),
            ("last week", "2024"),
            ("2024", "2023"),
            ("0001-01-01", "2023"),
            ("2023", "9999"),
            ("2023-5-8", "2024"),
            ("", "2024"),
            ("２０２３", "2024"),
            ("2023-05-08-", "2024"),
        ] {
            assert!(shown(from, to).is_err(), "{from} {to}");
        }
    }
}
