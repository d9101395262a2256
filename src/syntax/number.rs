//! Numbers and dates in a text: how far one goes, and whether it is well formed. Signs are not part of them.

use super::token::{Bad, Token};

/// The token and length of what starts with a digit.
pub(super) fn scan(text: &str) -> (Token, usize) {
    let bytes = text.as_bytes();
    if let Some(length) = date_length(bytes) {
        return (date_token(text.get(..length).unwrap_or_default()), length);
    }
    let at = |index: usize| bytes.get(index).copied().unwrap_or(b' ');
    let mut end = run(bytes, 0, |byte| byte.is_ascii_digit() || byte == b'_');
    let mut good = digits_are_good(bytes, 0, end);
    if at(end) == b'.' && at(end + 1).is_ascii_digit() {
        let fraction = end + 1;
        end = run(bytes, fraction, |byte| byte.is_ascii_digit() || byte == b'_');
        good &= digits_are_good(bytes, fraction, end);
    }
    if at(end).is_ascii_alphabetic() || at(end) == b'_' {
        end = run(bytes, end, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
        good = false;
    }
    if at(end) == b'.' && at(end + 1) != b'.' {
        end += 1;
        good = false;
    }
    (if good { Token::Number } else { Token::Bad(Bad::Number) }, end)
}

fn run(bytes: &[u8], from: usize, holds: impl Fn(u8) -> bool) -> usize {
    from + bytes.iter().skip(from).take_while(|byte| holds(**byte)).count()
}

fn digits_are_good(bytes: &[u8], start: usize, end: usize) -> bool {
    let digits = bytes.get(start..end).unwrap_or_default();
    digits.last() != Some(&b'_') && !digits.windows(2).any(|pair| pair == b"__")
}

/// How long the date is that starts here, if four digits, a hyphen, digits, a hyphen and a digit do.
fn date_length(bytes: &[u8]) -> Option<usize> {
    let digit = |byte: u8| byte.is_ascii_digit();
    let month = 5;
    if run(bytes, 0, digit) != 4 || bytes.get(4) != Some(&b'-') {
        return None;
    }
    let month_end = run(bytes, month, digit);
    let day = month_end + 1;
    if !(month + 1..=month + 2).contains(&month_end)
        || bytes.get(month_end) != Some(&b'-')
        || !bytes.get(day).is_some_and(u8::is_ascii_digit)
    {
        return None;
    }
    let day_end = run(bytes, day, digit);
    let mut end = run(bytes, day_end, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'));
    if end > day_end {
        if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
            end = run(bytes, end + 1, |byte| byte.is_ascii_alphanumeric());
        }
        if matches!(bytes.get(end), Some(b'+' | b'-')) && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
            end = run(bytes, end + 1, |byte| digit(byte) || byte == b':');
        }
    }
    Some(end)
}

fn date_token(text: &str) -> Token {
    if !date_form(text.as_bytes()) {
        return Token::Bad(Bad::DateForm);
    }
    let good = match text.len() {
        10 => text.parse::<jiff::civil::Date>().is_ok(),
        _ if has_offset(text) => text.parse::<jiff::Timestamp>().is_ok(),
        _ => text.parse::<jiff::civil::DateTime>().is_ok(),
    };
    if good { Token::Date } else { Token::Bad(Bad::DateValue) }
}

/// Whether a date or time says its offset from UTC.
pub(super) fn has_offset(text: &str) -> bool {
    text.ends_with('Z') || text.get(10..).is_some_and(|time| time.contains(['+', '-']))
}

/// Whether the text has the form of the grammar's `date` or `datetime`.
fn date_form(bytes: &[u8]) -> bool {
    let is = |at: usize, pattern: &[u8]| {
        pattern.iter().zip(bytes.iter().skip(at)).filter(|(p, b)| if **p == b'0' { b.is_ascii_digit() } else { p == b }).count()
            == pattern.len()
    };
    if bytes.len() == 10 {
        return is(0, b"0000-00-00");
    }
    if !is(0, b"0000-00-00T00:00") {
        return false;
    }
    let mut end = 16;
    if is(end, b":00") {
        end += 3;
        if is(end, b".0") {
            end = run(bytes, end + 1, |byte| byte.is_ascii_digit());
        }
    }
    let offset = if is(end, b"Z") {
        1
    } else if is(end, b"+00:00") || is(end, b"-00:00") {
        6
    } else {
        0
    };
    end + offset == bytes.len()
}
