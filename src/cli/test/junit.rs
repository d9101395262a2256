//! The outcome of tests as a JUnit document, for whoever shows the tests of a build: a suite a file, a case a test.
//!
//! Only what the schema of such documents knows is written, in its order, and only characters that XML can hold.

use std::fmt::Write as _;
use std::time::Duration;

use super::runner::{Done, Ending};
use super::why;
use crate::project::Project;

/// The whole document.
pub(super) fn document(tests: &[Done], project: &Project, took: Duration) -> String {
    let mut files: Vec<(&str, Vec<&Done>)> = Vec::new();
    for test in tests {
        let file = project.sources.get(test.report.span.file).map_or("", |file| &*file.name);
        match files.iter_mut().find(|(name, _)| *name == file) {
            Some((_, tests)) => tests.push(test),
            None => files.push((file, vec![test])),
        }
    }
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all: Vec<&Done> = tests.iter().collect();
    let _ = writeln!(text, "<testsuites name=\"weir\"{}>", counts(&all, took));
    for (file, tests) in files {
        let took = tests.iter().map(|test| test.took).sum();
        let skipped = tests.iter().filter(|test| test.ending == Ending::Skipped).count();
        let _ = writeln!(text, "  <testsuite name=\"{}\"{} skipped=\"{skipped}\">", escaped(file), counts(&tests, took));
        tests.iter().for_each(|test| case(test, file, project, &mut text));
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>");
    text
}

fn case(test: &Done, file: &str, project: &Project, text: &mut String) {
    let name = escaped(&test.report.name);
    let head = format!("    <testcase name=\"{name}\" classname=\"{}\" time=\"{}\"", escaped(file), seconds(test.took));
    let _ = match test.ending {
        Ending::Passed => writeln!(text, "{head}/>"),
        Ending::Skipped => {
            let reason = escaped(test.report.skipped.as_deref().unwrap_or_default());
            writeln!(text, "{head}>\n      <skipped message=\"{reason}\"/>\n    </testcase>")
        }
        Ending::Failed => {
            let message = test.report.failure.as_ref().map_or("", |failure| &failure.message);
            let whole = escaped(&why::message(&test.report, project));
            writeln!(text, "{head}>\n      <failure message=\"{}\" type=\"expect\">{whole}</failure>\n    </testcase>", escaped(message))
        }
    };
}

/// The attributes that count.
fn counts(tests: &[&Done], took: Duration) -> String {
    let count = |ending: Ending| tests.iter().filter(|test| test.ending == ending).count();
    format!(" tests=\"{}\" failures=\"{}\" errors=\"0\" time=\"{}\"", tests.len(), count(Ending::Failed), seconds(took))
}

fn seconds(time: Duration) -> String {
    format!("{}.{:06}", time.as_secs(), time.subsec_micros())
}

/// A text within a document, in an attribute or between tags.
fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(written, "&#{};", letter as u32);
            }
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => written.push('\u{fffd}'),
            _ => written.push(letter),
        }
    }
    written
}
