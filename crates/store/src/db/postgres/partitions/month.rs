//! A month of the calendar, in UTC.

use backstay_core::{BudgetPeriod, EpisodeId, GenerationId, Timestamp};

use super::Kind;

/// So many are made at once at most: what is older stays in the default partition.
const MONTHS_MAX: usize = 240;
const A_DAY_MICROS: i64 = 86_400_000_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Month {
    pub(super) starts_at: Timestamp,
    /// Itself not included.
    pub(super) ends_at: Timestamp,
}

impl Month {
    pub(super) fn of(moment: Timestamp) -> Self {
        let span = BudgetPeriod::Month.at(moment);
        Self { starts_at: span.starts_at, ends_at: span.ends_at.unwrap_or(span.starts_at) }
    }

    /// The months of two moments and those between them; the last ones, if they are too many.
    pub(super) fn between(first: Timestamp, last: Timestamp) -> Vec<Self> {
        let mut months = vec![Self::of(last)];
        while let Some(month) = months.last()
            && month.starts_at > first
            && months.len() < MONTHS_MAX
        {
            let before = month.starts_at.micros().saturating_sub(A_DAY_MICROS);
            months.push(Self::of(Timestamp::from_micros(before)));
        }
        months.reverse();
        months
    }

    pub(super) fn next(&self) -> Self {
        Self::of(self.ends_at)
    }

    /// `2026_11`.
    pub(super) fn label(&self) -> String {
        let date = self.starts_at.date();
        date.get(..7).unwrap_or(&date).replace('-', "_")
    }

    pub(super) fn from_label(label: &str) -> Option<Self> {
        let day = format!("{}-01T00:00:00Z", label.replace('_', "-"));
        Timestamp::parse(&day).map(Self::of).filter(|month| month.label() == label)
    }

    /// The smallest identifiers that this month and the next one can give out.
    pub(super) fn bounds(&self, kind: Kind) -> (String, String) {
        let first = |moment| match kind {
            Kind::Generation => GenerationId::first_at(moment).to_string(),
            Kind::Episode => EpisodeId::first_at(moment).to_string(),
        };
        (first(self.starts_at), first(self.ends_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn months_are_known_by_their_labels_and_follow_each_other() {
        let months = Month::between(at("2025-11-30T23:59:59Z"), at("2026-02-01T00:00:00Z"));
        let labels: Vec<String> = months.iter().map(Month::label).collect();
        assert_eq!(labels, ["2025_11", "2025_12", "2026_01", "2026_02"]);
        assert!(months.windows(2).all(|two| two[0].next() == two[1]));
        assert_eq!(Month::from_label("2025_12"), Some(months[1].clone()));
        assert_eq!(Month::from_label("default"), None);
        assert_eq!(Month::from_label("2025_13"), None);
    }

    #[test]
    fn a_month_without_end_is_not_asked_for() {
        assert_eq!(
            Month::between(at("1970-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z")).len(),
            240
        );
    }

    #[test]
    fn an_identifier_is_within_the_bounds_of_its_month() {
        let month = Month::of(at("2026-11-29T01:00:00Z"));
        let (first, next) = month.bounds(Kind::Episode);
        for (moment, is_in) in [
            ("2026-10-31T23:59:59.999Z", false),
            ("2026-11-01T00:00:00Z", true),
            ("2026-11-30T23:59:59.999Z", true),
            ("2026-12-01T00:00:00Z", false),
        ] {
            let id = EpisodeId::first_at(at(moment)).to_string();
            assert_eq!(first <= id && id < next, is_in, "{moment}");
        }
    }
}
