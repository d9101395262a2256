//! Dates, times and durations: ISO text in and out, arithmetic, comparison. Strict: what isn't written out in full is
//! refused, and so is a fraction finer than a microsecond.
//!
//! Days and longer step on the calendar of a time zone, hours and shorter are exact; months clamp to the end of the month.
//! Invariant: every date that leaves here lies in the years 1 to 9999, which are the ones that can be written.

use std::cmp::Ordering;
use std::fmt::Write;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use super::text::quoted;
use super::{Duration, Failure, Malformed};

const DAY: i64 = 86_400_000_000;

/// The units of a duration by name, with what one of them is in months, days and microseconds.
const UNITS: &[(&str, Duration)] = &[
    ("year", Duration { months: 12, days: 0, micros: 0 }),
    ("month", Duration { months: 1, days: 0, micros: 0 }),
    ("week", Duration { months: 0, days: 7, micros: 0 }),
    ("day", Duration { months: 0, days: 1, micros: 0 }),
    ("hour", Duration { months: 0, days: 0, micros: 3_600_000_000 }),
    ("minute", Duration { months: 0, days: 0, micros: 60_000_000 }),
];

/// A date: `2026-11-20`.
pub fn parse_date(text: &str) -> Result<Date, Malformed> {
    let mut rest = text.as_bytes();
    date(&mut rest)
        .filter(|_| rest.is_empty())
        .ok_or_else(|| Malformed::new(format!("{} is not a date like `2026-11-20`", quoted(text))))?
        .ok_or_else(|| no_such_day(text))
}

/// An instant: `2026-11-20T09:30:00Z`, or with an offset like `+02:00`; seconds and their fraction may be left out.
pub fn parse_datetime(text: &str) -> Result<Timestamp, Malformed> {
    let malformed = || Malformed::new(format!("{} is not a datetime like `2026-11-20T09:30:00Z`", quoted(text)));
    let mut rest = text.as_bytes();
    let (day, clock) = date_and_clock(&mut rest).ok_or_else(malformed)?;
    let offset = offset(&mut rest).filter(|_| rest.is_empty()).ok_or_else(malformed)?;
    let local = civil(text, day, clock)?;
    let utc = TimeZone::UTC.to_timestamp(local).ok();
    utc.and_then(|utc| utc.checked_sub(SignedDuration::from_mins(offset)).ok())
        .and_then(|instant| in_years(instant).ok())
        .ok_or_else(|| no_such_day(text))
}

/// A wall-clock time without a zone: `2026-11-20T09:30:00`.
pub fn parse_local(text: &str) -> Result<DateTime, Malformed> {
    let malformed = || Malformed::new(format!("{} is not a local datetime like `2026-11-20T09:30:00`", quoted(text)));
    let mut rest = text.as_bytes();
    let (day, clock) = date_and_clock(&mut rest).filter(|_| rest.is_empty()).ok_or_else(malformed)?;
    civil(text, day, clock)
}

/// A length of time as a flow writes it: `3 days`, `1 year 2 months`, `90 minutes`.
pub fn parse_duration(text: &str) -> Result<Duration, Malformed> {
    let malformed = || Malformed::new(format!("{} is not a duration like `3 days` or `1 hour 30 minutes`", quoted(text)));
    let mut words = text.split_ascii_whitespace();
    let mut total = Duration::default();
    let mut any = false;
    while let Some(count) = words.next() {
        let unit = words.next().ok_or_else(malformed)?;
        let name = unit.strip_suffix('s').unwrap_or(unit);
        let (_, one) = UNITS.iter().find(|(known, _)| *known == name).ok_or_else(malformed)?;
        let part = count.parse().ok().and_then(|count| multiply(*one, count).ok());
        total = part.and_then(|part| add(total, part).ok()).ok_or_else(malformed)?;
        any = true;
    }
    if any { Ok(total) } else { Err(malformed()) }
}

/// A length of time in the words that [`parse_duration`] reads, and seconds where a difference of instants has some.
pub fn duration_text(duration: Duration) -> String {
    let mut text = String::new();
    let mut part = |count: String, unit: &str| {
        let end = if count.trim_start_matches('-') == "1" { "" } else { "s" };
        let gap = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{gap}{count} {unit}{end}");
    };
    let counts = [
        (i64::from(duration.months), 12, "year", "month"),
        (i64::from(duration.days), i64::MAX, "", "day"),
        (duration.micros / 60_000_000, 60, "hour", "minute"),
    ];
    for (count, size, large, small) in counts {
        let (many, few) = (count / size, count % size);
        if many != 0 {
            part(many.to_string(), large);
        }
        if few != 0 {
            part(few.to_string(), small);
        }
    }
    let micros = duration.micros % 60_000_000;
    if micros != 0 {
        let sign = if micros < 0 { "-" } else { "" };
        let (seconds, fraction) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
        let written = format!("{sign}{seconds}.{fraction:06}");
        part(written.trim_end_matches('0').trim_end_matches('.').to_owned(), "second");
    }
    if text.is_empty() { "0 minutes".to_owned() } else { text }
}

/// A date so much later; hours count from its midnight, and what is left of a day is dropped.
pub fn add_to_date(date: Date, duration: Duration) -> Result<Date, Failure> {
    let days = i64::from(duration.days) + duration.micros.div_euclid(DAY);
    let later = date.checked_add(calendar(duration.months, days)?).map_err(out_of_range)?;
    in_calendar(later, later.year())
}

/// An instant so much later: months and days on the calendar of the zone, then the rest exactly.
pub fn add_to_datetime(instant: Timestamp, duration: Duration, zone: &TimeZone) -> Result<Timestamp, Failure> {
    let stepped = if duration.months == 0 && duration.days == 0 {
        instant
    } else {
        let span = calendar(duration.months, i64::from(duration.days))?;
        instant.to_zoned(zone.clone()).checked_add(span).map_err(out_of_range)?.timestamp()
    };
    in_years(stepped.checked_add(SignedDuration::from_micros(duration.micros)).map_err(out_of_range)?)
}

/// A wall-clock time so much later, on a clock that never jumps.
pub fn add_to_local(local: DateTime, duration: Duration) -> Result<DateTime, Failure> {
    let stepped = local.checked_add(calendar(duration.months, i64::from(duration.days))?).map_err(out_of_range)?;
    let later = stepped.checked_add(SignedDuration::from_micros(duration.micros)).map_err(out_of_range)?;
    in_calendar(later, later.year())
}

/// The exact time from `earlier` to `later`; negative where they are the other way round.
pub fn between(later: Timestamp, earlier: Timestamp) -> Duration {
    Duration { micros: later.as_microsecond() - earlier.as_microsecond(), ..Duration::default() }
}

/// The time on the clock from `earlier` to `later`.
pub fn between_local(later: DateTime, earlier: DateTime) -> Duration {
    let micros = later.duration_since(earlier).as_micros();
    Duration { micros: i64::try_from(micros).unwrap_or(i64::MAX), ..Duration::default() }
}

/// The whole days from one date to another.
pub fn days_between(from: Date, to: Date) -> i64 {
    to.duration_since(from).as_hours() / 24
}

/// An instant without what is finer than a microsecond.
pub fn whole_micros(instant: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(instant.as_microsecond()).unwrap_or(instant)
}

/// Both lengths of time together.
pub fn add(a: Duration, b: Duration) -> Result<Duration, Failure> {
    let sum = || {
        Some(Duration {
            months: a.months.checked_add(b.months)?,
            days: a.days.checked_add(b.days)?,
            micros: a.micros.checked_add(b.micros)?,
        })
    };
    sum().ok_or(Failure::OutOfRange)
}

/// A length of time so many times; −1 turns it round.
pub fn multiply(duration: Duration, times: i64) -> Result<Duration, Failure> {
    let part = |count: i32| i64::from(count).checked_mul(times).and_then(|product| i32::try_from(product).ok());
    let product =
        || Some(Duration { months: part(duration.months)?, days: part(duration.days)?, micros: duration.micros.checked_mul(times)? });
    product().ok_or(Failure::OutOfRange)
}

/// Which is longer, a day being 24 hours here. None between months and shorter units, which have no fixed relation.
/// Two durations are the same where this says `Equal`: one day and 24 hours are.
pub fn compare(a: Duration, b: Duration) -> Option<Ordering> {
    let exact = |duration: Duration| i128::from(duration.days) * i128::from(DAY) + i128::from(duration.micros);
    match (a.months, b.months) {
        (0, 0) => Some(exact(a).cmp(&exact(b))),
        (one, two) => (exact(a) == 0 && exact(b) == 0).then(|| one.cmp(&two)),
    }
}

fn calendar(months: i32, days: i64) -> Result<Span, Failure> {
    Span::new().try_months(months).and_then(|span| span.try_days(days)).map_err(out_of_range)
}

fn out_of_range(_: jiff::Error) -> Failure {
    Failure::OutOfRange
}

fn in_calendar<T>(value: T, year: i16) -> Result<T, Failure> {
    if year >= 1 { Ok(value) } else { Err(Failure::OutOfRange) }
}

/// Whether an instant lies in the years that can be written, in UTC.
pub(crate) fn in_years(instant: Timestamp) -> Result<Timestamp, Failure> {
    const FIRST: i64 = -62_135_596_800_000_000;
    if instant.as_microsecond() >= FIRST { Ok(instant) } else { Err(Failure::OutOfRange) }
}

fn no_such_day(text: &str) -> Malformed {
    Malformed::new(format!("there is no {} on the calendar", quoted(text)))
}

/// Hours, minutes, seconds, microseconds.
type Clock = (i8, i8, i8, i32);

fn civil(text: &str, day: Option<Date>, (hour, minute, second, micros): Clock) -> Result<DateTime, Malformed> {
    let day = day.ok_or_else(|| no_such_day(text))?;
    let time = jiff::civil::Time::new(hour, minute, second, micros * 1_000).map_err(|_| no_such_day(text))?;
    Ok(day.to_datetime(time))
}

fn date_and_clock(rest: &mut &[u8]) -> Option<(Option<Date>, Clock)> {
    let day = date(rest)?;
    mark(rest, b'T').or_else(|| mark(rest, b' '))?;
    let hour = digits(rest, 2)? as i8;
    mark(rest, b':')?;
    let minute = digits(rest, 2)? as i8;
    let mut clock = (hour, minute, 0, 0);
    if mark(rest, b':').is_some() {
        clock.2 = digits(rest, 2)? as i8;
        if mark(rest, b'.').is_some() {
            clock.3 = fraction(rest)?;
        }
    }
    Some((day, clock))
}

/// Four, two and two digits; the inner option is empty where there is no such day.
fn date(rest: &mut &[u8]) -> Option<Option<Date>> {
    let year = digits(rest, 4)? as i16;
    mark(rest, b'-')?;
    let month = digits(rest, 2)? as i8;
    mark(rest, b'-')?;
    let day = digits(rest, 2)? as i8;
    Some(Date::new(year, month, day).ok().filter(|_| year >= 1))
}

/// Microseconds from the digits after a point; finer ones may only be zeros.
fn fraction(rest: &mut &[u8]) -> Option<i32> {
    let mut micros = digits(rest, 1)? as i32 * 100_000;
    let mut unit = 10_000;
    while let Some(digit) = digits(rest, 1) {
        if unit == 0 && digit != 0 {
            return None;
        }
        micros += digit as i32 * unit;
        unit /= 10;
    }
    Some(micros)
}

/// The offset from UTC in minutes.
fn offset(rest: &mut &[u8]) -> Option<i64> {
    if mark(rest, b'Z').is_some() {
        return Some(0);
    }
    let sign = if mark(rest, b'+').is_some() { 1 } else { mark(rest, b'-').map(|()| -1)? };
    let hours = digits(rest, 2)?;
    mark(rest, b':')?;
    let minutes = digits(rest, 2)?;
    (hours < 24 && minutes < 60).then(|| sign * i64::from(hours * 60 + minutes))
}

fn mark(rest: &mut &[u8], byte: u8) -> Option<()> {
    *rest = rest.strip_prefix(&[byte])?;
    Some(())
}

fn digits(rest: &mut &[u8], count: usize) -> Option<u16> {
    let (found, after) = rest.split_at_checked(count)?;
    let number = found.iter().try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u16::from(byte - b'0')))?;
    *rest = after;
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(days: i32) -> Duration {
        Duration { days, ..Duration::default() }
    }

    fn months(months: i32) -> Duration {
        Duration { months, ..Duration::default() }
    }

    #[test]
    fn text_is_read_strictly_and_written_back() {
        for text in ["2026-11-20T09:30:00Z", "2026-11-20T09:30:00.123456Z", "0001-01-01T00:00:00Z"] {
            assert_eq!(parse_datetime(text).unwrap().to_string(), text);
        }
        assert_eq!(parse_datetime("2026-11-20T09:30+05:30").unwrap().to_string(), "2026-11-20T04:00:00Z");
        assert_eq!(parse_datetime("2026-11-20T09:30:00.1234560Z").unwrap().to_string(), "2026-11-20T09:30:00.123456Z");
        for text in
            ["2026-11-20T09:30:00.1234567Z", "2026-11-20T09:30:00", "2026-02-30T00:00Z", "2026-1-5T00:00Z", "0001-01-01T00:00+01:00"]
        {
            assert!(parse_datetime(text).is_err(), "{text}");
        }
        for text in ["2026-11-20T24:00Z", "2026-11-20T09:30:60Z", "2026-11-20T09:30:00.Z", "2026-11-20T09:30Zé", "", "9999-12-31T23:59Z"] {
            assert!(parse_datetime(text).is_err(), "{text}");
        }
        assert_eq!(parse_date("2026-02-30").unwrap_err().to_string(), "there is no `2026-02-30` on the calendar");
        assert!(parse_date("2026-2-3").is_err() && parse_date("0000-01-01").is_err());
        assert_eq!(parse_local("2026-11-20T09:30").unwrap().to_string(), "2026-11-20T09:30:00");
    }

    #[test]
    fn months_clamp_and_days_follow_the_zone() {
        let date = parse_date("2024-01-31").unwrap();
        assert_eq!(add_to_date(date, months(1)).unwrap().to_string(), "2024-02-29");
        assert_eq!(add_to_date(date, Duration { micros: -1, ..Duration::default() }).unwrap().to_string(), "2024-01-30");
        assert_eq!(add_to_date(parse_date("9999-12-31").unwrap(), days(1)), Err(Failure::OutOfRange));
        assert_eq!(add_to_date(parse_date("0001-01-01").unwrap(), days(-1)), Err(Failure::OutOfRange));
        assert_eq!(add_to_date(date, days(i32::MAX)), Err(Failure::OutOfRange));

        let vienna = TimeZone::get("Europe/Vienna").unwrap();
        let before = parse_datetime("2026-03-28T12:00+01:00").unwrap();
        assert_eq!(add_to_datetime(before, days(1), &vienna).unwrap(), parse_datetime("2026-03-29T12:00+02:00").unwrap());
        let hours = Duration { micros: 24 * 3_600_000_000, ..Duration::default() };
        assert_eq!(add_to_datetime(before, hours, &vienna).unwrap(), parse_datetime("2026-03-29T13:00+02:00").unwrap());
        assert_eq!(days_between(date, parse_date("2024-03-01").unwrap()), 30);
    }

    #[test]
    fn durations_compare_where_they_can() {
        let hours = Duration { micros: 24 * 3_600_000_000, ..Duration::default() };
        assert_eq!(compare(days(1), hours), Some(Ordering::Equal));
        assert_eq!(compare(months(1), months(12)), Some(Ordering::Less));
        assert_eq!(compare(months(1), days(30)), None);
        assert_eq!(multiply(days(2), -3), Ok(days(-6)));
        assert_eq!(multiply(days(2), i64::MAX), Err(Failure::OutOfRange));
    }

    #[test]
    fn durations_are_written_as_they_are_read() {
        for text in ["3 days", "1 year 2 months", "1 hour 30 minutes", "-2 days", "1 day 1 minute", "0 minutes"] {
            assert_eq!(duration_text(parse_duration(text).unwrap()), text);
        }
        assert_eq!(duration_text(Duration { micros: 1_500_000, ..Duration::default() }), "1.5 seconds");
        assert!(parse_duration("3").is_err() && parse_duration("").is_err() && parse_duration("3 moons").is_err());
    }
}
