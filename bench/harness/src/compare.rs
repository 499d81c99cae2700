//! Comparison of windows of the same cell and the same round, and its spread over the rounds.

use std::fmt;

use crate::cell::{Cell, Target};
use crate::record::{Record, Window};

/// Median and range over the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// `None` without values.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self { median, min, max })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, min, max } = *self;
        write!(formatter, "{} [{}–{}]", short(median), short(min), short(max))
    }
}

/// Enough digits to compare, and no more than were measured.
fn short(value: f64) -> String {
    if value.abs() < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

/// All windows of one target in one cell.
pub struct Series<'a> {
    record: &'a Record,
    cell: Cell,
    target: Target,
}

impl<'a> Series<'a> {
    pub fn new(record: &'a Record, cell: Cell, target: Target) -> Self {
        Self { record, cell, target }
    }

    fn windows(&self) -> impl Iterator<Item = &'a Window> {
        let (cell, target) = (self.cell, self.target);
        self.record
            .windows
            .iter()
            .filter(move |window| window.cell == cell && window.target == target)
    }

    fn neighbour(&self, window: &Window, target: Target) -> Option<&'a Window> {
        Self::new(self.record, self.cell, target)
            .windows()
            .find(|other| other.round == window.round)
    }

    pub fn spread(&self, figure: impl Fn(&Window) -> Option<f64>) -> Option<Spread> {
        Spread::of(self.windows().filter_map(figure).collect())
    }

    /// The figure less that of `direct` in the same round; `None` for `direct` itself.
    pub fn added(&self, figure: impl Fn(&Window) -> f64) -> Option<Spread> {
        self.spread(|window| self.added_in(window, &figure))
    }

    fn added_in(&self, window: &Window, figure: impl Fn(&Window) -> f64) -> Option<f64> {
        if window.target == Target::Direct {
            return None;
        }
        Some(figure(window) - figure(self.neighbour(window, Target::Direct)?))
    }

    /// CPU per request as a multiple of that of `floor` in the same round.
    pub fn cpu_ratio(&self, floor: Target) -> Option<Spread> {
        self.spread(|window| {
            let of_floor = self.neighbour(window, floor)?.cpu_us_per_request?;
            ratio(window.cpu_us_per_request?, of_floor)
        })
    }

    /// How many answers `direct` gives in the time of one of these.
    pub fn times_slower_than_direct(&self) -> Option<Spread> {
        self.spread(|window| {
            let direct = self.neighbour(window, Target::Direct)?;
            ratio(direct.figures.requests_per_s, window.figures.requests_per_s)
        })
    }

    /// The added figure as a multiple of what `floor` added in the same round.
    pub fn added_ratio(&self, floor: Target, figure: impl Fn(&Window) -> f64) -> Option<Spread> {
        self.spread(|window| {
            let of_floor = self.added_in(self.neighbour(window, floor)?, &figure)?;
            ratio(self.added_in(window, &figure)?, of_floor)
        })
    }
}

/// `None` when the floor is not above zero: noise then exceeds what it added.
fn ratio(value: f64, floor: f64) -> Option<f64> {
    (floor > 0.0).then(|| value / floor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_the_range_is_kept() {
        let odd = Spread::of(vec![3.0, 100.0, 1.0]);
        assert_eq!(odd, Some(Spread { median: 3.0, min: 1.0, max: 100.0 }));
        let even = Spread::of(vec![4.0, 2.0]);
        assert_eq!(even, Some(Spread { median: 3.0, min: 2.0, max: 4.0 }));
        assert_eq!(Spread::of(Vec::new()), None);
    }

    #[test]
    fn a_spread_reads_as_median_and_range() {
        let spread = Spread { median: 104.6, min: 9.994, max: 150.2 };
        assert_eq!(spread.to_string(), "105 [9.99–150]");
    }

    #[test]
    fn there_is_no_ratio_to_a_floor_below_the_noise() {
        assert_eq!(ratio(5.0, -1.0), None);
        assert_eq!(ratio(5.0, 2.0), Some(2.5));
    }
}
