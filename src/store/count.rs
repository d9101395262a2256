//! Dates and times as databases count them: days or microseconds since the beginning of 1970. Only the years 1 to 9999 are any of ours.

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Span, Timestamp};

use crate::value::time;

const DAY: Date = Date::constant(1970, 1, 1);
const MOMENT: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// The days up to a date.
pub(super) fn days(date: Date) -> i64 {
    date.duration_since(DAY).as_hours() / 24
}

/// The microseconds up to a moment on the clock.
pub(super) fn micros(local: DateTime) -> Option<i64> {
    i64::try_from(local.duration_since(MOMENT).as_micros()).ok()
}

/// The date after so many days.
pub(super) fn date(days: i64) -> Option<Date> {
    let date = DAY.checked_add(Span::new().try_days(days).ok()?).ok()?;
    (date.year() >= 1).then_some(date)
}

/// The instant after so many microseconds.
pub(super) fn instant(micros: i64) -> Option<Timestamp> {
    time::in_years(Timestamp::from_microsecond(micros).ok()?).ok()
}

/// The moment on the clock after so many microseconds.
pub(super) fn local(micros: i64) -> Option<DateTime> {
    MOMENT.checked_add(SignedDuration::from_micros(micros)).ok().filter(|local| local.year() >= 1)
}
