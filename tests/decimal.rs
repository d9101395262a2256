//! Decimal arithmetic against Python's `decimal`, which shares no code with ours: the extremes of every scale, each with
//! each, and random numbers. Without `python3` on the machine this reports that it was not run.

#![cfg(test)]

use std::io::Write;
use std::process::{Command, Stdio};

#[path = "support/not_run.rs"]
mod not_run;

use not_run::not_run;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use weir::value::{Decimal, decimal};

/// Reads `operation a b` a line and answers each with the exact result, or the failure, in the words of `answer`.
const ORACLE: &str = r#"
import sys
from decimal import Decimal, localcontext, ROUND_HALF_EVEN

LIMIT = 10 ** 28

def said(number):
    sign, digits, exponent = number.as_tuple()
    units = int("".join(map(str, digits)))
    while units and units % 10 == 0:
        units //= 10
        exponent += 1
    if units == 0:
        return "0"
    if abs(number) >= LIMIT:
        return "Overflow"
    if exponent > 0:
        units, exponent = units * 10 ** exponent, 0
    if units >= LIMIT or exponent < -28:
        return "Inexact"
    return f"{'-' if sign else ''}{units}e{exponent}"

with localcontext() as context:
    context.prec = 400
    for line in sys.stdin:
        operation, a, b = line.split()
        a, b = Decimal(a), Decimal(b)
        if operation in "/%" and b == 0:
            print("DivisionByZero")
        elif operation == "+":
            print(said(a + b))
        elif operation == "-":
            print(said(a - b))
        elif operation == "*":
            print(said(a * b))
        elif operation == "/":
            print(said((a / b).quantize(Decimal("1e-10"), rounding=ROUND_HALF_EVEN)))
        elif operation == "%":
            print(said(a % b))
        else:
            print(said(a.quantize(Decimal(1).scaleb(-int(b)), rounding=ROUND_HALF_EVEN)))
"#;

fn answer(operation: char, a: Decimal, b: Decimal) -> String {
    let result = match operation {
        '+' => decimal::add(a, b),
        '-' => decimal::subtract(a, b),
        '*' => decimal::multiply(a, b),
        '/' => decimal::divide(a, b),
        '%' => decimal::remainder(a, b),
        _ => Ok(decimal::round(a, b.mantissa() as u32)),
    };
    match result {
        Err(failure) => format!("{failure:?}"),
        Ok(number) => {
            assert!(number.mantissa().unsigned_abs() < 10_u128.pow(28), "{number} has too many digits");
            let short = number.normalize();
            if short.is_zero() {
                assert!(!number.is_sign_negative(), "minus zero");
                return "0".to_owned();
            }
            format!("{}e-{}", short.mantissa(), short.scale()).replace("e-0", "e0")
        }
    }
}

/// What Python says to these questions; none where there is no Python.
fn oracle(questions: &[(char, Decimal, Decimal)]) -> Option<Vec<String>> {
    let mut python = Command::new("python3").args(["-c", ORACLE]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let mut input = python.stdin.take().unwrap();
    let text: String = questions.iter().map(|(operation, a, b)| format!("{operation} {a} {b}\n")).collect();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

fn agree(questions: Vec<(char, Decimal, Decimal)>) {
    let Some(answers) = oracle(&questions) else {
        not_run("there is no python3 to hold decimals against");
        return;
    };
    assert_eq!(answers.len(), questions.len());
    for ((operation, a, b), expected) in questions.into_iter().zip(answers) {
        assert_eq!(answer(operation, a, b), expected, "{a} {operation} {b}");
    }
}

fn all_operations(a: Decimal, b: Decimal) -> impl Iterator<Item = (char, Decimal, Decimal)> {
    "+-*/%".chars().map(move |operation| (operation, a, b))
}

fn all_roundings(a: Decimal) -> impl Iterator<Item = (char, Decimal, Decimal)> {
    [0, 2, 4, 10, 27].into_iter().map(move |scale| ('r', a, Decimal::from(scale)))
}

#[test]
fn the_extremes_of_every_scale_agree_with_python() {
    let mut numbers = Vec::new();
    for scale in (0..=10).chain([19, 27, 28]) {
        for digits in
            [0, 1, 2, 3, 5, 15, 9_999_999_999, 9_223_372_036_854_775_807, 10_i128.pow(28) - 1, 5 * 10_i128.pow(27), 3 * 10_i128.pow(18) + 1]
        {
            let signed: &[i128] = if digits % 2 == 0 { &[1] } else { &[1, -1] };
            numbers.extend(signed.iter().map(|sign| Decimal::from_i128_with_scale(sign * digits, scale)));
        }
    }
    agree(numbers.iter().flat_map(|a| numbers.iter().flat_map(|b| all_operations(*a, *b)).chain(all_roundings(*a))).collect());
}

#[test]
fn random_numbers_agree_with_python() {
    // As many short numbers as long ones, so that every width of the arithmetic is met.
    let number = (0_u32..=93, any::<u128>(), any::<bool>(), 0_u32..=28).prop_map(|(bits, random, negative, scale)| {
        let digits = (random & ((1 << bits) - 1)) as i128 % 10_i128.pow(28);
        Decimal::from_i128_with_scale(if negative { -digits } else { digits }, scale)
    });
    let mut runner = TestRunner::deterministic();
    let mut next = || number.new_tree(&mut runner).unwrap().current();
    agree((0..8_000).flat_map(|_| all_operations(next(), next()).chain(all_roundings(next())).collect::<Vec<_>>()).collect());
}
