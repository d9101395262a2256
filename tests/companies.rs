//! 503 real companies go through `weir run --ops` into a SQLite file; outcomes, counts and stored values are held against
//! a computation that shares nothing with Weir but the numbers. Needs the corpus (`WEIR_CORPUS`, or `../shared/corpus`).

#![cfg(test)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/not_run.rs"]
mod not_run;

use corpus::corpus;

/// The real file, in the corpus.
const REAL: &str = "companies/constituents-financials.csv";

type Row = BTreeMap<String, String>;

/// The real file: nothing in it is refused, every row is classified and rated.
#[test]
fn every_real_company_is_saved_and_classified() {
    let Some(file) = corpus(REAL) else { return };
    hold(read(&file));
}

/// The same with every tenth sector taken out and every seventeenth price above its range.
#[test]
fn companies_that_make_no_sense_are_refused() {
    let Some(file) = corpus(REAL) else { return };
    let mut rows = read(&file);
    for (index, row) in rows.iter_mut().enumerate() {
        if index % 10 == 0 {
            row.insert("Sector".into(), String::new());
        }
        if index % 17 == 0 && !row["52 Week High"].is_empty() {
            row.insert("Price".into(), (number(&row["52 Week High"]).unwrap() + Decimal::ONE).to_string());
        }
    }
    hold(rows);
}

/// Saves the rows through the command and compares everything.
fn hold(rows: Vec<Row>) {
    let folder = tempfile::tempdir().unwrap();
    let (csv, database) = (folder.path().join("companies.csv"), folder.path().join("companies.db"));
    write(&csv, &rows);
    let expected: Vec<Option<(Option<i64>, i64)>> = rows.iter().map(judge).collect();
    let stopped = expected.iter().filter(|row| row.is_none()).count();

    let output = Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(["run", "examples/companies", "--entity", "company", "--format", "json", "--batch", "100", "--ops"])
        .arg(&csv)
        .arg("--store")
        .arg(format!("sqlite:{}", database.display()))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(if stopped > 0 { 3 } else { 0 }), "{}", String::from_utf8_lossy(&output.stderr));

    let lines: Vec<serde_json::Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), rows.len() + 1, "an outcome for every row, and a summary");
    for ((line, row), expected) in lines.iter().zip(&rows).zip(&expected) {
        let outcome = if expected.is_some() { "committed" } else { "stopped" };
        assert_eq!(line["outcome"], outcome, "{}: {line}", row["Symbol"]);
        if expected.is_none() {
            let reason = line["reason"].as_str().unwrap();
            assert!(reason.contains(&row["Name"]) || reason.contains(&row["Symbol"]), "the reason names the company: {reason}");
        }
    }

    let connection = rusqlite::Connection::open(&database).unwrap();
    let mut stored = connection.prepare("SELECT symbol, size, rating, marketcap, price FROM company").unwrap();
    let mut found = BTreeMap::new();
    let mut cursor = stored.query([]).unwrap();
    while let Some(row) = cursor.next().unwrap() {
        found
            .insert(row.get::<_, String>(0).unwrap(), (row.get(1).unwrap(), row.get(2).unwrap(), row.get(3).unwrap(), row.get(4).unwrap()));
    }
    assert_eq!(found.len(), rows.len() - stopped, "only what wasn't stopped is in the database");
    for (row, expected) in rows.iter().zip(&expected) {
        let Some((size, rating)) = expected else {
            assert!(!found.contains_key(&row["Symbol"]));
            continue;
        };
        let price = number(&row["Price"]).map(|price| (price * Decimal::from(100_000)).to_i64().unwrap());
        let cap = row["Market Cap"].parse::<i64>().ok();
        assert_eq!(found[&row["Symbol"]], (*size, *rating, cap, price), "{}", row["Symbol"]);
    }
    println!("{} rows: {} saved, {stopped} stopped", rows.len(), rows.len() - stopped);
}

/// What the flows should make of a row: its size and rating, or a refusal.
fn judge(row: &Row) -> Option<(Option<i64>, i64)> {
    let field = |name: &str| number(&row[name]);
    let outside =
        |price: Decimal| field("52 Week Low").is_some_and(|low| price < low) || field("52 Week High").is_some_and(|high| price > high);
    if row["Sector"].is_empty() || field("Price").is_some_and(outside) {
        return None;
    }
    let billions = |count: i64| Decimal::from(count * 1_000_000_000);
    let size = field("Market Cap").map(|cap| [2, 10, 200].iter().filter(|bound| cap >= billions(**bound)).count() as i64 + 1);
    let rating = match field("Earnings/Share") {
        None => 1,
        Some(earnings) if earnings < Decimal::ZERO => 1,
        Some(_) if field("Dividend Yield").is_some_and(|yield_| yield_ > Decimal::ZERO) && size >= Some(3) => 3,
        Some(_) => 2,
    };
    Some((size, rating))
}

fn number(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).ok()
}

fn read(file: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(file).unwrap();
    let header = reader.headers().unwrap().clone();
    let row = |record: csv::StringRecord| header.iter().map(String::from).zip(record.iter().map(String::from)).collect();
    reader.records().map(|record| row(record.unwrap())).collect()
}

fn write(file: &Path, rows: &[Row]) {
    let mut writer = csv::Writer::from_path(file).unwrap();
    writer.write_record(rows[0].keys()).unwrap();
    rows.iter().for_each(|row| writer.write_record(row.values()).unwrap());
    writer.flush().unwrap();
}

/// A machine without the corpus says which tests it doesn't run, though they end well.
#[test]
fn what_is_not_run_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("not-run");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["every_real_company", "--exact", "every_real_company_is_saved_and_classified"])
        .env("WEIR_CORPUS", folder.path())
        .env("WEIR_NOT_RUN", &list)
        .env("RUST_TEST_THREADS", "2")
        .output()
        .unwrap();
    let line = "not run: companies::every_real_company_is_saved_and_classified: the corpus isn't here (`WEIR_CORPUS` names its folder)\n";
    assert_eq!((output.status.success(), String::from_utf8(output.stderr).unwrap().as_str()), (true, line));
    assert_eq!(std::fs::read_to_string(list).unwrap(), line);
}
