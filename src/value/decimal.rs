//! Exact arithmetic on decimals: every result is the true one, or a failure says why there is none.
//!
//! A decimal has at most 28 digits and at most 28 of them after the point. `rust_decimal` rounds without a word where
//! a result has more, so its operators are not used: the digits are computed here as integers, in 128 bits where
//! they fit and in 256 where they don't. Not for text (see `text.rs`) and not for integers, which are plain `i64`.
//!
//! Invariant: what a function here gives has fewer than 29 digits and is never minus zero.

use super::wide::Wide;
use super::{Decimal, Failure};

/// How many digits a quotient has after the point.
pub const DIVISION_SCALE: u32 = 10;

/// The first whole number with too many digits: 10²⁸.
pub(super) const LIMIT: u128 = 10_u128.pow(28);

/// The powers of ten that fit 128 bits, by exponent.
const POWERS: [u128; 39] = {
    let mut powers = [1; 39];
    let mut exponent = 1;
    while exponent < powers.len() {
        #[expect(clippy::indexing_slicing, reason = "the loop stays inside; this runs in the compiler")]
        let before: u128 = powers[exponent - 1];
        #[expect(clippy::indexing_slicing, reason = "the loop stays inside; this runs in the compiler")]
        let next = &mut powers[exponent];
        *next = before * 10;
        exponent += 1;
    }
    powers
};

/// The sum.
#[inline]
pub fn add(a: Decimal, b: Decimal) -> Result<Decimal, Failure> {
    let scale = a.scale().max(b.scale());
    match (aligned(a, scale), aligned(b, scale)) {
        (Some(one), Some(two)) => finish(one + two, scale),
        _ => add_wide(a, b, scale),
    }
}

/// The difference.
#[inline]
pub fn subtract(a: Decimal, b: Decimal) -> Result<Decimal, Failure> {
    add(a, -b)
}

/// The product.
#[inline]
pub fn multiply(a: Decimal, b: Decimal) -> Result<Decimal, Failure> {
    let scale = a.scale() + b.scale();
    match (i64::try_from(a.mantissa()), i64::try_from(b.mantissa())) {
        (Ok(one), Ok(two)) => finish(i128::from(one) * i128::from(two), scale),
        _ => {
            let product = Wide::product(a.mantissa().unsigned_abs(), b.mantissa().unsigned_abs());
            finish_wide(product, a.is_sign_negative() != b.is_sign_negative(), scale)
        }
    }
}

/// The quotient, rounded half to even at [`DIVISION_SCALE`] digits after the point.
pub fn divide(a: Decimal, b: Decimal) -> Result<Decimal, Failure> {
    if b.is_zero() {
        return Err(Failure::DivisionByZero);
    }
    let (above, below) = (a.mantissa().unsigned_abs(), b.mantissa().unsigned_abs());
    let negative = a.is_sign_negative() != b.is_sign_negative();
    let up = DIVISION_SCALE + b.scale();
    let Some(shift) = up.checked_sub(a.scale()) else {
        let Some(divisor) = below.checked_mul(power(a.scale() - up)) else { return Ok(Decimal::ZERO) };
        return finish_wide(Wide::from(half_even(above / divisor, above % divisor, divisor)), negative, DIVISION_SCALE);
    };
    if let Some(dividend) = above.checked_mul(power(shift)) {
        return finish_wide(Wide::from(half_even(dividend / below, dividend % below, below)), negative, DIVISION_SCALE);
    }
    let (quotient, rest) = Wide::product(above, power(shift)).divide(below);
    let up = half_even(quotient.low() & 1, rest, below) - (quotient.low() & 1);
    finish_wide(quotient.plus(Wide::from(up)), negative, DIVISION_SCALE)
}

/// What is left of `a` after taking out `b` as often as it goes in; it has the sign of `a`.
pub fn remainder(a: Decimal, b: Decimal) -> Result<Decimal, Failure> {
    if b.is_zero() {
        return Err(Failure::DivisionByZero);
    }
    let scale = a.scale().max(b.scale());
    let (above, below) = (a.mantissa().unsigned_abs(), b.mantissa().unsigned_abs());
    let rest = match below.checked_mul(power(scale - b.scale())) {
        None => above,
        Some(below) => Wide::product(above, power(scale - a.scale())).divide(below).1,
    };
    finish_wide(Wide::from(rest), a.is_sign_negative(), scale)
}

/// The number with at most so many digits after the point, rounded half to even as division is.
pub fn round(number: Decimal, scale: u32) -> Decimal {
    let Some(dropped) = number.scale().checked_sub(scale).filter(|dropped| *dropped > 0) else { return number };
    let (digits, unit) = (number.mantissa().unsigned_abs(), power(dropped));
    build(half_even(digits / unit, digits % unit, unit), number.is_sign_negative(), scale)
}

/// The number in units of its last allowed digit: 12.5 is 1250 at a scale of 2. None where a digit would be lost or it is too large.
#[inline]
pub fn to_scaled(number: Decimal, scale: u32) -> Option<i128> {
    let (digits, places) = (number.mantissa(), number.scale());
    if places <= scale {
        // Most numbers are short: a narrow product is a single instruction.
        return match (i64::try_from(digits), i64::try_from(power(scale - places))) {
            (Ok(digits), Ok(unit)) => Some(i128::from(digits) * i128::from(unit)),
            _ => digits.checked_mul(i128::try_from(power(scale - places)).ok()?),
        };
    }
    let unit = i128::try_from(power(places - scale)).ok()?;
    (digits % unit == 0).then(|| digits / unit)
}

/// The number that is so many units of its last digit. None where it has more than 28 digits.
#[inline]
pub fn from_scaled(units: i128, scale: u32) -> Option<Decimal> {
    (units.unsigned_abs() < LIMIT && scale <= Decimal::MAX_SCALE).then(|| build(units.unsigned_abs(), units < 0, scale))
}

/// 10ⁿ, or the largest number where that is too large.
#[inline]
fn power(exponent: u32) -> u128 {
    POWERS.get(exponent as usize).copied().unwrap_or(u128::MAX)
}

/// The digits of a number at a larger scale, where that is sure to fit.
#[inline]
fn aligned(number: Decimal, scale: u32) -> Option<i128> {
    let missing = scale - number.scale();
    if missing == 0 {
        return Some(number.mantissa());
    }
    let digits = i64::try_from(number.mantissa()).ok()?;
    i64::try_from(power(missing)).ok().map(|unit| i128::from(digits) * i128::from(unit))
}

fn add_wide(a: Decimal, b: Decimal, scale: u32) -> Result<Decimal, Failure> {
    let one = Wide::product(a.mantissa().unsigned_abs(), power(scale - a.scale()));
    let two = Wide::product(b.mantissa().unsigned_abs(), power(scale - b.scale()));
    match (a.is_sign_negative(), b.is_sign_negative()) {
        (left, right) if left == right => finish_wide(one.plus(two), left, scale),
        (left, _) if one >= two => finish_wide(one.minus(two), left, scale),
        (left, _) => finish_wide(two.minus(one), !left, scale),
    }
}

/// The quotient, one larger where the rest is more than half the divisor, or half and the quotient odd.
#[inline]
fn half_even(quotient: u128, rest: u128, divisor: u128) -> u128 {
    let other = divisor - rest;
    if rest > other || (rest == other && quotient & 1 == 1) { quotient + 1 } else { quotient }
}

#[inline]
fn finish(digits: i128, scale: u32) -> Result<Decimal, Failure> {
    if digits.unsigned_abs() < LIMIT && scale <= Decimal::MAX_SCALE {
        return Ok(build(digits.unsigned_abs(), digits < 0, scale));
    }
    finish_wide(Wide::from(digits.unsigned_abs()), digits < 0, scale)
}

/// The number of these digits, without the zeros at its end that there is no room for.
fn finish_wide(digits: Wide, negative: bool, scale: u32) -> Result<Decimal, Failure> {
    let (mut left, mut places) = (digits, scale);
    while left >= Wide::from(LIMIT) || places > Decimal::MAX_SCALE {
        let (shorter, digit) = left.divide_by_ten();
        if places == 0 || digit != 0 {
            return Err(too_long(digits, scale));
        }
        (left, places) = (shorter, places - 1);
    }
    Ok(build(left.low(), negative, places))
}

/// Whether there are too many digits before the point or only after it.
fn too_long(digits: Wide, scale: u32) -> Failure {
    let whole = (0..scale).fold(digits, |whole, _| whole.divide_by_ten().0);
    if whole >= Wide::from(LIMIT) { Failure::Overflow } else { Failure::Inexact }
}

#[inline]
fn build(digits: u128, negative: bool, scale: u32) -> Decimal {
    let word = |index: u32| (digits >> (32 * index)) as u32;
    Decimal::from_parts(word(0), word(1), word(2), negative && digits != 0, scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    #[test]
    fn a_digit_too_many_fails_and_a_zero_too_many_does_not() {
        let long = number("1234567890123456789012345.678");
        assert_eq!(add(long, number("0.0001")), Err(Failure::Inexact));
        assert_eq!(add(long, number("0.0000000000")), Ok(long));
        assert_eq!(multiply(number("9999999999999999999999999999"), number("10")), Err(Failure::Overflow));
        let tiny = number("0.0000000000000001");
        assert_eq!(multiply(tiny, tiny), Err(Failure::Inexact));
        // 5²⁰ · 2²⁰ is 10²⁰: its zeros appear only in the product.
        let (five, two) = (number("95367431640625"), number("0.00001048576"));
        assert_eq!(multiply(multiply(five, two).unwrap(), number("0.00000000000000000001")), Ok(number("0.00000000001")));
    }

    #[test]
    fn division_rounds_once_and_half_to_even() {
        assert_eq!(divide(number("1"), number("3")), Ok(number("0.3333333333")));
        assert_eq!(divide(number("0.00000000005"), number("1")), Ok(Decimal::ZERO));
        assert_eq!(divide(number("0.00000000015"), number("1")), Ok(number("0.0000000002")));
        // Rounded at 28 digits first, this one would look like a half.
        assert_eq!(divide(number("0.0000000001500000000000000001"), number("3")), Ok(number("0.0000000001")));
        assert_eq!(divide(number("1"), Decimal::ZERO), Err(Failure::DivisionByZero));
        assert_eq!(divide(number("100000000000000000000"), number("3")), Err(Failure::Inexact));
        assert_eq!(divide(number("9999999999999999999999999999"), number("0.1")), Err(Failure::Overflow));
    }

    #[test]
    fn remainders_have_the_sign_of_the_dividend() {
        assert_eq!(remainder(number("-7.5"), number("2")), Ok(number("-1.5")));
        assert_eq!(remainder(number("7"), number("-0.0000000000000000000000000003")), Ok(number("0.0000000000000000000000000001")));
        assert_eq!(remainder(number("1"), Decimal::ZERO), Err(Failure::DivisionByZero));
    }

    #[test]
    fn rounding_is_half_to_even_and_never_gives_minus_zero() {
        assert_eq!(round(number("2.345"), 2), number("2.34"));
        assert_eq!(round(number("2.355"), 2), number("2.36"));
        assert_eq!(round(number("-0.5"), 0).to_string(), "0");
        assert_eq!(round(number("2.3"), 2).to_string(), "2.3");
    }

    #[test]
    fn scaled_integers_hold_every_digit_or_refuse() {
        assert_eq!(to_scaled(number("12.5"), 2), Some(1250));
        assert_eq!(to_scaled(number("12.500"), 2), Some(1250));
        assert_eq!(to_scaled(number("12.505"), 2), None);
        assert_eq!(from_scaled(-1250, 2), Some(number("-12.5")));
        assert_eq!(from_scaled(i128::MAX, 2), None);
    }
}
