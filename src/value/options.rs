//! Sets of options: one put in, one taken out. A set is held ascending and is never without options: then it is an empty value.

use super::Value;

/// The set with an option put in. An empty option is none.
pub fn with(set: &Value, option: &Value) -> Value {
    let Value::Choice(code) = option else { return set.clone() };
    let codes = codes(set);
    match codes.binary_search(code) {
        Ok(_) => set.clone(),
        Err(at) => {
            let (before, after) = codes.split_at(at);
            Value::Choices([before, &[*code], after].concat().into())
        }
    }
}

/// The set with an option taken out. An empty option is none.
pub fn without(set: &Value, option: &Value) -> Value {
    let Value::Choice(code) = option else { return set.clone() };
    let left: Vec<i32> = codes(set).iter().copied().filter(|other| other != code).collect();
    if left.is_empty() { Value::Empty } else { Value::Choices(left.into()) }
}

fn codes(set: &Value) -> &[i32] {
    if let Value::Choices(codes) = set { codes } else { &[] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_stays_in_order_and_is_empty_without_options() {
        let set = |codes: &[i32]| Value::Choices(codes.into());
        let one = Value::Choice;
        assert_eq!(with(&Value::Empty, &one(3)), set(&[3]));
        assert_eq!(with(&set(&[1, 5]), &one(3)), set(&[1, 3, 5]));
        assert_eq!(with(&set(&[1, 5]), &one(5)), set(&[1, 5]));
        assert_eq!(with(&set(&[1]), &Value::Empty), set(&[1]));
        assert_eq!(without(&set(&[1, 5]), &one(1)), set(&[5]));
        assert_eq!(without(&set(&[5]), &one(5)), Value::Empty);
        assert_eq!(without(&Value::Empty, &one(5)), Value::Empty);
        assert_eq!(without(&set(&[5]), &one(1)), set(&[5]));
    }
}
