//! Functions of dates and times, as a calendar and a clock in the organisation's time zone show them.

use jiff::civil::{Date, DateTime};

use super::Environment;
use crate::value::{Failure, Value, time};

type Computed = Result<Value, Failure>;

pub(super) fn year(arguments: &[Value], environment: &Environment<'_>) -> Computed {
    one(arguments, environment).map(|date| Value::Integer(date.year().into()))
}

pub(super) fn month(arguments: &[Value], environment: &Environment<'_>) -> Computed {
    one(arguments, environment).map(|date| Value::Integer(date.month().into()))
}

pub(super) fn day(arguments: &[Value], environment: &Environment<'_>) -> Computed {
    one(arguments, environment).map(|date| Value::Integer(date.day().into()))
}

pub(super) fn weekday(arguments: &[Value], environment: &Environment<'_>) -> Computed {
    one(arguments, environment).map(|date| Value::Integer(date.weekday().to_monday_one_offset().into()))
}

pub(super) fn hour(arguments: &[Value], environment: &Environment<'_>) -> Computed {
    match arguments {
        [value] => Ok(Value::Integer(clock(value, environment).ok_or(Failure::OutOfRange)?.hour().into())),
        _ => Err(Failure::OutOfRange),
    }
}

pub(super) fn days_between(arguments: &[Value], environment: &Environment<'_>) -> Computed {
    let [from, to] = arguments else { return Err(Failure::OutOfRange) };
    Ok(Value::Integer(time::days_between(date(from, environment)?, date(to, environment)?)))
}

fn one(arguments: &[Value], environment: &Environment<'_>) -> Result<Date, Failure> {
    match arguments {
        [value] => date(value, environment),
        _ => Err(Failure::OutOfRange),
    }
}

fn date(value: &Value, environment: &Environment<'_>) -> Result<Date, Failure> {
    match value {
        Value::Date(date) => Ok(*date),
        _ => clock(value, environment).map(|clock| clock.date()).ok_or(Failure::OutOfRange),
    }
}

fn clock(value: &Value, environment: &Environment<'_>) -> Option<DateTime> {
    match value {
        Value::DateTime(instant) => Some(environment.zone.to_datetime(*instant)),
        Value::LocalDateTime(local) => Some(*local),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::{Offset, TimeZone};

    use super::*;

    #[test]
    fn an_instant_is_read_in_the_zone() {
        let zone = TimeZone::fixed(Offset::constant(2));
        let environment = Environment::in_zone(&zone);
        let late = Value::DateTime("2025-12-31T23:30:00Z".parse().unwrap());
        let found: Vec<Computed> =
            [year, month, day, hour, weekday].map(|compute| compute(std::slice::from_ref(&late), &environment)).to_vec();
        assert_eq!(found, [2026, 1, 1, 1, 4].map(|part| Ok(Value::Integer(part))));
    }

    #[test]
    fn days_count_from_the_first_to_the_second() {
        let environment = Environment::in_zone(const { &TimeZone::UTC });
        let dates = ["2026-03-01", "2026-02-27"].map(|date| Value::Date(date.parse().unwrap()));
        assert_eq!(days_between(&dates, &environment), Ok(Value::Integer(-2)));
    }
}
