//! Seasons and days of the week in questions. Seasons are those of the northern half of the earth,
//! in whole months, as people count them.

use jiff::{
    Span,
    civil::{Date, Weekday},
};

/// A season by the month in which it begins; it has three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Season(i8);

impl Season {
    pub(super) fn of(word: &str) -> Option<Self> {
        match word {
            "spring" => Some(Self(3)),
            "summer" => Some(Self(6)),
            "autumn" | "fall" => Some(Self(9)),
            "winter" => Some(Self(12)),
            _ => None,
        }
    }

    /// Its months in any year, the first and the last; a winter goes on into the next.
    pub(super) fn months(self) -> (i8, i8) {
        (self.0, (self.0 + 1) % 12 + 1)
    }

    /// The one that begins in a year.
    pub(super) fn in_year(self, year: i16) -> Option<(Date, Date)> {
        let first = Date::new(year, self.0, 1).ok()?;
        let last = first.checked_add(Span::new().months(2)).ok()?.last_of_month();
        Some((first, last))
    }

    /// The newest that was over before this day.
    pub(super) fn last_before(self, today: Date) -> Option<(Date, Date)> {
        let years = [today.year(), today.year() - 1, today.year() - 2];
        years.into_iter().filter_map(|year| self.in_year(year)).find(|(_, last)| *last < today)
    }

    /// The one that it is, or else that of this year.
    pub(super) fn current(self, today: Date) -> Option<(Date, Date)> {
        let before = self.in_year(today.year() - 1).filter(|(_, last)| *last >= today);
        before.or_else(|| self.in_year(today.year()))
    }
}

/// The newest such day of the week before this day.
pub(super) fn weekday_before(word: &str, today: Date) -> Option<Date> {
    let weekday = match word {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return None,
    };
    today.nth_weekday(-1, weekday).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_winter_belongs_to_two_years() {
        let winter = Season::of("winter").unwrap();
        let day = |text: &str| text.parse::<Date>().unwrap();
        assert_eq!(winter.months(), (12, 2));
        assert_eq!(Season::of("summer").unwrap().months(), (6, 8));
        let of_2022 = Some((day("2022-12-01"), day("2023-02-28")));
        assert_eq!(winter.current(day("2023-01-15")), of_2022);
        assert_eq!(winter.last_before(day("2023-03-01")), of_2022);
        assert_eq!(
            winter.last_before(day("2023-01-15")),
            Some((day("2021-12-01"), day("2022-02-28")))
        );
    }
}
