//! Schemas that lose something, schemas that grow, and settings.

use std::fs;

use weir::project::Compiled;

use crate::place::{LIMIT, OLD, POOR, Place, SCHEMA, steps};

#[test]
fn a_schema_that_a_deployed_flow_does_not_fit_is_refused_before_anything_is_written() {
    let place = Place::deployed(&format!("{SCHEMA}{LIMIT}{OLD}"));
    let less = SCHEMA
        .replace("  revenue money\n", "  debt    money\n")
        .replace(", cold = 3", "")
        .replace("  title text(100) required", "  text_ text(100) required");
    place.project(&format!("{less}{}", LIMIT.replace("revenue", "debt")));
    let said = place.refused(&["deploy", "p", "--store", "sqlite:s.db"], "S0208");
    for missing in ["`Old` (rules.flow:23)", "`account.revenue`", "the option `cold` of `account.rating`", "`note.title`"] {
        assert!(said.contains(missing), "{missing}: {said}");
    }
    assert_eq!(place.ran(POOR), ["Limit", "Old"]);
    place.life("deactivate", "Old");
    let told = place.deploy();
    assert_eq!(steps(&told), ["changed schema", "changed Limit", "kept Old (not active)"]);
    place.refused(&["activate", "Old", "--store", "sqlite:s.db"], "S0208");
    assert_eq!(place.ran(&POOR.replace("revenue", "debt").replace("cold", "hot")), ["Limit"]);
}

#[test]
fn a_schema_that_grew_disturbs_nothing() {
    let place = Place::deployed(&format!("{SCHEMA}{LIMIT}{OLD}"));
    let more = SCHEMA
        .replace("entity account {", "entity aaa { x text(9) required }\n\nentity account {\n  first   text(10)")
        .replace("hot = 1,", "new = 9, hot = 1,");
    place.project(&format!("{more}{LIMIT}"));
    assert_eq!(steps(&place.deploy()), ["changed schema", "unchanged Limit", "kept Old"]);
    assert_eq!((place.activations("Limit"), place.ran(POOR)), (vec![1], vec!["Limit".to_owned(), "Old".to_owned()]));
}

#[test]
fn settings_come_along() {
    let place =
        Place::of(&format!("{SCHEMA}\nflow Zone on account {{\n  trigger create\n\n  set name = \"{{hour(now)}} {{url(this)}}\"\n}}\n"));
    fs::write(place.path("p/weir.toml"), "timezone = \"Asia/Tokyo\"\nurl = \"https://crm.example.com\"\n[limits]\ndepth = 2\n").unwrap();
    place.deploy();
    let compiled = Compiled::from_store(&place.url()).unwrap();
    let zone = compiled.config.zone.as_ref().and_then(|zone| zone.iana_name());
    assert_eq!(
        (zone, compiled.config.url.as_deref(), compiled.config.depth),
        (Some("Asia/Tokyo"), Some("https://crm.example.com"), Some(2))
    );
    assert_eq!(compiled.config.store, Some(place.url()));
}
