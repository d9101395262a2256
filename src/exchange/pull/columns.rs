//! From a column to the type of a field: by its declared type and what its rows hold. A type that would not fit either is never given.

use super::names::Names;
use super::quoted;
use super::sql::Literal;
use crate::schema::{MAX_DECIMAL_SCALE, MAX_MEMO, MAX_TEXT};
use crate::store::sqlite::inspect::{Affinity, Column, Found, affinity};

/// A type, and what there is to say about it.
pub(super) type Typed = (String, Option<&'static str>);

/// Why the rows of a table can't be records; nothing where they can.
pub(super) fn no_key(table: &Found) -> Option<String> {
    let Some(key) = table.keys.first() else { return Some("it has no key, so nothing says which of its rows is which".to_owned()) };
    let columns = || key.iter().filter_map(|column| table.columns.get(*column));
    let bad = columns().find(|column| column.generated || typed(column, None, true).is_err());
    bad.map(|column| format!("its key is {}, and a key is made of whole numbers, texts and uuids", super::shown(&column.name)))
}

/// Whether what one column holds can be found in another.
pub(super) fn same_class(one: &Column, other: &Column) -> bool {
    let class = |column: &Column| match typed(column, None, true).ok()?.0.split('(').next()? {
        "integer" | "bigint" => Some(0),
        "text" | "memo" => Some(1),
        "uuid" => Some(2),
        _ => None,
    };
    class(one).is_some() && class(one) == class(other)
}

/// The type of a column's field; else why it can have none.
pub(super) fn typed(column: &Column, list: Option<&[Literal]>, key: bool) -> Result<Typed, &'static str> {
    let (content, upper) = (&column.content, column.declared.to_ascii_uppercase());
    if column.generated {
        return Err("the database works it out");
    }
    let uuids = ["UUID", "GUID", "UNIQUEIDENTIFIER"].iter().any(|word| upper.contains(word));
    if content.blobs > 0 || (uuids || upper.contains("BLOB")) && content.texts + content.integers + content.reals == 0 {
        let whole = uuids && content.only([false, false, false, true]) && content.sixteens == content.blobs;
        return if whole { Ok(("uuid".to_owned(), None)) } else { Err("it holds bytes, which no field does") };
    }
    let list = list.filter(|_| !key);
    let affinity = affinity(&column.declared);
    let typed = match list {
        Some(list) => options(list, affinity),
        None => None,
    };
    let typed = typed.or_else(|| time(column, &upper).filter(|_| !key)).map(|ty| (ty, None));
    match typed {
        Some(typed) => Ok(typed),
        None => by_affinity(column, &upper, affinity, key),
    }
}

fn by_affinity(column: &Column, upper: &str, affinity: Affinity, key: bool) -> Result<Typed, &'static str> {
    let content = &column.content;
    match affinity {
        Affinity::Text | Affinity::Blob
            if content.only([false, false, true, false]) && (affinity == Affinity::Text || content.texts > 0) =>
        {
            Ok((text(column, upper), None))
        }
        Affinity::Text => Err("it holds other things than texts"),
        Affinity::Blob if content.texts + content.integers + content.reals == 0 => Err("it has no type, and holds nothing yet"),
        _ if content.texts > 0 => Err("it holds texts where it is declared to hold something else"),
        Affinity::Integer | Affinity::Blob if content.reals == 0 => Ok((integer(column, upper), None)),
        _ if key => Err("a key is no number with decimals"),
        Affinity::Real => Ok(("float".to_owned(), None)),
        _ => Ok(number(column, upper)),
    }
}

/// Whole numbers.
fn integer(column: &Column, upper: &str) -> String {
    if upper.contains("BOOL") && column.content.range.is_none_or(|(least, largest)| least >= 0 && largest <= 1) {
        return "boolean".to_owned();
    }
    let small = column.content.range.is_none_or(|(least, largest)| i32::try_from(least).is_ok() && i32::try_from(largest).is_ok());
    let big = upper.contains("BIGINT") || upper.contains("INT8");
    if small && !big { "integer" } else { "bigint" }.to_owned()
}

/// Numbers with decimals: exact, as long as what is there is.
fn number(column: &Column, upper: &str) -> Typed {
    const PLENTY: u32 = 4;
    let most = u32::from(MAX_DECIMAL_SCALE);
    let content = &column.content;
    if upper.contains("BOOL") && content.reals == 0 && content.range.is_none_or(|(least, largest)| least >= 0 && largest <= 1) {
        return ("boolean".to_owned(), None);
    }
    if content.decimals > most {
        return ("float".to_owned(), Some("holds numbers with more decimals than a `decimal` has, so it is a `float`"));
    }
    let (_, declared) = sizes(upper);
    if declared == Some(0) && content.reals == 0 {
        return (integer(column, upper), None);
    }
    (format!("decimal({})", declared.unwrap_or(PLENTY).max(content.decimals).min(most)), None)
}

fn text(column: &Column, upper: &str) -> String {
    let longest = u32::try_from(column.content.longest).unwrap_or(MAX_MEMO);
    match sizes(upper).0.filter(|size| (1..=MAX_TEXT).contains(size) && longest <= *size) {
        Some(size) => format!("text({size})"),
        None if longest <= MAX_TEXT && !upper.contains("CLOB") => format!("text({MAX_TEXT})"),
        None => format!("memo({MAX_MEMO})"),
    }
}

/// The numbers in `DECIMAL(10, 2)` or `VARCHAR(40)`.
fn sizes(upper: &str) -> (Option<u32>, Option<u32>) {
    let inner = upper.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(inner, _)| inner);
    let mut numbers = inner.split(',').map(|number| number.trim().parse().ok());
    let first = numbers.next().flatten();
    // `DECIMAL(10)` has no decimals.
    let scale = numbers.next().flatten().or(first.filter(|_| !upper.contains("CHAR")).map(|_| 0));
    (first, scale)
}

/// A date or a time, by what the rows hold, and by the declared type where there are none.
fn time(column: &Column, upper: &str) -> Option<String> {
    let content = &column.content;
    let told = upper.contains("DATE") || upper.contains("TIMESTAMP");
    if !told || !content.only([false, false, true, false]) {
        return None;
    }
    let date = if content.texts == 0 { !upper.contains("TIME") } else { content.dates == content.texts };
    let time = content.times == content.texts;
    (date || time).then(|| if date { "date" } else { "datetime" }.to_owned())
}

/// The options that a check lists.
fn options(list: &[Literal], affinity: Affinity) -> Option<String> {
    if affinity != Affinity::Text && matches!(list, [Literal::Number(0), Literal::Number(1)] | [Literal::Number(1), Literal::Number(0)]) {
        return Some("boolean".to_owned());
    }
    let options = named(list, affinity)?;
    let written: Vec<String> = options
        .iter()
        .map(|(name, code, label)| if label == name { format!("{name} = {code}") } else { format!("{name} = {code} {}", quoted(label)) })
        .collect();
    Some(format!("choice {{ {} }}", written.join(", ")))
}

/// Each value of a list as an option: name, code, label. Numbers are stored as codes, texts as labels.
fn named(list: &[Literal], affinity: Affinity) -> Option<Vec<(String, i32, String)>> {
    let (mut names, mut options) = (Names::default(), Vec::<(String, i32, String)>::new());
    for (index, literal) in list.iter().enumerate() {
        let option = match (literal, affinity) {
            (Literal::Text(text), Affinity::Text) if !text.is_empty() => (names.take(text), i32::try_from(index).ok()? + 1, text.clone()),
            (Literal::Number(code), Affinity::Integer | Affinity::Numeric) => {
                let name = names.take(&format!("value{code}"));
                (name.clone(), *code, name)
            }
            _ => return None,
        };
        if options.iter().any(|(_, code, label)| *code == option.1 || *label == option.2) {
            return None;
        }
        options.push(option);
    }
    (!options.is_empty()).then_some(options)
}

/// The default of a column's field; an error where the database has one that no declaration can say.
pub(super) fn default(column: &Column, ty: &str, list: Option<&[Literal]>) -> Result<Option<String>, ()> {
    let Some(written) = column.default.as_deref().map(str::trim) else { return Ok(None) };
    let upper = written.to_ascii_uppercase();
    let inner = written.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).map(|text| text.replace("''", "'"));
    if upper == "NULL" {
        return Ok(None);
    }
    if ty.starts_with("choice") {
        let options = list.and_then(|list| named(list, affinity(&column.declared))).unwrap_or_default();
        let is = |(_, code, label): &&(String, i32, String)| inner.as_ref() == Some(label) || code.to_string() == written;
        return options.iter().find(is).map(|(name, ..)| Some(name.clone())).ok_or(());
    }
    let number = written.parse::<f64>().is_ok() && written.bytes().all(|byte| byte.is_ascii_digit() || b".-".contains(&byte));
    let decimals = written.split_once('.').map_or(0, |(_, decimals)| decimals.trim_end_matches('0').len());
    let keeps = ty.strip_prefix("decimal(").and_then(|rest| rest.strip_suffix(')')).and_then(|scale| scale.parse().ok()).unwrap_or(0);
    let said = match (ty, inner) {
        ("boolean", _) if matches!(upper.as_str(), "0" | "FALSE") => Some("false".to_owned()),
        ("boolean", _) if matches!(upper.as_str(), "1" | "TRUE") => Some("true".to_owned()),
        ("datetime", _) if upper == "CURRENT_TIMESTAMP" => Some("now".to_owned()),
        ("date", _) if upper == "CURRENT_DATE" => Some("today".to_owned()),
        (ty, Some(text)) if ty.starts_with("text") || ty.starts_with("memo") => Some(quoted(&text)),
        (ty, None)
            if number && (ty == "float" || decimals <= keeps) && !ty.starts_with("text") && ty != "boolean" && !ty.starts_with("date") =>
        {
            Some(plain(written))
        }
        _ => None,
    };
    // What a check of the type itself would refuse.
    let small = ty != "integer" || written.parse::<i32>().is_ok();
    said.filter(|_| small && !ty.starts_with("memo") && !ty.starts_with("uuid")).map(Some).ok_or(())
}

/// A number as the language writes it.
fn plain(written: &str) -> String {
    let (sign, digits) = written.strip_prefix('-').map_or(("", written), |digits| ("-", digits));
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = if whole.is_empty() { "0" } else { whole };
    if decimals.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{decimals}") }
}

/// The word for what a foreign key does on delete, where it isn't what the lookup does anyway.
pub(super) fn on_delete(rule: &str, required: bool) -> Option<&'static str> {
    match rule.to_ascii_uppercase().as_str() {
        "CASCADE" => Some("cascade"),
        "SET NULL" | "SET DEFAULT" => None,
        _ if required => None,
        _ => Some("restrict"),
    }
}
