//! Dates that a question speaks of: years, seasons, months, days, days counted from now, and the
//! time before or after one of these.
//!
//! Only what can be matched against the moment a turn was said; all in UTC. English.

use backstay_core::Timestamp;
use jiff::{Span, civil::Date};

use super::{
    mention::{DateMention, MONTHS, SPOKEN_DAYS_MAX, Side, Unit, date_of, days},
    seasons::{Season, weekday_before},
};

/// Words after which "may" and "march" are months.
const BEFORE_MONTH: [&str; 14] = [
    "in", "of", "since", "until", "till", "last", "this", "next", "by", "during", "before",
    "after", "early", "late",
];
const NUMBERS: [&str; 12] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
];
/// Years that a bare number of four digits is taken for.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2099;

/// The first span of at most [`SPOKEN_DAYS_MAX`] days that a turn speaks of: "yesterday" is the day
/// before it was said.
pub(crate) fn days_spoken_of(text: &str, said_at: Timestamp) -> Option<(Date, Date)> {
    mentions(text, said_at).into_iter().find_map(|mention| match mention {
        DateMention::Days(first, last) if days(first).nth(SPOKEN_DAYS_MAX)? > last => {
            Some((first, last))
        }
        _ => None,
    })
}

/// Every date that the text mentions; `now` is what relative ones count from.
pub(super) fn mentions(text: &str, now: Timestamp) -> Vec<DateMention> {
    mentions_and_rest(text, now).0
}

/// The dates, and the words in lower case that are of none.
pub(super) fn mentions_and_rest(text: &str, now: Timestamp) -> (Vec<DateMention>, Vec<String>) {
    let tokens = tokens(text);
    let mut mentions = iso_dates(text);
    let mut rest = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let found = beside_at(&tokens, index, now).or_else(|| date_at(&tokens, index, now));
        match found {
            Some((mention, used)) => {
                mentions.push(mention);
                index += used;
            }
            None => {
                let word = &tokens[index].lower;
                rest.extend(word.parse::<Date>().is_err().then(|| word.clone()));
                index += 1;
            }
        }
    }
    (mentions, rest)
}

/// Whether a date is the first thing that the words say.
pub(super) fn begins_with_date(text: &str, now: Timestamp) -> bool {
    let tokens = tokens(text);
    let start = usize::from(tokens.first().is_some_and(|token| token.lower == "the"));
    tokens.get(start).is_some_and(|token| token.lower.parse::<Date>().is_ok())
        || date_at(&tokens, start, now).is_some()
}

fn date_at(tokens: &[Token<'_>], index: usize, now: Timestamp) -> Option<(DateMention, usize)> {
    tokens.get(index)?;
    month_at(tokens, index)
        .or_else(|| relative_at(tokens, index, now))
        .or_else(|| season_at(tokens, index))
        .or_else(|| year_at(tokens, index))
}

/// `the week after 8 May 2023`, `the month before last summer`, `since May 2023`
fn beside_at(tokens: &[Token<'_>], index: usize, now: Timestamp) -> Option<(DateMention, usize)> {
    let word = |offset: usize| tokens.get(index + offset).map_or("", |token| &token.lower);
    let days = |from: usize| match date_at(tokens, index + from, now)? {
        (DateMention::Days(first, last), used) => Some((first, last, from + used)),
        _ => None,
    };
    if word(0) == "since" {
        let (first, _, used) = days(1)?;
        return Some((DateMention::Days(first, date_of(now)?.max(first)), used));
    }
    let (unit, side) = (Unit::of(word(0))?, Side::of(word(1))?);
    let (first, last, used) = days(2 + usize::from(word(2) == "the"))?;
    Some((unit.beside(side, (first, last))?, used))
}

/// `spring 2023`, `the winter of 2022`, `in the summer`
fn season_at(tokens: &[Token<'_>], index: usize) -> Option<(DateMention, usize)> {
    let season = Season::of(&tokens[index].lower)?;
    let skip = usize::from(tokens.get(index + 1).is_some_and(|token| token.lower == "of"));
    let year = tokens.get(index + 1 + skip).and_then(|token| year_of(&token.lower));
    if let Some(year) = year {
        let (first, last) = season.in_year(year)?;
        return Some((DateMention::Days(first, last), 2 + skip));
    }
    // "Spring" and "fall" are words of their own; in a time they come after one of these.
    let before = |back: usize| index.checked_sub(back).map(|at| tokens[at].lower.as_str());
    let is_time = match before(1) {
        Some("the") => before(2).is_some_and(|word| BEFORE_MONTH.contains(&word)),
        Some(word) => BEFORE_MONTH.contains(&word),
        None => false,
    };
    let (first, last) = season.months();
    is_time.then_some((DateMention::Months(first, last), 1))
}

struct Token<'a> {
    text: &'a str,
    lower: String,
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let separated = text.split(|character: char| !character.is_alphanumeric() && character != '-');
    let tokens = separated.filter(|token| !token.is_empty());
    tokens.map(|text| Token { text, lower: text.to_lowercase() }).collect()
}

/// `2023-05-08`
fn iso_dates(text: &str) -> Vec<DateMention> {
    let separated = text.split(|character: char| !character.is_ascii_digit() && character != '-');
    let dates = separated.filter(|token| token.len() == 10).filter_map(|token| token.parse().ok());
    dates.map(|date: Date| DateMention::Days(date, date)).collect()
}

/// `May 2023`, `8 May 2023`, `May 8, 2023`, `May 8th`, `in May`
fn month_at(tokens: &[Token<'_>], index: usize) -> Option<(DateMention, usize)> {
    if let Some(day) = day_of(&tokens[index].lower)
        && let skip = usize::from(tokens.get(index + 1).is_some_and(|token| token.lower == "of"))
        && let Some(month) = tokens.get(index + 1 + skip).and_then(|token| month_of(&token.lower))
    {
        let year = tokens.get(index + 2 + skip).and_then(|token| year_of(&token.lower));
        return Some((day_mention(year, month, day)?, 2 + skip + usize::from(year.is_some())));
    }
    let month = month_of(&tokens[index].lower)?;
    let next = tokens.get(index + 1);
    if let Some(day) = next.and_then(|token| day_of(&token.lower)) {
        let year = tokens.get(index + 2).and_then(|token| year_of(&token.lower));
        return Some((day_mention(year, month, day)?, 2 + usize::from(year.is_some())));
    }
    if let Some(year) = next.and_then(|token| year_of(&token.lower)) {
        let first = Date::new(year, month, 1).ok()?;
        return Some((DateMention::Days(first, first.last_of_month()), 2));
    }
    let before = index.checked_sub(1).map(|before| tokens[before].lower.as_str());
    let is_month = !matches!(tokens[index].lower.as_str(), "may" | "march" | "mar")
        || (tokens[index].text.starts_with('M')
            && before.is_some_and(|before| BEFORE_MONTH.contains(&before)));
    is_month.then_some((DateMention::Month(month), 1))
}

/// `yesterday`, `last week`, `this month`, `3 weeks ago`, `two years ago`, `last Friday`, `last spring`
fn relative_at(tokens: &[Token<'_>], index: usize, now: Timestamp) -> Option<(DateMention, usize)> {
    let today = date_of(now)?;
    let word = |offset: usize| tokens.get(index + offset).map_or("", |token| &token.lower);
    match (word(0), word(1), word(2)) {
        ("today", ..) => Some((DateMention::Days(today, today), 1)),
        ("tomorrow", ..) => Some((unit_ago("day", -1, today)?, 1)),
        ("next", unit, _) => Some((unit_ago(unit, -1, today)?, 2)),
        ("yesterday", ..) => Some((unit_ago("day", 1, today)?, 1)),
        ("last" | "this" | "on", day, _) if weekday_before(day, today).is_some() => {
            let day = weekday_before(day, today)?;
            Some((DateMention::Days(day, day), 2))
        }
        ("last", unit, _) => match Season::of(unit) {
            Some(season) => season.last_before(today).map(as_days),
            None => Some((unit_ago(unit, 1, today)?, 2)),
        },
        ("this", unit, _) => match Season::of(unit) {
            Some(season) => season.current(today).map(as_days),
            None => Some((unit_ago(unit, 0, today)?, 2)),
        },
        (count, unit, "ago") => {
            Some((unit_ago(unit.trim_end_matches('s'), number_of(count)?.into(), today)?, 3))
        }
        _ => None,
    }
}

fn as_days((first, last): (Date, Date)) -> (DateMention, usize) {
    (DateMention::Days(first, last), 2)
}

fn number_of(word: &str) -> Option<u16> {
    let written = NUMBERS.iter().position(|number| *number == word);
    match (word, written) {
        ("a" | "an", _) => Some(1),
        (_, Some(place)) => u16::try_from(place + 1).ok(),
        _ => word.parse().ok(),
    }
}

/// The whole day, week (from Monday), month or year that lies `count` of them back, or ahead when
/// that is below 0.
fn unit_ago(unit: &str, count: i32, today: Date) -> Option<DateMention> {
    let count = i64::from(count);
    let (first, last) = match unit {
        "day" => {
            let day = today.checked_sub(Span::new().try_days(count).ok()?).ok()?;
            (day, day)
        }
        "week" => {
            let back = i64::from(today.weekday().to_monday_zero_offset()) + 7 * count;
            let monday = today.checked_sub(Span::new().try_days(back).ok()?).ok()?;
            (monday, monday.checked_add(Span::new().days(6)).ok()?)
        }
        "month" => {
            let day =
                today.first_of_month().checked_sub(Span::new().try_months(count).ok()?).ok()?;
            (day, day.last_of_month())
        }
        "year" => {
            let day = today.first_of_year().checked_sub(Span::new().try_years(count).ok()?).ok()?;
            (day, day.last_of_year())
        }
        _ => return None,
    };
    Some(DateMention::Days(first, last))
}

fn year_at(tokens: &[Token<'_>], index: usize) -> Option<(DateMention, usize)> {
    let first = Date::new(year_of(&tokens[index].lower)?, 1, 1).ok()?;
    Some((DateMention::Days(first, first.last_of_year()), 1))
}

fn day_mention(year: Option<i16>, month: i8, day: i8) -> Option<DateMention> {
    match year {
        Some(year) => Date::new(year, month, day).ok().map(|date| DateMention::Days(date, date)),
        None => Some(DateMention::Day(month, day)),
    }
}

fn year_of(word: &str) -> Option<i16> {
    let year = (word.len() == 4).then(|| word.parse().ok()).flatten()?;
    YEARS.contains(&year).then_some(year)
}

/// `8`, `8th`
fn day_of(word: &str) -> Option<i8> {
    let digits = word.trim_end_matches(|character: char| character.is_ascii_lowercase());
    let ending = &word[digits.len()..];
    let day = matches!(ending, "" | "st" | "nd" | "rd" | "th").then(|| digits.parse().ok())??;
    (1..=31).contains(&day).then_some(day)
}

/// Full names, and abbreviations of three letters or more.
fn month_of(word: &str) -> Option<i8> {
    let is_short = word.len() == 3 || word == "sept";
    let index =
        MONTHS.iter().position(|name| *name == word || (is_short && name.starts_with(word)))?;
    i8::try_from(index + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(question: &str, day: &str) -> bool {
        let now = Timestamp::parse("2023-06-15T12:00:00Z").unwrap();
        let moment = Timestamp::parse(&format!("{day}T09:00:00Z")).unwrap();
        mentions(question, now).iter().any(|mention| mention.covers(moment))
    }

    #[test]
    fn absolute_dates_are_understood_in_the_usual_spellings() {
        for question in [
            "What happened on 8 May 2023?",
            "May 8, 2023",
            "on the 8th of May",
            "May 8th",
            "in May 2023",
            "in May",
            "2023-05-08?",
            "during 2023",
        ] {
            assert!(covered(question, "2023-05-08"), "{question}");
            assert!(!covered(question, "2022-04-09"), "{question}");
        }
    }

    #[test]
    fn relative_dates_count_from_now() {
        for (question, day) in [
            ("what did I say yesterday", "2023-06-14"),
            ("last week", "2023-06-05"),
            ("this month", "2023-06-30"),
            ("last month", "2023-05-01"),
            ("last year", "2022-12-31"),
            ("3 days ago", "2023-06-12"),
            ("two things, a week ago", "2023-06-11"),
            ("two weeks ago", "2023-05-29"),
            ("last spring", "2023-05-31"),
            ("this summer", "2023-08-01"),
            ("last Monday", "2023-06-12"),
            ("on Thursday", "2023-06-08"),
            ("the week after 8 May 2023", "2023-05-15"),
            ("the week after the 8th of May 2023", "2023-05-15"),
            ("the day before yesterday", "2023-06-13"),
            ("the month before last spring", "2023-02-01"),
            ("since 8 May 2023", "2023-06-15"),
            ("in the winter of 2022", "2023-02-28"),
        ] {
            assert!(covered(question, day), "{question}");
            assert!(!covered(question, "2021-01-01"), "{question}");
        }
    }

    #[test]
    fn a_season_without_a_year_is_that_of_any() {
        for (day, is_winter) in [("2020-12-31", true), ("2023-02-28", true), ("2023-03-01", false)]
        {
            assert_eq!(covered("What did we do during the winter?", day), is_winter, "{day}");
        }
        assert!(covered("in summer", "2019-07-01"));
    }

    #[test]
    fn a_turn_speaks_of_days_reckoned_from_when_it_was_said() {
        let said_at = Timestamp::parse("2023-05-08T13:56:00Z").unwrap();
        let spoken = |text: &str| {
            days_spoken_of(text, said_at).map(|(first, last)| (first.to_string(), last.to_string()))
        };
        let both = |first: &str, last: &str| Some((first.to_owned(), last.to_owned()));
        assert_eq!(spoken("I went there yesterday."), both("2023-05-07", "2023-05-07"));
        assert_eq!(spoken("We fly next month!"), both("2023-06-01", "2023-06-30"));
        assert_eq!(spoken("I moved last year."), None, "too long a span to say when");
        assert_eq!(spoken("Nice weather"), None);
        let (first, last) = days_spoken_of("See you tomorrow", said_at).unwrap();
        let asked = |question: &str| mentions(question, said_at)[0].meets(first, last);
        assert!(asked("on 9 May 2023") && asked("in May") && asked("May 9") && asked("in 2023"));
        assert!(!asked("on 8 May 2023") && !asked("in June"));
    }

    #[test]
    fn words_that_only_look_like_dates_are_none() {
        let now = Timestamp::parse("2023-06-15T12:00:00Z").unwrap();
        for question in [
            "May I ask?",
            "you may march on",
            "call 5551234",
            "31 of 40",
            "99 Feb 3000",
            "did the spring break in a fall",
            "ten of the last",
        ] {
            let found = mentions(question, now);
            let month = DateMention::Month(2);
            assert!(found.is_empty() || found == [month], "{question}: {found:?}");
        }
    }

    #[test]
    fn absurd_counts_are_ignored() {
        let now = Timestamp::from_micros(i64::MAX);
        assert!(mentions("99999 years ago, 65535 years ago", now).is_empty());
        assert!(mentions("65535 years ago", Timestamp::default()).is_empty());
    }
}
