//! How much of the time an endpoint worked, over the last day.

use std::collections::VecDeque;

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 24 * 60;

/// Attempts that say something of the endpoint, by the minute. Minutes without any take no room.
#[derive(Default)]
pub(super) struct Uptime {
    /// Oldest first.
    minutes: VecDeque<Minute>,
}

struct Minute {
    number: i64,
    worked: u32,
    failed: u32,
}

impl Uptime {
    pub(super) fn push(&mut self, now: i64, worked: bool) {
        let number = now.div_euclid(MINUTE_MS);
        if self.minutes.back().is_none_or(|last| last.number < number) {
            self.minutes.push_back(Minute { number, worked: 0, failed: 0 });
        }
        while self.minutes.front().is_some_and(|first| first.number <= number - DAY_MINUTES) {
            self.minutes.pop_front();
        }
        if let Some(minute) = self.minutes.back_mut() {
            let count = if worked { &mut minute.worked } else { &mut minute.failed };
            *count = count.saturating_add(1);
        }
    }

    /// The share of attempts that worked in the last minutes, in per cent; `None` without any.
    pub(super) fn percent(&self, now: i64, minutes: i64) -> Option<f64> {
        let since = now.div_euclid(MINUTE_MS) - minutes;
        let lately = self.minutes.iter().rev().take_while(|minute| minute.number > since);
        let (worked, all) = lately.fold((0_u64, 0_u64), |(worked, all), minute| {
            let of_minute = u64::from(minute.worked);
            (worked + of_minute, all + of_minute + u64::from(minute.failed))
        });
        (all > 0).then(|| worked as f64 * 100.0 / all as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_of_the_minutes_that_are_asked_for_and_a_day_is_kept() {
        let mut uptime = Uptime::default();
        assert_eq!(uptime.percent(0, 5), None);
        let at = |minute: i64| minute * MINUTE_MS;
        uptime.push(at(0), false);
        uptime.push(at(60), false);
        (0..3).for_each(|_| uptime.push(at(80), true));
        assert_eq!(uptime.percent(at(80), 5), Some(100.0));
        assert_eq!(uptime.percent(at(80), 30), Some(75.0));
        assert_eq!(uptime.percent(at(80), DAY_MINUTES), Some(60.0));
        assert_eq!(uptime.percent(at(90), 5), None);
        uptime.push(at(DAY_MINUTES), true);
        assert_eq!(uptime.minutes.len(), 3, "what is older than a day is gone");
    }
}
