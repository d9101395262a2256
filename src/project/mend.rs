//! The fixes of diagnostics, applied to the texts of a project.
//!
//! Fixes that don't touch each other are applied together, then the project is checked again, and so on until nothing is left to
//! apply. A text keeps only what does it good: where it could be read before it can be read after, and it has no new errors.
//! Nothing is written here.

use std::collections::BTreeMap;

use super::{Project, files};
use crate::diagnostic::{Code, Diagnostic, Edit, Severity};
use crate::source::{FileId, Sources};

/// How often a project is mended and checked again.
const ROUNDS: usize = 10;

/// How many fixes of one text are tried one by one, where all of them together do it no good.
const SINGLES: usize = 50;

/// A project whose diagnostics were mended as far as they can be.
#[derive(Debug)]
pub struct Mended {
    /// The project as it is now.
    pub project: Project,
    /// What was changed, in order.
    pub changes: Vec<Change>,
}

/// A fix that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The name of the file.
    pub file: String,
    /// The line, from 1, as it was when the fix was applied.
    pub line: usize,
    /// What was mended.
    pub code: Code,
    /// The lines before.
    pub before: String,
    /// The lines after.
    pub after: String,
}

impl Mended {
    /// The texts that differ now, by name.
    pub fn texts(&self) -> Vec<(&str, &str)> {
        let changed = |name: &str| self.changes.iter().any(|change| change.file == name);
        self.project.sources.iter().filter(|(_, file)| changed(&file.name)).map(|(_, file)| (&*file.name, &*file.text)).collect()
    }
}

impl Project {
    /// Applies the fixes of its diagnostics.
    pub fn mend(self) -> Mended {
        let mut mended = Mended { project: self, changes: Vec::new() };
        for _ in 0..ROUNDS {
            let fixes = fixes(&mended.project);
            let mut changed = false;
            for (file, fixes) in fixes {
                changed |= mended.text(file, &fixes);
            }
            if !changed {
                break;
            }
        }
        mended
    }
}

/// The fixes of the project's own texts, by file and in the order of their places.
fn fixes(project: &Project) -> BTreeMap<FileId, Vec<Diagnostic>> {
    let mut found: BTreeMap<FileId, Vec<Diagnostic>> = BTreeMap::new();
    for diagnostic in project.diagnostics.iter().filter(|diagnostic| !diagnostic.fix.is_empty()) {
        let Some(file) = diagnostic.fix.first().map(|edit| edit.span.file) else { continue };
        let own = project.sources.get(file).is_some_and(|source| source.name.ends_with(".flow") || source.name.starts_with("<stdin"));
        if own && diagnostic.fix.iter().all(|edit| edit.span.file == file) && !is_unreadable(project, file) {
            found.entry(file).or_default().push(diagnostic.clone());
        }
    }
    found
}

/// Whether the text here isn't what is in the file: bytes that are no text would be lost.
fn is_unreadable(project: &Project, file: FileId) -> bool {
    let of_bytes = |diagnostic: &&Diagnostic| matches!(diagnostic.code, Code::E0002 | Code::E0003 | Code::E0004);
    project.diagnostics.iter().filter(of_bytes).any(|diagnostic| diagnostic.span().is_some_and(|span| span.file == file))
}

impl Mended {
    /// Applies fixes of one text, all that go together if that does it good, else each that does. Says whether anything changed.
    fn text(&mut self, file: FileId, fixes: &[Diagnostic]) -> bool {
        let together = compatible(fixes);
        if self.attempt(file, &together) {
            return true;
        }
        let tried = if together.len() > 1 { together } else { Vec::new() };
        tried.iter().take(SINGLES).any(|fix| self.attempt(file, std::slice::from_ref(fix)))
    }

    fn attempt(&mut self, file: FileId, fixes: &[&Diagnostic]) -> bool {
        let Some(text) = self.project.sources.get(file).and_then(|source| applied(&source.text, fixes)) else { return false };
        let project = self.project.with_text(file, &text);
        let first = fixes.iter().flat_map(|fix| &fix.fix).map(|edit| edit.span.start).min().unwrap_or(0);
        if !is_better(&self.project, &project, file, first) {
            return false;
        }
        let changes: Vec<Change> = fixes.iter().filter_map(|fix| change(&self.project.sources, fix)).collect();
        self.changes.extend(changes);
        self.project = project;
        true
    }
}

/// The fixes that don't touch each other, the first of those that do.
fn compatible(fixes: &[Diagnostic]) -> Vec<&Diagnostic> {
    let mut taken: Vec<&Edit> = Vec::new();
    let mut chosen = Vec::new();
    for fix in fixes {
        let apart = |edit: &Edit| taken.iter().all(|other| edit.span.end < other.span.start || other.span.end < edit.span.start);
        if fix.fix.iter().all(apart) {
            taken.extend(&fix.fix);
            chosen.push(fix);
        }
    }
    chosen
}

/// A text after some fixes; none where they don't fit it.
fn applied(text: &str, fixes: &[&Diagnostic]) -> Option<String> {
    let mut edits: Vec<&Edit> = fixes.iter().flat_map(|fix| &fix.fix).collect();
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut mended = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        mended.push_str(text.get(at..edit.span.start as usize)?);
        mended.push_str(&edit.text);
        at = edit.span.end as usize;
    }
    mended.push_str(text.get(at..)?);
    (mended != text).then_some(mended)
}

/// Whether a text can be read better than before, or as well with fewer errors. Where a mistake hid another one behind it in its
/// statement, the other one counts as found.
fn is_better(before: &Project, after: &Project, file: FileId, first: u32) -> bool {
    let (old, new) = (errors(before, file), errors(after, file));
    let unread = |errors: &[&Diagnostic]| errors.iter().filter(|error| error.code.name().starts_with("E01")).count();
    let (was, is) = (unread(&old), unread(&new));
    let known = |error: &&&Diagnostic| !old.iter().any(|other| (other.code, &other.message) == (error.code, &error.message));
    match was {
        0 => is == 0 && new.len() <= old.len(),
        _ if is == was => new.iter().filter(known).all(|error| error.span().is_none_or(|span| span.start >= first)),
        _ => is < was,
    }
}

/// The errors of one text.
fn errors(project: &Project, file: FileId) -> Vec<&Diagnostic> {
    let own = |error: &&Diagnostic| error.severity() == Severity::Error && error.span().is_some_and(|span| span.file == file);
    project.diagnostics.iter().filter(own).collect()
}

/// A fix in words: the lines that it is about, before and after.
fn change(sources: &Sources, fix: &Diagnostic) -> Option<Change> {
    let file = sources.get(fix.fix.first()?.span.file)?;
    let start = fix.fix.iter().map(|edit| edit.span.start).min()?;
    let end = fix.fix.iter().map(|edit| edit.span.end).max()?;
    let line = file.position(start).line;
    let from = file.line_start(line);
    let last = file.position(end).line;
    let to = file.line_start(last) + file.line(last)?.len();
    let whole = applied(&file.text, &[fix])?;
    let behind = whole.len() - (file.text.len() - to.max(end as usize));
    let trimmed = |text: Option<&str>| text.map(|text| text.trim().to_owned());
    Some(Change {
        file: file.name.to_string(),
        line,
        code: fix.code,
        before: trimmed(file.text.get(from..to))?,
        after: trimmed(whole.get(from..behind)).unwrap_or_default(),
    })
}

impl Project {
    /// The project with another text in the place of one of its own.
    fn with_text(&self, changed: FileId, text: &str) -> Project {
        let own = self.sources.iter().skip(1).filter(|(_, file)| &*file.name != super::CONFIG);
        let texts = own.map(|(id, file)| {
            let text = if id == changed { text } else { &file.text };
            files::Text { name: file.name.to_string(), bytes: text.as_bytes().to_vec(), line: 1 }
        });
        Project { config: self.config.clone(), ..Project::of(texts.collect()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text after mending, and the lines that were changed.
    fn mended(text: &str) -> (String, Vec<String>) {
        let mended = Project::from_text("a.flow", text).mend();
        let lines =
            mended.changes.iter().map(|change| format!("{} {}: {} → {}", change.line, change.code.name(), change.before, change.after));
        (mended.project.sources.iter().nth(1).unwrap().1.text.to_string(), lines.collect())
    }

    const HEAD: &str = "entity a { name text(9) required onhold boolean size choice { small = 1, large = 2 } }\n";

    #[test]
    fn slips_are_mended_until_nothing_is_left() {
        let (text, changes) = mended(&format!(
            "{HEAD}flow F on a {{\n  triger update(name);\n  onhold = true\n  if name = 'x' && onhld {{ throw \"no\" }}\n}}\n"
        ));
        assert_eq!(
            text,
            format!(
                "{HEAD}flow F on a {{\n  trigger update(name)\n  set onhold = true\n  if name == \"x\" and onhold {{ stop \"no\" }}\n}}\n"
            )
        );
        assert!(changes.contains(&"4 E0109: onhold = true → set onhold = true".to_owned()), "{changes:#?}");
        assert_eq!(mended(&text), (text.clone(), vec![]), "mending is done once");
    }

    #[test]
    fn arms_are_added() {
        let (text, _) = mended(&format!("{HEAD}flow F on a {{\n  trigger update(name)\n  match size {{\n    small => {{}}\n  }}\n}}\n"));
        assert!(text.contains("small => {}\n    large, empty => {}\n  }"), "{text}");
    }

    #[test]
    fn what_would_not_be_better_is_left_alone() {
        let bytes = Project::from_text("a.flow", b"flow F on a { triger create }\n// \xff\n".to_vec()).mend();
        assert_eq!(bytes.changes, []);
        let fine = mended(&format!("{HEAD}flow F on a {{ trigger update(name) }}\n"));
        assert_eq!(fine.1, Vec::<String>::new());
    }
}
