//! The little of SQL that a pull reads itself, for SQLite doesn't tell it: which columns a `CHECK` holds to a list of values.

/// A word of SQL.
#[derive(Clone, Debug, PartialEq)]
enum Word {
    /// A name, quoted in whatever way or not at all.
    Name(String),
    Text(String),
    Number(String),
    Sign(char),
}

/// A value of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    Text(String),
    Number(i32),
}

/// The columns that a statement holds to a list of values by `CHECK (column IN (…))`, in its order. A check that says more, or
/// lists anything but texts or whole numbers, is none of these.
pub(super) fn lists(statement: &str) -> Vec<(String, Vec<Literal>)> {
    let words = words(statement);
    let mut lists = Vec::new();
    for at in 0..words.len() {
        lists.extend(words.get(at..).and_then(list));
    }
    lists
}

fn list(words: &[Word]) -> Option<(String, Vec<Literal>)> {
    let is = |word: Option<&Word>, name: &str| matches!(word, Some(Word::Name(found)) if found.eq_ignore_ascii_case(name));
    let [check, Word::Sign('('), Word::Name(column), within, Word::Sign('('), rest @ ..] = words else { return None };
    if !is(Some(check), "check") || !is(Some(within), "in") {
        return None;
    }
    let end = rest.iter().position(|word| *word == Word::Sign(')'))?;
    if rest.get(end + 1) != Some(&Word::Sign(')')) {
        return None;
    }
    let mut values = Vec::new();
    for part in rest.get(..end)?.split(|word| *word == Word::Sign(',')) {
        values.push(match part {
            [Word::Text(text)] => Literal::Text(text.clone()),
            [Word::Number(number)] => Literal::Number(number.parse().ok()?),
            [Word::Sign('-'), Word::Number(number)] => Literal::Number(format!("-{number}").parse().ok()?),
            _ => return None,
        });
    }
    Some((column.clone(), values))
}

fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let closing = match letter {
            '\'' | '"' | '`' => Some(letter),
            '[' => Some(']'),
            _ => None,
        };
        if let Some(closing) = closing {
            let mut inner = String::new();
            while let Some(next) = letters.next() {
                if next == closing && (closing == ']' || letters.next_if_eq(&closing).is_none()) {
                    break;
                }
                inner.push(next);
            }
            words.push(if letter == '\'' { Word::Text(inner) } else { Word::Name(inner) });
        } else if letter == '-' && letters.next_if_eq(&'-').is_some() {
            letters.by_ref().find(|next| *next == '\n');
        } else if letter == '/' && letters.next_if_eq(&'*').is_some() {
            let mut star = false;
            letters.by_ref().find(|next| std::mem::replace(&mut star, *next == '*') && *next == '/');
        } else if letter.is_alphanumeric() || letter == '_' {
            let mut word = letter.to_string();
            while let Some(next) = letters.next_if(|next| next.is_alphanumeric() || "_.$".contains(*next)) {
                word.push(next);
            }
            words.push(if letter.is_ascii_digit() { Word::Number(word) } else { Word::Name(word) });
        } else if !letter.is_whitespace() {
            words.push(Word::Sign(letter));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_found_whatever_the_quotes_and_nothing_else_is() {
        let text = "CREATE TABLE t ( -- check (x in (1))
            [State] TEXT CHECK (\"State\" IN ('new', 'it''s', 'old')), n INT CHECK(n in(1,-2)), /* check (y in (3)) */
            m INT CHECK (m IN (1, 2) OR m > 9), k INT CHECK (k IN (1.5)), CHECK (`z` IN (SELECT 1)), q CHECK (q IN (1";
        let texts = ["new", "it's", "old"].map(|text| Literal::Text(text.into())).to_vec();
        let found = vec![("State".to_owned(), texts), ("n".to_owned(), vec![Literal::Number(1), Literal::Number(-2)])];
        assert_eq!(lists(text), found);
    }
}
