//! The types that expressions have, and what may be empty: each expression in a flow of its own, by a `let`.

#![cfg(test)]

use weir::check::{built_in, check};
use weir::diagnostic::Severity;
use weir::source::Sources;
use weir::syntax::parse;

const ENTITIES: &str = "
choice Rating { hot = 1, cold = 2 }
entity deal {
  name   text(100) required
  whole  integer required
  big    bigint required
  rate   decimal(3) required
  price  money required
  cost   money(2)
  ratio  float required
  rating choice Rating
  due    date required
  since  datetime required
  clock  datetime local required
  parent lookup deal
  head   lookup deal required
}
";

/// The type of an expression as the checker tells it, a `?` behind it where it may be empty; or the codes of what is wrong.
fn type_of(expression: &str) -> String {
    let mut sources = Sources::default();
    let built_in = built_in(&mut sources);
    let text = format!("{ENTITIES}\nflow Subject on deal {{ trigger update(name) let x = {expression} }}");
    let file = sources.add("case.flow", text);
    let (tree, mut problems) = parse(&sources, file);
    let checked = check(&[built_in, tree]);
    problems.extend(checked.diagnostics);
    problems.retain(|problem| problem.severity() == Severity::Error);
    match checked.flows.first().and_then(|flow| flow.locals.first()) {
        Some(local) if problems.is_empty() => format!("{:?}{}", local.ty, if local.optional { "?" } else { "" }),
        _ => problems.iter().map(|problem| problem.code.name()).collect::<Vec<_>>().join(" "),
    }
}

fn hold(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(expression, expected)| (expression, expected, type_of(expression)))
        .filter(|(_, expected, found)| *expected != found)
        .map(|(expression, expected, found)| format!("{expression}: {found}, not {expected}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn numbers_mix_upwards_and_carry_their_decimals() {
    hold(&[
        ("whole + 1", "Integer"),
        ("whole + big", "BigInt"),
        ("whole + 3000000000", "BigInt"),
        ("whole + rate", "Decimal(3)"),
        ("rate + 0.12345", "Decimal(5)"),
        ("rate * 0.5", "Decimal(4)"),
        ("rate * rate * rate", "Decimal(9)"),
        ("price + rate", "Money(4)"),
        ("price * rate", "Money(7)"),
        ("rate * price", "Money(7)"),
        ("price / 2", "Money(10)"),
        ("price / price", "Decimal(10)"),
        ("whole / 2", "Decimal(10)"),
        ("whole % 7", "Integer"),
        ("ratio * 2 + ratio", "Float"),
        ("-rate", "Decimal(3)"),
        ("-2147483648", "Integer"),
        ("-9223372036854775808", "BigInt"),
        ("10 / 4", "Decimal(1)"),
        ("2 * 3", "Integer"),
        ("2147483647 + 1", "BigInt"),
    ]);
}

#[test]
fn emptiness_goes_where_it_comes_from() {
    hold(&[
        ("cost", "Money(2)?"),
        ("cost ?? 0", "Money(2)"),
        ("cost ?? parent.cost", "Money(2)?"),
        ("cost ?? price", "Money(4)"),
        ("parent.name", "Text?"),
        ("head.name", "Text"),
        ("head.parent.name", "Text?"),
        ("head.head.head.price", "Money(4)"),
        ("old.name", "Text"),
        ("old.cost", "Money(2)?"),
        ("cost > 3", "Boolean"),
        ("cost == parent.cost", "Boolean"),
        ("\"{cost}\"", "Text"),
        ("text(cost)", "Text"),
        ("rating ?? hot", "Choice(ChoiceId(0))"),
        ("Rating.hot", "Choice(ChoiceId(0))"),
        ("cost + 1", "E0501"),
        ("abs(cost)", "E0501"),
    ]);
}

#[test]
fn times_shift_and_lengths_add_up() {
    hold(&[
        ("due + 3 days", "Date"),
        ("due - 1 year", "Date"),
        ("since + 1.5 hours", "DateTime"),
        ("clock - 2 weeks", "LocalDateTime"),
        ("now - since", "Duration"),
        ("now - since + 1 day", "Duration"),
        ("whole * 1 day", "Duration"),
        ("1 month * whole", "Period"),
        ("-(now - since)", "Duration"),
        ("days_between(due, since)", "Integer"),
        ("due - due", "E0414"),
        ("1 day + 1 month", "E0414"),
    ]);
}

#[test]
fn functions_give_the_type_of_what_they_get() {
    hold(&[
        ("round(rate)", "BigInt"),
        ("round(price, 2)", "Money(2)"),
        ("round(price, whole)", "Money(4)"),
        ("round(rate, 9)", "Decimal(3)"),
        ("round(whole, 2)", "Integer"),
        ("floor(price)", "BigInt"),
        ("abs(whole)", "BigInt"),
        ("abs(rate)", "Decimal(3)"),
        ("min(whole, rate)", "Decimal(3)"),
        ("max(price, rate, 0.123456)", "Money(6)"),
        ("min(due, today)", "Date"),
        ("max(\"a\", name)", "Text"),
        ("length(name)", "Integer"),
        ("same_text(name, \"x\")", "Boolean"),
        ("changed(name)", "Boolean"),
    ]);
}
