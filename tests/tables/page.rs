//! docs/existing-tables.md is walked: its tables are made, its files written, its commands run, and what comes of it is what stands there.

use super::Place;

#[test]
fn the_page_can_be_followed() {
    let mut lines = include_str!("../../docs/existing-tables.md").lines();
    let place = Place::with("");
    std::fs::create_dir(place.path("rules")).unwrap();
    let mut walked = 0;
    while let Some(line) = lines.next() {
        let Some(tag) = line.strip_prefix("```") else { continue };
        let text = lines.by_ref().take_while(|line| *line != "```").collect::<Vec<_>>().join("\n") + "\n";
        let (first, rest) = text.split_once('\n').unwrap();
        let shop = || rusqlite::Connection::open(place.path("shop.db")).unwrap();
        match tag {
            "sql" => shop().execute_batch(&text).unwrap(),
            "console" => {
                let said = place.weir(&first.strip_prefix("$ weir ").unwrap().split(' ').collect::<Vec<_>>());
                assert_eq!(untimed(&said.out), untimed(rest), "{first}: {}", said.err);
            }
            "result" => {
                let row = shop().query_row(first, [], |row| {
                    let cells: Vec<String> =
                        (0..4).map(|cell| row.get::<_, rusqlite::types::Value>(cell)).map(|cell| shown(cell.unwrap())).collect();
                    Ok(cells.join("|") + "\n")
                });
                assert_eq!(row.unwrap(), rest);
            }
            "flow file rules/tables.flow" => assert_eq!(std::fs::read_to_string(place.path("rules/tables.flow")).unwrap(), text),
            "flow more file rules/flows.flow" => std::fs::write(place.path("rules/flows.flow"), &text).unwrap(),
            other => panic!("a block that nobody walks: {other}"),
        }
        walked += 1;
    }
    assert_eq!(walked, 7);
}

fn shown(value: rusqlite::types::Value) -> String {
    match value {
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Text(text) => text,
        other => format!("{other:?}"),
    }
}

/// Without what a clock says.
fn untimed(text: &str) -> String {
    let told = |line: &&str| !(line.starts_with("in ") && line.ends_with("ms"));
    text.lines().filter(told).map(|line| line.split_once("  (").map_or(line, |(before, _)| before).to_owned() + "\n").collect()
}
