//! Exact money: integers of one unit, never a float; unknown is `None`, never zero.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::ToSchema;

use crate::{Price, Usage};

const PICODOLLARS_PER_DOLLAR: i64 = 1_000_000_000_000;
const FRACTION_DIGITS: usize = 12;

/// An amount in picodollars (10⁻¹² US dollars): one token at the finest catalogue price is still a
/// whole number of them, and an `i64` holds more than nine million dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, example = "0.0000025")]
pub struct Money(i64);

impl Money {
    pub const ZERO: Self = Self(0);
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_picodollars(picodollars: i64) -> Self {
        Self(picodollars)
    }

    pub const fn picodollars(self) -> i64 {
        self.0
    }

    /// Reads a decimal dollar amount such as `0.0000025` or `2.5e-6`, exactly. `None` when it is
    /// not a number, negative, or finer than a picodollar.
    pub fn parse_dollars(text: &str) -> Option<Self> {
        let (digits, exponent) = match text.trim().split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
            None => (text.trim(), 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = format!("{whole}{}", fraction.trim_end_matches('0'));
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let decimals = i32::try_from(fraction.trim_end_matches('0').len()).ok()?;
        let value = all.parse::<i128>().ok()?;
        let power = i32::try_from(FRACTION_DIGITS).ok()? + exponent - decimals;
        let scale = 10_i128.checked_pow(power.unsigned_abs())?;
        let picodollars = if power >= 0 {
            value.checked_mul(scale)?
        } else if value % scale == 0 {
            value / scale
        } else {
            return None;
        };
        i64::try_from(picodollars).ok().map(Self)
    }

    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// `None` when the sum does not fit.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }

    /// `None` when the product does not fit.
    pub fn times(self, count: u64) -> Option<Self> {
        self.0.checked_mul(i64::try_from(count).ok()?).map(Self)
    }

    /// One of so many equal parts; `None` where that is not a whole number of picodollars.
    pub fn part_of(self, count: u64) -> Option<Self> {
        let count = i64::try_from(count).ok()?;
        (self.0.checked_rem(count)? == 0).then(|| Self(self.0 / count))
    }
}

/// Dollars without trailing zeros: `0.0000025`, `0`, `1.5`.
impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, fraction) = (
            self.0.unsigned_abs() / PICODOLLARS_PER_DOLLAR.unsigned_abs(),
            self.0.unsigned_abs() % PICODOLLARS_PER_DOLLAR.unsigned_abs(),
        );
        let fraction = format!("{fraction:0FRACTION_DIGITS$}");
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            digits => write!(f, "{sign}{whole}.{digits}"),
        }
    }
}

/// Money travels as decimal text, because JSON readers turn numbers into floats.
impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_dollars(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "{text:?} is not a dollar amount; write decimal text such as \"0.0000025\""
            ))
        })
    }
}

/// What is charged for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChargeClass {
    Prompt,
    CachedPrompt,
    CacheWrite,
    #[serde(rename = "cache_write_1h")]
    CacheWriteHour,
    AudioPrompt,
    ImagePrompt,
    Completion,
    Reasoning,
    AudioCompletion,
    ImageCompletion,
    Request,
    WebSearch,
    /// The provider's own figure for the whole, which stands instead of all others.
    ReportedByProvider,
}

/// One line of a charge: so many, at so much each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChargeLine {
    pub class: ChargeClass,
    /// Tokens; images in the prompt, requests and searches for the classes of that name.
    pub count: u64,
    /// Dollars each; null where the provider reported only the amount.
    pub unit_price: Option<Money>,
    /// Dollars.
    pub amount: Money,
}

/// What one provider charges for one attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Charge {
    pub usage: Usage,
    /// `None` when the price is unknown.
    pub cost: Option<Money>,
    /// The price as it was when the attempt was made.
    pub price: Option<Price>,
}

impl Charge {
    /// The provider's own figure where it gave one, else usage times price.
    pub fn of(usage: Usage, price: Option<Price>) -> Self {
        let computed = price.as_ref().and_then(|price| price.cost(&usage));
        Self { cost: usage.provider_cost.or(computed), usage, price }
    }

    /// The arithmetic: lines that add up to the cost. None when the cost is unknown.
    pub fn lines(&self) -> Vec<ChargeLine> {
        if let Some(amount) = self.usage.provider_cost {
            let count = self.usage.total_tokens();
            let class = ChargeClass::ReportedByProvider;
            return vec![ChargeLine { class, count, unit_price: None, amount }];
        }
        self.price.as_ref().and_then(|price| price.lines(&self.usage)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_exactly_and_shown_as_written() {
        for text in ["0.0000025", "0", "1.5", "0.000000000001", "12"] {
            assert_eq!(Money::parse_dollars(text).unwrap().to_string(), text);
        }
        assert_eq!(Money::parse_dollars("2.5e-6"), Money::parse_dollars("0.0000025"));
        for bad in ["", "-1", "abc", "0.0000000000001", "1e30", "."] {
            assert_eq!(Money::parse_dollars(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_part_is_exact_or_none() {
        let price = Money::parse_dollars("5.00").unwrap();
        assert_eq!(price.part_of(1_000), Money::parse_dollars("0.005"));
        assert_eq!(Money::from_picodollars(1_500).part_of(1_000), None);
        assert_eq!(price.part_of(0), None);
    }

    #[test]
    fn a_charge_of_unknown_price_has_neither_cost_nor_lines() {
        let charge = Charge::of(Usage { prompt_tokens: 7, ..Usage::default() }, None);
        assert_eq!((charge.cost, charge.lines()), (None, Vec::new()));
    }
}
